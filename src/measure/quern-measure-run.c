/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-measure-private.h"
#include "quern-sha256.h"

/* The main thread's side of a run. The worker leaves its results under the lock and asks for a flush, which moves them
 * to the QuernMeasured objects a few times a second. */
#define FLUSH_MS 60

/* Results of the worker that were not shown yet; one struct for each run. */
struct _QuernMeasureRun {
  QuernMeasure *measure; /* owned */
  QuernMeasureJob job;
  GCancellable *outer; /* the caller's, or NULL; cancelling it cancels the job's own */
  gulong outer_id;
  GMainContext *context;

  GMutex lock; /* guards the fields below */
  GCond resumed;
  gboolean paused, flush_queued;
  GPtrArray *positions; /* of GArray of QuernDivergence, by model */
  GArray *seconds;      /* of double, by model */
  GArray *n_evaluated;  /* of guint, by model */
  guint windows_done;
  double noise;
  QuernMeasurePlan *plan; /* not NULL if the plan is new; only its pieces and windows are used */
  char *text_sha256;      /* NULL: the one that is known stays */
  GString *text;
  GArray *ends, *position_tokens;
  gboolean together;
};

typedef QuernMeasureRun Run;

/* ---- from the worker ------------------------------------------------------------------------------------------- */

void
_quern_measure_update_progress (QuernMeasure *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));
  double done = 0;

  for (guint i = 0; i < n; i++)
    done += quern_measured_get_n_positions (quern_measure_get_result (self, i));
  self->progress = self->position_tokens->len > 0 ? done / ((double) n * self->position_tokens->len) : 0;
  g_object_notify (G_OBJECT (self), "progress");
}

/* Returns what to know about the figures, or NULL. */
static char *
make_note (Run *run)
{
  const QuernMeasureJob *job = &run->job;
  GString *note = g_string_new (NULL);

  if (job->windows == QUERN_MEASURE_WINDOWS_LLAMA)
    g_string_append_printf (
        note,
        ngettext (
            "Cut as by llama-perplexity: %u window of %u tokens. Of each window the second half is scored.",
            "Cut as by llama-perplexity: %u windows of %u tokens that do not overlap. Of each window the second half "
            "is scored.",
            run->plan->windows->len),
        run->plan->windows->len, job->n_ctx);
  else if (run->plan->windowed)
    g_string_append_printf (note,
                            _("The text has %u tokens, more than the context length of %u. It was split into windows "
                              "that overlap by half, and only the second half of each window is scored."),
                            run->plan->tokens->len, job->n_ctx);
  if (job->top_only)
    g_string_append_printf (
        note,
        ngettext (
            "%sA server tells the probability of the likeliest %u token alone. So every divergence here is that "
            "over the likeliest token of the reference, with all others taken as one: that over the whole "
            "vocabulary is larger. Servers also round in other ways, so even equal models differ a little.",
            "%sA server tells the probabilities of the likeliest %u tokens alone. So every divergence here is that "
            "over so many tokens of the reference, with all others taken as one: that over the whole vocabulary is "
            "larger. Servers also round in other ways, so even equal models differ a little.",
            job->top),
        note->len > 0 ? " " : "", job->top);
  else if (job->top > 0)
    g_string_append_printf (
        note,
        ngettext (
            "%sThe divergence of top tokens is that over the likeliest %u token of the reference, with all others "
            "taken as one.",
            "%sThe divergence of top tokens is that over the likeliest %u tokens of the reference, with all others "
            "taken as one.",
            job->top),
        note->len > 0 ? " " : "", job->top);
  if (!run->together)
    g_string_append_printf (note, "%s%s", note->len > 0 ? " " : "",
                            _("The models do not fit into memory together, so they were run one at a time."));
  return g_string_free (note, note->len == 0);
}

