/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

void quern_edit_answer_present (GtkWidget *parent, QuernChatSession *session, QuernMessage *answer);

G_END_DECLS
