/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "compare/quern-compare-continue.h"
#include "quern-chat-title.h"
#include "quern-window-private.h"

#include "models/quern-downloads-button.h"
#include "models/quern-models-page.h"

#include <glib/gi18n.h>

/* The main window: conversations at the side, one of them open. It remembers its size and what was open; conversations
 * that are answering go on when another one is opened. */

G_DEFINE_FINAL_TYPE (QuernWindow, quern_window, ADW_TYPE_APPLICATION_WINDOW)

static gboolean
title_to_display (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_set_string (to, quern_chat_title_shown (g_value_get_string (from)));
  return TRUE;
}

/* Whether nothing is lost with a session. What is written for a conversation that was deleted stays with its undo. */
static gboolean
is_dispensable (gpointer conversation, gpointer session, gpointer user_data)
{
  QuernWindow *self = user_data;
  gint64 id = quern_conversation_get_id (conversation);

  return session != self->session && quern_chat_session_get_state (session) == QUERN_SESSION_IDLE
         && (!quern_chat_session_holds_unsent (session)
             || quern_store_get_conversation (self->store, id) != conversation);
}

static void
quern_window_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_chat_session_load_finish (QUERN_CHAT_SESSION (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && self->chat_page != NULL)
    quern_chat_page_show_problem (self->chat_page, error->message);
}

static QuernChatSession *
get_session (QuernWindow *self, QuernConversation *conversation)
{
  QuernChatSession *session = g_hash_table_lookup (self->sessions, conversation);

  if (session != NULL)
    return session;
  session = quern_chat_session_new (self->store, self->backend, self->library, conversation);
  g_hash_table_insert (self->sessions, g_object_ref (conversation), session);
  _quern_window_watch (self, session);
  quern_chat_session_load_async (session, NULL, quern_window_loaded_cb, g_object_ref (self));
  return session;
}

static void
remember_conversation (QuernWindow *self)
{
  QuernConversation *conversation = self->session != NULL ? quern_chat_session_get_conversation (self->session) : NULL;
  if (conversation != NULL)
    g_settings_set_int64 (self->settings, "last-conversation", quern_conversation_get_id (conversation));
}

/* Shows a conversation. */
void
_quern_window_open (QuernWindow *self, QuernConversation *conversation)
{
  QuernChatSession *session = get_session (self, conversation);

  _quern_window_withdraw_notification (self, conversation);
  if (g_set_object (&self->session, session)) {
    quern_chat_page_set_session (self->chat_page, session);
    g_clear_pointer (&self->title_binding, g_binding_unbind);
    self->title_binding = g_object_bind_property_full (conversation, "title", self->content_page, "title",
                                                       G_BINDING_SYNC_CREATE, title_to_display, NULL, NULL, NULL);
    remember_conversation (self);
  }
  gtk_stack_set_visible_child (self->pages, GTK_WIDGET (self->chat_page));
  g_hash_table_foreach_remove (self->sessions, is_dispensable, self);
  quern_sidebar_select (self->sidebar, conversation);
  quern_sidebar_mark (self->sidebar, FALSE, FALSE);
  adw_navigation_split_view_set_content (self->split_view, self->content_page);
  adw_navigation_split_view_set_show_content (self->split_view, TRUE);
  quern_chat_page_focus (self->chat_page);
}

/* Shows an empty conversation, the one that is there if it is still empty. It is kept once something is written. */
void
_quern_window_new_chat (QuernWindow *self)
{
  g_autoptr (QuernConversation) conversation = NULL;
  g_autofree char *model = NULL;

  if (self->store == NULL)
    return;
  conversation = quern_conversation_new ();
  model = g_settings_get_string (self->settings, "last-model");
  if (*model != '\0' && quern_library_find (self->library, model) != NULL)
    quern_conversation_set_model_id (conversation, model);
  _quern_window_open (self, conversation);
}

static void
quern_window_continue_cb (QuernWindow *self, QuernCompareColumn *column)
{
  g_autoptr (QuernConversation) conversation =
      quern_compare_continue (self->store, quern_compare_page_get_comparison (self->compare_page), column);

  _quern_window_open (self, conversation);
}

