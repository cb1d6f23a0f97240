/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chart.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <pango/pangocairo.h>

#include "quern-verdict.h"

/* Plots size or speed to the right and divergence upwards on a logarithmic scale, with 95 % intervals. The reference,
 * and models that equal it or are below the scale, stand on the axis, because 0 has no logarithm. The smallest model
 * that is not worse has a ring and a star. Models that others beat in both are grey; a thin line joins the rest, and the
 * knee of that line has a lozenge. The bands of the verdicts are drawn behind means. */

#define MARGIN_LEFT 58
#define MARGIN_RIGHT 24
#define MARGIN_TOP 38
#define MARGIN_BOTTOM 40

#define SVG_WIDTH 640
#define SVG_HEIGHT 320
#define ACCENT "#e66100" /* in files of its own, as in the style sheet */
#define PNG_SCALE 2
#define NAME_WIDTH 7 /* of a character */
#define NAME_HEIGHT 13

typedef struct {
  GArray *marks;                   /* of QuernChartMark */
  double left, right, top, bottom; /* edges of the plot */
  double x_max, y_min, y_max;
  guint first_name; /* among the marks; before it are scales */
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
quern_chart_add_scales (const Plot *plot, const QuernChartContent *content, gboolean mirrored)
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

  for (guint i = 0; i < G_N_ELEMENTS (bands) && content->figure == QUERN_PARETO_MEAN; i++) {
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
    g_autofree char *text = content->by_speed || x == 0 ? g_strdup_printf ("%.0f", x) : g_format_size ((guint64) x);
    quern_chart_add_text (plot, text, to_x (plot, x), plot->bottom + 4, 0.5, 0, 0.7);
  }
  quern_chart_add_text (plot, content->by_speed ? _("tokens read per second") : _("file size"),
                        (plot->left + plot->right) / 2, plot->bottom + 38, 0.5, 1, 0.7);
  g_autofree char *upwards =
      quern_measure_dup_marked (content->measures[0],
                                content->figure == QUERN_PARETO_MEAN
                                    ? _("mean divergence")
                                    : /* xgettext:no-c-format */ _("divergence, 99.9 % of tokens below"));
  quern_chart_add_text (plot, upwards, 4, 2, 0, 0, 0.7);
}

/* The colours of further repositories; those of the first are the accent's. */
static const char *const tints[] = { NULL, "#1c71d8", "#813d9c", "#26a269", "#a51d2d", "#986a44" };
#define DOMINATED_TINT "#9a9996"

static double
quern_chart_get_x (const Plot *plot, const QuernChartContent *content, const QuernParetoPoint *point)
{
  return to_x (plot, content->by_speed ? 1 / point->cost : point->cost);
}

/* Gives the marks from `first` on the colour of the point: grey if another model beats it. */
static void
quern_chart_tint (const Plot *plot, guint first, const QuernParetoPoint *point)
{
  for (guint i = first; i < plot->marks->len; i++) {
    QuernChartMark *mark = &g_array_index (plot->marks, QuernChartMark, i);
    const char *tint = point->dominated ? DOMINATED_TINT : tints[point->series % G_N_ELEMENTS (tints)];
    if (mark->shape == QUERN_CHART_TEXT && !point->dominated)
      continue;
    mark->tint = tint;
    mark->accent = !tint;
  }
}

static double
left_of (const QuernChartMark *text)
{
  return text->x - text->align * NAME_WIDTH * (double) g_utf8_strlen (text->text, -1);
}

/* Whether a text is in the way of one of the names that are there. How wide they are is a guess: the window and the files
 * have fonts of their own. */
static gboolean
quern_chart_is_in_the_way (const Plot *plot, const QuernChartMark *text)
{
  for (guint i = plot->first_name; i < plot->marks->len; i++) {
    const QuernChartMark *other = &g_array_index (plot->marks, QuernChartMark, i);
    if (other->shape == QUERN_CHART_TEXT && fabs (other->y - text->y) < NAME_HEIGHT
        && left_of (text) < left_of (other) + NAME_WIDTH * (double) g_utf8_strlen (other->text, -1)
        && left_of (other) < left_of (text) + NAME_WIDTH * (double) g_utf8_strlen (text->text, -1))
      return TRUE;
  }
  return FALSE;
}

