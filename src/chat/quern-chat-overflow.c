/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"

/* Offers ways out when a prompt does not fit the context: increase the context length, leave out the oldest turns, or
 * start a new conversation with a summary of this one. Quern never takes one by itself, and the system prompt always
 * stays. */

/* A smaller prompt should leave this many tokens for the answer. */
#define ANSWER_ROOM(size) MIN ((size) / 4, 1024u)
#define SUMMARY_TOKENS(size) MIN ((size) / 4, 512u)

/* With fewer tokens than this left for the answer, a prompt counts as too long: the answer would be cut at once. */
guint
_quern_answer_room_least (guint context_size)
{
  return MIN (context_size / 16, 128u);
}

/* Whether a prompt fits and leaves room for an answer. Where a server does not tell its size, it does as far as anybody knows. */
gboolean
_quern_chat_session_fits (guint n_tokens, guint context_size)
{
  return context_size == 0 || n_tokens + _quern_answer_room_least (context_size) < context_size;
}

/* ---- the plan -------------------------------------------------------------------------------------------------- */

/* A place where the prompt may begin if the messages before it are left out. */
typedef struct {
  guint position;    /* of a question */
  guint n_requested; /* messages of the request that are left out */
} Start;

typedef struct {
  QuernQuestion *question;
  QuernRequest *request; /* of the question, which may lose its own meanwhile */
  QuernModel *model;
  QuernOverflowPlan plan;
  GArray *starts;  /* of Start, ascending */
  guint low, high; /* the first start that fits is in [low, high]; if high is the length, none may fit */
  guint middle;    /* the one that is being counted */
} Planning;

static void
planning_free (gpointer data)
{
  Planning *planning = data;

  g_object_unref (planning->question);
  g_object_unref (planning->model);
  quern_request_unref (planning->request);
  g_array_unref (planning->starts);
  g_free (planning);
}

static void count_middle (GTask *task);

static void
middle_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Planning *planning = g_task_get_task_data (task);
  guint size = planning->plan.context_size;
  GError *error = NULL;
  gssize total = quern_backend_count_finish (QUERN_BACKEND (source), result, NULL, &error);

  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  if ((guint) total + ANSWER_ROOM (size) <= size)
    planning->high = planning->middle;
  else
    planning->low = planning->middle + 1;
  count_middle (task);
}

/* Bisects: counts the prompt that begins with the question in the middle of the remaining range. It is the request that
 * did not fit, without some of its messages, so attachments are not read again. */
static void
count_middle (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Planning *planning = g_task_get_task_data (task);
  g_autoptr (QuernRequest) request = NULL;

  if (planning->low < planning->high) {
    planning->middle = (planning->low + planning->high) / 2;
    request = quern_request_new_without (planning->request,
                                         g_array_index (planning->starts, Start, planning->middle).n_requested);
    quern_backend_count_async (self->backend, planning->model, request, g_task_get_cancellable (task),
                               middle_counted_cb, task);
    return;
  }
  if (planning->high < planning->starts->len) {
    guint position = g_array_index (planning->starts, Start, planning->high).position;
    g_autoptr (QuernMessage) first = g_list_model_get_item (G_LIST_MODEL (self->messages), position);
    planning->plan.start = first ? quern_message_get_id (first) : 0;
    planning->plan.n_left_out = position - _quern_chat_session_start (self, planning->question->n_messages);
  }
  g_task_return_pointer (task, g_memdup2 (&planning->plan, sizeof planning->plan), g_free);
  g_object_unref (task);
}

/* Returns the number of messages before the question, which may be one of the messages itself. */
static guint
count_earlier (QuernQuestion *question)
{
  return question->n_messages - (_quern_question_is_written (question) || question->n_messages == 0 ? 0 : 1);
}

/**
 * quern_chat_session_plan_overflow_async:
 *
 * After %QUERN_CHAT_ERROR_TOO_LONG: finds out what can be done about it, and what each way costs. To take one, set
 * the conversation's context size or context start and ask the refused question again, or see
 * quern_chat_session_summarise_async().
 */
