/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"

G_BEGIN_DECLS

const char *quern_chat_title_shown (const char *title);
char *quern_chat_title_from_question (const char *text);

void quern_chat_session_make_title_async (QuernChatSession *self, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_chat_session_make_title_finish (QuernChatSession *self, GAsyncResult *result, GError **error);
void quern_chat_session_make_title_soon (QuernChatSession *self);

G_END_DECLS
