/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-preferences.h"

#include "models/quern-hub-preferences.h"

#include <glib/gi18n.h>

#include "quern-preset.h"

/* Settings for all conversations: GSettings, the personas of the store, and actions of the window on all data. */
struct _QuernPreferences {
  AdwPreferencesDialog parent_instance;

  /* Owned references */
  GSettings *settings;
  QuernStore *store;

  AdwPreferencesGroup *personas; /* of the page */
  GPtrArray *rows;               /* borrowed: the rows of the personas */
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

static GtkWidget *
make_keep_alive_row (QuernPreferences *self)
{
  const char *const names[] = { _("1 minute"), _("10 minutes"), _("1 hour"), _("Until memory is needed"), NULL };
  g_autoptr (GtkStringList) list = gtk_string_list_new (names);
  GtkWidget *row = adw_combo_row_new ();

  adw_combo_row_set_model (ADW_COMBO_ROW (row), G_LIST_MODEL (list));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _("Keep Models Loaded"));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), _("The next answer starts sooner"));
  g_settings_bind_with_mapping (self->settings, "keep-alive", row, "selected", G_SETTINGS_BIND_DEFAULT,
                                keep_alive_to_choice, choice_to_keep_alive, NULL, NULL);
  return row;
}

static GtkWidget *
make_switch_row (QuernPreferences *self, const char *key, const char *title, const char *subtitle)
{
  GtkWidget *row = adw_switch_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  g_settings_bind (self->settings, key, row, "active", G_SETTINGS_BIND_DEFAULT);
  return row;
}

static AdwPreferencesGroup *
add_group (AdwPreferencesPage *page, const char *title)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  adw_preferences_group_set_title (group, title);
  adw_preferences_page_add (page, group);
  return group;
}

static AdwPreferencesPage *
add_page (QuernPreferences *self, const char *title, const char *icon)
{
  AdwPreferencesPage *page = ADW_PREFERENCES_PAGE (adw_preferences_page_new ());

  adw_preferences_page_set_title (page, title);
  adw_preferences_page_set_icon_name (page, icon);
  adw_preferences_dialog_add (ADW_PREFERENCES_DIALOG (self), page);
  return page;
}

static void
add_action (AdwPreferencesGroup *group, const char *title, const char *subtitle, const char *action, const char *style)
{
  GtkWidget *row = adw_button_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  gtk_widget_set_tooltip_text (row, subtitle);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (row), action);
  if (style != NULL)
    gtk_widget_add_css_class (row, style);
  adw_preferences_group_add (group, row);
}

static void
add_general (QuernPreferences *self, QuernModelsService *models)
{
  AdwPreferencesPage *page = add_page (self, _("General"), "preferences-system-symbolic");
  AdwPreferencesGroup *group = add_group (page, _("Conversations"));

  adw_preferences_group_add (group, make_switch_row (self, "make-titles", _("Generate Titles"),
                                                     _("The model generates titles for new conversations when it is "
                                                       "idle")));
  adw_preferences_group_add (group, make_switch_row (self, "search-provider", _("Show in Desktop Search"),
                                                     _("Find titles and messages from the overview")));
  group = add_group (page, _("Models"));
  adw_preferences_group_add (group, make_keep_alive_row (self));
  adw_preferences_group_add (group, make_switch_row (self, "keep-state", _("Save Model State"),
                                                     _("Takes up to 2 GB on the disk; conversations continue faster "
                                                       "when a model is loaded again")));
  add_action (group, _("Unload Models Now"),
              _("Free the memory of models that are not in "
                "use"),
              "win.unload-models", NULL);
  if (models != NULL)
    adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (quern_hub_preferences_new (models)));
}

/* ---- personas --------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernPreferences *preferences;
  QuernPreset *persona; /* NULL for a new one */
  GtkWidget *name;
  GtkTextBuffer *prompt;
} Editing;

static void
editing_free (gpointer data, GClosure *closure)
{
  Editing *editing = data;

  g_object_unref (editing->preferences);
  g_clear_object (&editing->persona);
  g_free (editing);
}

