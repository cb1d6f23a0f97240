/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session-private.h"
#include "quern-repetition.h"

/* Makes one answer, from the question to the end:
 *
 *   begin -> prompt built (attachments read) -> tokens counted -> committed (messages shown and stored)
 *         -> model loaded -> text arrives, saved now and then -> done
 *
 * Before the commit a failure leaves the conversation as it was. After it, the failure is recorded in the answer. */

#define SAVE_MS 700
#define TITLE_CHARACTERS 60

struct _QuernAnswer {
  QuernChatSession *session; /* borrowed: the session lives as long as the task, whose source object it is */
  GTask *task;
  GCancellable *cancellable; /* our own; it stops what comes before the generation */
  gulong cancel_handler;     /* handler on the caller's cancellable */

  guint n_messages; /* messages in the list before the question, or before the answer if there is none */
  guint question_siblings, answer_siblings; /* number of siblings that exist already */
  QuernMessage *question;                   /* new; NULL if an existing message is answered */
  GListModel *attachments;                  /* of the new question, or NULL */
  QuernMessage *answer;
  QuernStatistics before; /* statistics of the answer that is continued */

  QuernModel *model;
  QuernRequest *request;
  QuernLoadedModel *context;
  QuernGeneration *generation;
  gint64 load_began;
  double load_seconds;
  guint save_source;
  gboolean unsaved;
  gboolean may_repeat; /* the user allowed it to repeat itself */
};

/* ---- end ------------------------------------------------------------------------------------------------------- */

static void
answer_free (QuernAnswer *self)
{
  g_cancellable_disconnect (g_task_get_cancellable (self->task), self->cancel_handler);
  g_clear_handle_id (&self->save_source, g_source_remove);
  if (self->generation)
    g_signal_handlers_disconnect_by_data (self->generation, self);
  g_clear_object (&self->generation);
  g_clear_object (&self->context);
  g_clear_pointer (&self->request, quern_request_unref);
  g_clear_object (&self->model);
  g_clear_object (&self->attachments);
  g_clear_object (&self->question);
  g_clear_object (&self->answer);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->task);
  g_free (self);
}

/* Reports the result to the caller and makes the session idle. Takes ownership of @error; NULL means that the answer
 * has ended. */
