/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

#define QUERN_TYPE_CHAT_PAGE (quern_chat_page_get_type ())
G_DECLARE_FINAL_TYPE (QuernChatPage, quern_chat_page, QUERN, CHAT_PAGE, AdwBin)

void quern_chat_page_set_context (QuernChatPage *self, QuernStore *store, QuernLibrary *library);
QuernLibrary *quern_chat_page_get_library (QuernChatPage *self);
gboolean quern_chat_page_is_answering (QuernChatPage *self);
void quern_chat_page_set_session (QuernChatPage *self, QuernChatSession *session);
void quern_chat_page_show_message (QuernChatPage *self, gint64 id, const char *const *words);
void quern_chat_page_find (QuernChatPage *self);
void quern_chat_page_show_problem (QuernChatPage *self, const char *sentence);
void quern_chat_page_set_trouble (QuernChatPage *self, const char *sentence);
void quern_chat_page_focus (QuernChatPage *self);
void quern_chat_page_choose_model (QuernChatPage *self);
void quern_chat_page_toggle_thinking (QuernChatPage *self);
void quern_chat_page_copy_last_answer (QuernChatPage *self);

G_END_DECLS
