/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep-private.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "quern-file-name.h"
#include "quern-sha256.h"

/* Scores one model of a sweep, on a thread. The reference makes the plan, if there is none yet, and its logits are kept;
 * those of other models are compared with what is kept. Each window is written down when it is done. */

typedef struct {
  const QuernSweepJob *job;
  QuernLoadedModel *loaded;
  const QuernMeasureWindow *window;
  guint index, row; /* numbers of the window and of its first position in the text */
  QuernSweepWindow *scored;
} Scoring;

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Sets the plan if there is one. */
gboolean
_quern_sweep_load_plan (QuernSweepWork *work, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (work->folder, "plan", NULL);
  GError *cause = NULL;

  g_clear_pointer (&work->plan, _quern_sweep_plan_free);
  work->plan = _quern_sweep_plan_load (path, work->key, cancellable, &cause);
  if (work->plan)
    work->form = quern_kept_form_choose (work->plan->n_vocab, work->plan->position_tokens->len, work->budget);
  if (cause)
    g_propagate_error (error, cause);
  return !cause;
}

static gboolean
quern_sweep_check_budget (QuernSweepWork *work, GError **error)
{
  if (work->form != QUERN_KEPT_NONE)
    return TRUE;
  g_autofree char *needed = g_format_size (
      quern_kept_form_get_bytes (QUERN_KEPT_TOP, work->plan->n_vocab, work->plan->position_tokens->len));
  g_autofree char *allowed = g_format_size (work->budget);
  g_set_error (
      error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
      _("What the reference says takes %s on the disk even when only the likeliest tokens are kept, and %s are "
        "allowed. Allow more, or use a shorter text."),
      needed, allowed);
  return FALSE;
}

/* Sets `kept`. It can only be open with a plan. */
static gboolean
quern_sweep_open_logits (QuernSweepWork *work, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (work->folder, "reference.logits", NULL);
  g_autofree char *what = g_strjoin ("\n", work->plan->key, quern_kept_form_to_word (work->form), work->reference,
                                     NULL);
  g_autofree char *key = quern_sha256_of_data (what, strlen (what));

  if (!work->kept)
    work->kept = quern_kept_logits_open (path, key, work->form, work->plan->n_vocab, cancellable, error);
  return work->kept != NULL;
}

gboolean
_quern_sweep_logits_are_complete (QuernSweepWork *work, GCancellable *cancellable, gboolean *complete, GError **error)
{
  *complete = FALSE;
  if (!work->plan || work->form == QUERN_KEPT_NONE)
    return TRUE;
  if (!quern_sweep_open_logits (work, cancellable, error))
    return FALSE;
  *complete = quern_kept_logits_get_n_rows (work->kept) == work->plan->position_tokens->len;
  return TRUE;
}

/* Closes them, so that they are checked when they are needed again. */
void
_quern_sweep_forget_logits (QuernSweepWork *work)
{
  g_clear_pointer (&work->kept, quern_kept_logits_free);
}

/* The rows of a model, with the key of what they were measured with. There must be a plan. */
QuernBlockFile *
_quern_sweep_open_rows (QuernSweepWork *work, const char *label, const char *hash, GCancellable *cancellable,
                        GError **error)
{
  g_autofree char *name = quern_file_name (label, ".rows", "model");
  g_autofree char *path = g_build_filename (work->folder, name, NULL);
  g_autofree char *what = g_strjoin ("\n", work->plan->key, quern_kept_form_to_word (work->form), work->reference,
                                     label, hash, NULL);
  g_autofree char *key = quern_sha256_of_data (what, strlen (what));

  return quern_block_file_open (path, key, cancellable, error);
}

/* ---- one window ------------------------------------------------------------------------------------------------ */

static gboolean
quern_sweep_row_cb (gpointer data, guint at, const float *logits, GError **error)
{
  Scoring *s = data;
  const QuernSweepJob *job = s->job;
  const gint32 token = g_array_index (job->work->plan->tokens, gint32, at + 1);
  QuernDivergence divergence;
  double lost = 0;
  gboolean ok = job->is_reference ? quern_kept_logits_add (job->work->kept, logits, token, &divergence, error)
                                  : quern_kept_logits_compare (job->work->kept, s->row + at - s->window->first, logits,
                                                               token, &divergence, &lost, error);

  if (ok) {
    divergence.window = s->index;
    g_array_append_val (s->scored->positions, divergence);
    s->scored->lost += lost;
  }
  return ok;
}

static gboolean
quern_sweep_stopped_cb (gpointer data)
{
  return g_cancellable_is_cancelled (((Scoring *) data)->job->cancellable);
}

static gboolean
quern_sweep_score_window (Scoring *s, GError **error)
{
  const QuernMeasureScoring scoring = { s->loaded,          s->job->work->plan->tokens, s->window,
                                        quern_sweep_row_cb, quern_sweep_stopped_cb,     s };

  s->scored->n_evaluated = s->window->n;
  return _quern_measure_score_window (&scoring, &s->scored->seconds, error);
}

/* ---- one model ------------------------------------------------------------------------------------------------- */

static gboolean
quern_sweep_make_plan (const QuernSweepJob *job, QuernModel *model, QuernOpenFile *file, GError **error)
{
  QuernSweepWork *work = job->work;
  g_autofree char *path = g_build_filename (work->folder, "plan", NULL);
  guint n_ctx = MIN (work->n_ctx, quern_model_get_info (model)->n_ctx_train);

  work->plan = _quern_sweep_plan_new (file, work->sources, work->windows, n_ctx, error);
  if (!work->plan || !_quern_sweep_plan_save (work->plan, path, work->key, error))
    return FALSE;
  work->form = quern_kept_form_choose (work->plan->n_vocab, work->plan->position_tokens->len, work->budget);
  return TRUE;
}

