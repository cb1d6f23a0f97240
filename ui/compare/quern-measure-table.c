/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-table.h"

#include "quern-verdict.h"

#include <glib/gi18n.h>

/* Shows the results so far: sentences, and one row of figures for each model. */

static void
attach (GtkGrid *grid, int column, int row, const char *text, const char *css_class)
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

static void
add_headings (GtkGrid *grid)
{
  const char *const names[][2] = {
    { _("Model"), NULL },
    { _("Size"), _("File size") },
    { _("Divergence"), _("Mean Kullback–Leibler divergence from the reference, in nats, with its standard error") },
    { _("Median"), _("Half of all tokens diverge less") },
    { _("99 %"), /* xgettext:no-c-format */ _("99 % of all tokens diverge less") },
    { _("Same top token"), _("How often the most likely token is that of the reference") },
    { _("RMS Δp"), _("How far the probability of the token in the text is off") },
    { _("Δ ln PPL"), _("How much worse the text is predicted than by the reference, token by token") },
    { _("Tokens/s"), _("Reading speed in this measurement") },
    { _("Time"), _("Duration of the measurement") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    attach (grid, (int) i, 0, names[i][0], "caption-heading");
    if (names[i][1] != NULL)
      gtk_widget_set_tooltip_text (gtk_grid_get_child_at (grid, (int) i, 0), names[i][1]);
  }
}

static void
attach_taking (GtkGrid *grid, int column, int row, char *text)
{
  attach (grid, column, row, text, NULL);
  g_free (text);
}

static void
add_row (GtkGrid *grid, int row, QuernMeasured *measured)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
  const QuernModelFacts *facts = quern_measured_get_facts (measured);

  attach_taking (grid, 0, row, quern_measured_dup_label (measured));
  attach_taking (grid, 1, row, g_format_size (facts->file_bytes));
  attach_taking (grid, 2, row, g_strdup_printf ("%.4f ± %.4f", s->kld_mean, s->kld_error));
  attach_taking (grid, 3, row, g_strdup_printf ("%.4f", s->kld_median));
  attach_taking (grid, 4, row, g_strdup_printf ("%.3f", s->kld_p99));
  attach_taking (grid, 5, row, g_strdup_printf (_("%.1f ± %.1f %%"), s->same_top * 100, s->same_top_error * 100));
  attach_taking (grid, 6, row, g_strdup_printf (_("%.2f %%"), s->delta_p_rms * 100));
  attach_taking (grid, 7, row, g_strdup_printf ("%+.4f ± %.4f", s->delta_ln_ppl, s->delta_ln_ppl_error));
  attach_taking (grid, 8, row, g_strdup_printf ("%.0f", quern_measured_get_rate (measured)));
  attach_taking (grid, 9, row, g_strdup_printf (_("%.1f s"), quern_measured_get_seconds (measured)));
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

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL;)
    gtk_grid_remove (grid, child);
  add_headings (grid);
  for (guint i = 0; i < n; i++)
    add_row (grid, (int) i + 1, quern_measure_get_result (measure, i));
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
make_band (QuernVerdict verdict)
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

static GtkWidget *
make_row (QuernMeasure *measure, guint i)
{
  GtkWidget *row = adw_action_row_new ();
  QuernMeasured *measured = quern_measure_get_result (measure, i);
  g_autofree char *name = quern_measured_dup_label (measured), *details = quern_verdict_dup_details (measure, i);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), details);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row),
                             make_band (quern_verdict_of (quern_measured_get_summary (measured))));
  return row;
}

static char *
make_choice (QuernMeasure *measure)
{
  guint best = quern_verdict_smallest_good (measure);
  g_autofree char *name = quern_measured_dup_label (quern_measure_get_result (measure, best));

  return best > 0 ? g_strdup_printf (_("%s is the smallest model that is not worse on this text."), name)
                  : g_strdup_printf (_("On this text, no smaller model is as good as %s."), name);
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
    choice = make_choice (measure);
    add_sentence (box, choice, "title-3");
  }
  add_sentence (box, reference, "dim-label");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Verdicts"), -1);
  for (guint i = 1; i < n; i++)
    gtk_list_box_append (GTK_LIST_BOX (list), make_row (measure, i));
  gtk_widget_set_visible (list, n > 1);
  gtk_box_append (box, list);
}
