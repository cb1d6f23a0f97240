/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "quern-chart.h"
#include "quern-comparison-report.h"
#include "quern-measure-categories.h"
#include "quern-measure-figures.h"
#include "quern-measure-meaning.h"
#include "quern-questions.h"
#include "quern-style-sheet.h"
#include "quern-texts.h"
#include "quern-verdict.h"

/* One HTML file: its style sheet and chart are inside, and there is no script and nothing to load. All text of models, files and
 * people is escaped; the content policy is a second lock. */

static void
append_escaped (GString *out, const char *text, gssize length)
{
  g_autofree char *escaped = g_markup_escape_text (text ? text : "", text ? length : 0);

  g_string_append (out, escaped);
}

static void
append_element (GString *out, const char *open, const char *text, const char *close)
{
  g_string_append (out, open);
  append_escaped (out, text, -1);
  g_string_append (out, close);
}

/* ---- the comparison -------------------------------------------------------------------------------------------- */

static void
html_append_head (GString *out, QuernComparison *self)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (quern_comparison_get_created (self) / G_USEC_PER_SEC);
  g_autofree char *date = time ? g_date_time_format (time, "%F %T UTC") : g_strdup ("");

  g_string_append_printf (
      out,
      "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src 'none';"
      " style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
      "<meta name=viewport content=\"width=device-width\"><style>%s</style>",
      quern_style_sheet);
  append_element (out, "<title>", quern_comparison_get_title (self), "</title>");
  append_element (out, "<h1>", quern_comparison_get_title (self), "</h1><p class=small>");
  g_autofree char *origin = _quern_comparison_dup_origin (self);
  append_element (out, "", date, ". ");
  append_element (out, "", origin, "");
  g_string_append (out, "</p>");
}

static void
html_append_models (GString *out, QuernComparison *self)
{
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>%s<th>SHA-256</tr>", _("Model"), _("Size"),
                          _("Bits per weight"), _("Settings"));
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    const QuernModelFacts *facts = quern_compare_column_get_facts (column);
    g_autofree char *size = quern_model_facts_dup_size (facts);
    g_autofree char *label = quern_compare_column_dup_label (column);
    append_element (out, "<tr><td>", label, "");
    g_autofree char *settings = _quern_compare_column_dup_settings (column);
    append_element (out, "<td class=n>", size, "<td class=n>");
    if (!facts->place)
      g_string_append_printf (out, "%.2f", facts->bits_per_weight);
    append_element (out, "<td>", settings, "");
    append_element (out, "<td><code>", facts->sha256, "</code></tr>");
  }
  g_string_append (out, "</table>");
}

/* Finds the first token that is not the same in all columns whose tokens are known: the byte of the answer where it begins and
 * the byte where it ends. Both are the length of the answer if there is none, and 0 if there is nothing to compare with. */
static void
quern_report_html_find_fork (QuernComparison *self, guint turn, guint i, guint *shared, guint *end)
{
  QuernCompareAnswer *answer = quern_compare_column_get_answer (quern_comparison_get_column (self, i), turn);
  guint n = quern_compare_answer_get_n_tokens (answer), index = n;
  gboolean known = FALSE;
  QuernFork fork;

  for (guint j = 0; j < quern_comparison_get_n_columns (self); j++) {
    quern_comparison_get_fork (self, turn, MIN (i, j), MAX (i, j), &fork);
    known = known || (i != j && fork.known);
    if (i != j && fork.differs)
      index = MIN (index, fork.index);
  }
  *shared = *end = known ? (guint) strlen (quern_compare_answer_get_answer (answer)) : 0;
  if (index == n)
    return;
  const QuernGeneratedToken *token = quern_compare_answer_get_token (answer, index);
  *shared = token->reasoning ? 0 : token->start;
  *end = token->reasoning ? 0 : token->end;
}

