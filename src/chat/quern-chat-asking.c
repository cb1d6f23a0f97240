/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-chat-session-private.h"
#include "quern-repetition.h"

/* Asks one question, up to the end of its answer:
 *
 *   asked -> request built (attachments read) -> tokens counted -> committed (messages shown and stored)
 *         -> model loaded -> text arrives, saved now and then -> done
 *
 * Before the commit a failure leaves the conversation as it was, and the question is written again or refused. After it,
 * the failure is recorded in the answer. */

#define SAVE_MS 700

struct _QuernAsking {
  QuernChatSession *session; /* borrowed: the session lives as long as the task, whose source object it is */
  GTask *task;
  GCancellable *cancellable; /* our own; it stops what comes before the generation */
  gulong cancel_handler;     /* handler on the caller's cancellable */

  QuernQuestion *question;
  QuernMessage *message; /* the question as a new message; NULL if it is in the conversation already */
  QuernMessage *answer;
  guint message_siblings, answer_siblings; /* number of siblings that exist already */
  QuernStatistics before;                  /* statistics of the answer that is continued */
  gsize content_before, reasoning_before;  /* bytes of it */

  QuernLoadedModel *context;
  QuernGeneration *generation;
  gint64 load_began;
  double load_seconds;
  guint save_source;
  gboolean unsaved;
  gboolean may_repeat;  /* the user allowed it to repeat itself */
  gboolean interrupted; /* it was stopped because the program ends */
};

/* ---- end ------------------------------------------------------------------------------------------------------- */

/* Reports the result to the caller and makes the session idle. Takes ownership of @error; NULL means that the answer
 * has ended. */