static void
end (QuernAnswer *self, GError *error)
{
  g_autoptr (GTask) task = g_object_ref (self->task);
  QuernChatSession *session = self->session;

  session->answer = NULL;
  answer_free (self);
  _quern_chat_session_set_repeating (session, FALSE);
  _quern_chat_session_set_state (session, QUERN_SESSION_IDLE, 0);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* Ends an answer that is part of the conversation. */
static void
end_committed (QuernAnswer *self, QuernMessageState state, const char *failure)
{
  quern_message_set_in_reasoning (self->answer, FALSE);
  quern_message_set_state (self->answer, state, failure);
  quern_store_save_message (self->session->store, self->answer);
  end (self, NULL);
}

/* ---- generation ------------------------------------------------------------------------------------------------ */

static void
watch_repetition (QuernAnswer *self)
{
  gboolean reasoning = quern_message_get_in_reasoning (self->answer);
  const char *text = reasoning ? quern_message_get_reasoning (self->answer) : quern_message_get_content (self->answer);
  gsize length = reasoning ? strlen (text) : quern_message_get_content_length (self->answer);

  _quern_chat_session_set_repeating (self->session, !self->may_repeat && quern_repetition_found (text, length));
}

static gboolean
save_cb (gpointer data)
{
  QuernAnswer *self = data;

  watch_repetition (self);
  if (self->unsaved)
    quern_store_save_message (self->session->store, self->answer);
  self->unsaved = FALSE;
  return G_SOURCE_CONTINUE;
}

static void note_statistics (QuernAnswer *self);

static void
text_cb (QuernAnswer *self, gboolean reasoning, const char *text)
{
  note_statistics (self);
  quern_message_append (self->answer, reasoning, text, -1);
  self->unsaved = TRUE;
}

static void
changed_cb (QuernAnswer *self)
{
  gboolean reasoning = quern_generation_get_in_reasoning (self->generation);

  quern_message_set_in_reasoning (self->answer, reasoning);
  if (quern_generation_get_phase (self->generation) == QUERN_GENERATION_DECODE)
    _quern_chat_session_set_state (self->session, reasoning ? QUERN_SESSION_THINKING : QUERN_SESSION_ANSWERING, 1);
  else if (quern_generation_get_phase (self->generation) == QUERN_GENERATION_PREFILL)
    _quern_chat_session_set_state (self->session, QUERN_SESSION_PREFILL,
                                   quern_generation_get_progress (self->generation));
}

static void
note_statistics (QuernAnswer *self)
{
  QuernStatistics statistics = *quern_generation_get_statistics (self->generation);

  statistics.load_seconds = self->load_seconds;
  statistics.answer_tokens += self->before.answer_tokens;
  statistics.reasoning_tokens += self->before.reasoning_tokens;
  statistics.decode_seconds += self->before.decode_seconds;
  statistics.reasoning_seconds += self->before.reasoning_seconds;
  statistics.n_passes += self->before.n_passes;
  quern_message_set_statistics (self->answer, &statistics);
  _quern_chat_session_set_context_used (self->session, statistics.prompt_tokens + statistics.answer_tokens
                                                           - self->before.answer_tokens);
}

static void
done_cb (QuernAnswer *self)
{
  static const QuernMessageState states[] = {
    [QUERN_STOP_END] = QUERN_MESSAGE_COMPLETE,   [QUERN_STOP_LENGTH] = QUERN_MESSAGE_LENGTH,
    [QUERN_STOP_CONTEXT] = QUERN_MESSAGE_LENGTH, [QUERN_STOP_USER] = QUERN_MESSAGE_STOPPED,
    [QUERN_STOP_FAILED] = QUERN_MESSAGE_FAILED,
  };
  const GError *error = quern_generation_get_error (self->generation);

  QuernStop stop = quern_generation_get_stop (self->generation);
  const char *reason = error ? error->message : NULL;

  note_statistics (self);
  if (stop == QUERN_STOP_CONTEXT)
    reason = _("The context is full: the model cannot hold more of this conversation.");
  end_committed (self, states[stop], reason);
}

static void
generate (QuernAnswer *self)
{
  self->generation = quern_loaded_model_generate (self->context, self->request);
  g_signal_connect_swapped (self->generation, "text", G_CALLBACK (text_cb), self);
  g_signal_connect_swapped (self->generation, "notify", G_CALLBACK (changed_cb), self);
  g_signal_connect_swapped (self->generation, "done", G_CALLBACK (done_cb), self);
  self->save_source = g_timeout_add (SAVE_MS, save_cb, self);
  _quern_chat_session_set_state (self->session, QUERN_SESSION_PREFILL, 0);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAnswer *self = user_data;
  g_autoptr (GError) error = NULL;

  self->context = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);
  if (!self->context) {
    gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    end_committed (self, stopped ? QUERN_MESSAGE_STOPPED : QUERN_MESSAGE_FAILED, stopped ? NULL : error->message);
    return;
  }
  if (self->load_began > 0)
    self->load_seconds = (double) (g_get_monotonic_time () - self->load_began) / G_USEC_PER_SEC;
  generate (self);
}

static void
load_progress_cb (double fraction, gpointer user_data)
{
  QuernAnswer *self = user_data;

  _quern_chat_session_set_state (self->session, QUERN_SESSION_LOADING, fraction);
}

static void
load (QuernAnswer *self)
{
  QuernChatSession *session = self->session;
  QuernLoadParams params;
  g_autoptr (QuernLoadedModel) loaded = NULL;

  _quern_chat_session_load_params (session, self->model, &params);
  loaded = quern_backend_find_loaded (session->backend, self->model, &params);
  if (!loaded)
    self->load_began = g_get_monotonic_time ();
  quern_backend_load_async (session->backend, self->model, &params, load_progress_cb, self, self->cancellable,
                            loaded_cb, self);
}

