/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-local-private.h"
#include "quern-generation-private.h"
#include "quern-state-files.h"

/* Limit of all saved states together; a state of a 4B model takes about 100 MB plus 32 KB for each token. */
#define MOST_STATE_BYTES (G_GUINT64_CONSTANT (2) << 30)

/* ---- weights --------------------------------------------------------------------------------------------------- */

struct _QuernWeights {
  GObject parent_instance;

  QeModel *model;
};

G_DEFINE_FINAL_TYPE (QuernWeights, quern_weights, G_TYPE_OBJECT)

QuernWeights *
_quern_weights_open (const char *path, gboolean prefetch, const QeControl *control, GError **error)
{
  g_autoptr (QuernWeights) self = g_object_new (QUERN_TYPE_WEIGHTS, NULL);
  QeModelParams params = { .no_prefetch = !prefetch, .control = control };
  QeError engine_error = { 0 };

  if (qe_model_open (&self->model, path, &params, &engine_error) == QE_OK)
    return g_steal_pointer (&self);
  quern_engine_set_error (error, &engine_error);
  return NULL;
}

QeModel *
_quern_weights_get_model (QuernWeights *self)
{
  return self->model;
}

static void
quern_weights_finalize (GObject *object)
{
  qe_model_free (QUERN_WEIGHTS (object)->model);
  G_OBJECT_CLASS (quern_weights_parent_class)->finalize (object);
}

static void
quern_weights_class_init (QuernWeightsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_weights_finalize;
}

static void
quern_weights_init (QuernWeights *self)
{
}

/* ---- context --------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernGeneration *generation; /* NULL ends the thread */
  QuernRequest *request;
  gint64 asked_at;
} Job;

struct _QuernContext {
  GObject parent_instance;

  QuernModel *model;
  QuernWeights *weights;
  QuernLoadParams params;
  guint size, n_threads;

  QuernRunner runner; /* belongs to the thread once it runs */
  GThread *thread;
  GAsyncQueue *jobs;

  char *state_path; /* NULL if the state is not to be saved */

  GMutex lock;       /* guards the fields below */
  gboolean save;     /* the state is to be saved at the end */
  guint n_jobs;      /* requests that are queued or running */
  gint64 idle_since; /* monotonic time; valid while n_jobs is 0 */
};

G_DEFINE_FINAL_TYPE (QuernContext, quern_context, G_TYPE_OBJECT)

static void
job_done (QuernContext *self, Job *job)
{
  g_mutex_lock (&self->lock);
  self->n_jobs--;
  self->idle_since = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
  g_object_unref (job->generation);
  quern_request_unref (job->request);
}

/* A state that cannot be written costs only the time of reading the prompt again, so the error is not reported. */
static void
save_state (QuernContext *self)
{
  gboolean save;

  g_mutex_lock (&self->lock);
  save = self->save;
  g_mutex_unlock (&self->lock);
  if (!self->state_path || !save)
    return;
  if (qe_context_save (self->runner.context, self->state_path, NULL) == QE_OK)
    _quern_states_trim (MOST_STATE_BYTES);
}

/* Only this thread touches the QeContext. It holds no reference to self, because dropping the last reference ends
 * it. */
static gpointer
context_thread (gpointer data)
{
  QuernContext *self = data;
  Job *job;

  for (job = g_async_queue_pop (self->jobs); job->generation; job = g_async_queue_pop (self->jobs)) {
    _quern_runner_run (&self->runner, job->generation, job->request, job->asked_at);
    job_done (self, job);
    g_free (job);
  }
  g_free (job);
  save_state (self);
  _quern_runner_clear (&self->runner);
  return NULL;
}

guint
_quern_context_default_size (QuernModel *model, const QuernLoadParams *params)
{
  return params->context_size ? params->context_size : MIN (4096u, quern_model_get_info (model)->n_ctx_train);
}

/* Blocks while memory is set up, so call it on a loader's thread. With keep_state, the context goes on from its saved
 * state and saves it at the end. With sketch, it keeps a sketch of the head, which takes memory. */
