/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

GtkWidget *quern_highlight_show (GtkWidget *root, const char *const *needles);
void quern_highlight_clear (GtkWidget *root);

G_END_DECLS