static void
quern_asking_end (QuernAsking *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  QuernChatSession *session = self->session;

  session->asking = NULL;
  g_cancellable_disconnect (g_task_get_cancellable (task), self->cancel_handler);
  g_clear_handle_id (&self->save_source, g_source_remove);
  if (self->generation)
    g_signal_handlers_disconnect_by_data (self->generation, self);
  g_clear_object (&self->generation);
  g_clear_object (&self->context);
  g_clear_object (&self->question);
  g_clear_object (&self->message);
  g_clear_object (&self->answer);
  g_clear_object (&self->cancellable);
  g_free (self);

  if (error && !g_error_matches (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG))
    quern_chat_session_withdraw (session);
  _quern_chat_session_set_repeating (session, FALSE);
  _quern_chat_session_set_state (session, QUERN_SESSION_IDLE, 0);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* Ends an answer that is part of the conversation. */
static void
quern_asking_end_answer (QuernAsking *self, QuernMessageState state, const char *failure)
{
  if (state == QUERN_MESSAGE_STOPPED && self->interrupted)
    state = QUERN_MESSAGE_INTERRUPTED;
  quern_message_set_in_reasoning (self->answer, FALSE);
  quern_message_set_state (self->answer, state, failure);
  quern_store_save_message (self->session->store, self->answer);
  quern_asking_end (self, NULL);
}

/* ---- generation ------------------------------------------------------------------------------------------------ */

static gboolean
quern_asking_save_cb (gpointer data)
{
  QuernAsking *self = data;
  gboolean reasoning = quern_message_get_in_reasoning (self->answer);
  const char *text = reasoning ? quern_message_get_reasoning (self->answer) : quern_message_get_content (self->answer);
  gsize length = reasoning ? strlen (text) : quern_message_get_content_length (self->answer);

  _quern_chat_session_set_repeating (self->session, !self->may_repeat && quern_repetition_found (text, length));
  if (self->unsaved)
    quern_store_save_message (self->session->store, self->answer);
  self->unsaved = FALSE;
  return G_SOURCE_CONTINUE;
}

static void
quern_asking_note_statistics (QuernAsking *self)
{
  QuernStatistics statistics = *quern_generation_get_statistics (self->generation);

  statistics.load_seconds += self->load_seconds;
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
quern_asking_text_cb (QuernAsking *self, gboolean reasoning, const char *text)
{
  quern_asking_note_statistics (self);
  quern_message_append (self->answer, reasoning, text, -1);
  self->unsaved = TRUE;
}

/* What was there before the answer was continued stays where it is. */
static void
quern_asking_moved_cb (QuernAsking *self, gboolean to_reasoning)
{
  const char *content = quern_message_get_content (self->answer),
             *reasoning = quern_message_get_reasoning (self->answer);
  g_autofree char *kept = to_reasoning ? g_strndup (content, self->content_before)
                                       : g_strndup (reasoning, self->reasoning_before);
  g_autofree char *grown = to_reasoning ? g_strconcat (reasoning, content + self->content_before, NULL)
                                        : g_strconcat (content, reasoning + self->reasoning_before, NULL);

  quern_message_set_text (self->answer, to_reasoning ? kept : grown, to_reasoning ? grown : kept);
  self->unsaved = TRUE;
}

static void
quern_asking_generation_changed_cb (QuernAsking *self)
{
  gboolean reasoning = quern_generation_get_in_reasoning (self->generation);

  quern_message_set_in_reasoning (self->answer, reasoning);
  if (quern_generation_get_phase (self->generation) == QUERN_GENERATION_DECODE)
    _quern_chat_session_set_state (self->session, reasoning ? QUERN_SESSION_THINKING : QUERN_SESSION_ANSWERING, 1);
  else if (quern_generation_get_phase (self->generation) == QUERN_GENERATION_PREFILL)
    _quern_chat_session_set_state (self->session, QUERN_SESSION_PREFILL,
                                   quern_generation_get_progress (self->generation));
  else if (quern_generation_get_phase (self->generation) == QUERN_GENERATION_WAITING)
    _quern_chat_session_set_state (self->session, QUERN_SESSION_WAITING, 0);
}

static void
quern_asking_done_cb (QuernAsking *self)
{
  static const QuernMessageState states[] = {
    [QUERN_STOP_END] = QUERN_MESSAGE_COMPLETE,   [QUERN_STOP_LENGTH] = QUERN_MESSAGE_LENGTH,
    [QUERN_STOP_CONTEXT] = QUERN_MESSAGE_LENGTH, [QUERN_STOP_USER] = QUERN_MESSAGE_STOPPED,
    [QUERN_STOP_FAILED] = QUERN_MESSAGE_FAILED,  [QUERN_STOP_TEXT] = QUERN_MESSAGE_COMPLETE,
  };
  const GError *error = quern_generation_get_error (self->generation);
  QuernStop stop = quern_generation_get_stop (self->generation);
  const char *reason = error ? error->message : NULL;

  quern_asking_note_statistics (self);
  _quern_chat_session_set_note (self->session, quern_generation_get_note (self->generation));
  if (stop == QUERN_STOP_CONTEXT)
    reason = _("The context is full: the model cannot hold more of this conversation.");
  quern_asking_end_answer (self, states[stop], reason);
}

static void
quern_asking_context_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsking *self = user_data;
  g_autoptr (GError) error = NULL;

  self->context = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);
  if (!self->context) {
    gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    quern_asking_end_answer (self, stopped ? QUERN_MESSAGE_STOPPED : QUERN_MESSAGE_FAILED,
                             stopped ? NULL : error->message);
    return;
  }
  if (self->load_began > 0)
    self->load_seconds = (double) (g_get_monotonic_time () - self->load_began) / G_USEC_PER_SEC;
  self->generation = quern_loaded_model_generate (self->context, self->question->request);
  g_signal_connect_swapped (self->generation, "text", G_CALLBACK (quern_asking_text_cb), self);
  g_signal_connect_swapped (self->generation, "moved", G_CALLBACK (quern_asking_moved_cb), self);
  g_signal_connect_swapped (self->generation, "notify", G_CALLBACK (quern_asking_generation_changed_cb), self);
  g_signal_connect_swapped (self->generation, "done", G_CALLBACK (quern_asking_done_cb), self);
  self->save_source = g_timeout_add (SAVE_MS, quern_asking_save_cb, self);
  _quern_chat_session_set_state (self->session,
                                 quern_model_is_remote (self->question->model) ? QUERN_SESSION_WAITING
                                                                               : QUERN_SESSION_PREFILL,
                                 0);
}