static void
html_append_turns (GString *out, QuernComparison *self)
{
  for (guint turn = 0; turn < quern_comparison_get_n_turns (self); turn++) {
    append_element (out, "<h2>", _("Prompt"), "</h2><div class=prompt>");
    append_element (out, "", quern_comparison_get_prompt (self, turn), "</div><div class=columns>");
    for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
      QuernCompareColumn *column = quern_comparison_get_column (self, i);
      QuernCompareAnswer *answer = quern_compare_column_get_answer (column, turn);
      const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
      const char *text = quern_compare_answer_get_answer (answer);
      g_autofree char *label = quern_compare_column_dup_label (column);
      guint shared, end;
      quern_report_html_find_fork (self, turn, i, &shared, &end);
      append_element (out, "<section><h3>", label, "</h3>");
      if (*quern_compare_answer_get_reasoning (answer)) {
        append_element (out, "<details><summary>", _("Reasoning"), "</summary><div class=answer>");
        append_element (out, "", quern_compare_answer_get_reasoning (answer), "</div></details>");
      }
      g_string_append (out, "<div class=answer><span class=shared>");
      append_escaped (out, text, shared);
      g_string_append (out, "</span>");
      if (end > shared) {
        g_string_append (out, "<mark class=fork>");
        append_escaped (out, text + shared, end - shared);
        g_string_append (out, "</mark>");
      }
      append_element (out, "", text + end, "</div>");
      if (quern_compare_answer_get_failure (answer))
        append_element (out, "<p>", quern_compare_answer_get_failure (answer), "</p>");
      g_autofree char *memory = g_format_size (quern_compare_answer_get_peak_memory (answer));
      g_string_append_printf (out, "<p class=small>");
      g_string_append_printf (out,
                              _("First token after %.2f s; reads %.1f, writes %.1f tokens/s; %u tokens; memory %s."),
                              s->first_token_seconds, quern_statistics_prefill_rate (s),
                              quern_statistics_decode_rate (s), s->answer_tokens, memory);
      if (quern_compare_answer_get_together (answer))
        append_element (out, " ", _("Run together: the speeds cannot be compared."), "");
      g_string_append (out, "</p></section>");
    }
    g_string_append (out, "</div>");
  }
}

static void
html_append_votes (GString *out, QuernComparison *self)
{
  guint n = quern_comparison_get_n_columns (self);

  if (quern_comparison_get_n_votes (self) == 0)
    return;
  append_element (out, "<h2>", _("Votes"), "</h2>");
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>%s<th>%s<th>%s</tr>", _("Columns"), _("First"),
                          _("Second"), _("Tie"), _("Both bad"),
                          /* xgettext:no-c-format */ _("Share of the first, 95 % interval"));
  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++) {
      g_autofree char *first = quern_compare_column_dup_label (quern_comparison_get_column (self, a));
      g_autofree char *other = quern_compare_column_dup_label (quern_comparison_get_column (self, b));
      QuernVoteCount count;
      quern_comparison_count_votes (self, a, b, &count);
      append_element (out, "<tr><td>", first, "");
      append_element (out, " – ", other, "");
      g_string_append_printf (
          out, "<td class=n>%u<td class=n>%u<td class=n>%u<td class=n>%u<td class=n>%.0f %% (%.0f–%.0f)</tr>", count.a,
          count.b, count.ties, count.both_bad, 100 * count.share, 100 * count.low, 100 * count.high);
    }
  g_string_append (out, "</table>");
}

static void
html_append_ratings (GString *out, QuernComparison *self)
{
  QuernRating ratings[QUERN_COMPARE_MAX_COLUMNS];

  if (!quern_comparison_rate (self, ratings))
    return;
  g_string_append_printf (out, "<table><tr><th>%s<th>%s</tr>", _("Model"),
                          /* xgettext:no-c-format */ _("Rating (Bradley–Terry), 95 % interval"));
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    g_autofree char *label = quern_compare_column_dup_label (quern_comparison_get_column (self, i));
    append_element (out, "<tr><td>", label, "");
    g_string_append_printf (out, "<td class=n>%+.0f (%+.0f to %+.0f)</tr>", ratings[i].rating, ratings[i].low,
                            ratings[i].high);
  }
  g_string_append (out, "</table>");
}

/* ---- questions ------------------------------------------------------------------------------------------------- */

