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

/* ---- what did not fit ------------------------------------------------------------------------------------------ */

QuernDemand *
_quern_demand_new (guint n_messages, const char *text, GListModel *attachments)
{
  QuernDemand *self = g_new0 (QuernDemand, 1);

  self->n_messages = n_messages;
  self->text = g_strdup (text);
  self->attachments = attachments ? g_object_ref (attachments) : NULL;
  return self;
}

void
_quern_demand_free (QuernDemand *self)
{
  g_free (self->text);
  g_clear_object (&self->attachments);
  g_clear_object (&self->begun);
  g_clear_object (&self->model);
  g_free (self);
}

/**
 * quern_chat_session_get_refused_text:
 * @attachments: (out) (optional) (transfer none) (nullable): what belongs to it
 *
 * Returns: (nullable): the question that did not fit; %NULL when everything did
 */
const char *
quern_chat_session_get_refused_text (QuernChatSession *self, GListModel **attachments)
{
  if (attachments)
    *attachments = self->refused ? self->refused->attachments : NULL;
  return self->refused ? self->refused->text : NULL;
}

/* Finds a larger context that holds the prompt and an answer. */
static void
propose_context (QuernChatSession *self, const QuernDemand *demand, QuernOverflowPlan *plan)
{
  QuernMemoryPlan now, then;
  QuernLoadParams params;
  guint wanted, largest;

  _quern_chat_session_load_params (self, demand->model, &params);
  largest = quern_backend_get_largest_context (self->backend, demand->model, params.kv_type);
  wanted = MIN ((demand->needed + MAX (demand->needed / 4, 1024u) + 1023) / 1024 * 1024, largest);
  if (demand->needed + _quern_answer_room_least (wanted) > wanted || wanted <= plan->context_size)
    return;
  quern_model_plan (demand->model, plan->context_size, params.kv_type, &now);
  quern_model_plan (demand->model, wanted, params.kv_type, &then);
  plan->raised = wanted;
  plan->raised_bytes = then.total > now.total ? then.total - now.total : 0;
  plan->raised_total = then.total;
}

/* ---- leaving out the oldest turns ------------------------------------------------------------------------------ */

typedef struct {
  QuernDemand *demand;
  QuernOverflowPlan plan;
  GArray *starts;  /* positions of questions (guint) that the prompt may begin with, ascending */
  guint low, high; /* the first start that fits is in [low, high]; if high is the length, none may fit */
  guint middle;    /* the one that is being counted */
} Planning;

static void
planning_free (gpointer data)
{
  Planning *planning = data;

  _quern_demand_free (planning->demand);
  g_array_unref (planning->starts);
  g_free (planning);
}

static void
list_starts (QuernChatSession *self, Planning *planning)
{
  const QuernDemand *demand = planning->demand;

  for (guint i = _quern_chat_session_start (self, demand->n_messages) + 1; i < demand->n_messages; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    if (quern_message_get_role (message) == QUERN_ROLE_USER)
      g_array_append_val (planning->starts, i);
  }
  if (demand->question_id != 0 && demand->n_messages > _quern_chat_session_start (self, demand->n_messages))
    g_array_append_val (planning->starts, demand->n_messages); /* the prompt may begin with the question itself */
}

static void
planned (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Planning *planning = g_task_get_task_data (task);

  if (planning->high < planning->starts->len) {
    guint position = g_array_index (planning->starts, guint, planning->high);
    g_autoptr (QuernMessage) first = g_list_model_get_item (G_LIST_MODEL (self->messages), position);
    planning->plan.start = first ? quern_message_get_id (first) : 0;
    planning->plan.n_left_out = position - _quern_chat_session_start (self, planning->demand->n_messages);
  }
  g_task_return_pointer (task, g_memdup2 (&planning->plan, sizeof planning->plan), g_free);
  g_object_unref (task);
}

static void count_middle (GTask *task);

static void
middle_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Planning *planning = g_task_get_task_data (task);
  guint size = planning->plan.context_size;
  GError *error = NULL;
  gssize total = _quern_chat_session_count_finish (QUERN_CHAT_SESSION (source), result, &error);

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

/* Bisects: counts the prompt that begins with the question in the middle of the remaining range. */
static void
count_middle (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Planning *planning = g_task_get_task_data (task);
  const QuernDemand *demand = planning->demand;
  QuernPrompt *prompt;

  if (planning->low >= planning->high) {
    planned (task);
    return;
  }
  planning->middle = (planning->low + planning->high) / 2;
  prompt = _quern_chat_session_prompt_range (self, quern_conversation_get_system_prompt (self->conversation),
                                             g_array_index (planning->starts, guint, planning->middle),
                                             demand->n_messages);
  quern_prompt_add_text (prompt, QUERN_ROLE_USER, demand->text, demand->attachments);
  _quern_chat_session_count_async (self, demand->model, prompt, demand->thinking, demand->begun,
                                   g_task_get_cancellable (task), middle_counted_cb, task);
}

static QuernDemand *
demand_copy (const QuernDemand *demand)
{
  QuernDemand *copy = _quern_demand_new (demand->n_messages, demand->text, demand->attachments);

  copy->question_id = demand->question_id;
  copy->begun = demand->begun ? g_object_ref (demand->begun) : NULL;
  copy->model = g_object_ref (demand->model);
  copy->thinking = demand->thinking;
  copy->needed = demand->needed;
  return copy;
}

