/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-continue.h"

#include <glib/gi18n.h>

static QuernMessageState
to_message_state (QuernCompareState state)
{
  switch (state) {
  case QUERN_COMPARE_DONE: return QUERN_MESSAGE_COMPLETE;
  case QUERN_COMPARE_CUT: return QUERN_MESSAGE_LENGTH;
  case QUERN_COMPARE_FAILED: return QUERN_MESSAGE_FAILED;
  default: return QUERN_MESSAGE_STOPPED;
  }
}

/**
 * quern_compare_continue:
 * @column: of @comparison; with answers, and none of them running
 *
 * Makes a conversation of what one column was asked and said.
 *
 * Returns: (transfer full): it, in the store
 */
QuernConversation *
quern_compare_continue (QuernStore *store, QuernComparison *comparison, QuernCompareColumn *column)
{
  QuernConversation *conversation = quern_conversation_new ();
  const QuernModelFacts *facts = quern_compare_column_get_facts (column);
  g_autoptr (QuernMessage) parent = NULL;

  quern_conversation_set_title (conversation, quern_comparison_get_title (comparison), FALSE);
  quern_conversation_set_model_id (conversation, facts->id);
  quern_conversation_set_thinking (conversation, quern_compare_column_get_thinking (column));
  quern_store_add_conversation (store, conversation);
  for (guint turn = 0; turn < quern_comparison_get_n_turns (comparison); turn++) {
    QuernCompareAnswer *given = quern_compare_column_get_answer (column, turn);
    GListModel *pictures = quern_comparison_get_pictures (comparison, turn);
    g_autoptr (QuernMessage) question = NULL, answer = NULL;
    if (quern_compare_answer_get_state (given) == QUERN_COMPARE_NOT_ASKED)
      continue;
    question = quern_message_new (QUERN_ROLE_USER, quern_comparison_get_prompt (comparison, turn));
    for (guint i = 0; pictures != NULL && i < g_list_model_get_n_items (pictures); i++) {
      g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, i);
      g_autoptr (QuernAttachment)
          attachment = quern_attachment_new (_("Picture"), quern_picture_get_mime_type (picture),
                                             quern_picture_get_source (picture));
      quern_message_add_attachment (question, attachment);
    }
    answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
    quern_message_set_text (answer, quern_compare_answer_get_answer (given),
                            quern_compare_answer_get_reasoning (given));
    quern_message_set_model (answer, facts->id, facts->title);
    quern_message_set_statistics (answer, quern_compare_answer_get_statistics (given));
    quern_message_set_state (answer, to_message_state (quern_compare_answer_get_state (given)),
                             quern_compare_answer_get_failure (given));
    quern_store_append_message (store, conversation, parent, question);
    quern_store_append_message (store, conversation, question, answer);
    g_set_object (&parent, answer);
  }
  return conversation;
}