static void
edited_cb (AdwAlertDialog *dialog, const char *response, Editing *editing)
{
  QuernStore *store = editing->preferences->store;
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (editing->name))));
  g_autofree char *prompt = NULL;

  g_object_get (editing->prompt, "text", &prompt, NULL);
  if (g_str_equal (response, "delete") && editing->persona != NULL)
    quern_store_delete_preset (store, editing->persona);
  else if (!g_str_equal (response, "save") || *name == '\0')
    return;
  else if (editing->persona != NULL)
    quern_store_change_preset (store, editing->persona, name, prompt);
  else
    quern_store_add_preset (store, QUERN_PRESET_PERSONA, name, prompt);
}

/* Adds a label and the field below it. */
static void
append_field (GtkBox *box, const char *name, GtkWidget *field, GtkWidget *focused)
{
  GtkWidget *label = gtk_label_new (name);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), focused);
  gtk_widget_add_css_class (label, "caption-heading");
  gtk_accessible_update_property (GTK_ACCESSIBLE (focused), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_box_append (box, label);
  gtk_box_append (box, field);
}

static GtkWidget *
make_prompt_view (Editing *editing)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkWidget *view = gtk_text_view_new ();

  editing->prompt = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));
  if (editing->persona != NULL)
    gtk_text_buffer_set_text (editing->prompt, quern_preset_get_text (editing->persona), -1);
  g_object_set (view, "wrap-mode", GTK_WRAP_WORD_CHAR, "accepts-tab", FALSE, "top-margin", 6, "bottom-margin", 6,
                "left-margin", 6, "right-margin", 6, NULL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_widget_set_size_request (scrolled, -1, 140);
  gtk_widget_set_overflow (scrolled, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (scrolled, "card");
  return scrolled;
}

/* A persona needs a name, otherwise nobody could find it again. */
static void
name_changed_cb (GtkEditable *name, AdwAlertDialog *dialog)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (name)));

  adw_alert_dialog_set_response_enabled (dialog, "save", *text != '\0');
}

static void
edit_persona (QuernPreferences *self, QuernPreset *persona)
{
  AdwDialog *dialog = adw_alert_dialog_new (persona != NULL ? _("Edit Persona") : _("New Persona"), NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6), *prompt;
  Editing *editing = g_new0 (Editing, 1);

  editing->preferences = g_object_ref (self);
  editing->persona = persona != NULL ? g_object_ref (persona) : NULL;
  editing->name = gtk_entry_new ();
  gtk_editable_set_text (GTK_EDITABLE (editing->name), persona != NULL ? quern_preset_get_name (persona) : "");
  gtk_entry_set_activates_default (GTK_ENTRY (editing->name), TRUE);
  append_field (GTK_BOX (box), _("Name"), editing->name, editing->name);
  prompt = make_prompt_view (editing);
  append_field (GTK_BOX (box), _("Instructions"), prompt,
                gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (prompt)));
  adw_alert_dialog_set_extra_child (ADW_ALERT_DIALOG (dialog), box);
  adw_alert_dialog_add_response (ADW_ALERT_DIALOG (dialog), "cancel", _("_Cancel"));
  if (persona != NULL)
    adw_alert_dialog_add_response (ADW_ALERT_DIALOG (dialog), "delete", _("_Delete"));
  adw_alert_dialog_add_response (ADW_ALERT_DIALOG (dialog), "save", _("_Save"));
  if (persona != NULL)
    adw_alert_dialog_set_response_appearance (ADW_ALERT_DIALOG (dialog), "delete", ADW_RESPONSE_DESTRUCTIVE);
  adw_alert_dialog_set_response_appearance (ADW_ALERT_DIALOG (dialog), "save", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (ADW_ALERT_DIALOG (dialog), "save");
  name_changed_cb (GTK_EDITABLE (editing->name), ADW_ALERT_DIALOG (dialog));
  g_signal_connect_object (editing->name, "changed", G_CALLBACK (name_changed_cb), dialog, 0);
  g_signal_connect_data (dialog, "response", G_CALLBACK (edited_cb), editing, editing_free, 0);
  adw_dialog_present (dialog, GTK_WIDGET (self));
}

