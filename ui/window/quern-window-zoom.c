/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-window-private.h"

#include <math.h>

/* The size of the text of conversations and comparisons. It is one for all and kept: whoever needs larger letters needs them
 * tomorrow, too. */

#define STEP 1.1
#define LEAST 0.5
#define MOST 3.0

static void
set_zoom (QuernWindow *self, double zoom)
{
  g_settings_set_double (self->settings, "zoom", CLAMP (zoom, LEAST, MOST));
}

static void
zoom_by (QuernWindow *self, double factor)
{
  double zoom = g_settings_get_double (self->settings, "zoom") * factor;

  set_zoom (self, fabs (zoom - 1) < 0.04 ? 1 : zoom); /* steps there and back end where they began */
}

static void
apply_zoom (QuernWindow *self)
{
  int percent = (int) round (100 * g_settings_get_double (self->settings, "zoom"));
  g_autofree char *css = g_strdup_printf (".transcript, .compare-turns { font-size: %d%%; }", percent);

  gtk_css_provider_load_from_string (self->zoom, percent != 100 ? css : "");
}

static void
zoom_in_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  zoom_by (QUERN_WINDOW (widget), STEP);
}

static void
zoom_out_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  zoom_by (QUERN_WINDOW (widget), 1 / STEP);
}

static void
zoom_reset_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  set_zoom (QUERN_WINDOW (widget), 1);
}

static gboolean
quern_window_scroll_cb (QuernWindow *self, double dx, double dy, GtkEventController *controller)
{
  if ((gtk_event_controller_get_current_event_state (controller) & GDK_CONTROL_MASK) == 0 || dy == 0)
    return GDK_EVENT_PROPAGATE;
  zoom_by (self, pow (STEP, -CLAMP (dy, -1, 1)));
  return GDK_EVENT_STOP;
}

static void
pinch_begin_cb (QuernWindow *self)
{
  self->pinched = g_settings_get_double (self->settings, "zoom");
}

static void
pinch_cb (QuernWindow *self, double scale)
{
  set_zoom (self, self->pinched * scale);
}

/* Lets pages zoom by Ctrl and the wheel, and by two fingers. */
static void
add_gestures (QuernWindow *self, GtkWidget *pages)
{
  GtkEventController *scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkGesture *pinch = gtk_gesture_zoom_new ();

  gtk_event_controller_set_propagation_phase (scroll, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (scroll, "scroll", G_CALLBACK (quern_window_scroll_cb), self);
  gtk_widget_add_controller (pages, scroll);
  g_signal_connect_swapped (pinch, "begin", G_CALLBACK (pinch_begin_cb), self);
  g_signal_connect_swapped (pinch, "scale-changed", G_CALLBACK (pinch_cb), self);
  gtk_widget_add_controller (pages, GTK_EVENT_CONTROLLER (pinch));
}

/* Shows text as large as it was last. */
void
_quern_window_init_zoom (QuernWindow *self)
{
  self->zoom = gtk_css_provider_new ();
  gtk_style_context_add_provider_for_display (gtk_widget_get_display (GTK_WIDGET (self)),
                                              GTK_STYLE_PROVIDER (self->zoom),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION + 1);
  g_signal_connect_object (self->settings, "changed::zoom", G_CALLBACK (apply_zoom), self, G_CONNECT_SWAPPED);
  apply_zoom (self);
  add_gestures (self, GTK_WIDGET (self->pages));
}

/* Call it in dispose. */
void
_quern_window_clear_zoom (QuernWindow *self)
{
  if (self->zoom != NULL)
    gtk_style_context_remove_provider_for_display (gtk_widget_get_display (GTK_WIDGET (self)),
                                                   GTK_STYLE_PROVIDER (self->zoom));
  g_clear_object (&self->zoom);
}

void
_quern_window_install_zoom_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.zoom-in", NULL, zoom_in_action);
  gtk_widget_class_install_action (widget_class, "win.zoom-out", NULL, zoom_out_action);
  gtk_widget_class_install_action (widget_class, "win.zoom-reset", NULL, zoom_reset_action);
}
