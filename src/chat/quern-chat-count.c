/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* Counts the tokens of the next prompt with the model's own tokenizer. The count is asked for after nearly every key
 * press, so the parts that do not change while people type are counted once. The template puts special tokens around
 * every message, and no token crosses them, so the sum of the parts is exact. */

/* ---- one prompt ------------------------------------------------------------------------------------------------ */

typedef struct {
  QuernModel *model; /* NULL: none was chosen */
  gboolean thinking;
  QuernMessage *begun; /* or NULL */
} Count;

static void
count_free (gpointer data)
{
  Count *count = data;

  g_clear_object (&count->model);
  g_clear_object (&count->begun);
  g_free (count);
}

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gssize count = quern_backend_count_finish (QUERN_BACKEND (source), result, &error);

  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, count);
}

static void
built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  const Count *count = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (QuernRequest) request = quern_prompt_build_finish (result, &error);

  if (request && !count->model)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, _("Choose a model first."));
  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  quern_request_set_thinking (request, count->thinking);
  quern_request_set_effort (request,
                            quern_effort_for_model (count->model, quern_conversation_get_effort (self->conversation)));
  if (count->begun)
    quern_request_set_beginning (request, quern_message_get_reasoning (count->begun),
                                 quern_message_get_content (count->begun));
  quern_backend_count_async (self->backend, count->model, request, g_task_get_cancellable (task), counted_cb, task);
}

/* Takes ownership of @prompt. @begun is an answer to continue, or NULL. */
void
_quern_chat_session_count_async (QuernChatSession *self, QuernModel *model, QuernPrompt *prompt, gboolean thinking,
                                 QuernMessage *begun, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Count *count = g_new (Count, 1);

  *count = (Count) { model ? g_object_ref (model) : NULL, thinking, begun ? g_object_ref (begun) : NULL };
  g_task_set_task_data (task, count, count_free);
  quern_prompt_build_async (prompt, cancellable, built_cb, task);
}

/* Returns -1 and sets @error on failure. */
gssize
_quern_chat_session_count_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

/* ---- the next one, in parts ------------------------------------------------------------------------------------ */

/* The steps of a count, each with one part more: a turn without text, the system prompt, all messages, the draft's
 * attachments, the draft's text. */
enum { EMPTY, SYSTEM, HISTORY, ATTACHMENTS, DRAFT, N_STEPS };

struct _QuernCountCache {
  guint64 history_key, attachments_key;
  gssize tokens[N_STEPS];
};

typedef struct {
  struct _QuernCountCache cache;
  QuernPrompt *prompts[N_STEPS]; /* NULL if the step is known already */
  QuernModel *model;
  gboolean thinking;
  guint step;
} Counting;

void
_quern_count_cache_free (struct _QuernCountCache *cache)
{
  g_free (cache);
}

static void
counting_free (gpointer data)
{
  Counting *counting = data;

  for (guint i = 0; i < N_STEPS; i++)
    g_clear_pointer (&counting->prompts[i], quern_prompt_free);
  g_clear_object (&counting->model);
  g_free (counting);
}

static guint64
mix (guint64 hash, guint64 value)
{
  return (hash ^ value) * 1099511628211u; /* FNV-1a */
}

/* The key changes whenever the tokens of the history may change. */
static guint64
history_key (QuernChatSession *self, guint first, guint n)
{
  const char *system_prompt = quern_conversation_get_system_prompt (self->conversation);
  const char *effort = quern_chat_session_get_effort (self);
  guint64 key = mix (14695981039346656037u, (gsize) self->model);

  key = mix (key, quern_chat_session_get_thinking (self));
  key = mix (key, effort ? g_str_hash (effort) : 1);
  key = mix (key, system_prompt ? g_str_hash (system_prompt) : 1);
  for (guint i = first; i < n; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    key = mix (mix (key, quern_message_get_id (message)), quern_message_get_content_length (message));
  }
  return key;
}

static guint64
attachments_key (QuernChatSession *self, GListModel *attachments)
{
  guint64 key = mix (14695981039346656037u, (gsize) self->model);

  for (guint i = 0; attachments && i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    key = mix (key, g_str_hash (quern_attachment_get_hash (attachment)));
  }
  return key;
}

