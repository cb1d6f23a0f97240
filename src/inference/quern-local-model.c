/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-generation-private.h"
#include "quern-local-private.h"
#include "quern-state-files.h"
#include "quern-tuning.h"
#include "quern-turns.h"

/* A context has a thread, and only that thread touches it. The thread frees the context when the last reference to the
 * object is dropped, so that nobody who drops one waits for a state to be saved or for gigabytes to be given back. Who
 * needs that memory waits with _quern_local_models_wait(). */

/* Limit of all saved states together; a state of a 4B model takes about 100 MB plus 32 KB for each token. */
#define MOST_STATE_BYTES (G_GUINT64_CONSTANT (2) << 30)

#define IDLE_MICROSECONDS (5 * G_USEC_PER_SEC) /* without a job, before the time is used for measuring */

/* What the thread is to do next: a generation, a scoring, or, when both are NULL, to end. */
typedef struct {
  QuernGeneration *generation;
  QuernRequest *request;
  GTask *scoring; /* its data is a QuernScoring */
  gint64 asked_at;
} QuernContextJob;

/* The object and its thread share this; the thread frees it. */
typedef struct {
  QuernRunner runner; /* only the thread uses it */
  GAsyncQueue *jobs;  /* of QuernContextJob */
  char *state_path;   /* NULL if the state is not to be saved */

  GMutex lock;       /* guards the fields below */
  gboolean save;     /* the state is to be saved at the end */
  guint n_jobs;      /* requests that are queued or running */
  gint64 idle_since; /* monotonic time; valid while n_jobs is 0 */
} QuernContextThread;

struct _QuernLocalModel {
  QuernLoadedModel parent_instance;

  QuernLoadParams params;
  QuernContextThread *thread;
};

G_DEFINE_FINAL_TYPE (QuernLocalModel, quern_local_model, QUERN_TYPE_LOADED_MODEL)

static GMutex ending_lock;
static GCond ended;
static guint n_ending; /* threads that free their contexts, or will when they have done their jobs */

/* ---- the thread ------------------------------------------------------------------------------------------------ */

static gboolean
quern_context_job_goes_first (const QuernContextJob *job)
{
  return job->request && !job->request->background;
}

static gboolean
quern_context_thread_is_asked (gpointer data)
{
  QuernContextThread *self = data;

  return g_async_queue_length (self->jobs) > 0;
}

/* Waits for the next job. A while without one is used to measure how this computer reads weights best, once. */
static QuernContextJob *
quern_context_thread_pop (QuernContextThread *self)
{
  QuernContextJob *job = NULL;

  if (_quern_tuning_is_wanted (self->runner.opened)) {
    job = g_async_queue_timeout_pop (self->jobs, IDLE_MICROSECONDS);
    if (!job)
      _quern_tuning_measure (self->runner.opened, self->runner.n_threads, quern_context_thread_is_asked, self);
  }
  return job ? job : g_async_queue_pop (self->jobs);
}

static gpointer
quern_context_thread_run (gpointer data)
{
  QuernContextThread *self = data;
  QuernContextJob *job;

  for (;;) {
    GError *error = NULL;
    job = quern_context_thread_pop (self);
    _quern_tuning_begin_work ();
    if (job->generation)
      _quern_runner_generate (&self->runner, job->generation, job->request, job->asked_at);
    else if (!job->scoring)
      break;
    else if (_quern_runner_score (&self->runner, g_task_get_task_data (job->scoring), &error))
      g_task_return_boolean (job->scoring, TRUE);
    else
      g_task_return_error (job->scoring, error);
    if (quern_context_job_goes_first (job))
      _quern_turns_end ();
    _quern_tuning_end_work ();
    g_mutex_lock (&self->lock);
    self->n_jobs--;
    self->idle_since = g_get_monotonic_time ();
    g_mutex_unlock (&self->lock);
    g_clear_object (&job->generation);
    g_clear_pointer (&job->request, quern_request_unref);
    g_clear_object (&job->scoring);
    g_free (job);
  }
  _quern_tuning_end_work ();
  g_free (job);
  /* A state that cannot be written costs only the time of reading the prompt again, so the error is not reported. */
  if (self->state_path && self->save && qe_context_save (self->runner.context, self->state_path, NULL) == QE_OK)
    _quern_states_trim (MOST_STATE_BYTES);
  _quern_runner_clear (&self->runner);
  g_async_queue_unref (self->jobs);
  g_free (self->state_path);
  g_mutex_clear (&self->lock);
  g_free (self);
  g_mutex_lock (&ending_lock);
  n_ending--;
  g_cond_broadcast (&ended);
  g_mutex_unlock (&ending_lock);
  return NULL;
}

static void
quern_context_thread_push (QuernContextThread *self, QuernContextJob job)
{
  g_mutex_lock (&self->lock);
  self->n_jobs++;
  self->save = TRUE;
  g_mutex_unlock (&self->lock);
  if (quern_context_job_goes_first (&job))
    _quern_turns_begin ();
  g_async_queue_push (self->jobs, g_memdup2 (&job, sizeof job));
}

/* Waits until every context that nobody refers to any more is freed. */
void
_quern_local_models_wait (void)
{
  g_mutex_lock (&ending_lock);
  while (n_ending > 0)
    g_cond_wait (&ended, &ending_lock);
  g_mutex_unlock (&ending_lock);
}

