/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep-private.h"

#include <glib/gi18n-lib.h>

/* How long a sweep will take. The speed is that of the models of the sweep as far as they were measured; before that a
 * model that is on this computer reads a bit of the text, and its speed is scaled by the number of parameters. */

#define TRIAL_TOKENS 256 /* of the text that are read for it, after half as many to warm up */

void
quern_sweep_estimate_free (QuernSweepEstimate *estimate)
{
  g_free (estimate->by);
  g_free (estimate);
}

/* ---- a trial --------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernSweepEstimate *estimate;
  QuernBackend *backend;
  QuernModel *model;
  GPtrArray *sources;
  QuernMeasureWindows windows;
  guint n_ctx, n_threads, n_models;
  double parameters; /* of the models of the sweep */
} Trial;

static void
trial_free (gpointer data)
{
  Trial *trial = data;

  g_clear_pointer (&trial->estimate, quern_sweep_estimate_free);
  g_clear_object (&trial->backend);
  g_clear_object (&trial->model);
  g_clear_pointer (&trial->sources, g_ptr_array_unref);
  g_free (trial);
}

static gboolean
trial_row_cb (gpointer data, guint row, const float *logits)
{
  return TRUE;
}

static gboolean
trial_stopped_cb (gpointer cancellable)
{
  return g_cancellable_is_cancelled (cancellable);
}

static gboolean
quern_sweep_try (const Trial *trial, GCancellable *cancellable, GError **error)
{
  const QuernLoadParams params = _quern_measure_load_params (TRIAL_TOKENS, trial->n_threads, QUERN_KV_F16);
  g_autoptr (QuernOpenFile) file = quern_open_file_new (trial->model, error);
  g_autoptr (QuernMeasurePlan)
      plan = file ? _quern_measure_plan_new (file, trial->sources, trial->windows, trial->n_ctx, error) : NULL;
  g_autoptr (QuernLoadedModel)
      loaded = plan ? quern_backend_load_sync (trial->backend, trial->model, &params, cancellable, error) : NULL;
  QuernScoring scoring = { .row = trial_row_cb, .stopped = trial_stopped_cb, .data = cancellable };

  if (!loaded)
    return FALSE;
  scoring.tokens = (const gint32 *) (gconstpointer) plan->tokens->data;
  scoring.n = MAX (MIN (plan->tokens->len, TRIAL_TOKENS) / 2, 1);
  scoring.first = scoring.n / 2;
  if (!quern_loaded_model_score_sync (loaded, &scoring, error))
    return FALSE;
  scoring.n = MIN (plan->tokens->len, TRIAL_TOKENS);
  scoring.first = scoring.n / 2;
  gint64 began = g_get_monotonic_time ();
  if (!quern_loaded_model_score_sync (loaded, &scoring, error))
    return FALSE;
  double seconds = (double) MAX (g_get_monotonic_time () - began, 1) / G_USEC_PER_SEC;
  double own = (double) quern_model_get_info (trial->model)->parameters;
  trial->estimate->rate = scoring.n / seconds * (trial->parameters > 0 && own > 0 ? own / trial->parameters : 1);
  trial->estimate->tokens = _quern_measure_windows_get_n_evaluated (plan->windows) * trial->n_models;
  trial->estimate->by = quern_model_dup_full_title (trial->model);
  trial->estimate->scaled = TRUE;
  return TRUE;
}

static void
quern_sweep_try_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Trial *trial = data;
  GError *error = NULL;

  if (!quern_sweep_try (trial, cancellable, &error)) {
    g_task_return_error (task, error);
    return;
  }
  trial->estimate->seconds = (double) trial->estimate->tokens / trial->estimate->rate;
  g_task_return_pointer (task, g_steal_pointer (&trial->estimate), (GDestroyNotify) quern_sweep_estimate_free);
}

/* Of the models on this computer the one whose number of parameters is nearest to that of the sweep's. */
static QuernModel *
quern_sweep_choose_trial (QuernSweep *self, double parameters)
{
  GListModel *models = G_LIST_MODEL (self->library);
  g_autoptr (QuernModel) best = NULL;
  double nearest = G_MAXDOUBLE;

  for (guint i = 0; i < g_list_model_get_n_items (models); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (models, i);
    double distance = (double) quern_model_get_info (model)->parameters - parameters;
    if (quern_model_get_state (model) != QUERN_MODEL_OK || quern_model_is_remote (model)
        || (best && ABS (distance) >= nearest))
      continue;
    nearest = ABS (distance);
    g_set_object (&best, model);
  }
  return g_steal_pointer (&best);
}

