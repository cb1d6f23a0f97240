/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chat-page-private.h"

#include "window/quern-undo.h"

#include <glib/gi18n.h>

/* What can be done in a conversation, as actions of the chat page ("chat.…"). Those about a message take its id. */

/* An answer that was asked for; `text` is given back to the composer when nothing came of it. */
typedef struct {
  QuernChatPage *page;
  char *text;
  GListModel *attachments; /* or NULL */
  guint n_messages;
} Asked;

static void
asked_free (Asked *asked)
{
  g_object_unref (asked->page);
  g_free (asked->text);
  g_clear_object (&asked->attachments);
  g_free (asked);
}

static Asked *
asked_new (QuernChatPage *page, const char *text)
{
  Asked *asked = g_new0 (Asked, 1);
  asked->page = g_object_ref (page);
  asked->text = g_strdup (text);
  asked->n_messages = g_list_model_get_n_items (quern_chat_session_get_messages (page->session));
  return asked;
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asked *asked = user_data;
  QuernChatPage *self = asked->page;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  g_autoptr (GError) error = NULL;
  gboolean ok = quern_chat_session_answer_finish (session, result, &error);

  if (!ok && self->session == session && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_autofree char *written = quern_composer_dup_text (self->composer);
    gboolean added = g_list_model_get_n_items (quern_chat_session_get_messages (session)) > asked->n_messages;
    if (!added) {
      quern_chat_page_show_problem (self, error->message);
      if (asked->text != NULL && *written == '\0') {
        quern_composer_set_text (self->composer, asked->text);
        quern_attachment_bar_set_model (quern_composer_get_attachments (self->composer), asked->attachments);
      }
    }
  }
  asked_free (asked);
}

static void
ensure_stored (QuernChatPage *self)
{
  QuernConversation *conversation = quern_chat_session_get_conversation (self->session);
  if (quern_store_get_conversation (self->store, quern_conversation_get_id (conversation)) == NULL)
    quern_store_add_conversation (self->store, conversation);
}

static void
ask (QuernChatPage *self, const char *text)
{
  g_autoptr (QuernMessage) editing = self->editing != NULL ? g_object_ref (self->editing) : NULL;
  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);
  g_autoptr (GListModel) attachments = quern_attachment_bar_dup_model (bar);
  Asked *asked = asked_new (self, text);

  ensure_stored (self);
  adw_banner_set_revealed (self->banner, FALSE);
  _quern_chat_page_set_editing (self, NULL);
  asked->attachments = g_object_ref (attachments);
  quern_composer_set_text (self->composer, "");
  quern_attachment_bar_set_model (bar, NULL);
  quern_chat_page_save_draft (self);
  if (editing != NULL)
    quern_chat_session_edit_async (self->session, editing, text, attachments, NULL, answered_cb, asked);
  else
    quern_chat_session_send_async (self->session, text, attachments, NULL, answered_cb, asked);
  quern_transcript_scroll_to_end (self->transcript);
}

static gboolean
is_ready (QuernChatPage *self)
{
  return self->session != NULL && quern_chat_session_get_state (self->session) == QUERN_SESSION_IDLE
         && quern_chat_session_get_model (self->session) != NULL;
}

static void
send_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  g_autofree char *text = g_strstrip (quern_composer_dup_text (self->composer));

  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);

  if ((*text != '\0' || gtk_widget_get_visible (GTK_WIDGET (bar))) && is_ready (self))
    ask (self, text);
}

static void
ask_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  const char *text;
  gboolean thinking;

  g_variant_get (parameter, "(&sb)", &text, &thinking);
  if (!is_ready (self))
    return;
  quern_chat_session_set_thinking (self->session, thinking);
  ask (self, text);
  quern_chat_page_focus (self);
}

static void
files_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  g_autoptr (GListModel) files = gtk_file_dialog_open_multiple_finish (GTK_FILE_DIALOG (source), result, NULL);

  for (guint i = 0; files != NULL && self->composer != NULL && i < g_list_model_get_n_items (files); i++) {
    g_autoptr (GFile) file = g_list_model_get_item (files, i);
    quern_attachment_bar_add_file (quern_composer_get_attachments (self->composer), file);
  }
}

static void
attach_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();

  gtk_file_dialog_set_title (dialog, _("Attach Pictures or Text Files"));
  gtk_file_dialog_open_multiple (dialog, GTK_WINDOW (gtk_widget_get_root (widget)), NULL, files_chosen_cb,
                                 g_object_ref (widget));
}

static void
stop_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_stop (QUERN_CHAT_PAGE (widget)->session);
}

static void
answer_now_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_answer_now (QUERN_CHAT_PAGE (widget)->session);
}

static void
show_toast (QuernChatPage *self, AdwToast *toast)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

static void
copy_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), quern_message_get_content (message));
  show_toast (self, adw_toast_new (_("Copied")));
}

