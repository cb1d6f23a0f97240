/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chat-page-private.h"

#include "quern-edit-answer.h"
#include "quern-export.h"
#include "widgets/quern-hyphens.h"
#include "widgets/quern-undo.h"

#include <glib/gi18n.h>
#include <string.h>

/* The actions of the chat page ("chat.…"). Those that concern a message take its id. */

static void
send_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _quern_chat_page_send (QUERN_CHAT_PAGE (widget));
}

/* Asks a suggestion, with what is attached. What is written meanwhile stays. */
static void
ask_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  g_autoptr (QuernQuestion) question = NULL;
  g_autofree char *written = NULL;
  const char *text;
  gboolean thinking;

  g_variant_get (parameter, "(&sb)", &text, &thinking);
  if (!_quern_chat_page_is_ready (self))
    return;
  quern_chat_session_set_thinking (self->session, thinking);
  question = g_object_ref (quern_chat_session_get_question (self->session));
  written = g_strdup (quern_question_get_text (question));
  quern_question_set_text (question, text);
  _quern_chat_page_ask (self, question);
  quern_question_set_text (quern_chat_session_get_question (self->session), written);
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

  gtk_file_dialog_set_title (dialog, _("Attach Pictures or Documents"));
  gtk_file_dialog_open_multiple (dialog, GTK_WINDOW (gtk_widget_get_root (widget)), NULL, files_chosen_cb,
                                 g_object_ref (widget));
}

static void
stop_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_stop (QUERN_CHAT_PAGE (widget)->session);
}

static void
wait_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _quern_chat_page_set_waiting (QUERN_CHAT_PAGE (widget), TRUE);
}

static void
cancel_waiting_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);

  _quern_chat_page_set_waiting (self, FALSE);
  quern_chat_page_focus (self);
}

static void
answer_now_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_answer_now (QUERN_CHAT_PAGE (widget)->session);
}

static void
let_go_on_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_let_go_on (QUERN_CHAT_PAGE (widget)->session);
}

static void
cancel_work_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_cancellable_cancel (QUERN_CHAT_PAGE (widget)->working);
}

static void
include_all_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);

  quern_conversation_set_context_start (quern_chat_session_get_conversation (self->session), 0);
}

static void
show_toast (QuernChatPage *self, AdwToast *toast)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

static void
branch_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));
  g_autoptr (QuernConversation) branch = NULL;

  if (message == NULL)
    return;
  branch = quern_chat_session_branch (self->session, message);
  gtk_widget_activate_action (widget, "win.open-conversation", "x", quern_conversation_get_id (branch));
  show_toast (self, adw_toast_new (_("This is a new conversation; the original is unchanged")));
}

/* As Markdown for what takes text, and formatted for what takes that. */
void
_quern_chat_page_copy (QuernChatPage *self, QuernMessage *message)
{
  g_autofree char *html = quern_export_dup_html (quern_message_get_content (message));
  g_autoptr (GBytes) bytes = g_bytes_new (html, strlen (html));
  GdkContentProvider *providers[] = {
    gdk_content_provider_new_for_bytes ("text/html", bytes),
    gdk_content_provider_new_typed (G_TYPE_STRING, quern_message_get_content (message)),
  };
  g_autoptr (GdkContentProvider) both = gdk_content_provider_new_union (providers, G_N_ELEMENTS (providers));

  gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (self)), both);
  show_toast (self, adw_toast_new (_("Copied")));
}

static void
copy_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message != NULL)
    _quern_chat_page_copy (self, message);
}

static void
edit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message == NULL)
    return;
  quern_chat_session_edit (self->session, message);
  quern_chat_page_focus (self);
}

static void
edit_answer_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));

  if (message != NULL)
    quern_edit_answer_present (widget, self->session, message);
}

static void
cancel_edit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_chat_session_cancel_edit (QUERN_CHAT_PAGE (widget)->session);
}

static void
regenerate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));
  g_autoptr (QuernQuestion) question = message != NULL ? quern_question_new_again (message, NULL) : NULL;

  if (question != NULL && _quern_chat_page_is_ready (self))
    _quern_chat_page_ask (self, question);
}

static void
regenerate_with_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  g_autoptr (QuernQuestion) question = NULL;
  QuernMessage *message;
  QuernModel *model;
  const char *model_id;
  gint64 id;

  g_variant_get (parameter, "(x&s)", &id, &model_id);
  message = _quern_chat_page_get_message (self, id);
  model = quern_library_find (self->library, model_id);
  if (message == NULL || quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE || self->working != NULL)
    return;
  if (model == NULL || quern_model_get_state (model) != QUERN_MODEL_OK) {
    quern_chat_page_show_problem (self, _("That model is no longer on this computer. Choose another one."));
    return;
  }
  question = quern_question_new_again (message, model);
  _quern_chat_page_ask (self, question);
}

static void
continue_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));
  g_autoptr (QuernQuestion) question = message != NULL ? quern_question_new_continue (message) : NULL;

  if (question != NULL && _quern_chat_page_is_ready (self))
    _quern_chat_page_ask (self, question);
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

