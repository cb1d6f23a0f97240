/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-installed-view.h"

#include "quern-choose-models.h"
#include "quern-installed-row.h"
#include "quern-model-folder-row.h"
#include "servers/quern-servers-group.h"

#include <glib/gi18n.h>

/* The models on this computer. A deleted one disappears at once; its files go when the offer to undo has gone. */
struct _QuernInstalledView {
  AdwBin parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  AdwPreferencesPage *page;
  AdwPreferencesGroup *group;
  GtkWidget *folders_group;
  GtkListBox *list, *folders;

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
    g_hash_table_add (self->hidden, g_strdup (quern_model_get_key (model)));
  else
    g_hash_table_remove (self->hidden, quern_model_get_key (model));
  gtk_filter_changed (self->filter, hidden ? GTK_FILTER_CHANGE_MORE_STRICT : GTK_FILTER_CHANGE_LESS_STRICT);
}

static void
quern_installed_view_removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernInstalledView) self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->service == NULL)
    return;
  if (!quern_library_remove_finish (QUERN_LIBRARY (source), result, &error))
    say (self, error->message);
  else
    quern_downloads_make_use_of_space (quern_models_service_get_downloads (self->service));
}

static void
quern_installed_view_undo_cb (AdwToast *toast, gpointer user_data)
{
  Deletion *deletion = user_data;

  deletion->undone = TRUE;
  set_hidden (deletion->self, deletion->model, FALSE);
}

static void
quern_installed_view_dismissed_cb (AdwToast *toast, gpointer user_data)
{
  Deletion *deletion = user_data;

  if (!deletion->undone && deletion->self->service != NULL) {
    quern_library_remove_async (quern_models_service_get_library (deletion->self->service), deletion->model, NULL,
                                quern_installed_view_removed_cb, g_object_ref (deletion->self));
    set_hidden (deletion->self, deletion->model, FALSE);
  }
}

static void
quern_installed_view_delete_action (GtkWidget *widget, const char *name, GVariant *path)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (widget);
  QuernModel *model = quern_library_find (quern_models_service_get_library (self->service),
                                          g_variant_get_string (path, NULL));
  AdwToastOverlay *overlay = ADW_TOAST_OVERLAY (gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY));
  Deletion *deletion;
  AdwToast *toast;

  if (model == NULL)
    return;
  toast = adw_toast_new (quern_model_get_origin (model) == QUERN_ORIGIN_OWN ? _("Model deleted")
                                                                            : _("Model removed; its file was kept"));
  deletion = g_new (Deletion, 1);
  *deletion = (Deletion) { g_object_ref (self), g_object_ref (model), FALSE };
  adw_toast_set_button_label (toast, _("_Undo"));
  g_signal_connect (toast, "button-clicked", G_CALLBACK (quern_installed_view_undo_cb), deletion);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (quern_installed_view_dismissed_cb), deletion, deletion_free,
                         0);
  set_hidden (self, model, TRUE);
  adw_toast_overlay_add_toast (overlay, toast);
}

/* ---- the other things that can be done --------------------------------------------------------------------------- */

static void
show_action (GtkWidget *widget, const char *name, GVariant *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (g_variant_get_string (path, NULL));
  g_autoptr (GtkFileLauncher) launcher = gtk_file_launcher_new (file);

  gtk_file_launcher_open_containing_folder (launcher, GTK_WINDOW (gtk_widget_get_root (widget)), NULL, NULL, NULL);
}

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernInstalledView) self = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_downloads_verify_finish (QUERN_DOWNLOADS (source), result, &error))
    say (self, _("The file is identical to the one on the hub."));
  else
    say (self, error->message);
}

static void
verify_action (GtkWidget *widget, const char *name, GVariant *path)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (widget);

  say (self, _("Verifying…"));
  quern_downloads_verify_async (quern_models_service_get_downloads (self->service), g_variant_get_string (path, NULL),
                                NULL, verified_cb, g_object_ref (self));
}

/* ---- files and folders elsewhere --------------------------------------------------------------------------------- */

static void
quern_installed_view_imported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernInstalledView) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernModel) model = quern_library_import_finish (QUERN_LIBRARY (source), result, &error);

  if (model == NULL)
    say (self, error->message);
  else
    adw_banner_set_revealed (self->banner, FALSE);
}

static void
quern_installed_view_chosen_cb (GtkWidget *widget, const char *path)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (widget);

  quern_library_import_async (quern_models_service_get_library (self->service), path, NULL,
                              quern_installed_view_imported_cb, g_object_ref (self));
}

static void
add_file_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_choose_model_file (widget, quern_installed_view_chosen_cb);
}

static void
add_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_choose_model_folder (widget, quern_installed_view_chosen_cb);
}

static void
remove_folder_action (GtkWidget *widget, const char *name, GVariant *path)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (widget);

  quern_library_remove_folder_async (quern_models_service_get_library (self->service),
                                     g_variant_get_string (path, NULL), NULL, quern_installed_view_removed_cb,
                                     g_object_ref (self));
}

