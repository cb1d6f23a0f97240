/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure.h"

#include <glib/gi18n-lib.h>

#include "quern-measure-private.h"

/* The main thread's side. The worker leaves what it finds under the lock and asks for a flush, which carries it over
 * into the results a few times a second. */
#define FLUSH_MS 60

/* What the worker left; one for each run. */
typedef struct {
  QuernMeasure *measure; /* owned */
  QuernMeasureJob job;
  GCancellable *cancellable; /* or NULL */
  GMainContext *context;

  GMutex lock; /* guards what follows */
  GCond resumed;
  gboolean paused, flush_queued;
  GPtrArray *positions; /* of GArray of QuernDivergence, by model */
  GArray *seconds;      /* of double, by model */
  GArray *n_evaluated;  /* of guint, by model */
  guint windows_done;
  double noise;
  QuernMeasurePlan *plan; /* new when not NULL; only its pieces and windows */
  GString *text;
  GArray *ends, *position_tokens;
  gboolean together;
} Run;

struct _QuernMeasure {
  GObject parent_instance;

  GListStore *results; /* of QuernMeasured */
  GPtrArray *sources;  /* of QuernMeasureSource */
  char *source_name;
  guint n_ctx, n_threads;
  guint64 memory_limit;

  /* The text, known once planned. */
  GString *text;
  GArray *ends;            /* of guint: where token i ends */
  GArray *position_tokens; /* of guint */
  guint n_windows, windows_done;
  GArray *window_rows;     /* of guint: positions up to the end of window i */

  GMutex lock;             /* guards candidates, which only grow */
  GHashTable *candidates;  /* gint32 -> text */
  double noise;
  char *note;
  double progress;
  gboolean paused;
  GTask *task; /* while running */
  Run *run;    /* the task's */
};

enum { PROP_0, PROP_PROGRESS, PROP_RUNNING, PROP_PAUSED, PROP_NOTE, PROP_MEMORY_LIMIT, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernMeasure, quern_measure, G_TYPE_OBJECT)

/* ---- setting up ------------------------------------------------------------------------------------------------ */

QuernMeasure *
quern_measure_new (void)
{
  return g_object_new (QUERN_TYPE_MEASURE, NULL);
}

/* Forgets what was measured, because what is measured changes. */
static void
start_over (QuernMeasure *self)
{
  self->windows_done = 0;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->results)); i++)
    quern_measured_truncate (quern_measure_get_result (self, i), 0);
}

/**
 * quern_measure_add_model:
 * @kv_type: how its attention cache is kept
 *
 * The first is the reference. What was measured before is forgotten.
 *
 * Returns: (transfer none): its results, to come
 */
QuernMeasured *
quern_measure_add_model (QuernMeasure *self, QuernModel *model, QeKvType kv_type)
{
  g_autoptr (QuernMeasured) result = quern_measured_new (model, kv_type);

  g_return_val_if_fail (!self->task, NULL);
  start_over (self);
  g_list_store_append (self->results, result);
  return result; /* the list holds it */
}

static void
add_source (QuernMeasure *self, QuernMeasureSource *source)
{
  start_over (self);
  g_ptr_array_add (self->sources, source);
}

/**
 * quern_measure_add_text:
 * @text: ordinary text; what looks like a special token is read as its letters
 *
 * May be called more than once: pieces do not see each other.
 */
void
quern_measure_add_text (QuernMeasure *self, const char *text)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->text = g_utf8_make_valid (text, -1);
  add_source (self, source);
}

/**
 * quern_measure_add_request:
 * @answer: (array length=n_answer): the tokens that were generated from @request; they alone are scored
 *
 * Only the words of a conversation: pictures are left out, so a request with pictures must not be added.
 */
void
quern_measure_add_request (QuernMeasure *self, QuernRequest *request, const gint32 *answer, guint n_answer)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  g_return_if_fail (!self->task);
  source->request = quern_request_ref (request);
  source->answer = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_array_append_vals (source->answer, answer, n_answer);
  add_source (self, source);
}

/**
 * quern_measure_set_source:
 * @name: what the text is, to be shown: "notes.txt"
 */
void
quern_measure_set_source (QuernMeasure *self, const char *name)
{
  g_set_str (&self->source_name, name);
}

const char *
quern_measure_get_source (QuernMeasure *self)
{
  return self->source_name;
}

/**
 * quern_measure_set_context_size:
 * @n_tokens: of a window; a text that is longer is cut into windows, of which the second half is scored
 */
