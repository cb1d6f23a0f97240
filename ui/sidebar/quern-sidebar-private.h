/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-sidebar.h"

G_BEGIN_DECLS

struct _QuernSidebar {
  AdwBin parent_instance;

  /* Template widgets */
  GtkSearchBar *search_bar;
  GtkSearchEntry *search_entry;
  AdwHeaderBar *header;
  GtkToggleButton *search_button;
  GtkStack *stack;
  GtkListView *list;
  GtkListBox *results, *comparisons;
  GtkWidget *comparisons_box;
  GtkSortListModel *sorted;
  GtkSingleSelection *selection;

  /* Owned references */
  QuernStore *store;
  GtkSorter *sorter, *section_sorter;
  GCancellable *search; /* the running search, or NULL */
};

void _quern_sidebar_search (QuernSidebar *self);
void _quern_sidebar_update_page (QuernSidebar *self);

G_END_DECLS