static void
quern_asking_load_progress_cb (double fraction, gpointer user_data)
{
  QuernAsking *self = user_data;

  _quern_chat_session_set_state (self->session, QUERN_SESSION_LOADING, fraction);
}

/* ---- commit ---------------------------------------------------------------------------------------------------- */

static void
quern_asking_append (QuernAsking *self, QuernMessage *message, guint siblings)
{
  QuernChatSession *session = self->session;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (session->messages));
  g_autoptr (QuernMessage) last = n ? g_list_model_get_item (G_LIST_MODEL (session->messages), n - 1) : NULL;

  quern_message_set_siblings (message, siblings, siblings + 1);
  quern_store_append_message (session->store, session->conversation, last, message);
  g_list_store_append (session->messages, message);
}

/* Adds the question and the answer to the conversation, which holds them from now on, and loads the model. */
static void
quern_asking_commit (QuernAsking *self)
{
  QuernChatSession *session = self->session;
  QuernQuestion *question = self->question;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (session->messages));
  g_autofree char *title = quern_model_dup_full_title (question->model);
  g_autoptr (QuernLoadedModel) loaded = NULL;
  QuernLoadParams params;

  quern_message_set_model (self->answer, quern_model_get_id (question->model), title);
  quern_message_set_state (self->answer, QUERN_MESSAGE_STREAMING, NULL);
  if (question->kind == QUERN_QUESTION_CONTINUE) {
    quern_store_save_message (session->store, self->answer);
  } else {
    if (question->n_messages < n)
      g_list_store_splice (session->messages, question->n_messages, n - question->n_messages, NULL, 0);
    if (self->message) {
      quern_asking_append (self, self->message, self->message_siblings);
      _quern_chat_session_title_by_question (session, quern_message_get_content (self->message));
      if (!quern_conversation_get_model_id (session->conversation)) /* the conversation keeps this model from now on */
        quern_conversation_set_model_id (session->conversation, quern_model_get_id (question->model));
    }
    quern_asking_append (self, self->answer, self->answer_siblings);
  }
  _quern_chat_session_commit_question (session);

  _quern_chat_session_load_params (session, question->model, &params);
  loaded = quern_backend_find_loaded (session->backend, question->model, &params);
  if (!loaded)
    self->load_began = g_get_monotonic_time ();
  quern_backend_load_async (session->backend, question->model, &params, quern_asking_load_progress_cb, self,
                            self->cancellable, quern_asking_context_loaded_cb, self);
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static void
quern_asking_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsking *self = user_data;
  GError *error = NULL;
  gboolean estimated;
  gssize total = quern_backend_count_finish (QUERN_BACKEND (source), result, &estimated, &error);
  guint size = _quern_chat_session_context_size (self->session, self->question->model);

  if (!error && !g_cancellable_set_error_if_cancelled (self->cancellable, &error)) {
    self->question->needed = (guint) total;
    if (!_quern_chat_session_fits ((guint) total, size))
      g_set_error (&error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
                   estimated
                       ? _("The prompt would have about %u tokens, but the context holds %u. Shorten it, start a new "
                           "conversation, or increase the context length.")
                       : _("The prompt would have %u tokens, but the context holds %u. Shorten it, start a new "
                           "conversation, or increase the context length."),
                   (guint) total, size);
  }
  if (error)
    quern_asking_end (self, error);
  else
    quern_asking_commit (self);
}