void
quern_measure_set_context_size (QuernMeasure *self, guint n_tokens)
{
  self->n_ctx = CLAMP (n_tokens, 16, 1 << 20);
}

guint
quern_measure_get_context_size (QuernMeasure *self)
{
  return self->n_ctx;
}

void
quern_measure_set_threads (QuernMeasure *self, guint n_threads)
{
  self->n_threads = n_threads;
}

/* ---- what came of it ------------------------------------------------------------------------------------------- */

/**
 * quern_measure_get_results:
 *
 * Returns: (transfer none): of #QuernMeasured, the reference first
 */
GListModel *
quern_measure_get_results (QuernMeasure *self)
{
  return G_LIST_MODEL (self->results);
}

/**
 * quern_measure_get_result:
 *
 * Returns: (transfer none)
 */
QuernMeasured *
quern_measure_get_result (QuernMeasure *self, guint i)
{
  g_autoptr (QuernMeasured) result = g_list_model_get_item (G_LIST_MODEL (self->results), i);

  return result; /* the list holds it */
}

gboolean
quern_measure_get_running (QuernMeasure *self)
{
  return self->task != NULL;
}

/**
 * quern_measure_get_complete:
 *
 * Returns: whether the whole text was measured with every model
 */
gboolean
quern_measure_get_complete (QuernMeasure *self)
{
  return self->n_windows > 0 && self->windows_done == self->n_windows;
}

double
quern_measure_get_progress (QuernMeasure *self)
{
  return self->progress;
}

/**
 * quern_measure_get_note:
 *
 * Returns: (nullable): sentences on how the figures were made: that the text was cut, that models were run one at a time
 */
const char *
quern_measure_get_note (QuernMeasure *self)
{
  return self->note;
}

const char *
quern_measure_get_text (QuernMeasure *self)
{
  return self->text->str;
}

guint
quern_measure_get_n_tokens (QuernMeasure *self)
{
  return self->ends->len;
}

void
quern_measure_get_token_span (QuernMeasure *self, guint token, guint *start, guint *end)
{
  g_return_if_fail (token < self->ends->len);
  *start = token > 0 ? g_array_index (self->ends, guint, token - 1) : 0;
  *end = g_array_index (self->ends, guint, token);
}

guint
quern_measure_get_position_token (QuernMeasure *self, guint i)
{
  g_return_val_if_fail (i < self->position_tokens->len, 0);
  return g_array_index (self->position_tokens, guint, i);
}

/**
 * quern_measure_get_candidate:
 * @id: of a candidate in one of the results
 *
 * Returns: (transfer none): its text; invalid UTF-8 as U+FFFD
 */
const char *
quern_measure_get_candidate (QuernMeasure *self, gint32 id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const char *text = g_hash_table_lookup (self->candidates, GINT_TO_POINTER (id));

  return text ? text : "";
}

double
quern_measure_get_noise_floor (QuernMeasure *self)
{
  return self->noise;
}

/* ---- from the worker ------------------------------------------------------------------------------------------- */

static void
set_progress (QuernMeasure *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));
  double done = 0;

  for (guint i = 0; i < n; i++)
    done += quern_measured_get_n_positions (quern_measure_get_result (self, i));
  self->progress = self->position_tokens->len > 0 ? done / ((double) n * self->position_tokens->len) : 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
}

static void
set_note (QuernMeasure *self, const QuernMeasurePlan *plan, gboolean together)
{
  GString *note = g_string_new (NULL);

  if (plan->windowed)
    g_string_append_printf (note,
                            _("The text has %u tokens, more than the context of %u: it was cut into windows that overlap by half, of which the second half is scored."),
                            plan->tokens->len, self->n_ctx);
  if (!together)
    g_string_append_printf (note, "%s%s", note->len > 0 ? " " : "",
                            _("The models do not fit into memory together, so they were run one at a time."));
  g_free (self->note);
  self->note = g_string_free (note, note->len == 0);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NOTE]);
}

static void
count_windows (QuernMeasure *self, const GArray *windows)
{
  guint rows = 0;

  self->n_windows = windows->len;
  g_array_set_size (self->window_rows, 0);
  for (guint i = 0; i < windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (windows, QuernMeasureWindow, i);
    rows += window->end - window->first;
    g_array_append_val (self->window_rows, rows);
  }
}