/* ---- the estimate ---------------------------------------------------------------------------------------------- */

/* What is left, and the speed of the models that were measured so far. */
static QuernSweepEstimate *
quern_sweep_look_ahead (QuernSweep *self, guint *n_models)
{
  QuernSweepEstimate *estimate = g_new0 (QuernSweepEstimate, 1);
  guint64 all = self->plan ? _quern_measure_windows_get_n_evaluated (self->plan->windows) : 0, evaluated = 0;
  double seconds = 0;

  *n_models = 0;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    guint64 own = item->measured ? quern_measured_get_n_evaluated (item->measured) : 0;
    if (own > 0) {
      seconds += quern_measured_get_seconds (item->measured);
      evaluated += own;
      g_set_str (&estimate->by, quern_measured_get_facts (item->measured)->title);
    }
    if (item->state == QUERN_SWEEP_SKIPPED || _quern_sweep_item_is_complete (self, item))
      continue;
    (*n_models)++;
    estimate->tokens += all - MIN (own, all);
    if (item->state != QUERN_SWEEP_MEASURING)
      estimate->download_bytes += quern_sweep_item_get_bytes (item);
  }
  if (seconds > 0) {
    estimate->rate = (double) evaluated / seconds;
    estimate->seconds = (double) estimate->tokens / estimate->rate;
  }
  return estimate;
}

/**
 * quern_sweep_estimate_async:
 *
 * Finds out how long the rest of an opened sweep takes, if need be by trying.
 */
void
quern_sweep_estimate_async (QuernSweep *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  guint n_models;
  g_autoptr (QuernSweepEstimate) estimate = quern_sweep_look_ahead (self, &n_models);
  double parameters = (double) quern_hub_repo_get_parameters (self->repo);
  g_autoptr (QuernModel) model = estimate->rate > 0 || n_models == 0 ? NULL
                                                                     : quern_sweep_choose_trial (self, parameters);

  if (!model) {
    g_task_return_pointer (task, g_steal_pointer (&estimate), (GDestroyNotify) quern_sweep_estimate_free);
    return;
  }
  Trial *trial = g_new0 (Trial, 1);
  *trial = (Trial) { g_steal_pointer (&estimate),
                     g_object_ref (self->work.backend),
                     g_steal_pointer (&model),
                     g_ptr_array_ref (_quern_measure_get_sources (self->measure)),
                     quern_measure_get_windows (self->measure),
                     quern_measure_get_context_size (self->measure),
                     self->work.n_threads,
                     n_models,
                     parameters };
  g_task_set_task_data (task, trial, trial_free);
  g_task_run_in_thread (task, quern_sweep_try_thread);
}

/**
 * quern_sweep_estimate_finish:
 *
 * Returns: (transfer full) (nullable): the estimate, or %NULL with @error set
 */
QuernSweepEstimate *
quern_sweep_estimate_finish (QuernSweep *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static char *
dup_duration (double seconds)
{
  if (seconds < 90)
    return g_strdup_printf (ngettext ("%u second", "%u seconds", MAX ((guint) seconds, 1)), MAX ((guint) seconds, 1));
  if (seconds < 90 * 60)
    return g_strdup_printf (_("%.0f minutes"), seconds / 60);
  return g_strdup_printf (_("%.1f hours"), seconds / 3600);
}

/**
 * quern_sweep_estimate_dup_text:
 *
 * Returns: (transfer full): the estimate in sentences that say what it was measured with
 */
char *
quern_sweep_estimate_dup_text (const QuernSweepEstimate *estimate)
{
  g_autofree char *bytes = g_format_size (estimate->download_bytes), *duration = dup_duration (estimate->seconds);
  GString *out = g_string_new (NULL);

  if (estimate->rate > 0 && estimate->scaled)
    g_string_append_printf (
        out,
        _("About %s of computing: a rough estimate from a trial with “%s” on this computer just now, "
          "scaled by the number of parameters."),
        duration, estimate->by);
  else if (estimate->rate > 0)
    g_string_append_printf (out, _("About %s of computing, by the %.0f tokens/s measured on this computer so far."),
                            duration, estimate->rate);
  else
    g_string_append (out, _("How long it takes is not known yet."));
  if (estimate->download_bytes > 0)
    g_string_append_printf (out, _(" Up to %s are downloaded; how long that takes is not part of it."), bytes);
  return g_string_free_and_steal (out);
}
