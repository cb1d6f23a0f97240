/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-private.h"

#include <string.h>

#include "quern-json-util.h"

/* What programs ask of models: read on a worker thread, then carried out, the programs by turns. Each model has a few contexts
 * side by side ("lanes", beside the window's own), so that two programs that ask by turns do not make each other's prompts be
 * read again: a conversation goes on in the lane where it is. Requests of one model are carried out at the same time, one in
 * each lane, because that takes hardly longer than one alone; another model has its turn when these are done. */

#define LONGEST_RETRY 300

/* ---- lanes ----------------------------------------------------------------------------------------------------- */

typedef struct {
  char *path;          /* of the model's file */
  guint number;        /* from 1 */
  GArray *fingerprint; /* of what it read last */
  gint64 used;         /* number of the job that used it last */
  gboolean taken;      /* by a job that is being carried out */
} Lane;

static void
lane_free (gpointer data)
{
  Lane *lane = data;

  g_free (lane->path);
  g_array_unref (lane->fingerprint);
  g_free (lane);
}

/* How many of the numbers agree from the beginning. */
static guint
common_length (const GArray *a, const GArray *b)
{
  guint n = 0;

  while (n < a->len && n < b->len && g_array_index (a, guint64, n) == g_array_index (b, guint64, n))
    n++;
  return n;
}

/* ---- the queue ------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernServiceQueue *queue;
  QuernAnswer answer;
  QuernRequest *request;
  GArray *fingerprint;
  QuernRefusal *refusal;     /* what reading it found wrong */
  GCancellable *cancellable; /* of loading */
  Lane *lane;
  gint64 began_at; /* monotonic: when it was taken out of those that waited */
  gboolean modest; /* it is being loaded without letting go of anything */
  gboolean left;   /* the client is gone */
  gboolean read;   /* the worker thread is done with it */
} Job;

struct _QuernServiceQueue {
  QuernServiceCore *core;
  GPtrArray *lanes;
  GQueue waiting;    /* of Job, in the order in which they came */
  GQueue running;    /* of Job, all of one model */
  GHashTable *turns; /* of clients: the number of the job that was last carried out for each */
  gint64 n_jobs;
  double seconds; /* that a job takes, a moving average */
};

static void quern_service_queue_next (QuernServiceQueue *self);
static void job_load (Job *job);

static void
job_free (Job *job)
{
  QuernAnswer *answer = &job->answer;
  QuernServiceQueue *queue = job->queue;

  if (answer->generation)
    g_signal_handlers_disconnect_by_data (answer->generation, job);
  if (answer->data && answer->dialect->free_data)
    answer->dialect->free_data (answer->data);
  answer->exchange->gone = answer->exchange->idle = NULL;
  quern_exchange_unref (answer->exchange);
  quern_service_call_free (answer->call);
  g_clear_object (&answer->model);
  g_clear_object (&answer->loaded);
  g_clear_object (&answer->generation);
  g_free (answer->id);
  g_string_free (answer->reasoning, TRUE);
  g_string_free (answer->text, TRUE);
  g_clear_pointer (&job->request, quern_request_unref);
  g_clear_pointer (&job->fingerprint, g_array_unref);
  quern_refusal_free (job->refusal);
  g_object_unref (job->cancellable);
  g_free (job);
  queue->core->n_busy--;
}

static void
job_refuse (Job *job, const QuernRefusal *refusal)
{
  quern_exchange_refuse (job->answer.exchange, refusal);
}

static void
job_refuse_error (Job *job, const GError *error)
{
  g_autoptr (QuernRefusal) refusal = quern_refusal_new_from_error (error);
  const QuernStatistics *statistics = job->answer.generation ? quern_generation_get_statistics (job->answer.generation)
                                                             : NULL;

  if (statistics && g_error_matches (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_CONTEXT_FULL)) {
    refusal->prompt_tokens = statistics->prompt_tokens;
    refusal->context_size = quern_loaded_model_get_context_size (job->answer.loaded);
  }
  job_refuse (job, refusal);
}

/* ---- generating ------------------------------------------------------------------------------------------------ */