/* With the run's lock held, on the main thread. */
static void
take_plan (QuernMeasure *self, Run *run)
{
  g_string_free (self->text, TRUE);
  g_array_unref (self->ends);
  g_array_unref (self->position_tokens);
  g_ptr_array_unref (self->sources);
  self->text = g_steal_pointer (&run->text);
  self->ends = g_steal_pointer (&run->ends);
  self->position_tokens = g_steal_pointer (&run->position_tokens);
  self->sources = g_ptr_array_ref (run->plan->pieces);
  count_windows (self, run->plan->windows);
  set_note (self, run->plan, run->together);
  g_clear_pointer (&run->plan, _quern_measure_plan_free);
}

static void
flush (Run *run)
{
  QuernMeasure *self = run->measure;
  g_autoptr (GPtrArray) positions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  g_mutex_lock (&run->lock);
  run->flush_queued = FALSE;
  if (run->plan)
    take_plan (self, run);
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
  set_progress (self);
}

static gboolean
flush_cb (gpointer task)
{
  Run *run = g_task_get_task_data (task);

  if (run->measure->run == run)
    flush (run);
  return G_SOURCE_REMOVE;
}

/* With the lock held, on the worker. */
static void
queue_flush (GTask *task, Run *run)
{
  if (run->flush_queued)
    return;
  run->flush_queued = TRUE;
  GSource *source = g_timeout_source_new (FLUSH_MS);
  g_source_set_callback (source, flush_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, run->context);
  g_source_unref (source);
}

static void
keep_candidate (QuernMeasure *self, QeModel *model, gint32 id)
{
  size_t length;
  bool control;

  if (id < 0 || g_hash_table_contains (self->candidates, GINT_TO_POINTER (id)))
    return;
  const char *bytes = qe_token_bytes (model, id, &length, &control);
  g_hash_table_insert (self->candidates, GINT_TO_POINTER (id), g_utf8_make_valid (bytes ? bytes : "", bytes ? (gssize) length : 0));
}

static void
scored_cb (gpointer data, guint model, QeModel *weights, const QuernDivergence *positions, guint n)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->measure->lock);
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < QUERN_DIVERGENCE_TOP; j++) {
      keep_candidate (run->measure, weights, positions[i].top[j].id);
      keep_candidate (run->measure, weights, positions[i].top_reference[j].id);
    }
  g_mutex_unlock (&run->measure->lock);
  g_mutex_lock (&run->lock);
  g_array_append_vals (run->positions->pdata[model], positions, n);
  queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

static void
worked_cb (gpointer data, guint model, double seconds, guint n_tokens)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  g_array_index (run->seconds, double, model) += seconds;
  g_array_index (run->n_evaluated, guint, model) += n_tokens;
  g_mutex_unlock (&run->lock);
}

static void
noise_cb (gpointer data, double kld)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->noise = kld;
  g_mutex_unlock (&run->lock);
}

static void
committed_cb (gpointer data, guint n_windows)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->windows_done = n_windows;
  queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

/* Text of all tokens, as whole characters: a token that ends within one gets it when it is complete. */
static void
decode_text (Run *run, const QuernMeasurePlan *plan, QeModel *model)
{
  QeDecoder *decoder = qe_decoder_new (model);
  size_t length;

  for (guint i = 0; decoder && i < plan->tokens->len; i++) {
    gint32 id = g_array_index (plan->tokens, gint32, i);
    bool control = false;
    const char *bytes = qe_token_bytes (model, id, &length, &control);
    if (!bytes || !control)
      bytes = qe_decoder_push (decoder, id, &length);
    g_string_append_len (run->text, bytes, (gssize) length);
    guint end = (guint) run->text->len;
    g_array_append_val (run->ends, end);
  }
  qe_decoder_free (decoder);
}

static void
planned_cb (gpointer data, const QuernMeasurePlan *plan, QeModel *model, gboolean together)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  run->plan = g_new0 (QuernMeasurePlan, 1);
  *run->plan = (QuernMeasurePlan) { g_ptr_array_ref (plan->pieces), g_array_ref (plan->tokens),
                                    g_array_ref (plan->windows), plan->windowed };
  run->text = g_string_new (NULL);
  run->ends = g_array_new (FALSE, FALSE, sizeof (guint));
  run->position_tokens = g_array_new (FALSE, FALSE, sizeof (guint));
  run->together = together;
  decode_text (run, plan, model);
  for (guint i = 0; i < plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (plan->windows, QuernMeasureWindow, i);
    for (guint token = window->first + 1; token <= window->end; token++)
      g_array_append_val (run->position_tokens, token);
  }
  queue_flush (data, run);
  g_mutex_unlock (&run->lock);
}

