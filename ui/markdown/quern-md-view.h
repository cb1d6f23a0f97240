/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define QUERN_TYPE_MD_VIEW (quern_md_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernMdView, quern_md_view, QUERN, MD_VIEW, GtkBox)

GtkWidget *quern_md_view_new (void);
void quern_md_view_set_text (QuernMdView *self, const char *text, gboolean finished);

G_END_DECLS
