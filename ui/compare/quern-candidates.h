/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Lists the most probable tokens of two models at one place, side by side. Each has a bar as long as its
 * probability. */
typedef struct {
  const char *text;
  double p;
  gboolean chosen; /* this token was chosen, or the text has it */
} QuernCandidateRow;

GtkWidget *quern_candidates_new (const char *sentence);
void quern_candidates_add (GtkWidget *grid, const char *title, const QuernCandidateRow *rows, guint n);

G_END_DECLS
