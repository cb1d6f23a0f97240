/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-background.h"

/* Asks the desktop, by its portal, whether to go on without a window. The answer comes as a signal of a request object,
 * whose path is known in advance: https://flatpak.github.io/xdg-desktop-portal. */

#define PORTAL "org.freedesktop.portal.Desktop"

typedef struct {
  char *reason;
  GDBusConnection *bus;
  guint subscription; /* 0 once it is answered */
} Request;

static void
quern_background_request_free (gpointer data)
{
  Request *request = data;

  if (request->subscription != 0)
    g_dbus_connection_signal_unsubscribe (request->bus, request->subscription);
  g_clear_object (&request->bus);
  g_free (request->reason);
  g_free (request);
}

static void
answer (GTask *task, gboolean allowed)
{
  Request *request = g_task_get_task_data (task);
  guint subscription = request->subscription;

  if (subscription == 0)
    return;
  request->subscription = 0;
  g_task_return_boolean (task, allowed);
  g_dbus_connection_signal_unsubscribe (request->bus, subscription);
}

/* Only a plain no counts: a desktop that did not ask, or whose question was closed, has not forbidden it. */
static void
quern_background_response_cb (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                              const char *signal, GVariant *parameters, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  g_autoptr (GVariant) results = NULL;
  gboolean allowed = TRUE;
  guint32 code;

  g_variant_get (parameters, "(u@a{sv})", &code, &results);
  if (code == 0)
    g_variant_lookup (results, "background", "b", &allowed);
  answer (task, allowed);
}

static void
quern_background_called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  if (reply == NULL) /* there is no portal, and nobody to forbid it */
    answer (task, TRUE);
}

static void
quern_background_connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Request *request = g_task_get_task_data (task);
  g_autofree char *token = g_strdup_printf ("quern%u", g_random_int ()), *name = NULL, *path = NULL;
  GVariantBuilder options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  request->bus = g_bus_get_finish (result, NULL);
  if (request->bus == NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  name = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (request->bus) + 1), ".", '_');
  path = g_strdup_printf ("/org/freedesktop/portal/desktop/request/%s/%s", name, token);
  request->subscription = g_dbus_connection_signal_subscribe (request->bus, PORTAL, "org.freedesktop.portal.Request",
                                                              "Response", path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                              quern_background_response_cb, g_object_ref (task),
                                                              g_object_unref);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (token));
  g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (request->reason));
  g_variant_builder_add (&options, "{sv}", "autostart", g_variant_new_boolean (FALSE));
  g_dbus_connection_call (request->bus, PORTAL, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Background",
                          "RequestBackground", g_variant_new ("(sa{sv})", "", &options), G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (task), quern_background_called_cb,
                          g_object_ref (task));
}

/**
 * quern_background_request_async:
 * @reason: why it goes on without a window, as people read it
 *
 * Asks whether the application may.
 */
void
quern_background_request_async (const char *reason, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Request *request = g_new0 (Request, 1);

  request->reason = g_strdup (reason);
  g_task_set_source_tag (task, quern_background_request_async);
  g_task_set_task_data (task, request, quern_background_request_free);
  g_bus_get (G_BUS_TYPE_SESSION, cancellable, quern_background_connected_cb, task);
}

/**
 * quern_background_request_finish:
 *
 * Returns: %FALSE if the desktop or the user forbids it
 */
gboolean
quern_background_request_finish (GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  gboolean allowed = g_task_propagate_boolean (G_TASK (result), &error);

  return allowed || error != NULL; /* it was cancelled */
}
