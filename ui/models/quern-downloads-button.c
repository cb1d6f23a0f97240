/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-downloads-button.h"

#include "quern-download-row.h"

#include <glib/gi18n.h>
#include <math.h>

/* A button for header bars: a ring that fills while models are downloaded, gone when there is nothing to wait for. It
 * leads to the list of downloads. */
struct _QuernDownloadsButton {
  AdwBin parent_instance;

  GtkWidget *button, *ring; /* borrowed */
  QuernDownloads *downloads;
  double progress;
};

G_DEFINE_FINAL_TYPE (QuernDownloadsButton, quern_downloads_button, ADW_TYPE_BIN)

static void
draw_ring (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  double progress = QUERN_DOWNLOADS_BUTTON (user_data)->progress, radius = MIN (width, height) / 2.0 - 1.5;
  GdkRGBA color;

  gtk_widget_get_color (GTK_WIDGET (area), &color);
  cairo_set_line_width (cr, 2.5);
  cairo_set_source_rgba (cr, color.red, color.green, color.blue, color.alpha * 0.25);
  cairo_arc (cr, width / 2.0, height / 2.0, radius, 0, 2 * G_PI);
  cairo_stroke (cr);
  gdk_cairo_set_source_rgba (cr, &color);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_arc (cr, width / 2.0, height / 2.0, radius, -G_PI / 2, -G_PI / 2 + 2 * G_PI * CLAMP (progress, 0.01, 1));
  cairo_stroke (cr);
}

static void
quern_downloads_button_update (QuernDownloadsButton *self)
{
  double progress = quern_downloads_get_progress (self->downloads);
  QuernDownload *running = quern_downloads_get_running (self->downloads);
  g_autofree char *status = running != NULL ? quern_download_row_describe (running) : NULL, *text = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self), progress >= 0);
  if (progress < 0)
    return;
  if (fabs (progress - self->progress) > 0.005)
    gtk_widget_queue_draw (self->ring);
  self->progress = progress;
  /* Translators: percent of all downloads, then what the running one says: "1 GB of 3 GB · 20 MB/s · 2 minutes left" */
  text = status != NULL ? g_strdup_printf (_("Downloads: %d %% · %s"), (int) (progress * 100), status)
                        : g_strdup (_("Downloads waiting"));
  gtk_widget_set_tooltip_text (self->button, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
}

static void
quern_downloads_button_dispose (GObject *object)
{
  g_clear_object (&QUERN_DOWNLOADS_BUTTON (object)->downloads);
  G_OBJECT_CLASS (quern_downloads_button_parent_class)->dispose (object);
}

static void
quern_downloads_button_class_init (QuernDownloadsButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_downloads_button_dispose;
}

static void
quern_downloads_button_init (QuernDownloadsButton *self)
{
  self->ring = gtk_drawing_area_new ();
  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (self->ring), 16);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (self->ring), 16);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (self->ring), draw_ring, self, NULL);
  gtk_widget_set_halign (self->ring, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->ring, GTK_ALIGN_CENTER);
  self->button = gtk_button_new ();
  gtk_button_set_child (GTK_BUTTON (self->button), self->ring);
  gtk_widget_add_css_class (self->button, "image-button");
  gtk_widget_add_css_class (self->button, "flat");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->button), "s", "downloads");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), "win.show-models");
  adw_bin_set_child (ADW_BIN (self), self->button);
}

GtkWidget *
quern_downloads_button_new (QuernModelsService *service)
{
  QuernDownloadsButton *self = g_object_new (QUERN_TYPE_DOWNLOADS_BUTTON, NULL);

  self->downloads = g_object_ref (quern_models_service_get_downloads (service));
  g_signal_connect_object (self->downloads, "notify::progress", G_CALLBACK (quern_downloads_button_update), self,
                           G_CONNECT_SWAPPED);
  quern_downloads_button_update (self);
  return GTK_WIDGET (self);
}
