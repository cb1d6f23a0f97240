/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define QUERN_TYPE_MATH_VIEW (quern_math_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernMathView, quern_math_view, QUERN, MATH_VIEW, GtkWidget)

GtkWidget *quern_math_view_new (void);
void quern_math_view_set_latex (QuernMathView *self, const char *latex);
const char *quern_math_view_get_latex (QuernMathView *self);

G_END_DECLS
