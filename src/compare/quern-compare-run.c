/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-run.h"

#include <string.h>
#include <unistd.h>

#include "quern-compare-answer-private.h"
#include "quern-machine.h"

typedef struct {
  QuernRequest *request;
  QuernCompareAnswer *answer;
} QuernCompareItem;

struct _QuernCompareJob {
  QuernCompareRun *run;
  QuernModel *model;
  gboolean remote; /* on a server: nothing is computed here */
  QuernLoadParams params;
  guint64 planned;  /* bytes */
  GPtrArray *items; /* of QuernCompareItem */

  guint next; /* index of the item that is being answered, or will be next */
  QuernLoadedModel *loaded;
  QuernGeneration *generation; /* NULL while nothing is generated */
  gint64 load_began;
  double load_seconds; /* 0 once an answer has taken them */
  gsize peak;          /* bytes: the most that the process was seen to hold */
};

struct _QuernCompareRun {
  QuernBackend *backend;
  gboolean together;
  GPtrArray *jobs; /* of QuernCompareJob */

  GTask *task;
  GCancellable *cancellable; /* the run's own */
  GCancellable *outer;       /* the caller's, or NULL */
  gulong outer_id;
  gsize base;    /* bytes that the process held before anything was loaded */
  guint next;    /* index of the first job that has not begun, but for those on servers */
  guint n_ended; /* jobs that have ended */
};

static void quern_compare_job_next (QuernCompareJob *job);

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static gsize
resident_bytes (void)
{
  g_autofree char *text = NULL;
  const char *second;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) || !(second = strchr (text, ' ')))
    return 0;
  return (gsize) g_ascii_strtoull (second, NULL, 10) * (gsize) sysconf (_SC_PAGESIZE);
}

static void
quern_compare_job_note_memory (QuernCompareJob *job)
{
  job->peak = MAX (job->peak, resident_bytes ());
}

/* ---- one column ------------------------------------------------------------------------------------------------ */

static void
quern_compare_job_end_item (QuernCompareJob *job, QuernCompareState state, const QuernStatistics *statistics,
                            const char *failure)
{
  QuernCompareItem *item = job->items->pdata[job->next++];
  QuernStatistics copy = *statistics;

  copy.load_seconds += job->load_seconds;
  job->load_seconds = 0;
  _quern_compare_answer_set_memory (item->answer, job->planned,
                                    !job->remote && !job->run->together && job->peak > job->run->base
                                        ? job->peak - job->run->base
                                        : 0,
                                    !job->remote && job->run->together);
  _quern_compare_answer_finish (item->answer, state, &copy, failure);
}

static void
quern_compare_job_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernCompareJob *job = user_data;
  g_autoptr (GError) error = NULL;

  job->loaded = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);
  if (job->loaded) {
    job->load_seconds = (double) (g_get_monotonic_time () - job->load_began) / G_USEC_PER_SEC;
    quern_compare_job_note_memory (job);
  } else if (!g_cancellable_is_cancelled (job->run->cancellable)) {
    while (job->next < job->items->len)
      quern_compare_job_end_item (job, QUERN_COMPARE_FAILED, &(QuernStatistics) { 0 }, error->message);
  }
  quern_compare_job_next (job);
}

static void
quern_compare_job_begin (QuernCompareJob *job)
{
  if (g_cancellable_is_cancelled (job->run->cancellable)) {
    quern_compare_job_next (job);
    return;
  }
  _quern_compare_answer_set_state (((QuernCompareItem *) job->items->pdata[0])->answer, QUERN_COMPARE_LOADING);
  job->load_began = g_get_monotonic_time ();
  quern_backend_load_async (job->run->backend, job->model, &job->params, NULL, NULL, job->run->cancellable,
                            quern_compare_job_loaded_cb, job);
}

static void
quern_compare_job_generated_cb (QuernCompareJob *job)
{
  static const QuernCompareState states[] = { [QUERN_STOP_END] = QUERN_COMPARE_DONE,
                                              [QUERN_STOP_LENGTH] = QUERN_COMPARE_CUT,
                                              [QUERN_STOP_CONTEXT] = QUERN_COMPARE_CUT,
                                              [QUERN_STOP_USER] = QUERN_COMPARE_STOPPED,
                                              [QUERN_STOP_FAILED] = QUERN_COMPARE_FAILED };
  g_autoptr (QuernGeneration) generation = g_steal_pointer (&job->generation);
  const GError *error = quern_generation_get_error (generation);

  g_signal_handlers_disconnect_by_data (generation, job);
  quern_compare_job_note_memory (job);
  quern_compare_job_end_item (job, states[quern_generation_get_stop (generation)],
                              quern_generation_get_statistics (generation), error ? error->message : NULL);
  quern_compare_job_next (job);
}

/* Returns: (nullable): the next column on this computer */
static QuernCompareJob *
quern_compare_run_take_local (QuernCompareRun *run)
{
  while (run->next < run->jobs->len) {
    QuernCompareJob *job = run->jobs->pdata[run->next++];
    if (!job->remote)
      return job;
  }
  return NULL;
}

/* Asks for the next answer. After the last one, or when the run was stopped, the model is let go; the run goes on with
 * the next column, or ends, after which there is no job any more. */