static void
html_append_questions (GString *out, QuernComparison *self)
{
  QuernQuestions *questions = quern_comparison_get_questions (self);
  guint n = questions ? quern_questions_get_n_columns (questions) : 0;

  if (!questions)
    return;
  append_element (out, "<h2>", _("Question set"), "</h2>");
  append_element (out, "<p>", quern_questions_get_name (questions), "</p>");
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s</tr>", _("Model"), _("Correct"),
                          /* xgettext:no-c-format */ _("Share, 95 % interval"));
  for (guint i = 0; i < n; i++) {
    double low, high, share = quern_questions_get_accuracy (questions, i, &low, &high);
    guint right, all;
    quern_questions_count (questions, i, &right, &all);
    append_element (out, "<tr><td>", quern_questions_get_label (questions, i), "");
    g_string_append_printf (out, "<td class=n>%u / %u<td class=n>%.0f %% (%.0f–%.0f)</tr>", right, all, 100 * share,
                            100 * low, 100 * high);
  }
  g_string_append (out, "</table>");
  if (n > 1) {
    g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>%s<th>%s</tr>", _("Columns"),
                            _("Only the first correct"), _("Only the second correct"), _("Flips"),
                            _("p (McNemar, exact)"));
    for (guint a = 0; a < n; a++)
      for (guint b = a + 1; b < n; b++) {
        QuernFlips flips;
        quern_questions_get_flips (questions, a, b, &flips);
        append_element (out, "<tr><td>", quern_questions_get_label (questions, a), "");
        append_element (out, " – ", quern_questions_get_label (questions, b), "");
        g_string_append_printf (out, "<td class=n>%u<td class=n>%u<td class=n>%.0f %%<td class=n>%.3g</tr>",
                                flips.only_a, flips.only_b, 100 * flips.flips, flips.p_value);
      }
    g_string_append (out, "</table>");
  }
  append_element (out, "<details><summary>", _("Answers"), "</summary><table>");
  for (guint i = 0; i < quern_questions_get_n (questions); i++) {
    append_element (out, "<tr><th colspan=3>", quern_questions_get_question (questions, i), "</tr>");
    for (guint column = 0; column < n; column++) {
      append_element (out, "<tr><td>", quern_questions_get_label (questions, column), "");
      g_string_append_printf (out, "<td>%s",
                              quern_questions_is_right (questions, column, i) ? _("Correct") : _("Incorrect"));
      append_element (out, "<td>", quern_compare_answer_get_answer (quern_questions_get_answer (questions, column, i)),
                      "</tr>");
    }
  }
  g_string_append (out, "</table></details>");
}

/* ---- measurement ----------------------------------------------------------------------------------------------- */

/* Appends the text with a line under each scored token; the line is thicker where this model diverges more. */
static void
html_append_heat (GString *out, QuernMeasure *measure, QuernMeasured *result)
{
  const char *text = quern_measure_get_text (measure);
  g_autofree char *label = quern_measured_dup_label (result);
  guint at = 0;

  g_autofree char *title = quern_measure_dup_marked (measure, label);
  append_element (out, "<details><summary>", title, "</summary><div class=heat>");
  for (guint i = 0; i < quern_measured_get_n_positions (result); i++) {
    guint start, end;
    double kld = quern_measured_get_position (result, i)->kld;
    quern_measure_get_token_span (measure, quern_measure_get_position_token (measure, i), &start, &end);
    int tenths = (int) CLAMP (10 * (log10 (MAX (kld, 1e-4)) + 4) / 5, 0, 10);
    if (start > at)
      append_escaped (out, text + at, start - at);
    if (end <= start || start < at)
      continue;
    g_string_append_printf (out,
                            "<span title=\"KLD %.4f\" style=\"text-decoration-thickness:%dpx;background:#e66100%02x\">",
                            kld, tenths / 2, tenths * 12);
    append_escaped (out, text + start, end - start);
    g_string_append (out, "</span>");
    at = end;
  }
  append_element (out, "", text + at, "</div></details>");
}

/* Mean divergence and the share of equal first choices, a column for each category of the text. */
static void
html_append_categories (GString *out, QuernMeasure *measure)
{
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);
  g_autofree char *heading = quern_measure_dup_marked (measure, _("Divergence by category"));

  if (!categories[0])
    return;
  g_string_append_printf (out, "<table><tr><th>%s", heading);
  for (char **category = categories; *category; category++)
    append_element (out, "<th>", quern_texts_get_name (*category), "");
  for (guint j = 1; j < g_list_model_get_n_items (quern_measure_get_results (measure)); j++) {
    QuernMeasured *result = quern_measure_get_result (measure, j);
    g_autofree char *label = quern_measured_dup_label (result);
    append_element (out, "<tr><td>", label, "");
    for (char **category = categories; *category; category++) {
      QuernDivergenceSummary s;
      quern_measure_get_category_summary (measure, result, *category, &s);
      g_string_append_printf (out, "<td class=n>%.6f ± %.6f<br>%.2f %%", s.kld_mean, s.kld_block_error,
                              100 * s.same_top);
    }
  }
  g_string_append (out, "</table>");
}