/* Something was asked or measured: from now on it is kept. */
static void
comparison_used_cb (QuernWindow *self, GParamSpec *pspec, QuernComparison *comparison)
{
  gint64 id;

  if (quern_comparison_is_empty (comparison))
    return;
  quern_comparisons_add (self->comparisons, comparison); /* once */
  id = quern_comparison_get_id (comparison);
  g_hash_table_replace (self->open_comparisons, g_memdup2 (&id, sizeof id), g_object_ref (comparison));
  if (self->compare_page != NULL && quern_compare_page_get_comparison (self->compare_page) == comparison
      && gtk_stack_get_visible_child (self->pages) == GTK_WIDGET (self->compare_page)
      && adw_navigation_split_view_get_content (self->split_view) == self->content_page)
    quern_sidebar_mark (self->sidebar, FALSE, FALSE); /* it is in the list now */
}

/* Returns the page of comparisons, which most people do not need each time. */
QuernComparePage *
_quern_window_get_compare_page (QuernWindow *self)
{
  if (self->compare_page != NULL)
    return self->compare_page;
  self->compare_page = g_object_new (QUERN_TYPE_COMPARE_PAGE, NULL);
  quern_compare_page_set_context (self->compare_page, self->store, self->library, self->backend);
  g_signal_connect_object (self->compare_page, "continue", G_CALLBACK (quern_window_continue_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_stack_add_child (self->pages, GTK_WIDGET (self->compare_page));
  return self->compare_page;
}

/* Shows a comparison in place of the conversation, which stays open behind it. */
void
_quern_window_compare (QuernWindow *self, QuernComparison *comparison)
{
  quern_compare_page_set_comparison (_quern_window_get_compare_page (self), comparison);
  if (quern_comparison_get_id (comparison) == 0) {
    g_signal_connect_object (comparison, "notify::running", G_CALLBACK (comparison_used_cb), self, G_CONNECT_SWAPPED);
    g_signal_connect_object (comparison, "notify::measure", G_CALLBACK (comparison_used_cb), self, G_CONNECT_SWAPPED);
    g_signal_connect_object (comparison, "notify::questions", G_CALLBACK (comparison_used_cb), self, G_CONNECT_SWAPPED);
  }
  comparison_used_cb (self, NULL, comparison);
  gtk_stack_set_visible_child (self->pages, GTK_WIDGET (self->compare_page));
  adw_navigation_split_view_set_content (self->split_view, self->content_page);
  adw_navigation_split_view_set_show_content (self->split_view, TRUE);
  quern_sidebar_select (self->sidebar, NULL);
  quern_sidebar_mark (self->sidebar, FALSE, quern_comparison_is_empty (comparison));
  quern_compare_page_focus (self->compare_page);
}

/* Shows the page about models in place of the conversation. @view: see quern_models_page_show() */
void
_quern_window_show_models (QuernWindow *self, const char *view)
{
  if (self->models == NULL)
    return;
  if (self->models_page == NULL)
    self->models_page = g_object_ref_sink (
        adw_navigation_page_new (quern_models_page_new (self->models), _("Models")));
  quern_models_page_show (QUERN_MODELS_PAGE (adw_navigation_page_get_child (self->models_page)), view);
  adw_navigation_split_view_set_content (self->split_view, self->models_page);
  adw_navigation_split_view_set_show_content (self->split_view, TRUE);
  quern_sidebar_select (self->sidebar, NULL);
  quern_sidebar_mark (self->sidebar, TRUE, FALSE);
}

static void
quern_window_items_changed_cb (QuernWindow *self)
{
  if (self->session == NULL)
    return;
  quern_sidebar_select (self->sidebar, quern_chat_session_get_conversation (self->session));
  remember_conversation (self); /* a new one may just have come into the store */
}

/* The models are known when the first scan is done. A conversation that has chosen none gets the one chosen last. */
static void
quern_window_scanned_cb (QuernWindow *self)
{
  g_autofree char *wanted = g_settings_get_string (self->settings, "last-model");
  QuernModel *model = *wanted != '\0' ? quern_library_find (self->library, wanted) : NULL;

  if (self->session == NULL || model == NULL || quern_library_get_scanning (self->library)
      || quern_conversation_get_model_id (quern_chat_session_get_conversation (self->session)) != NULL)
    return;
  quern_chat_session_set_model (self->session, model);
}

static void
restore_size (QuernWindow *self)
{
  int width, height;

  g_settings_get (self->settings, "window-size", "(ii)", &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
  if (g_settings_get_boolean (self->settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
}

static void
save_state (QuernWindow *self)
{
  int width, height;

  if (self->saved)
    return;
  self->saved = TRUE;
  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  if (width > 0 && height > 0)
    g_settings_set (self->settings, "window-size", "(ii)", width, height);
  g_settings_set_boolean (self->settings, "window-maximized", gtk_window_is_maximized (GTK_WINDOW (self)));
  if (self->session != NULL)
    quern_chat_session_save_unsent (self->session);
  remember_conversation (self);
}

static void
quern_window_dispose (GObject *object)
{
  QuernWindow *self = QUERN_WINDOW (object);

  save_state (self);
  _quern_window_clear_zoom (self);
  g_clear_object (&self->session);
  g_clear_pointer (&self->title_binding, g_binding_unbind);
  g_hash_table_remove_all (self->sessions);
  g_hash_table_remove_all (self->open_comparisons);
  self->compare_page = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_WINDOW);
  g_clear_object (&self->models_page);
  g_clear_object (&self->models);
  g_clear_object (&self->backend);
  g_clear_object (&self->library);
  g_clear_object (&self->comparisons); /* what is not written yet is written */
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_window_parent_class)->dispose (object);
}

static void
quern_window_finalize (GObject *object)
{
  QuernWindow *self = QUERN_WINDOW (object);

  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->open_comparisons);
  g_object_unref (self->settings);
  G_OBJECT_CLASS (quern_window_parent_class)->finalize (object);
}

static void
quern_window_class_init (QuernWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = quern_window_dispose;
  object_class->finalize = quern_window_finalize;
  g_type_ensure (QUERN_TYPE_CHAT_PAGE);
  g_type_ensure (QUERN_TYPE_SIDEBAR);
  _quern_window_install_actions (widget_class);
  _quern_window_install_data_actions (widget_class);
  _quern_window_install_zoom_actions (widget_class);
  _quern_window_install_folder_actions (widget_class);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/window/quern-window.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, split_view);
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, content_page);
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, chat_page);
  gtk_widget_class_bind_template_child (widget_class, QuernWindow, pages);
}

