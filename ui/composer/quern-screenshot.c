/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-screenshot.h"

#include <glib/gi18n.h>

/* Takes a screenshot through the desktop's portal, which asks the user what to capture. The answer comes as a signal of
 * a request object, whose path is known in advance: https://flatpak.github.io/xdg-desktop-portal. */

#define PORTAL "org.freedesktop.portal.Desktop"

typedef struct {
  GDBusConnection *bus;
  char *path; /* of the request */
  guint subscription;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->subscription != 0)
    g_dbus_connection_signal_unsubscribe (request->bus, request->subscription);
  g_clear_object (&request->bus);
  g_free (request->path);
  g_free (request);
}

static void
unsubscribe (Request *request)
{
  if (request->subscription != 0)
    g_dbus_connection_signal_unsubscribe (request->bus, request->subscription);
  request->subscription = 0;
}

/* The portal's response codes are 0 for success, 1 if the user cancelled, and 2 for other errors. */
static void
response_cb (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
             GVariant *parameters, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  Request *request = g_task_get_task_data (task);
  g_autoptr (GVariant) results = NULL;
  const char *uri = NULL;
  guint32 code;

  if (request->subscription == 0)
    return;
  unsubscribe (request);
  g_variant_get (parameters, "(u@a{sv})", &code, &results);
  if (code == 0 && g_variant_lookup (results, "uri", "&s", &uri))
    g_task_return_pointer (task, g_file_new_for_uri (uri), g_object_unref);
  else if (code == 1)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
                             _("The screenshot could not be taken. Take it with the desktop's screenshot key and "
                               "attach the file."));
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply != NULL || request->subscription == 0)
    return; /* the signal has come or will come */
  unsubscribe (request);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s",
                             _("This desktop does not let applications take screenshots. Take one with its screenshot "
                               "key and attach the file."));
}

/* The path is /org/freedesktop/portal/desktop/request/SENDER/TOKEN. */
static char *
request_path (GDBusConnection *bus, const char *token)
{
  g_autofree char *sender = g_strdup (g_dbus_connection_get_unique_name (bus) + 1);

  return g_strdup_printf ("/org/freedesktop/portal/desktop/request/%s/%s", g_strdelimit (sender, ".", '_'), token);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *token = g_strdup_printf ("quern%u", g_random_int ());
  GVariantBuilder options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  request->bus = g_bus_get_finish (result, &error);
  if (request->bus == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  request->path = request_path (request->bus, token);
  request->subscription = g_dbus_connection_signal_subscribe (request->bus, PORTAL, "org.freedesktop.portal.Request",
                                                              "Response", request->path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                              response_cb, g_object_ref (task), g_object_unref);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (token));
  g_variant_builder_add (&options, "{sv}", "interactive", g_variant_new_boolean (TRUE));
  g_dbus_connection_call (request->bus, PORTAL, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Screenshot",
                          "Screenshot", g_variant_new ("(sa{sv})", "", &options), G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (task), called_cb, task);
}

/**
 * quern_screenshot_take_async:
 *
 * Asks the user what of the screen to show, and takes a picture of it.
 */
void
quern_screenshot_take_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, quern_screenshot_take_async);
  g_task_set_task_data (task, g_new0 (Request, 1), request_free);
  g_bus_get (G_BUS_TYPE_SESSION, cancellable, connected_cb, task);
}

/**
 * quern_screenshot_take_finish:
 *
 * Returns: (transfer full) (nullable): the picture; %NULL with %G_IO_ERROR_CANCELLED when the user changed their mind,
 *   or another error with a sentence for people
 */
GFile *
quern_screenshot_take_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
