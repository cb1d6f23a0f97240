/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_OVERFLOW_CANCEL,
  QUERN_OVERFLOW_RAISE,
  QUERN_OVERFLOW_LEAVE_OUT,
  QUERN_OVERFLOW_SUMMARISE,
  QUERN_OVERFLOW_N_CHOICES
} QuernOverflowChoice;

typedef void (*QuernOverflowFunc) (QuernChatSession *session, QuernOverflowChoice choice, const QuernOverflowPlan *plan,
                                   gpointer user_data);

void quern_overflow_dialog_present (GtkWidget *parent, QuernChatSession *session, const QuernOverflowPlan *plan,
                                    QuernOverflowFunc func, gpointer user_data);

G_END_DECLS