/* Puts a name beside a model, a little lower or higher where others are in the way. */
static void
quern_chart_add_name (const Plot *plot, const char *name, double x, double y, double align, double opacity)
{
  QuernChartMark mark = { .shape = QUERN_CHART_TEXT,
                          .x = x,
                          .y = y,
                          .opacity = opacity,
                          .text = g_strdup (name),
                          .align = align,
                          .align_up = 0.5 };

  for (int step = 1; step < 8 && quern_chart_is_in_the_way (plot, &mark); step++)
    mark.y = y + (step % 2 ? 1 : -1) * (step + 1) / 2 * (NAME_HEIGHT + 1);
  g_array_append_val (plot->marks, mark);
}

static void
quern_chart_add_model (const Plot *plot, const QuernChartContent *content, const QuernParetoPoint *point, gboolean best,
                       gboolean knee)
{
  const guint first = plot->marks->len;
  double x = quern_chart_get_x (plot, content, point), y = to_y (plot, point->divergence);
  double low = to_y (plot, point->divergence - point->half), high = to_y (plot, point->divergence + point->half);
  QuernChartMark dot = { .shape = QUERN_CHART_DOT, .x = x, .y = y, .x2 = 4, .accent = TRUE, .opacity = 1 };
  QuernChartMark ring = {
    .shape = QUERN_CHART_RING, .x = x, .y = y, .x2 = 10, .width = 2, .accent = TRUE, .opacity = 1
  };
  g_autofree char *label = quern_measured_dup_label (point->measured);
  g_autofree char *series = content->n > 1 ? g_strdup_printf ("%c ", 'A' + point->series % 26) : g_strdup ("");
  g_autofree char *name = g_strdup_printf ("%s%s%s%s", best ? "★ " : "", knee ? "◆ " : "", series, label);

  if (point->divergence > 0 && point->half > 0) {
    quern_chart_add_line (plot, x, low, x, high, 2, 1);
    quern_chart_add_line (plot, x - 7, high, x + 7, high, 2, 1);
    quern_chart_add_line (plot, x - 7, low, x + 7, low, 2, 1);
  }
  g_array_append_val (plot->marks, dot);
  if (best)
    g_array_append_val (plot->marks, ring);
  /* The front falls to the right: below and to the left of it nothing is in the way of its names, and above it there is
   * room for those of models that are beaten. */
  const double aside = best ? 14 : 9;
  if (point->divergence <= 0)
    quern_chart_add_name (plot, name, x, y - aside - 10, x > plot->right - 40 ? 1 : 0.5, 1);
  else if (point->dominated)
    quern_chart_add_name (plot, name, x + aside, y, 0, 0.9);
  else
    quern_chart_add_name (plot, name, x - aside, y, 1, 1);
  quern_chart_tint (plot, first, point);
}

/* A thin line from each model of the front to the next. */
static void
quern_chart_add_front (const Plot *plot, const QuernChartContent *content, const GArray *points)
{
  const QuernParetoPoint *last = NULL;

  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    if (point->dominated || point->is_reference)
      continue;
    if (last)
      quern_chart_add_line (plot, quern_chart_get_x (plot, content, last), to_y (plot, last->divergence),
                            quern_chart_get_x (plot, content, point), to_y (plot, point->divergence), 1, 0.4);
    last = point;
  }
}

static void
quern_chart_add_legend (const Plot *plot, const QuernChartContent *content, gboolean mirrored)
{
  for (guint i = 0; content->n > 1 && content->names && i < content->n; i++) {
    g_autofree char *text = g_strdup_printf ("%c %s", 'A' + i % 26, content->names[i]);
    const QuernParetoPoint point = { .series = i };
    const guint first = plot->marks->len;
    double y = plot->bottom - 16 * (content->n - i) + 2;
    QuernChartMark dot = { .shape = QUERN_CHART_DOT,
                           .x = mirrored ? plot->right - 10 : plot->left + 10,
                           .y = y + 7,
                           .x2 = 4,
                           .accent = TRUE,
                           .opacity = 1 };
    g_array_append_val (plot->marks, dot);
    quern_chart_tint (plot, first, &point);
    quern_chart_add_text (plot, text, mirrored ? plot->right - 20 : plot->left + 20, y, mirrored ? 1 : 0, 0, 0.9);
  }
}

/* The range covers all positive values in whole powers of ten, and all bands, however small the divergences are. Bands are
 * those of means. */
static void
quern_chart_set_ranges (Plot *plot, const QuernChartContent *content, const GArray *points)
{
  double low = INFINITY, high = 0;

  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    plot->x_max = MAX (plot->x_max, 1.15 * (content->by_speed ? 1 / point->cost : point->cost));
    if (point->divergence > 0)
      low = MIN (low, point->divergence);
    high = MAX (high, point->divergence + point->half);
  }
  low = isfinite (low) ? pow (10, floor (log10 (low) - 0.3)) : 1e-3;
  high = high > low ? pow (10, ceil (log10 (high))) : 10 * low;
  plot->y_min = content->figure == QUERN_PARETO_MEAN ? MIN (QUERN_VERDICT_SLIGHT / 10, low) : low;
  plot->y_max = content->figure == QUERN_PARETO_MEAN ? MAX (QUERN_VERDICT_DAMAGED * 10, high) : high;
}

