/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-picture-viewer.h"

#include "quern-file-name.h"
#include "quern-thumbnail.h"
#include "quern-zoom-area.h"

#include <glib/gi18n.h>
#include <math.h>

#define STEP 1.25 /* zoom factor of a key, a button or a notch of the wheel */
#define MIN_ZOOM 0.02
#define MAX_ZOOM 20.0

struct _QuernPictureViewer {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwWindowTitle *title;
  GtkWidget *siblings;
  GtkScrolledWindow *scrolled;
  QuernZoomArea *area;
  GtkWidget *spinner;
  AdwStatusPage *failed;
  GtkWidget *zoom_bar;
  GtkLabel *percent;

  /* Owned references */
  GListModel *pictures; /* list of QuernAttachment, only pictures */
  QuernStore *store;
  GBytes *bytes; /* bytes of the current picture */
  GCancellable *cancellable;

  guint position;
  guint width, height;         /* in pixels; 0 until the picture is loaded */
  guint tick;                  /* tick callback of the next update of the percentage */
  double pointer_x, pointer_y; /* in the scrolled window; negative if outside */
  double gesture_zoom;         /* zoom when the pinch began */
  double drag_x, drag_y;       /* values of the adjustments when the drag began */
};

G_DEFINE_FINAL_TYPE (QuernPictureViewer, quern_picture_viewer, ADW_TYPE_DIALOG)

/* ---- zoom ------------------------------------------------------------------------------------------------------- */

static gboolean
update_percent_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernPictureViewer *self = QUERN_PICTURE_VIEWER (widget);
  /* Translators: size of a picture on the screen, e.g. "100 %" */
  g_autofree char *text = g_strdup_printf (_("%.0f %%"), quern_zoom_area_get_scale (self->area) * 100);

  self->tick = 0;
  gtk_label_set_label (self->percent, text);
  return G_SOURCE_REMOVE;
}

/* Waits for the next frame, because this is called during the layout and the size is known only after it. */
static void
update_percent (QuernPictureViewer *self)
{
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), update_percent_cb, NULL, NULL);
}

/* Keeps the point under `at` in place. The range is set here, because the viewport updates it only later. */
static void
scale_adjustment (GtkAdjustment *adjustment, double at, double factor, double size)
{
  double page = gtk_adjustment_get_page_size (adjustment), upper = gtk_adjustment_get_upper (adjustment);
  double old_size = size / factor;
  double offset = MAX (0, (page - old_size) / 2); /* margin of a picture that is smaller than the view */
  double value = (gtk_adjustment_get_value (adjustment) + at - offset) * factor - at;

  upper = MAX (page, size);
  gtk_adjustment_configure (adjustment, CLAMP (value, 0, upper - page), 0, upper,
                            gtk_adjustment_get_step_increment (adjustment),
                            gtk_adjustment_get_page_increment (adjustment), page);
}

static void
zoom_to (QuernPictureViewer *self, double zoom, double x, double y)
{
  double factor, width, height;
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self->area));

  if (self->width == 0)
    return;
  zoom = CLAMP (zoom, MIN_ZOOM, MAX_ZOOM);
  factor = zoom / quern_zoom_area_get_scale (self->area);
  width = zoom * self->width / scale;
  height = zoom * self->height / scale;
  quern_zoom_area_set_zoom (self->area, zoom);
  scale_adjustment (gtk_scrolled_window_get_hadjustment (self->scrolled), x, factor, width);
  scale_adjustment (gtk_scrolled_window_get_vadjustment (self->scrolled), y, factor, height);
  update_percent (self);
}

static void
zoom_by (QuernPictureViewer *self, double factor, gboolean at_pointer)
{
  double x = gtk_widget_get_width (GTK_WIDGET (self->scrolled)) / 2.0;
  double y = gtk_widget_get_height (GTK_WIDGET (self->scrolled)) / 2.0;

  if (at_pointer && self->pointer_x >= 0) {
    x = self->pointer_x;
    y = self->pointer_y;
  }
  zoom_to (self, quern_zoom_area_get_scale (self->area) * factor, x, y);
}