/* Counts this message and those that follow it. */
static guint
count_from (QuernChatPage *self, QuernMessage *message)
{
  GListModel *messages = quern_chat_session_get_messages (self->session);
  guint n = g_list_model_get_n_items (messages);

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernMessage) other = g_list_model_get_item (messages, i);
    if (other == message)
      return n - i;
  }
  return 0;
}

static void
delete_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);
  QuernMessage *message = _quern_chat_page_get_message (self, g_variant_get_int64 (parameter));
  guint n = message != NULL ? count_from (self, message) : 0;
  g_autofree char *title = g_strdup_printf (ngettext ("%u message deleted", "%u messages deleted", n), n);
  Deleted *deleted;

  if (message == NULL)
    return;
  deleted = g_new (Deleted, 1);
  *deleted = (Deleted) { g_object_ref (self->session), g_object_ref (message) };
  quern_chat_session_delete_message (self->session, message);
  quern_undo_offer (widget, self->store, title, restore_message, deleted, deleted_free);
}

/* ---- raw text --------------------------------------------------------------------------------------------------- */

static void
copy_raw_cb (GtkTextBuffer *buffer, GtkWidget *button)
{
  g_autofree char *text = NULL;

  g_object_get (buffer, "text", &text, NULL);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (button), text);
}

static void
raw_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernMessage *message = _quern_chat_page_get_message (QUERN_CHAT_PAGE (widget), g_variant_get_int64 (parameter));
  const char *reasoning = message != NULL ? quern_message_get_reasoning (message) : "";
  g_autofree char *raw = NULL; /* everything the model wrote, with its marks */
  AdwDialog *dialog;
  GtkWidget *view, *toolbar, *scrolled, *text, *copy;

  if (message == NULL)
    return;
  raw = *reasoning != '\0'
            ? g_strconcat ("<think>\n", reasoning, "\n</think>\n\n", quern_message_get_content (message), NULL)
            : g_strdup (quern_message_get_content (message));
  text = gtk_text_view_new ();
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (text)), raw, -1);
  g_object_set (text, "editable", FALSE, "monospace", TRUE, "wrap-mode", GTK_WRAP_WORD_CHAR, "left-margin", 12,
                "right-margin", 12, "top-margin", 12, "bottom-margin", 12, NULL);
  quern_hyphens_leave_out_of_view (GTK_TEXT_VIEW (text));
  gtk_accessible_update_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Raw text"), -1);
  dialog = adw_dialog_new ();
  view = adw_toolbar_view_new ();
  toolbar = adw_header_bar_new ();
  scrolled = gtk_scrolled_window_new ();
  copy = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  gtk_widget_set_tooltip_text (copy, _("Copy Raw Text"));
  g_signal_connect_object (copy, "clicked", G_CALLBACK (copy_raw_cb), gtk_text_view_get_buffer (GTK_TEXT_VIEW (text)),
                           G_CONNECT_SWAPPED);
  adw_header_bar_pack_start (ADW_HEADER_BAR (toolbar), copy);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), text);
  adw_toolbar_view_add_top_bar (ADW_TOOLBAR_VIEW (view), toolbar);
  adw_toolbar_view_set_content (ADW_TOOLBAR_VIEW (view), scrolled);
  adw_dialog_set_title (dialog, _("Raw Text"));
  adw_dialog_set_child (dialog, view);
  adw_dialog_set_content_width (dialog, 640);
  adw_dialog_set_content_height (dialog, 480);
  adw_dialog_present (dialog, widget);
}

/* Escape stops the answer, or else cancels editing. If there is neither, other widgets get the key. */
static gboolean
escape_cb (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (widget);

  if (self->working != NULL)
    g_cancellable_cancel (self->working);
  else if (self->session != NULL && quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE)
    quern_chat_session_stop (self->session);
  else if (gtk_widget_get_visible (self->editing_bar))
    quern_chat_session_cancel_edit (self->session);
  else
    return FALSE;
  return TRUE;
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
    { "chat.wait", NULL, wait_action },
    { "chat.cancel-waiting", NULL, cancel_waiting_action },
    { "chat.answer-now", NULL, answer_now_action },
    { "chat.copy", "x", copy_action },
    { "chat.edit", "x", edit_action },
    { "chat.edit-answer", "x", edit_answer_action },
    { "chat.cancel-edit", NULL, cancel_edit_action },
    { "chat.regenerate", "x", regenerate_action },
    { "chat.regenerate-with", "(xs)", regenerate_with_action },
    { "chat.branch", "x", branch_action },
    { "chat.let-go-on", NULL, let_go_on_action },
    { "chat.cancel-work", NULL, cancel_work_action },
    { "chat.include-all", NULL, include_all_action },
    { "chat.continue", "x", continue_action },
    { "chat.delete", "x", delete_action },
    { "chat.sibling", "(xi)", sibling_action },
    { "chat.raw", "x", raw_action },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, actions[i].parameter, actions[i].func);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, escape_cb, NULL);
}