/**
 * quern_chart_new:
 * @content: measurements with results
 * @width: of the chart, in pixels
 * @height: likewise
 * @mirrored: whether text runs from right to left
 *
 * Returns: (transfer full) (element-type QuernChartMark): the marks of the chart
 */
GArray *
quern_chart_new (const QuernChartContent *content, double width, double height, gboolean mirrored)
{
  g_autoptr (GArray) points = quern_pareto_new (content->measures, content->n, content->by_speed, content->figure);
  g_autofree QuernMeasured **best = g_new (QuernMeasured *, content->n); /* of each measurement */
  const gint knee = quern_pareto_find_knee (points);
  Plot plot = { .marks = g_array_new (FALSE, FALSE, sizeof (QuernChartMark)),
                .left = MARGIN_LEFT,
                .right = width - MARGIN_RIGHT,
                .top = MARGIN_TOP,
                .bottom = height - MARGIN_BOTTOM,
                .x_max = 1e-9 };

  g_array_set_clear_func (plot.marks, quern_chart_mark_clear);
  quern_chart_set_ranges (&plot, content, points);
  quern_chart_add_scales (&plot, content, mirrored);
  quern_chart_add_front (&plot, content, points);
  plot.first_name = plot.marks->len;
  for (guint i = 0; i < content->n; i++)
    best[i] = quern_measure_get_result (content->measures[i], quern_verdict_smallest_good (content->measures[i]));
  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    quern_chart_add_model (&plot, content, point, point->measured == best[point->series], (gint) i == knee);
  }
  quern_chart_add_legend (&plot, content, mirrored);
  return plot.marks;
}

/**
 * quern_chart_dup_sentence:
 *
 * Returns: (transfer full) (nullable): what the chart shows, in words: the knee of the front, and which models are beaten
 */
char *
quern_chart_dup_sentence (const QuernChartContent *content)
{
  g_autoptr (GArray) points = quern_pareto_new (content->measures, content->n, content->by_speed, content->figure);
  g_autofree char *knee = quern_pareto_dup_sentence (points);
  g_autoptr (GString) beaten = g_string_new (NULL);

  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    g_autofree char *label = quern_measured_dup_label (point->measured);
    if (point->dominated && content->n > 1)
      g_string_append_printf (beaten, "%s%c %s", beaten->len > 0 ? ", " : "", 'A' + point->series % 26, label);
    else if (point->dominated)
      g_string_append_printf (beaten, "%s%s", beaten->len > 0 ? ", " : "", label);
  }
  if (beaten->len == 0)
    return g_steal_pointer (&knee);
  /* Translators: names of quantisations; of each there is another one that is better in both */
  g_autofree char *grey = g_strdup_printf (content->by_speed ? _("Grey: %s. Others are faster and no farther away.")
                                                             : _("Grey: %s. Others are smaller and no farther away."),
                                           beaten->str);
  return knee ? g_strdup_printf ("%s %s", knee, grey) : g_steal_pointer (&grey);
}

/* ---- SVG ------------------------------------------------------------------------------------------------------- */

static void
append_number (GString *out, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (out, " %s=\"%s\"", name, g_ascii_formatd (text, sizeof text, "%.2f", value));
}

/* Without a style sheet around it the element brings its own colours, which are those of light pages. */
static void
svg_begin (GString *out, const char *label, gboolean standalone)
{
  g_autofree char *escaped = g_markup_escape_text (label, -1);

  g_string_append_printf (out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\"", SVG_WIDTH, SVG_HEIGHT,
                          escaped);
  if (standalone)
    g_string_append_printf (out,
                            " xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" color=\"#1d1d20\" "
                            "font-family=\"sans-serif\" font-size=\"12\"><title>%s</title>"
                            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>",
                            SVG_WIDTH, SVG_HEIGHT, escaped);
  else
    g_string_append_printf (out, " width=\"100%%\" style=\"max-width:%dpx\">", SVG_WIDTH);
}

/**
 * quern_chart_to_svg:
 * @content: measurements with results
 * @label: what is to be seen, for those who cannot see it
 * @standalone: whether it is to be a file of its own
 *
 * Returns: (transfer full): the chart as an SVG file, or as an element that needs the style sheet of Quern's HTML files
 */
