/* SPDX-License-Identifier: GPL-3.0-or-later */

/* An answer of a server, as a generation like any other:
 *
 *   asked -> call made on a thread (pictures are encoded) -> sent -> waiting -> prompt read -> text -> done
 *                                                      ^        |
 *                                                      +--------+ while the server is loading its model
 */

#include "config.h"

#include "quern-remote-private.h"

#include <glib/gi18n-lib.h>

#include "quern-backend.h"
#include "quern-generation-private.h"
#include "quern-remote-backend.h"
#include "quern-request.h"
#include "quern-served-models.h"
#include "quern-server-answer.h"

static guint patience_milliseconds = 2000;

void
_quern_remote_set_patience (guint milliseconds)
{
  patience_milliseconds = milliseconds;
}

struct _QuernRemoteModel {
  QuernLoadedModel parent_instance;

  /* What other threads need of the server, which belongs to one. */
  QuernServerAccess *access;
  char *api;
  gboolean scores; /* it tells what its models think of a given text */
};

G_DEFINE_FINAL_TYPE (QuernRemoteModel, quern_remote_model, QUERN_TYPE_LOADED_MODEL)

/* One request that is being carried out, from asking to the end. Only the thread that asked uses it. */
typedef struct {
  QuernModel *model;
  QuernRequest *request;
  QuernGeneration *generation;
  QuernServerCall *call;
  QuernServerAnswer *answer; /* NULL before it is sent, and while the server is loading */
  GSource *again;            /* asks once more, while the server is loading */
  QuernStatistics statistics;
  gint64 loading_since, sent_at;  /* monotonic time; 0: it was not loading, or not sent yet */
  gint64 reasoning_at, answer_at; /* monotonic time of the first of each; 0: none came */
} QuernRemoteRun;

static void quern_remote_run_ask (QuernRemoteRun *self);

