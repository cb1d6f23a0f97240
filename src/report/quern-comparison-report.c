/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparison-report.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "quern-comparison-json.h"
#include "quern-file-hash.h"
#include "quern-measure-categories.h"
#include "quern-measure-figures.h"
#include "quern-measure-meaning.h"
#include "quern-questions.h"
#include "quern-texts.h"
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
  if (model && !quern_model_is_remote (model) && !facts->sha256
      && !g_ptr_array_find_with_equal_func (hashing->paths, quern_model_get_path (model), g_str_equal, NULL))
    g_ptr_array_add (hashing->paths, g_strdup (quern_model_get_path (model)));
}

static const char *
hash_of (Hashing *hashing, QuernModel *model)
{
  return model ? g_hash_table_lookup (hashing->sums, quern_model_get_key (model)) : NULL;
}

static void
hash_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Hashing *hashing = data;

  for (guint i = 0; i < hashing->paths->len; i++) {
    char *sum = quern_file_hash (hashing->paths->pdata[i], cancellable, NULL);
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

/* Appends one table cell: line breaks become spaces, and characters that would end the cell are escaped. */
static void
append_cell (GString *out, const char *text)
{
  for (const char *p = text ? text : ""; *p; p++) {
    if (*p == '|' || *p == '\\')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *p == '\n' ? ' ' : *p);
  }
}

/* The fence must be longer than any run of backquotes in the text. */
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

/* Says with which seed, in which mode and on which machine the comparison ran. */
char *
_quern_comparison_dup_origin (QuernComparison *self)
{
  const QuernCompareMachine *machine = quern_comparison_get_machine (self);

  return g_strdup_printf (_("Seed %" PRIu64 ", %s. Quern %s on %s, %u threads (%s)."),
                          quern_comparison_get_seed (self),
                          quern_comparison_get_mode (self) == QUERN_COMPARE_TOGETHER ? _("run together")
                                                                                     : _("run one after another"),
                          machine->version, *machine->processor ? machine->processor : _("an unnamed processor"),
                          machine->threads, machine->kernels);
}

/* Describes the settings of the last answer that the column ran; the string is empty if there is none. */
char *
_quern_compare_column_dup_settings (QuernCompareColumn *column)
{
  guint n = g_list_model_get_n_items (quern_compare_column_get_answers (column));
  const QuernAnswerSettings *s = NULL;

  for (guint i = n; i > 0 && (!s || s->n_ctx == 0); i--)
    s = quern_compare_answer_get_settings (quern_compare_column_get_answer (column, i - 1));
  if (!s || s->n_ctx == 0)
    return g_strdup ("");
  if (quern_compare_column_get_facts (column)->place)
    return g_strdup_printf (
        _("%s; temperature %g, top-k %u, top-p %g, min-p %g, presence penalty %g, repetition penalty %g; context %u"),
        s->thinking ? _("thinks first") : _("does not think"), s->sampler.temperature, s->sampler.top_k,
        s->sampler.top_p, s->sampler.min_p, s->sampler.presence_penalty, s->sampler.repetition_penalty, s->n_ctx);
  return g_strdup_printf (
      _("%s; temperature %g, top-k %u, top-p %g, min-p %g, presence penalty %g, repetition penalty %g; context %u, cache %s, %u threads"),
      s->thinking ? _("thinks first") : _("does not think"), s->sampler.temperature, s->sampler.top_k,
      s->sampler.top_p, s->sampler.min_p, s->sampler.presence_penalty, s->sampler.repetition_penalty, s->n_ctx,
      quern_kv_names[s->kv_type], s->n_threads);
}

static void
markdown_append_head (GString *out, QuernComparison *self)
{
  g_autofree char *origin = _quern_comparison_dup_origin (self);

  g_string_append (out, "# ");
  append_cell (out, quern_comparison_get_title (self));
  g_string_append_printf (out, "\n\n%s\n\n", origin);
}

static void
markdown_append_models (GString *out, QuernComparison *self)
{
  g_string_append_printf (out, "| %s | %s | %s | %s | SHA-256 |\n|---|---:|---:|---|---|\n", _("Model"), _("Size"),
                          _("Bits per weight"), _("Settings"));
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    const QuernModelFacts *facts = quern_compare_column_get_facts (column);
    g_autofree char *size = quern_model_facts_dup_size (facts);
    g_autofree char *label = quern_compare_column_dup_label (column);
    g_string_append (out, "| ");
    append_cell (out, label);
    g_autofree char *settings = _quern_compare_column_dup_settings (column);
    g_string_append (out, " | ");
    append_cell (out, size);
    g_string_append_printf (out, facts->place ? " | | " : " | %.2f | ", facts->bits_per_weight);
    append_cell (out, settings);
    g_string_append_printf (out, " | %s |\n", facts->sha256 ? facts->sha256 : "");
  }
  g_string_append_c (out, '\n');
}

