/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-installed-view.h"

#include <glib/gi18n.h>

/* The models on this computer. A deleted one disappears at once; its files go when the offer to undo has gone. */
struct _QuernInstalledView {
  AdwBin parent_instance;

  /* Children, borrowed */
  AdwBanner *banner;
  GtkListBox *list;

  /* Owned references */
  QuernModelsService *service;
  GtkFilter *filter;
  GHashTable *hidden; /* paths of models that are deleted unless that is undone */
};

G_DEFINE_FINAL_TYPE (QuernInstalledView, quern_installed_view, ADW_TYPE_BIN)

static void
say (QuernInstalledView *self, const char *text)
{
  adw_banner_set_title (self->banner, text);
  adw_banner_set_revealed (self->banner, TRUE);
}

/* ---- delete with undo ------------------------------------------------------------------------------------------- */

typedef struct {
  QuernInstalledView *self;
  QuernModel *model;
  gboolean undone;
} Deletion;

static void
deletion_free (gpointer data, GClosure *closure)
{
  Deletion *deletion = data;

  g_object_unref (deletion->self);
  g_object_unref (deletion->model);
  g_free (deletion);
}

static void
set_hidden (QuernInstalledView *self, QuernModel *model, gboolean hidden)
{
  if (hidden)
    g_hash_table_add (self->hidden, g_strdup (quern_model_get_path (model)));
  else
    g_hash_table_remove (self->hidden, quern_model_get_path (model));
  gtk_filter_changed (self->filter, hidden ? GTK_FILTER_CHANGE_MORE_STRICT : GTK_FILTER_CHANGE_LESS_STRICT);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernInstalledView) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_library_remove_finish (QUERN_LIBRARY (source), result, &error) && self->service != NULL)
    say (self, error->message);
}

static void
undo_cb (AdwToast *toast, gpointer user_data)
{
  Deletion *deletion = user_data;

  deletion->undone = TRUE;
  set_hidden (deletion->self, deletion->model, FALSE);
}

static void
dismissed_cb (AdwToast *toast, gpointer user_data)
{
  Deletion *deletion = user_data;

  if (!deletion->undone && deletion->self->service != NULL) {
    quern_library_remove_async (quern_models_service_get_library (deletion->self->service), deletion->model, NULL,
                                removed_cb, g_object_ref (deletion->self));
    set_hidden (deletion->self, deletion->model, FALSE);
  }
}

static void
delete_clicked_cb (GtkWidget *row)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (gtk_widget_get_ancestor (row, QUERN_TYPE_INSTALLED_VIEW));
  QuernModel *model = g_object_get_data (G_OBJECT (row), "model");
  AdwToastOverlay *overlay = ADW_TOAST_OVERLAY (gtk_widget_get_ancestor (row, ADW_TYPE_TOAST_OVERLAY));
  AdwToast *toast = adw_toast_new (quern_model_get_origin (model) == QUERN_ORIGIN_FILE ? _ ("Model removed; its file stays where it is")
                                                                   : _ ("Model deleted"));
  Deletion *deletion = g_new (Deletion, 1);

  *deletion = (Deletion) { g_object_ref (self), g_object_ref (model), FALSE };
  adw_toast_set_button_label (toast, _ ("_Undo"));
  g_signal_connect (toast, "button-clicked", G_CALLBACK (undo_cb), deletion);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (dismissed_cb), deletion, deletion_free, 0);
  set_hidden (self, model, TRUE);
  adw_toast_overlay_add_toast (overlay, toast);
}

/* ---- the other things that can be done --------------------------------------------------------------------------- */

static void
folder_clicked_cb (GtkWidget *row)
{
  QuernModel *model = g_object_get_data (G_OBJECT (row), "model");
  g_autoptr (GFile) file = g_file_new_for_path (quern_model_get_path (model));
  g_autoptr (GtkFileLauncher) launcher = gtk_file_launcher_new (file);

  gtk_file_launcher_open_containing_folder (launcher, GTK_WINDOW (gtk_widget_get_root (row)), NULL, NULL, NULL);
}

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernInstalledView) self = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_downloads_verify_finish (QUERN_DOWNLOADS (source), result, &error))
    say (self, _ ("Every byte is as the hub has it."));
  else
    say (self, error->message);
}

static void
verify_clicked_cb (GtkWidget *row)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (gtk_widget_get_ancestor (row, QUERN_TYPE_INSTALLED_VIEW));
  QuernModel *model = g_object_get_data (G_OBJECT (row), "model");

  say (self, _ ("Verifying…"));
  quern_downloads_verify_async (quern_models_service_get_downloads (self->service), quern_model_get_path (model), NULL,
                                verified_cb, g_object_ref (self));
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void
add_button (GtkWidget *row, const char *icon, const char *format, GCallback callback)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);
  QuernModel *model = g_object_get_data (G_OBJECT (row), "model");
  g_autofree char *title = quern_model_dup_full_title (model);
  g_autofree char *name = g_strdup_printf ("%s: %s", format, title);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, format);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_signal_connect_swapped (button, "clicked", callback, row);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
}