static void
quern_window_init (QuernWindow *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  self->open_comparisons = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->sessions = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
  gtk_widget_init_template (GTK_WIDGET (self));
  restore_size (self);
  _quern_window_init_zoom (self);
}

GtkWidget *
quern_window_new (GtkApplication *application)
{
  return g_object_new (QUERN_TYPE_WINDOW, "application", application, NULL);
}

/**
 * quern_window_set_core:
 * @problem: (nullable): a sentence for the user, when @store does not keep anything
 *
 * Gives the window what it shows, once, and opens the conversation that was open last.
 */
void
quern_window_set_core (QuernWindow *self, QuernStore *store, QuernLibrary *library, QuernBackend *backend,
                       const char *problem)
{
  QuernConversation *last;

  g_return_if_fail (QUERN_IS_WINDOW (self));
  g_return_if_fail (self->store == NULL);

  self->store = g_object_ref (store);
  self->library = g_object_ref (library);
  self->backend = g_object_ref (backend);
  g_signal_connect_object (library, "notify::scanning", G_CALLBACK (quern_window_scanned_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (quern_store_get_conversations (store), "items-changed",
                           G_CALLBACK (quern_window_items_changed_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  _quern_window_watch_store (self);
  quern_sidebar_set_store (self->sidebar, store);
  self->comparisons = quern_comparisons_new (store);
  quern_sidebar_set_comparisons (self->sidebar, self->comparisons);
  quern_chat_page_set_context (self->chat_page, store, library);
  last = quern_store_get_conversation (store, g_settings_get_int64 (self->settings, "last-conversation"));
  if (last != NULL)
    _quern_window_open (self, last);
  else
    _quern_window_new_chat (self);
  quern_window_scanned_cb (self);
  if (problem != NULL)
    quern_chat_page_show_problem (self->chat_page, problem);
}

static void
model_ready_cb (QuernWindow *self, const char *title, const char *id)
{
  g_autofree char *text = g_strdup_printf (_("%s is ready."), title);
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_button_label (toast, _("_Chat"));
  adw_toast_set_action_target (toast, "s", id);
  adw_toast_set_action_name (toast, "win.chat-with");
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* Gives the window what the page about models shows, once. */
void
quern_window_set_models (QuernWindow *self, QuernModelsService *models)
{
  g_return_if_fail (QUERN_IS_WINDOW (self));
  if (!g_set_object (&self->models, models))
    return;
  quern_sidebar_add_to_header (self->sidebar, quern_downloads_button_new (models));
  g_signal_connect_object (models, "ready", G_CALLBACK (model_ready_cb), self, G_CONNECT_SWAPPED);
}