static void
job_begin_stream (Job *job)
{
  QuernAnswer *answer = &job->answer;

  quern_exchange_begin_stream (answer->exchange, answer->dialect->form);
  if (answer->begun)
    return;
  answer->begun = TRUE;
  answer->dialect->begin (answer);
}

static void
job_text_cb (Job *job, gboolean reasoning, const char *text)
{
  QuernAnswer *answer = &job->answer;

  g_string_append (reasoning ? answer->reasoning : answer->text, text);
  if (!answer->call->stream)
    return;
  job_begin_stream (job);
  answer->dialect->text (answer, reasoning, text);
}

static void
job_call_cb (Job *job, guint number, const char *arguments)
{
  QuernAnswer *answer = &job->answer;

  if (!answer->call->stream || !answer->dialect->tool)
    return;
  job_begin_stream (job);
  answer->dialect->tool (answer, number, arguments);
}

static void
job_phase_cb (Job *job)
{
  QuernGenerationPhase phase = quern_generation_get_phase (job->answer.generation);

  if (phase == QUERN_GENERATION_PREFILL || phase == QUERN_GENERATION_DECODE)
    quern_service_core_set_state (job->queue->core, job->answer.exchange,
                                  phase == QUERN_GENERATION_DECODE ? "writing" : "reading");
}

static void
job_progress_cb (Job *job)
{
  QuernAnswer *answer = &job->answer;

  if (!answer->call->stream || !answer->call->progress || !answer->dialect->progress
      || quern_generation_get_phase (answer->generation) != QUERN_GENERATION_PREFILL)
    return;
  job_begin_stream (job);
  answer->dialect->progress (answer, quern_generation_get_progress (answer->generation));
}

static gboolean
quern_service_queue_is_running_for (QuernServiceQueue *self, const char *client)
{
  gboolean any = FALSE;

  for (GList *l = self->running.head; l; l = l->next)
    any |= g_str_equal (((Job *) l->data)->answer.exchange->client, client);
  return any;
}

/* A running job is over, however it ended. */
static void
job_finish (Job *job)
{
  QuernServiceQueue *self = job->queue;
  double seconds = (double) (g_get_monotonic_time () - job->began_at) / G_USEC_PER_SEC;

  self->seconds = self->seconds > 0 ? 0.7 * self->seconds + 0.3 * seconds : seconds;
  g_queue_remove (&self->running, job);
  if (job->lane)
    job->lane->taken = FALSE;
  if (!quern_service_queue_is_running_for (self, job->answer.exchange->client))
    quern_service_core_set_state (self->core, job->answer.exchange, "idle");
  job_free (job);
  quern_service_queue_next (self);
}

static void
job_done_cb (Job *job)
{
  QuernAnswer *answer = &job->answer;
  const GError *error = quern_generation_get_error (answer->generation);
  const QuernStatistics *statistics = quern_generation_get_statistics (answer->generation);

  quern_service_core_get_client (job->queue->core, answer->exchange)->n_tokens += statistics->answer_tokens;
  if (quern_generation_get_stop (answer->generation) == QUERN_STOP_FAILED) {
    job_refuse_error (job, error);
  } else if (quern_generation_get_stop (answer->generation) == QUERN_STOP_USER) {
    g_autoptr (QuernRefusal) refusal = quern_refusal_new (503, NULL, NULL, "Quern’s server was switched off.");
    job_refuse (job, refusal);
  } else {
    if (answer->call->stream)
      job_begin_stream (job);
    answer->dialect->end (answer);
  }
  job_finish (job);
}