/* What the figures of a model mean, and examples from the text. */
static void
html_append_meaning (GString *out, QuernMeasure *measure, guint i)
{
  guint positions[QUERN_MEASURE_EXAMPLES], n = quern_measure_find_examples (measure, i, positions);
  g_autofree char *meaning = quern_measure_dup_meaning (measure, i);

  append_element (out, "<p>", meaning, "</p><ul>");
  for (guint k = 0; k < n; k++) {
    g_autofree char *example = quern_measure_dup_example (measure, i, positions[k]);
    append_element (out, "<li>", example, "</li>");
  }
  g_string_append (out, "</ul>");
}

/* The figures that few people look for, folded up: a row for each. */
static void
html_append_details (GString *out, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_REPORT, TRUE);

  append_element (out, "<details><summary>", _("All Figures"), "</summary><table><tr><th>");
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    append_element (out, "<th>", label, "");
  }
  for (guint j = 0; j < figures->len; j++) {
    g_autofree char *heading = quern_measure_figure_dup_heading (figures->pdata[j], measure, QUERN_MEASURE_IN_REPORT);
    append_element (out, "<tr><td>", heading, "");
    for (guint i = 1; i < n; i++) {
      g_autofree char *text = quern_measure_figure_dup_text (figures->pdata[j], quern_measure_get_result (measure, i),
                                                             QUERN_MEASURE_IN_REPORT);
      append_element (out, "<td class=n>", text, "");
    }
  }
  g_string_append (out, "</table></details>");
}

static void
html_append_measure (GString *out, QuernComparison *self)
{
  QuernMeasure *measure = quern_comparison_get_measure (self);
  guint n = measure ? g_list_model_get_n_items (quern_measure_get_results (measure)) : 0;

  if (!measure)
    return;
  g_autoptr (GPtrArray) figures = quern_measure_figures_list (measure, QUERN_MEASURE_IN_REPORT, FALSE);
  g_autofree char *reference = quern_verdict_dup_reference (measure), *summary = quern_measure_dup_summary (measure);
  append_element (out, "<h2>", _("Measured"), "</h2>");
  append_element (out, "<p>", summary, " ");
  append_element (out, "", reference, "");
  append_element (out, " ", quern_measure_get_note (measure), "</p>");
  g_string_append_printf (out, "<table><tr><th>%s", _("Model"));
  for (guint i = 0; i < figures->len; i++) {
    g_autofree char *heading = quern_measure_figure_dup_heading (figures->pdata[i], measure, QUERN_MEASURE_IN_REPORT);
    append_element (out, "<th>", heading, "");
  }
  for (guint i = 0; i < n; i++) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, i));
    append_element (out, "<tr><td>", label, i == 0 ? " *" : "");
    for (guint j = 0; j < figures->len; j++) {
      g_autofree char *text = quern_measure_figure_dup_text (figures->pdata[j], quern_measure_get_result (measure, i),
                                                             QUERN_MEASURE_IN_REPORT);
      append_element (out, "<td class=n>", text, "");
    }
  }
  g_string_append (out, "</table>");
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    append_element (out, "<p>", sentence, "</p>");
    html_append_meaning (out, measure, i);
  }
  html_append_categories (out, measure);
  if (n > 1)
    html_append_details (out, measure);
  if (n > 1) {
    const QuernChartContent content = { .measures = &measure, .n = 1 };
    g_autofree char *title = quern_measure_dup_marked (measure, _("File size against mean KL divergence"));
    g_autofree char *chart = quern_chart_to_svg (&content, title, FALSE);
    g_autofree char *sentence = quern_chart_dup_sentence (&content);
    guint best = quern_verdict_smallest_good (measure);
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, best));
    g_string_append (out, chart);
    append_element (out, "<p class=small>",
                    /* xgettext:no-c-format */ _("File size; upwards: mean KL divergence with 95 % interval"), "</p>");
    if (best > 0) {
      append_element (out, "<p>", _("The smallest model that is not worse on this text: "), "<b>");
      append_element (out, "", label, "</b></p>");
    }
    if (sentence)
      append_element (out, "<p>", sentence, "</p>");
  }
  for (guint i = 1; i < n; i++)
    html_append_heat (out, measure, quern_measure_get_result (measure, i));
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

/**
 * quern_comparison_to_html:
 *
 * Returns: (transfer full): a report as one HTML file
 */
char *
quern_comparison_to_html (QuernComparison *self)
{
  /* A section appends nothing if the comparison has nothing to show in it. */
  static void (*const sections[]) (GString *, QuernComparison *) = {
    html_append_head,    html_append_models,    html_append_turns,   html_append_votes,
    html_append_ratings, html_append_questions, html_append_measure,
  };
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    sections[i](out, self);
  g_string_append_c (out, '\n');
  return g_string_free_and_steal (out);
}
