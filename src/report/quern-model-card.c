/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-model-card.h"

#include <string.h>

#include "quern-file-hash.h"
#include "quern-local-backend.h"

/* A measurement as people put it into the page of a model they publish: a table of Markdown, and what somebody needs to
 * measure the same again. It is in English whatever the language of the window, as those pages are. */

/* ---- hashes ---------------------------------------------------------------------------------------------------- */

static void
model_card_hash_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GPtrArray *paths = data;
  g_autoptr (GPtrArray) sums = g_ptr_array_new_with_free_func (g_free);

  /* A file that is gone since has no hash, and the card says so. */
  for (guint i = 0; i < paths->len; i++)
    g_ptr_array_add (sums, paths->pdata[i] ? quern_file_hash (paths->pdata[i], cancellable, NULL) : NULL);
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_pointer (task, g_steal_pointer (&sums), (GDestroyNotify) g_ptr_array_unref);
}

/**
 * quern_model_card_prepare_async:
 *
 * Works out the hashes of the models' files on another thread, of those that were not hashed before.
 */
void
quern_model_card_prepare_async (QuernMeasure *measure, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (measure, cancellable, callback, user_data);
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  GListModel *results = quern_measure_get_results (measure);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    QuernModel *model = quern_measured_get_model (result);
    gboolean wanted = model && !quern_model_is_remote (model) && !quern_measured_get_facts (result)->sha256;
    g_ptr_array_add (paths, wanted ? g_strdup (quern_model_get_path (model)) : NULL);
  }
  g_task_set_task_data (task, paths, (GDestroyNotify) g_ptr_array_unref);
  g_task_run_in_thread (task, model_card_hash_thread);
}

gboolean
quern_model_card_prepare_finish (QuernMeasure *measure, GAsyncResult *result, GError **error)
{
  g_autoptr (GPtrArray) sums = g_task_propagate_pointer (G_TASK (result), error);
  GListModel *results = quern_measure_get_results (measure);

  for (guint i = 0; sums && i < MIN (sums->len, g_list_model_get_n_items (results)); i++)
    if (sums->pdata[i])
      quern_measured_set_sha256 (quern_measure_get_result (measure, i), sums->pdata[i]);
  return sums != NULL;
}

/* ---- Markdown -------------------------------------------------------------------------------------------------- */

/* Names come from files: what Markdown would take for more than a letter gets a backslash, and line breaks go. */
static void
append_name (GString *out, const char *name)
{
  for (const char *p = name ? name : ""; *p; p++) {
    if (strchr ("\\`*[]<>|~&", *p))
      g_string_append_c (out, '\\');
    g_string_append_c (out, g_ascii_iscntrl (*p) ? ' ' : *p);
  }
}

static void
append_row (GString *out, QuernMeasured *result, gboolean is_reference)
{
  const QuernModelFacts *facts = quern_measured_get_facts (result);
  const QuernDivergenceSummary *s = quern_measured_get_summary (result);
  g_autofree char *label = quern_measured_dup_label (result);

  g_string_append (out, "| ");
  append_name (out, label);
  g_string_append (out, is_reference ? " (reference)" : "");
  if (facts->place)
    g_string_append (out, " | | |"); /* its server does not tell */
  else
    g_string_append_printf (out, " | %.3f | %.2f |", (double) facts->file_bytes / (1 << 30), facts->bits_per_weight);
  g_string_append_printf (out, " %.4f ± %.4f |", s->perplexity, s->perplexity_block_error);
  if (is_reference)
    g_string_append (out, " | | | | | |\n");
  else
    g_string_append_printf (
        out, " %.4f ± %.4f | %.6f ± %.6f | %.4f ± %.4f | %.4f ± %.4f | %.2f ± %.2f %% | %.2f ± %.2f %% |\n",
        s->ppl_ratio, s->ppl_ratio_block_error, s->kld_mean, s->kld_block_error, s->kld_p99, s->kld_p99_block_error,
        s->kld_p999, s->kld_p999_block_error, 100 * s->same_top, 100 * s->same_top_block_error, 100 * s->delta_p_rms,
        100 * s->delta_p_rms_block_error);
}

static void
append_provenance (GString *out, QuernMeasure *measure)
{
  const guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  QuernMeasured *first = quern_measure_get_result (measure, 0);
  const char *source = quern_measure_get_source (measure), *text_sha256 = quern_measure_get_text_sha256 (measure);

  g_string_append (out, "\nMeasured with Quern " QUERN_VERSION " on ");
  append_name (out, source ? source : "a text");
  g_string_append_printf (out, " (SHA-256 `%s`): %u tokens scored in %u windows of %u, %s.",
                          text_sha256 ? text_sha256 : "?", quern_measured_get_n_positions (first),
                          quern_measure_get_n_windows (measure), quern_measure_get_context_size (measure),
                          quern_measure_get_windows (measure) == QUERN_MEASURE_WINDOWS_LLAMA
                              ? "cut as by llama-perplexity"
                              : "which overlap by half where the text is longer than one");
  if (quern_measure_get_top_only (measure))
    g_string_append_printf (
        out,
        " KLD in nats over the likeliest %u tokens of the reference, with all others as one: a server "
        "told no more.",
        quern_measure_get_top (measure));
  else
    g_string_append (out, " KLD in nats over the whole vocabulary.");
  g_string_append (out, " ± is one standard error by window.");
  g_string_append (out, quern_local_backend_has_exact_activations ()
                            ? " Activations: not rounded."
                            : " Activations: 8 bits with a scale for each 32, where weights are quantised.");
  if (!quern_measure_get_complete (measure))
    g_string_append (out, " **Not complete: the measurement was stopped.**");
  g_string_append (out, " SHA-256 of the files:");
  for (guint i = 0; i < n; i++) {
    const QuernModelFacts *facts = quern_measured_get_facts (quern_measure_get_result (measure, i));
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    g_string_append (out, i > 0 ? ", " : " ");
    append_name (out, label);
    g_string_append_printf (out, i == 0 && n > 1 ? " (reference) `%s`" : " `%s`", facts->sha256 ? facts->sha256 : "?");
  }
  g_string_append (out, ".\n");
}

/**
 * quern_model_card_dup_markdown:
 * @measure: a measurement that has scored something; quern_model_card_prepare_async() before it gives it the hashes
 *
 * Returns: (transfer full): a table, and a paragraph on what it was made with
 */
char *
quern_model_card_dup_markdown (QuernMeasure *measure)
{
  const guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autofree char *of_top = quern_measure_get_top_only (measure)
                                ? g_strdup_printf (" (top %u)", quern_measure_get_top (measure))
                                : g_strdup ("");
  GString *out = g_string_new (NULL);

  g_string_printf (out,
                   "| Quant | Size (GiB) | BPW | PPL | PPL ratio | Mean KLD%s | 99 %% | 99.9 %% | Same top | RMS Δp |\n"
                   "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
                   of_top);

  for (guint i = 0; i < n; i++)
    append_row (out, quern_measure_get_result (measure, i), i == 0 && n > 1);
  append_provenance (out, measure);
  return g_string_free_and_steal (out);
}