static void
job_generate (Job *job)
{
  QuernAnswer *answer = &job->answer;

  answer->generation = quern_loaded_model_generate (answer->loaded, job->request);
  g_signal_connect_swapped (answer->generation, "text", G_CALLBACK (job_text_cb), job);
  g_signal_connect_swapped (answer->generation, "call", G_CALLBACK (job_call_cb), job);
  g_signal_connect_swapped (answer->generation, "notify::phase", G_CALLBACK (job_phase_cb), job);
  g_signal_connect_swapped (answer->generation, "notify::progress", G_CALLBACK (job_progress_cb), job);
  g_signal_connect_swapped (answer->generation, "done", G_CALLBACK (job_done_cb), job);
  if (job->left)
    quern_generation_stop (answer->generation);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static QuernLoadedModel *
quern_service_queue_find_lane (QuernServiceQueue *self, QuernModel *model, guint number)
{
  const QuernLoadParams params = { .context_size = quern_service_core_get_context_size (self->core, model),
                                   .lane = number };

  return quern_backend_find_loaded (self->core->backend, model, &params);
}

/* Forgets lanes whose contexts the backend has let go of. */
static void
quern_service_queue_look_at_lanes (QuernServiceQueue *self, QuernModel *model)
{
  for (guint i = self->lanes->len; i > 0; i--) {
    const Lane *lane = self->lanes->pdata[i - 1];
    g_autoptr (QuernLoadedModel) loaded = NULL;
    if (lane->taken || !g_str_equal (lane->path, quern_model_get_path (model)))
      continue;
    loaded = quern_service_queue_find_lane (self, model, lane->number);
    if (!loaded)
      g_ptr_array_remove_index (self->lanes, i - 1);
  }
}

/* Returns the lane where the job's conversation is (all that the lane has read is its beginning), or, if @any, the one that
 * has most of its beginning, and of several the one that was not used for the longest time. NULL if none is free. */
static Lane *
quern_service_queue_best_lane (QuernServiceQueue *self, const Job *job, gboolean any)
{
  const char *path = quern_model_get_path (job->answer.model);
  Lane *best = NULL;
  guint best_length = 0;

  for (guint i = 0; i < self->lanes->len; i++) {
    Lane *lane = self->lanes->pdata[i];
    guint length = common_length (lane->fingerprint, job->fingerprint);
    if (lane->taken || !g_str_equal (lane->path, path) || (!any && length < lane->fingerprint->len))
      continue;
    if (!best || length > best_length || (length == best_length && lane->used < best->used)) {
      best = lane;
      best_length = length;
    }
  }
  return best;
}

/* Returns a new lane of the model's, or NULL if it has as many as it may have. */
static Lane *
quern_service_queue_add_lane (QuernServiceQueue *self, QuernModel *model)
{
  const char *path = quern_model_get_path (model);
  guint64 taken = 0;
  guint number = 1;
  Lane *lane;

  for (guint i = 0; i < self->lanes->len; i++) {
    const Lane *other = self->lanes->pdata[i];
    if (g_str_equal (other->path, path))
      taken |= G_GUINT64_CONSTANT (1) << MIN (other->number, 63);
  }
  while (taken & G_GUINT64_CONSTANT (1) << number)
    number++;
  if (number > MIN (self->core->most_contexts, 62))
    return NULL;
  lane = g_new0 (Lane, 1);
  *lane = (Lane) { g_strdup (path), number, g_array_new (FALSE, FALSE, sizeof (guint64)) };
  g_ptr_array_add (self->lanes, lane);
  return lane;
}

/* A lane more, beside those that there are, is only made where memory allows it. Returns FALSE if no lane can be had now. */
static gboolean
job_choose_lane (Job *job)
{
  QuernServiceQueue *self = job->queue;
  const Lane *other;

  quern_service_queue_look_at_lanes (self, job->answer.model);
  job->lane = quern_service_queue_best_lane (self, job, FALSE);
  if (!job->lane) {
    other = quern_service_queue_best_lane (self, job, TRUE);
    job->lane = quern_service_queue_add_lane (self, job->answer.model);
    job->modest = job->lane && (other || self->running.length > 0);
    if (!job->lane)
      job->lane = (Lane *) other;
  }
  if (job->lane)
    job->lane->taken = TRUE;
  return job->lane != NULL;
}

static void
job_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = data;
  QuernServiceQueue *self = job->queue;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernLoadedModel) loaded = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);

  if (loaded) {
    job->answer.loaded = g_steal_pointer (&loaded);
    g_array_unref (job->lane->fingerprint);
    job->lane->fingerprint = g_array_ref (job->fingerprint);
    job->lane->used = self->n_jobs;
    job_generate (job);
    return;
  }
  g_ptr_array_remove (self->lanes, g_steal_pointer (&job->lane));
  if (g_error_matches (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY)) {
    if (job->modest) {
      job->lane = quern_service_queue_best_lane (self, job, TRUE);
      if (!job->lane && self->running.length > 1) { /* it waits for a lane of the others */
        g_queue_remove (&self->running, job);
        g_queue_push_head (&self->waiting, job);
        quern_service_core_set_state (self->core, job->answer.exchange, "waiting");
        return;
      }
    } else if (quern_service_core_shrink_context (self->core, job->answer.model))
      job->lane = quern_service_queue_add_lane (self, job->answer.model);
    job->modest = FALSE;
  }
  if (job->lane) {
    job->lane->taken = TRUE;
    job_load (job);
    return;
  }
  job_refuse_error (job, error);
  job_finish (job);
}

