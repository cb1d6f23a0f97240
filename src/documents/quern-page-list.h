/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Pages of a document: a GArray of guint, counted from 1, ascending, none twice. */
GArray *quern_page_list_new_all (guint n_pages);
GArray *quern_page_list_parse (const char *text, guint n_pages);
char *quern_page_list_format (GArray *pages, const char *dash);

G_END_DECLS
