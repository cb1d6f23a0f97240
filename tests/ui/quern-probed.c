/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The application for tests. With QUERN_PACE, each step of an answer takes that many milliseconds longer, for tests
 * that act while it is generated: the models of the tests answer in a moment. With QUERN_HOLD, an answer waits after
 * that many steps until it is stopped. With QUERN_TOASTS, toasts stay for at least that many seconds.
 *
 * At SIGUSR1 the program waits until the window is laid out and writes to the file QUERN_PROBE what accessibility does
 * not tell: a JSON array of objects, one for each label whose text is cut and each button that is small:
 *
 *   { "problem": "ellipsized" | "cut" | "small", "text": …, "where": "window/box/…", "width": …, "height": … } */

#include "qe.h"

#include <adwaita.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>

static guint64
number_from_environment (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL ? g_ascii_strtoull (value, NULL, 10) : 0;
}

/* The linker puts these functions between the program and its libraries (tests/ui/meson.build). */
QeStatus __real_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
QeStatus __wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);

QeStatus
__wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                        QeError *err)
{
  static guint64 steps; /* steps of the answer; there is one thread with one context */
  guint64 hold = number_from_environment ("QUERN_HOLD");
  QeStatus status;

  g_usleep (1000 * number_from_environment ("QUERN_PACE"));
  while (hold > 0 && steps >= hold && !control->cancelled (control->data))
    g_usleep (1000);
  status = __real_qe_context_step (context, sampler, control, tokens, n, err);
  steps = status == QE_OK ? steps + 1 : 0;
  return status;
}

static void
keep (AdwToast *toast)
{
  guint least = number_from_environment ("QUERN_TOASTS");

  if (adw_toast_get_timeout (toast) > 0)
    adw_toast_set_timeout (toast, MAX (least, adw_toast_get_timeout (toast)));
}

void __real_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast);
void __wrap_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast);

void
__wrap_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast)
{
  keep (toast);
  __real_adw_toast_overlay_add_toast (overlay, toast);
}

void __real_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast);
void __wrap_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast);

void
__wrap_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast)
{
  keep (toast);
  __real_adw_preferences_dialog_add_toast (dialog, toast);
}

static char *
describe_place (GtkWidget *widget)
{
  GString *place = g_string_new (NULL);
  guint depth = 0;

  for (; widget != NULL && depth < 7; widget = gtk_widget_get_parent (widget), depth++) {
    g_auto (GStrv) classes = gtk_widget_get_css_classes (widget);
    g_autofree char *joined = g_strjoinv (".", classes);
    g_autofree char *step = g_strdup_printf ("%s%s%s%s", gtk_widget_get_css_name (widget), *joined != '\0' ? "." : "",
                                             joined, depth > 0 ? " > " : "");
    g_string_prepend (place, step);
  }
  return g_string_free_and_steal (place);
}

static void
report (JsonBuilder *builder, GtkWidget *widget, const char *problem, const char *text)
{
  g_autofree char *place = describe_place (widget);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "problem");
  json_builder_add_string_value (builder, problem);
  json_builder_set_member_name (builder, "text");
  json_builder_add_string_value (builder, text);
  json_builder_set_member_name (builder, "where");
  json_builder_add_string_value (builder, place);
  json_builder_set_member_name (builder, "width");
  json_builder_add_int_value (builder, gtk_widget_get_width (widget));
  json_builder_set_member_name (builder, "height");
  json_builder_add_int_value (builder, gtk_widget_get_height (widget));
  json_builder_end_object (builder);
}

static void
look_at_label (JsonBuilder *builder, GtkLabel *label)
{
  PangoLayout *layout = gtk_label_get_layout (label);
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  if (pango_layout_is_ellipsized (layout))
    report (builder, GTK_WIDGET (label), "ellipsized", gtk_label_get_text (label));
  else if (width > gtk_widget_get_width (GTK_WIDGET (label)) + 1
           || height > gtk_widget_get_height (GTK_WIDGET (label)) + 1)
    report (builder, GTK_WIDGET (label), "cut", gtk_label_get_text (label));
}

/* Returns the size of the area that can be pressed. It includes the padding of the widget's style, which
 * gtk_widget_get_width() leaves out. */
static void
look_at_button (JsonBuilder *builder, GtkWidget *button)
{
  graphene_rect_t bounds;
  const char *name = gtk_widget_get_tooltip_text (button);

  if (!gtk_widget_compute_bounds (button, button, &bounds))
    return;
  if (bounds.size.height < 44 || bounds.size.width < 44) {
    g_autofree char *text = g_strdup_printf ("%s %.0f × %.0f", name != NULL ? name : "", bounds.size.width,
                                             bounds.size.height);
    report (builder, button, "small", text);
  }
}

static void
look_at (JsonBuilder *builder, GtkWidget *widget)
{
  if (!gtk_widget_get_mapped (widget) || !gtk_widget_get_child_visible (widget))
    return;
  if (GTK_IS_LABEL (widget))
    look_at_label (builder, GTK_LABEL (widget));
  else if (GTK_IS_BUTTON (widget) && gtk_widget_get_sensitive (widget))
    look_at_button (builder, widget);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    look_at (builder, child);
}

static void
write_probe (const char *path)
{
  GListModel *windows = gtk_window_get_toplevels ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
    look_at (builder, window);
  }
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  if (!g_file_set_contents (path, text, -1, &error)) /* writes a new file and renames it */
    g_printerr ("quern-probed: %s\n", error->message);
}

static gboolean
quiet_cb (gpointer user_data)
{
  write_probe (user_data);
  return G_SOURCE_REMOVE;
}

/* Runs three frames after the signal, when the results of the last event, and what these caused, are laid out. */
static gboolean
frames_cb (gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_LOW, quiet_cb, user_data, NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
probe_cb (gpointer user_data)
{
  g_timeout_add (50, frames_cb, user_data);
  return G_SOURCE_CONTINUE;
}

/* The program's own main() is in ui/main.c, here as in quern. */
__attribute__ ((constructor)) static void
listen_for_probes (void)
{
  if (g_getenv ("QUERN_PROBE") != NULL)
    g_unix_signal_add (SIGUSR1, probe_cb, (gpointer) g_getenv ("QUERN_PROBE"));
}