/* Sleeps while the run is paused. */
static bool
stopped_cb (void *data)
{
  Run *run = g_task_get_task_data (data);

  g_mutex_lock (&run->lock);
  while (run->paused && !g_cancellable_is_cancelled (run->cancellable))
    g_cond_wait_until (&run->resumed, &run->lock, g_get_monotonic_time () + G_TIME_SPAN_SECOND / 5);
  g_mutex_unlock (&run->lock);
  return g_cancellable_is_cancelled (run->cancellable);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
run_free (gpointer data)
{
  Run *run = data;

  g_object_unref (run->measure);
  g_ptr_array_unref (run->job.models);
  g_array_unref (run->job.kv_types);
  g_ptr_array_unref (run->job.sources);
  g_clear_object (&run->cancellable);
  g_main_context_unref (run->context);
  g_mutex_clear (&run->lock);
  g_cond_clear (&run->resumed);
  g_ptr_array_unref (run->positions);
  g_array_unref (run->seconds);
  g_array_unref (run->n_evaluated);
  g_clear_pointer (&run->plan, _quern_measure_plan_free);
  if (run->text)
    g_string_free (run->text, TRUE);
  g_clear_pointer (&run->ends, g_array_unref);
  g_clear_pointer (&run->position_tokens, g_array_unref);
  g_free (run);
}

static void
add_to_job (Run *run, QuernMeasured *result)
{
  QeKvType kv_type = quern_measured_get_kv_type (result);

  g_ptr_array_add (run->job.models, g_object_ref (quern_measured_get_model (result)));
  g_array_append_val (run->job.kv_types, kv_type);
  g_ptr_array_add (run->positions, g_array_new (FALSE, FALSE, sizeof (QuernDivergence)));
}

static Run *
run_new (QuernMeasure *self, GCancellable *cancellable)
{
  Run *run = g_new0 (Run, 1);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));

  run->measure = g_object_ref (self);
  run->cancellable = cancellable ? g_object_ref (cancellable) : NULL;
  run->context = g_main_context_ref_thread_default ();
  g_mutex_init (&run->lock);
  g_cond_init (&run->resumed);
  run->paused = self->paused;
  run->noise = self->noise;
  run->windows_done = self->windows_done;
  run->positions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  run->seconds = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (double)), n);
  run->n_evaluated = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (guint)), n);
  run->job = (QuernMeasureJob) { g_ptr_array_new_with_free_func (g_object_unref),
                                 g_array_new (FALSE, FALSE, sizeof (QeKvType)), g_ptr_array_ref (self->sources),
                                 self->n_ctx, self->n_threads, self->windows_done, self->memory_limit };
  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (self, i);
    add_to_job (run, result);
    run->job.n_ctx = MIN (run->job.n_ctx, quern_model_get_info (quern_measured_get_model (result))->n_ctx_train);
  }
  self->n_ctx = run->job.n_ctx;
  return run;
}

static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  static const QuernMeasureEvents events = { planned_cb, scored_cb, worked_cb, noise_cb, committed_cb, stopped_cb };
  Run *run = data;
  GError *error = NULL;

  if (_quern_measure_work (&run->job, &events, task, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* A stored measurement that failed before it was planned again has only whole windows anyway. */
static void
drop_uncommitted (QuernMeasure *self)
{
  guint rows = 0;

  if (self->windows_done > self->window_rows->len)
    return;
  if (self->windows_done > 0)
    rows = g_array_index (self->window_rows, guint, self->windows_done - 1);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->results)); i++)
    quern_measured_truncate (quern_measure_get_result (self, i), rows);
}

static void
measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernMeasure *self = QUERN_MEASURE (source);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  GError *error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  flush (self->run);
  self->run = NULL;
  drop_uncommitted (self);
  set_progress (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Whether there is something to measure with. */
static gboolean
check_models (QuernMeasure *self, GError **error)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->results));

  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (self, i);
    if (quern_measured_get_model (result))
      continue;
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
                 _("“%s” is not on this computer, so nothing more can be measured with it."),
                 quern_measured_get_facts (result)->title);
    return FALSE;
  }
  if (n > 0)
    return TRUE;
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED, _("Choose a model to measure."));
  return FALSE;
}

/**
 * quern_measure_run_async:
 *
 * Measures what is left to measure. @callback comes when all is done, or with an error: results so far are kept, up to
 * the last window that every model did.
 */
