/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-math-layout.h"

G_BEGIN_DECLS

void quern_math_draw (GtkSnapshot *snapshot, const QuernMathFont *font, PangoContext *context, const QuernMathBox *box,
                      double size, double scale, double x, double y, const GdkRGBA *color);
double quern_math_widget_size (GtkWidget *widget);

G_END_DECLS
