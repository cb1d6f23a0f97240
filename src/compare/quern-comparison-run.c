/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison.h"

#include <glib/gi18n-lib.h>

#include "quern-compare-answer-private.h"
#include "quern-comparison-private.h"
#include "quern-excerpt.h"
#include "quern-machine.h"
#include "quern-sampling.h"

/* Asks all columns. The memory is planned first, for all of them; then a QuernCompareRun fills in their answers. */

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* The files whose columns share this computer's processor. Columns of one file are computed together, with the same threads. */
static guint
count_local_files (QuernComparison *self)
{
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernModel *model = quern_compare_column_get_model (quern_comparison_get_column (self, i));
    if (model && !quern_model_is_remote (model))
      g_hash_table_add (files, (gpointer) quern_model_get_key (model));
  }
  return g_hash_table_size (files);
}

/* How a column is loaded: as little as a comparison needs, so that more columns fit. */
static QuernLoadParams
load_params (QuernComparison *self, QuernCompareColumn *column, QuernCompareMode mode)
{
  guint n_threads = quern_machine_get_threads ();

  if (mode == QUERN_COMPARE_TOGETHER)
    n_threads = MAX (1, n_threads / MAX (1, count_local_files (self)));
  return (QuernLoadParams) { .context_size = quern_model_choose_context (quern_compare_column_get_model (column),
                                                                         self->n_ctx),
                             .n_threads = n_threads,
                             .kv_type = quern_compare_column_get_kv_type (column),
                             .force = TRUE, /* planned here, for all columns */
                             .private_context = TRUE,
                             .no_drafts = TRUE,
                             .no_checkpoints = TRUE,
                             .no_sketch = TRUE };
}