char *
quern_chart_to_svg (const QuernChartContent *content, const char *label, gboolean standalone)
{
  g_autoptr (GArray) marks = quern_chart_new (content, SVG_WIDTH, SVG_HEIGHT, FALSE);
  const char *accent = standalone ? ACCENT : "var(--mark)";
  GString *out = g_string_new (NULL);

  svg_begin (out, label, standalone);
  for (guint i = 0; i < marks->len; i++) {
    const QuernChartMark *mark = &g_array_index (marks, QuernChartMark, i);
    gboolean line = mark->shape == QUERN_CHART_LINE || mark->shape == QUERN_CHART_RING;
    static const char *const names[] = { "rect", "line", "circle", "circle", "text" };
    const char *color = mark->accent ? accent : mark->tint ? mark->tint : "currentColor";
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

/* ---- PNG ------------------------------------------------------------------------------------------------------- */

static void
png_set_color (cairo_t *cr, const QuernChartMark *mark)
{
  const char *color = mark->accent ? ACCENT : mark->tint ? mark->tint : "#1d1d20";
  const guint rgb = (guint) g_ascii_strtoull (color + 1, NULL, 16);

  cairo_set_source_rgba (cr, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, mark->opacity);
}

static void
png_draw_text (cairo_t *cr, PangoLayout *layout, const QuernChartMark *mark)
{
  int width, height;

  pango_layout_set_text (layout, mark->text, -1);
  pango_layout_get_pixel_size (layout, &width, &height);
  cairo_move_to (cr, mark->x - width * mark->align, mark->y - height * mark->align_up);
  pango_cairo_show_layout (cr, layout);
}

static void
png_draw (cairo_t *cr, PangoLayout *layout, const QuernChartMark *mark)
{
  png_set_color (cr, mark);
  cairo_new_path (cr);
  cairo_set_line_width (cr, MAX (mark->width, 1));
  switch (mark->shape) {
  case QUERN_CHART_AREA:
    cairo_rectangle (cr, mark->x, mark->y, mark->x2 - mark->x, mark->y2 - mark->y);
    cairo_fill (cr);
    break;
  case QUERN_CHART_LINE:
    cairo_move_to (cr, mark->x, mark->y);
    cairo_line_to (cr, mark->x2, mark->y2);
    cairo_stroke (cr);
    break;
  case QUERN_CHART_DOT:
  case QUERN_CHART_RING:
    cairo_arc (cr, mark->x, mark->y, mark->x2, 0, 2 * G_PI);
    mark->shape == QUERN_CHART_DOT ? cairo_fill (cr) : cairo_stroke (cr);
    break;
  case QUERN_CHART_TEXT: png_draw_text (cr, layout, mark); break;
  default: g_assert_not_reached ();
  }
}

static cairo_status_t
png_append (void *data, const unsigned char *bytes, unsigned int n)
{
  g_byte_array_append (data, bytes, n);
  return CAIRO_STATUS_SUCCESS;
}

/**
 * quern_chart_to_png_bytes:
 * @content: measurements with results
 *
 * Draws the chart, on white, at twice the size of the SVG.
 *
 * Returns: (transfer full): the bytes of a PNG file; none if memory is short
 */
GBytes *
quern_chart_to_png_bytes (const QuernChartContent *content)
{
  g_autoptr (GArray) marks = quern_chart_new (content, SVG_WIDTH, SVG_HEIGHT, FALSE);
  GByteArray *bytes = g_byte_array_new ();
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, PNG_SCALE * SVG_WIDTH,
                                                         PNG_SCALE * SVG_HEIGHT);
  cairo_t *cr = cairo_create (surface);
  g_autoptr (PangoLayout) layout = pango_cairo_create_layout (cr);
  PangoFontDescription *font = pango_font_description_from_string ("Sans");

  pango_font_description_set_absolute_size (font, 12 * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  cairo_scale (cr, PNG_SCALE, PNG_SCALE);
  for (guint i = 0; i < marks->len; i++)
    png_draw (cr, layout, &g_array_index (marks, QuernChartMark, i));
  cairo_destroy (cr);
  cairo_surface_write_to_png_stream (surface, png_append, bytes);
  cairo_surface_destroy (surface);
  return g_byte_array_free_to_bytes (bytes);
}

/* Writes quern_chart_to_png_bytes() to a file. Blocks. */
gboolean
quern_chart_to_png (const QuernChartContent *content, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = quern_chart_to_png_bytes (content);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return g_file_set_contents (path, data, (gssize) size, error);
}
