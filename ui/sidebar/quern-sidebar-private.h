/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-folder.h"
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
  GtkWidget *comparisons_box, *comparison_button, *models_button;
  GtkSortListModel *sorted;
  GtkFilterListModel *filtered;
  GtkSingleSelection *selection;

  /* Owned references */
  QuernStore *store;
  GSettings *settings;
  QuernConversation *open; /* the conversation in the window, or NULL; the selection follows it */
  GtkSorter *sorter, *section_sorter;
  GtkFilter *filter;
  GHashTable *collapsed; /* set of ids (gint64 *) of folders whose conversations are hidden */
  GHashTable *places;    /* maps the id of a folder (gint64 *) to its position among the folders, from 1 */
  GDateTime *now;        /* local time of the last sorting */
  GCancellable *search;  /* the running search, or NULL */
  GListModel *hits;      /* of QuernSearchHit: what the rows of the results show, or NULL */
  guint show_tick;       /* scrolls to the heading of what is selected, or 0 */
  guint show_frames;     /* frames until then */
  GListModel *entries;   /* of QuernComparisonEntry: what the rows of the comparisons show, or NULL */
};

/* quern-sidebar-list.c */
void _quern_sidebar_init_list (QuernSidebar *self);
void _quern_sidebar_clear_list (QuernSidebar *self);
void _quern_sidebar_set_list (QuernSidebar *self);
char *_quern_sidebar_dup_section (QuernSidebar *self, gpointer item);
void _quern_sidebar_bind (QuernSidebar *self, GtkListItem *item);
void _quern_sidebar_unbind (QuernSidebar *self, GtkListItem *item);
void _quern_sidebar_show_selected (QuernSidebar *self);
void _quern_sidebar_toggle_folder (QuernSidebar *self, QuernFolder *folder);

void _quern_sidebar_search (QuernSidebar *self);
void _quern_sidebar_update_page (QuernSidebar *self);

G_END_DECLS