static double
seconds_between (gint64 from, gint64 to)
{
  return (double) (to - from) / G_USEC_PER_SEC;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Takes the error. */
static void
quern_remote_run_end (QuernRemoteRun *self, QuernStop stop, GError *error)
{
  _quern_generation_finish (self->generation, stop, &self->statistics, error);
  if (self->answer != NULL)
    g_signal_handlers_disconnect_by_data (self->answer, self);
  if (self->again != NULL)
    g_source_destroy (self->again);
  g_clear_pointer (&self->again, g_source_unref);
  g_clear_object (&self->answer);
  g_clear_pointer (&self->call, quern_server_call_free);
  g_clear_pointer (&self->request, quern_request_unref);
  g_clear_object (&self->generation);
  g_clear_object (&self->model);
  g_free (self);
}

/* What the server told, and where it told nothing what was seen from here. */
static void
quern_remote_run_note_statistics (QuernRemoteRun *self)
{
  const QuernAnswerUsage *usage = quern_server_answer_get_usage (self->answer);
  QuernStatistics *s = &self->statistics;
  gint64 now = g_get_monotonic_time (), began = self->reasoning_at > 0 ? self->reasoning_at : self->answer_at;

  s->prompt_tokens = usage->prompt_tokens;
  s->reused_tokens = MIN (usage->reused_tokens, usage->prompt_tokens);
  s->evaluated_tokens = s->prompt_tokens - s->reused_tokens;
  s->answer_tokens = usage->answer_tokens;
  s->reasoning_tokens = usage->reasoning_tokens;
  s->load_seconds = usage->load_seconds;
  if (self->loading_since > 0)
    s->load_seconds += seconds_between (self->loading_since, self->sent_at);
  s->prefill_seconds = usage->prefill_seconds;
  s->first_token_seconds = quern_server_answer_get_first_seconds (self->answer);
  s->decode_seconds = usage->decode_seconds > 0 ? usage->decode_seconds : began > 0 ? seconds_between (began, now) : 0;
  if (self->reasoning_at > 0)
    s->reasoning_seconds = seconds_between (self->reasoning_at, self->answer_at > 0 ? self->answer_at : now);
  if (self->request->has_sampler && (self->request->chosen & QUERN_CHOSE_SEED))
    s->seed = self->request->sampler.seed;
}

static gboolean
quern_remote_run_again_cb (gpointer user_data)
{
  QuernRemoteRun *self = user_data;

  g_clear_pointer (&self->again, g_source_unref);
  quern_remote_run_ask (self);
  return G_SOURCE_REMOVE;
}

/* The server is loading its model, which takes minutes: nothing was lost, so the same is asked again until it is there. */
static void
quern_remote_run_wait (QuernRemoteRun *self)
{
  gint64 told = quern_server_answer_get_retry_after (self->answer);

  if (self->loading_since == 0)
    self->loading_since = self->sent_at;
  g_signal_handlers_disconnect_by_data (self->answer, self);
  g_clear_object (&self->answer);
  _quern_generation_set_phase (self->generation, QUERN_GENERATION_WAITING);
  self->again = g_timeout_source_new (MAX (patience_milliseconds, (guint) CLAMP (told, 0, 60) * 1000));
  g_source_set_callback (self->again, quern_remote_run_again_cb, self, NULL);
  g_source_attach (self->again, g_main_context_get_thread_default ());
}

static void
quern_remote_run_done_cb (QuernRemoteRun *self)
{
  const GError *error = quern_server_answer_get_error (self->answer);
  guint limit = self->request->max_tokens;
  QuernStop stop = QUERN_STOP_FAILED;

  if (g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_LOADING) && self->reasoning_at == 0
      && self->answer_at == 0) {
    quern_remote_run_wait (self);
    return;
  }
  quern_remote_run_note_statistics (self);
  switch (quern_server_answer_get_stop (self->answer)) {
  case QUERN_SERVER_STOP_END: stop = QUERN_STOP_END; break;
  case QUERN_SERVER_STOP_USER: stop = QUERN_STOP_USER; break;
  case QUERN_SERVER_STOP_LENGTH: /* servers have one word for both */
    stop = limit == 0 || (self->statistics.answer_tokens > 0 && self->statistics.answer_tokens < limit)
               ? QUERN_STOP_CONTEXT
               : QUERN_STOP_LENGTH;
    break;
  case QUERN_SERVER_STOP_FAILED:
  default: break;
  }
  if (quern_server_answer_get_ignored_switch (self->answer))
    _quern_generation_set_note (self->generation,
                                _("The model was thinking although thinking is turned off. This server "
                                  "ignores the setting."));
  else if (quern_server_answer_get_only_reasoned (self->answer))
    _quern_generation_set_note (self->generation, _("The server sent the answer as reasoning."));
  quern_remote_run_end (self, stop, error != NULL ? g_error_copy (error) : NULL);
}

/* ---- what comes ------------------------------------------------------------------------------------------------ */

static void
quern_remote_run_text_cb (QuernRemoteRun *self, gboolean reasoning, const char *text)
{
  gint64 *at = reasoning ? &self->reasoning_at : &self->answer_at;

  if (*at == 0)
    *at = g_get_monotonic_time ();
  _quern_generation_add_text (self->generation, reasoning, text, strlen (text));
  _quern_generation_set_in_reasoning (self->generation, reasoning);
}

static void
quern_remote_run_moved_cb (QuernRemoteRun *self, gboolean to_reasoning)
{
  if (to_reasoning) {
    self->reasoning_at = self->reasoning_at > 0 ? self->reasoning_at : self->answer_at;
    self->answer_at = 0;
  } else {
    self->answer_at = self->answer_at > 0 ? self->answer_at : self->reasoning_at;
    self->reasoning_at = 0;
  }
  _quern_generation_move_text (self->generation, to_reasoning);
}

