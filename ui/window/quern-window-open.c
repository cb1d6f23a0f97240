/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-window-private.h"

#include <glib/gi18n.h>

/* Model files from outside, which are used where they lie. What is asked for over the session bus may come from any
 * program, so it is done without a question only where the user launched it. The window manager tells: it gives the focus to
 * what the user launched, and withholds it from the rest. */

#define FOCUS_PATIENCE 2000 /* ms until the focus has come, or will not */
#define MOST_NAMES 8        /* in a question */

typedef struct {
  QuernWindow *window;
  GStrv paths;
  gulong active_handler;
  guint patience;
} Opening;

static Opening *
opening_new (QuernWindow *self, GStrv paths)
{
  Opening *opening = g_new0 (Opening, 1);

  opening->window = g_object_ref (self);
  opening->paths = paths;
  return opening;
}

static void
opening_free (Opening *opening)
{
  g_clear_handle_id (&opening->patience, g_source_remove);
  g_clear_signal_handler (&opening->active_handler, opening->window);
  g_strfreev (opening->paths);
  g_object_unref (opening->window);
  g_free (opening);
}

static void
quern_window_imported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernModel) model = quern_library_import_finish (QUERN_LIBRARY (source), result, &error);

  if (self->chat_page == NULL)
    return;
  if (model == NULL)
    quern_chat_page_show_problem (self->chat_page, error->message);
  else if (self->session != NULL)
    quern_chat_session_set_model (self->session, model);
}

/* Adds a model file to the library, and lets the conversation on the screen use it. */
void
_quern_window_import (QuernWindow *self, const char *path)
{
  if (self->library != NULL)
    quern_library_import_async (self->library, path, NULL, quern_window_imported_cb, g_object_ref (self));
}

static void
import_all (Opening *opening)
{
  for (char **path = opening->paths; *path != NULL; path++)
    _quern_window_import (opening->window, *path);
}

static void
quern_window_response_cb (AdwAlertDialog *dialog, const char *response, gpointer user_data)
{
  if (g_str_equal (response, "add"))
    import_all (user_data);
}

static void
quern_window_asked_free (gpointer data, GClosure *closure)
{
  opening_free (data);
}

/* The whole paths, one a line. */
static char *
describe_paths (GStrv paths)
{
  guint n = g_strv_length (paths);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (n, MOST_NAMES); i++) {
    g_autofree char *name = g_filename_display_name (paths[i]);
    g_string_append_printf (text, "\n%s", g_strdelimit (name, "\n\r", ' '));
  }
  if (n > MOST_NAMES)
    g_string_append (text, "\n…");
  return g_string_free_and_steal (text);
}

static void
quern_window_ask (Opening *opening)
{
  guint n = g_strv_length (opening->paths);
  g_autofree char *names = describe_paths (opening->paths), *body = NULL;
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (
      adw_alert_dialog_new (ngettext ("Add This Model?", "Add These Models?", n), NULL));

  body = g_strconcat (_("Another application asked for this. The files stay where they are."), "\n", names, NULL);
  adw_alert_dialog_set_body (dialog, body);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "add", _("_Add"), NULL);
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_window_response_cb), opening, quern_window_asked_free,
                         0);
  adw_dialog_present (ADW_DIALOG (dialog), GTK_WIDGET (opening->window));
}

static void
active_cb (GtkWindow *window, GParamSpec *pspec, gpointer user_data)
{
  if (!gtk_window_is_active (window))
    return;
  import_all (user_data);
  opening_free (user_data);
}

static void
patience_cb (gpointer user_data)
{
  Opening *opening = user_data;

  opening->patience = 0;
  g_clear_signal_handler (&opening->active_handler, opening->window);
  if (opening->window->chat_page != NULL) /* it was not closed meanwhile */
    quern_window_ask (opening);
  else
    opening_free (opening);
}

static void
wait_for_focus (Opening *opening)
{
  opening->active_handler = g_signal_connect (opening->window, "notify::is-active", G_CALLBACK (active_cb), opening);
  opening->patience = g_timeout_add_once (FOCUS_PATIENCE, patience_cb, opening);
}

/* "win.open-files" (aayu): paths, and a #QuernOpenedBy. */
void
_quern_window_open_files (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  guint32 opened_by;
  GStrv paths;
  Opening *opening;

  g_variant_get (parameter, "(^aayu)", &paths, &opened_by);
  opening = opening_new (self, paths);
  if (opened_by == QUERN_OPENED_BY_STRANGER) {
    quern_window_ask (opening);
  } else if (opened_by == QUERN_OPENED_BY_LAUNCH && !gtk_window_is_active (GTK_WINDOW (self))) {
    wait_for_focus (opening);
  } else {
    import_all (opening);
    opening_free (opening);
  }
}
