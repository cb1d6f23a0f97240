/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-session-private.h"

/* What was typed is never lost. A session always has a new question that can be written, and it may have the edit of
 * another one. The text of the new question is saved with the conversation soon after each key press. A question that is
 * asked makes room for the next one, but its text stays on the disk until it is committed. If it cannot be asked, it goes
 * back to where it was written, before anything that was written since. */

#define SAVE_DELAY 500 /* ms after the last key press */

static char *
join_texts (const char *first, const char *second)
{
  return g_strconcat (first, *first && *second ? "\n\n" : "", second, NULL);
}

/* Returns whether a conversation that is in the store has nothing that anybody would miss. */
static gboolean
is_empty (QuernChatSession *self)
{
  QuernConversation *c = self->conversation;
  gint64 id = quern_conversation_get_id (c);

  return self->is_blank && !self->asked && g_list_model_get_n_items (G_LIST_MODEL (self->written->attachments)) == 0
         && id != 0 && quern_store_get_conversation (self->store, id) == c && *quern_conversation_get_title (c) == '\0'
         && !quern_conversation_get_system_prompt (c) && !quern_conversation_get_pinned (c)
         && quern_conversation_get_folder_id (c) == 0;
}

static gboolean
unsent_save_cb (gpointer data)
{
  QuernChatSession *self = data;

  self->unsent_source = 0;
  quern_chat_session_save_unsent (self);
  return G_SOURCE_REMOVE;
}

static void
text_changed_cb (QuernChatSession *self)
{
  g_clear_handle_id (&self->unsent_source, g_source_remove);
  self->unsent_source = g_timeout_add (SAVE_DELAY, unsent_save_cb, self);
}

static void
renew_written (QuernChatSession *self, const char *text)
{
  g_clear_object (&self->written);
  self->written = _quern_question_new (QUERN_QUESTION_NEW, NULL, NULL);
  quern_question_set_text (self->written, text);
  g_signal_connect_object (self->written, "notify::text", G_CALLBACK (text_changed_cb), self, G_CONNECT_SWAPPED);
}

/* Puts a question before what is written in the next one. */
static void
prepend_to_written (QuernChatSession *self, QuernQuestion *question)
{
  g_autofree char *text = join_texts (question->text, self->written->text);

  _quern_question_prepend_attachments (self->written, G_LIST_MODEL (question->attachments));
  quern_question_set_text (self->written, text);
}

/* Begins with what was written when the conversation was in use before. */
void
_quern_chat_session_open_unsent (QuernChatSession *self)
{
  renew_written (self, quern_conversation_get_unsent (self->conversation));
}

/* Saves everything. The text of an edit that nobody finished becomes part of the next question; that of a question about
 * which nobody decided is on the disk since it was asked. */
void
_quern_chat_session_close_unsent (QuernChatSession *self)
{
  if (!self->written)
    return;
  if (self->edit && !g_str_equal (self->edit->text, quern_message_get_content (self->edit->message)))
    prepend_to_written (self, self->edit);
  if (self->unsent_source)
    quern_chat_session_save_unsent (self);
  g_clear_object (&self->asked);
  g_clear_object (&self->edit);
  g_clear_object (&self->written);
}

/* A question begins to be asked: the session has another one to write. */
void
_quern_chat_session_take_question (QuernChatSession *self, QuernQuestion *question)
{
  g_autoptr (QuernQuestion) taken = g_object_ref (question);

  self->is_blank = FALSE;
  if (question == self->written)
    renew_written (self, NULL);
  else if (question == self->edit)
    g_clear_object (&self->edit);
  if (question != self->asked)
    quern_chat_session_withdraw (self); /* nobody decided about that one */
  g_set_object (&self->asked, question);
  _quern_question_set_state (question, QUERN_QUESTION_ASKED);
  quern_chat_session_save_unsent (self);
  quern_store_add_conversation (self->store, self->conversation);
  _quern_chat_session_notify_question (self);
}

/* The question that was asked is part of the conversation now. */
void
_quern_chat_session_commit_question (QuernChatSession *self)
{
  g_autoptr (QuernQuestion) question = g_steal_pointer (&self->asked);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (question->attachments)); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (question->attachments), i);
    quern_attachment_set_source (attachment, NULL); /* nobody chooses pages of it any more */
  }
  quern_chat_session_save_unsent (self);
  _quern_question_set_state (question, QUERN_QUESTION_COMMITTED);
}