static void
quern_asking_request_built_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernAsking *self = user_data;
  QuernQuestion *question = self->question;
  QuernConversation *conversation = self->session->conversation;
  gboolean thinking = quern_message_get_thinking (self->answer);
  GError *error = NULL;
  g_autoptr (QuernRequest) request = quern_excerpt_build_finish (result, &error);
  QuernSampling sampling;

  if (!request) {
    quern_asking_end (self, error);
    return;
  }
  g_clear_pointer (&question->request, quern_request_unref);
  question->request = quern_request_ref (request);
  quern_sampling_init (&sampling, question->model, thinking, quern_request_has_pictures (request),
                       quern_conversation_get_sampling (conversation));
  quern_sampling_apply (&sampling, request);
  quern_request_set_thinking (request, thinking);
  quern_request_set_effort (request, quern_effort_for_model (question->model, quern_message_get_effort (self->answer)));
  if (question->kind == QUERN_QUESTION_CONTINUE)
    quern_request_set_beginning (request, quern_message_get_reasoning (self->answer),
                                 quern_message_get_content (self->answer));
  quern_backend_count_async (self->session->backend, question->model, request, self->cancellable,
                             quern_asking_counted_cb, self);
}

/* ---- begin ----------------------------------------------------------------------------------------------------- */

void
_quern_asking_stop (QuernAsking *self)
{
  g_cancellable_cancel (self->cancellable);
  if (self->generation)
    quern_generation_stop (self->generation);
}

void
_quern_asking_interrupt (QuernAsking *self)
{
  self->interrupted = TRUE;
  _quern_asking_stop (self);
}

static void
quern_asking_cancelled_cb (GCancellable *cancellable, gpointer data)
{
  _quern_asking_stop (data);
}

void
_quern_asking_answer_now (QuernAsking *self)
{
  if (self->generation)
    quern_generation_answer_now (self->generation);
}

void
_quern_asking_let_go_on (QuernAsking *self)
{
  self->may_repeat = TRUE;
  _quern_chat_session_set_repeating (self->session, FALSE);
}

/* Finds the place of the question in the conversation, and makes the messages that are to be added there. */
static void
quern_asking_place (QuernAsking *self)
{
  QuernChatSession *session = self->session;
  QuernQuestion *question = self->question;
  QuernMessage *message = question->message;
  guint position = message ? _quern_chat_session_find (session, message)
                           : g_list_model_get_n_items (G_LIST_MODEL (session->messages));

  question->n_messages = position;
  switch (question->kind) {
  case QUERN_QUESTION_NEW: break;
  case QUERN_QUESTION_EDIT: self->message_siblings = quern_message_get_sibling_count (message); break;
  case QUERN_QUESTION_AGAIN:
    if (quern_message_get_role (message) == QUERN_ROLE_ASSISTANT)
      self->answer_siblings = quern_message_get_sibling_count (message);
    else
      question->n_messages = position + 1;
    break;
  case QUERN_QUESTION_CONTINUE:
    self->answer = g_object_ref (message);
    self->content_before = quern_message_get_content_length (message);
    self->reasoning_before = strlen (quern_message_get_reasoning (message));
    self->before = *quern_message_get_statistics (message);
    break;
  }
  if (_quern_question_is_written (question)) {
    g_autofree char *valid = g_utf8_make_valid (question->text, -1);
    self->message = quern_message_new (QUERN_ROLE_USER, valid);
    for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (question->attachments)); i++) {
      g_autoptr (QuernAttachment) attachment = g_list_model_get_item (G_LIST_MODEL (question->attachments), i);
      quern_message_add_attachment (self->message, attachment);
    }
  } else if (question->n_messages > 0) {
    g_autoptr (QuernMessage) asked = g_list_model_get_item (G_LIST_MODEL (session->messages), question->n_messages - 1);
    quern_question_set_text (question, quern_message_get_content (asked));
    g_list_store_remove_all (question->attachments);
    _quern_question_prepend_attachments (question, quern_message_get_attachments (asked));
  }
  if (self->answer)
    return;
  self->answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  quern_message_set_thinking (self->answer, _quern_chat_session_thinks (session, question->model));
  quern_message_set_effort (self->answer, quern_effort_for_model (question->model, quern_conversation_get_effort (
                                                                                       session->conversation)));
}