static gboolean
quern_sweep_check_vocabulary (const QuernSweepPlan *plan, QuernModel *model, QuernOpenFile *file, GError **error)
{
  guint n_vocab;
  guint64 vocabulary = quern_open_file_get_vocabulary (file, &n_vocab);

  if (vocabulary == plan->vocabulary && n_vocab == plan->n_vocab)
    return TRUE;
  g_autofree char *title = quern_model_dup_full_title (model);
  g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_VOCABULARY,
               _("“%s” has another vocabulary than the reference, so their numbers cannot be compared."), title);
  return FALSE;
}

static QuernLoadedModel *
quern_sweep_load_model (const QuernSweepJob *job, QuernModel *model, GError **error)
{
  const QuernLoadParams params = _quern_measure_load_params (job->work->plan->n_ctx, job->work->n_threads,
                                                             QUERN_KV_F16);

  return quern_backend_load_sync (job->work->backend, model, &params, job->cancellable, error);
}

/* Finds the first window that is left to do. Of the reference that is the first of which the logits or the rows are not
 * there: what there is of one beyond the other is made again. */
static gboolean
quern_sweep_find_start (const QuernSweepJob *job, QuernBlockFile *rows, guint *start, guint *row, GError **error)
{
  QuernSweepWork *work = job->work;
  guint n_kept = quern_kept_logits_get_n_rows (work->kept), n_rows = _quern_sweep_rows_get_n_windows (rows);

  *start = *row = 0;
  for (guint i = 0; i < work->plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (work->plan->windows, QuernMeasureWindow, i);
    guint n = window->end - window->first;
    if (i >= n_rows || (job->is_reference && *row + n > n_kept))
      break;
    *row += n;
    *start = i + 1;
  }
  return !job->is_reference || quern_kept_logits_truncate (work->kept, *row, error);
}

static gboolean
quern_sweep_score_windows (const QuernSweepJob *job, QuernBlockFile *rows, QuernLoadedModel *loaded, guint start,
                           guint row, GError **error)
{
  const QuernSweepPlan *plan = job->work->plan;

  for (guint i = start; i < plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (plan->windows, QuernMeasureWindow, i);
    g_autoptr (QuernSweepWindow) scored = _quern_sweep_window_new ();
    Scoring scoring = { .job = job, .loaded = loaded, .window = window, .index = i, .row = row, .scored = scored };

    if (!quern_sweep_score_window (&scoring, error))
      return FALSE;
    row += window->end - window->first;
    if (i < _quern_sweep_rows_get_n_windows (rows))
      continue; /* only the reference's logits were missing */
    if (!_quern_sweep_rows_add (rows, scored, error))
      return FALSE;
    job->scored (job->data, g_steal_pointer (&scored));
  }
  return TRUE;
}

/* Tells what model it is. Block 0 of the rows says so from then on. */
static gboolean
quern_sweep_tell_facts (const QuernSweepJob *job, QuernModel *model, QuernBlockFile *rows, GError **error)
{
  g_auto (QuernModelFacts) facts = { 0 };

  if (!_quern_sweep_rows_read_facts (rows, &facts)) {
    quern_model_facts_set (&facts, model);
    facts.sha256 = g_strdup (job->sha256);
    if (!_quern_sweep_rows_begin (rows, &facts, error))
      return FALSE;
  }
  if (!job->is_known)
    job->began (job->data, &facts);
  return TRUE;
}

/* Tells the windows that were done before and that the caller could not know, because the plan was damaged. */
static gboolean
quern_sweep_tell_windows (const QuernSweepJob *job, QuernBlockFile *rows, GError **error)
{
  for (guint i = job->n_known; i < _quern_sweep_rows_get_n_windows (rows); i++) {
    QuernSweepWindow *window = _quern_sweep_rows_read (rows, i, error);
    if (!window)
      return FALSE;
    job->scored (job->data, window);
  }
  return TRUE;
}

/* Scores what is left to score. Blocks. */
gboolean
_quern_sweep_work (const QuernSweepJob *job, GError **error)
{
  QuernSweepWork *work = job->work;
  g_autoptr (QuernModel) model = quern_model_new (job->path, job->cancellable, error);
  g_autoptr (QuernOpenFile) file = model ? quern_open_file_new (model, error) : NULL;
  guint start, row;

  if (!file)
    return FALSE;
  if (!work->plan && !(job->is_reference && quern_sweep_make_plan (job, model, file, error)))
    return FALSE;
  job->planned (job->data);
  if (!quern_sweep_check_vocabulary (work->plan, model, file, error) || !quern_sweep_check_budget (work, error)
      || !quern_sweep_open_logits (work, job->cancellable, error))
    return FALSE;
  g_autoptr (QuernBlockFile) rows = _quern_sweep_open_rows (work, job->label, job->hash, job->cancellable, error);
  if (!rows)
    return FALSE;
  if (!quern_sweep_tell_facts (job, model, rows, error) || !quern_sweep_tell_windows (job, rows, error))
    return FALSE;
  if (!quern_sweep_find_start (job, rows, &start, &row, error))
    return FALSE;
  if (start == work->plan->windows->len)
    return TRUE;
  g_autoptr (QuernLoadedModel) loaded = quern_sweep_load_model (job, model, error);
  return loaded && quern_sweep_score_windows (job, rows, loaded, start, row, error);
}
