/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-table.h"

#include "quern-verdict.h"

#include <glib/gi18n.h>

/* What was measured so far: sentences, and one row of figures for each model. */

static void
attach (GtkGrid *grid, int column, int row, const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), column == 0 ? 0 : 1);
  if (row > 0 && column > 0) /* signs stay before their numbers in languages that are written from the right */
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
    { _ ("Model"), NULL },
    { _ ("Size"), _ ("Size of the file") },
    { _ ("Divergence"), _ ("Mean Kullback–Leibler divergence from the reference, in nats, with its standard error") },
    { _ ("Median"), _ ("Half of all tokens diverge less") },
    { _ ("99 %"), /* xgettext:no-c-format */ _ ("99 % of all tokens diverge less") },
    { _ ("Same first choice"), _ ("How often the likeliest token is the reference's, too") },
    { _ ("RMS Δp"), _ ("How far the probability of the text's own token is off") },
    { _ ("Δ ln PPL"), _ ("How much worse the text is foretold than by the reference, token by token") },
    { _ ("Tokens/s"), _ ("Speed of reading in this measurement") },
    { _ ("Time"), _ ("What the measurement took") },
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
  attach_taking (grid, 5, row, g_strdup_printf (_ ("%.1f ± %.1f %%"), s->same_top * 100, s->same_top_error * 100));
  attach_taking (grid, 6, row, g_strdup_printf (_ ("%.2f %%"), s->delta_p_rms * 100));
  attach_taking (grid, 7, row, g_strdup_printf ("%+.4f ± %.4f", s->delta_ln_ppl, s->delta_ln_ppl_error));
  attach_taking (grid, 8, row, g_strdup_printf ("%.0f", quern_measured_get_rate (measured)));
  attach_taking (grid, 9, row, g_strdup_printf (_ ("%.1f s"), quern_measured_get_seconds (measured)));
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
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  gtk_box_append (box, label);
}

/**
 * quern_measure_verdicts_fill:
 *
 * Replaces what is in @box by sentences about each model, what they were compared with, and which one to take.
 */
void
quern_measure_verdicts_fill (GtkBox *box, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure)),
        best = quern_verdict_smallest_good (measure);
  g_autofree char *reference = quern_verdict_dup_reference (measure);
  g_autofree char *name = NULL, *choice = NULL;
  QuernMeasured *measured = quern_measure_get_result (measure, best);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (box))) != NULL;)
    gtk_box_remove (box, child);
  if (quern_measure_get_complete (measure) && measured != NULL) {
    name = quern_measured_dup_label (measured);
    choice = best > 0 ? g_strdup_printf (_ ("%s is the smallest that is not worse on this text."), name)
                      : g_strdup_printf (_ ("On this text nothing smaller equals %s."), name);
    add_sentence (box, choice, "title-4");
  }
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    add_sentence (box, sentence, NULL);
  }
  if (reference != NULL)
    add_sentence (box, reference, "dim-label");
}
