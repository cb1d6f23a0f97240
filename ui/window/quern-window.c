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

static gboolean
title_to_name (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  const char *title = g_value_get_string (from);

  g_value_set_string (to, title != NULL && *title != '\0' ? title : "Quern");
  return TRUE;
}

/* Returns: the windows of the application, of which some may be no QuernWindow. */
static GList *
list_windows (void)
{
  return gtk_application_get_windows (GTK_APPLICATION (g_application_get_default ()));
}

/* Returns: (nullable): the window that has it, on its screen or behind its other pages */
static QuernWindow *
find_window (QuernConversation *conversation)
{
  for (GList *l = list_windows (); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data) && QUERN_WINDOW (l->data)->session != NULL
        && quern_chat_session_get_conversation (QUERN_WINDOW (l->data)->session) == conversation)
      return l->data;
  return NULL;
}

static gboolean
is_shown (QuernChatSession *session)
{
  return find_window (quern_chat_session_get_conversation (session)) != NULL;
}

static gboolean
shows_comparison (QuernWindow *self, QuernComparison *comparison)
{
  return self->compare_page != NULL && quern_compare_page_get_comparison (self->compare_page) == comparison
         && gtk_stack_get_visible_child (self->pages) == GTK_WIDGET (self->compare_page);
}

/* Shows a new chat wherever a conversation is that is no longer to be seen. */
void
_quern_window_leave (QuernChatSession *session)
{
  QuernWindow *window = find_window (quern_chat_session_get_conversation (session));

  if (window != NULL)
    _quern_window_new_chat (window);
}

/* The same for a comparison, also where it is behind another page. */
void
_quern_window_leave_comparison (QuernComparison *comparison)
{
  for (GList *l = list_windows (); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data) && QUERN_WINDOW (l->data)->compare_page != NULL
        && quern_compare_page_get_comparison (QUERN_WINDOW (l->data)->compare_page) == comparison)
      _quern_window_new_chat (l->data);
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
  QuernChatSession *session = quern_desk_find_session (self->desk, conversation);

  if (session != NULL)
    return session;
  session = quern_desk_add_session (self->desk, conversation);
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

/* Shows a conversation, in the window that has it already if there is one: what is written for it is written in one place. */
void
_quern_window_open (QuernWindow *self, QuernConversation *conversation)
{
  QuernWindow *other = find_window (conversation);
  QuernChatSession *session;

  if (other != NULL && other != self) {
    if (self->session != NULL)
      quern_sidebar_select (self->sidebar, quern_chat_session_get_conversation (self->session));
    gtk_window_present (GTK_WINDOW (other));
    _quern_window_open (other, conversation);
    return;
  }
  session = get_session (self, conversation);
  quern_desk_withdraw_notification (conversation);
  if (g_set_object (&self->session, session)) {
    quern_chat_page_set_session (self->chat_page, session);
    g_clear_pointer (&self->title_binding, g_binding_unbind);
    self->title_binding = g_object_bind_property_full (conversation, "title", self->content_page, "title",
                                                       G_BINDING_SYNC_CREATE, title_to_display, NULL, NULL, NULL);
    g_clear_pointer (&self->name_binding, g_binding_unbind);
    self->name_binding = g_object_bind_property_full (conversation, "title", self, "title", G_BINDING_SYNC_CREATE,
                                                      title_to_name, NULL, NULL, NULL);
    remember_conversation (self);
  }
  gtk_stack_set_visible_child (self->pages, GTK_WIDGET (self->chat_page));
  quern_desk_sweep (self->desk, is_shown);
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
  if (quern_comparison_is_empty (comparison) || self->desk == NULL)
    return;
  quern_desk_add_comparison (self->desk, comparison);
  if (shows_comparison (self, comparison)
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

/* Shows a comparison in place of the conversation, which stays open behind it; in the window that shows it already if there
 * is one. */
void
_quern_window_compare (QuernWindow *self, QuernComparison *comparison)
{
  for (GList *l = list_windows (); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data) && l->data != self && shows_comparison (l->data, comparison)) {
      gtk_window_present (l->data);
      self = l->data;
      break;
    }
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
  g_clear_pointer (&self->name_binding, g_binding_unbind);
  if (self->desk != NULL)
    quern_desk_sweep (self->desk, is_shown);
  self->compare_page = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_WINDOW);
  g_clear_object (&self->models_page);
  g_clear_object (&self->models);
  g_clear_object (&self->backend);
  g_clear_object (&self->library);
  g_clear_object (&self->comparisons);
  g_clear_object (&self->store);
  g_clear_object (&self->desk);
  G_OBJECT_CLASS (quern_window_parent_class)->dispose (object);
}

static void
quern_window_finalize (GObject *object)
{
  QuernWindow *self = QUERN_WINDOW (object);

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
 * quern_window_set_desk:
 * @conversation: (nullable): what to open; %NULL: a new chat
 * @problem: (nullable): a sentence for the user, when the store does not keep anything
 *
 * Gives the window what it shows, once.
 */
void
quern_window_set_desk (QuernWindow *self, QuernDesk *desk, QuernConversation *conversation, const char *problem)
{
  QuernStore *store;

  g_return_if_fail (QUERN_IS_WINDOW (self));
  g_return_if_fail (self->desk == NULL);

  self->desk = g_object_ref (desk);
  self->store = store = g_object_ref (quern_desk_get_store (desk));
  self->library = g_object_ref (quern_desk_get_library (desk));
  self->backend = g_object_ref (quern_desk_get_backend (desk));
  g_signal_connect_object (self->library, "notify::scanning", G_CALLBACK (quern_window_scanned_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (quern_store_get_conversations (store), "items-changed",
                           G_CALLBACK (quern_window_items_changed_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  _quern_window_watch_store (self);
  quern_sidebar_set_store (self->sidebar, store);
  self->comparisons = g_object_ref (quern_desk_get_comparisons (desk));
  quern_sidebar_set_comparisons (self->sidebar, self->comparisons);
  quern_chat_page_set_context (self->chat_page, store, self->library);
  if (conversation != NULL)
    _quern_window_open (self, conversation);
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

/* A sweep was at work when the application ended. */
static void
sweep_interrupted_cb (QuernWindow *self)
{
  const char *id = quern_sweeps_get_interrupted (quern_models_service_get_sweeps (self->models));
  g_autofree char *text = NULL;
  AdwToast *toast;

  if (id == NULL)
    return;
  text = g_strdup_printf (_("Measuring %s was interrupted"), id);
  toast = adw_toast_new (text);
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_timeout (toast, 0);
  adw_toast_set_button_label (toast, _("_Show"));
  adw_toast_set_action_target (toast, "s", id);
  adw_toast_set_action_name (toast, "win.show-repo");
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
  g_signal_connect_object (quern_models_service_get_sweeps (models), "notify::interrupted",
                           G_CALLBACK (sweep_interrupted_cb), self, G_CONNECT_SWAPPED);
  sweep_interrupted_cb (self);
}