/**
 * quern_chat_session_get_question:
 *
 * Returns: (transfer none): the question that is being written: the edit of one, or else a new one
 */
QuernQuestion *
quern_chat_session_get_question (QuernChatSession *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_SESSION (self), NULL);
  return self->edit ? self->edit : self->written;
}

/**
 * quern_chat_session_edit:
 * @message: a question of the conversation
 *
 * Lets it be written anew. What was being written stays for later.
 */
void
quern_chat_session_edit (QuernChatSession *self, QuernMessage *message)
{
  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));
  g_return_if_fail (QUERN_IS_MESSAGE (message));

  g_clear_object (&self->edit);
  self->edit = _quern_question_new (QUERN_QUESTION_EDIT, message, NULL);
  quern_question_set_text (self->edit, quern_message_get_content (message));
  _quern_question_prepend_attachments (self->edit, quern_message_get_attachments (message));
  _quern_chat_session_notify_question (self);
}

/**
 * quern_chat_session_cancel_edit:
 *
 * Returns to the new question that was being written before quern_chat_session_edit().
 */
void
quern_chat_session_cancel_edit (QuernChatSession *self)
{
  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));

  if (!self->edit)
    return;
  g_clear_object (&self->edit);
  _quern_chat_session_notify_question (self);
}

/**
 * quern_chat_session_get_refused:
 *
 * Returns: (transfer none) (nullable): the question that does not fit the context, until it is asked again, withdrawn or
 *   moved
 */
QuernQuestion *
quern_chat_session_get_refused (QuernChatSession *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_SESSION (self), NULL);
  return self->asking ? NULL : self->asked;
}

/**
 * quern_chat_session_withdraw:
 *
 * Gives a question that does not fit back to be written: a new one before what was written since, an edit as it was. The
 * session does so by itself if asking fails for another reason. Without such a question it does nothing.
 */
void
quern_chat_session_withdraw (QuernChatSession *self)
{
  g_autoptr (QuernQuestion) question = NULL;

  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));

  if (!self->asked || self->asking)
    return;
  question = g_steal_pointer (&self->asked);
  if (_quern_question_is_written (question)) {
    g_clear_pointer (&question->request, quern_request_unref);
    g_clear_object (&question->model);
    _quern_question_set_state (question, QUERN_QUESTION_WRITING);
    if (question->kind == QUERN_QUESTION_EDIT && !self->edit)
      self->edit = g_object_ref (question);
    else
      prepend_to_written (self, question);
  }
  quern_chat_session_save_unsent (self);
  _quern_chat_session_notify_question (self);
}

/**
 * quern_chat_session_move_refused:
 * @to: a session of the conversation that quern_chat_session_summarise_finish() returned
 *
 * Moves the question that does not fit to the other conversation, as its next question.
 */
void
quern_chat_session_move_refused (QuernChatSession *self, QuernChatSession *to)
{
  g_autoptr (QuernQuestion) question = NULL;

  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));
  g_return_if_fail (QUERN_IS_CHAT_SESSION (to));

  if (!quern_chat_session_get_refused (self))
    return;
  question = g_steal_pointer (&self->asked);
  quern_question_set_text (to->written, question->text);
  _quern_question_prepend_attachments (to->written, G_LIST_MODEL (question->attachments));
  quern_chat_session_save_unsent (to);
  quern_chat_session_save_unsent (self);
}

/**
 * quern_chat_session_holds_unsent:
 *
 * Returns: whether something that was written is in the memory alone: attachments, an edit, or a question that is asked
 */
gboolean
quern_chat_session_holds_unsent (QuernChatSession *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_SESSION (self), FALSE);
  return self->edit || self->asked || g_list_model_get_n_items (G_LIST_MODEL (self->written->attachments)) > 0;
}

/**
 * quern_chat_session_save_unsent:
 *
 * Saves now what is not part of the conversation yet. A new conversation is added to the store once something is written, and
 * leaves it again when that is erased.
 */
void
quern_chat_session_save_unsent (QuernChatSession *self)
{
  const char *asked;
  g_autofree char *text = NULL;

  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));

  g_clear_handle_id (&self->unsent_source, g_source_remove);
  asked = self->asked && _quern_question_is_written (self->asked) ? self->asked->text : "";
  text = join_texts (asked, self->written->text);
  quern_conversation_set_unsent (self->conversation, *text ? text : NULL);
  if (*text)
    quern_store_add_conversation (self->store, self->conversation);
  else if (is_empty (self))
    quern_store_withdraw_conversation (self->store, self->conversation);
}