/* ---- commit ---------------------------------------------------------------------------------------------------- */

/* The first line of the first question is the title until a better one is found. */
static void
give_title (QuernChatSession *session, const char *text)
{
  g_autofree char *line = g_strdup (text);
  g_autofree char *title = NULL;
  char *end_of_line;

  g_strstrip (line);
  if (*quern_conversation_get_title (session->conversation) || !*line)
    return;
  end_of_line = strpbrk (line, "\r\n");
  if (end_of_line)
    *end_of_line = '\0';
  if (g_utf8_strlen (line, -1) <= TITLE_CHARACTERS) {
    title = g_strdup (line);
  } else {
    g_autofree char *cut = g_utf8_substring (line, 0, TITLE_CHARACTERS - 1);
    title = g_strconcat (g_strchomp (cut), "…", NULL);
  }
  quern_conversation_set_title (session->conversation, title, FALSE);
}

static QuernMessage *
last_message (QuernChatSession *session)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (session->messages));
  QuernMessage *message = n ? g_list_model_get_item (G_LIST_MODEL (session->messages), n - 1) : NULL;

  if (message)
    g_object_unref (message); /* the list holds it */
  return message;
}

static void
append (QuernAnswer *self, QuernMessage *message, guint siblings)
{
  QuernChatSession *session = self->session;

  quern_message_set_siblings (message, siblings, siblings + 1);
  quern_store_append_message (session->store, session->conversation, last_message (session), message);
  g_list_store_append (session->messages, message);
}

/* Adds the question and the answer to the conversation, which holds them from now on. */
static void
commit (QuernAnswer *self)
{
  QuernChatSession *session = self->session;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (session->messages));
  gboolean goes_on = quern_message_get_id (self->answer) != 0;
  g_autofree char *title = quern_model_dup_full_title (self->model);

  quern_message_set_model (self->answer, quern_model_get_id (self->model), title);
  quern_message_set_state (self->answer, QUERN_MESSAGE_STREAMING, NULL);
  if (goes_on) {
    quern_store_save_message (session->store, self->answer);
  } else {
    if (self->n_messages < n)
      g_list_store_splice (session->messages, self->n_messages, n - self->n_messages, NULL, 0);
    if (self->question) {
      append (self, self->question, self->question_siblings);
      give_title (session, quern_message_get_content (self->question));
      if (!quern_conversation_get_model_id (session->conversation)) /* the conversation keeps this model from now on */
        quern_conversation_set_model_id (session->conversation, quern_model_get_id (self->model));
    }
    append (self, self->answer, self->answer_siblings);
  }
  load (self);
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

/* Records the question and its place, so that an overflow can be resolved later. */
static QuernDemand *
make_demand (QuernAnswer *self, guint needed)
{
  GListModel *messages = G_LIST_MODEL (self->session->messages);
  guint last = self->n_messages > 0 ? self->n_messages - 1 : 0;
  g_autoptr (QuernMessage) asked = self->question ? NULL : g_list_model_get_item (messages, last);
  QuernMessage *question = self->question ? self->question : asked;
  QuernDemand *demand = _quern_demand_new (self->question ? self->n_messages : last,
                                           quern_message_get_content (question),
                                           self->question ? self->attachments : quern_message_get_attachments (asked));

  demand->question_id = quern_message_get_id (question);
  demand->begun = quern_message_get_id (self->answer) != 0 ? g_object_ref (self->answer) : NULL;
  demand->model = g_object_ref (self->model);
  demand->thinking = quern_message_get_thinking (self->answer);
  demand->needed = needed;
  return demand;
}

