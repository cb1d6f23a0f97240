/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define QUERN_TYPE_MATH_PARAGRAPH (quern_math_paragraph_get_type ())
G_DECLARE_FINAL_TYPE (QuernMathParagraph, quern_math_paragraph, QUERN, MATH_PARAGRAPH, GtkWidget)

GtkWidget *quern_math_paragraph_new (GtkLabel *label);
GtkLabel *quern_math_paragraph_get_label (QuernMathParagraph *self);
void quern_math_paragraph_set (QuernMathParagraph *self, const char *markup, const char *text, const GArray *spans);

G_END_DECLS
