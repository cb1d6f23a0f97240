/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare/quern-compare-export.h"
#include "models/quern-choose-models.h"
#include "servers/quern-add-server-dialog.h"
#include "widgets/quern-name-dialog.h"
#include "widgets/quern-undo.h"
#include "quern-window-private.h"

#include <glib/gi18n.h>
#include <string.h>

/* The actions of the window ("win.…"). Those about a conversation take its id. */

static QuernConversation *
get_conversation (QuernWindow *self, GVariant *id)
{
  return self->store != NULL ? quern_store_get_conversation (self->store, g_variant_get_int64 (id)) : NULL;
}

static void
quern_window_new_chat_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _quern_window_new_chat (QUERN_WINDOW (widget));
}

static void
new_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();

  if (self->store != NULL)
    _quern_window_compare (self, comparison);
}

static void
comparison_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernComparison) comparison = quern_comparisons_open_finish (QUERN_COMPARISONS (source), result, &error);

  if (self->library == NULL)
    return;
  if (comparison != NULL)
    _quern_window_compare (self, comparison);
  else
    quern_chat_page_show_problem (self->chat_page, error->message);
}

static void
open_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  gint64 id = g_variant_get_int64 (parameter);
  QuernComparison *comparison = self->desk != NULL ? quern_desk_find_comparison (self->desk, id) : NULL;

  if (comparison != NULL)
    _quern_window_compare (self, comparison);
  else
    quern_comparisons_open_async (self->comparisons, id, G_LIST_MODEL (self->library), NULL, comparison_opened_cb,
                                  g_object_ref (self));
}

/* ---- rename, export and delete a comparison ----------------------------------------------------------------------  */

typedef struct {
  QuernWindow *window;
  gint64 id;
  char *title; /* the new one, or NULL before it is known */
} Renaming;

static void
renaming_free (gpointer data)
{
  Renaming *renaming = data;

  g_object_unref (renaming->window);
  g_free (renaming->title);
  g_free (renaming);
}

static void
name_comparison (QuernWindow *self, QuernComparison *comparison, const char *title)
{
  quern_comparison_set_title (comparison, title);
  quern_comparisons_save (self->comparisons, comparison);
}

static void
renamed_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Renaming *renaming = user_data;
  QuernWindow *self = renaming->window;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernComparison) comparison = quern_comparisons_open_finish (QUERN_COMPARISONS (source), result, &error);

  if (comparison != NULL && self->comparisons != NULL)
    name_comparison (self, comparison, renaming->title);
  else if (comparison == NULL && self->chat_page != NULL)
    quern_chat_page_show_problem (self->chat_page, error->message);
  renaming_free (renaming);
}

static void
rename_comparison (const char *title, gpointer data)
{
  Renaming *renaming = data;
  QuernWindow *self = renaming->window;
  QuernComparison *open = quern_desk_find_comparison (self->desk, renaming->id);
  Renaming *copy;

  if (open != NULL) {
    name_comparison (self, open, title);
    return;
  }
  copy = g_new (Renaming, 1);
  *copy = (Renaming) { g_object_ref (self), renaming->id, g_strdup (title) };
  quern_comparisons_open_async (self->comparisons, renaming->id, G_LIST_MODEL (self->library), NULL, renamed_opened_cb,
                                copy);
}

static void
rename_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernComparisonEntry *entry = quern_comparisons_find (self->comparisons, g_variant_get_int64 (parameter));
  Renaming *renaming;

  if (entry == NULL)
    return;
  renaming = g_new0 (Renaming, 1);
  renaming->window = g_object_ref (self);
  renaming->id = quern_comparison_entry_get_id (entry);
  quern_name_dialog_ask (widget, _("Rename Comparison"), _("_Rename"), quern_comparison_entry_get_title (entry),
                         rename_comparison, renaming, renaming_free);
}

typedef struct {
  QuernWindow *window;
  char *format;
} Exporting;

