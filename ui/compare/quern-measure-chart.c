/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-chart.h"

#include "quern-verdict.h"

#include <glib/gi18n.h>
#include <math.h>

/* Plots size or speed to the right and divergence upwards on a logarithmic scale, with 95 % intervals. The reference,
 * and models that equal it or are below the scale, stand on the axis, because 0 has no logarithm. The smallest model
 * that is not worse has a ring and a star. The bands of the verdicts are drawn behind. */

#define MARGIN_LEFT 58
#define MARGIN_RIGHT 24
#define MARGIN_TOP 24
#define MARGIN_BOTTOM 40

struct _QuernMeasureChart {
  AdwBin parent_instance;

  GtkDrawingArea *area;
  QuernMeasure *measure; /* owned, or NULL */
  gboolean by_speed;
};

typedef struct {
  cairo_t *cr;
  GdkRGBA color;
  PangoLayout *layout;
  double left, right, top, bottom; /* edges of the plot */
  double x_max, y_min, y_max;
  GdkRGBA accent;
  gboolean mirrored; /* the text direction is right to left */
} Plot;

G_DEFINE_FINAL_TYPE (QuernMeasureChart, quern_measure_chart, ADW_TYPE_BIN)

static double
get_x (QuernMeasureChart *self, QuernMeasured *measured)
{
  return self->by_speed ? quern_measured_get_rate (measured) : (double) quern_measured_get_facts (measured)->file_bytes;
}

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
draw_text (const Plot *plot, const char *text, double x, double y, double align_x, double align_y)
{
  int width, height;

  pango_layout_set_text (plot->layout, text, -1);
  pango_layout_get_pixel_size (plot->layout, &width, &height);
  cairo_move_to (plot->cr, x - width * align_x, y - height * align_y);
  pango_cairo_show_layout (plot->cr, plot->layout);
}

static void
set_color (const Plot *plot, double alpha)
{
  GdkRGBA color = plot->color;
  color.alpha *= (float) alpha;
  gdk_cairo_set_source_rgba (plot->cr, &color);
}

/* The range covers all positive values in whole powers of ten. */
static void
find_range (QuernMeasureChart *self, Plot *plot)
{
  double low = INFINITY, high = 0;

  plot->x_max = 1e-9;
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (self->measure)); i++) {
    QuernMeasured *measured = quern_measure_get_result (self->measure, i);
    const QuernDivergenceSummary *summary = quern_measured_get_summary (measured);
    plot->x_max = MAX (plot->x_max, get_x (self, measured) * 1.15);
    if (summary->kld_mean > 0)
      low = MIN (low, summary->kld_mean);
    high = MAX (high, summary->kld_mean + 1.96 * summary->kld_error);
  }
  /* All bands are visible, however small the divergences are. */
  plot->y_min = MIN (QUERN_VERDICT_SLIGHT / 10, isfinite (low) ? pow (10, floor (log10 (low) - 0.3)) : 1);
  plot->y_max = MAX (QUERN_VERDICT_DAMAGED * 10, high > 0 ? pow (10, ceil (log10 (high))) : 0);
}

/* Draws one band of the verdicts, in a faint colour for light and dark style, with its name. */
static void
draw_band (const Plot *plot, double from, double to, const GdkRGBA *tint, const char *name)
{
  double top = to_y (plot, to), bottom = to_y (plot, from);

  gdk_cairo_set_source_rgba (plot->cr, tint);
  cairo_rectangle (plot->cr, plot->left, top, plot->right - plot->left, bottom - top);
  cairo_fill (plot->cr);
  set_color (plot, 0.6);
  draw_text (plot, name, plot->mirrored ? plot->left + 6 : plot->right - 6, top + 3, plot->mirrored ? 0 : 1, 0);
}

static void
draw_bands (const Plot *plot)
{
  static const GdkRGBA good = { 0.18f, 0.76f, 0.49f, 0.13f }, fair = { 0.96f, 0.76f, 0.07f, 0.13f },
                       bad = { 0.88f, 0.11f, 0.14f, 0.11f };

  draw_band (plot, plot->y_min, QUERN_VERDICT_SLIGHT, &good, quern_verdict_to_string (QUERN_VERDICT_INDISTINGUISHABLE));
  draw_band (plot, QUERN_VERDICT_SLIGHT, QUERN_VERDICT_DAMAGED, &fair,
             quern_verdict_to_string (QUERN_VERDICT_SLIGHTLY_DIFFERENT));
  draw_band (plot, QUERN_VERDICT_DAMAGED, plot->y_max, &bad, quern_verdict_to_string (QUERN_VERDICT_VISIBLY_DAMAGED));
}