static void
markdown_append_turns (GString *out, QuernComparison *self)
{
  for (guint turn = 0; turn < quern_comparison_get_n_turns (self); turn++) {
    g_string_append_printf (out, "## %s\n\n", _("Prompt"));
    append_fenced (out, quern_comparison_get_prompt (self, turn));
    for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
      QuernCompareColumn *column = quern_comparison_get_column (self, i);
      QuernCompareAnswer *answer = quern_compare_column_get_answer (column, turn);
      const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
      g_autofree char *label = quern_compare_column_dup_label (column);
      g_string_append_printf (out, "### %s\n\n", label);
      append_fenced (out, quern_compare_answer_get_answer (answer));
      if (quern_compare_answer_get_failure (answer))
        g_string_append_printf (out, "%s\n\n", quern_compare_answer_get_failure (answer));
      g_string_append_printf (
          out, _("First token after %.2f s, reads %.1f tokens/s, writes %.1f tokens/s, %u tokens.%s\n\n"),
          s->first_token_seconds, quern_statistics_prefill_rate (s), quern_statistics_decode_rate (s), s->answer_tokens,
          quern_compare_answer_get_together (answer) ? _(" Run together: the speeds cannot be "
                                                         "compared.")
                                                     : "");
    }
  }
}

static void
markdown_append_votes (GString *out, QuernComparison *self)
{
  guint n = quern_comparison_get_n_columns (self);
  QuernRating ratings[QUERN_COMPARE_MAX_COLUMNS];

  if (quern_comparison_get_n_votes (self) == 0)
    return;
  g_string_append_printf (out, "## %s\n\n", _("Votes"));
  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++) {
      g_autofree char *first = quern_compare_column_dup_label (quern_comparison_get_column (self, a));
      g_autofree char *other = quern_compare_column_dup_label (quern_comparison_get_column (self, b));
      QuernVoteCount count;
      quern_comparison_count_votes (self, a, b, &count);
      if (count.a + count.b + count.ties + count.both_bad > 0)
        g_string_append_printf (
            out,
            _("- %s against %s: %u to %u, %u ties, %u times both bad; share of the first %.0f %% (95 %% interval %.0f to %.0f %%)\n"),
            first, other, count.a, count.b, count.ties, count.both_bad, 100 * count.share, 100 * count.low,
            100 * count.high);
    }
  gboolean rated = quern_comparison_rate (self, ratings);
  if (rated)
    g_string_append_c (out, '\n');
  for (guint i = 0; rated && i < n; i++) {
    g_autofree char *label = quern_compare_column_dup_label (quern_comparison_get_column (self, i));
    g_string_append_printf (out, _("- %s: rating %+.0f (95 %% interval %+.0f to %+.0f)\n"), label, ratings[i].rating,
                            ratings[i].low, ratings[i].high);
  }
  g_string_append_c (out, '\n');
}

static void
markdown_append_questions (GString *out, QuernComparison *self)
{
  QuernQuestions *questions = quern_comparison_get_questions (self);
  guint n = questions ? quern_questions_get_n_columns (questions) : 0;

  if (!questions)
    return;
  g_string_append_printf (out, "## %s\n\n%s\n\n| %s | %s | %s |\n|---|---:|---:|\n", _("Question set"),
                          quern_questions_get_name (questions) ? quern_questions_get_name (questions) : "", _("Model"),
                          _("Correct"), /* xgettext:no-c-format */ _("Share, 95 % interval"));
  for (guint i = 0; i < n; i++) {
    double low, high, share = quern_questions_get_accuracy (questions, i, &low, &high);
    guint right, all;
    quern_questions_count (questions, i, &right, &all);
    g_string_append (out, "| ");
    append_cell (out, quern_questions_get_label (questions, i));
    g_string_append_printf (out, " | %u / %u | %.0f %% (%.0f–%.0f) |\n", right, all, 100 * share, 100 * low,
                            100 * high);
  }
  g_string_append_c (out, '\n');
  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++) {
      QuernFlips flips;
      quern_questions_get_flips (questions, a, b, &flips);
      g_string_append_printf (out,
                              _("- %s against %s: only the first correct %u, only the second %u; %.0f %% flips, p "
                                "= %.3g (McNemar, exact)\n"),
                              quern_questions_get_label (questions, a), quern_questions_get_label (questions, b),
                              flips.only_a, flips.only_b, 100 * flips.flips, flips.p_value);
    }
  g_string_append_c (out, '\n');
}

