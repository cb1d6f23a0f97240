/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison.h"

#include <glib/gi18n-lib.h>

#include "quern-cancel-chain.h"
#include "quern-compare-answer-private.h"
#include "quern-compare-job.h"
#include "quern-comparison-private.h"
#include "quern-prompt.h"
#include "quern-sampling.h"

/* Asks all columns. The memory is planned first; then one thread runs the columns' jobs, which fill in their
 * answers. */

#define DEFAULT_CONTEXT 4096

typedef struct {
  GPtrArray *jobs; /* of QuernCompareJob */
  QuernCancelChain cancel;
} Run;

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static guint
context_size (QuernComparison *self, QuernModel *model)
{
  guint wanted = self->n_ctx > 0 ? self->n_ctx : DEFAULT_CONTEXT;

  return MIN (wanted, quern_model_get_info (model)->n_ctx_train);
}

static guint
threads_for (QuernComparison *self, QuernCompareMode mode)
{
  guint all = qe_cpu_default_threads ();

  return mode == QUERN_COMPARE_TOGETHER ? MAX (1, all / MAX (1, quern_comparison_get_n_columns (self))) : all;
}

static guint64
plan_column (QuernComparison *self, QuernCompareColumn *column, gboolean pictures, QuernCompareMode mode,
             guint64 *weights)
{
  QuernModel *model = quern_compare_column_get_model (column);

  return _quern_compare_plan (model, quern_compare_column_get_kv_type (column), context_size (self, model),
                              threads_for (self, mode), pictures, weights);
}

/* Plans all columns at once. The weights of one file count once. */
static guint64
plan_together (QuernComparison *self, gboolean pictures)
{
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
  guint64 sum = 0;

  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    guint64 weights;
    sum += plan_column (self, quern_comparison_get_column (self, i), pictures, QUERN_COMPARE_TOGETHER, &weights);
    const char *path = quern_model_get_path (quern_compare_column_get_model (quern_comparison_get_column (self, i)));
    if (!g_hash_table_add (files, (gpointer) path))
      sum -= weights;
  }
  return sum;
}

static gboolean
refuse (QuernCompareColumn *column, guint64 needed, guint64 available, GError **error)
{
  g_autofree char *need = g_format_size (needed);
  g_autofree char *free = g_format_size (available);

  g_set_error (
      error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_MEMORY,
      _("“%s” needs %s of memory, but %s are free. Close other applications, choose a smaller context length, "
        "or remove the column."),
      quern_compare_column_get_facts (column)->title, need, free);
  return FALSE;
}

static gboolean
check_column (QuernCompareColumn *column, GError **error)
{
  if (quern_compare_column_get_model (column))
    return TRUE;
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
               _("“%s” is not on this computer. Choose another model for its column."),
               quern_compare_column_get_facts (column)->title);
  return FALSE;
}

static gboolean
check_columns (QuernComparison *self, GError **error)
{
  guint n = quern_comparison_get_n_columns (self);

  if (n == 0)
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED, _("Add a column first."));
  for (guint i = 0; i < n; i++)
    if (!check_column (quern_comparison_get_column (self, i), error))
      return FALSE;
  return n > 0;
}

/**
 * quern_comparison_plan_memory:
 * @pictures: whether pictures will be shown
 * @mode: (out): how it can be run: together only if that was asked for and all columns fit at once
 * @needed: (out): bytes that it will take at most, run like that
 * @available: (out): bytes that are free
 *
 * Returns: %FALSE when even one column alone does not fit, with a sentence that says which
 */
gboolean
quern_comparison_plan_memory (QuernComparison *self, gboolean pictures, QuernCompareMode *mode, guint64 *needed,
                              guint64 *available, GError **error)
{
  if (!check_columns (self, error))
    return FALSE;
  *available = self->memory_limit > 0 ? self->memory_limit : quern_memory_available ();
  *mode = QUERN_COMPARE_TOGETHER;
  *needed = plan_together (self, pictures);
  if (self->mode == QUERN_COMPARE_TOGETHER && *needed <= *available)
    return TRUE;
  *mode = QUERN_COMPARE_ONE_AFTER_ANOTHER;
  *needed = 0;
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    guint64 weights, own = plan_column (self, column, pictures, *mode, &weights);
    *needed = MAX (*needed, own);
    if (own > *available)
      return refuse (column, own, *available, error);
  }
  return TRUE;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static void
add_prompt (QuernRequest *request, const QuernCompareTurn *turn)
{
  GListModel *pictures = G_LIST_MODEL (turn->pictures);

  quern_request_add_message (request, QUERN_ROLE_USER, turn->prompt, NULL);
  for (guint i = 0; i < g_list_model_get_n_items (pictures); i++) {
    g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, i);
    quern_request_add_picture (request,
                               quern_pixels_new (quern_picture_get_pixels (picture), quern_picture_get_width (picture),
                                                 quern_picture_get_height (picture),
                                                 3 * quern_picture_get_width (picture)));
  }
}

/**
 * quern_comparison_build_request:
 * @turn: a prompt of the comparison
 *
 * Returns: (transfer full): the conversation as @column had it, up to prompt @turn
 */