static void
fit (QuernPictureViewer *self)
{
  quern_zoom_area_set_zoom (self->area, QUERN_ZOOM_FIT);
}

static void
zoom_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  zoom_by (QUERN_PICTURE_VIEWER (widget), g_str_equal (name, "viewer.zoom-in") ? STEP : 1 / STEP, FALSE);
}

static void
fit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  fit (QUERN_PICTURE_VIEWER (widget));
}

static void
original_size_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernPictureViewer *self = QUERN_PICTURE_VIEWER (widget);
  zoom_by (self, 1 / quern_zoom_area_get_scale (self->area), FALSE);
}

/* The wheel zooms, and so does every scroll with Control. Two fingers on a touchpad move the picture. */
static gboolean
scroll_cb (QuernPictureViewer *self, double dx, double dy, GtkEventControllerScroll *controller)
{
  GdkModifierType state = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  gboolean wheel = gtk_event_controller_scroll_get_unit (controller) == GDK_SCROLL_UNIT_WHEEL;

  if (!wheel && (state & GDK_CONTROL_MASK) == 0)
    return GDK_EVENT_PROPAGATE;
  zoom_by (self, pow (STEP, wheel ? -dy : -dy / 40), TRUE);
  return GDK_EVENT_STOP;
}

static void
pinch_began_cb (QuernPictureViewer *self)
{
  self->gesture_zoom = quern_zoom_area_get_scale (self->area);
}

static void
pinched_cb (QuernPictureViewer *self, double scale, GtkGesture *gesture)
{
  double x = 0, y = 0;

  gtk_gesture_get_bounding_box_center (gesture, &x, &y);
  zoom_to (self, self->gesture_zoom * scale, x, y);
}

static void
drag_began_cb (QuernPictureViewer *self)
{
  self->drag_x = gtk_adjustment_get_value (gtk_scrolled_window_get_hadjustment (self->scrolled));
  self->drag_y = gtk_adjustment_get_value (gtk_scrolled_window_get_vadjustment (self->scrolled));
}

static void
dragged_cb (QuernPictureViewer *self, double x, double y)
{
  gtk_adjustment_set_value (gtk_scrolled_window_get_hadjustment (self->scrolled), self->drag_x - x);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), self->drag_y - y);
}

static void
pressed_cb (QuernPictureViewer *self, int n_press, double x, double y)
{
  if (n_press != 2)
    return;
  if (quern_zoom_area_get_zoom (self->area) == QUERN_ZOOM_FIT)
    zoom_to (self, 1, x, y);
  else
    fit (self);
}

static void
moved_cb (QuernPictureViewer *self, double x, double y)
{
  self->pointer_x = x;
  self->pointer_y = y;
}

static void
left_cb (QuernPictureViewer *self)
{
  self->pointer_x = -1;
}

/* ---- the picture ------------------------------------------------------------------------------------------------ */

static void
show_failure (QuernPictureViewer *self, const GError *error)
{
  g_autofree char *markup = g_markup_escape_text (error->message, -1);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->failed == NULL)
    return;
  gtk_widget_set_visible (self->spinner, FALSE);
  adw_status_page_set_description (self->failed, markup);
  gtk_widget_set_visible (GTK_WIDGET (self->failed), TRUE);
}

static void
decoded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureViewer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_load_finish (result, &error);
  g_autoptr (GdkTexture) texture = NULL;
  g_autofree char *size = NULL;

  if (picture == NULL) {
    show_failure (self, error);
    return;
  }
  if (self->area == NULL)
    return;
  texture = quern_thumbnail_make_texture (picture);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  self->bytes = g_bytes_ref (quern_picture_get_source (picture));
  self->width = quern_picture_get_width (picture);
  self->height = quern_picture_get_height (picture);
  quern_zoom_area_set_paintable (self->area, GDK_PAINTABLE (texture));
  /* Translators: width and height of a picture in pixels */
  size = g_strdup_printf (_("%u × %u pixels"), self->width, self->height);
  adw_window_title_set_subtitle (self->title, size);
  gtk_widget_set_visible (self->spinner, FALSE);
  gtk_widget_set_visible (self->zoom_bar, TRUE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "viewer.save", TRUE);
}