static void
quern_compare_job_next (QuernCompareJob *job)
{
  QuernCompareRun *run = job->run;
  QuernCompareJob *following;

  if (g_cancellable_is_cancelled (run->cancellable))
    while (job->next < job->items->len)
      quern_compare_job_end_item (job, QUERN_COMPARE_STOPPED, &(QuernStatistics) { 0 }, NULL);
  if (job->next < job->items->len) {
    QuernCompareItem *item = job->items->pdata[job->next];
    _quern_compare_answer_set_state (item->answer, QUERN_COMPARE_READING);
    job->generation = quern_loaded_model_generate (job->loaded, item->request);
    _quern_compare_answer_follow (item->answer, job->generation);
    g_signal_connect_swapped (job->generation, "changed", G_CALLBACK (quern_compare_job_note_memory), job);
    g_signal_connect_swapped (job->generation, "done", G_CALLBACK (quern_compare_job_generated_cb), job);
    return;
  }
  g_clear_object (&job->loaded);
  run->n_ended++;
  following = job->remote || run->together ? NULL : quern_compare_run_take_local (run);
  if (following) {
    quern_compare_job_begin (following);
  } else if (run->n_ended == run->jobs->len) {
    g_autoptr (GTask) task = g_steal_pointer (&run->task);
    g_cancellable_disconnect (run->outer, run->outer_id);
    if (!g_task_return_error_if_cancelled (task))
      g_task_return_boolean (task, TRUE);
  }
}

static void
quern_compare_job_free (gpointer data)
{
  QuernCompareJob *job = data;

  for (guint i = 0; i < job->items->len; i++) {
    QuernCompareItem *item = job->items->pdata[i];
    quern_request_unref (item->request);
    g_object_unref (item->answer);
    g_free (item);
  }
  g_object_unref (job->model);
  g_ptr_array_unref (job->items);
  g_free (job);
}

void
_quern_compare_job_ask (QuernCompareJob *job, QuernRequest *request, gboolean thinking,
                        const QuernSamplerValues *values, guint max_tokens, QuernCompareAnswer *answer)
{
  QuernCompareItem *item = g_new (QuernCompareItem, 1);
  const QuernAnswerSettings settings = {
    .thinking = thinking,
    .kv_type = job->params.kv_type,
    .n_ctx = job->params.context_size,
    .n_threads = job->remote                 ? 0
                 : job->params.n_threads > 0 ? job->params.n_threads
                                             : quern_machine_get_threads (),
    .max_tokens = max_tokens,
    .sampler = *values,
  };

  quern_request_set_thinking (request, thinking);
  quern_request_set_sampler (request, values);
  quern_request_set_max_tokens (request, max_tokens);
  /* What the tokens could have been only means something where they are drawn with the same numbers. */
  if (quern_backend_get_capabilities (job->run->backend, job->model) & QUERN_CAN_REPEAT_DRAWS)
    quern_request_set_candidates (request, QUERN_MAX_CANDIDATES);
  *item = (QuernCompareItem) { quern_request_ref (request), g_object_ref (answer) };
  _quern_compare_answer_set_settings (answer, &settings);
  g_ptr_array_add (job->items, item);
}

/* ---- all columns ----------------------------------------------------------------------------------------------- */

QuernCompareRun *
_quern_compare_run_new (QuernBackend *backend, gboolean together)
{
  QuernCompareRun *self = g_new0 (QuernCompareRun, 1);

  self->backend = g_object_ref (backend);
  self->together = together;
  self->jobs = g_ptr_array_new_with_free_func (quern_compare_job_free);
  self->cancellable = g_cancellable_new ();
  return self;
}

/* @params: how the column is to be loaded; its memory was planned for all columns together. */
QuernCompareJob *
_quern_compare_run_add (QuernCompareRun *self, QuernModel *model, const QuernLoadParams *params, gboolean pictures)
{
  QuernCompareJob *job = g_new0 (QuernCompareJob, 1);
  QuernMemoryPlan plan;

  job->run = self;
  job->model = g_object_ref (model);
  job->remote = quern_model_is_remote (model);
  job->params = *params;
  quern_model_plan_bare (model, params->context_size, params->kv_type, params->n_threads, pictures, &plan);
  job->planned = plan.total;
  job->items = g_ptr_array_new ();
  g_ptr_array_add (self->jobs, job);
  return job;
}

static void
quern_compare_run_outer_cb (GCancellable *outer, gpointer run)
{
  _quern_compare_run_stop (run);
}

void
_quern_compare_run_async (QuernCompareRun *self, gpointer source, GCancellable *cancellable,
                          GAsyncReadyCallback callback)
{
  g_assert (self->jobs->len > 0);

  self->task = g_task_new (source, self->cancellable, callback, NULL);
  self->base = resident_bytes ();
  if (cancellable) {
    self->outer = g_object_ref (cancellable);
    self->outer_id = g_cancellable_connect (cancellable, G_CALLBACK (quern_compare_run_outer_cb), self, NULL);
  }
  g_autoptr (GPtrArray) first = g_ptr_array_new ();
  QuernCompareJob *local = quern_compare_run_take_local (self);
  for (guint i = 0; i < self->jobs->len; i++) {
    QuernCompareJob *job = self->jobs->pdata[i];
    if (job->remote || self->together || job == local)
      g_ptr_array_add (first, job);
  }
  for (guint i = 0; i < first->len; i++) /* the last one may end the run, if it is stopped already */
    quern_compare_job_begin (first->pdata[i]);
}

gboolean
_quern_compare_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Ends the run within a token; what was written stays. */
void
_quern_compare_run_stop (QuernCompareRun *self)
{
  g_cancellable_cancel (self->cancellable);
  for (guint i = 0; i < self->jobs->len; i++) {
    QuernCompareJob *job = self->jobs->pdata[i];
    if (job->generation)
      quern_generation_stop (job->generation);
  }
}

void
_quern_compare_run_free (QuernCompareRun *self)
{
  g_ptr_array_unref (self->jobs);
  g_clear_object (&self->outer);
  g_object_unref (self->cancellable);
  g_object_unref (self->backend);
  g_free (self);
}
