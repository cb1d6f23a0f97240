/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-zoom-area.h"

/* Draws a picture at a chosen zoom, or as large as the space allows. A viewport moves it. Sizes are in device pixels:
 * at a zoom of 1, a pixel of the picture is a pixel of the screen. */
struct _QuernZoomArea {
  GtkWidget parent_instance;

  GdkPaintable *paintable;
  double zoom; /* or QUERN_ZOOM_FIT */
};

G_DEFINE_FINAL_TYPE (QuernZoomArea, quern_zoom_area, GTK_TYPE_WIDGET)

static double
picture_size (QuernZoomArea *self, GtkOrientation orientation)
{
  int pixels = 0;

  if (self->paintable != NULL)
    pixels = orientation == GTK_ORIENTATION_HORIZONTAL ? gdk_paintable_get_intrinsic_width (self->paintable)
                                                       : gdk_paintable_get_intrinsic_height (self->paintable);
  return (double) pixels / gtk_widget_get_scale_factor (GTK_WIDGET (self));
}

static void
quern_zoom_area_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  QuernZoomArea *self = QUERN_ZOOM_AREA (widget);
  double size = picture_size (self, orientation);

  *minimum = self->zoom == QUERN_ZOOM_FIT ? 0 : (int) (size * self->zoom + 0.5);
  *natural = self->zoom == QUERN_ZOOM_FIT ? (int) size : *minimum;
}

static void
quern_zoom_area_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  QuernZoomArea *self = QUERN_ZOOM_AREA (widget);
  double scale = quern_zoom_area_get_scale (self);
  double width = picture_size (self, GTK_ORIENTATION_HORIZONTAL) * scale;
  double height = picture_size (self, GTK_ORIENTATION_VERTICAL) * scale;

  if (self->paintable == NULL)
    return;
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((gtk_widget_get_width (widget) - width) / 2,
                                                          (gtk_widget_get_height (widget) - height) / 2));
  gdk_paintable_snapshot (self->paintable, snapshot, width, height);
}

static void
quern_zoom_area_dispose (GObject *object)
{
  g_clear_object (&QUERN_ZOOM_AREA (object)->paintable);
  G_OBJECT_CLASS (quern_zoom_area_parent_class)->dispose (object);
}

static void
quern_zoom_area_class_init (QuernZoomAreaClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_zoom_area_dispose;
  widget_class->measure = quern_zoom_area_measure;
  widget_class->snapshot = quern_zoom_area_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
quern_zoom_area_init (QuernZoomArea *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

/**
 * quern_zoom_area_set_paintable:
 * @paintable: (nullable): what to draw
 */
void
quern_zoom_area_set_paintable (QuernZoomArea *self, GdkPaintable *paintable)
{
  g_return_if_fail (QUERN_IS_ZOOM_AREA (self));

  g_set_object (&self->paintable, paintable);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/**
 * quern_zoom_area_set_zoom:
 * @zoom: 1 for its own size, or %QUERN_ZOOM_FIT
 */
void
quern_zoom_area_set_zoom (QuernZoomArea *self, double zoom)
{
  g_return_if_fail (QUERN_IS_ZOOM_AREA (self));

  self->zoom = zoom;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

double
quern_zoom_area_get_zoom (QuernZoomArea *self)
{
  g_return_val_if_fail (QUERN_IS_ZOOM_AREA (self), QUERN_ZOOM_FIT);
  return self->zoom;
}

/**
 * quern_zoom_area_get_scale:
 *
 * Returns: the zoom that the picture is drawn with now
 */
double
quern_zoom_area_get_scale (QuernZoomArea *self)
{
  double width, height;

  g_return_val_if_fail (QUERN_IS_ZOOM_AREA (self), 1);

  width = picture_size (self, GTK_ORIENTATION_HORIZONTAL);
  height = picture_size (self, GTK_ORIENTATION_VERTICAL);
  if (self->zoom != QUERN_ZOOM_FIT || width <= 0 || height <= 0)
    return self->zoom != QUERN_ZOOM_FIT ? self->zoom : 1;
  return MIN (1, MIN (gtk_widget_get_width (GTK_WIDGET (self)) / width,
                      gtk_widget_get_height (GTK_WIDGET (self)) / height));
}
