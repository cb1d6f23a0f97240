/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-window-private.h"

#include <glib/gi18n.h>

#include "preferences/quern-conversation-dialog.h"
#include "preferences/quern-preferences.h"
#include "quern-export.h"
#include "quern-file-name.h"
#include "quern-import.h"
#include "quern-joint-backend.h"
#include "quern-local-backend.h"
#include "print/quern-print.h"

/* Actions of the window about what is kept: export, import, back up, restore, delete all; and the windows with settings. */

/* Told where somebody looks: the preferences, from where most of this is done, cover what the window itself shows. */
static void
quern_window_show_toast (QuernWindow *self, const char *text)
{
  AdwDialog *dialog = adw_application_window_get_visible_dialog (ADW_APPLICATION_WINDOW (self));
  AdwToast *toast;

  if (!ADW_IS_PREFERENCES_DIALOG (dialog) && self->toasts == NULL)
    return;
  toast = adw_toast_new (text);
  adw_toast_set_use_markup (toast, FALSE);
  if (ADW_IS_PREFERENCES_DIALOG (dialog))
    adw_preferences_dialog_add_toast (ADW_PREFERENCES_DIALOG (dialog), toast);
  else
    adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
show_problem (QuernWindow *self, const GError *error)
{
  if (self->chat_page == NULL)
    return;
  if (adw_application_window_get_visible_dialog (ADW_APPLICATION_WINDOW (self)) != NULL) {
    AdwAlertDialog *alert = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Something Went Wrong"), error->message));
    adw_alert_dialog_add_response (alert, "close", _("_Close"));
    adw_dialog_present (ADW_DIALOG (alert), GTK_WIDGET (self));
  } else {
    quern_chat_page_show_problem (self->chat_page, error->message);
  }
}

/* ---- what cannot be saved --------------------------------------------------------------------------------------- */

static void
store_problem_cb (QuernWindow *self, const GError *error)
{
  g_autofree char *text = NULL;

  if (g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FULL)
      || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_READ_ONLY)
      || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_BUSY)
      || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DISK)) {
    text = g_strdup_printf (_("%s Until then, everything is kept in memory; do not close Quern."), error->message);
    quern_chat_page_set_trouble (self->chat_page, text);
  } else {
    show_problem (self, error);
  }
}

static void
store_recovered_cb (QuernWindow *self)
{
  quern_chat_page_set_trouble (self->chat_page, NULL);
  quern_window_show_toast (self, _("All changes are saved again"));
}

static void
store_notice_cb (QuernWindow *self, const char *sentence)
{
  if (self->chat_page != NULL)
    quern_chat_page_show_problem (self->chat_page, sentence);
}

/* Says when something cannot be saved, and when it is, and what opening or erasing could not do. */
void
_quern_window_watch_store (QuernWindow *self)
{
  g_signal_connect_object (self->store, "problem", G_CALLBACK (store_problem_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->store, "recovered", G_CALLBACK (store_recovered_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->store, "notice", G_CALLBACK (store_notice_cb), self, G_CONNECT_SWAPPED);
  if (quern_store_get_notice (self->store) != NULL)
    store_notice_cb (self, quern_store_get_notice (self->store));
}

/* ---- export ----------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernWindow *window;
  GListStore *conversations;
  QuernExportFormat format;
} Export;

static void
quern_window_export_free (Export *export)
{
  g_object_unref (export->window);
  g_object_unref (export->conversations);
  g_free (export);
}

static void
exported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_export_finish (result, &error))
    quern_window_show_toast (self, _("Exported"));
  else
    show_problem (self, error);
}

static void
export_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL)
    quern_export_async (export->window->store, G_LIST_MODEL (export->conversations), export->format, file, NULL,
                        exported_cb, g_object_ref (export->window));
  quern_window_export_free (export);
}

static void
quern_window_export_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autofree char *file_name = NULL;
  QuernConversation *conversation;
  Export *export;
  gint64 id;
  int format;

  g_variant_get (parameter, "(xi)", &id, &format);
  conversation = self->store != NULL ? quern_store_get_conversation (self->store, id) : NULL;
  if (conversation == NULL || format < QUERN_EXPORT_MARKDOWN || format > QUERN_EXPORT_HTML)
    return;
  export = g_new0 (Export, 1);
  export->window = g_object_ref (self);
  export->conversations = g_list_store_new (QUERN_TYPE_CONVERSATION);
  export->format = format;
  g_list_store_append (export->conversations, conversation);
  file_name = quern_export_dup_name (conversation, format);
  gtk_file_dialog_set_title (dialog, _("Export Conversation"));
  gtk_file_dialog_set_initial_name (dialog, file_name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (self), NULL, export_chosen_cb, export);
}

static void
export_all_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  GListModel *all;
  Export *export;

  if (self->store == NULL)
    return;
  all = quern_store_get_conversations (self->store);
  export = g_new0 (Export, 1);
  export->window = g_object_ref (self);
  export->conversations = g_list_store_new (QUERN_TYPE_CONVERSATION);
  export->format = QUERN_EXPORT_JSON;
  for (guint i = 0; i < g_list_model_get_n_items (all); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (all, i);
    g_list_store_append (export->conversations, conversation);
  }
  gtk_file_dialog_set_title (dialog, _("Export All Conversations"));
  gtk_file_dialog_set_initial_name (dialog, "quern-conversations.json");
  gtk_file_dialog_save (dialog, GTK_WINDOW (self), NULL, export_chosen_cb, export);
}

/* ---- print ------------------------------------------------------------------------------------------------------ */

static void
printed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_print_finish (result, &error) && error != NULL)
    show_problem (self, error);
}