static void
quern_measure_flush (Run *run)
{
  QuernMeasure *self = run->measure;
  g_autoptr (GPtrArray) positions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  g_mutex_lock (&run->lock);
  run->flush_queued = FALSE;
  if (run->plan) {
    guint rows = 0;

    g_string_free (self->text, TRUE);
    g_array_unref (self->ends);
    g_array_unref (self->position_tokens);
    g_ptr_array_unref (self->sources);
    self->text = g_steal_pointer (&run->text);
    self->ends = g_steal_pointer (&run->ends);
    self->position_tokens = g_steal_pointer (&run->position_tokens);
    self->sources = g_ptr_array_ref (run->plan->pieces);
    self->n_windows = run->plan->windows->len;
    if (run->text_sha256) {
      g_free (self->text_sha256);
      self->text_sha256 = g_steal_pointer (&run->text_sha256);
    }
    g_array_set_size (self->window_rows, 0);
    for (guint j = 0; j < run->plan->windows->len; j++) {
      const QuernMeasureWindow *window = &g_array_index (run->plan->windows, QuernMeasureWindow, j);
      rows += window->end - window->first;
      g_array_append_val (self->window_rows, rows);
    }
    g_free (self->note);
    self->note = make_note (run);
    g_object_notify (G_OBJECT (self), "note");
    g_clear_pointer (&run->plan, _quern_measure_plan_free);
  }
  for (guint i = 0; i < run->positions->len; i++) {
    QuernMeasured *result = quern_measure_get_result (self, i);
    g_ptr_array_add (positions, run->positions->pdata[i]);
    run->positions->pdata[i] = g_array_new (FALSE, FALSE, sizeof (QuernDivergence));
    quern_measured_add_work (result, g_array_index (run->seconds, double, i),
                             g_array_index (run->n_evaluated, guint, i));
    g_array_index (run->seconds, double, i) = 0;
    g_array_index (run->n_evaluated, guint, i) = 0;
  }
  self->windows_done = run->windows_done;
  self->noise = run->noise;
  g_mutex_unlock (&run->lock);

  for (guint i = 0; i < positions->len; i++) {
    GArray *added = positions->pdata[i];
    if (added->len > 0)
      quern_measured_add (quern_measure_get_result (self, i), (const QuernDivergence *) (void *) added->data,
                          added->len);
  }
  _quern_measure_update_progress (self);
}

static gboolean
quern_measure_flush_cb (gpointer task)
{
  Run *run = g_task_get_task_data (task);

  if (run->measure->run == run)
    quern_measure_flush (run);
  return G_SOURCE_REMOVE;
}

/* The worker calls this with the lock held. */
static void
quern_measure_queue_flush (GTask *task, Run *run)
{
  if (run->flush_queued)
    return;
  run->flush_queued = TRUE;
  GSource *source = g_timeout_source_new (FLUSH_MS);
  g_source_set_callback (source, quern_measure_flush_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, run->context);
  g_source_unref (source);
}

static void
keep_candidate (QuernMeasure *self, QuernOpenFile *file, gint32 id)
{
  if (id >= 0 && !g_hash_table_contains (self->candidates, GINT_TO_POINTER (id)))
    g_hash_table_insert (self->candidates, GINT_TO_POINTER (id), quern_open_file_dup_token_text (file, id));
}

static void
quern_measure_scored_cb (gpointer data, guint model, QuernOpenFile *file, const QuernDivergence *positions, guint n)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->measure->lock);
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < QUERN_DIVERGENCE_TOP; j++) {
      keep_candidate (run->measure, file, positions[i].top[j].id);
      keep_candidate (run->measure, file, positions[i].top_reference[j].id);
    }
  g_mutex_unlock (&run->measure->lock);
  g_mutex_lock (&run->lock);
  g_array_append_vals (run->positions->pdata[model], positions, n);
  quern_measure_queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

static void
quern_measure_worked_cb (gpointer data, guint model, double seconds, guint n_tokens)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  g_array_index (run->seconds, double, model) += seconds;
  g_array_index (run->n_evaluated, guint, model) += n_tokens;
  g_mutex_unlock (&run->lock);
}

static void
quern_measure_noise_cb (gpointer data, double kld)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->noise = kld;
  g_mutex_unlock (&run->lock);
}

static void
quern_measure_committed_cb (gpointer data, guint n_windows)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->windows_done = n_windows;
  quern_measure_queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

/* Returns the SHA-256 of the text: of its own bytes if it is plain text, of what the models get if it was put together. NULL
 * if its tokens alone are known, as of a measurement that is gone on with. */
static char *
hash_text (GPtrArray *sources, const GString *decoded)
{
  g_autoptr (QuernDigest) digest = quern_digest_new_sha256 ();

  for (guint i = 0; i < sources->len; i++) {
    const QuernMeasureSource *source = sources->pdata[i];
    if (source->tokens)
      return NULL;
    if (!source->text)
      return quern_sha256_of_data (decoded->str, decoded->len);
    quern_digest_update (digest, source->text, strlen (source->text));
  }
  return quern_digest_dup_hex (digest);
}