static void
quern_remote_run_phase_cb (QuernRemoteRun *self)
{
  switch (quern_server_answer_get_phase (self->answer)) {
  case QUERN_SERVER_ANSWER_READING:
    _quern_generation_set_progress (self->generation, quern_server_answer_get_progress (self->answer));
    _quern_generation_set_phase (self->generation, QUERN_GENERATION_PREFILL);
    break;
  case QUERN_SERVER_ANSWER_WRITING: _quern_generation_set_phase (self->generation, QUERN_GENERATION_DECODE); break;
  case QUERN_SERVER_ANSWER_WAITING:
  case QUERN_SERVER_ANSWER_DONE:
  default: break;
  }
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

/* Somebody wants it to stop, or to answer now. */
static gboolean
quern_remote_run_wake_cb (gpointer user_data)
{
  QuernRemoteRun *self = user_data;

  if (_quern_generation_take_answer_now (self->generation) && self->answer != NULL)
    quern_server_answer_end_thinking (self->answer);
  if (!_quern_generation_wants_stop (self->generation))
    return G_SOURCE_REMOVE;
  if (self->answer != NULL)
    quern_server_answer_stop (self->answer);
  else if (self->again != NULL)
    quern_remote_run_end (self, QUERN_STOP_USER, NULL);
  return G_SOURCE_REMOVE; /* while the call is made, its end looks after the wish */
}

static void
quern_remote_run_ask (QuernRemoteRun *self)
{
  self->sent_at = g_get_monotonic_time ();
  self->answer = quern_server_ask (quern_served_model_get_server (self->model), self->call);
  g_signal_connect_swapped (self->answer, "text", G_CALLBACK (quern_remote_run_text_cb), self);
  g_signal_connect_swapped (self->answer, "moved", G_CALLBACK (quern_remote_run_moved_cb), self);
  g_signal_connect_swapped (self->answer, "notify", G_CALLBACK (quern_remote_run_phase_cb), self);
  g_signal_connect_swapped (self->answer, "done", G_CALLBACK (quern_remote_run_done_cb), self);
}

typedef struct {
  QuernModel *model;
  QuernRequest *request;
  QuernServerModel *facts;
  guint context_size;
} Making;

static void
making_free (gpointer data)
{
  Making *making = data;

  g_object_unref (making->model);
  quern_request_unref (making->request);
  quern_server_model_unref (making->facts);
  g_free (making);
}

static void
make_call_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Making *making = data;
  GError *error = NULL;
  QuernServerCall *call = _quern_remote_call_new (making->request, making->model, making->facts, making->context_size,
                                                  TRUE, &error);

  if (call != NULL)
    g_task_return_pointer (task, call, (GDestroyNotify) quern_server_call_free);
  else
    g_task_return_error (task, error);
}

static void
call_made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernRemoteRun *self = user_data;
  GError *error = NULL;

  self->call = g_task_propagate_pointer (G_TASK (result), &error);
  if (self->call == NULL)
    quern_remote_run_end (self, QUERN_STOP_FAILED, error);
  else if (_quern_generation_wants_stop (self->generation))
    quern_remote_run_end (self, QUERN_STOP_USER, NULL);
  else
    quern_remote_run_ask (self);
}

/* Whether the server can do what is asked. */
static gboolean
check_request (QuernModel *model, const QuernRequest *request, GError **error)
{
  const QuernServerTraits *traits = quern_server_get_traits (quern_served_model_get_server (model));
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (request);
  const char *place = quern_model_get_place (model);

  if (pictures->len > 0 && !quern_model_can_see (model))
    return quern_inference_refuse_pictures (model, error);
  if (request->tokens != NULL || request->filler >= 0)
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED,
                 _("Only models on this computer can be given single tokens, but “%s” is on “%s”."),
                 quern_model_get_title (model), place);
  else if ((request->begun_reasoning != NULL || request->begun_answer != NULL) && !traits->continues)
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED,
                 _("“%s” cannot continue an answer. Generate it again instead."), place);
  else if (request->schema != NULL && !traits->schema)
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED,
                 _("“%s” is not known to follow JSON schemas. Choose another model, or ask without a schema."), place);
  else
    return TRUE;
  return FALSE;
}