static void
pdf_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_print_finish (result, &error))
    quern_window_show_toast (self, _("Exported"));
  else if (error != NULL)
    show_problem (self, error);
}

static void
print_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (self->session != NULL)
    quern_print_async (GTK_WINDOW (self), self->store, quern_chat_session_get_conversation (self->session), NULL,
                       printed_cb, g_object_ref (self));
}

static void
pdf_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);
  g_autoptr (QuernConversation) conversation = g_list_model_get_item (G_LIST_MODEL (export->conversations), 0);

  if (file != NULL && g_file_peek_path (file) != NULL)
    quern_print_async (GTK_WINDOW (export->window), export->window->store, conversation, g_file_peek_path (file),
                       pdf_written_cb, g_object_ref (export->window));
  quern_window_export_free (export);
}

static void
save_pdf_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  QuernConversation *conversation = self->store != NULL
                                        ? quern_store_get_conversation (self->store, g_variant_get_int64 (parameter))
                                        : NULL;
  g_autofree char *file_name = NULL;
  Export *export;

  if (conversation == NULL)
    return;
  export = g_new0 (Export, 1);
  export->window = g_object_ref (self);
  export->conversations = g_list_store_new (QUERN_TYPE_CONVERSATION);
  g_list_store_append (export->conversations, conversation);
  file_name = quern_file_name (quern_conversation_get_title (conversation), ".pdf", _("Conversation"));
  gtk_file_dialog_set_title (dialog, _("Save as PDF"));
  gtk_file_dialog_set_initial_name (dialog, file_name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (self), NULL, pdf_chosen_cb, export);
}

/* ---- import ----------------------------------------------------------------------------------------------------- */

/* What was not taken is worth more than a toast. */
static void
present_report (QuernWindow *self, const char *report)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Partly Imported"), report));

  adw_alert_dialog_add_response (dialog, "close", _("_Close"));
  adw_dialog_present (ADW_DIALOG (dialog), GTK_WIDGET (self));
}

/* They would hide the conversation that is opened. */
static void
close_preferences (QuernWindow *self)
{
  AdwDialog *dialog = adw_application_window_get_visible_dialog (ADW_APPLICATION_WINDOW (self));

  if (ADW_IS_PREFERENCES_DIALOG (dialog))
    adw_dialog_force_close (dialog);
}

#define IMPORT_DIALOG_DELAY_MS 500

/* An import that goes on, and the dialog that shows how far it is, once it takes long. */
typedef struct {
  QuernWindow *window;
  GCancellable *cancellable;
  AdwDialog *dialog;
  GtkProgressBar *bar;
  guint delay;
} Import;

static void
import_response_cb (Import *import)
{
  g_cancellable_cancel (import->cancellable);
}

static gboolean
import_delayed_cb (gpointer data)
{
  Import *import = data;
  AdwAlertDialog *alert = ADW_ALERT_DIALOG (import->dialog);

  import->delay = 0;
  adw_alert_dialog_add_response (alert, "cancel", _("_Cancel"));
  adw_alert_dialog_set_close_response (alert, "cancel");
  adw_alert_dialog_set_extra_child (alert, GTK_WIDGET (import->bar));
  g_signal_connect_swapped (alert, "response", G_CALLBACK (import_response_cb), import);
  adw_dialog_present (import->dialog, GTK_WIDGET (import->window));
  return G_SOURCE_REMOVE;
}

static void
import_progress_cb (goffset done, goffset total, gpointer data)
{
  Import *import = data;

  gtk_progress_bar_set_fraction (import->bar, total > 0 ? (double) done / (double) total : 0);
}

