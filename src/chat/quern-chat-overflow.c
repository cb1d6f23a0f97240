/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* What can be done when the next prompt does not fit the context: raise the context, leave out the oldest turns, or begin
 * a new conversation with a summary of this one. Nothing of it happens by itself. */

#define SUMMARY_TOKENS 512
/* Room for the answer that a smaller prompt should leave. */
#define ANSWER_ROOM(size) MIN ((size) / 4, 1024u)

/**
 * quern_chat_session_propose_context:
 * @needed: tokens of the prompt that does not fit
 * @bytes: (out): memory that a context of that size takes more than the one of now
 *
 * Returns: a context size that holds @needed tokens and an answer; 0 when neither model nor memory allow one
 */
guint
quern_chat_session_propose_context (QuernChatSession *self, guint needed, guint64 *bytes)
{
  QeMemoryPlan now, then;
  QuernLoadParams params;
  guint wanted, largest;

  if (!self->model)
    return 0;
  _quern_chat_session_load_params (self, &params);
  largest = quern_engine_largest_context (self->engine, self->model, params.kv_type);
  largest = MIN (largest, quern_model_get_info (self->model)->n_ctx_train);
  wanted = MIN ((needed + MAX (needed / 4, 1024u) + 1023) / 1024 * 1024, largest);
  if (wanted <= needed || wanted <= _quern_chat_session_context_size (self))
    return 0;
  quern_model_plan (self->model, _quern_chat_session_context_size (self), params.kv_type, &now);
  quern_model_plan (self->model, wanted, params.kv_type, &then);
  *bytes = then.total > now.total ? then.total - now.total : 0;
  return wanted;
}

/* ---- leaving out the oldest turns ------------------------------------------------------------------------------ */

typedef struct {
  char *draft;
  GListModel *attachments; /* or NULL */
  GArray *questions;       /* positions (guint) of the questions that the prompt may begin with; the last: none */
  guint low, high;         /* in questions: the answer lies in [low, high]; high is known to fit, or is the last */
  guint middle;            /* being counted */
} Drop;

static void
drop_free (gpointer data)
{
  Drop *drop = data;

  g_free (drop->draft);
  g_clear_object (&drop->attachments);
  g_array_unref (drop->questions);
  g_free (drop);
}

static void count_middle (GTask *task);

static void
drop_done (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  const Drop *drop = g_task_get_task_data (task);
  guint position = g_array_index (drop->questions, guint, drop->high);
  g_autoptr (QuernMessage) first = g_list_model_get_item (G_LIST_MODEL (self->messages), position);

  quern_conversation_set_context_start (self->conversation, quern_message_get_id (first));
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
middle_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  Drop *drop = g_task_get_task_data (task);
  guint size = _quern_chat_session_context_size (self);
  GError *error = NULL;
  gssize total = quern_engine_count_finish (QUERN_ENGINE (source), result, &error);
  gboolean fits = total >= 0 && (guint) total + ANSWER_ROOM (size) <= size;

  if (!error && !fits && drop->middle + 1 == drop->questions->len)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                 _("Even without the older messages this would not fit. Shorten it, or raise the context."));
  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  if (fits)
    drop->high = drop->middle;
  else
    drop->low = drop->middle + 1;
  if (drop->low < drop->high || !fits)
    count_middle (task);
  else
    drop_done (task);
}

static void
middle_built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (QuernRequest) request = quern_prompt_build_finish (result, &error);

  if (request && !self->model)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, _("Choose a model first."));
  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  quern_request_set_thinking (request, quern_chat_session_get_thinking (self));
  quern_engine_count_async (self->engine, self->model, request, g_task_get_cancellable (task), middle_counted_cb, task);
}

/* Counts the prompt that begins with the question in the middle of what is left to look at. */
static void
count_middle (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Drop *drop = g_task_get_task_data (task);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  QuernPrompt *prompt;

  drop->middle = (drop->low + drop->high) / 2;
  prompt = _quern_chat_session_prompt_range (self, g_array_index (drop->questions, guint, drop->middle), n);
  quern_prompt_add_text (prompt, QUERN_ROLE_USER, drop->draft, drop->attachments);
  quern_prompt_build_async (prompt, g_task_get_cancellable (task), middle_built_cb, task);
}

/**
 * quern_chat_session_drop_oldest_async:
 * @draft: what would be sent
 * @attachments: (nullable): what would be sent with it
 *
 * Leaves as few of the oldest turns as possible out of what is sent from now on, so that the draft fits and leaves room
 * for an answer. The conversation keeps them and remembers where it begins: quern_conversation_get_context_start(). The
 * system prompt always stays.
 */
void
quern_chat_session_drop_oldest_async (QuernChatSession *self, const char *draft, GListModel *attachments,
                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  Drop *drop = g_new0 (Drop, 1);

  drop->draft = g_strdup (draft);
  drop->attachments = attachments ? g_object_ref (attachments) : NULL;
  drop->questions = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = _quern_chat_session_start (self, n) + 1; i < n; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    if (quern_message_get_role (message) == QUERN_ROLE_USER)
      g_array_append_val (drop->questions, i);
  }
  g_task_set_task_data (task, drop, drop_free);
  if (drop->questions->len == 0) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                             _("There are no older messages to leave out. Shorten it, or raise the context."));
    g_object_unref (task);
    return;
  }
  drop->high = drop->questions->len - 1;
  count_middle (task);
}

gboolean
quern_chat_session_drop_oldest_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- a new conversation with a summary ------------------------------------------------------------------------- */

static void
summarised_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  QuernConversation *old = self->conversation, *fresh;
  const char *prompt = quern_conversation_get_system_prompt (old);
  g_autofree char *text = NULL, *whole = NULL;
  GError *error = NULL;

  text = _quern_chat_session_complete_finish (self, result, &error);
  if (!text) {
    g_task_return_error (task, error);
    return;
  }
  whole = g_strdup_printf (_("%s%sSummary of the conversation so far:\n%s"), prompt ? prompt : "",
                           prompt && *prompt ? "\n\n" : "", text);
  fresh = quern_conversation_new ();
  quern_conversation_set_title (fresh, quern_conversation_get_title (old), FALSE);
  quern_conversation_set_model_id (fresh, quern_conversation_get_model_id (old));
  quern_conversation_set_thinking (fresh, quern_conversation_get_thinking (old));
  quern_conversation_set_sampling (fresh, quern_conversation_get_sampling (old));
  quern_conversation_set_context_size (fresh, quern_conversation_get_context_size (old));
  quern_conversation_set_folder_id (fresh, quern_conversation_get_folder_id (old));
  quern_conversation_set_draft (fresh, quern_conversation_get_draft (old));
  quern_conversation_set_system_prompt (fresh, whole);
  g_task_return_pointer (task, fresh, g_object_unref);
}

/**
 * quern_chat_session_summarise_async:
 *
 * Lets the model sum up what is sent of this conversation, without thinking.
 */
void
quern_chat_session_summarise_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  _quern_chat_session_complete_async (
      self, _("Summarise our conversation so far in a few sentences, with every fact that is needed to go on."),
      SUMMARY_TOKENS, cancellable, summarised_cb, task);
}

/**
 * quern_chat_session_summarise_finish:
 *
 * Returns: (transfer full) (nullable): a new conversation with the same settings and draft, whose system prompt holds
 *   the summary; not in the store yet
 */
QuernConversation *
quern_chat_session_summarise_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