void
quern_measure_run_async (QuernMeasure *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_return_if_fail (!self->task);
  if (!check_models (self, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_autoptr (GTask) worker = g_task_new (self, NULL, measured_cb, NULL);
  self->run = run_new (self, cancellable);
  self->task = g_steal_pointer (&task);
  g_task_set_task_data (worker, self->run, run_free);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  g_task_run_in_thread (worker, measure_thread);
}

gboolean
quern_measure_run_finish (QuernMeasure *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
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
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAUSED]);
}

/* ---- restoring ------------------------------------------------------------------------------------------------- */

void
_quern_measure_restore (QuernMeasure *self, const char *text, GArray *ends, GArray *position_tokens,
                        guint windows_done, guint n_windows, double noise)
{
  g_string_assign (self->text, text);
  g_array_set_size (self->ends, 0);
  g_array_append_vals (self->ends, ends->data, ends->len);
  g_array_set_size (self->position_tokens, 0);
  g_array_append_vals (self->position_tokens, position_tokens->data, position_tokens->len);
  self->windows_done = windows_done;
  self->n_windows = n_windows;
  self->noise = noise;
  set_progress (self);
}

void
_quern_measure_restore_piece (QuernMeasure *self, const gint32 *tokens, guint n, guint first)
{
  QuernMeasureSource *source = g_new0 (QuernMeasureSource, 1);

  source->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  source->first = first;
  g_array_append_vals (source->tokens, tokens, n);
  g_ptr_array_add (self->sources, source);
}

void
_quern_measure_restore_result (QuernMeasure *self, QuernMeasured *result)
{
  g_list_store_append (self->results, result);
}

void
_quern_measure_restore_candidate (QuernMeasure *self, gint32 id, const char *text)
{
  g_hash_table_insert (self->candidates, GINT_TO_POINTER (id), g_strdup (text));
}

void
_quern_measure_restore_note (QuernMeasure *self, const char *note)
{
  g_set_str (&self->note, note);
}

guint
_quern_measure_get_windows_done (QuernMeasure *self)
{
  return self->windows_done;
}

guint
_quern_measure_get_n_windows (QuernMeasure *self)
{
  return self->n_windows;
}

/* Positions that a complete measurement has. */
guint
_quern_measure_get_n_rows (QuernMeasure *self)
{
  return self->position_tokens->len;
}

/* Only while nothing runs. */
GHashTable *
_quern_measure_get_candidates (QuernMeasure *self)
{
  return self->candidates;
}

GPtrArray *
_quern_measure_get_sources (QuernMeasure *self)
{
  return self->sources;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
quern_measure_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  switch (prop_id) {
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  case PROP_RUNNING: g_value_set_boolean (value, self->task != NULL); break;
  case PROP_PAUSED: g_value_set_boolean (value, self->paused); break;
  case PROP_NOTE: g_value_set_string (value, self->note); break;
  case PROP_MEMORY_LIMIT: g_value_set_uint64 (value, self->memory_limit); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_measure_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  switch (prop_id) {
  case PROP_PAUSED: quern_measure_set_paused (self, g_value_get_boolean (value)); break;
  case PROP_MEMORY_LIMIT: self->memory_limit = g_value_get_uint64 (value); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_measure_finalize (GObject *object)
{
  QuernMeasure *self = QUERN_MEASURE (object);

  g_clear_object (&self->results);
  g_ptr_array_unref (self->sources);
  g_free (self->source_name);
  g_string_free (self->text, TRUE);
  g_array_unref (self->ends);
  g_array_unref (self->position_tokens);
  g_array_unref (self->window_rows);
  g_hash_table_unref (self->candidates);
  g_mutex_clear (&self->lock);
  g_free (self->note);
  G_OBJECT_CLASS (quern_measure_parent_class)->finalize (object);
}

static void
quern_measure_class_init (QuernMeasureClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_measure_get_property;
  object_class->set_property = quern_measure_set_property;
  object_class->finalize = quern_measure_finalize;
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, readable);
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, readable);
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, writable);
  properties[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, NULL, readable);
  properties[PROP_MEMORY_LIMIT] = g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, writable);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_measure_init (QuernMeasure *self)
{
  self->results = g_list_store_new (QUERN_TYPE_MEASURED);
  self->sources = g_ptr_array_new_with_free_func (_quern_measure_source_free);
  self->n_ctx = QUERN_MEASURE_CONTEXT;
  self->text = g_string_new (NULL);
  self->ends = g_array_new (FALSE, FALSE, sizeof (guint));
  self->position_tokens = g_array_new (FALSE, FALSE, sizeof (guint));
  self->window_rows = g_array_new (FALSE, FALSE, sizeof (guint));
  self->candidates = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->noise = -1;
  g_mutex_init (&self->lock);
}