static void
job_load (Job *job)
{
  QuernServiceCore *core = job->queue->core;
  const QuernLoadParams params = {
    .context_size = quern_service_core_get_context_size (core, job->answer.model),
    .lane = job->lane->number,
    .modest = job->modest,
  };

  quern_backend_load_async (core->backend, job->answer.model, &params, NULL, NULL, job->cancellable, job_loaded_cb,
                            job);
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------ */

static gint64
last_turn (QuernServiceQueue *self, const Job *job)
{
  const gint64 *turn = g_hash_table_lookup (self->turns, job->answer.exchange->client);

  return turn ? *turn : 0;
}

/* Whether the job can be carried out beside those that are. */
static gboolean
job_fits (Job *job)
{
  const Job *other = g_queue_peek_head (&job->queue->running);

  return (!other || g_str_equal (quern_model_get_path (other->answer.model), quern_model_get_path (job->answer.model)))
         && job_choose_lane (job);
}

/* Starts the next job, if it can begin now: of the client whose last turn is the longest ago, the one that came first. Returns
 * FALSE if it waits, and all others behind it. */
static gboolean
quern_service_queue_start (QuernServiceQueue *self)
{
  GList *next = self->waiting.head;
  QuernServiceClientFacts *facts;
  Job *job;

  for (GList *l = next ? next->next : NULL; l; l = l->next)
    if (last_turn (self, l->data) < last_turn (self, next->data))
      next = l;
  if (!next || !job_fits (next->data))
    return FALSE;
  job = next->data;
  job->began_at = g_get_monotonic_time ();
  g_queue_unlink (&self->waiting, next);
  g_queue_push_tail_link (&self->running, next);
  if (g_hash_table_size (self->turns) > 1000)
    g_hash_table_remove_all (self->turns);
  self->n_jobs++;
  g_hash_table_replace (self->turns, g_strdup (job->answer.exchange->client),
                        g_memdup2 (&self->n_jobs, sizeof self->n_jobs));
  facts = quern_service_core_get_client (self->core, job->answer.exchange);
  facts->n_requests++;
  g_set_str (&facts->model, quern_model_get_id (job->answer.model));
  quern_service_core_set_state (self->core, job->answer.exchange, "loading");
  job_load (job);
  return TRUE;
}

static void
quern_service_queue_next (QuernServiceQueue *self)
{
  while (quern_service_queue_start (self))
    ;
}

/* The client is gone: what runs for it stops, what waits is dropped. */
static void
job_gone_cb (gpointer data)
{
  Job *job = data;
  QuernServiceQueue *self = job->queue;

  job->left = TRUE;
  g_cancellable_cancel (job->cancellable);
  if (job->answer.generation)
    quern_generation_stop (job->answer.generation);
  if (g_queue_remove (&self->waiting, job)) {
    quern_service_core_set_state (self->core, job->answer.exchange, "idle");
    job_free (job);
  }
}

/* Nothing was sent for a while. */
static void
job_idle_cb (gpointer data)
{
  Job *job = data;

  if (job->read && job->answer.call->stream)
    quern_exchange_ping (job->answer.exchange, job->answer.dialect->form);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
job_read_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  QuernAnswer *answer = &job->answer;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *body = quern_fields_parse (answer->exchange->body, parser, &job->refusal);

  if (body && answer->dialect->read (answer->call, body, &job->refusal))
    answer->model = quern_service_core_find_model (job->queue->core, answer->call->model, &job->refusal);
  if (answer->model)
    job->request = quern_service_call_make_request (answer->call, answer->model, &job->refusal);
  if (job->request)
    job->fingerprint = quern_service_call_fingerprint (answer->call);
  g_task_return_boolean (task, TRUE);
}

static void
quern_service_queue_refuse_full (QuernServiceQueue *self, Job *job)
{
  g_autoptr (QuernRefusal)
      refusal = quern_refusal_new (429, "queue_full", NULL, "%u requests are waiting already. Try again later.",
                                   self->waiting.length);

  refusal->retry_after = (guint) CLAMP (self->seconds * self->waiting.length / 2, 1, LONGEST_RETRY);
  job_refuse (job, refusal);
}

static void
job_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = data;
  QuernServiceQueue *self = job->queue;

  job->read = TRUE;
  g_clear_pointer (&job->answer.exchange->body, g_bytes_unref); /* which the call now has what it needs of */
  if (job->refusal)
    job_refuse (job, job->refusal);
  else if (!job->left && self->waiting.length >= self->core->most_waiting)
    quern_service_queue_refuse_full (self, job);
  else if (!job->left && !self->core->stopping) {
    g_queue_push_tail (&self->waiting, job);
    quern_service_core_set_state (self->core, job->answer.exchange, "waiting");
    quern_service_queue_next (self);
    return;
  }
  job_free (job);
}