void
quern_chat_session_plan_overflow_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  QuernQuestion *question = quern_chat_session_get_refused (self);
  guint wanted, largest, first, earlier, n_requested = 0;
  Planning *planning;
  QuernOverflowPlan *plan;
  QuernLoadParams params;

  if (!question) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG, "%s", _("Everything fits."));
    return;
  }
  planning = g_new0 (Planning, 1);
  planning->question = g_object_ref (question);
  planning->request = quern_request_ref (question->request);
  planning->model = g_object_ref (question->model);
  planning->starts = g_array_new (FALSE, FALSE, sizeof (Start));
  g_task_set_task_data (task, planning, planning_free);
  first = _quern_chat_session_start (self, question->n_messages);
  earlier = count_earlier (question);
  plan = &planning->plan;
  plan->needed = question->needed;
  plan->context_size = _quern_chat_session_context_size (self, question->model);
  plan->can_summarise = question->kind != QUERN_QUESTION_CONTINUE
                        && earlier > _quern_chat_session_start (self, earlier);

  /* A larger context holds the prompt and an answer. */
  _quern_chat_session_load_params (self, question->model, &params);
  largest = quern_backend_get_largest_context (self->backend, question->model, params.kv_type);
  wanted = MIN ((plan->needed + MAX (plan->needed / 4, 1024u) + 1023) / 1024 * 1024, largest);
  if (plan->needed + _quern_answer_room_least (wanted) <= wanted && wanted > plan->context_size) {
    QuernMemoryPlan now, then;
    quern_model_plan (question->model, plan->context_size, params.kv_type, &now);
    quern_model_plan (question->model, wanted, params.kv_type, &then);
    plan->raised = wanted;
    plan->raised_bytes = then.total > now.total ? then.total - now.total : 0;
    plan->raised_total = then.total;
  }

  /* The prompt may begin with any later question. */
  for (guint i = first; i < question->n_messages; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    Start start = { i, n_requested };
    if (i > first && quern_message_get_role (message) == QUERN_ROLE_USER)
      g_array_append_val (planning->starts, start);
    n_requested += quern_excerpt_includes (message);
  }
  planning->high = planning->starts->len;
  count_middle (g_steal_pointer (&task));
}

gboolean
quern_chat_session_plan_overflow_finish (QuernChatSession *self, GAsyncResult *result, QuernOverflowPlan *plan,
                                         GError **error)
{
  g_autofree QuernOverflowPlan *planned_one = g_task_propagate_pointer (G_TASK (result), error);

  if (!planned_one)
    return FALSE;
  *plan = *planned_one;
  return TRUE;
}

/* ---- a new conversation with a summary ------------------------------------------------------------------------- */

/* Together with the request for a summary the conversation may not fit its context. So it is summarised piece by piece,
 * each piece with the summary of those before it. */
typedef struct {
  guint next, end; /* messages that are not summarised yet */
  guint fit, over; /* the piece [next, fit) fits and [next, over) does not; next and end + 1 if that is not known */
  guint middle;    /* the end that is being counted */
  QuernRequest *counted; /* of the piece [next, middle) */
  QuernRequest *fitting; /* of the piece [next, fit) */
  char *summary;         /* summary of the messages before next; NULL at first */
} Summary;

static void
summary_free (gpointer data)
{
  Summary *summary = data;

  g_clear_pointer (&summary->counted, quern_request_unref);
  g_clear_pointer (&summary->fitting, quern_request_unref);
  g_free (summary->summary);
  g_free (summary);
}

