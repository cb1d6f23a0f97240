/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"

G_BEGIN_DECLS

/* What an attachment costs with the model of a conversation. */
typedef struct {
  guint width, height; /* pixels of a picture as the model gets it; 0 for a text */
  guint tokens;
} QuernAttachmentCost;

void quern_attachment_cost_async (QuernChatSession *session, QuernAttachment *attachment, guint width, guint height,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_attachment_cost_finish (GAsyncResult *result, QuernAttachmentCost *cost, GError **error);

G_END_DECLS
