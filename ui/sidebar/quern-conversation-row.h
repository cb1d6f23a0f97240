/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-conversation.h"

G_BEGIN_DECLS

#define QUERN_TYPE_CONVERSATION_ROW (quern_conversation_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernConversationRow, quern_conversation_row, QUERN, CONVERSATION_ROW, AdwBin)

GtkWidget *quern_conversation_row_new (void);
QuernConversation *quern_conversation_row_get_conversation (QuernConversationRow *self);
void quern_conversation_row_set_conversation (QuernConversationRow *self, QuernConversation *conversation);
void quern_conversation_row_set_folders (QuernConversationRow *self, GListModel *folders);
void quern_conversation_row_popup (QuernConversationRow *self);

G_END_DECLS
