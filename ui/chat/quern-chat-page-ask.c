/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chat-page-private.h"

#include "quern-overflow-dialog.h"

#include <glib/gi18n.h>

/* Asks a question, from the key press to the end of the answer. The text is never lost: until the question is in the
 * conversation it stays in the draft on the disk, and if asking fails it goes back to the composer, or to the draft if
 * another conversation is shown by then. */

struct _QuernAsked {
  QuernChatPage *page;
  QuernChatSession *session;
  QuernAskKind kind;
  QuernMessage *message;   /* the question to edit, or the answer to regenerate or continue; NULL for a new question */
  QuernModel *model;       /* the model that answers this once; NULL: the conversation's */
  char *text;              /* NULL if nothing was written for it */
  GListModel *attachments; /* or NULL */
  gulong committed_handler;
};

static void
asked_free (QuernAsked *asked)
{
  g_clear_signal_handler (&asked->committed_handler, quern_chat_session_get_messages (asked->session));
  g_object_unref (asked->page);
  g_object_unref (asked->session);
  g_clear_object (&asked->message);
  g_clear_object (&asked->model);
  g_clear_object (&asked->attachments);
  g_free (asked->text);
  g_free (asked);
}

static gboolean
is_shown (QuernAsked *asked)
{
  return asked->page->session == asked->session;
}

/* ---- the text is not lost --------------------------------------------------------------------------------------- */

char *
_quern_chat_page_join_texts (const char *first, const char *second)
{
  if (first == NULL || *first == '\0')
    return g_strdup (second != NULL ? second : "");
  if (second == NULL || *second == '\0')
    return g_strdup (first);
  return g_strconcat (first, "\n\n", second, NULL);
}

static void
add_all (GListStore *store, GListModel *items)
{
  for (guint i = 0; items != NULL && i < g_list_model_get_n_items (items); i++) {
    g_autoptr (QuernAttachment) item = g_list_model_get_item (items, i);
    g_list_store_append (store, item);
  }
}

/* Asking failed: the text goes back to the composer, before anything that was written since. */
static void
give_back (QuernAsked *asked)
{
  QuernChatPage *self = asked->page;
  QuernConversation *conversation = quern_chat_session_get_conversation (asked->session);
  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);
  g_autoptr (GListModel) since = NULL;
  g_autoptr (GListStore) both = NULL;
  g_autofree char *written = NULL;
  g_autofree char *text = NULL;

  if (asked->text == NULL)
    return;
  if (!is_shown (asked)) { /* except for an edited question, the saved draft still has this text */
    if (asked->kind == QUERN_ASK_EDIT) {
      text = _quern_chat_page_join_texts (asked->text, quern_conversation_get_unsent (conversation));
      quern_conversation_set_unsent (conversation, text);
    } else if (asked->attachments != NULL) {
      g_object_set_data_full (G_OBJECT (conversation), "draft-attachments", g_object_ref (asked->attachments),
                              g_object_unref);
    }
    return;
  }
  g_clear_pointer (&self->unsent, g_free);
  if (asked->kind == QUERN_ASK_EDIT) {
    quern_chat_page_save_draft (self);
    _quern_chat_page_set_editing (self, asked->message);
    quern_composer_set_text (self->composer, asked->text);
    quern_attachment_bar_set_model (bar, asked->attachments);
    return;
  }
  written = quern_composer_dup_text (self->composer);
  text = _quern_chat_page_join_texts (asked->text, written);
  since = quern_attachment_bar_dup_model (bar);
  both = g_list_store_new (QUERN_TYPE_ATTACHMENT);
  add_all (both, asked->attachments);
  add_all (both, since);
  quern_composer_set_text (self->composer, text);
  quern_attachment_bar_set_model (bar, G_LIST_MODEL (both));
  quern_chat_page_save_draft (self);
}