static void
exporting_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exporting *exporting = user_data;
  QuernWindow *self = exporting->window;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernComparison) comparison = quern_comparisons_open_finish (QUERN_COMPARISONS (source), result, &error);

  if (self->chat_page == NULL) /* the window was closed in the meantime */
    ;
  else if (comparison != NULL)
    quern_compare_export (_quern_window_get_compare_page (self), comparison, exporting->format);
  else
    quern_chat_page_show_problem (self->chat_page, error->message);
  g_object_unref (self);
  g_free (exporting->format);
  g_free (exporting);
}

static void
export_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernComparison *open;
  Exporting *exporting;
  const char *format;
  gint64 id;

  g_variant_get (parameter, "(x&s)", &id, &format);
  open = self->desk != NULL ? quern_desk_find_comparison (self->desk, id) : NULL;
  if (open != NULL) {
    quern_compare_export (_quern_window_get_compare_page (self), open, format);
    return;
  }
  exporting = g_new (Exporting, 1);
  *exporting = (Exporting) { g_object_ref (self), g_strdup (format) };
  quern_comparisons_open_async (self->comparisons, id, G_LIST_MODEL (self->library), NULL, exporting_opened_cb,
                                exporting);
}

typedef struct {
  QuernComparisons *comparisons;
  QuernComparisonEntry *entry;
} DeletedComparison;

static void
deleted_comparison_free (gpointer data)
{
  DeletedComparison *deleted = data;

  g_object_unref (deleted->comparisons);
  g_object_unref (deleted->entry);
  g_free (deleted);
}

static void
restore_comparison (gpointer data)
{
  quern_comparisons_restore (((DeletedComparison *) data)->comparisons, ((DeletedComparison *) data)->entry);
}

static void
delete_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  gint64 id = g_variant_get_int64 (parameter);
  QuernComparisonEntry *entry = quern_comparisons_find (self->comparisons, id);
  QuernComparison *open = quern_desk_find_comparison (self->desk, id);
  DeletedComparison *deleted;

  if (entry == NULL)
    return;
  deleted = g_new (DeletedComparison, 1);
  *deleted = (DeletedComparison) { g_object_ref (self->comparisons), g_object_ref (entry) };
  if (open != NULL) {
    quern_desk_stop_comparison (open);
    _quern_window_leave_comparison (open);
  }
  quern_comparisons_delete (self->comparisons, entry);
  quern_undo_offer (GTK_WIDGET (self->split_view), self->store, _("Comparison deleted"), restore_comparison, deleted,
                    deleted_comparison_free);
}

static void
comparison_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernComparison) comparison = quern_comparison_import_finish (result, &error);

  if (self->library == NULL)
    return;
  if (comparison != NULL)
    _quern_window_compare (self, comparison);
  else
    quern_compare_page_show_problem (_quern_window_get_compare_page (self), error->message);
}

static void
comparison_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GFile) file = gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL);

  if (file != NULL && self->library != NULL)
    quern_comparison_import_async (file, G_LIST_MODEL (self->library), NULL, comparison_read_cb, g_object_ref (self));
}

static void
import_comparison_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Import a Comparison"));
  gtk_file_dialog_open (dialog, GTK_WINDOW (widget), NULL, comparison_chosen_cb, g_object_ref (widget));
}

static void
quern_window_open_conversation_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernConversation *conversation = get_conversation (QUERN_WINDOW (widget), parameter);
  if (conversation != NULL)
    _quern_window_open (QUERN_WINDOW (widget), conversation);
}

/* In a window of its own. Where this window has it, it gets a new chat instead. */
static void
open_in_new_window_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernConversation *conversation = get_conversation (self, parameter);

  if (conversation == NULL)
    return;
  if (self->session != NULL && quern_chat_session_get_conversation (self->session) == conversation)
    _quern_window_new_chat (self);
  gtk_widget_activate_action (widget, "app.open-in-new-window", "x", quern_conversation_get_id (conversation));
}

static gboolean
has_message (QuernChatSession *session, gint64 id)
{
  GListModel *messages = quern_chat_session_get_messages (session);

  for (guint i = 0; i < g_list_model_get_n_items (messages); i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (messages, i);
    if (quern_message_get_id (message) == id)
      return TRUE;
  }
  return FALSE;
}