/* Returns a step of 1, 2 or 5 times a power of ten, so that there are at most five ticks. */
static double
find_step (double range)
{
  double power = pow (10, floor (log10 (range / 5))), share = range / 5 / power;

  return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static void
draw_axes (QuernMeasureChart *self, const Plot *plot)
{
  cairo_set_line_width (plot->cr, 1);
  for (double y = plot->y_min; y <= plot->y_max * 1.01; y *= 10) {
    g_autofree char *text = y > plot->y_min * 1.01 ? g_strdup_printf ("%g", y) : g_strdup_printf ("≤ %g", y);
    set_color (plot, 0.15);
    cairo_move_to (plot->cr, plot->left, round (to_y (plot, y)) + 0.5);
    cairo_line_to (plot->cr, plot->right, round (to_y (plot, y)) + 0.5);
    cairo_stroke (plot->cr);
    set_color (plot, 0.7);
    draw_text (plot, text, plot->left - 6, to_y (plot, y), 1, 0.5);
  }
  for (double x = 0, step = find_step (plot->x_max); x <= plot->x_max; x += step) {
    g_autofree char *text = self->by_speed || x == 0 ? g_strdup_printf ("%.0f", x) : g_format_size ((guint64) x);
    set_color (plot, 0.7);
    draw_text (plot, text, to_x (plot, x), plot->bottom + 4, 0.5, 0);
  }
  draw_text (plot, self->by_speed ? _("tokens read per second") : _("file size"), (plot->left + plot->right) / 2,
             plot->bottom + 38, 0.5, 1);
  draw_text (plot, _("mean divergence"), 4, 2, 0, 0);
}

static void
draw_point (QuernMeasureChart *self, const Plot *plot, guint i, gboolean best)
{
  QuernMeasured *measured = quern_measure_get_result (self->measure, i);
  const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
  double x = to_x (plot, get_x (self, measured)), y = to_y (plot, s->kld_mean);
  g_autofree char *label = quern_measured_dup_label (measured);
  g_autofree char *name = best ? g_strdup_printf ("★ %s", label) : g_steal_pointer (&label);
  double low = to_y (plot, s->kld_mean - 1.96 * s->kld_error), high = to_y (plot, s->kld_mean + 1.96 * s->kld_error);

  gdk_cairo_set_source_rgba (plot->cr, &plot->accent);
  cairo_set_line_width (plot->cr, 2);
  if (s->kld_mean > 0) {
    cairo_move_to (plot->cr, x, low);
    cairo_line_to (plot->cr, x, high);
    cairo_move_to (plot->cr, x - 7, high);
    cairo_line_to (plot->cr, x + 7, high);
    cairo_move_to (plot->cr, x - 7, low);
    cairo_line_to (plot->cr, x + 7, low);
    cairo_stroke (plot->cr);
  }
  cairo_arc (plot->cr, x, y, 4, 0, 2 * G_PI);
  cairo_fill (plot->cr);
  if (best) {
    cairo_arc (plot->cr, x, y, 10, 0, 2 * G_PI);
    cairo_stroke (plot->cr);
  }
  set_color (plot, 1);
  draw_text (plot, name, x, MIN (high, y - 10) - 3, x > plot->right - 30 ? 1 : 0.5, 1);
}

static void
get_accent (GdkRGBA *color)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();

  adw_accent_color_to_standalone_rgba (adw_style_manager_get_accent_color (manager),
                                       adw_style_manager_get_dark (manager), color);
}

static void
draw_cb (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  QuernMeasureChart *self = QUERN_MEASURE_CHART (user_data);
  Plot plot = { .cr = cr,
                .left = MARGIN_LEFT,
                .right = width - MARGIN_RIGHT,
                .top = MARGIN_TOP + 14,
                .bottom = height - MARGIN_BOTTOM };
  PangoAttrList *attributes = pango_attr_list_new ();
  guint best;

  if (self->measure == NULL)
    return;
  gtk_widget_get_color (GTK_WIDGET (area), &plot.color);
  plot.mirrored = gtk_widget_get_direction (GTK_WIDGET (area)) == GTK_TEXT_DIR_RTL;
  get_accent (&plot.accent);
  plot.layout = gtk_widget_create_pango_layout (GTK_WIDGET (area), NULL);
  pango_attr_list_insert (attributes, pango_attr_scale_new (0.82));
  pango_layout_set_attributes (plot.layout, attributes);
  find_range (self, &plot);
  draw_bands (&plot);
  draw_axes (self, &plot);
  best = quern_verdict_smallest_good (self->measure);
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (self->measure)); i++)
    draw_point (self, &plot, i, i == best);
  pango_attr_list_unref (attributes);
  g_object_unref (plot.layout);
}

static char *
make_description (QuernMeasureChart *self)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (self->measure)); i++) {
    QuernMeasured *measured = quern_measure_get_result (self->measure, i);
    const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
    g_autofree char *size = g_format_size (quern_measured_get_facts (measured)->file_bytes);
    g_autofree char *name = quern_measured_dup_label (measured);
    g_string_append_printf (text, _("%s: %s, %.0f tokens/s, divergence %.4f ± %.4f."), name, size,
                            quern_measured_get_rate (measured), s->kld_mean, s->kld_error);
    g_string_append_c (text, ' ');
  }
  return g_string_free (text, FALSE);
}

static void
quern_measure_chart_dispose (GObject *object)
{
  g_clear_object (&QUERN_MEASURE_CHART (object)->measure);
  G_OBJECT_CLASS (quern_measure_chart_parent_class)->dispose (object);
}

static void
quern_measure_chart_class_init (QuernMeasureChartClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_measure_chart_dispose;
}

static void
quern_measure_chart_init (QuernMeasureChart *self)
{
  self->area = g_object_new (GTK_TYPE_DRAWING_AREA, "accessible-role", GTK_ACCESSIBLE_ROLE_IMG, NULL);
  gtk_drawing_area_set_content_height (self->area, 260);
  gtk_drawing_area_set_draw_func (self->area, draw_cb, self, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->area), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Chart"), -1);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->area));
}

/**
 * quern_measure_chart_new:
 *
 * Returns: (transfer floating): a chart without a measurement
 */
GtkWidget *
quern_measure_chart_new (void)
{
  return g_object_new (QUERN_TYPE_MEASURE_CHART, NULL);
}

/**
 * quern_measure_chart_show:
 * @by_speed: speed is to the right, else size
 */
void
quern_measure_chart_show (QuernMeasureChart *self, QuernMeasure *measure, gboolean by_speed)
{
  g_autofree char *description = NULL;

  g_set_object (&self->measure, measure);
  self->by_speed = by_speed;
  description = make_description (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->area), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
  gtk_widget_queue_draw (GTK_WIDGET (self->area));
}