/**
 * quern_chat_session_plan_overflow_async:
 *
 * After %QUERN_CHAT_ERROR_TOO_LONG: finds out what can be done about it, and what each way costs. To take one, set
 * the conversation's context size or context start and ask again, or see quern_chat_session_summarise_async().
 */
void
quern_chat_session_plan_overflow_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Planning *planning;

  if (!self->refused) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG, _("Everything fits."));
    g_object_unref (task);
    return;
  }
  planning = g_new0 (Planning, 1);
  planning->demand = demand_copy (self->refused);
  planning->starts = g_array_new (FALSE, FALSE, sizeof (guint));
  planning->plan.needed = planning->demand->needed;
  planning->plan.context_size = _quern_chat_session_context_size (self, planning->demand->model);
  planning->plan.can_summarise = !planning->demand->begun
                                 && planning->demand->n_messages
                                        > _quern_chat_session_start (self, planning->demand->n_messages);
  propose_context (self, planning->demand, &planning->plan);
  list_starts (self, planning);
  planning->high = planning->starts->len;
  g_task_set_task_data (task, planning, planning_free);
  count_middle (task);
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
  char *summary;   /* summary of the messages before next; NULL at first */
} Summary;

static const char *
request_text (void)
{
  return _("Summarise our conversation so far in a few sentences, with every fact that is needed to go on.");
}

static void
summary_free (gpointer data)
{
  Summary *summary = data;

  g_free (summary->summary);
  g_free (summary);
}

static void
fail (GTask *task, GError *error)
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
return_fresh (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Summary *summary = g_task_get_task_data (task);
  QuernConversation *fresh = quern_conversation_new ();
  g_autofree char *instructions = dup_instructions (self, summary->summary);

  _quern_chat_session_copy_settings (self, fresh);
  quern_conversation_set_title (fresh, quern_conversation_get_title (self->conversation), FALSE);
  quern_conversation_set_system_prompt (fresh, instructions);
  if (self->refused)
    quern_conversation_set_draft (fresh, self->refused->text);
  g_task_return_pointer (task, fresh, g_object_unref);
  g_object_unref (task);
}

static QuernPrompt *
piece_prompt (QuernChatSession *self, const Summary *summary, guint end)
{
  g_autofree char *instructions = dup_instructions (self, summary->summary);

  return _quern_chat_session_prompt_range (self, instructions, summary->next, end);
}

static void
begin_piece (Summary *summary, guint next)
{
  summary->next = summary->fit = next;
  summary->over = summary->end + 1;
}

static void find_piece (GTask *task);

static void
piece_summarised_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Summary *summary = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *text = _quern_chat_session_complete_finish (QUERN_CHAT_SESSION (source), result, &error);

  if (text && *text == '\0')
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                 _("The model could not summarise the conversation. Leave out the oldest messages instead."));
  if (error) {
    fail (task, error);
    return;
  }
  g_set_str (&summary->summary, text);
  begin_piece (summary, summary->fit);
  if (summary->next >= summary->end)
    return_fresh (task);
  else
    find_piece (task);
}

static void
sum_up_piece (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  const Summary *summary = g_task_get_task_data (task);
  guint size = _quern_chat_session_context_size (self, self->model);

  _quern_chat_session_complete_async (self, piece_prompt (self, summary, summary->fit), request_text (),
                                      SUMMARY_TOKENS (size), g_task_get_cancellable (task), piece_summarised_cb, task);
}

static void
piece_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernChatSession *self = QUERN_CHAT_SESSION (source);
  Summary *summary = g_task_get_task_data (task);
  guint size = _quern_chat_session_context_size (self, self->model);
  GError *error = NULL;
  gssize total = _quern_chat_session_count_finish (self, result, &error);

  if (total >= 0 && (guint) total + SUMMARY_TOKENS (size) <= size)
    summary->fit = summary->middle;
  else
    summary->over = summary->middle;
  if (!error && summary->over == summary->next + 1)
    g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                 _("One of the messages is too long to summarise. Increase the context length, or leave the message "
                   "out."));
  if (error) {
    fail (task, error);
    return;
  }
  find_piece (task);
}

/* Finds the longest piece that fits: it tries all messages first, which mostly fit, and then bisects. */
static void
find_piece (GTask *task)
{
  QuernChatSession *self = g_task_get_source_object (task);
  Summary *summary = g_task_get_task_data (task);
  QuernPrompt *prompt;

  if (summary->fit + 1 == summary->over || summary->fit == summary->end) {
    sum_up_piece (task);
    return;
  }
  summary->middle = summary->over > summary->end ? summary->end : (summary->fit + summary->over) / 2;
  prompt = piece_prompt (self, summary, summary->middle);
  quern_prompt_add_text (prompt, QUERN_ROLE_USER, request_text (), NULL);
  _quern_chat_session_count_async (self, self->model, prompt, FALSE, NULL, g_task_get_cancellable (task),
                                   piece_counted_cb, task);
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
  Summary *summary = g_new0 (Summary, 1);

  summary->end = self->refused ? self->refused->n_messages : g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  begin_piece (summary, _quern_chat_session_start (self, summary->end));
  g_task_set_task_data (task, summary, summary_free);
  find_piece (task);
}

/**
 * quern_chat_session_summarise_finish:
 *
 * Returns: (transfer full) (nullable): a new conversation with the same settings, whose system prompt holds the summary
 *   and whose draft is the question that did not fit; not in the store yet
 */
QuernConversation *
quern_chat_session_summarise_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