static void
summary_fail (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* Appends the summary to the system prompt. */
static char *
dup_instructions (QuernChatSession *self, const char *summary)
{
  const char *prompt = quern_conversation_get_system_prompt (self->conversation);

  if (!summary)
    return g_strdup (prompt);
  return g_strdup_printf (_("%s%sSummary of the conversation so far:\n%s"), prompt ? prompt : "",
                          prompt && *prompt ? "\n\n" : "", summary);
}

static void
begin_piece (Summary *summary, guint next)
{
  g_clear_pointer (&summary->fitting, quern_request_unref);
  summary->next = summary->fit = next;
  summary->over = summary->end + 1;
}

static void find_piece (GTask *task);

static void
piece_summarised_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = QUERN_CHAT_SESSION (source);
  Summary *summary = g_task_get_task_data (task);
  QuernQuestion *refused = quern_chat_session_get_refused (self);
  QuernConversation *fresh;
  GError *error = NULL;
  g_autofree char *text = _quern_chat_session_complete_finish (self, result, &error);
  g_autofree char *instructions = NULL;

  if (text && *text == '\0')
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                 _("The model could not summarise the conversation. Leave out the oldest messages instead."));
  if (error) {
    summary_fail (task, error);
    return;
  }
  g_set_str (&summary->summary, text);
  begin_piece (summary, summary->fit);
  if (summary->next < summary->end) {
    find_piece (task);
    return;
  }
  fresh = quern_conversation_new ();
  instructions = dup_instructions (self, summary->summary);
  _quern_chat_session_copy_settings (self, fresh);
  quern_conversation_set_title (fresh, quern_conversation_get_title (self->conversation), FALSE);
  quern_conversation_set_system_prompt (fresh, instructions);
  if (refused)
    quern_conversation_set_unsent (fresh, refused->text);
  g_task_return_pointer (task, fresh, g_object_unref);
  g_object_unref (task);
}

static void
piece_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  Summary *summary = g_task_get_task_data (task);
  guint size = _quern_chat_session_context_size (self, self->model);
  GError *error = NULL;
  gssize total = quern_backend_count_finish (QUERN_BACKEND (source), result, NULL, &error);

  if (total >= 0 && (size == 0 || (guint) total + SUMMARY_TOKENS (size) <= size)) {
    summary->fit = summary->middle;
    g_clear_pointer (&summary->fitting, quern_request_unref);
    summary->fitting = g_steal_pointer (&summary->counted);
  } else {
    summary->over = summary->middle;
  }
  if (!error && summary->over == summary->next + 1)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                 _("One of the messages is too long to summarise. Increase the context length, or leave the message "
                   "out."));
  if (error)
    summary_fail (task, error);
  else
    find_piece (task);
}

static void
piece_built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  Summary *summary = g_task_get_task_data (task);
  GError *error = NULL;

  g_clear_pointer (&summary->counted, quern_request_unref);
  summary->counted = quern_excerpt_build_finish (result, &error);
  if (summary->counted && !self->model)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, _("Choose a model first."));
  if (error)
    summary_fail (task, error);
  else
    quern_backend_count_async (self->backend, self->model, summary->counted, g_task_get_cancellable (task),
                               piece_counted_cb, task);
}

/* Finds the longest piece that fits, and summarises it: it tries all messages first, which mostly fit, and then
 * bisects. */
static void
find_piece (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Summary *summary = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autofree char *instructions = dup_instructions (self, summary->summary);
  QuernExcerpt *excerpt;

  if (summary->fitting && (summary->fit + 1 == summary->over || summary->fit == summary->end)) {
    guint size = _quern_chat_session_context_size (self, self->model);
    _quern_chat_session_complete_async (self, summary->fitting, SUMMARY_TOKENS (size), cancellable, piece_summarised_cb,
                                        task);
    return;
  }
  summary->middle = summary->over > summary->end ? summary->end : (summary->fit + summary->over) / 2;
  excerpt = _quern_chat_session_excerpt (self, instructions, summary->next, summary->middle);
  quern_excerpt_add_question (
      excerpt, _("Summarise our conversation so far in a few sentences, with every fact that is needed to go on."),
      NULL);
  quern_excerpt_build_async (excerpt, cancellable, piece_built_cb, task);
}

/**
 * quern_chat_session_summarise_async:
 *
 * Lets the model summarise, without thinking, what is sent of this conversation before the question that did not fit.
 * If everything fits, it summarises all of it.
 */
void
quern_chat_session_summarise_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  QuernQuestion *refused = quern_chat_session_get_refused (self);
  Summary *summary = g_new0 (Summary, 1);

  summary->end = refused ? count_earlier (refused) : g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  begin_piece (summary, _quern_chat_session_start (self, summary->end));
  g_task_set_task_data (task, summary, summary_free);
  find_piece (task);
}

/**
 * quern_chat_session_summarise_finish:
 *
 * Returns: (transfer full) (nullable): a new conversation with the same settings, whose system prompt holds the summary
 *   and whose unsent text is that of the question that did not fit; not in the store yet. Once it has a session,
 *   quern_chat_session_move_refused() moves the question there.
 */
QuernConversation *
quern_chat_session_summarise_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
