/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chart.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "quern-verdict.h"

/* Plots size or speed to the right and divergence upwards on a logarithmic scale, with 95 % intervals. The reference,
 * and models that equal it or are below the scale, stand on the axis, because 0 has no logarithm. The smallest model
 * that is not worse has a ring and a star. The bands of the verdicts are drawn behind. */

#define MARGIN_LEFT 58
#define MARGIN_RIGHT 24
#define MARGIN_TOP 38
#define MARGIN_BOTTOM 40

#define SVG_WIDTH 640
#define SVG_HEIGHT 320

typedef struct {
  GArray *marks;                   /* of QuernChartMark */
  double left, right, top, bottom; /* edges of the plot */
  double x_max, y_min, y_max;
} Plot;

static double
to_x (const Plot *plot, double x)
{
  return plot->left + (plot->right - plot->left) * x / plot->x_max;
}

static double
to_y (const Plot *plot, double y)
{
  double share = y > plot->y_min ? log (y / plot->y_min) / log (plot->y_max / plot->y_min) : 0;
  return plot->bottom - (plot->bottom - plot->top) * CLAMP (share, 0, 1);
}

static void
quern_chart_mark_clear (gpointer data)
{
  g_clear_pointer (&((QuernChartMark *) data)->text, g_free);
}

static void
quern_chart_add_text (const Plot *plot, const char *text, double x, double y, double align, double align_up,
                      double opacity)
{
  QuernChartMark mark = { .shape = QUERN_CHART_TEXT,
                          .x = x,
                          .y = y,
                          .opacity = opacity,
                          .text = g_strdup (text),
                          .align = align,
                          .align_up = align_up };
  g_array_append_val (plot->marks, mark);
}

static void
quern_chart_add_line (const Plot *plot, double x, double y, double x2, double y2, double width, double opacity)
{
  QuernChartMark mark = { .shape = QUERN_CHART_LINE,
                          .x = x,
                          .y = y,
                          .x2 = x2,
                          .y2 = y2,
                          .width = width,
                          .accent = width > 1,
                          .opacity = opacity };
  g_array_append_val (plot->marks, mark);
}

/* Adds what is behind the models: the bands of the verdicts with their names, the grid, and the axes. */
static void
quern_chart_add_scales (const Plot *plot, gboolean by_speed, gboolean mirrored)
{
  const struct {
    double from, to;
    const char *tint;
    double opacity;
    QuernVerdict verdict;
  } bands[] = {
    { plot->y_min, QUERN_VERDICT_SLIGHT, "#2ec27e", 0.13, QUERN_VERDICT_INDISTINGUISHABLE },
    { QUERN_VERDICT_SLIGHT, QUERN_VERDICT_DAMAGED, "#f5c211", 0.13, QUERN_VERDICT_SLIGHTLY_DIFFERENT },
    { QUERN_VERDICT_DAMAGED, plot->y_max, "#e01b24", 0.11, QUERN_VERDICT_VISIBLY_DAMAGED },
  };

  /* The step is 1, 2 or 5 times a power of ten, so that there are at most five ticks. */
  double power = pow (10, floor (log10 (plot->x_max / 5))), share = plot->x_max / 5 / power;
  double step = power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);

  for (guint i = 0; i < G_N_ELEMENTS (bands); i++) {
    double top = to_y (plot, bands[i].to);
    QuernChartMark area = { .shape = QUERN_CHART_AREA,
                            .x = plot->left,
                            .y = top,
                            .x2 = plot->right,
                            .y2 = to_y (plot, bands[i].from),
                            .tint = bands[i].tint,
                            .opacity = bands[i].opacity };
    g_array_append_val (plot->marks, area);
    quern_chart_add_text (plot, quern_verdict_to_string (bands[i].verdict), mirrored ? plot->left + 6 : plot->right - 6,
                          top + 3, mirrored ? 0 : 1, 0, 0.6);
  }
  for (double y = plot->y_min; y <= plot->y_max * 1.01; y *= 10) {
    g_autofree char *text = y > plot->y_min * 1.01 ? g_strdup_printf ("%g", y) : g_strdup_printf ("≤ %g", y);
    double at = round (to_y (plot, y)) + 0.5;
    quern_chart_add_line (plot, plot->left, at, plot->right, at, 1, 0.15);
    quern_chart_add_text (plot, text, plot->left - 6, to_y (plot, y), 1, 0.5, 0.7);
  }
  for (double x = 0; x <= plot->x_max; x += step) {
    g_autofree char *text = by_speed || x == 0 ? g_strdup_printf ("%.0f", x) : g_format_size ((guint64) x);
    quern_chart_add_text (plot, text, to_x (plot, x), plot->bottom + 4, 0.5, 0, 0.7);
  }
  quern_chart_add_text (plot, by_speed ? _("tokens read per second") : _("file size"), (plot->left + plot->right) / 2,
                        plot->bottom + 38, 0.5, 1, 0.7);
  quern_chart_add_text (plot, _("mean divergence"), 4, 2, 0, 0, 0.7);
}