QuernContext *
_quern_context_new (QuernModel *model, QuernWeights *weights, const QuernLoadParams *params, gboolean keep_state,
                    gboolean sketch, GError **error)
{
  g_autoptr (QuernContext) self = g_object_new (QUERN_TYPE_CONTEXT, NULL);
  QeContextParams context_params = { .n_ctx = _quern_context_default_size (model, params),
                                     .n_threads = params->n_threads,
                                     .kv_type = params->kv_type,
                                     .speculative = true,
                                     .sketch = sketch };
  QeError engine_error = { 0 };

  if (qe_context_new (&self->runner.context, _quern_weights_get_model (weights), &context_params, &engine_error)
      != QE_OK) {
    quern_engine_set_error (error, &engine_error);
    return NULL;
  }
  self->model = g_object_ref (model);
  self->weights = g_object_ref (weights);
  self->params = *params;
  self->size = qe_context_size (self->runner.context);
  self->n_threads = qe_context_threads (self->runner.context);
  self->runner.model = self->model;
  self->runner.weights = _quern_weights_get_model (weights);
  self->runner.n_threads = params->n_threads;
  if (keep_state)
    self->state_path = _quern_state_path (model, self->size, params->kv_type);
  if (self->state_path)
    qe_context_restore (self->runner.context, self->state_path, NULL); /* on failure the context is empty */
  self->thread = g_thread_new ("quern-context", context_thread, self);
  return g_steal_pointer (&self);
}

gboolean
_quern_context_matches (QuernContext *self, QuernModel *model, const QuernLoadParams *params)
{
  return g_str_equal (quern_model_get_path (self->model), quern_model_get_path (model))
         && g_strcmp0 (quern_model_get_vision_path (self->model), quern_model_get_vision_path (model)) == 0
         && _quern_context_default_size (model, params) == _quern_context_default_size (self->model, &self->params)
         && self->params.n_threads == params->n_threads && self->params.kv_type == params->kv_type;
}

gboolean
_quern_context_is_idle (QuernContext *self, gint64 *idle_since)
{
  gboolean idle;

  g_mutex_lock (&self->lock);
  idle = self->n_jobs == 0;
  *idle_since = self->idle_since;
  g_mutex_unlock (&self->lock);
  return idle;
}

/* Prevents saving the state, because the conversations in it were erased. */
void
_quern_context_forget_state (QuernContext *self)
{
  g_mutex_lock (&self->lock);
  self->save = FALSE;
  g_mutex_unlock (&self->lock);
}

/**
 * quern_context_generate:
 * @request: what to answer; not changed any more from now on
 *
 * Queues a request. Its signals come on the main context of the calling thread.
 *
 * Returns: (transfer full): the generation, queued
 */
QuernGeneration *
quern_context_generate (QuernContext *self, QuernRequest *request)
{
  QuernGeneration *generation = _quern_generation_new ();
  Job *job = g_new (Job, 1);

  g_mutex_lock (&self->lock);
  self->n_jobs++;
  self->save = TRUE;
  g_mutex_unlock (&self->lock);
  *job = (Job) { g_object_ref (generation), quern_request_ref (request), g_get_monotonic_time () };
  g_async_queue_push (self->jobs, job);
  return generation;
}

/**
 * quern_context_get_model:
 *
 * Returns: (transfer none): the model that is loaded
 */
QuernModel *
quern_context_get_model (QuernContext *self)
{
  return self->model;
}

/**
 * quern_context_get_size:
 *
 * Returns: tokens that it holds
 */
guint
quern_context_get_size (QuernContext *self)
{
  return self->size;
}

guint
quern_context_get_threads (QuernContext *self)
{
  return self->n_threads;
}

static void
quern_context_finalize (GObject *object)
{
  QuernContext *self = QUERN_CONTEXT (object);

  if (self->thread) {
    g_async_queue_push (self->jobs, g_new0 (Job, 1));
    g_thread_join (self->thread);
  } else {
    g_queue_free (self->runner.images);
  }
  g_async_queue_unref (self->jobs);
  g_clear_object (&self->weights);
  g_clear_object (&self->model);
  g_free (self->state_path);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (quern_context_parent_class)->finalize (object);
}

static void
quern_context_class_init (QuernContextClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_context_finalize;
}

static void
quern_context_init (QuernContext *self)
{
  self->jobs = g_async_queue_new ();
  self->runner.images = g_queue_new ();
  self->idle_since = g_get_monotonic_time ();
  g_mutex_init (&self->lock);
}
