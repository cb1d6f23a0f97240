/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-report.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "quern-sha256.h"
#include "quern-verdict.h"

/* ---- hashes of files ------------------------------------------------------------------------------------------- */

typedef struct {
  GPtrArray *paths; /* of char */
  GHashTable *sums; /* path -> SHA-256 */
} Hashing;

static void
hashing_free (gpointer data)
{
  Hashing *hashing = data;

  g_ptr_array_unref (hashing->paths);
  g_hash_table_unref (hashing->sums);
  g_free (hashing);
}

static void
want_hash (Hashing *hashing, QuernModel *model, const QuernModelFacts *facts)
{
  if (model && !facts->sha256 && !g_ptr_array_find_with_equal_func (hashing->paths, quern_model_get_path (model), g_str_equal, NULL))
    g_ptr_array_add (hashing->paths, g_strdup (quern_model_get_path (model)));
}

static const char *
hash_of (Hashing *hashing, QuernModel *model)
{
  return model ? g_hash_table_lookup (hashing->sums, quern_model_get_path (model)) : NULL;
}

static void
hash_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Hashing *hashing = data;
  guint64 done = 0;

  for (guint i = 0; i < hashing->paths->len; i++) {
    char *sum = quern_sha256_of_file (hashing->paths->pdata[i], &done, cancellable, NULL);
    if (sum)
      g_hash_table_insert (hashing->sums, g_strdup (hashing->paths->pdata[i]), sum);
  }
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
}

void
quern_comparison_hash_async (QuernComparison *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Hashing *hashing = g_new (Hashing, 1);
  QuernMeasure *measure = quern_comparison_get_measure (self);

  *hashing = (Hashing) { g_ptr_array_new_with_free_func (g_free),
                         g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free) };
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    want_hash (hashing, quern_compare_column_get_model (column), quern_compare_column_get_facts (column));
  }
  for (guint i = 0; measure && i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    want_hash (hashing, quern_measured_get_model (result), quern_measured_get_facts (result));
  }
  g_task_set_task_data (task, hashing, hashing_free);
  g_task_run_in_thread (task, hash_thread);
}

gboolean
quern_comparison_hash_finish (QuernComparison *self, GAsyncResult *result, GError **error)
{
  Hashing *hashing = g_task_get_task_data (G_TASK (result));
  QuernMeasure *measure = quern_comparison_get_measure (self);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    const char *sum = hash_of (hashing, quern_compare_column_get_model (column));
    if (sum)
      _quern_compare_column_set_sha256 (column, sum);
  }
  for (guint i = 0; measure && i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    QuernMeasured *measured = quern_measure_get_result (measure, i);
    const char *sum = hash_of (hashing, quern_measured_get_model (measured));
    if (sum)
      quern_measured_set_sha256 (measured, sum);
  }
  return TRUE;
}

/* ---- Markdown -------------------------------------------------------------------------------------------------- */

/* A cell of a table: one line, with what would end the cell escaped. */
static void
append_cell (GString *out, const char *text)
{
  for (const char *p = text ? text : ""; *p; p++) {
    if (*p == '|' || *p == '\\')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *p == '\n' ? ' ' : *p);
  }
}

/* Longer than any run of backquotes in the text. */
static void
append_fenced (GString *out, const char *text)
{
  gsize longest = 2, run = 0;

  for (const char *p = text; *p; p++) {
    run = *p == '`' ? run + 1 : 0;
    longest = MAX (longest, run);
  }
  g_autofree char *fence = g_strnfill (longest + 1, '`');
  g_string_append_printf (out, "%s\n%s\n%s\n\n", fence, text, fence);
}

static void
append_columns (GString *out, QuernComparison *self)
{
  g_string_append_printf (out, "| %s | %s | %s | %s | SHA-256 |\n|---|---:|---:|---|---|\n", _("Model"), _("Size"),
                          _("Bits per weight"), _("Settings"));
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    const QuernModelFacts *facts = quern_compare_column_get_facts (column);
    g_autofree char *size = g_format_size (facts->file_bytes);
    g_autofree char *label = quern_compare_column_dup_label (column);
    g_string_append (out, "| ");
    append_cell (out, label);
    g_string_append_printf (out, " | %s | %.2f | %s ", size, facts->bits_per_weight,
                            quern_compare_column_thinks (column) ? _("thinks first") : _("answers at once"));
    append_cell (out, quern_compare_column_get_sampling (column));
    g_string_append_printf (out, " | %s |\n", facts->sha256 ? facts->sha256 : "");
  }
  g_string_append_c (out, '\n');
}