static QuernGeneration *
quern_remote_model_generate (QuernLoadedModel *loaded, QuernRequest *request)
{
  QuernModel *model = quern_loaded_model_get_model (loaded);
  g_autoptr (QuernServerModel) facts = quern_served_model_dup_facts (model);
  QuernRemoteRun *self = g_new0 (QuernRemoteRun, 1);
  QuernGeneration *generation = _quern_generation_new ();
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  Making *making;

  *self = (QuernRemoteRun) { .model = g_object_ref (model),
                             .request = quern_request_ref (request),
                             .generation = g_object_ref (generation) };
  if (facts == NULL)
    g_set_error (&error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_MODEL,
                 _("“%s” does not have the model “%s” any more. Choose another one."), quern_model_get_place (model),
                 quern_model_get_title (model));
  if (facts == NULL || !check_request (model, request, &error)) {
    quern_remote_run_end (self, QUERN_STOP_FAILED, error);
    return generation;
  }
  _quern_generation_set_wake (generation, quern_remote_run_wake_cb, self);
  _quern_generation_set_phase (generation, QUERN_GENERATION_WAITING);
  making = g_new (Making, 1);
  *making = (Making) { g_object_ref (model), quern_request_ref (request), g_steal_pointer (&facts),
                       quern_loaded_model_get_context_size (loaded) };
  task = g_task_new (loaded, NULL, call_made_cb, self);
  g_task_set_task_data (task, making, making_free);
  g_task_run_in_thread (task, make_call_worker);
  return generation;
}

static void
score_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernRemoteModel *self = source;
  const char *name = quern_model_get_name (quern_loaded_model_get_model (source));
  const QuernScoring *scoring = data;
  GError *error = NULL;

  if (scoring->stopped (scoring->data))
    g_task_return_new_error_literal (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The measurement was stopped."));
  else if (_quern_server_score (self->access, self->api, name, scoring, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
quern_remote_model_score (QuernLoadedModel *loaded, const QuernScoring *scoring, GTask *task)
{
  GError *error = NULL;

  if (QUERN_REMOTE_MODEL (loaded)->scores && scoring->told != NULL) {
    g_task_set_task_data (task, (gpointer) scoring, NULL);
    g_task_run_in_thread (task, score_worker);
  } else {
    quern_inference_refuse_scores (quern_loaded_model_get_model (loaded), &error);
    g_task_return_error (task, error);
  }
  g_object_unref (task);
}

/* @context_size: in tokens; 0: not told */
QuernRemoteModel *
_quern_remote_model_new (QuernModel *model, guint context_size)
{
  QuernRemoteModel *self = g_object_new (QUERN_TYPE_REMOTE_MODEL, NULL);
  QuernServer *server = quern_served_model_get_server (model);

  self->access = _quern_server_access_ref (_quern_server_get_access (server));
  self->api = g_strdup (_quern_server_get_api (server));
  self->scores = quern_server_get_traits (server)->prompt_scores;
  _quern_loaded_model_set_facts (QUERN_LOADED_MODEL (self), model, context_size, 0);
  return self;
}

static void
quern_remote_model_finalize (GObject *object)
{
  QuernRemoteModel *self = QUERN_REMOTE_MODEL (object);

  _quern_server_access_unref (self->access);
  g_free (self->api);
  G_OBJECT_CLASS (quern_remote_model_parent_class)->finalize (object);
}

static void
quern_remote_model_class_init (QuernRemoteModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_remote_model_finalize;
  QUERN_LOADED_MODEL_CLASS (klass)->generate = quern_remote_model_generate;
  QUERN_LOADED_MODEL_CLASS (klass)->score = quern_remote_model_score;
}

static void
quern_remote_model_init (QuernRemoteModel *self)
{
}
