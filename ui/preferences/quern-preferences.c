/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-preferences.h"

#include "models/quern-hub-preferences.h"
#include "quern-persona-dialog.h"
#include "quern-persona.h"
#include "quern-usage-page.h"
#include "servers/quern-servers-group.h"
#include "servers/quern-service-group.h"

/* Settings for all conversations: GSettings, the personas of the store, and actions of the window on all data. */
struct _QuernPreferences {
  AdwPreferencesDialog parent_instance;

  /* Template widgets */
  AdwPreferencesPage *general, *servers;
  GtkWidget *make_titles, *search_provider, *keep_alive, *keep_state;
  AdwPreferencesGroup *personas;

  /* Owned references */
  GSettings *settings;
  QuernStore *store;
  GPtrArray *rows; /* of GtkWidget, borrowed: the rows of the personas, in their order */
};

G_DEFINE_FINAL_TYPE (QuernPreferences, quern_preferences, ADW_TYPE_PREFERENCES_DIALOG)

/* ---- general ---------------------------------------------------------------------------------------------------- */

/* The choices for "keep-alive", in seconds; -1 keeps models until their memory is needed. */
static const int keep_alive_seconds[] = { 60, 600, 3600, -1 };

static gboolean
keep_alive_to_choice (GValue *value, GVariant *variant, gpointer user_data)
{
  guint choice = 1;

  for (guint i = 0; i < G_N_ELEMENTS (keep_alive_seconds); i++)
    if (keep_alive_seconds[i] == g_variant_get_int32 (variant))
      choice = i;
  g_value_set_uint (value, choice);
  return TRUE;
}

static GVariant *
choice_to_keep_alive (const GValue *value, const GVariantType *type, gpointer user_data)
{
  guint choice = MIN (g_value_get_uint (value), G_N_ELEMENTS (keep_alive_seconds) - 1);

  return g_variant_new_int32 (keep_alive_seconds[choice]);
}

/* ---- personas --------------------------------------------------------------------------------------------------- */

static void
persona_activated_cb (QuernPreferences *self, GtkWidget *row)
{
  g_autoptr (QuernPersona) persona = NULL;
  guint index;

  if (!g_ptr_array_find (self->rows, row, &index))
    return;
  persona = g_list_model_get_item (quern_store_get_personas (self->store), index);
  adw_dialog_present (quern_persona_dialog_new (self->store, persona), GTK_WIDGET (self));
}

static void
personas_changed_cb (QuernPreferences *self)
{
  GListModel *personas = quern_store_get_personas (self->store);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->personas, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (personas); i++) {
    g_autoptr (QuernPersona) persona = g_list_model_get_item (personas, i);
    GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", quern_persona_get_name (persona),
                                   "subtitle", quern_persona_get_prompt (persona), "subtitle-lines", 2, "activatable",
                                   TRUE, NULL);
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
    g_signal_connect_swapped (row, "activated", G_CALLBACK (persona_activated_cb), self);
    adw_preferences_group_add (self->personas, row);
    g_ptr_array_add (self->rows, row);
  }
}

static void
add_persona_cb (QuernPreferences *self)
{
  adw_dialog_present (quern_persona_dialog_new (self->store, NULL), GTK_WIDGET (self));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_preferences_dispose (GObject *object)
{
  QuernPreferences *self = QUERN_PREFERENCES (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_PREFERENCES);
  g_clear_object (&self->settings);
  g_clear_object (&self->store);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_preferences_parent_class)->dispose (object);
}

static void
quern_preferences_class_init (QuernPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_preferences_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/preferences/quern-preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, general);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, servers);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, make_titles);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, search_provider);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, keep_alive);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, keep_state);
  gtk_widget_class_bind_template_child (widget_class, QuernPreferences, personas);
  gtk_widget_class_bind_template_callback (widget_class, add_persona_cb);
}

static void
quern_preferences_init (QuernPreferences *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (QUERN_APP_ID);
  self->rows = g_ptr_array_new ();
  g_settings_bind (self->settings, "make-titles", self->make_titles, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "search-provider", self->search_provider, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "keep-state", self->keep_state, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind_with_mapping (self->settings, "keep-alive", self->keep_alive, "selected", G_SETTINGS_BIND_DEFAULT,
                                keep_alive_to_choice, choice_to_keep_alive, NULL, NULL);
}

/**
 * quern_preferences_new:
 * @store: where personas are
 * @models: (nullable): where models come from
 *
 * Returns: (transfer floating): the dialog, to be presented on a window
 */
QuernPreferences *
quern_preferences_new (QuernStore *store, QuernModelsService *models)
{
  QuernPreferences *self = g_object_new (QUERN_TYPE_PREFERENCES, NULL);

  self->store = g_object_ref (store);
  if (models != NULL) {
    adw_preferences_page_add (self->general, ADW_PREFERENCES_GROUP (quern_hub_preferences_new (models)));
    adw_preferences_page_add (self->servers, ADW_PREFERENCES_GROUP (
                                                 quern_servers_group_new (quern_models_service_get_servers (models))));
    adw_preferences_page_add (self->servers, ADW_PREFERENCES_GROUP (
                                                 quern_service_group_new (quern_models_service_get_service (models))));
  }
  g_signal_connect_object (quern_store_get_personas (store), "items-changed", G_CALLBACK (personas_changed_cb), self,
                           G_CONNECT_SWAPPED);
  personas_changed_cb (self);
  adw_preferences_dialog_add (ADW_PREFERENCES_DIALOG (self), ADW_PREFERENCES_PAGE (quern_usage_page_new (store)));
  return self;
}

static void
keep_alive_changed_cb (GSettings *settings, const char *key, QuernLocalBackend *backend)
{
  quern_local_backend_set_keep_alive (backend, g_settings_get_int (settings, key));
}

static void
keep_state_changed_cb (GSettings *settings, const char *key, QuernLocalBackend *backend)
{
  gboolean keep = g_settings_get_boolean (settings, key);

  quern_local_backend_set_keep_state (backend, keep);
  if (!keep)
    quern_local_backend_forget_states (backend);
}

/**
 * quern_preferences_apply:
 *
 * Lets @backend follow what is set, from now on.
 */
void
quern_preferences_apply (GSettings *settings, QuernLocalBackend *backend)
{
  g_signal_connect_object (settings, "changed::keep-alive", G_CALLBACK (keep_alive_changed_cb), backend, 0);
  keep_alive_changed_cb (settings, "keep-alive", backend);
  g_signal_connect_object (settings, "changed::keep-state", G_CALLBACK (keep_state_changed_cb), backend, 0);
  keep_state_changed_cb (settings, "keep-state", backend);
}
