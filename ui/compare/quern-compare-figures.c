/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-figures.h"

#include <glib/gi18n.h>

/* Shows the figures of a column's last answer, in the same rows in each column. The best figure of each row is
 * emphasised. */

typedef enum { FIRST_TOKEN, READS, WRITES, MEMORY, N_FIGURES } Figure;

static QuernCompareAnswer *
quern_compare_figures_get_last_answer (QuernCompareColumn *column)
{
  guint n = g_list_model_get_n_items (quern_compare_column_get_answers (column));
  QuernCompareAnswer *answer = n > 0 ? quern_compare_column_get_answer (column, n - 1) : NULL;

  if (answer == NULL || quern_compare_answer_is_running (answer)
      || quern_compare_answer_get_statistics (answer)->answer_tokens == 0)
    return NULL;
  return answer;
}

static double
get_value (QuernCompareAnswer *answer, Figure figure)
{
  const QuernStatistics *s = quern_compare_answer_get_statistics (answer);

  switch (figure) {
  case FIRST_TOKEN: return s->first_token_seconds;
  case READS: return quern_statistics_prefill_rate (s);
  case WRITES: return quern_statistics_decode_rate (s);
  default: return (double) quern_compare_answer_get_peak_memory (answer);
  }
}

/* Returns whether the figure is better than that of every other column by more than the last digit shown. */
static gboolean
is_best (QuernComparison *comparison, QuernCompareColumn *column, Figure figure)
{
  double own = get_value (quern_compare_figures_get_last_answer (column), figure);
  gboolean lower = figure == FIRST_TOKEN || figure == MEMORY;
  guint others = 0;

  for (guint i = 0; i < quern_comparison_get_n_columns (comparison); i++) {
    QuernCompareColumn *other = quern_comparison_get_column (comparison, i);
    QuernCompareAnswer *answer = other != column ? quern_compare_figures_get_last_answer (other) : NULL;
    double value = answer != NULL ? get_value (answer, figure) : 0;
    if (answer == NULL)
      continue;
    if (quern_compare_answer_get_together (answer) || (lower ? own * 1.02 >= value : own <= value * 1.02))
      return FALSE;
    others++;
  }
  return others > 0;
}

static char *
format (QuernCompareAnswer *answer, Figure figure)
{
  double value = get_value (answer, figure);
  g_autofree char *size = NULL;

  switch (figure) {
  case FIRST_TOKEN: return g_strdup_printf (_("after %.2f s"), value);
  case READS:
  case WRITES: return g_strdup_printf (_("%.0f tokens/s"), value);
  default:
    size = g_format_size ((guint64) value);
    return g_strdup_printf (_("%s, loaded in %.2f s"), size,
                            quern_compare_answer_get_statistics (answer)->load_seconds);
  }
}

static void
quern_compare_figures_attach (GtkGrid *grid, int column, int row, const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "caption");
  gtk_widget_add_css_class (label, "numeric");
  gtk_widget_add_css_class (label, css_class);
  gtk_widget_set_tooltip_text (label, text);
  gtk_grid_attach (grid, label, column, row, row == N_FIGURES ? 2 : 1, 1);
}

/**
 * quern_compare_figures_fill:
 * @grid: what is in it is replaced
 *
 * As many rows whatever the width, so that the headers of all columns are equally high.
 *
 * Returns: whether there is anything to show: the last answer of @column has ended
 */
gboolean
quern_compare_figures_fill (GtkGrid *grid, QuernComparison *comparison, QuernCompareColumn *column)
{
  static const char *const names[] = { N_("First Token"), N_("Reads"), N_("Writes"), N_("Memory") };
  QuernCompareAnswer *answer = quern_compare_figures_get_last_answer (column);
  gboolean together = answer != NULL && quern_compare_answer_get_together (answer);

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL;)
    gtk_grid_remove (grid, child);
  for (Figure figure = FIRST_TOKEN; answer != NULL && figure < N_FIGURES; figure++) {
    g_autofree char *text = NULL, *described = NULL;
    gboolean best;
    if (figure == MEMORY && quern_compare_answer_get_peak_memory (answer) == 0)
      continue;
    text = format (answer, figure);
    best = is_best (comparison, column, figure);
    quern_compare_figures_attach (grid, 0, figure, _ (names[figure]), "dim-label");
    quern_compare_figures_attach (grid, 1, figure, text, best ? "best-figure" : "figure");
    gtk_widget_set_hexpand (gtk_grid_get_child_at (grid, 1, figure), TRUE);
    if (best) {
      /* Translators: a figure that is better than those of the other columns */
      described = g_strdup_printf (_("%s: the best of all columns"), text);
      gtk_widget_set_tooltip_text (gtk_grid_get_child_at (grid, 1, figure), described);
    }
  }
  if (together)
    quern_compare_figures_attach (grid, 0, N_FIGURES, _("Ran together with others: timings cannot be compared."),
                                  "dim-label");
  return answer != NULL;
}