static Import *
import_new (QuernWindow *window)
{
  Import *import = g_new0 (Import, 1);

  import->window = g_object_ref (window);
  import->cancellable = g_cancellable_new ();
  import->dialog = g_object_ref_sink (adw_alert_dialog_new (_("Importing Conversations"), NULL));
  import->bar = g_object_ref_sink (GTK_PROGRESS_BAR (gtk_progress_bar_new ()));
  gtk_accessible_update_property (GTK_ACCESSIBLE (import->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Importing Conversations"), -1);
  import->delay = g_timeout_add (IMPORT_DIALOG_DELAY_MS, import_delayed_cb, import);
  return import;
}

static void
import_end (Import *import)
{
  g_signal_handlers_disconnect_by_data (import->dialog, import);
  if (gtk_widget_get_root (GTK_WIDGET (import->dialog)) != NULL) /* shown, and not closed by the user */
    adw_dialog_force_close (import->dialog);
  g_clear_handle_id (&import->delay, g_source_remove);
  g_object_unref (import->dialog);
  g_object_unref (import->bar);
  g_object_unref (import->cancellable);
  g_object_unref (import->window);
  g_free (import);
}

static void
quern_window_data_imported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = g_object_ref (((Import *) user_data)->window);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = quern_import_files_finish (result, &error);
  g_autofree char *text = NULL;

  import_end (user_data);
  if (added == NULL) {
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      show_problem (self, error);
    return;
  }
  text = g_strdup_printf (ngettext ("%u conversation imported", "%u conversations imported", added->len), added->len);
  close_preferences (self);
  if (quern_import_files_get_report (result) != NULL && self->toasts != NULL)
    present_report (self, quern_import_files_get_report (result));
  else
    quern_window_show_toast (self, text);
  if (self->chat_page != NULL)
    _quern_window_open (self, added->pdata[0]);
}

/* Takes the conversations of files, and opens the first. */
static void
import_conversations (QuernWindow *self, GListModel *files)
{
  Import *import;

  if (self->store == NULL || g_list_model_get_n_items (files) == 0)
    return;
  import = import_new (self);
  quern_import_files_async (self->store, files, import_progress_cb, import, import->cancellable,
                            quern_window_data_imported_cb, import);
}

static void
import_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GListModel) files = gtk_file_dialog_open_multiple_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (files != NULL)
    import_conversations (self, files);
}

/* A dialog for files of one kind. */
static GtkFileDialog *
new_file_dialog (const char *title, const char *kind, const char *const *suffixes)
{
  GtkFileDialog *dialog = gtk_file_dialog_new ();
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  g_autoptr (GListStore) filters = g_list_store_new (GTK_TYPE_FILE_FILTER);

  gtk_file_filter_set_name (filter, kind);
  for (; *suffixes != NULL; suffixes++)
    gtk_file_filter_add_suffix (filter, *suffixes);
  g_list_store_append (filters, filter);
  gtk_file_dialog_set_filters (dialog, G_LIST_MODEL (filters));
  gtk_file_dialog_set_title (dialog, title);
  return dialog;
}

static void
import_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  static const char *const suffixes[] = { "json", "jsonl", NULL };
  g_autoptr (GtkFileDialog) dialog = NULL;

  if (QUERN_WINDOW (widget)->store == NULL)
    return;
  dialog = new_file_dialog (_("Import Conversations"), _("Exported conversations"), suffixes);
  gtk_file_dialog_open_multiple (dialog, GTK_WINDOW (widget), NULL, import_chosen_cb, g_object_ref (widget));
}

static void
import_files_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GListStore) files = g_list_store_new (G_TYPE_FILE);
  g_autofree const char **uris = g_variant_get_strv (parameter, NULL);

  for (const char **uri = uris; *uri != NULL; uri++) {
    g_autoptr (GFile) file = g_file_new_for_uri (*uri);
    g_list_store_append (files, file);
  }
  import_conversations (QUERN_WINDOW (widget), G_LIST_MODEL (files));
}

/* ---- back up ---------------------------------------------------------------------------------------------------- */

static void
backed_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (quern_store_backup_finish (QUERN_STORE (source), result, &error))
    quern_window_show_toast (self, _("Backed up"));
  else
    show_problem (self, error);
}

static void
backup_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL && g_file_peek_path (file) != NULL)
    quern_store_backup_async (self->store, g_file_peek_path (file), NULL, backed_up_cb, g_object_ref (self));
}

static void
back_up_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *file_name = g_date_time_format (now, "quern-%Y-%m-%d.db");

  if (QUERN_WINDOW (widget)->store == NULL)
    return;
  gtk_file_dialog_set_title (dialog, _("Back Up Conversations"));
  gtk_file_dialog_set_initial_name (dialog, file_name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (widget), NULL, backup_chosen_cb, g_object_ref (widget));
}

/* ---- restore ---------------------------------------------------------------------------------------------------- */

static void
reloaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComparisons) comparisons = user_data; /* the source is the store */

  quern_comparisons_reload_finish (comparisons, result, NULL);
}

static void
reload_comparisons (QuernWindow *self)
{
  if (self->comparisons != NULL)
    quern_comparisons_reload_async (self->comparisons, NULL, reloaded_cb, g_object_ref (self->comparisons));
}