/* @at is the model's place on the horizontal scale. */
static void
quern_chart_add_model (const Plot *plot, QuernMeasured *measured, double at, gboolean best)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
  double x = to_x (plot, at), y = to_y (plot, s->kld_mean);
  double low = to_y (plot, s->kld_mean - 1.96 * s->kld_error), high = to_y (plot, s->kld_mean + 1.96 * s->kld_error);
  QuernChartMark dot = { .shape = QUERN_CHART_DOT, .x = x, .y = y, .x2 = 4, .accent = TRUE, .opacity = 1 };
  QuernChartMark ring = {
    .shape = QUERN_CHART_RING, .x = x, .y = y, .x2 = 10, .width = 2, .accent = TRUE, .opacity = 1
  };
  g_autofree char *label = quern_measured_dup_label (measured);
  g_autofree char *name = best ? g_strdup_printf ("★ %s", label) : g_steal_pointer (&label);

  if (s->kld_mean > 0) {
    quern_chart_add_line (plot, x, low, x, high, 2, 1);
    quern_chart_add_line (plot, x - 7, high, x + 7, high, 2, 1);
    quern_chart_add_line (plot, x - 7, low, x + 7, low, 2, 1);
  }
  g_array_append_val (plot->marks, dot);
  if (best)
    g_array_append_val (plot->marks, ring);
  quern_chart_add_text (plot, name, x, MIN (high, y - 10) - 3, x > plot->right - 30 ? 1 : 0.5, 1, 1);
}

/**
 * quern_chart_new:
 * @measure: a measurement with results
 * @by_speed: whether speed is to the right, not size
 * @width: of the chart, in pixels
 * @height: likewise
 * @mirrored: whether text runs from right to left
 *
 * Returns: (transfer full) (element-type QuernChartMark): the marks of the chart
 */
GArray *
quern_chart_new (QuernMeasure *measure, gboolean by_speed, double width, double height, gboolean mirrored)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure)),
        best = quern_verdict_smallest_good (measure);
  g_autofree double *values = g_new (double, n + 1);
  double low = INFINITY, high = 0;
  Plot plot = { .marks = g_array_new (FALSE, FALSE, sizeof (QuernChartMark)),
                .left = MARGIN_LEFT,
                .right = width - MARGIN_RIGHT,
                .top = MARGIN_TOP,
                .bottom = height - MARGIN_BOTTOM,
                .x_max = 1e-9 };

  g_array_set_clear_func (plot.marks, quern_chart_mark_clear);
  for (guint i = 0; i < n; i++) {
    QuernMeasured *measured = quern_measure_get_result (measure, i);
    const QuernDivergenceSummary *summary = quern_measured_get_summary (measured);
    values[i] = by_speed ? quern_measured_get_rate (measured)
                         : (double) quern_measured_get_facts (measured)->file_bytes;
    plot.x_max = MAX (plot.x_max, values[i] * 1.15);
    if (summary->kld_mean > 0)
      low = MIN (low, summary->kld_mean);
    high = MAX (high, summary->kld_mean + 1.96 * summary->kld_error);
  }
  /* The range covers all positive values in whole powers of ten, and all bands, however small the divergences are. */
  plot.y_min = MIN (QUERN_VERDICT_SLIGHT / 10, isfinite (low) ? pow (10, floor (log10 (low) - 0.3)) : 1);
  plot.y_max = MAX (QUERN_VERDICT_DAMAGED * 10, high > 0 ? pow (10, ceil (log10 (high))) : 0);
  quern_chart_add_scales (&plot, by_speed, mirrored);
  for (guint i = 0; i < n; i++)
    quern_chart_add_model (&plot, quern_measure_get_result (measure, i), values[i], i == best);
  return plot.marks;
}

