/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-candidates.h"

#include <glib/gi18n.h>

static GtkWidget *
quern_candidates_make_label (const char *text, float xalign, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  return label;
}

/**
 * quern_candidates_new:
 * @sentence: stands above the lists
 *
 * Returns: (transfer floating): a grid without lists yet
 */
GtkWidget *
quern_candidates_new (const char *sentence)
{
  GtkWidget *grid = gtk_grid_new (), *label = quern_candidates_make_label (sentence, 0, NULL);

  gtk_grid_set_column_spacing (GTK_GRID (grid), 24);
  gtk_grid_set_column_homogeneous (GTK_GRID (grid), TRUE);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_widget_add_css_class (grid, "statistics");
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_NONE);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
  gtk_grid_attach (GTK_GRID (grid), label, 0, 0, 2, 1);
  return grid;
}

/**
 * quern_candidates_add:
 * @grid: from quern_candidates_new()
 * @title: the model
 * @rows: the likeliest first
 *
 * Adds a list beside those that are there.
 */
void
quern_candidates_add (GtkWidget *grid, const char *title, const QuernCandidateRow *rows, guint n)
{
  int column = 0;

  while (gtk_grid_get_child_at (GTK_GRID (grid), column, 1) != NULL)
    column++;
  gtk_grid_attach (GTK_GRID (grid), quern_candidates_make_label (title, 0, "heading"), column, 1, 1, 1);
  for (guint i = 0; i < n; i++) {
    GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *label;
    /* The bar is hidden from screen readers, because the number beside it says the same. */
    GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                                   "fraction", rows[i].p, NULL);
    g_autoptr (GString) token = g_string_new (rows[i].text);
    g_autofree char *text = NULL;
    g_string_replace (token, "\n", "↵", 0);
    if (token->len == 0) /* Translators: the token that ends an answer */
      g_string_assign (token, _("[end]"));
    text = g_strdup_printf (_("“%s” %.1f %%"), token->str, rows[i].p * 100);
    label = quern_candidates_make_label (text, 0, rows[i].chosen ? "heading" : NULL);
    gtk_widget_add_css_class (label, "numeric");
    gtk_widget_add_css_class (bar, "candidate-bar");
    gtk_box_append (GTK_BOX (box), label);
    gtk_box_append (GTK_BOX (box), bar);
    gtk_grid_attach (GTK_GRID (grid), box, column, (int) i + 2, 1, 1);
  }
}