/* The question is in the conversation now, so it is removed from the draft. */
static void
committed_cb (QuernAsked *asked, guint position, guint removed, guint added)
{
  QuernConversation *conversation = quern_chat_session_get_conversation (asked->session);
  const char *draft = quern_conversation_get_unsent (conversation);

  if (added == 0)
    return;
  g_clear_signal_handler (&asked->committed_handler, quern_chat_session_get_messages (asked->session));
  if (asked->kind != QUERN_ASK_SEND)
    return;
  if (is_shown (asked)) {
    g_clear_pointer (&asked->page->unsent, g_free);
    quern_chat_page_save_draft (asked->page);
  } else if (draft != NULL && g_str_has_prefix (draft, asked->text)) {
    g_autofree char *rest = g_strchug (g_strdup (draft + strlen (asked->text)));
    quern_conversation_set_unsent (conversation, rest);
  }
}

/* ---- when it does not fit --------------------------------------------------------------------------------------- */

static void run (QuernAsked *asked);

static void
give_up (QuernAsked *asked, const GError *error)
{
  give_back (asked);
  if (error != NULL && is_shown (asked) && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    quern_chat_page_show_problem (asked->page, error->message);
  asked_free (asked);
}

/* The new conversation is open, with the question as its draft and no messages. */
static void
fresh_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;

  quern_chat_session_load_finish (QUERN_CHAT_SESSION (source), result, NULL);
  if (self->session == QUERN_CHAT_SESSION (source))
    gtk_widget_activate_action (GTK_WIDGET (self), "chat.send", NULL);
}

static void
open_fresh (QuernAsked *asked, QuernConversation *fresh)
{
  QuernChatPage *self = asked->page;
  QuernConversation *old = quern_chat_session_get_conversation (asked->session);
  GListModel *attachments;

  g_clear_pointer (&self->unsent, g_free);
  if (asked->kind == QUERN_ASK_SEND) /* the question moves to the new conversation */
    quern_conversation_set_unsent (old, "");
  quern_store_add_conversation (self->store, fresh);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-conversation", "x", quern_conversation_get_id (fresh));
  if (quern_chat_session_get_conversation (self->session) != fresh)
    return;
  quern_chat_session_get_refused_text (asked->session, &attachments);
  quern_attachment_bar_set_model (quern_composer_get_attachments (self->composer), attachments);
  quern_chat_session_load_async (self->session, NULL, fresh_loaded_cb, g_object_ref (self));
}

static void
summarised_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsked *asked = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernConversation)
      fresh = quern_chat_session_summarise_finish (QUERN_CHAT_SESSION (source), result, &error);

  if (is_shown (asked))
    _quern_chat_page_set_working (asked->page, NULL, NULL);
  if (fresh == NULL || !is_shown (asked)) {
    give_up (asked, error);
    return;
  }
  open_fresh (asked, fresh);
  asked_free (asked);
}

static void
chosen_cb (QuernOverflowChoice choice, const QuernOverflowPlan *plan, gpointer user_data)
{
  QuernAsked *asked = user_data;
  QuernConversation *conversation = quern_chat_session_get_conversation (asked->session);
  g_autoptr (GCancellable) cancellable = NULL;

  if (choice == QUERN_OVERFLOW_CANCEL || !is_shown (asked)) {
    give_up (asked, NULL);
    return;
  }
  if (choice == QUERN_OVERFLOW_SUMMARISE) {
    cancellable = g_cancellable_new ();
    _quern_chat_page_set_working (asked->page, _("Summarising the conversation…"), cancellable);
    quern_chat_session_summarise_async (asked->session, cancellable, summarised_cb, asked);
    return;
  }
  if (choice == QUERN_OVERFLOW_RAISE)
    quern_conversation_set_context_size (conversation, plan->raised);
  else
    quern_conversation_set_context_start (conversation, plan->start);
  run (asked);
}