/* The message may be on a branch that is not shown. */
static void
open_message_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  g_autoptr (GVariant) id = g_variant_get_child_value (parameter, 0);
  QuernConversation *conversation = get_conversation (self, id);
  QuernChatSession *session = conversation != NULL ? quern_desk_find_session (self->desk, conversation) : NULL;
  g_auto (GStrv) words = NULL;
  const char *text;
  gint64 message_id;

  g_variant_get (parameter, "(xx&s)", NULL, &message_id, &text);
  if (conversation == NULL)
    return;
  if (session == NULL
      || (!has_message (session, message_id) && quern_chat_session_get_state (session) == QUERN_SESSION_IDLE)) {
    quern_store_choose_branch (self->store, conversation, message_id);
    if (session != NULL)
      quern_chat_session_load_async (session, NULL, NULL, NULL);
  }
  words = g_strsplit_set (text, " \t\n", -1);
  _quern_window_open (self, conversation);
  quern_chat_page_show_message (self->chat_page, message_id, (const char *const *) words);
}

/* ---- rename, pin, delete ---------------------------------------------------------------------------------------- */

static void
rename_conversation (const char *title, gpointer conversation)
{
  quern_conversation_set_title (conversation, title, TRUE);
}

static void
present_rename (QuernWindow *self, QuernConversation *conversation)
{
  quern_name_dialog_ask (GTK_WIDGET (self), _("Rename Conversation"), _("_Rename"),
                         quern_conversation_get_title (conversation), rename_conversation, g_object_ref (conversation),
                         g_object_unref);
}

static void
rename_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernConversation *conversation = get_conversation (QUERN_WINDOW (widget), parameter);
  if (conversation != NULL)
    present_rename (QUERN_WINDOW (widget), conversation);
}

static void
rename_current_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  if (self->session != NULL)
    present_rename (self, quern_chat_session_get_conversation (self->session));
}

static void
pin_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernConversation *conversation = get_conversation (QUERN_WINDOW (widget), parameter);
  if (conversation != NULL)
    quern_conversation_set_pinned (conversation, !quern_conversation_get_pinned (conversation));
}

typedef struct {
  QuernWindow *window; /* borrowed: the toast lives in it */
  QuernConversation *conversation;
  QuernChatSession *session; /* with what was written there; or NULL */
} Deleted;

static void
quern_window_deleted_free (gpointer data)
{
  Deleted *deleted = data;

  g_object_unref (deleted->conversation);
  g_clear_object (&deleted->session);
  g_free (deleted);
}

static void
restore_conversation (gpointer data)
{
  Deleted *deleted = data;
  quern_store_restore_conversation (deleted->window->store, deleted->conversation);
  if (deleted->session != NULL)
    quern_desk_return_session (deleted->window->desk, deleted->session);
  _quern_window_open (deleted->window, deleted->conversation);
}

static void
quern_window_delete_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernConversation *conversation = get_conversation (self, parameter);
  QuernChatSession *session = conversation != NULL ? quern_desk_find_session (self->desk, conversation) : NULL;
  Deleted *deleted;

  if (conversation == NULL)
    return;
  deleted = g_new (Deleted, 1);
  *deleted = (Deleted) { self, g_object_ref (conversation), session != NULL ? g_object_ref (session) : NULL };
  if (session != NULL) {
    quern_chat_session_stop (session);
    _quern_window_leave (session);
  }
  quern_store_delete_conversation (self->store, conversation);
  quern_undo_offer (GTK_WIDGET (self->split_view), self->store, _("Conversation deleted"), restore_conversation,
                    deleted, quern_window_deleted_free);
}

/* ---- links ------------------------------------------------------------------------------------------------------ */

static void
link_response_cb (AdwAlertDialog *dialog, const char *response, gpointer user_data)
{
  g_autoptr (GtkUriLauncher) launcher = NULL;

  if (!g_str_equal (response, "open"))
    return;
  launcher = gtk_uri_launcher_new (adw_alert_dialog_get_body (dialog));
  gtk_uri_launcher_launch (launcher, GTK_WINDOW (user_data), NULL, NULL, NULL);
}

