/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-compare-turn.h"
#include "quern-library.h"

G_BEGIN_DECLS

/* One column on the page. Its header, with the model and the settings, stays in place while the answers scroll.
 * Signals: "scrolled" (double share), "remove" (), "continue" (), "catch-up" (): ask the missing prompts,
 * "model-chosen" (QuernModel). */
#define QUERN_TYPE_COMPARE_COLUMN_VIEW (quern_compare_column_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernCompareColumnView, quern_compare_column_view, QUERN, COMPARE_COLUMN_VIEW, AdwBin)

GtkWidget *quern_compare_column_view_new (QuernComparison *comparison, QuernCompareColumn *column,
                                          QuernLibrary *library);
QuernCompareColumn *quern_compare_column_view_get_column (QuernCompareColumnView *self);
GtkWidget *quern_compare_column_view_get_header (QuernCompareColumnView *self);
QuernCompareTurn *quern_compare_column_view_get_turn (QuernCompareColumnView *self, guint turn);
/* What a column shows in a blind vote: only its letter while answers are generated; the letter and the texts; or
 * everything. */
typedef enum {
  QUERN_COMPARE_BLIND_VEILED,
  QUERN_COMPARE_BLIND_NAMELESS,
  QUERN_COMPARE_BLIND_REVEALED
} QuernCompareBlind;

void quern_compare_column_view_set_blind (QuernCompareColumnView *self, const char *letter, QuernCompareBlind blind);
char *quern_compare_column_view_dup_name (QuernCompareColumnView *self);
void quern_compare_column_view_set_marks (QuernCompareColumnView *self, gboolean marks);
void quern_compare_column_view_set_locked (QuernCompareColumnView *self, gboolean running, gboolean removable);
void quern_compare_column_view_set_scroll (QuernCompareColumnView *self, double share);
void quern_compare_column_view_follow (QuernCompareColumnView *self);
gboolean quern_compare_column_view_jump (QuernCompareColumnView *self, guint turn);

void quern_compare_column_view_set_compact (QuernCompareColumnView *self, gboolean compact);

G_END_DECLS
