/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparisons.h"

G_BEGIN_DECLS

#define QUERN_TYPE_SIDEBAR (quern_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (QuernSidebar, quern_sidebar, QUERN, SIDEBAR, AdwBin)

void quern_sidebar_set_store (QuernSidebar *self, QuernStore *store);
void quern_sidebar_mark (QuernSidebar *self, gboolean models, gboolean new_comparison);
void quern_sidebar_select (QuernSidebar *self, QuernConversation *conversation);
void quern_sidebar_activate_neighbour (QuernSidebar *self, int step);
void quern_sidebar_focus (QuernSidebar *self);
void quern_sidebar_start_search (QuernSidebar *self);
void quern_sidebar_search_for (QuernSidebar *self, const char *text);
void quern_sidebar_add_to_header (QuernSidebar *self, GtkWidget *widget);
void quern_sidebar_set_comparisons (QuernSidebar *self, QuernComparisons *comparisons);

G_END_DECLS
