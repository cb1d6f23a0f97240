/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What two models found likeliest at one place, side by side, each with a bar as long as its probability. */
typedef struct {
  const char *text;
  double p;
  gboolean chosen; /* it is the one that was taken, or that the text has */
} QuernCandidateRow;

GtkWidget *quern_candidates_new (const char *sentence);
void quern_candidates_add (GtkWidget *grid, const char *title, const QuernCandidateRow *rows, guint n);

G_END_DECLS
