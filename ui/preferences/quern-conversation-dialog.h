/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

#define QUERN_TYPE_CONVERSATION_DIALOG (quern_conversation_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernConversationDialog, quern_conversation_dialog, QUERN, CONVERSATION_DIALOG,
                      AdwPreferencesDialog)

AdwDialog *quern_conversation_dialog_new (QuernStore *store, QuernChatSession *session);
void quern_conversation_dialog_focus_context (QuernConversationDialog *self);

G_END_DECLS