static char *
random_id (void)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  char *id = g_malloc0 (25);

  for (guint i = 0; i < 24; i++)
    id[i] = letters[g_random_int_range (0, sizeof letters - 1)];
  return id;
}

/**
 * quern_service_queue_take:
 *
 * Takes an exchange that a model is to answer.
 */
void
quern_service_queue_take (QuernServiceQueue *self, QuernExchange *exchange)
{
  Job *job = g_new0 (Job, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, job_read_cb, job);

  job->queue = self;
  job->cancellable = g_cancellable_new ();
  job->answer = (QuernAnswer) { .dialect = exchange->endpoint->dialect,
                                .exchange = quern_exchange_ref (exchange),
                                .call = quern_service_call_new (),
                                .id = random_id (),
                                .created = g_get_real_time () / G_USEC_PER_SEC,
                                .reasoning = g_string_new (NULL),
                                .text = g_string_new (NULL) };
  exchange->gone = job_gone_cb;
  exchange->idle = job_idle_cb;
  exchange->work = job;
  self->core->n_busy++;
  g_task_set_task_data (task, job, NULL);
  g_task_run_in_thread (task, job_read_thread);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

guint
quern_service_queue_get_n_waiting (QuernServiceQueue *self)
{
  return self->waiting.length;
}

/**
 * quern_service_queue_describe:
 * @json: gets members of an object: which model computes, for how many requests, and how many wait
 */
void
quern_service_queue_describe (QuernServiceQueue *self, JsonBuilder *json)
{
  const Job *running = g_queue_peek_head (&self->running);

  quern_json_add_string (json, "processing", running ? quern_model_get_id (running->answer.model) : NULL);
  quern_json_add_int (json, "running", self->running.length);
  quern_json_add_int (json, "waiting", self->waiting.length);
}

QuernServiceQueue *
quern_service_queue_new (QuernServiceCore *core)
{
  QuernServiceQueue *self = g_new0 (QuernServiceQueue, 1);

  self->core = core;
  self->lanes = g_ptr_array_new_with_free_func (lane_free);
  self->turns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

/**
 * quern_service_queue_stop:
 *
 * Stops what runs, and drops what waits.
 */
void
quern_service_queue_stop (QuernServiceQueue *self)
{
  for (Job *job; (job = g_queue_pop_head (&self->waiting));) {
    g_autoptr (QuernRefusal) refusal = quern_refusal_new (503, NULL, NULL, "Quern’s server was switched off.");
    job_refuse (job, refusal);
    job_free (job);
  }
  for (GList *l = self->running.head; l; l = l->next)
    job_gone_cb (l->data);
}

/* Call it when nothing is busy any more. */
void
quern_service_queue_free (QuernServiceQueue *self)
{
  g_ptr_array_unref (self->lanes);
  g_hash_table_unref (self->turns);
  g_free (self);
}