static void
thumbnail_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureViewer) self = user_data;
  g_autoptr (QuernThumbnail) thumbnail = quern_thumbnail_load_finish (result, NULL);

  if (thumbnail != NULL && self->area != NULL && self->bytes == NULL)
    quern_zoom_area_set_paintable (self->area, quern_thumbnail_get_paintable (thumbnail));
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureViewer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, &error);

  if (bytes != NULL && self->area != NULL)
    quern_picture_load_bytes_async (bytes, self->cancellable, decoded_cb, g_object_ref (self));
  else if (error != NULL)
    show_failure (self, error);
}

static void
load (QuernPictureViewer *self, QuernAttachment *attachment)
{
  if (quern_attachment_get_bytes (attachment) != NULL)
    quern_picture_load_bytes_async (quern_attachment_get_bytes (attachment), self->cancellable, decoded_cb,
                                    g_object_ref (self));
  else if (self->store != NULL)
    quern_store_load_attachment_async (self->store, attachment, self->cancellable, stored_cb, g_object_ref (self));
}

/* Shows the thumbnail until the whole picture is decoded. */
static void
show (QuernPictureViewer *self, guint position)
{
  g_autoptr (QuernAttachment) attachment = g_list_model_get_item (self->pictures, position);
  const char *name = quern_attachment_get_name (attachment);
  guint n = g_list_model_get_n_items (self->pictures);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  self->cancellable = g_cancellable_new ();
  self->position = position;
  self->width = self->height = 0;
  adw_window_title_set_title (self->title, name);
  adw_window_title_set_subtitle (self->title, "");
  adw_dialog_set_title (ADW_DIALOG (self), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->area), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_set_visible (self->siblings, n > 1);
  gtk_widget_set_visible (self->spinner, TRUE);
  gtk_widget_set_visible (self->zoom_bar, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->failed), FALSE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "viewer.save", FALSE);
  quern_zoom_area_set_paintable (self->area, NULL);
  fit (self);
  quern_thumbnail_load_async (attachment, self->store, self->cancellable, thumbnail_cb, g_object_ref (self));
  load (self, attachment);
}

static void
go_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernPictureViewer *self = QUERN_PICTURE_VIEWER (widget);
  int n = g_list_model_get_n_items (self->pictures);

  if (n > 1)
    show (self, (self->position + n + g_variant_get_int32 (parameter)) % n);
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureViewer) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_file_replace_contents_finish (G_FILE (source), result, NULL, &error)) {
    AdwDialog *dialog = adw_alert_dialog_new (_("Could Not Save Picture"), error->message);
    adw_alert_dialog_add_response (ADW_ALERT_DIALOG (dialog), "close", _("_Close"));
    adw_dialog_present (dialog, GTK_WIDGET (self));
  }
}

static void
file_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernPictureViewer) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL && self->bytes != NULL)
    g_file_replace_contents_bytes_async (file, self->bytes, NULL, FALSE, G_FILE_CREATE_NONE, NULL, saved_cb,
                                         g_object_ref (self));
}

static void
save_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autofree char *file_name = quern_file_name (adw_dialog_get_title (ADW_DIALOG (widget)), "", _("Picture"));

  gtk_file_dialog_set_title (dialog, _("Save Picture"));
  gtk_file_dialog_set_initial_name (dialog, file_name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (gtk_widget_get_root (widget)), NULL, file_chosen_cb, g_object_ref (widget));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_picture_viewer_dispose (GObject *object)
{
  QuernPictureViewer *self = QUERN_PICTURE_VIEWER (object);

  if (self->tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->pictures);
  g_clear_object (&self->store);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_PICTURE_VIEWER);
  G_OBJECT_CLASS (quern_picture_viewer_parent_class)->dispose (object);
}

