/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "composer/quern-composer.h"
#include "quern-compare-column-view.h"
#include "quern-compare-page.h"

G_BEGIN_DECLS

struct _QuernComparePage {
  AdwBin parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  AdwBreakpoint *breakpoint, *both_breakpoint;
  AdwToggleGroup *switcher;
  AdwWindowTitle *title;
  GtkBox *columns;
  GtkWidget *add_button;
  GtkWidget *hint, *votes, *vote_buttons, *all_votes;
  GtkButton *measure_button, *vote_a, *vote_b;
  GtkLabel *vote_label;
  QuernComposer *composer;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernBackend *backend;
  QuernComparison *comparison;
  GtkSizeGroup *headers;
  GSignalGroup *signals, *column_signals, *measure_signals;

  gboolean narrow;   /* one column is shown at a time */
  gboolean is_short; /* the window is too low for figures */
  gboolean together_scroll;
  gboolean scrolling;
  gboolean marks;
  guint fork_timer;
};

void _quern_compare_page_install_actions (GtkWidgetClass *widget_class);
void _quern_compare_page_update (QuernComparePage *self);
QuernCompareColumnView *_quern_compare_page_get_view (QuernComparePage *self, guint column);
void _quern_compare_page_fill (QuernComparePage *self);
void _quern_compare_page_insert_actions (QuernComparePage *self);
void _quern_compare_page_catch_up (QuernComparePage *self, QuernCompareColumn *column);
void _quern_compare_page_choose_model (QuernComparePage *self, QuernCompareColumn *column, QuernModel *model);

/* quern-compare-page-votes.c */
extern const char *const quern_compare_letters[QUERN_COMPARE_MAX_COLUMNS];
gboolean _quern_compare_page_is_blind (QuernComparePage *self);
void _quern_compare_page_update_votes (QuernComparePage *self, gboolean running);
void _quern_compare_page_vote (QuernComparePage *self, QuernVoteKind kind);

G_END_DECLS