static void
append_answer (GString *out, QuernCompareColumn *column, QuernCompareAnswer *answer)
{
  const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
  g_autofree char *label = quern_compare_column_dup_label (column);

  g_string_append_printf (out, "### %s\n\n", label);
  append_fenced (out, quern_compare_answer_get_answer (answer));
  if (quern_compare_answer_get_failure (answer))
    g_string_append_printf (out, "%s\n\n", quern_compare_answer_get_failure (answer));
  g_string_append_printf (out, _("First token after %.2f s, reads %.1f tokens/s, writes %.1f tokens/s, %u tokens.%s\n\n"),
                          s->first_token_seconds, quern_statistics_prefill_rate (s), quern_statistics_decode_rate (s),
                          s->answer_tokens,
                          quern_compare_answer_get_together (answer) ? _(" Run together: rates compare with nothing.") : "");
}

static void
append_votes (GString *out, QuernComparison *self)
{
  guint n = quern_comparison_get_n_columns (self);

  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++) {
      g_autofree char *first = quern_compare_column_dup_label (quern_comparison_get_column (self, a));
      g_autofree char *other = quern_compare_column_dup_label (quern_comparison_get_column (self, b));
      QuernVoteCount count;
      quern_comparison_count_votes (self, a, b, &count);
      if (count.a + count.b + count.ties + count.both_bad > 0)
        g_string_append_printf (out, _("- %s against %s: %u to %u, %u ties, %u times both bad; share of the first %.0f %% (95 %% interval %.0f to %.0f %%)\n"),
                                first, other, count.a, count.b, count.ties, count.both_bad, 100 * count.share,
                                100 * count.low, 100 * count.high);
    }
  g_string_append_c (out, '\n');
}

static void
append_measure (GString *out, QuernMeasure *measure)
{
  g_autofree char *reference = quern_verdict_dup_reference (measure);
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  g_string_append_printf (out, "## %s\n\n%s %s\n\n", _("Measured"), reference,
                          quern_measure_get_note (measure) ? quern_measure_get_note (measure) : "");
  g_string_append_printf (out, "| %s | KLD | %s | 99 %% | %s | RMS Δp | Δ ln PPL | PPL | %s |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
                          _("Model"), _("Median"), _("Same first choice"), _("Seconds"));
  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    const QuernDivergenceSummary *s = quern_measured_get_summary (result);
    g_autofree char *label = quern_measured_dup_label (result);
    g_string_append (out, "| ");
    append_cell (out, label);
    g_string_append_printf (out, " | %.5f ± %.5f | %.5f | %.5f | %.2f %% ± %.2f | %.2f %% | %.4f ± %.4f | %.3f | %.1f |\n",
                            s->kld_mean, s->kld_error, s->kld_median, s->kld_p99, 100 * s->same_top,
                            100 * s->same_top_error, 100 * s->delta_p_rms, s->delta_ln_ppl, s->delta_ln_ppl_error,
                            s->perplexity, quern_measured_get_seconds (result));
  }
  g_string_append_c (out, '\n');
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    g_string_append_printf (out, "- %s\n", sentence);
  }
  g_string_append_c (out, '\n');
}

/**
 * quern_comparison_to_markdown:
 *
 * Returns: (transfer full): a report
 */
char *
quern_comparison_to_markdown (QuernComparison *self)
{
  GString *out = g_string_new ("# ");

  append_cell (out, quern_comparison_get_title (self));
  g_string_append_printf (out, _("\n\nSeed %" PRIu64 ", %s, Quern %s, %u threads (%s).\n\n"),
                          quern_comparison_get_seed (self),
                          quern_comparison_get_mode (self) == QUERN_COMPARE_TOGETHER ? _("run together")
                                                                                     : _("run one after another"),
                          QUERN_VERSION, qe_cpu_default_threads (), qe_cpu_kernels ());
  append_columns (out, self);
  for (guint turn = 0; turn < quern_comparison_get_n_turns (self); turn++) {
    g_string_append_printf (out, "## %s\n\n", _("Prompt"));
    append_fenced (out, quern_comparison_get_prompt (self, turn));
    for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
      QuernCompareColumn *column = quern_comparison_get_column (self, i);
      append_answer (out, column, quern_compare_column_get_answer (column, turn));
    }
  }
  if (quern_comparison_get_n_votes (self) > 0) {
    g_string_append_printf (out, "## %s\n\n", _("Votes"));
    append_votes (out, self);
  }
  if (quern_comparison_get_measure (self))
    append_measure (out, quern_comparison_get_measure (self));
  return g_string_free_and_steal (out);
}
