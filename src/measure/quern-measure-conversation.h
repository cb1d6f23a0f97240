/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* Adds the answers of a past conversation to the text. Each answer is scored as a continuation of what came before
 * it. */
void quern_measure_add_conversation_async (QuernMeasure *self, QuernStore *store, QuernConversation *conversation,
                                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_measure_add_conversation_finish (QuernMeasure *self, GAsyncResult *result, GError **error);

G_END_DECLS