static void
persona_activated_cb (AdwActionRow *row, QuernPreferences *self)
{
  edit_persona (self, g_object_get_data (G_OBJECT (row), "persona"));
}

static GtkWidget *
make_persona_row (QuernPreferences *self, QuernPreset *persona)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_preset_get_name (persona));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), quern_preset_get_text (persona));
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 2);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  g_object_set_data_full (G_OBJECT (row), "persona", g_object_ref (persona), g_object_unref);
  g_signal_connect (row, "activated", G_CALLBACK (persona_activated_cb), self);
  return row;
}

static void
personas_changed_cb (QuernPreferences *self)
{
  GListModel *personas = quern_store_get_presets (self->store, QUERN_PRESET_PERSONA);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->personas, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (personas); i++) {
    g_autoptr (QuernPreset) persona = g_list_model_get_item (personas, i);
    GtkWidget *row = make_persona_row (self, persona);
    adw_preferences_group_add (self->personas, row);
    g_ptr_array_add (self->rows, row);
  }
}

static void
add_persona_cb (QuernPreferences *self)
{
  edit_persona (self, NULL);
}

static void
add_personas (QuernPreferences *self)
{
  AdwPreferencesPage *page = add_page (self, _("Personas"), "avatar-default-symbolic");
  GtkWidget *add = adw_button_row_new ();

  self->personas = add_group (page, _("Personas"));
  adw_preferences_group_set_description (self->personas, _("Saved instructions that you can choose for a "
                                                           "conversation"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (add), _("New Persona"));
  adw_button_row_set_start_icon_name (ADW_BUTTON_ROW (add), "list-add-symbolic");
  g_signal_connect_object (add, "activated", G_CALLBACK (add_persona_cb), self, G_CONNECT_SWAPPED);
  adw_preferences_group_add (add_group (page, ""), add);
  g_signal_connect_object (quern_store_get_presets (self->store, QUERN_PRESET_PERSONA), "items-changed",
                           G_CALLBACK (personas_changed_cb), self, G_CONNECT_SWAPPED);
  personas_changed_cb (self);
}

/* ---- data ------------------------------------------------------------------------------------------------------- */

static void
add_data (QuernPreferences *self)
{
  AdwPreferencesPage *page = add_page (self, _("Data"), "drive-harddisk-symbolic");
  AdwPreferencesGroup *group = add_group (page, _("Conversations"));

  adw_preferences_group_set_description (group, _("Conversations are only stored on this computer."));
  add_action (group, _("Import…"),
              _("A JSON file that was exported from Quern, LM Studio or "
                "ChatGPT"),
              "win.import", NULL);
  add_action (group, _("Export All…"),
              _("Save everything to a file that can be imported "
                "again"),
              "win.export-all", NULL);
  add_action (group, _("Back Up…"), _("Save a verified copy of the whole database"), "win.back-up", NULL);
  add_action (group, _("Restore…"), _("Add conversations from a backup that are no longer here"), "win.restore",
              NULL);
  group = add_group (page, "");
  add_action (group, _("Delete All Conversations…"), _("Erase all conversations from the disk"), "win.delete-all",
              "destructive-action");
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_preferences_finalize (GObject *object)
{
  QuernPreferences *self = QUERN_PREFERENCES (object);

  g_object_unref (self->settings);
  g_clear_object (&self->store);
  g_ptr_array_unref (self->rows);
  G_OBJECT_CLASS (quern_preferences_parent_class)->finalize (object);
}

static void
quern_preferences_class_init (QuernPreferencesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_preferences_finalize;
}

static void
quern_preferences_init (QuernPreferences *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  self->rows = g_ptr_array_new ();
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
  add_general (self, models);
  add_personas (self);
  add_data (self);
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