static void
add_bindings (GtkWidgetClass *widget_class)
{
  static const struct {
    guint key;
    const char *action;
    int target; /* 0 for none */
  } bindings[] = {
    { GDK_KEY_plus, "viewer.zoom-in" },
    { GDK_KEY_equal, "viewer.zoom-in" },
    { GDK_KEY_KP_Add, "viewer.zoom-in" },
    { GDK_KEY_minus, "viewer.zoom-out" },
    { GDK_KEY_KP_Subtract, "viewer.zoom-out" },
    { GDK_KEY_0, "viewer.fit" },
    { GDK_KEY_KP_0, "viewer.fit" },
    { GDK_KEY_1, "viewer.original-size" },
    { GDK_KEY_KP_1, "viewer.original-size" },
    { GDK_KEY_Page_Up, "viewer.go", -1 },
    { GDK_KEY_Page_Down, "viewer.go", 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bindings); i++) {
    const char *format = bindings[i].target != 0 ? "i" : NULL;
    gtk_widget_class_add_binding_action (widget_class, bindings[i].key, 0, bindings[i].action, format,
                                         bindings[i].target);
    gtk_widget_class_add_binding_action (widget_class, bindings[i].key, GDK_CONTROL_MASK, bindings[i].action, format,
                                         bindings[i].target);
  }
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "viewer.save", NULL);
}

static void
quern_picture_viewer_class_init (QuernPictureViewerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_picture_viewer_dispose;
  g_type_ensure (QUERN_TYPE_ZOOM_AREA);
  gtk_widget_class_install_action (widget_class, "viewer.zoom-in", NULL, zoom_action);
  gtk_widget_class_install_action (widget_class, "viewer.zoom-out", NULL, zoom_action);
  gtk_widget_class_install_action (widget_class, "viewer.fit", NULL, fit_action);
  gtk_widget_class_install_action (widget_class, "viewer.original-size", NULL, original_size_action);
  gtk_widget_class_install_action (widget_class, "viewer.go", "i", go_action);
  gtk_widget_class_install_action (widget_class, "viewer.save", NULL, save_action);
  add_bindings (widget_class);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/widgets/quern-picture-viewer.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, title);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, siblings);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, area);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, spinner);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, failed);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, zoom_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernPictureViewer, percent);
}

static void
add_controller (QuernPictureViewer *self, GtkEventController *controller)
{
  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  gtk_widget_add_controller (GTK_WIDGET (self->scrolled), controller);
}

static void
quern_picture_viewer_init (QuernPictureViewer *self)
{
  GtkEventController *scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new (), *drag = gtk_gesture_drag_new (), *click = gtk_gesture_click_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  self->pointer_x = -1;
  g_signal_connect_swapped (scroll, "scroll", G_CALLBACK (scroll_cb), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (moved_cb), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (left_cb), self);
  g_signal_connect_swapped (pinch, "begin", G_CALLBACK (pinch_began_cb), self);
  g_signal_connect_swapped (pinch, "scale-changed", G_CALLBACK (pinched_cb), self);
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (drag_began_cb), self);
  g_signal_connect_swapped (drag, "drag-update", G_CALLBACK (dragged_cb), self);
  g_signal_connect_swapped (click, "pressed", G_CALLBACK (pressed_cb), self);
  add_controller (self, scroll);
  add_controller (self, motion);
  add_controller (self, GTK_EVENT_CONTROLLER (pinch));
  add_controller (self, GTK_EVENT_CONTROLLER (drag));
  add_controller (self, GTK_EVENT_CONTROLLER (click));
  g_signal_connect_object (gtk_scrolled_window_get_hadjustment (self->scrolled), "changed", G_CALLBACK (update_percent),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (self->scrolled), "changed", G_CALLBACK (update_percent),
                           self, G_CONNECT_SWAPPED);
}

/**
 * quern_picture_viewer_present:
 * @parent: a widget of the window
 * @pictures: (element-type QuernAttachment): pictures alone
 * @position: which of them to begin with
 * @store: (nullable): where their bytes are, when they have none themselves
 */
void
quern_picture_viewer_present (GtkWidget *parent, GListModel *pictures, guint position, QuernStore *store)
{
  QuernPictureViewer *self = g_object_new (QUERN_TYPE_PICTURE_VIEWER, NULL);

  self->pictures = g_object_ref (pictures);
  g_set_object (&self->store, store);
  show (self, position);
  adw_dialog_present (ADW_DIALOG (self), parent);
}