static void
open_link_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (_("Open This Link?"), NULL));

  adw_alert_dialog_set_body (dialog, g_variant_get_string (parameter, NULL));
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "open", _("_Open"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "open", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (dialog, "open");
  g_signal_connect (dialog, "response", G_CALLBACK (link_response_cb), widget);
  adw_dialog_present (ADW_DIALOG (dialog), widget);
}

/* ---- models ----------------------------------------------------------------------------------------------------- */

static void
import_path (GtkWidget *widget, const char *path)
{
  _quern_window_import (QUERN_WINDOW (widget), path);
}

static void
import_model_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_choose_model_file (widget, import_path);
}

static void
add_server_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (self->models != NULL)
    quern_add_server_dialog_present (quern_models_service_get_servers (self->models), GTK_WIDGET (self->split_view));
}

static void
model_chosen_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_settings_set_string (QUERN_WINDOW (widget)->settings, "last-model", g_variant_get_string (parameter, NULL));
}

static void
show_models_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _quern_window_show_models (QUERN_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

/* "win.show-repo": the id of a repository of the hub */
static void
show_repo_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  _quern_window_show_models (self, "search");
  if (self->models_page != NULL)
    gtk_widget_activate_action (adw_navigation_page_get_child (self->models_page), "models.repo", "s",
                                g_variant_get_string (parameter, NULL));
}

/* Shows where the vision file of a model can be had: its repository when it came from one, else what is found by its name. */
static void
get_vision_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernModel *model = self->library != NULL ? quern_library_find (self->library, g_variant_get_string (parameter, NULL))
                                            : NULL;
  g_autofree char *library = quern_library_dup_folder ();
  g_autofree char *folder = g_strconcat (library, "/", NULL);
  g_autofree char *parent = NULL;
  GtkWidget *page;

  if (model == NULL || quern_model_is_remote (model))
    return;
  parent = g_path_get_dirname (quern_model_get_path (model));
  _quern_window_show_models (self, "search");
  page = adw_navigation_page_get_child (self->models_page);
  if (g_str_has_prefix (parent, folder) && strchr (parent + strlen (folder), '/') != NULL)
    gtk_widget_activate_action (page, "models.repo", "s", parent + strlen (folder)); /* OWNER/REPOSITORY */
  else
    gtk_widget_activate_action (page, "models.search", "s", quern_model_get_title (model));
}

/* What was asked for is below them. */
static void
close_dialogs (QuernWindow *self)
{
  g_autoptr (GListModel) dialogs = adw_application_window_get_dialogs (ADW_APPLICATION_WINDOW (self));
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (dialogs); i++)
    g_ptr_array_add (open, g_list_model_get_item (dialogs, i));
  for (guint i = open->len; i > 0; i--)
    adw_dialog_close (open->pdata[i - 1]);
}

static void
quern_window_chat_with_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernModel *model = self->library != NULL ? quern_library_find (self->library, g_variant_get_string (parameter, NULL))
                                            : NULL;

  if (model == NULL)
    return;
  close_dialogs (self);
  g_settings_set_string (self->settings, "last-model", quern_model_get_id (model));
  _quern_window_new_chat (self);
  quern_chat_session_set_model (self->session, model);
}

/* ---- moving about ----------------------------------------------------------------------------------------------- */

static void
quern_window_search_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  adw_navigation_split_view_set_show_content (self->split_view, FALSE);
  quern_sidebar_start_search (self->sidebar);
}

static void
find_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (gtk_stack_get_visible_child (self->pages) == GTK_WIDGET (self->chat_page))
    quern_chat_page_find (self->chat_page);
}

static void
search_for_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_window_search_action (widget, name, NULL);
  quern_sidebar_search_for (QUERN_WINDOW (widget)->sidebar, g_variant_get_string (parameter, NULL));
}

