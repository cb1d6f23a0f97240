/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-message.h"

G_BEGIN_DECLS

#define QUERN_TYPE_ANSWER_ROW (quern_answer_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernAnswerRow, quern_answer_row, QUERN, ANSWER_ROW, AdwBin)

GtkWidget *quern_answer_row_new (QuernMessage *message);
void quern_answer_row_set_last (QuernAnswerRow *self, gboolean last);
void quern_answer_row_set_status (QuernAnswerRow *self, const char *status);

G_END_DECLS
