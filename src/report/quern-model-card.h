/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

void quern_model_card_prepare_async (QuernMeasure *measure, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean quern_model_card_prepare_finish (QuernMeasure *measure, GAsyncResult *result, GError **error);
char *quern_model_card_dup_markdown (QuernMeasure *measure);

G_END_DECLS
