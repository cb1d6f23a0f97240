/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-hub-preferences.h"

#include <glib/gi18n.h>

/* Where models come from and who we are there: for mirrors, and for models whose licence must be accepted. */
struct _QuernHubPreferences {
  AdwPreferencesGroup parent_instance;

  /* Template widgets */
  GtkEditable *endpoint, *token;

  /* Owned references */
  QuernModelsService *service;
  GSettings *settings;
};

G_DEFINE_FINAL_TYPE (QuernHubPreferences, quern_hub_preferences, ADW_TYPE_PREFERENCES_GROUP)

static void
say (QuernHubPreferences *self, const char *text)
{
  GtkWidget *dialog = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_PREFERENCES_DIALOG);
  AdwToast *toast;

  if (dialog == NULL)
    return;
  toast = adw_toast_new (text);
  adw_toast_set_use_markup (toast, FALSE);
  adw_preferences_dialog_add_toast (ADW_PREFERENCES_DIALOG (dialog), toast);
}

static void
endpoint_applied_cb (QuernHubPreferences *self)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (self->endpoint)));
  g_autoptr (GError) error = NULL;

  g_settings_set_string (self->settings, "hub-endpoint", text);
  if (!quern_hub_check_endpoint (quern_models_service_get_hub (self->service), &error))
    say (self, error->message);
}

static void
token_stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernHubPreferences) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean stored = quern_hub_store_token_finish (QUERN_HUB (source), result, &error);

  if (self->token == NULL) /* the dialog was closed in the meantime */
    return;
  if (stored) {
    say (self, *gtk_editable_get_text (self->token) != '\0' ? _("Token saved in the keyring") : _("Token removed"));
  } else {
    g_autofree char *text = g_strdup_printf (_("The token could not be saved in the keyring: %s"), error->message);
    say (self, text);
  }
}

static void
token_applied_cb (QuernHubPreferences *self)
{
  g_autofree char *token = g_strstrip (g_strdup (gtk_editable_get_text (self->token)));

  quern_hub_store_token_async (quern_models_service_get_hub (self->service), token, NULL, token_stored_cb,
                               g_object_ref (self));
}

static void
quern_hub_preferences_dispose (GObject *object)
{
  QuernHubPreferences *self = QUERN_HUB_PREFERENCES (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_HUB_PREFERENCES);
  g_clear_object (&self->service);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (quern_hub_preferences_parent_class)->dispose (object);
}

static void
quern_hub_preferences_class_init (QuernHubPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_hub_preferences_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/models/quern-hub-preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernHubPreferences, endpoint);
  gtk_widget_class_bind_template_child (widget_class, QuernHubPreferences, token);
  gtk_widget_class_bind_template_callback (widget_class, endpoint_applied_cb);
  gtk_widget_class_bind_template_callback (widget_class, token_applied_cb);
}

static void
quern_hub_preferences_init (QuernHubPreferences *self)
{
  g_autofree char *endpoint = NULL;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (QUERN_APP_ID);
  endpoint = g_settings_get_string (self->settings, "hub-endpoint");
  gtk_editable_set_text (self->endpoint, endpoint);
  /* Text that is set before there is the button counts as applied. */
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (self->endpoint), TRUE);
}

/**
 * quern_hub_preferences_new:
 *
 * Returns: (transfer floating): a group for a page of an #AdwPreferencesDialog
 */
GtkWidget *
quern_hub_preferences_new (QuernModelsService *service)
{
  QuernHubPreferences *self = g_object_new (QUERN_TYPE_HUB_PREFERENCES, NULL);

  self->service = g_object_ref (service);
  return GTK_WIDGET (self);
}
