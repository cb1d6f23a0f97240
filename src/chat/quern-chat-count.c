/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"
#include "quern-document.h"

/* Counts the tokens of the next prompt with the model's own tokenizer. The count is asked for after nearly every key
 * press, so the parts that do not change while people type are counted once. The template puts special tokens around
 * every message, and no token crosses them, so the sum of the parts is exact. For a model on a server it is an estimate,
 * because what is being written must not leave this computer; when it is sent, the server counts. */

/* The steps of a count, each a request with one part more than the first: an empty question, the system prompt, all
 * messages, the question's attachments, the question's text. */
enum { EMPTY, SYSTEM, HISTORY, ATTACHMENTS, TEXT, N_STEPS };

struct _QuernCountCache {
  guint64 history_key, attachments_key;
  gssize tokens[N_STEPS];
  gboolean estimated[N_STEPS];
};

typedef struct {
  struct _QuernCountCache cache;
  QuernExcerpt *excerpts[N_STEPS]; /* NULL if the step is known already */
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
    g_clear_pointer (&counting->excerpts[i], quern_excerpt_free);
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
attachments_key (QuernChatSession *self, QuernQuestion *question)
{
  GListModel *attachments = G_LIST_MODEL (question->attachments);
  guint64 key = mix (14695981039346656037u, (gsize) self->model);

  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_autofree char *pages = quern_document_dup_title ("", quern_attachment_get_mime (attachment));
    key = mix (mix (key, g_str_hash (quern_attachment_get_hash (attachment))), g_str_hash (pages));
  }
  return key;
}

static void count_next (GTask *task);

static void
counting_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Counting *counting = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean estimated;
  gssize tokens = quern_backend_count_finish (QUERN_BACKEND (source), result, &estimated, &error);

  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  counting->cache.estimated[counting->step] = estimated;
  counting->cache.tokens[counting->step++] = tokens;
  count_next (task);
}

static void
counting_request_built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  const Counting *counting = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (QuernRequest) request = quern_excerpt_build_finish (result, &error);

  if (!request) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  quern_request_set_unsent (request, TRUE);
  quern_request_set_thinking (request, counting->thinking);
  quern_request_set_effort (request, quern_effort_for_model (counting->model,
                                                             quern_conversation_get_effort (self->conversation)));
  quern_backend_count_async (self->backend, counting->model, request, g_task_get_cancellable (task),
                             counting_counted_cb, task);
}

/* Estimates and counts may come one after the other, so that more text seems to be less. */
static guint
difference (gssize more, gssize less)
{
  return (guint) MAX (0, more - less);
}

/* Counts the next step that is not known, or returns the sum. */
static void
count_next (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Counting *counting = g_task_get_task_data (task);
  const gssize *tokens = counting->cache.tokens;
  QuernTokenCount *count;

  while (counting->step < N_STEPS && !counting->excerpts[counting->step])
    counting->step++;
  if (counting->step < N_STEPS) {
    quern_excerpt_build_async (g_steal_pointer (&counting->excerpts[counting->step]), g_task_get_cancellable (task),
                               counting_request_built_cb, task);
    return;
  }
  count = g_new (QuernTokenCount, 1);
  *count = (QuernTokenCount) {
    .instructions = difference (tokens[SYSTEM], tokens[EMPTY]),
    .history = difference (tokens[HISTORY], tokens[SYSTEM]),
    .attachments = difference (tokens[ATTACHMENTS], tokens[EMPTY]),
    .question = (guint) tokens[TEXT],
    .context_size = _quern_chat_session_context_size (self, counting->model),
  };
  count->total = count->instructions + count->history + count->attachments + count->question;
  for (guint step = EMPTY; step < N_STEPS; step++)
    count->estimated = count->estimated || counting->cache.estimated[step];
  count->fits = _quern_chat_session_fits (count->total, count->context_size);
  g_clear_pointer (&self->counted, _quern_count_cache_free);
  self->counted = g_memdup2 (&counting->cache, sizeof counting->cache);
  g_task_return_pointer (task, count, g_free);
  g_object_unref (task);
}

/**
 * quern_chat_session_count_tokens_async:
 *
 * Counts the whole prompt that the question which is being written would make, with the model's own tokenizer.
 */
void
quern_chat_session_count_tokens_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  QuernQuestion *question = quern_chat_session_get_question (self);
  const char *system_prompt = quern_conversation_get_system_prompt (self->conversation);
  g_autofree char *text = g_strstrip (g_strdup (question->text));
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  guint first = _quern_chat_session_start (self, n);
  Counting *counting;
  gboolean same_history, same_attachments;

  if (!self->model) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, "%s", _("Choose a model first."));
    return;
  }
  counting = g_new0 (Counting, 1);
  if (self->counted)
    counting->cache = *self->counted;
  counting->model = g_object_ref (self->model);
  counting->thinking = quern_chat_session_get_thinking (self);
  same_history = counting->cache.history_key == history_key (self, first, n);
  same_attachments = same_history && counting->cache.attachments_key == attachments_key (self, question);
  counting->cache.history_key = history_key (self, first, n);
  counting->cache.attachments_key = attachments_key (self, question);
  for (guint step = same_history ? ATTACHMENTS : EMPTY; step < N_STEPS; step++) {
    gboolean instructed = step == SYSTEM || step == HISTORY;
    QuernExcerpt *excerpt;
    if (step == ATTACHMENTS && same_attachments)
      continue;
    excerpt = _quern_chat_session_excerpt (self, instructed ? system_prompt : NULL, first, step == HISTORY ? n : first);
    quern_excerpt_add_question (excerpt, step == TEXT ? text : "",
                                step == ATTACHMENTS ? G_LIST_MODEL (question->attachments) : NULL);
    counting->excerpts[step] = excerpt;
  }
  g_task_set_task_data (task, counting, counting_free);
  count_next (g_steal_pointer (&task));
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