static void
quern_measure_planned_cb (gpointer data, const QuernMeasurePlan *plan, QuernOpenFile *file, gboolean together)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->plan = g_new0 (QuernMeasurePlan, 1);
  *run->plan = (QuernMeasurePlan) { g_ptr_array_ref (plan->pieces), g_array_ref (plan->tokens),
                                    g_array_ref (plan->windows), plan->windowed };
  run->text = g_string_new (NULL);
  run->ends = g_array_new (FALSE, FALSE, sizeof (guint));
  run->position_tokens = _quern_measure_windows_list_positions (plan->windows);
  run->together = together;
  quern_open_file_decode (file, plan->tokens, run->text, run->ends);
  g_free (run->text_sha256);
  run->text_sha256 = hash_text (run->job.sources, run->text);
  quern_measure_queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

/* Waits while the run is paused. */
static gboolean
quern_measure_stopped_cb (gpointer data)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  while (run->paused && !g_cancellable_is_cancelled (run->job.cancellable))
    g_cond_wait_until (&run->resumed, &run->lock, g_get_monotonic_time () + G_TIME_SPAN_SECOND / 5);
  g_mutex_unlock (&run->lock);
  return g_cancellable_is_cancelled (run->job.cancellable);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
quern_measure_run_free (gpointer data)
{
  Run *run = data;

  g_object_unref (run->measure);
  g_ptr_array_unref (run->job.models);
  g_ptr_array_unref (run->job.remote);
  g_array_unref (run->job.kv_types);
  g_ptr_array_unref (run->job.sources);
  g_clear_object (&run->outer);
  g_object_unref (run->job.cancellable);
  g_object_unref (run->job.backend);
  g_main_context_unref (run->context);
  g_mutex_clear (&run->lock);
  g_cond_clear (&run->resumed);
  g_ptr_array_unref (run->positions);
  g_array_unref (run->seconds);
  g_array_unref (run->n_evaluated);
  g_clear_pointer (&run->plan, _quern_measure_plan_free);
  g_free (run->text_sha256);
  if (run->text)
    g_string_free (run->text, TRUE);
  g_clear_pointer (&run->ends, g_array_unref);
  g_clear_pointer (&run->position_tokens, g_array_unref);
  g_free (run);
}

static void
outer_cancelled_cb (GCancellable *outer, gpointer own)
{
  g_cancellable_cancel (own);
}

static void
quern_measure_unref_remote (gpointer loaded)
{
  g_clear_object ((QuernLoadedModel **) &loaded);
}

/* Servers belong to this thread, so their models are taken here. Returns (nullable): the model, if it is on one. */
static QuernLoadedModel *
take_remote (QuernMeasure *self, QuernBackend *backend, QuernModel *model)
{
  const QuernLoadParams params = { .context_size = self->n_ctx };

  return quern_model_is_remote (model) ? quern_backend_find_loaded (backend, model, &params) : NULL;
}

/* Returns the tokens of the longest window that a model can take. */
static guint
get_longest_window (QuernModel *model)
{
  guint n = quern_model_get_info (model)->n_ctx_train;

  if (!quern_model_is_remote (model))
    return n;
  return n > 2 ? n - 2 : G_MAXUINT; /* the token behind the window goes along, and one is written */
}

static Run *
quern_measure_run_new (QuernMeasure *self, QuernBackend *backend, GCancellable *outer)
{
  Run *run = g_new0 (Run, 1);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));

  run->measure = g_object_ref (self);
  run->context = g_main_context_ref_thread_default ();
  g_mutex_init (&run->lock);
  g_cond_init (&run->resumed);
  run->paused = self->paused;
  run->noise = self->noise;
  run->windows_done = self->windows_done;
  run->positions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  run->seconds = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (double)), n);
  run->n_evaluated = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (guint)), n);
  run->job = (QuernMeasureJob) { .backend = g_object_ref (backend),
                                 .cancellable = g_cancellable_new (),
                                 .models = g_ptr_array_new_with_free_func (g_object_unref),
                                 .remote = g_ptr_array_new_with_free_func (quern_measure_unref_remote),
                                 .kv_types = g_array_new (FALSE, FALSE, sizeof (QuernKvType)),
                                 .sources = g_ptr_array_ref (self->sources),
                                 .windows = self->windows,
                                 .n_ctx = self->n_ctx,
                                 .n_threads = self->n_threads,
                                 .windows_done = self->windows_done,
                                 .top = self->top,
                                 .top_only = self->top_only,
                                 .memory_limit = self->memory_limit };
  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (self, i);
    QuernKvType kv_type = quern_measured_get_kv_type (result);

    g_ptr_array_add (run->job.models, g_object_ref (quern_measured_get_model (result)));
    g_array_append_val (run->job.kv_types, kv_type);
    g_ptr_array_add (run->positions, g_array_new (FALSE, FALSE, sizeof (QuernDivergence)));
    g_ptr_array_add (run->job.remote, take_remote (self, backend, quern_measured_get_model (result)));
    run->job.n_ctx = MIN (run->job.n_ctx, get_longest_window (quern_measured_get_model (result)));
  }
  self->n_ctx = run->job.n_ctx;
  if (outer) {
    run->outer = g_object_ref (outer);
    run->outer_id = g_cancellable_connect (outer, G_CALLBACK (outer_cancelled_cb), g_object_ref (run->job.cancellable),
                                           g_object_unref);
  }
  return run;
}