QuernRequest *
quern_comparison_build_request (QuernComparison *self, QuernCompareColumn *column, guint turn)
{
  QuernRequest *request = quern_request_new ();

  for (guint i = 0; i <= turn; i++) {
    QuernCompareAnswer *answer = i < turn ? quern_compare_column_get_answer (column, i) : NULL;
    if (answer && quern_compare_answer_get_state (answer) == QUERN_COMPARE_NOT_ASKED)
      continue; /* the model never saw that prompt */
    add_prompt (request, self->turns->pdata[i]);
    if (i == turn)
      break;
    quern_request_add_message (request, QUERN_ROLE_ASSISTANT, quern_compare_answer_get_answer (answer),
                               quern_compare_answer_get_reasoning (answer));
  }
  quern_request_set_thinking (request, quern_compare_column_thinks (column));
  return request;
}

QuernSampling
_quern_comparison_sampling (QuernComparison *self, QuernCompareColumn *column, gboolean pictures)
{
  QuernSampling sampling;
  double temperature = quern_compare_column_get_temperature (column);

  quern_sampling_init (&sampling, quern_compare_column_get_model (column), quern_compare_column_thinks (column),
                       pictures, quern_compare_column_get_sampling (column));
  if (temperature >= 0)
    sampling.sampler.temperature = (float) temperature;
  sampling.sampler.seed = self->seed;
  if (self->max_tokens > 0)
    sampling.max_tokens = self->max_tokens;
  return sampling;
}

QuernCompareJob *
_quern_comparison_job (QuernComparison *self, QuernCompareColumn *column, QuernCompareMode mode, gboolean pictures)
{
  QuernModel *model = quern_compare_column_get_model (column);

  return _quern_compare_job_new (model, quern_compare_column_get_kv_type (column), context_size (self, model),
                                 threads_for (self, mode), mode == QUERN_COMPARE_TOGETHER, pictures);
}

static QuernCompareAnswer *
add_job (QuernComparison *self, Run *run, QuernCompareColumn *column, guint turn, QuernCompareMode mode)
{
  g_autoptr (QuernRequest) request = quern_comparison_build_request (self, column, turn);
  g_autoptr (QuernCompareAnswer) answer = _quern_compare_answer_new ();
  gboolean pictures = quern_request_has_pictures (request);
  QuernCompareJob *job = _quern_comparison_job (self, column, mode, pictures);
  QuernSampling sampling = _quern_comparison_sampling (self, column, pictures);

  _quern_compare_job_add (job, request, quern_compare_column_thinks (column), &sampling.sampler, sampling.max_tokens,
                          answer);
  g_ptr_array_add (run->jobs, job);
  return g_steal_pointer (&answer);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
run_free (gpointer data)
{
  Run *run = data;

  g_ptr_array_unref (run->jobs);
  quern_cancel_chain_clear (&run->cancel);
  g_free (run);
}

static void
run_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Run *run = data;

  _quern_compare_jobs_run (run->jobs, run->cancel.own);
  g_task_return_boolean (task, TRUE);
}

static void
flush_answers (Run *run)
{
  for (guint i = 0; i < run->jobs->len; i++) {
    QuernCompareJob *job = run->jobs->pdata[i];
    for (guint j = 0; j < job->items->len; j++)
      _quern_compare_answer_flush (((QuernCompareItem *) job->items->pdata[j])->answer);
  }
}

static void
ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernComparison *self = QUERN_COMPARISON (source);
  Run *run = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  flush_answers (run);
  quern_cancel_chain_cut (&run->cancel);
  g_clear_object (&self->cancellable);
  if (self->paused_measure && self->measure)
    quern_measure_set_paused (self->measure, FALSE);
  self->paused_measure = FALSE;
  _quern_comparison_notify_running (self);
  g_task_return_boolean (task, TRUE);
}

static Run *
run_new (GCancellable *outer)
{
  Run *run = g_new0 (Run, 1);

  run->jobs = g_ptr_array_new_with_free_func (_quern_compare_job_free);
  quern_cancel_chain_init (&run->cancel, outer);
  return run;
}

static void
start (QuernComparison *self, GTask *task, Run *run)
{
  g_autoptr (GTask) worker = g_task_new (self, NULL, ran_cb, NULL);

  g_task_set_task_data (worker, run, run_free);
  self->task = g_object_ref (task);
  g_set_object (&self->cancellable, run->cancel.own);
  _quern_comparison_note_machine (self);
  if (self->measure && quern_measure_get_running (self->measure) && !quern_measure_get_paused (self->measure)) {
    self->paused_measure = TRUE;
    quern_measure_set_paused (self->measure, TRUE);
  }
  _quern_comparison_notify_running (self);
  g_task_run_in_thread (worker, run_thread);
}

static gboolean
has_pictures (QuernComparison *self, GListModel *pictures)
{
  gboolean any = pictures && g_list_model_get_n_items (pictures) > 0;

  for (guint i = 0; i < self->turns->len && !any; i++)
    any = g_list_model_get_n_items (quern_comparison_get_pictures (self, i)) > 0;
  return any;
}