static guint64
plan_column (QuernComparison *self, QuernCompareColumn *column, gboolean pictures, QuernCompareMode mode,
             guint64 *weights)
{
  const QuernLoadParams params = load_params (self, column, mode);
  QuernMemoryPlan plan;

  quern_model_plan_bare (quern_compare_column_get_model (column), params.context_size, params.kv_type, params.n_threads,
                         pictures, &plan);
  *weights = plan.weights;
  return plan.total;
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

static guint64
available_memory (QuernComparison *self)
{
  return self->memory_limit > 0 ? self->memory_limit : quern_memory_available ();
}

/* FALSE when the column does not fit even if no other is loaded. */
static gboolean
plan_alone (QuernComparison *self, QuernCompareColumn *column, gboolean pictures, guint64 available, guint64 *needed,
            GError **error)
{
  const QuernLoadParams params = load_params (self, column, QUERN_COMPARE_ONE_AFTER_ANOTHER);
  guint64 weights;

  *needed = plan_column (self, column, pictures, QUERN_COMPARE_ONE_AFTER_ANOTHER, &weights);
  return *needed <= available
         || quern_inference_refuse_memory (quern_compare_column_get_model (column), params.context_size, params.kv_type,
                                           *needed, available, error);
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
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = quern_comparison_get_n_columns (self);

  if (n == 0) {
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED, _("Add a column first."));
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    if (!check_column (quern_comparison_get_column (self, i), error))
      return FALSE;
  *available = available_memory (self);
  *mode = QUERN_COMPARE_TOGETHER;
  *needed = 0;
  for (guint i = 0; i < n; i++) { /* the weights of one file count once */
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    guint64 weights;
    *needed += plan_column (self, column, pictures, QUERN_COMPARE_TOGETHER, &weights);
    if (!g_hash_table_add (files, (gpointer) quern_model_get_key (quern_compare_column_get_model (column))))
      *needed -= weights;
  }
  if (self->mode == QUERN_COMPARE_TOGETHER && *needed <= *available)
    return TRUE;
  *mode = QUERN_COMPARE_ONE_AFTER_ANOTHER;
  *needed = 0;
  for (guint i = 0; i < n; i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    guint64 own;
    if (!plan_alone (self, column, pictures, *available, &own, error))
      return FALSE;
    *needed = MAX (*needed, own);
  }
  return TRUE;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

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
    const QuernCompareTurn *asked = self->turns->pdata[i];
    GListModel *pictures = G_LIST_MODEL (asked->pictures);

    quern_request_add_message (request, QUERN_ROLE_USER, asked->prompt, NULL);
    for (guint j = 0; j < g_list_model_get_n_items (pictures); j++) {
      g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, j);
      quern_request_add_picture (request, quern_picture_dup_pixels (picture));
    }
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
_quern_comparison_add_job (QuernComparison *self, QuernCompareRun *run, QuernCompareColumn *column,
                           QuernCompareMode mode, gboolean pictures)
{
  const QuernLoadParams params = load_params (self, column, mode);

  return _quern_compare_run_add (run, quern_compare_column_get_model (column), &params, pictures);
}

/* Returns: (transfer full): the answer to prompt @turn, which the run will fill */
static QuernCompareAnswer *
add_answer (QuernComparison *self, QuernCompareRun *run, QuernCompareColumn *column, guint turn, QuernCompareMode mode)
{
  g_autoptr (QuernRequest) request = quern_comparison_build_request (self, column, turn);
  QuernCompareAnswer *answer = _quern_compare_answer_new ();
  gboolean pictures = quern_request_has_pictures (request);
  QuernCompareJob *job = _quern_comparison_add_job (self, run, column, mode, pictures);
  QuernSampling sampling = _quern_comparison_sampling (self, column, pictures);

  _quern_compare_job_ask (job, request, quern_compare_column_thinks (column), &sampling.sampler, sampling.max_tokens,
                          answer);
  return answer;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
quern_comparison_ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernComparison *self = QUERN_COMPARISON (source);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  g_clear_pointer (&self->run, _quern_compare_run_free);
  if (self->paused_measure && self->measure)
    quern_measure_set_paused (self->measure, FALSE);
  self->paused_measure = FALSE;
  _quern_comparison_notify_running (self);
  g_task_return_boolean (task, TRUE);
}

/* Takes the run. */
static void
quern_comparison_start (QuernComparison *self, GTask *task, QuernCompareRun *run, GCancellable *cancellable)
{
  self->task = g_object_ref (task);
  self->run = run;
  _quern_comparison_note_machine (self);
  if (self->measure && quern_measure_get_running (self->measure) && !quern_measure_get_paused (self->measure)) {
    self->paused_measure = TRUE;
    quern_measure_set_paused (self->measure, TRUE);
  }
  _quern_comparison_notify_running (self);
  _quern_compare_run_async (run, self, cancellable, quern_comparison_ran_cb);
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
 * @backend: where the columns' models run
 * @pictures: (nullable): of #QuernPicture
 *
 * Asks every column. Before anything starts the memory is planned; when the columns do not fit together, they run one
 * after another, which "note" tells. Those on servers need no memory and run at the same time as the others in any case. Fails, with nothing added, when one does not fit at all. A column that fails by
 * itself says so in its answer, and the others go on; cancelling keeps what there is.
 */
void
quern_comparison_ask_async (QuernComparison *self, QuernBackend *backend, const char *prompt, GListModel *pictures,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
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
  QuernCompareRun *run = _quern_compare_run_new (backend, mode == QUERN_COMPARE_TOGETHER);
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    g_autoptr (QuernCompareAnswer) answer = add_answer (self, run, column, self->turns->len - 1, mode);
    _quern_compare_column_add_answer (column, answer);
  }
  quern_comparison_start (self, task, run, cancellable);
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
  QuernBackend *backend;
  QuernCompareColumn *column;
  guint turn;
} CatchingUp;

static void
catching_up_free (gpointer data)
{
  CatchingUp *c = data;

  g_object_unref (c->backend);
  g_object_unref (c->column);
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
  QuernCompareRun *run = _quern_compare_run_new (c->backend, FALSE);
  g_autoptr (QuernCompareAnswer) answer = add_answer (self, run, c->column, c->turn, QUERN_COMPARE_ONE_AFTER_ANOTHER);
  _quern_compare_column_replace_answer (c->column, c->turn, answer);
  g_autoptr (GTask) asking = g_task_new (self, NULL, missing_asked_cb, g_object_ref (task));
  quern_comparison_start (self, asking, run, g_task_get_cancellable (task));
}

/**
 * quern_comparison_catch_up_async:
 * @backend: where the column's model runs
 * @column: one that is behind
 *
 * Asks it, alone, what it has not answered, prompt after prompt to the last, with the same random numbers. Cancelling
 * keeps what there is.
 */
void
quern_comparison_catch_up_async (QuernComparison *self, QuernBackend *backend, QuernCompareColumn *column,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  CatchingUp *c = g_new0 (CatchingUp, 1);
  GError *error = NULL;
  guint64 needed;

  g_return_if_fail (!self->task);
  g_task_set_check_cancellable (task, FALSE);
  *c = (CatchingUp) { g_object_ref (backend), g_object_ref (column), quern_comparison_get_missing (self, column) };
  g_task_set_task_data (task, c, catching_up_free);
  if (check_column (column, &error)
      && plan_alone (self, column, has_pictures (self, NULL), available_memory (self), &needed, &error))
    ask_missing (self, task);
  else
    g_task_return_error (task, error);
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
  if (self->run)
    _quern_compare_run_stop (self->run);
}

gboolean
quern_comparison_get_running (QuernComparison *self)
{
  return self->task != NULL;
}
