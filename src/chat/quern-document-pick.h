/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"

G_BEGIN_DECLS

void quern_document_pick_async (QuernChatSession *session, QuernAttachment *document, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
QuernAttachment *quern_document_pick_finish (GAsyncResult *result, GError **error);

G_END_DECLS