/* What the figures of a model mean, and examples, as items of a list inside an item. */
static void
markdown_append_meaning (GString *out, QuernMeasure *measure, guint i)
{
  guint positions[QUERN_MEASURE_EXAMPLES], n = quern_measure_find_examples (measure, i, positions);
  g_autofree char *meaning = quern_measure_dup_meaning (measure, i);

  g_string_append_printf (out, "  %s\n", meaning);
  for (guint k = 0; k < n; k++) {
    g_autofree char *example = quern_measure_dup_example (measure, i, positions[k]);
    g_string_append (out, "  - ");
    append_cell (out, example);
    g_string_append_c (out, '\n');
  }
}

/* The figures that few people look for: a row for each. */
static void
markdown_append_details (GString *out, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_REPORT, TRUE);

  if (n < 2)
    return;
  g_string_append_printf (out, "| %s |", _("All Figures"));
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    g_string_append_c (out, ' ');
    append_cell (out, label);
    g_string_append (out, " |");
  }
  g_string_append (out, "\n|---|");
  for (guint i = 1; i < n; i++)
    g_string_append (out, "---:|");
  for (guint j = 0; j < figures->len; j++) {
    g_autofree char *heading = quern_measure_figure_dup_heading (figures->pdata[j], measure, QUERN_MEASURE_IN_REPORT);
    g_string_append_printf (out, "\n| %s |", heading);
    for (guint i = 1; i < n; i++) {
      g_autofree char *text = quern_measure_figure_dup_text (figures->pdata[j], quern_measure_get_result (measure, i),
                                                             QUERN_MEASURE_IN_REPORT);
      g_string_append_printf (out, " %s |", text);
    }
  }
  g_string_append (out, "\n\n");
}

/* Mean divergences: a row for each category of the text, a column for each model but the reference. */
static void
markdown_append_categories (GString *out, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);

  if (n < 2 || !categories[0])
    return;
  g_string_append_printf (out, "| %s |", _("Divergence by category"));
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    g_string_append_c (out, ' ');
    append_cell (out, label);
    g_string_append (out, " |");
  }
  g_string_append (out, "\n|---|");
  for (guint i = 1; i < n; i++)
    g_string_append (out, "---:|");
  for (char **category = categories; *category; category++) {
    g_string_append (out, "\n| ");
    append_cell (out, quern_texts_get_name (*category));
    g_string_append (out, " |");
    for (guint i = 1; i < n; i++) {
      QuernDivergenceSummary s;
      quern_measure_get_category_summary (measure, quern_measure_get_result (measure, i), *category, &s);
      g_string_append_printf (out, " %.6f ± %.6f |", s.kld_mean, s.kld_block_error);
    }
  }
  g_string_append (out, "\n\n");
}

static void
markdown_append_measure (GString *out, QuernComparison *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self);
  guint n = measure ? g_list_model_get_n_items (quern_measure_get_results (measure)) : 0;

  if (!measure)
    return;
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_REPORT, FALSE);
  g_autofree char *reference = quern_verdict_dup_reference (measure), *summary = quern_measure_dup_summary (measure);
  g_string_append_printf (out, "## %s\n\n%s %s %s\n\n| %s |", _("Measured"), summary, reference,
                          quern_measure_get_note (measure) ? quern_measure_get_note (measure) : "", _("Model"));
  for (guint i = 0; i < figures->len; i++) {
    g_autofree char *heading = quern_measure_figure_dup_heading (figures->pdata[i], measure, QUERN_MEASURE_IN_REPORT);
    g_string_append_printf (out, " %s |", heading);
  }
  g_string_append (out, "\n|---|");
  for (guint i = 0; i < figures->len; i++)
    g_string_append (out, "---:|");
  for (guint i = 0; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    g_autofree char *label = quern_measured_dup_label (result);
    g_string_append (out, "\n| ");
    append_cell (out, label);
    g_string_append (out, " |");
    for (guint j = 0; j < figures->len; j++) {
      g_autofree char *text = quern_measure_figure_dup_text (figures->pdata[j], result, QUERN_MEASURE_IN_REPORT);
      g_string_append_printf (out, " %s |", text);
    }
  }
  g_string_append (out, "\n\n");
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    g_string_append_printf (out, "- %s\n", sentence);
    markdown_append_meaning (out, measure, i);
  }
  g_string_append_c (out, '\n');
  markdown_append_categories (out, measure);
  markdown_append_details (out, measure);
}

/**
 * quern_comparison_to_markdown:
 *
 * Returns: (transfer full): a report
 */
char *
quern_comparison_to_markdown (QuernComparison *self)
{
  /* A section appends nothing if the comparison has nothing to show in it. */
  static void (*const sections[]) (GString *, QuernComparison *) = {
    markdown_append_head,  markdown_append_models,    markdown_append_turns,
    markdown_append_votes, markdown_append_questions, markdown_append_measure,
  };
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    sections[i](out, self);
  return g_string_free_and_steal (out);
}