static GError *
too_long_error (QuernAnswer *self, guint total, guint size)
{
  g_clear_pointer (&self->session->refused, _quern_demand_free);
  self->session->refused = make_demand (self, total);
  return g_error_new (QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                      _("The prompt would have %u tokens, but the context holds %u. Shorten it, start a new "
                        "conversation, or increase the context length."),
                      total, size);
}

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAnswer *self = user_data;
  GError *error = NULL;
  gssize total = quern_backend_count_finish (QUERN_BACKEND (source), result, &error);
  guint size = _quern_chat_session_context_size (self->session, self->model);

  if (!error && g_cancellable_set_error_if_cancelled (self->cancellable, &error))
    total = -1;
  if (error)
    end (self, error);
  else if ((guint) total + _quern_answer_room_least (size) >= size)
    end (self, too_long_error (self, (guint) total, size));
  else
    commit (self);
}

static void
set_up_request (QuernAnswer *self, gboolean pictures)
{
  QuernChatSession *session = self->session;
  gboolean thinking = quern_message_get_thinking (self->answer);
  QuernSampling sampling;

  quern_sampling_init (&sampling, self->model, thinking, pictures,
                       quern_conversation_get_sampling (session->conversation));
  quern_sampling_apply (&sampling, self->request);
  quern_request_set_thinking (self->request, thinking);
  quern_request_set_effort (self->request,
                            quern_effort_for_model (self->model, quern_message_get_effort (self->answer)));
  if (quern_message_get_id (self->answer) != 0)
    quern_request_set_beginning (self->request, quern_message_get_reasoning (self->answer),
                                 quern_message_get_content (self->answer));
}

static void
built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAnswer *self = user_data;
  GError *error = NULL;

  self->request = quern_prompt_build_finish (result, &error);
  if (!self->request) {
    end (self, error);
    return;
  }
  set_up_request (self, quern_request_has_pictures (self->request));
  quern_backend_count_async (self->session->backend, self->model, self->request, self->cancellable, counted_cb, self);
}

/* ---- begin ----------------------------------------------------------------------------------------------------- */

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  _quern_answer_stop (data);
}

void
_quern_answer_stop (QuernAnswer *self)
{
  g_cancellable_cancel (self->cancellable);
  if (self->generation)
    quern_generation_stop (self->generation);
}

void
_quern_answer_now (QuernAnswer *self)
{
  if (self->generation)
    quern_generation_answer_now (self->generation);
}

void
_quern_answer_let_go_on (QuernAnswer *self)
{
  self->may_repeat = TRUE;
  _quern_chat_session_set_repeating (self->session, FALSE);
}

static gboolean
check_ready (QuernChatSession *session, QuernModel *model, GError **error)
{
  if (session->answer)
    g_set_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_BUSY,
                 _("Wait until the current answer is complete, or stop "
                   "it."));
  else if (!model)
    g_set_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL,
                 _("The model of this conversation is not on this computer. Choose another one or download it."));
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_vision (QuernAnswer *self, QuernPrompt *prompt, GError **error)
{
  if (!quern_prompt_has_pictures (prompt) || quern_model_get_vision_path (self->model))
    return TRUE;
  g_set_error (
      error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_VISION,
      _("“%s” cannot see pictures without its vision file. Download the vision file, choose another model, or "
        "remove the pictures."),
      quern_model_get_title (self->model));
  return FALSE;
}

static void
begin (QuernAnswer *self)
{
  QuernChatSession *session = self->session;
  g_autoptr (QuernPrompt) prompt = _quern_chat_session_prompt (session, self->n_messages);
  GCancellable *cancellable = g_task_get_cancellable (self->task);
  GError *error = NULL;

  session->answer = self;
  g_clear_pointer (&session->refused, _quern_demand_free);
  if (self->question)
    quern_prompt_add_text (prompt, QUERN_ROLE_USER, quern_message_get_content (self->question), self->attachments);
  _quern_chat_session_set_state (session, QUERN_SESSION_LOADING, 0);
  if (!check_vision (self, prompt, &error)) {
    end (self, error);
    return;
  }
  if (cancellable)
    self->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL);
  quern_prompt_build_async (g_steal_pointer (&prompt), self->cancellable, built_cb, self);
}

/* Returns NULL and completes the task if the session cannot answer now. If model is NULL, the conversation's is
 * used. */
