/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One stored comparison in a list; the comparison itself is not loaded. Properties: "title" (string), "updated" (int64,
 * microseconds since 1970). */
#define QUERN_TYPE_COMPARISON_ENTRY (quern_comparison_entry_get_type ())
G_DECLARE_FINAL_TYPE (QuernComparisonEntry, quern_comparison_entry, QUERN, COMPARISON_ENTRY, GObject)

gint64 quern_comparison_entry_get_id (QuernComparisonEntry *self);
const char *quern_comparison_entry_get_title (QuernComparisonEntry *self);
gint64 quern_comparison_entry_get_updated (QuernComparisonEntry *self);

/* QuernComparisons calls these functions. */
QuernComparisonEntry *_quern_comparison_entry_new (gint64 id, const char *title, gint64 updated);
void _quern_comparison_entry_update (QuernComparisonEntry *self, const char *title, gint64 updated);

G_END_DECLS