/* ---- SVG ------------------------------------------------------------------------------------------------------- */

static void
append_number (GString *out, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (out, " %s=\"%s\"", name, g_ascii_formatd (text, sizeof text, "%.2f", value));
}

/**
 * quern_chart_to_svg:
 * @measure: a measurement with results
 * @label: what is to be seen, for those who cannot see it
 *
 * Returns: (transfer full): the chart by size as an SVG element that needs the style sheet of Quern's HTML files
 */
char *
quern_chart_to_svg (QuernMeasure *measure, const char *label)
{
  g_autoptr (GArray) marks = quern_chart_new (measure, FALSE, SVG_WIDTH, SVG_HEIGHT, FALSE);
  g_autofree char *escaped = g_markup_escape_text (label, -1);
  GString *out = g_string_new (NULL);

  g_string_append_printf (out,
                          "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" style=\"max-width:%dpx\" role=\"img\" "
                          "aria-label=\"%s\">",
                          SVG_WIDTH, SVG_HEIGHT, SVG_WIDTH, escaped);
  for (guint i = 0; i < marks->len; i++) {
    const QuernChartMark *mark = &g_array_index (marks, QuernChartMark, i);
    gboolean line = mark->shape == QUERN_CHART_LINE || mark->shape == QUERN_CHART_RING;
    static const char *const names[] = { "rect", "line", "circle", "circle", "text" };
    const char *color = mark->accent ? "var(--mark)" : mark->tint ? mark->tint : "currentColor";
    g_string_append_printf (out, "<%s fill=\"%s\" stroke=\"%s\"", names[mark->shape], line ? "none" : color,
                            line ? color : "none");
    append_number (out, "opacity", mark->opacity);
    switch (mark->shape) {
    case QUERN_CHART_AREA:
      append_number (out, "x", mark->x);
      append_number (out, "y", mark->y);
      append_number (out, "width", mark->x2 - mark->x);
      append_number (out, "height", mark->y2 - mark->y);
      break;
    case QUERN_CHART_LINE:
      append_number (out, "x1", mark->x);
      append_number (out, "y1", mark->y);
      append_number (out, "x2", mark->x2);
      append_number (out, "y2", mark->y2);
      append_number (out, "stroke-width", mark->width);
      break;
    case QUERN_CHART_DOT:
    case QUERN_CHART_RING:
      append_number (out, "cx", mark->x);
      append_number (out, "cy", mark->y);
      append_number (out, "r", mark->x2);
      append_number (out, "stroke-width", mark->width);
      break;
    case QUERN_CHART_TEXT: {
      g_autofree char *text = g_markup_escape_text (mark->text, -1);
      append_number (out, "x", mark->x);
      append_number (out, "y", mark->y);
      /* The style sheet makes text 12 pixels high: its baseline is a quarter of that above the bottom. */
      append_number (out, "dy", 9 - 12 * mark->align_up);
      g_string_append_printf (out, " text-anchor=\"%s\">%s</text>",
                              mark->align > 0.5   ? "end"
                              : mark->align < 0.5 ? "start"
                                                  : "middle",
                              text);
      continue;
    }
    default: g_assert_not_reached ();
    }
    g_string_append (out, "/>");
  }
  g_string_append (out, "</svg>");
  return g_string_free_and_steal (out);
}