static QuernAnswer *
answer_new (QuernChatSession *session, QuernModel *model, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (session, cancellable, callback, user_data);
  GError *error = NULL;
  QuernAnswer *self;

  model = model ? model : session->model;
  if (!check_ready (session, model, &error)) {
    g_task_return_error (task, error);
    return NULL;
  }
  self = g_new0 (QuernAnswer, 1);
  self->session = session;
  self->model = g_object_ref (model);
  self->task = g_steal_pointer (&task);
  self->cancellable = g_cancellable_new ();
  return self;
}

static void
set_question (QuernAnswer *self, const char *text, GListModel *attachments)
{
  guint n = attachments ? g_list_model_get_n_items (attachments) : 0;
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  self->question = quern_message_new (QUERN_ROLE_USER, valid);
  self->attachments = attachments ? g_object_ref (attachments) : NULL;
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    quern_message_add_attachment (self->question, attachment);
  }
}

static void
set_new_answer (QuernAnswer *self)
{
  self->answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  quern_message_set_thinking (self->answer, _quern_chat_session_thinks (self->session, self->model));
  quern_message_set_effort (self->answer, quern_effort_for_model (self->model, quern_conversation_get_effort (
                                                                                   self->session->conversation)));
}

/**
 * quern_chat_session_send_async:
 * @text: the question
 * @attachments: (nullable): a list of #QuernAttachment
 *
 * Asks, at the end of the branch that is shown.
 */
void
quern_chat_session_send_async (QuernChatSession *session, const char *text, GListModel *attachments,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  QuernAnswer *self = answer_new (session, NULL, cancellable, callback, user_data);

  if (!self)
    return;
  self->n_messages = g_list_model_get_n_items (G_LIST_MODEL (session->messages));
  set_question (self, text, attachments);
  set_new_answer (self);
  begin (self);
}

/**
 * quern_chat_session_edit_async:
 * @question: one of the messages
 *
 * Asks @text instead, as a sibling of @question; what followed stays with the old one.
 */
void
quern_chat_session_edit_async (QuernChatSession *session, QuernMessage *question, const char *text,
                               GListModel *attachments, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  QuernAnswer *self = answer_new (session, NULL, cancellable, callback, user_data);

  if (!self)
    return;
  self->n_messages = _quern_chat_session_find (session, question);
  self->question_siblings = quern_message_get_sibling_count (question);
  set_question (self, text, attachments);
  set_new_answer (self);
  begin (self);
}

/**
 * quern_chat_session_regenerate_async:
 * @message: an answer, or a question that has none
 * @model: (nullable): who answers this once; %NULL for the conversation's model
 *
 * Answers the question once more, with the thinking that is chosen now.
 */
void
quern_chat_session_regenerate_async (QuernChatSession *session, QuernMessage *message, QuernModel *model,
                                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  QuernAnswer *self = answer_new (session, model, cancellable, callback, user_data);
  gboolean answered = quern_message_get_role (message) == QUERN_ROLE_ASSISTANT;

  if (!self)
    return;
  self->n_messages = _quern_chat_session_find (session, message) + !answered;
  self->answer_siblings = answered ? quern_message_get_sibling_count (message) : 0;
  set_new_answer (self);
  begin (self);
}

/**
 * quern_chat_session_continue_async:
 * @answer: the last message, an answer that was stopped, interrupted or cut
 *
 * Goes on where it ended.
 */
void
quern_chat_session_continue_async (QuernChatSession *session, QuernMessage *answer, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  QuernAnswer *self = answer_new (session, NULL, cancellable, callback, user_data);

  if (!self)
    return;
  self->n_messages = _quern_chat_session_find (session, answer);
  self->answer = g_object_ref (answer);
  self->before = *quern_message_get_statistics (answer);
  begin (self);
}

/**
 * quern_chat_session_answer_finish:
 *
 * Returns: whether there is an answer, however it ended (see its state); %FALSE when nothing was sent
 */
gboolean
quern_chat_session_answer_finish (QuernChatSession *session, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
