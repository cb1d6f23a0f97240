/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_SEARCH_VIEW (quern_search_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernSearchView, quern_search_view, QUERN, SEARCH_VIEW, AdwBin)

GtkWidget *quern_search_view_new (QuernModelsService *service);
void quern_search_view_set_text (GtkWidget *view, const char *text);

G_END_DECLS