static QuernPrompt *
make_prompt (QuernChatSession *self, guint step, guint first, guint n, const char *draft, GListModel *attachments)
{
  const char *system_prompt = quern_conversation_get_system_prompt (self->conversation);
  QuernPrompt *prompt = _quern_chat_session_prompt_range (self,
                                                          step == SYSTEM || step == HISTORY ? system_prompt : NULL,
                                                          first, step == HISTORY ? n : first);

  quern_prompt_add_text (prompt, QUERN_ROLE_USER, step == DRAFT ? draft : "", step == ATTACHMENTS ? attachments : NULL);
  return prompt;
}

static void
return_sum (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Counting *counting = g_task_get_task_data (task);
  const gssize *tokens = counting->cache.tokens;
  QuernTokenCount *count = g_new (QuernTokenCount, 1);

  *count = (QuernTokenCount) {
    .instructions = (guint) (tokens[SYSTEM] - tokens[EMPTY]),
    .history = (guint) (tokens[HISTORY] - tokens[SYSTEM]),
    .attachments = (guint) (tokens[ATTACHMENTS] - tokens[EMPTY]),
    .draft = (guint) tokens[DRAFT],
    .context_size = _quern_chat_session_context_size (self, counting->model),
  };
  count->total = count->instructions + count->history + count->attachments + count->draft;
  count->fits = count->total + _quern_answer_room_least (count->context_size) < count->context_size;
  g_clear_pointer (&self->counted, _quern_count_cache_free);
  self->counted = g_memdup2 (&counting->cache, sizeof counting->cache);
  g_task_return_pointer (task, count, g_free);
  g_object_unref (task);
}

static void next_step (GTask *task);

static void
step_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Counting *counting = g_task_get_task_data (task);
  GError *error = NULL;
  gssize tokens = _quern_chat_session_count_finish (QUERN_CHAT_SESSION (source), result, &error);

  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  counting->cache.tokens[counting->step] = tokens;
  counting->step++;
  next_step (task);
}

static void
next_step (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Counting *counting = g_task_get_task_data (task);

  while (counting->step < N_STEPS && !counting->prompts[counting->step])
    counting->step++;
  if (counting->step == N_STEPS)
    return_sum (task);
  else
    _quern_chat_session_count_async (self, counting->model, g_steal_pointer (&counting->prompts[counting->step]),
                                     counting->thinking, NULL, g_task_get_cancellable (task), step_counted_cb, task);
}

/**
 * quern_chat_session_count_tokens_async:
 * @draft: what would be sent
 * @attachments: (nullable): what would be sent with it
 *
 * Counts the whole next prompt with the model's own tokenizer.
 */
void
quern_chat_session_count_tokens_async (QuernChatSession *self, const char *draft, GListModel *attachments,
                                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  guint first = _quern_chat_session_start (self, n);
  Counting *counting = g_new0 (Counting, 1);
  gboolean same_history, same_attachments;

  if (self->counted)
    counting->cache = *self->counted;
  counting->model = self->model ? g_object_ref (self->model) : NULL;
  counting->thinking = quern_chat_session_get_thinking (self);
  same_history = counting->cache.history_key == history_key (self, first, n);
  same_attachments = same_history && counting->cache.attachments_key == attachments_key (self, attachments);
  counting->cache.history_key = history_key (self, first, n);
  counting->cache.attachments_key = attachments_key (self, attachments);
  for (guint step = same_history ? ATTACHMENTS : EMPTY; step < N_STEPS; step++)
    if (step != ATTACHMENTS || !same_attachments)
      counting->prompts[step] = make_prompt (self, step, first, n, draft, attachments);
  g_task_set_task_data (task, counting, counting_free);
  next_step (task);
}

gboolean
quern_chat_session_count_tokens_finish (QuernChatSession *self, GAsyncResult *result, QuernTokenCount *count,
                                        GError **error)
{
  g_autofree QuernTokenCount *counted = g_task_propagate_pointer (G_TASK (result), error);

  if (!counted)
    return FALSE;
  *count = *counted;
  return TRUE;
}
