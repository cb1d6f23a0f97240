/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* Makes a conversation that begins as another one did. */

/* Copies the settings of the conversation, but not its title and messages. */
void
_quern_chat_session_copy_settings (QuernChatSession *self, QuernConversation *to)
{
  QuernConversation *from = self->conversation;

  quern_conversation_set_model_id (to, quern_conversation_get_model_id (from));
  quern_conversation_set_thinking (to, quern_conversation_get_thinking (from));
  quern_conversation_set_effort (to, quern_conversation_get_effort (from));
  quern_conversation_set_sampling (to, quern_conversation_get_sampling (from));
  quern_conversation_set_context_size (to, quern_conversation_get_context_size (from));
  quern_conversation_set_folder_id (to, quern_conversation_get_folder_id (from));
  quern_conversation_set_system_prompt (to, quern_conversation_get_system_prompt (from));
}

/**
 * quern_chat_session_branch:
 * @message: one of the messages; not one that is being written
 *
 * Makes a new conversation with the same settings of everything up to @message; this one stays as it is.
 *
 * Returns: (transfer full): it, in the store
 */
QuernConversation *
quern_chat_session_branch (QuernChatSession *self, QuernMessage *message)
{
  QuernConversation *conversation = quern_conversation_new ();
  g_autofree char *title = _quern_chat_title_of_branch (quern_conversation_get_title (self->conversation));
  guint end = _quern_chat_session_find (self, message) + 1;
  gint64 start = quern_conversation_get_context_start (self->conversation);
  g_autoptr (QuernMessage) parent = NULL;

  quern_conversation_set_title (conversation, title, FALSE);
  _quern_chat_session_copy_settings (self, conversation);
  quern_store_add_conversation (self->store, conversation);
  for (guint i = 0; i < end && i < g_list_model_get_n_items (G_LIST_MODEL (self->messages)); i++) {
    g_autoptr (QuernMessage) original = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    g_autoptr (QuernMessage) copy = quern_message_new (quern_message_get_role (original), "");
    GListModel *attachments = quern_message_get_attachments (original);
    QuernMessageState state = quern_message_get_state (original);

    quern_message_set_text (copy, quern_message_get_content (original), quern_message_get_reasoning (original));
    quern_message_set_ids (copy, 0, 0, quern_message_get_created (original));
    quern_message_set_state (copy, state == QUERN_MESSAGE_STREAMING ? QUERN_MESSAGE_STOPPED : state,
                             quern_message_get_failure (original));
    quern_message_set_model (copy, quern_message_get_model_id (original), quern_message_get_model_title (original));
    quern_message_set_thinking (copy, quern_message_get_thinking (original));
    quern_message_set_effort (copy, quern_message_get_effort (original));
    quern_message_set_statistics (copy, quern_message_get_statistics (original));
    quern_message_set_siblings (copy, 0, 1);
    for (guint j = 0; j < g_list_model_get_n_items (attachments); j++) {
      g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, j);
      quern_message_add_attachment (copy, attachment);
    }
    quern_store_append_message (self->store, conversation, parent, copy);
    if (start != 0 && quern_message_get_id (original) == start)
      quern_conversation_set_context_start (conversation, quern_message_get_id (copy));
    g_set_object (&parent, copy);
  }
  return conversation;
}

/**
 * quern_chat_session_revise:
 * @answer: an answer of the conversation
 * @text: what it is to say
 *
 * Adds another version of it, which is marked as edited, and from which the conversation goes on. What followed stays with
 * the old version. Does nothing while an answer is made.
 */
void
quern_chat_session_revise (QuernChatSession *self, QuernMessage *answer, const char *text)
{
  GListModel *list = G_LIST_MODEL (self->messages);
  guint n = g_list_model_get_n_items (list), position = _quern_chat_session_find (self, answer);
  guint n_siblings = quern_message_get_sibling_count (answer);
  g_autoptr (QuernMessage) parent = position > 0 ? g_list_model_get_item (list, position - 1) : NULL;
  g_autoptr (QuernMessage) revised = NULL;
  g_autofree char *valid = g_utf8_make_valid (text, -1), *title = NULL;
  gpointer items[1];

  if (self->asking || position == n)
    return;
  revised = quern_message_new (QUERN_ROLE_ASSISTANT, valid);
  quern_message_set_text (revised, valid, quern_message_get_reasoning (answer));
  quern_message_set_thinking (revised, quern_message_get_thinking (answer));
  quern_message_set_effort (revised, quern_message_get_effort (answer));
  /* Translators: the model of an answer that a person changed */
  title = quern_message_get_model_title (answer)
              ? g_strdup_printf (_("%s · edited"), quern_message_get_model_title (answer))
              : g_strdup (_("Edited"));
  quern_message_set_model (revised, quern_message_get_model_id (answer), title);
  quern_message_set_state (revised, QUERN_MESSAGE_COMPLETE, NULL);
  quern_message_set_siblings (revised, n_siblings, n_siblings + 1);
  quern_store_append_message (self->store, self->conversation, parent, revised);
  items[0] = revised;
  g_list_store_splice (self->messages, position, n - position, items, 1);
}