static void
quern_measure_run_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  static const QuernMeasureEvents events = { quern_measure_planned_cb,   quern_measure_scored_cb,
                                             quern_measure_worked_cb,    quern_measure_noise_cb,
                                             quern_measure_committed_cb, quern_measure_stopped_cb };
  Run *run = data;
  GError *error = NULL;

  if (_quern_measure_work (&run->job, &events, task, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
quern_measure_measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernMeasure *self = QUERN_MEASURE (source);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  GError *error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  quern_measure_flush (self->run);
  g_cancellable_disconnect (self->run->outer, self->run->outer_id);
  self->run = NULL;
  /* Positions of windows that not every model has done are dropped. If a stored measurement fails before it is planned
   * again, it has none to drop: only whole windows are stored. */
  if (self->windows_done <= self->window_rows->len) {
    guint rows = self->windows_done > 0 ? g_array_index (self->window_rows, guint, self->windows_done - 1) : 0;
    for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->results)); i++)
      quern_measured_truncate (quern_measure_get_result (self, i), rows);
  }
  _quern_measure_update_progress (self);
  g_object_notify (G_OBJECT (self), "running");
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_measure_run_async:
 * @backend: where the models run
 *
 * Measures what is left to measure. @callback comes when all is done, or with an error: results so far are kept, up to
 * the last window that every model did.
 */
void
quern_measure_run_async (QuernMeasure *self, QuernBackend *backend, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));
  gboolean top_only = FALSE;

  g_return_if_fail (!self->task);
  if (n == 0) {
    g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED, _("Choose a model to measure."));
    return;
  }
  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (self, i);
    QuernModel *model = quern_measured_get_model (result);
    QuernCapabilities can = model ? quern_backend_get_capabilities (backend, model) : 0;
    GError *refusal = NULL;
    top_only |= (can & QUERN_CAN_SCORE) == 0;
    if (can & (QUERN_CAN_SCORE | QUERN_CAN_SCORE_TOP))
      continue;
    if (model) {
      quern_inference_refuse_scores (model, &refusal);
      g_task_return_error (task, refusal);
      return;
    }
    g_task_return_new_error (task, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
                             _("“%s” is not on this computer, so nothing more can be measured with it."),
                             quern_measured_get_facts (result)->title);
    return;
  }
  g_autoptr (GTask) worker = g_task_new (self, NULL, quern_measure_measured_cb, NULL);
  _quern_measure_set_top_only (self, top_only);
  self->run = quern_measure_run_new (self, backend, cancellable);
  self->task = g_steal_pointer (&task);
  g_task_set_task_data (worker, self->run, quern_measure_run_free);
  g_object_notify (G_OBJECT (self), "running");
  g_task_run_in_thread (worker, quern_measure_run_thread);
}

gboolean
quern_measure_run_finish (QuernMeasure *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_measure_stop:
 *
 * Ends a run, as its cancellable does, whoever began it.
 */
void
quern_measure_stop (QuernMeasure *self)
{
  if (self->run)
    g_cancellable_cancel (self->run->job.cancellable);
}

/**
 * quern_measure_set_paused:
 *
 * A paused run keeps its models loaded and computes nothing.
 */
void
quern_measure_set_paused (QuernMeasure *self, gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  if (self->run) {
    g_mutex_lock (&self->run->lock);
    self->run->paused = paused;
    g_cond_signal (&self->run->resumed);
    g_mutex_unlock (&self->run->lock);
  }
  g_object_notify (G_OBJECT (self), "paused");
}
