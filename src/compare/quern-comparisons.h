/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison-entry.h"
#include "quern-comparison.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* The comparisons of a store. quern_comparisons_get_entries() returns a live list for the sidebar. Every comparison
 * that was added or opened is saved a moment after each change. If a write fails, the store's "problem" says so. */
#define QUERN_TYPE_COMPARISONS (quern_comparisons_get_type ())
G_DECLARE_FINAL_TYPE (QuernComparisons, quern_comparisons, QUERN, COMPARISONS, GObject)

QuernComparisons *quern_comparisons_new (QuernStore *store);
GListModel *quern_comparisons_get_entries (QuernComparisons *self);
QuernComparisonEntry *quern_comparisons_find (QuernComparisons *self, gint64 id);
void quern_comparisons_reload_async (QuernComparisons *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean quern_comparisons_reload_finish (QuernComparisons *self, GAsyncResult *result, GError **error);
void quern_comparisons_add (QuernComparisons *self, QuernComparison *comparison);
void quern_comparisons_save (QuernComparisons *self, QuernComparison *comparison);
void quern_comparisons_open_async (QuernComparisons *self, gint64 id, GListModel *models, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
QuernComparison *quern_comparisons_open_finish (QuernComparisons *self, GAsyncResult *result, GError **error);
void quern_comparisons_delete (QuernComparisons *self, QuernComparisonEntry *entry);
void quern_comparisons_restore (QuernComparisons *self, QuernComparisonEntry *entry);

/* Reads an exported file on a thread. */
void quern_comparison_import_async (GFile *file, GListModel *models, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
QuernComparison *quern_comparison_import_finish (GAsyncResult *result, GError **error);

G_END_DECLS
