/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A conversation on pages of paper. Lengths are points. */
typedef struct _QuernPrintLayout QuernPrintLayout;

QuernPrintLayout *quern_print_layout_new (PangoContext *context, double width, double height, const char *title,
                                          GPtrArray *messages, GHashTable *pictures);
void quern_print_layout_free (QuernPrintLayout *self);
guint quern_print_layout_get_n_pages (QuernPrintLayout *self);
void quern_print_layout_draw (QuernPrintLayout *self, cairo_t *cr, guint page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernPrintLayout, quern_print_layout_free)

G_END_DECLS