static char *
describe (QuernModel *model)
{
  g_autofree char *size = g_format_size (quern_model_get_size (model));
  GString *text;

  if (quern_model_get_state (model) != QUERN_MODEL_OK)
    return g_strdup (quern_model_get_problem (model));
  text = g_string_new (NULL);
  if (quern_model_is_demo (model))
    g_string_append_printf (text, "%s · ", _ ("Demonstration"));
  g_string_append_printf (text, "%s · %s", quern_model_get_quantisation (model), size);
  if (quern_model_get_vision_path (model) != NULL)
    g_string_append_printf (text, " · %s", _ ("sees pictures"));
  if (quern_model_get_origin (model) == QUERN_ORIGIN_FILE)
    g_string_append_printf (text, "\n%s", quern_model_get_path (model));
  return g_string_free (text, FALSE);
}

static void
add_chat_button (GtkWidget *row, QuernModel *model)
{
  GtkWidget *button = gtk_button_new_with_label (_ ("Chat"));

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", quern_model_get_id (model));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.chat-with");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  QuernModel *model = item;
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *subtitle = describe (model);

  g_object_set_data_full (G_OBJECT (row), "model", g_object_ref (model), g_object_unref);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_model_get_title (model));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  if (!quern_model_is_demo (model)) {
    add_button (row, "folder-open-symbolic", _ ("Show in Files"), G_CALLBACK (folder_clicked_cb));
    if (quern_model_get_origin (model) == QUERN_ORIGIN_OWN)
      add_button (row, "object-select-symbolic", _ ("Verify Again"), G_CALLBACK (verify_clicked_cb));
    add_button (row, "user-trash-symbolic", _ ("Delete"), G_CALLBACK (delete_clicked_cb));
  }
  if (quern_model_get_state (model) == QUERN_MODEL_OK)
    add_chat_button (row, model);
  return row;
}

static gboolean
is_shown (gpointer item, gpointer user_data)
{
  return !g_hash_table_contains (QUERN_INSTALLED_VIEW (user_data)->hidden, quern_model_get_path (item));
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void
quern_installed_view_dispose (GObject *object)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (object);

  if (self->filter != NULL)
    gtk_custom_filter_set_filter_func (GTK_CUSTOM_FILTER (self->filter), NULL, NULL, NULL);
  g_clear_object (&self->filter);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_installed_view_parent_class)->dispose (object);
}

static void
quern_installed_view_finalize (GObject *object)
{
  g_hash_table_unref (QUERN_INSTALLED_VIEW (object)->hidden);
  G_OBJECT_CLASS (quern_installed_view_parent_class)->finalize (object);
}

static void
quern_installed_view_class_init (QuernInstalledViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_installed_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_installed_view_finalize;
}

static GtkWidget *
create_page (QuernInstalledView *self)
{
  GtkWidget *page = adw_preferences_page_new (), *group = adw_preferences_group_new ();
  GtkWidget *import = gtk_button_new_with_mnemonic (_ ("_Add a Model File…"));

  gtk_actionable_set_action_name (GTK_ACTIONABLE (import), "win.import-model");
  gtk_widget_add_css_class (import, "flat");
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("On This Computer"));
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (group), import);
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Installed models"),
                                  -1);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->list));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  return page;
}

static void
banner_clicked_cb (AdwBanner *banner)
{
  adw_banner_set_revealed (banner, FALSE);
}

static void
quern_installed_view_init (QuernInstalledView *self)
{
  GtkWidget *view = adw_toolbar_view_new ();

  self->hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->banner = ADW_BANNER (adw_banner_new (""));
  adw_banner_set_button_label (self->banner, _ ("Dismiss"));
  g_signal_connect (self->banner, "button-clicked", G_CALLBACK (banner_clicked_cb), NULL);
  adw_toolbar_view_add_top_bar (ADW_TOOLBAR_VIEW (view), GTK_WIDGET (self->banner));
  adw_toolbar_view_set_content (ADW_TOOLBAR_VIEW (view), create_page (self));
  adw_bin_set_child (ADW_BIN (self), view);
}

GtkWidget *
quern_installed_view_new (QuernModelsService *service)
{
  QuernInstalledView *self = g_object_new (QUERN_TYPE_INSTALLED_VIEW, NULL);
  g_autoptr (GtkFilterListModel) models = NULL;

  self->service = g_object_ref (service);
  self->filter = GTK_FILTER (gtk_custom_filter_new (is_shown, self, NULL));
  models = gtk_filter_list_model_new (G_LIST_MODEL (g_object_ref (quern_models_service_get_library (service))),
                                      g_object_ref (self->filter));
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (models), create_row, NULL, NULL);
  return GTK_WIDGET (self);
}
