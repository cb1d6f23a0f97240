/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-measure-chart.h"

#include "quern-chart.h"

#include <glib/gi18n.h>

/* Draws the chart that reports have, in the colours of the window. */

#define HEIGHT 260 /* pixels */
#define TEXT_SCALE 0.82

struct _QuernMeasureChart {
  GtkWidget parent_instance;

  QuernMeasure *measure; /* owned, or NULL */
  gboolean by_speed;
};

G_DEFINE_FINAL_TYPE (QuernMeasureChart, quern_measure_chart, GTK_TYPE_WIDGET)

static void
quern_measure_chart_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                             int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : 0;
}

static void
quern_measure_chart_draw (GtkSnapshot *snapshot, PangoLayout *layout, const QuernChartMark *mark, const GdkRGBA *color)
{
  g_autoptr (GskPathBuilder) builder = gsk_path_builder_new ();
  g_autoptr (GskPath) path = NULL;
  g_autoptr (GskStroke) stroke = gsk_stroke_new (MAX (1, (float) mark->width));
  int width, height;

  switch (mark->shape) {
  case QUERN_CHART_AREA:
    gtk_snapshot_append_color (snapshot, color,
                               &GRAPHENE_RECT_INIT ((float) mark->x, (float) mark->y, (float) (mark->x2 - mark->x),
                                                    (float) (mark->y2 - mark->y)));
    return;
  case QUERN_CHART_TEXT:
    pango_layout_set_text (layout, mark->text, -1);
    pango_layout_get_pixel_size (layout, &width, &height);
    gtk_snapshot_save (snapshot);
    gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) (mark->x - width * mark->align),
                                                            (float) (mark->y - height * mark->align_up)));
    gtk_snapshot_append_layout (snapshot, layout, color);
    gtk_snapshot_restore (snapshot);
    return;
  case QUERN_CHART_LINE:
    gsk_path_builder_move_to (builder, (float) mark->x, (float) mark->y);
    gsk_path_builder_line_to (builder, (float) mark->x2, (float) mark->y2);
    break;
  default:
    gsk_path_builder_add_circle (builder, &GRAPHENE_POINT_INIT ((float) mark->x, (float) mark->y), (float) mark->x2);
  }
  path = gsk_path_builder_to_path (builder);
  if (mark->shape == QUERN_CHART_DOT)
    gtk_snapshot_append_fill (snapshot, path, GSK_FILL_RULE_WINDING, color);
  else
    gtk_snapshot_append_stroke (snapshot, path, stroke, color);
}

static void
quern_measure_chart_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  QuernMeasureChart *self = QUERN_MEASURE_CHART (widget);
  AdwStyleManager *manager = adw_style_manager_get_default ();
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, NULL);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();
  g_autoptr (GArray) marks = NULL;
  GdkRGBA text, accent;

  if (self->measure == NULL)
    return;
  pango_attr_list_insert (attributes, pango_attr_scale_new (TEXT_SCALE));
  pango_layout_set_attributes (layout, attributes);
  gtk_widget_get_color (widget, &text);
  adw_accent_color_to_standalone_rgba (adw_style_manager_get_accent_color (manager),
                                       adw_style_manager_get_dark (manager), &accent);
  const QuernChartContent content = { .measures = &self->measure, .n = 1, .by_speed = self->by_speed };
  marks = quern_chart_new (&content, gtk_widget_get_width (widget), gtk_widget_get_height (widget),
                           gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL);
  for (guint i = 0; i < marks->len; i++) {
    const QuernChartMark *mark = &g_array_index (marks, QuernChartMark, i);
    GdkRGBA color = mark->accent ? accent : text;
    if (mark->tint != NULL)
      gdk_rgba_parse (&color, mark->tint);
    color.alpha *= (float) mark->opacity;
    quern_measure_chart_draw (snapshot, layout, mark, &color);
  }
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
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_measure_chart_dispose;
  widget_class->measure = quern_measure_chart_measure;
  widget_class->snapshot = quern_measure_chart_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
quern_measure_chart_init (QuernMeasureChart *self)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Chart"), -1);
}

/**
 * quern_measure_chart_show:
 * @by_speed: speed is to the right, else size
 */
void
quern_measure_chart_show (QuernMeasureChart *self, QuernMeasure *measure, gboolean by_speed)
{
  g_autoptr (GString) description = g_string_new (NULL);
  g_autofree char *divergence = NULL;

  g_return_if_fail (QUERN_IS_MEASURE_CHART (self));

  g_set_object (&self->measure, measure);
  self->by_speed = by_speed;
  divergence = quern_measure_dup_marked (measure, _("divergence"));
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    QuernMeasured *measured = quern_measure_get_result (measure, i);
    const QuernDivergenceSummary *s = quern_measured_get_summary (measured);
    g_autofree char *size = quern_model_facts_dup_size (quern_measured_get_facts (measured));
    g_autofree char *name = quern_measured_dup_label (measured);
    g_string_append_printf (description, _("%s: %s, %.0f tokens/s, %s %.4f ± %.4f."), name, size,
                            quern_measured_get_rate (measured), divergence, s->kld_mean, s->kld_block_error);
    g_string_append_c (description, ' ');
  }
  const QuernChartContent content = { .measures = &measure, .n = 1, .by_speed = by_speed };
  g_autofree char *sentence = quern_chart_dup_sentence (&content);
  if (sentence)
    g_string_append (description, sentence);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description->str, -1);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