static void
restored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint n_conversations, n_others;

  if (!quern_store_restore_finish (QUERN_STORE (source), result, &n_conversations, &n_others, &error)) {
    show_problem (self, error);
    return;
  }
  reload_comparisons (self);
  if (n_conversations > 0)
    text = g_strdup_printf (ngettext ("%u conversation restored", "%u conversations restored", n_conversations),
                            n_conversations);
  quern_window_show_toast (self, text != NULL   ? text
                                 : n_others > 0 ? _("Restored")
                                                : _("Everything in this backup is already "
                                                    "here"));
}

static void
restore_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL)
    quern_store_restore_async (self->store, file, NULL, restored_cb, g_object_ref (self));
}

static void
restore_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  static const char *const suffixes[] = { "db", NULL };
  g_autoptr (GtkFileDialog) dialog = NULL;

  if (QUERN_WINDOW (widget)->store == NULL)
    return;
  dialog = new_file_dialog (_("Restore a Backup"), _("Backups"), suffixes);
  gtk_file_dialog_open (dialog, GTK_WINDOW (widget), NULL, restore_chosen_cb, g_object_ref (widget));
}

/* ---- delete all ------------------------------------------------------------------------------------------------- */

static void
erased_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  reload_comparisons (self);
  if (quern_store_erase_all_finish (QUERN_STORE (source), result, &error))
    quern_window_show_toast (self, _("All conversations erased"));
  else
    show_problem (self, error);
}

static void
delete_all_response_cb (AdwAlertDialog *dialog, const char *response, gpointer user_data)
{
  QuernWindow *self = QUERN_WINDOW (user_data);

  if (!g_str_equal (response, "delete"))
    return;
  quern_desk_stop_sessions (self->desk);
  for (GList *l = gtk_application_get_windows (gtk_window_get_application (GTK_WINDOW (self))); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data))
      _quern_window_new_chat (l->data);
  quern_store_erase_all_async (self->store, NULL, erased_cb, g_object_ref (self));
}

static void
delete_all_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Delete All Conversations?"), NULL));

  if (QUERN_WINDOW (widget)->store == NULL)
    return;
  adw_alert_dialog_set_body (dialog, _("All messages, pictures, folders and comparisons will be erased from the disk, "
                                       "together with automatic backups. Personas are kept, and so are files that you "
                                       "exported or backed up. This cannot be undone."));
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "delete", _("_Delete All"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "delete", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (delete_all_response_cb), widget, 0);
  adw_dialog_present (ADW_DIALOG (dialog), widget);
}

/* ---- settings --------------------------------------------------------------------------------------------------- */

static void
preferences_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (self->store != NULL)
    adw_dialog_present (ADW_DIALOG (quern_preferences_new (self->store, self->models)), widget);
}

static void
unload_models_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (self->backend == NULL)
    return;
  quern_local_backend_unload_all (
      QUERN_LOCAL_BACKEND (quern_joint_backend_get_local (QUERN_JOINT_BACKEND (self->backend))));
  quern_window_show_toast (self, _("Models unloaded"));
}

static void
conversation_settings_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (self->session != NULL)
    adw_dialog_present (quern_conversation_dialog_new (self->store, self->session), widget);
}

static void
context_settings_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  AdwDialog *dialog = self->session != NULL ? quern_conversation_dialog_new (self->store, self->session) : NULL;

  if (dialog == NULL)
    return;
  adw_dialog_present (dialog, widget);
  quern_conversation_dialog_focus_context (QUERN_CONVERSATION_DIALOG (dialog));
}

void
_quern_window_install_data_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.export", "(xi)", quern_window_export_action);
  gtk_widget_class_install_action (widget_class, "win.print", NULL, print_action);
  gtk_widget_class_install_action (widget_class, "win.save-pdf", "x", save_pdf_action);
  gtk_widget_class_install_action (widget_class, "win.export-all", NULL, export_all_action);
  gtk_widget_class_install_action (widget_class, "win.import", NULL, import_action);
  gtk_widget_class_install_action (widget_class, "win.import-files", "as", import_files_action);
  gtk_widget_class_install_action (widget_class, "win.back-up", NULL, back_up_action);
  gtk_widget_class_install_action (widget_class, "win.restore", NULL, restore_action);
  gtk_widget_class_install_action (widget_class, "win.delete-all", NULL, delete_all_action);
  gtk_widget_class_install_action (widget_class, "win.preferences", NULL, preferences_action);
  gtk_widget_class_install_action (widget_class, "win.unload-models", NULL, unload_models_action);
  gtk_widget_class_install_action (widget_class, "win.conversation-settings", NULL, conversation_settings_action);
  gtk_widget_class_install_action (widget_class, "win.context-settings", NULL, context_settings_action);
}