static void
planned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsked *asked = user_data;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  QuernModel *model = asked->model != NULL ? asked->model : quern_chat_session_get_model (session);
  g_autoptr (GError) error = NULL;
  QuernOverflowPlan plan;

  if (!quern_chat_session_plan_overflow_finish (session, result, &plan, &error) || !is_shown (asked)
      || gtk_widget_get_root (GTK_WIDGET (asked->page)) == NULL || model == NULL)
    give_up (asked, error);
  else
    quern_overflow_dialog_present (GTK_WIDGET (asked->page), &plan, model, chosen_cb, asked);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsked *asked = user_data;
  QuernChatSession *session = QUERN_CHAT_SESSION (source);
  g_autoptr (GError) error = NULL;

  if (quern_chat_session_answer_finish (session, result, &error)) {
    asked_free (asked);
    return;
  }
  g_clear_signal_handler (&asked->committed_handler, quern_chat_session_get_messages (session));
  if (g_error_matches (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG) && is_shown (asked))
    quern_chat_session_plan_overflow_async (session, NULL, planned_cb, asked);
  else
    give_up (asked, error);
}

static void
run (QuernAsked *asked)
{
  asked->committed_handler = g_signal_connect_swapped (quern_chat_session_get_messages (asked->session),
                                                       "items-changed", G_CALLBACK (committed_cb), asked);
  switch (asked->kind) {
  case QUERN_ASK_SEND:
    quern_chat_session_send_async (asked->session, asked->text, asked->attachments, NULL, answered_cb, asked);
    break;
  case QUERN_ASK_EDIT:
    quern_chat_session_edit_async (asked->session, asked->message, asked->text, asked->attachments, NULL, answered_cb,
                                   asked);
    break;
  case QUERN_ASK_AGAIN:
    quern_chat_session_regenerate_async (asked->session, asked->message, asked->model, NULL, answered_cb, asked);
    break;
  case QUERN_ASK_CONTINUE:
    quern_chat_session_continue_async (asked->session, asked->message, NULL, answered_cb, asked);
    break;
  }
}

static QuernAsked *
asked_new (QuernChatPage *self, QuernAskKind kind, QuernMessage *message)
{
  QuernAsked *asked = g_new0 (QuernAsked, 1);

  asked->page = g_object_ref (self);
  asked->session = g_object_ref (self->session);
  asked->kind = kind;
  asked->message = message != NULL ? g_object_ref (message) : NULL;
  return asked;
}

static void
ensure_stored (QuernChatPage *self)
{
  QuernConversation *conversation = quern_chat_session_get_conversation (self->session);
  if (quern_store_get_conversation (self->store, quern_conversation_get_id (conversation)) == NULL)
    quern_store_add_conversation (self->store, conversation);
}

/* Asks the text of the composer, or `text`, with the attachments of the composer. */
void
_quern_chat_page_ask (QuernChatPage *self, const char *text)
{
  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);
  QuernAsked *asked = asked_new (self, self->editing != NULL ? QUERN_ASK_EDIT : QUERN_ASK_SEND, self->editing);

  asked->text = g_strdup (text);
  asked->attachments = quern_attachment_bar_dup_model (bar);
  ensure_stored (self);
  adw_banner_set_revealed (self->banner, FALSE);
  if (asked->kind == QUERN_ASK_EDIT) {
    _quern_chat_page_end_editing (self);
  } else {
    g_set_str (&self->unsent, text);
    quern_composer_set_text (self->composer, "");
    quern_attachment_bar_set_model (bar, NULL);
    quern_chat_page_save_draft (self);
  }
  run (asked);
  quern_transcript_scroll_to_end (self->transcript);
}

/* Regenerates an answer or continues it. */
void
_quern_chat_page_ask_again (QuernChatPage *self, QuernAskKind kind, QuernMessage *message, QuernModel *model)
{
  QuernAsked *asked = asked_new (self, kind, message);

  asked->model = model != NULL ? g_object_ref (model) : NULL;
  adw_banner_set_revealed (self->banner, FALSE);
  run (asked);
}

gboolean
_quern_chat_page_is_ready (QuernChatPage *self)
{
  return self->session != NULL && quern_chat_session_get_state (self->session) == QUERN_SESSION_IDLE
         && self->working == NULL && quern_chat_session_get_model (self->session) != NULL;
}
