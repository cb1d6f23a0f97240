/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sending.h"

#include "quern-server-address.h"
#include "quern-server.h"

#include <glib/gi18n.h>

/* Nothing that people write leaves this computer before they were told where it goes, once for each server. */

#define KEY "told-servers"

typedef struct {
  GtkWidget *widget;
  GPtrArray *servers; /* of QuernServer: those that people are told of */
  QuernSendingFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Telling;

static void
telling_free (gpointer data, GClosure *closure)
{
  Telling *telling = data;

  if (telling->destroy != NULL)
    telling->destroy (telling->data);
  g_object_unref (telling->widget);
  g_ptr_array_unref (telling->servers);
  g_free (telling);
}

static gboolean
is_known (GVariant *ids, gint64 id)
{
  gsize n;
  const gint64 *values = g_variant_get_fixed_array (ids, &n, sizeof (gint64));

  for (gsize i = 0; i < n; i++)
    if (values[i] == id)
      return TRUE;
  return FALSE;
}

/* Returns: (transfer none) (nullable): the server that people have to be told of before this model is asked */
static QuernServer *
find_untold (QuernModel *model)
{
  g_autoptr (GSettings) settings = NULL;
  g_autoptr (GVariant) ids = NULL;
  QuernServer *server;

  if (!quern_model_is_remote (model))
    return NULL;
  server = QUERN_SERVER (quern_model_get_server (model));
  if (quern_server_address_is_loopback (quern_server_get_address (server)))
    return NULL; /* it does not leave this computer */
  settings = g_settings_new (QUERN_APP_ID);
  ids = g_settings_get_value (settings, KEY);
  return is_known (ids, quern_server_get_id (server)) ? NULL : server;
}

/* Returns: whether people know where it goes what they write to this model */
gboolean
quern_sending_is_told (QuernModel *model)
{
  g_return_val_if_fail (QUERN_IS_MODEL (model), FALSE);
  return find_untold (model) == NULL;
}

static void
remember (const GPtrArray *servers)
{
  g_autoptr (GSettings) settings = g_settings_new (QUERN_APP_ID);
  g_autoptr (GVariant) ids = g_settings_get_value (settings, KEY);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint64));
  gsize n;
  const gint64 *values = g_variant_get_fixed_array (ids, &n, sizeof (gint64));

  if (n > 0)
    g_array_append_vals (all, values, n);
  for (guint i = 0; i < servers->len; i++) {
    gint64 id = quern_server_get_id (servers->pdata[i]);

    g_array_append_val (all, id);
  }
  g_settings_set_value (settings, KEY,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, all->data, all->len, sizeof (gint64)));
}

static void
quern_sending_response_cb (AdwAlertDialog *dialog, const char *response, Telling *telling)
{
  if (!g_str_equal (response, "send"))
    return;
  remember (telling->servers);
  telling->func (telling->widget, telling->data);
}

static char *
dup_names (const GPtrArray *servers)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;

  for (guint i = 0; i < servers->len; i++) {
    g_autofree char *host = quern_server_address_dup_host (quern_server_get_address (servers->pdata[i]));
    const char *name = quern_server_get_name (servers->pdata[i]);

    /* Translators: name of a server and where it is */
    g_strv_builder_take (builder, g_str_equal (name, host) ? g_strdup_printf ("“%s”", name)
                                                           : g_strdup_printf (_("“%s” (%s)"), name, host));
  }
  names = g_strv_builder_end (builder);
  return g_strjoinv (", ", names);
}

/**
 * quern_sending_tell:
 * @widget: who asks these models
 * @models: (element-type QuernModel): those that are to be asked
 * @func: asks them
 * @destroy: (nullable): frees @data
 *
 * Calls @func at once where people know where it goes what they write; else tells them, and calls it when they agree.
 */
void
quern_sending_tell (GtkWidget *widget, const GPtrArray *models, QuernSendingFunc func, gpointer data,
                    GDestroyNotify destroy)
{
  g_autoptr (GPtrArray) servers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *names = NULL;
  AdwAlertDialog *dialog;
  Telling *telling;

  for (guint i = 0; i < models->len; i++) {
    QuernServer *server = find_untold (models->pdata[i]);

    if (server != NULL && !g_ptr_array_find (servers, server, NULL))
      g_ptr_array_add (servers, g_object_ref (server));
  }
  if (servers->len == 0) {
    func (widget, data);
    if (destroy != NULL)
      destroy (data);
    return;
  }
  names = dup_names (servers);
  dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Send to Another Computer?"), NULL));
  adw_alert_dialog_format_body (
      dialog,
      _("What you write is sent to %s, together with pictures, files and the conversation so "
        "far. Whoever runs that computer can read it."),
      names);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "send", _("_Send"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "send", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (dialog, "send");
  adw_alert_dialog_set_close_response (dialog, "cancel");
  telling = g_new (Telling, 1);
  *telling = (Telling) { g_object_ref (widget), g_ptr_array_ref (servers), func, data, destroy };
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_sending_response_cb), telling, telling_free, 0);
  adw_dialog_present (ADW_DIALOG (dialog), widget);
}
