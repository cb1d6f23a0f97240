/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison.h"

G_BEGIN_DECLS

/* Reports for people: one HTML file that needs no other file and follows the light or dark style of the reader's
 * system, or Markdown. For a file that can be imported again, use quern_comparison_to_json(). */
char *quern_comparison_to_html (QuernComparison *self);
char *quern_comparison_to_markdown (QuernComparison *self);

/* Both reports use these sentences about the origin of the figures. */
char *_quern_comparison_dup_origin (QuernComparison *self);
char *_quern_compare_column_dup_settings (QuernCompareColumn *column);

/* Computes the missing SHA-256 hashes of the models' files on a thread, which takes seconds to minutes. Call it before
 * an export. A file that is gone gets no hash. */
void quern_comparison_hash_async (QuernComparison *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean quern_comparison_hash_finish (QuernComparison *self, GAsyncResult *result, GError **error);

G_END_DECLS