static GtkWidget *
create_folder_row (gpointer item, gpointer user_data)
{
  return quern_model_folder_row_new (item);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static GtkWidget *
quern_installed_view_create_row (gpointer item, gpointer user_data)
{
  return quern_installed_row_new (item, quern_models_service_get_library (QUERN_INSTALLED_VIEW (user_data)->service));
}

static void
used_cb (QuernInstalledView *self)
{
  if (self->service == NULL)
    return; /* it was closed, and something still waits for it */
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->list)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    quern_installed_row_update (QUERN_INSTALLED_ROW (row), quern_models_service_get_library (self->service));
}

/* What a scan found besides models. */
static void
quern_installed_view_scanned_cb (QuernInstalledView *self)
{
  QuernLibrary *library;
  g_autofree char *text = NULL;
  guint n;

  if (self->service == NULL)
    return;
  library = quern_models_service_get_library (self->service);
  n = quern_library_get_n_skipped (library);
  gtk_widget_set_visible (self->folders_group, g_list_model_get_n_items (quern_library_get_folders (library)) > 0);
  if (n > 0)
    text = g_strdup_printf (ngettext ("Other applications have %u more model with an architecture that Quern cannot "
                                      "run.",
                                      "Other applications have %u more models with architectures that Quern cannot "
                                      "run.",
                                      n),
                            n);
  adw_preferences_group_set_description (self->group, text);
  used_cb (self);
}

static gboolean
quern_installed_view_is_shown (gpointer item, gpointer user_data)
{
  return !quern_model_is_remote (item)
         && !g_hash_table_contains (QUERN_INSTALLED_VIEW (user_data)->hidden, quern_model_get_key (item));
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void
quern_installed_view_banner_clicked_cb (QuernInstalledView *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

static void
quern_installed_view_dispose (GObject *object)
{
  QuernInstalledView *self = QUERN_INSTALLED_VIEW (object);

  if (self->filter != NULL) {
    gtk_list_box_bind_model (self->list, NULL, NULL, NULL,
                             NULL); /* without its function the filter lets all models in */
    gtk_custom_filter_set_filter_func (GTK_CUSTOM_FILTER (self->filter), NULL, NULL, NULL);
  }
  g_clear_object (&self->filter);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_INSTALLED_VIEW);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (quern_installed_view_parent_class)->dispose (object);
}

static void
quern_installed_view_finalize (GObject *object)
{
  g_hash_table_unref (QUERN_INSTALLED_VIEW (object)->hidden);
  G_OBJECT_CLASS (quern_installed_view_parent_class)->finalize (object);
}

/* Other programs may have got and lost models meanwhile. */
static void
quern_installed_view_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (quern_installed_view_parent_class)->map (widget);
  quern_library_scan_async (quern_models_service_get_library (QUERN_INSTALLED_VIEW (widget)->service), NULL, NULL,
                            NULL);
}

static void
quern_installed_view_class_init (QuernInstalledViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_installed_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_installed_view_finalize;
  widget_class->map = quern_installed_view_map;
  gtk_widget_class_install_action (widget_class, "installed.delete", "s", quern_installed_view_delete_action);
  gtk_widget_class_install_action (widget_class, "installed.show", "s", show_action);
  gtk_widget_class_install_action (widget_class, "installed.verify", "s", verify_action);
  gtk_widget_class_install_action (widget_class, "installed.add-file", NULL, add_file_action);
  gtk_widget_class_install_action (widget_class, "installed.add-folder", NULL, add_folder_action);
  gtk_widget_class_install_action (widget_class, "installed.remove-folder", "s", remove_folder_action);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/models/quern-installed-view.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, page);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, group);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, folders_group);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, list);
  gtk_widget_class_bind_template_child (widget_class, QuernInstalledView, folders);
  gtk_widget_class_bind_template_callback (widget_class, quern_installed_view_banner_clicked_cb);
}

static void
quern_installed_view_init (QuernInstalledView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

GtkWidget *
quern_installed_view_new (QuernModelsService *service)
{
  QuernInstalledView *self = g_object_new (QUERN_TYPE_INSTALLED_VIEW, NULL);
  QuernLibrary *library = quern_models_service_get_library (service);
  g_autoptr (GtkFilterListModel) models = NULL;

  self->service = g_object_ref (service);
  self->filter = GTK_FILTER (gtk_custom_filter_new (quern_installed_view_is_shown, self, NULL));
  models = gtk_filter_list_model_new (G_LIST_MODEL (g_object_ref (library)), g_object_ref (self->filter));
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (models), quern_installed_view_create_row, self, NULL);
  gtk_list_box_bind_model (self->folders, quern_library_get_folders (library), create_folder_row, NULL, NULL);
  g_signal_connect_object (library, "used", G_CALLBACK (used_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (library, "notify::scanning", G_CALLBACK (quern_installed_view_scanned_cb), self,
                           G_CONNECT_SWAPPED);
  adw_preferences_page_add (self->page, ADW_PREFERENCES_GROUP (
                                            quern_servers_group_new (quern_models_service_get_servers (service))));
  quern_installed_view_scanned_cb (self);
  return GTK_WIDGET (self);
}
