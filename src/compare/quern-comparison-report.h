/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison.h"

G_BEGIN_DECLS

/* A comparison for people: one HTML file that needs nothing else and is light or dark as the reader's system is, or
 * Markdown. quern_comparison_to_json() makes what can be imported again. */
char    *quern_comparison_to_html     (QuernComparison *self);
char    *quern_comparison_to_markdown (QuernComparison *self);

/* What both say of where the figures come from. */
char    *_quern_comparison_dup_origin        (QuernComparison *self);
char    *_quern_compare_column_dup_settings  (QuernCompareColumn *column);

/* Works out the SHA-256 of the models' files where it is not known, on a thread: seconds to minutes. To be called before
 * an export; a file that is gone has none. */
void     quern_comparison_hash_async  (QuernComparison *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean quern_comparison_hash_finish (QuernComparison *self, GAsyncResult *result, GError **error);

G_END_DECLS
