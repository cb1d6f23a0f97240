/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-table.h"

#include "quern-measure-categories.h"
#include "quern-measure-figures.h"
#include "quern-measure-meaning.h"
#include "quern-texts.h"
#include "quern-verdict.h"

#include <glib/gi18n.h>

/* Shows the results so far: sentences, and one row of figures for each model. */

static void
quern_measure_table_attach (GtkGrid *grid, int column, int row, const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), column == 0 ? 0 : 1);
  if (row > 0 && column > 0) /* keeps signs before their numbers in right-to-left languages */
    gtk_widget_set_direction (label, GTK_TEXT_DIR_LTR);
  gtk_widget_add_css_class (label, "numeric");
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  gtk_grid_attach (grid, label, column, row, 1, 1);
}

/**
 * quern_measure_table_fill:
 *
 * Replaces what is in @grid by the figures of @measure.
 */
void
quern_measure_table_fill (GtkGrid *grid, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_WINDOW, FALSE);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL;)
    gtk_grid_remove (grid, child);
  quern_measure_table_attach (grid, 0, 0, _("Model"), "caption-heading");
  for (guint row = 0; row < n; row++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, row));
    quern_measure_table_attach (grid, 0, (int) row + 1, label, NULL);
  }
  for (guint i = 0; i < figures->len; i++) {
    const QuernMeasureFigure *figure = figures->pdata[i];
    const int column = (int) i + 1;
    g_autofree char *heading = quern_measure_figure_dup_heading (figure, measure, QUERN_MEASURE_IN_WINDOW);
    quern_measure_table_attach (grid, column, 0, heading, "caption-heading");
    gtk_widget_set_tooltip_text (gtk_grid_get_child_at (grid, column, 0),
                                 quern_measure_figure_get_explanation (figure));
    for (guint row = 0; row < n; row++) {
      QuernMeasured *measured = quern_measure_get_result (measure, row);
      g_autofree char *text = quern_measure_figure_dup_text (figure, measured, QUERN_MEASURE_IN_WINDOW);
      quern_measure_table_attach (grid, column, (int) row + 1, text, NULL);
    }
  }
}

static void
add_sentence (GtkBox *box, const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, css_class);
  gtk_box_append (box, label);
}

/**
 * quern_measure_details_fill:
 *
 * Replaces what is in @grid by the figures that few people look for: a row for each, a column for each model.
 */
void
quern_measure_details_fill (GtkGrid *grid, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_WINDOW, TRUE);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL;)
    gtk_grid_remove (grid, child);
  quern_measure_table_attach (grid, 0, 0, _("Figure"), "caption-heading");
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    quern_measure_table_attach (grid, (int) i, 0, label, "caption-heading");
  }
  for (guint i = 0; i < figures->len; i++) {
    const QuernMeasureFigure *figure = figures->pdata[i];
    const int row = (int) i + 1;
    g_autofree char *heading = quern_measure_figure_dup_heading (figure, measure, QUERN_MEASURE_IN_WINDOW);
    quern_measure_table_attach (grid, 0, row, heading, NULL);
    gtk_widget_set_tooltip_text (gtk_grid_get_child_at (grid, 0, row), quern_measure_figure_get_explanation (figure));
    for (guint k = 1; k < n; k++) {
      g_autofree char *text = quern_measure_figure_dup_text (figure, quern_measure_get_result (measure, k),
                                                             QUERN_MEASURE_IN_WINDOW);
      quern_measure_table_attach (grid, (int) k, row, text, NULL);
    }
  }
}

/**
 * quern_measure_categories_fill:
 *
 * Replaces what is in @grid by mean divergences: a row for each category, a column for each model but the reference. The
 * tokens are those of the reference's vocabulary.
 *
 * Returns: whether the text has categories
 */
gboolean
quern_measure_categories_fill (GtkGrid *grid, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL;)
    gtk_grid_remove (grid, child);
  if (categories[0] == NULL)
    return FALSE;
  quern_measure_table_attach (grid, 0, 0, _("Category"), "caption-heading");
  quern_measure_table_attach (grid, 1, 0, _("Scored Tokens"), "caption-heading");
  for (guint k = 0; categories[k] != NULL; k++)
    quern_measure_table_attach (grid, 0, (int) k + 1, quern_texts_get_name (categories[k]), NULL);
  for (guint i = 0; i < n; i++) { /* of the reference the tokens are told, of the others how far they are from it */
    QuernMeasured *measured = quern_measure_get_result (measure, i);
    g_autofree char *label = quern_measured_dup_label (measured);
    if (i > 0)
      quern_measure_table_attach (grid, (int) i + 1, 0, label, "caption-heading");
    for (guint k = 0; categories[k] != NULL; k++) {
      g_autofree char *text = NULL;
      QuernDivergenceSummary s;
      quern_measure_get_category_summary (measure, measured, categories[k], &s);
      text = i == 0    ? g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) s.n)
             : s.n > 0 ? g_strdup_printf ("%.4f ± %.4f", s.kld_mean, s.kld_block_error)
                       : g_strdup ("–");
      quern_measure_table_attach (grid, (int) i + 1, (int) k + 1, text, NULL);
    }
  }
  return TRUE;
}

