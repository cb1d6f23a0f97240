/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define QUERN_TYPE_ZOOM_AREA (quern_zoom_area_get_type ())
G_DECLARE_FINAL_TYPE (QuernZoomArea, quern_zoom_area, QUERN, ZOOM_AREA, GtkWidget)

#define QUERN_ZOOM_FIT 0.0 /* as large as the space allows, but never larger than the picture */

void quern_zoom_area_set_paintable (QuernZoomArea *self, GdkPaintable *paintable);
void quern_zoom_area_set_zoom (QuernZoomArea *self, double zoom);
double quern_zoom_area_get_zoom (QuernZoomArea *self);
double quern_zoom_area_get_scale (QuernZoomArea *self);

G_END_DECLS
