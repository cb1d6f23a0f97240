/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-private.h"

/* What measurements and sweeps do alike: how a model is loaded for it, and how it is scored on a window. */

/* Of a model that scores texts and is asked nothing: no context of its own is kept, and nothing is prepared for answers. */
QuernLoadParams
_quern_measure_load_params (guint n_ctx, guint n_threads, QuernKvType kv_type)
{
  return (QuernLoadParams) { .context_size = n_ctx,
                             .n_threads = n_threads,
                             .kv_type = kv_type,
                             .private_context = TRUE,
                             .no_drafts = TRUE,
                             .no_checkpoints = TRUE,
                             .no_sketch = TRUE };
}

/* ---- all windows of a text ------------------------------------------------------------------------------------- */

/* Returns (transfer full): an array of guint, the token that each position is about. */
GArray *
_quern_measure_windows_list_positions (const GArray *windows)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (windows, QuernMeasureWindow, i);
    for (guint token = window->first + 1; token <= window->end; token++)
      g_array_append_val (tokens, token);
  }
  return tokens;
}

/* Returns how many tokens a model evaluates for them. */
guint64
_quern_measure_windows_get_n_evaluated (const GArray *windows)
{
  guint64 n = 0;

  for (guint i = 0; i < windows->len; i++)
    n += g_array_index (windows, QuernMeasureWindow, i).n;
  return n;
}

/* ---- one window ------------------------------------------------------------------------------------------------ */

typedef struct {
  const QuernMeasureScoring *scoring;
  gint64 aside; /* microseconds spent on comparing, which do not count as the model's time */
  GError *error;
} Pass;

static gboolean
quern_measure_window_row_cb (gpointer data, guint row, const float *logits)
{
  Pass *pass = data;
  const QuernMeasureScoring *scoring = pass->scoring;
  gint64 began = g_get_monotonic_time ();
  gboolean ok = scoring->row (scoring->data, scoring->window->base + row, logits, &pass->error);

  pass->aside += g_get_monotonic_time () - began;
  return ok;
}

static gboolean
quern_measure_window_told_cb (gpointer data, guint row, const QuernToldRow *told)
{
  Pass *pass = data;
  const QuernMeasureScoring *scoring = pass->scoring;

  return scoring->told (scoring->data, scoring->window->base + row, told, &pass->error);
}

static gboolean
quern_measure_window_stopped_cb (gpointer data)
{
  const QuernMeasureScoring *scoring = ((Pass *) data)->scoring;

  return scoring->stopped (scoring->data);
}

/* Blocks. *seconds: what the model took; set if all went well. */
gboolean
_quern_measure_score_window (const QuernMeasureScoring *scoring, double *seconds, GError **error)
{
  const QuernMeasureWindow *w = scoring->window;
  Pass pass = { .scoring = scoring };
  const QuernScoring given = { .tokens = &g_array_index (scoring->tokens, gint32, w->base),
                               .n = w->n,
                               .first = w->first - w->base,
                               .row = quern_measure_window_row_cb,
                               .told = scoring->told ? quern_measure_window_told_cb : NULL,
                               .top = scoring->top,
                               .next = g_array_index (scoring->tokens, gint32, w->base + w->n),
                               .text = scoring->text,
                               .cancellable = scoring->cancellable,
                               .stopped = quern_measure_window_stopped_cb,
                               .data = &pass };
  gint64 began = g_get_monotonic_time ();
  gboolean ok = quern_loaded_model_score_sync (scoring->loaded, &given, error);

  if (pass.error) {
    g_clear_error (error);
    g_propagate_error (error, pass.error);
    return FALSE;
  }
  *seconds = (double) (g_get_monotonic_time () - began - pass.aside) / G_USEC_PER_SEC;
  return ok;
}
