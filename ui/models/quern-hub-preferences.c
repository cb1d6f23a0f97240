/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-hub-preferences.h"

#include <glib/gi18n.h>

/* Where models come from and who we are there: for mirrors, and for models whose licence must be accepted. */

typedef struct {
  QuernModelsService *service;
  GSettings *settings;
} Rows;

static void
rows_free (gpointer data)
{
  Rows *rows = data;

  g_object_unref (rows->service);
  g_object_unref (rows->settings);
  g_free (rows);
}

static void
say (GtkWidget *row, const char *text)
{
  GtkWidget *dialog = gtk_widget_get_ancestor (row, ADW_TYPE_PREFERENCES_DIALOG);
  AdwToast *toast;

  if (dialog == NULL)
    return;
  toast = adw_toast_new (text);
  adw_toast_set_use_markup (toast, FALSE);
  adw_preferences_dialog_add_toast (ADW_PREFERENCES_DIALOG (dialog), toast);
}

/* ---- address ---------------------------------------------------------------------------------------------------- */

static void
endpoint_applied_cb (GtkWidget *row, Rows *rows)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (row))));
  g_autoptr (GError) error = NULL;

  g_settings_set_string (rows->settings, "hub-endpoint", text);
  if (!quern_hub_check_endpoint (quern_models_service_get_hub (rows->service), &error))
    say (row, error->message);
}

static GtkWidget *
create_endpoint_row (Rows *rows)
{
  GtkWidget *row = adw_entry_row_new ();
  g_autofree char *endpoint = g_settings_get_string (rows->settings, "hub-endpoint");

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _("Address of a Mirror (empty: huggingface.co)"));
  gtk_editable_set_text (GTK_EDITABLE (row), endpoint);
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (row), TRUE);
  adw_entry_row_set_input_purpose (ADW_ENTRY_ROW (row), GTK_INPUT_PURPOSE_URL);
  g_signal_connect (row, "apply", G_CALLBACK (endpoint_applied_cb), rows);
  return row;
}

/* ---- token ------------------------------------------------------------------------------------------------------ */

static void
token_stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GtkWidget) row = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_hub_store_token_finish (QUERN_HUB (source), result, &error)) {
    say (row,
         *gtk_editable_get_text (GTK_EDITABLE (row)) != '\0' ? _("Token saved in the keyring") : _("Token removed"));
  } else {
    g_autofree char *text = g_strdup_printf (_("The token could not be saved in the keyring: %s"), error->message);
    say (row, text);
  }
}

static void
token_applied_cb (GtkWidget *row, Rows *rows)
{
  g_autofree char *token = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (row))));

  quern_hub_store_token_async (quern_models_service_get_hub (rows->service), token, NULL, token_stored_cb,
                               g_object_ref (row));
}

/* What is in the keyring is not read back into a widget: the row is for entering another one. */
static GtkWidget *
create_token_row (Rows *rows)
{
  GtkWidget *row = adw_password_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _("Access Token (only for gated models)"));
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (row), TRUE);
  g_signal_connect (row, "apply", G_CALLBACK (token_applied_cb), rows);
  return row;
}

/**
 * quern_hub_preferences_new:
 *
 * Returns: (transfer floating): a group for a page of an #AdwPreferencesDialog
 */
GtkWidget *
quern_hub_preferences_new (QuernModelsService *service)
{
  GtkWidget *group = adw_preferences_group_new ();
  Rows *rows = g_new (Rows, 1);

  *rows = (Rows) { g_object_ref (service), g_settings_new (QUERN_APP_ID) };
  g_object_set_data_full (G_OBJECT (group), "rows", rows, rows_free);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("Hub"));
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      _("Models come from huggingface.co or a mirror of it. A token is stored in the keyring and is only sent to that "
        "host."));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), create_endpoint_row (rows));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), create_token_row (rows));
  return group;
}