static void
edit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message == NULL)
    return;
  quern_chat_page_save_draft (self);
  _quern_chat_page_set_editing (self, message);
  quern_composer_set_text (self->composer, quern_message_get_content (message));
  quern_attachment_bar_set_model (quern_composer_get_attachments (self->composer),
                                  quern_message_get_attachments (message));
  quern_chat_page_focus (self);
}

static void
cancel_edit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);

  _quern_chat_page_set_editing (self, NULL);
  quern_attachment_bar_set_model (quern_composer_get_attachments (self->composer), NULL);
  quern_composer_set_text (self->composer,
                           quern_conversation_get_draft (quern_chat_session_get_conversation (self->session)));
}

static void
regenerate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message != NULL && is_ready (self))
    quern_chat_session_regenerate_async (self->session, message, NULL, answered_cb, asked_new (self, NULL));
}

static void
continue_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message != NULL && is_ready (self))
    quern_chat_session_continue_async (self->session, message, NULL, answered_cb, asked_new (self, NULL));
}

static void
sibling_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message;
  gint64 id;
  int step;

  g_variant_get (parameter, "(xi)", &id, &step);
  message = _quern_chat_page_get_message (self, id);
  if (message != NULL)
    quern_chat_session_choose_sibling (self->session, message, step);
}

/* ---- delete, with undo ------------------------------------------------------------------------------------------ */

typedef struct {
  QuernChatSession *session;
  QuernMessage *message;
} Deleted;

static void
deleted_free (gpointer data)
{
  Deleted *deleted = data;
  g_object_unref (deleted->session);
  g_object_unref (deleted->message);
  g_free (deleted);
}

static void
restore_message (gpointer data)
{
  Deleted *deleted = data;
  quern_chat_session_restore_message (deleted->session, deleted->message);
}

static void
delete_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));
  Deleted *deleted;

  if (message == NULL)
    return;
  deleted = g_new (Deleted, 1);
  *deleted = (Deleted){ g_object_ref (self->session), g_object_ref (message) };
  quern_chat_session_delete_message (self->session, message);
  quern_undo_offer (widget, self->store, _("Message deleted"), restore_message, deleted, deleted_free);
}

/* ---- raw text --------------------------------------------------------------------------------------------------- */

static void
raw_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernMessage *message = _quern_chat_page_get_message (QUERN_CHAT_PAGE (widget), g_variant_get_int64 (parameter));
  AdwDialog *dialog;
  GtkWidget *view, *toolbar, *scrolled, *text;

  if (message == NULL)
    return;
  dialog = adw_dialog_new ();
  view = adw_toolbar_view_new ();
  toolbar = adw_header_bar_new ();
  scrolled = gtk_scrolled_window_new ();
  text = gtk_text_view_new ();
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (text)), quern_message_get_content (message), -1);
  g_object_set (text, "editable", FALSE, "monospace", TRUE, "wrap-mode", GTK_WRAP_WORD_CHAR, "left-margin", 12,
                "right-margin", 12, "top-margin", 12, "bottom-margin", 12, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Raw text"), -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), text);
  adw_toolbar_view_add_top_bar (ADW_TOOLBAR_VIEW (view), toolbar);
  adw_toolbar_view_set_content (ADW_TOOLBAR_VIEW (view), scrolled);
  adw_dialog_set_title (dialog, _("Raw Text"));
  adw_dialog_set_child (dialog, view);
  adw_dialog_set_content_width (dialog, 640);
  adw_dialog_set_content_height (dialog, 480);
  adw_dialog_present (dialog, widget);
}

/* Escape stops the answer, or else gives up editing; it is left to others when there is neither. */
static gboolean
escape_cb (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);

  if (self->session != NULL && quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE)
    return gtk_widget_activate_action (widget, "chat.stop", NULL);
  if (self->editing != NULL)
    return gtk_widget_activate_action (widget, "chat.cancel-edit", NULL);
  return FALSE;
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

void
_quern_chat_page_install_actions (GtkWidgetClass *widget_class)
{
  static const struct {
    const char *name, *parameter;
    GtkWidgetActionActivateFunc func;
  } actions[] = {
    { "chat.send", NULL, send_action },
    { "chat.ask", "(sb)", ask_action },
    { "chat.attach", NULL, attach_action },
    { "chat.stop", NULL, stop_action },
    { "chat.answer-now", NULL, answer_now_action },
    { "chat.copy", "x", copy_action },
    { "chat.edit", "x", edit_action },
    { "chat.cancel-edit", NULL, cancel_edit_action },
    { "chat.regenerate", "x", regenerate_action },
    { "chat.continue", "x", continue_action },
    { "chat.delete", "x", delete_action },
    { "chat.sibling", "(xi)", sibling_action },
    { "chat.raw", "x", raw_action },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, actions[i].parameter, actions[i].func);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, escape_cb, NULL);
}