/**
 * quern_comparison_ask_async:
 * @pictures: (nullable): of #QuernPicture
 *
 * Asks every column. Before anything starts the memory is planned; when the columns do not fit together, they run one
 * after another, which "note" tells. Fails, with nothing added, when one does not fit at all. A column that fails by
 * itself says so in its answer, and the others go on; cancelling keeps what there is.
 */
void
quern_comparison_ask_async (QuernComparison *self, const char *prompt, GListModel *pictures, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  QuernCompareMode mode;
  guint64 needed, available;
  GError *error = NULL;

  g_return_if_fail (!self->task);
  if (!quern_comparison_plan_memory (self, has_pictures (self, pictures), &mode, &needed, &available, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_set_str (&self->note, mode != self->mode
                              ? _("The columns do not fit into memory together, so they ran one after another.")
                              : NULL);
  _quern_comparison_restore_turn (self, prompt, pictures);
  Run *run = run_new (cancellable);
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    g_autoptr (QuernCompareAnswer) answer = add_job (self, run, column, self->turns->len - 1, mode);
    _quern_compare_column_add_answer (column, answer);
  }
  start (self, task, run);
}

gboolean
quern_comparison_ask_finish (QuernComparison *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- catching up ----------------------------------------------------------------------------------------------- */

/**
 * quern_comparison_get_missing:
 *
 * A stopped answer that others came after stays: they were given to it.
 *
 * Returns: the first prompt that @column was not asked, or the last one if its answer was stopped or failed; the number
 * of prompts when nothing is missing
 */
guint
quern_comparison_get_missing (QuernComparison *self, QuernCompareColumn *column)
{
  for (guint turn = 0; turn < self->turns->len; turn++) {
    QuernCompareAnswer *answer = quern_compare_column_get_answer (column, turn);
    QuernCompareState state;
    if (!answer)
      break; /* this prompt is still being added */
    state = quern_compare_answer_get_state (answer);
    if (state == QUERN_COMPARE_NOT_ASKED || (state >= QUERN_COMPARE_STOPPED && turn + 1 == self->turns->len))
      return turn;
  }
  return self->turns->len;
}

typedef struct {
  QuernCompareColumn *column;
  GCancellable *cancellable; /* or NULL */
  guint turn;
} CatchingUp;

static void
catching_up_free (gpointer data)
{
  CatchingUp *c = data;

  g_object_unref (c->column);
  g_clear_object (&c->cancellable);
  g_free (c);
}

static void ask_missing (QuernComparison *self, GTask *task);

static void
missing_asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  CatchingUp *c = g_task_get_task_data (task);

  if (quern_compare_answer_get_state (quern_compare_column_get_answer (c->column, c->turn)) >= QUERN_COMPARE_STOPPED)
    g_task_return_boolean (task, TRUE); /* the answer says why; the prompts after it must not be asked without it */
  else {
    c->turn++;
    ask_missing (QUERN_COMPARISON (source), task);
  }
}

static void
ask_missing (QuernComparison *self, GTask *task)
{
  CatchingUp *c = g_task_get_task_data (task);
  guint position;

  if (c->turn == self->turns->len || !g_list_store_find (self->columns, c->column, &position)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  Run *run = run_new (c->cancellable);
  g_autoptr (QuernCompareAnswer) answer = add_job (self, run, c->column, c->turn, QUERN_COMPARE_ONE_AFTER_ANOTHER);
  _quern_compare_column_replace_answer (c->column, c->turn, answer);
  g_autoptr (GTask) asking = g_task_new (self, NULL, missing_asked_cb, g_object_ref (task));
  start (self, asking, run);
}

/**
 * quern_comparison_catch_up_async:
 * @column: one that is behind
 *
 * Asks it, alone, what it has not answered, prompt after prompt to the last, with the same random numbers.
 */
void
quern_comparison_catch_up_async (QuernComparison *self, QuernCompareColumn *column, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  guint64 needed, available, weights;
  CatchingUp *c = g_new0 (CatchingUp, 1);
  GError *error = NULL;

  g_return_if_fail (!self->task);
  c->column = g_object_ref (column);
  c->turn = quern_comparison_get_missing (self, column);
  c->cancellable = cancellable ? g_object_ref (cancellable) : NULL;
  g_task_set_task_data (task, c, catching_up_free);
  available = self->memory_limit > 0 ? self->memory_limit : quern_memory_available ();
  if (!check_column (column, &error)) {
    g_task_return_error (task, error);
    return;
  }
  needed = plan_column (self, column, has_pictures (self, NULL), QUERN_COMPARE_ONE_AFTER_ANOTHER, &weights);
  if (needed > available) {
    refuse (column, needed, available, &error);
    g_task_return_error (task, error);
    return;
  }
  ask_missing (self, task);
}

gboolean
quern_comparison_catch_up_finish (QuernComparison *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_comparison_stop:
 *
 * Ends the run within a token; what was written stays.
 */
void
quern_comparison_stop (QuernComparison *self)
{
  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
}

gboolean
quern_comparison_get_running (QuernComparison *self)
{
  return self->task != NULL;
}