/* The look of each band. The words are shown too, so that neither sign nor colour is the only mark. */
static const struct {
  const char *icon, *name, *css_class;
} bands[] = {
  [QUERN_VERDICT_NONE] = { "content-loading-symbolic", N_("Not Measured"), "dim-label" },
  [QUERN_VERDICT_INDISTINGUISHABLE] = { "object-select-symbolic", N_("Indistinguishable"), "success" },
  [QUERN_VERDICT_SLIGHTLY_DIFFERENT] = { "view-more-horizontal-symbolic", N_("Slightly Different"), "warning" },
  [QUERN_VERDICT_VISIBLY_DAMAGED] = { "dialog-warning-symbolic", N_("Visibly Damaged"), "error" },
};

static GtkWidget *
quern_measure_table_make_band (QuernVerdict verdict)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *icon = gtk_image_new_from_icon_name (bands[verdict].icon),
            *label = gtk_label_new (_ (bands[verdict].name));

  gtk_accessible_update_state (GTK_ACCESSIBLE (icon), GTK_ACCESSIBLE_STATE_HIDDEN, TRUE, -1);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_natural_wrap_mode (GTK_LABEL (label), GTK_NATURAL_WRAP_NONE);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (box, "band");
  gtk_widget_add_css_class (box, bands[verdict].css_class);
  gtk_box_append (GTK_BOX (box), icon);
  gtk_box_append (GTK_BOX (box), label);
  return box;
}

/**
 * quern_measure_meaning_fill:
 * @i: a result that is not the reference
 *
 * Replaces what is in @box: what the figures of a model mean for its answers, with examples from the text.
 */
void
quern_measure_meaning_fill (GtkBox *box, QuernMeasure *measure, guint i)
{
  guint positions[QUERN_MEASURE_EXAMPLES], n = quern_measure_find_examples (measure, i, positions);
  g_autofree char *meaning = quern_measure_dup_meaning (measure, i);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (box))) != NULL;)
    gtk_box_remove (box, child);
  add_sentence (box, meaning, "body");
  for (guint k = 0; k < n; k++) {
    g_autofree char *example = quern_measure_dup_example (measure, i, positions[k]);
    g_autofree char *line = g_strdup_printf ("• %s", example);
    add_sentence (box, line, "body");
  }
}

/**
 * quern_measure_verdicts_fill:
 *
 * Replaces what is in @box: which model to take, a row about each, and what they were compared with.
 */
void
quern_measure_verdicts_fill (GtkBox *box, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autofree char *reference = quern_verdict_dup_reference (measure), *choice = NULL;
  GtkWidget *list = gtk_list_box_new ();

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (box))) != NULL;)
    gtk_box_remove (box, child);
  if (n > 1 && quern_measure_get_complete (measure)) {
    guint best = quern_verdict_smallest_good (measure);
    g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (measure, best));
    choice = best > 0 ? g_strdup_printf (_("%s is the smallest model that is not worse on this text."), name)
                      : g_strdup_printf (_("On this text, no smaller model is as good as %s."), name);
    add_sentence (box, choice, "title-3");
  }
  add_sentence (box, reference, "dim-label");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Verdicts"), -1);
  for (guint i = 1; i < n; i++) {
    GtkWidget *row = adw_action_row_new ();
    QuernMeasured *measured = quern_measure_get_result (measure, i);
    g_autofree char *name = quern_measured_dup_label (measured), *details = quern_verdict_dup_details (measure, i);
    QuernVerdict verdict = quern_verdict_of (quern_measured_get_summary (measured));
    adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), details);
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), quern_measure_table_make_band (verdict));
    gtk_list_box_append (GTK_LIST_BOX (list), row);
  }
  gtk_widget_set_visible (list, n > 1);
  gtk_box_append (box, list);
}