/**
 * quern_chat_session_ask_async:
 * @question: that of quern_chat_session_get_question() or quern_chat_session_get_refused(), or one that is to be
 *   answered again or continued
 *
 * Asks it. What followed an edited question or an answer that is made again stays with the old one, as a sibling.
 * Completes when the answer has ended in any way: see its state.
 *
 * If asking fails, nothing is added to the conversation, and the question is still there: with
 * %QUERN_CHAT_ERROR_TOO_LONG quern_chat_session_get_refused() has it until somebody decides; otherwise
 * quern_chat_session_get_question() has it as before. If the model cannot be loaded, the answer is added as a failed one,
 * which can be made again. Cancelling stops the answer.
 */
void
quern_chat_session_ask_async (QuernChatSession *session, QuernQuestion *question, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (QuernExcerpt) excerpt = NULL;
  QuernCapabilities can;
  QuernAsking *self;

  g_return_if_fail (QUERN_IS_CHAT_SESSION (session));
  g_return_if_fail (QUERN_IS_QUESTION (question));

  task = g_task_new (session, cancellable, callback, user_data);
  if (session->asking) {
    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_BUSY, "%s",
                             _("Wait until the current answer is complete, or stop "
                               "it."));
    return;
  }
  if (!question->model && !session->model) {
    g_autofree char *missing = quern_chat_session_dup_missing (session, NULL);

    g_task_return_new_error (task, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL, "%s",
                             missing ? missing : _("This conversation has no model. Choose one."));
    return;
  }
  self = g_new0 (QuernAsking, 1);
  self->session = session;
  self->question = g_object_ref (question);
  self->cancellable = g_cancellable_new ();
  if (!question->model)
    question->model = g_object_ref (session->model);
  _quern_chat_session_stop_title (session);
  _quern_chat_session_take_question (session, question);
  session->asking = self;
  quern_asking_place (self);
  excerpt = _quern_chat_session_excerpt (session, quern_conversation_get_system_prompt (session->conversation),
                                         _quern_chat_session_start (session, question->n_messages),
                                         question->n_messages);
  if (self->message)
    quern_excerpt_add_question (excerpt, quern_message_get_content (self->message),
                                G_LIST_MODEL (question->attachments));
  self->task = g_steal_pointer (&task);
  _quern_chat_session_set_state (session, QUERN_SESSION_LOADING, 0);
  _quern_chat_session_set_note (session, NULL);
  can = quern_backend_get_capabilities (session->backend, question->model);
  if (quern_excerpt_has_pictures (excerpt) && !(can & QUERN_CAN_SEE)) {
    g_autoptr (GError) refusal = NULL;
    quern_inference_refuse_pictures (question->model, &refusal);
    quern_asking_end (self, g_error_new_literal (QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_VISION, refusal->message));
    return;
  }
  if (question->kind == QUERN_QUESTION_CONTINUE && !(can & QUERN_CAN_CONTINUE)) {
    quern_asking_end (self, g_error_new (QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_CANNOT_CONTINUE,
                                         _("“%s” cannot continue an answer. Generate it again instead."),
                                         quern_model_get_place (question->model)));
    return;
  }
  if (cancellable)
    self->cancel_handler = g_cancellable_connect (cancellable, G_CALLBACK (quern_asking_cancelled_cb), self, NULL);
  quern_excerpt_build_async (g_steal_pointer (&excerpt), self->cancellable, quern_asking_request_built_cb, self);
}

/**
 * quern_chat_session_ask_finish:
 *
 * Returns: whether there is an answer, however it ended (see its state); %FALSE when nothing was sent
 */
gboolean
quern_chat_session_ask_finish (QuernChatSession *session, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
