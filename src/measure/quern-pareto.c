/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-pareto.h"

#include <glib/gi18n-lib.h>
#include <math.h>

static int
compare_costs (gconstpointer a, gconstpointer b)
{
  const QuernParetoPoint *x = a, *y = b;

  if (x->cost != y->cost)
    return (x->cost > y->cost) - (x->cost < y->cost);
  return (x->divergence > y->divergence) - (x->divergence < y->divergence);
}

static void
quern_pareto_add (GArray *points, QuernMeasure *measure, guint series, guint i, gboolean by_speed,
                  QuernParetoFigure figure)
{
  QuernMeasured *measured = quern_measure_get_result (measure, i);
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
  double rate = quern_measured_get_rate (measured);
  QuernParetoPoint point = { .measured = measured, .series = series, .is_reference = i == 0 };

  /* What a model on a server costs is not known here: neither its size, nor how fast it would be without the network. */
  if (s->n == 0 || quern_measured_get_facts (measured)->place || (by_speed && rate <= 0))
    return;
  point.cost = by_speed ? 1 / rate : (double) quern_measured_get_facts (measured)->file_bytes;
  point.divergence = figure == QUERN_PARETO_MEAN ? s->kld_mean : s->kld_p999;
  point.half = s->block_quantile * (figure == QUERN_PARETO_MEAN ? s->kld_block_error : s->kld_p999_block_error);
  g_array_append_val (points, point);
}

/**
 * quern_pareto_new:
 * @measures: (array length=n): measurements with results
 * @by_speed: whether models are weighed by their speed, not by their size
 *
 * Returns: (transfer full) (element-type QuernParetoPoint): all models on this computer, those that cost least first. The measurements must
 *   outlive it
 */
GArray *
quern_pareto_new (QuernMeasure *const *measures, guint n, gboolean by_speed, QuernParetoFigure figure)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (QuernParetoPoint));
  double best = INFINITY;

  for (guint series = 0; series < n; series++)
    for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (measures[series])); i++)
      quern_pareto_add (points, measures[series], series, i, by_speed, figure);
  g_array_sort (points, compare_costs);
  /* In this order a model is beaten if one before it is as near or nearer. */
  for (guint i = 0; i < points->len; i++) {
    QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    if (point->is_reference)
      continue;
    point->dominated = point->divergence >= best;
    best = MIN (best, point->divergence);
  }
  return points;
}

/* The models of the front, as indices into the points. */
static GArray *
quern_pareto_front (const GArray *points)
{
  GArray *front = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    if (!point->is_reference && !point->dominated && point->divergence > 0)
      g_array_append_val (front, i);
  }
  return front;
}

static const QuernParetoPoint *
point_of (const GArray *points, const GArray *front, guint i)
{
  return &g_array_index (points, QuernParetoPoint, g_array_index (front, guint, i));
}

/* Finds the model of the front that is farthest below the line from its first to its last, on the logarithm of the
 * divergence: before it a little more size gains much, behind it much more gains little. */
static guint
quern_pareto_find_knee_in (const GArray *points, const GArray *front)
{
  const QuernParetoPoint *first = point_of (points, front, 0), *last = point_of (points, front, front->len - 1);
  double farthest = 0;
  guint knee = 0;

  for (guint i = 1; i + 1 < front->len; i++) {
    const QuernParetoPoint *point = point_of (points, front, i);
    double along = (point->cost - first->cost) / (last->cost - first->cost);
    double fallen = log (first->divergence / point->divergence) / log (first->divergence / last->divergence);
    if (fallen - along > farthest) {
      farthest = fallen - along;
      knee = i;
    }
  }
  return knee;
}

/**
 * quern_pareto_find_knee:
 *
 * Returns: the index of the model behind which more size gains little, -1 if the front has none
 */
gint
quern_pareto_find_knee (const GArray *points)
{
  g_autoptr (GArray) front = quern_pareto_front (points);
  guint knee = front->len >= 3 ? quern_pareto_find_knee_in (points, front) : 0;

  return knee > 0 ? (gint) g_array_index (front, guint, knee) : -1;
}

/**
 * quern_pareto_dup_sentence:
 *
 * Returns: (transfer full) (nullable): the knee of the front in words, and what its neighbours would gain and lose; %NULL
 *   if there is none
 */
char *
quern_pareto_dup_sentence (const GArray *points)
{
  g_autoptr (GArray) front = quern_pareto_front (points);
  guint i = front->len >= 3 ? quern_pareto_find_knee_in (points, front) : 0;

  if (i == 0)
    return NULL;
  const QuernParetoPoint *knee = point_of (points, front, i), *less = point_of (points, front, i - 1),
                         *more = point_of (points, front, i + 1);
  g_autofree char *label = quern_measured_dup_label (knee->measured),
                  *before = quern_measured_dup_label (less->measured),
                  *behind = quern_measured_dup_label (more->measured);
  /* Translators: names of quantisations, and percentages and factors that belong to the second and third of them */
  return g_strdup_printf (
      _("%s is the knee of the curve: %s costs %.0f %% less and diverges %.1f times as much; %s costs "
        "%.0f %% more and diverges %.1f times less."),
      label, before, 100 * (1 - less->cost / knee->cost), less->divergence / knee->divergence, behind,
      100 * (more->cost / knee->cost - 1), knee->divergence / more->divergence);
}