/* ---- the object ------------------------------------------------------------------------------------------------ */

guint
_quern_local_model_default_size (QuernModel *model, const QuernLoadParams *params)
{
  return params->context_size ? params->context_size : quern_model_choose_context (model, 0);
}

/* Blocks while memory is set up, so call it on a loader's thread. With keep_state, the context goes on from its saved
 * state and saves it at the end. With sketch, it keeps a sketch of the head, which takes memory. */
QuernLocalModel *
_quern_local_model_new (QuernModel *model, QuernOpenFile *file, const QuernLoadParams *params, gboolean keep_state,
                        gboolean sketch, GError **error)
{
  const QeContextParams context_params = { .n_ctx = _quern_local_model_default_size (model, params),
                                           .n_threads = params->n_threads,
                                           .kv_type = (QeKvType) params->kv_type,
                                           .checkpoint_bytes = params->no_checkpoints ? UINT64_MAX : 0,
                                           .speculative = !params->no_drafts,
                                           .sketch = sketch && !params->no_sketch };
  QeError engine_error = { 0 };
  QeContext *context;
  QuernLocalModel *self;
  QuernContextThread *thread;

  _quern_tuning_load ();
  if (qe_context_new (&context, _quern_open_file_get_model (file), &context_params, &engine_error) != QE_OK) {
    _quern_inference_set_error (error, &engine_error);
    return NULL;
  }
  thread = g_new0 (QuernContextThread, 1);
  thread->runner = (QuernRunner) { .model = g_object_ref (model),
                                   .file = g_object_ref (file),
                                   .opened = _quern_open_file_get_model (file),
                                   .context = context,
                                   .stepper = _quern_open_file_get_stepper (file),
                                   .images = G_QUEUE_INIT,
                                   .n_threads = params->n_threads };
  thread->jobs = g_async_queue_new ();
  thread->idle_since = g_get_monotonic_time ();
  g_mutex_init (&thread->lock);
  if (keep_state)
    thread->state_path = _quern_state_path (model, qe_context_size (context), params->kv_type);
  if (thread->state_path)
    qe_context_restore (context, thread->state_path, NULL); /* on failure the context is empty */
  self = g_object_new (QUERN_TYPE_LOCAL_MODEL, NULL);
  self->params = *params;
  self->thread = thread;
  _quern_loaded_model_set_facts (QUERN_LOADED_MODEL (self), model, qe_context_size (context),
                                 qe_context_threads (context));
  g_thread_unref (g_thread_new ("quern-context", quern_context_thread_run, thread));
  return self;
}

gboolean
_quern_local_model_matches (QuernLocalModel *self, QuernModel *model, const QuernLoadParams *params)
{
  QuernModel *own = quern_loaded_model_get_model (QUERN_LOADED_MODEL (self));

  return g_str_equal (quern_model_get_path (own), quern_model_get_path (model))
         && g_strcmp0 (quern_model_get_vision_path (own), quern_model_get_vision_path (model)) == 0
         && _quern_local_model_default_size (model, params) == _quern_local_model_default_size (own, &self->params)
         && self->params.n_threads == params->n_threads && self->params.kv_type == params->kv_type
         && self->params.lane == params->lane;
}

gboolean
_quern_local_model_is_idle (QuernLocalModel *self, gint64 *idle_since)
{
  gboolean idle;

  g_mutex_lock (&self->thread->lock);
  idle = self->thread->n_jobs == 0;
  *idle_since = self->thread->idle_since;
  g_mutex_unlock (&self->thread->lock);
  return idle;
}

/* Prevents saving the state, because the conversations in it were erased. */
void
_quern_local_model_forget_state (QuernLocalModel *self)
{
  g_mutex_lock (&self->thread->lock);
  self->thread->save = FALSE;
  g_mutex_unlock (&self->thread->lock);
}

static QuernGeneration *
quern_local_model_generate (QuernLoadedModel *model, QuernRequest *request)
{
  QuernGeneration *generation = _quern_generation_new ();

  quern_context_thread_push (QUERN_LOCAL_MODEL (model)->thread,
                             (QuernContextJob) { .generation = g_object_ref (generation),
                                                 .request = quern_request_ref (request),
                                                 .asked_at = g_get_monotonic_time () });
  return generation;
}

static void
quern_local_model_score (QuernLoadedModel *model, const QuernScoring *scoring, GTask *task)
{
  g_task_set_task_data (task, (gpointer) scoring, NULL);
  quern_context_thread_push (QUERN_LOCAL_MODEL (model)->thread, (QuernContextJob) { .scoring = task });
}

static void
quern_local_model_finalize (GObject *object)
{
  QuernLocalModel *self = QUERN_LOCAL_MODEL (object);

  g_mutex_lock (&ending_lock);
  n_ending++;
  g_mutex_unlock (&ending_lock);
  g_async_queue_push (self->thread->jobs, g_new0 (QuernContextJob, 1));
  G_OBJECT_CLASS (quern_local_model_parent_class)->finalize (object);
}

static void
quern_local_model_class_init (QuernLocalModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_local_model_finalize;
  QUERN_LOADED_MODEL_CLASS (klass)->generate = quern_local_model_generate;
  QUERN_LOADED_MODEL_CLASS (klass)->score = quern_local_model_score;
}

static void
quern_local_model_init (QuernLocalModel *self)
{
}
