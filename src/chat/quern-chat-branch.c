/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* Makes a conversation that begins as another one did. */

static QuernMessage *
copy_message (QuernMessage *message)
{
  QuernMessage *copy = quern_message_new (quern_message_get_role (message), "");
  GListModel *attachments = quern_message_get_attachments (message);
  QuernMessageState state = quern_message_get_state (message);

  quern_message_set_text (copy, quern_message_get_content (message), quern_message_get_reasoning (message));
  quern_message_set_ids (copy, 0, 0, quern_message_get_created (message));
  quern_message_set_state (copy, state == QUERN_MESSAGE_STREAMING ? QUERN_MESSAGE_STOPPED : state,
                           quern_message_get_failure (message));
  quern_message_set_model (copy, quern_message_get_model_id (message), quern_message_get_model_title (message));
  quern_message_set_thinking (copy, quern_message_get_thinking (message));
  quern_message_set_effort (copy, quern_message_get_effort (message));
  quern_message_set_statistics (copy, quern_message_get_statistics (message));
  quern_message_set_siblings (copy, 0, 1);
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    quern_message_add_attachment (copy, attachment);
  }
  return copy;
}

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

/* Marks the title as a branch, so that it differs from the original's. A title has the mark only once. */
static char *
make_title (const char *original)
{
  /* Translators: title of a conversation that begins as another one (%s) did */
  g_autofree char *mark = g_strdup_printf (_("%s (branch)"), "");

  return g_str_has_suffix (original, mark) ? g_strdup (original) : g_strdup_printf (_("%s (branch)"), original);
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
  g_autofree char *title = make_title (quern_conversation_get_title (self->conversation));
  guint end = _quern_chat_session_find (self, message) + 1;
  gint64 start = quern_conversation_get_context_start (self->conversation);
  g_autoptr (QuernMessage) parent = NULL;

  quern_conversation_set_title (conversation, title, FALSE);
  _quern_chat_session_copy_settings (self, conversation);
  quern_store_add_conversation (self->store, conversation);
  for (guint i = 0; i < end && i < g_list_model_get_n_items (G_LIST_MODEL (self->messages)); i++) {
    g_autoptr (QuernMessage) original = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    g_autoptr (QuernMessage) copy = copy_message (original);
    quern_store_append_message (self->store, conversation, parent, copy);
    if (start != 0 && quern_message_get_id (original) == start)
      quern_conversation_set_context_start (conversation, quern_message_get_id (copy));
    g_set_object (&parent, copy);
  }
  return conversation;
}