static void
show_sidebar_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  gboolean showing = adw_navigation_split_view_get_show_content (self->split_view);

  if (adw_navigation_split_view_get_collapsed (self->split_view))
    adw_navigation_split_view_set_show_content (self->split_view, !showing);
  else
    quern_sidebar_focus (self->sidebar);
}

static void
focus_composer_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  adw_navigation_split_view_set_show_content (self->split_view, TRUE);
  quern_chat_page_focus (self->chat_page);
}

static void
toggle_thinking_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_page_toggle_thinking (QUERN_WINDOW (widget)->chat_page);
}

static void
copy_answer_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_page_copy_last_answer (QUERN_WINDOW (widget)->chat_page);
}

static void
choose_model_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_page_choose_model (QUERN_WINDOW (widget)->chat_page);
}

static void
previous_chat_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_sidebar_activate_neighbour (QUERN_WINDOW (widget)->sidebar, -1);
}

static void
next_chat_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_sidebar_activate_neighbour (QUERN_WINDOW (widget)->sidebar, 1);
}

G_GNUC_BEGIN_IGNORE_DEPRECATIONS /* what comes in place of it is in libadwaita 1.8 */

/* GTK would make the window of shortcuts with each of ours, which would open later for it. */
static void
show_help_overlay_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkApplicationWindow *window = GTK_APPLICATION_WINDOW (widget);
  g_autoptr (GtkBuilder) builder = NULL;

  if (gtk_application_window_get_help_overlay (window) == NULL) {
    builder = gtk_builder_new_from_resource ("/io/github/quern/Quern/ui/application/help-overlay.ui");
    gtk_application_window_set_help_overlay (window,
                                             GTK_SHORTCUTS_WINDOW (gtk_builder_get_object (builder, "help_overlay")));
  }
  gtk_window_present (GTK_WINDOW (gtk_application_window_get_help_overlay (window)));
}

G_GNUC_END_IGNORE_DEPRECATIONS

void
_quern_window_install_actions (GtkWidgetClass *widget_class)
{
  static const struct {
    const char *name, *parameter;
    GtkWidgetActionActivateFunc func;
  } actions[] = {
    { "win.new-chat", NULL, quern_window_new_chat_action },
    { "win.new-comparison", NULL, new_comparison_action },
    { "win.open-comparison", "x", open_comparison_action },
    { "win.rename-comparison", "x", rename_comparison_action },
    { "win.export-comparison", "(xs)", export_comparison_action },
    { "win.delete-comparison", "x", delete_comparison_action },
    { "win.import-comparison", NULL, import_comparison_action },
    { "win.open-conversation", "x", quern_window_open_conversation_action },
    { "win.open-in-new-window", "x", open_in_new_window_action },
    { "win.open-message", "(xxs)", open_message_action },
    { "win.rename-conversation", "x", rename_action },
    { "win.rename-current", NULL, rename_current_action },
    { "win.pin-conversation", "x", pin_action },
    { "win.delete-conversation", "x", quern_window_delete_action },
    { "win.open-link", "s", open_link_action },
    { "win.import-model", NULL, import_model_action },
    { "win.add-server", NULL, add_server_action },
    { "win.open-files", "(aayu)", _quern_window_open_files },
    { "win.model-chosen", "s", model_chosen_action },
    { "win.show-models", "s", show_models_action },
    { "win.show-repo", "s", show_repo_action },
    { "win.get-vision", "s", get_vision_action },
    { "win.chat-with", "s", quern_window_chat_with_action },
    { "win.choose-model", NULL, choose_model_action },
    { "win.find", NULL, find_action },
    { "win.search", NULL, quern_window_search_action },
    { "win.search-for", "s", search_for_action },
    { "win.show-sidebar", NULL, show_sidebar_action },
    { "win.focus-composer", NULL, focus_composer_action },
    { "win.toggle-thinking", NULL, toggle_thinking_action },
    { "win.copy-answer", NULL, copy_answer_action },
    { "win.previous-chat", NULL, previous_chat_action },
    { "win.next-chat", NULL, next_chat_action },
    { "win.show-help-overlay", NULL, show_help_overlay_action },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, actions[i].parameter, actions[i].func);
}
