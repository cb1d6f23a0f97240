/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "quern-comparison-report.h"
#include "quern-questions.h"
#include "quern-verdict.h"

/* One HTML file: its style sheet and chart are inside, and there is no script and nothing to load. All text of models, files and
 * people is escaped; the content policy is a second lock. */

#define CHART_WIDTH 640
#define CHART_HEIGHT 320
#define CHART_LEFT 80
#define CHART_BOTTOM 260
#define CHART_TOP 20
#define CHART_RIGHT 600

static const char style[] =
    ":root{color-scheme:light dark;--line:#8886;--mark:#e66100;--bg:#fff;--fg:#1d1d20}"
    "@media(prefers-color-scheme:dark){:root{--bg:#1d1d20;--fg:#fff;--mark:#ffa348}}"
    "body{font:16px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg);max-width:75rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "td,th{border-bottom:1px solid var(--line);padding:.3rem .7rem;text-align:start}td.n{text-align:end;font-variant-numeric:tabular-nums}"
    ".columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}"
    ".answer,.prompt,.text{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:9px;padding:.8rem}"
    ".shared{opacity:.6}.fork{outline:2px solid var(--mark);border-radius:3px}.small{font-size:.85em;opacity:.8}"
    ".text span{text-decoration:underline var(--mark)}code{overflow-wrap:anywhere;font-size:.8em}"
    "svg text{fill:currentColor;font-size:12px}svg line,svg path{stroke:currentColor}";

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

/* ---- columns --------------------------------------------------------------------------------------------------- */

static void
append_models (GString *out, QuernComparison *self)
{
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>%s<th>SHA-256</tr>", _("Model"), _("Size"),
                          _("Bits per weight"), _("Settings"));
  for (guint i = 0; i < quern_comparison_get_n_columns (self); i++) {
    QuernCompareColumn *column = quern_comparison_get_column (self, i);
    const QuernModelFacts *facts = quern_compare_column_get_facts (column);
    g_autofree char *size = g_format_size (facts->file_bytes);
    g_autofree char *label = quern_compare_column_dup_label (column);
    append_element (out, "<tr><td>", label, "");
    g_autofree char *settings = _quern_compare_column_dup_settings (column);
    g_string_append_printf (out, "<td class=n>%s<td class=n>%.2f", size, facts->bits_per_weight);
    append_element (out, "<td>", settings, "");
    append_element (out, "<td><code>", facts->sha256, "</code></tr>");
  }
  g_string_append (out, "</table>");
}

/* Finds the first token that is not the same in all columns: the byte of the answer where it begins and the byte where
 * it ends. Both are the length of the answer if there is none. */
static void
find_fork (QuernComparison *self, guint turn, guint i, guint *shared, guint *end)
{
  QuernCompareAnswer *answer = quern_compare_column_get_answer (quern_comparison_get_column (self, i), turn);
  guint n = quern_compare_answer_get_n_tokens (answer), index = n;
  QuernFork fork;

  for (guint j = 0; j < quern_comparison_get_n_columns (self); j++) {
    quern_comparison_get_fork (self, turn, MIN (i, j), MAX (i, j), &fork);
    if (i != j && fork.differs)
      index = MIN (index, fork.index);
  }
  *shared = *end = (guint) strlen (quern_compare_answer_get_answer (answer));
  if (index == n)
    return;
  const QuernGeneratedToken *token = quern_compare_answer_get_token (answer, index);
  *shared = token->reasoning ? 0 : token->start;
  *end = token->reasoning ? 0 : token->end;
}

static void
append_answer (GString *out, QuernComparison *self, guint turn, guint i)
{
  QuernCompareColumn *column = quern_comparison_get_column (self, i);
  QuernCompareAnswer *answer = quern_compare_column_get_answer (column, turn);
  const QuernStatistics *s = quern_compare_answer_get_statistics (answer);
  const char *text = quern_compare_answer_get_answer (answer);
  g_autofree char *label = quern_compare_column_dup_label (column);
  guint shared, end;

  find_fork (self, turn, i, &shared, &end);
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
  g_string_append_printf (out, _("First token after %.2f s; reads %.1f, writes %.1f tokens/s; %u tokens; memory %s."),
                          s->first_token_seconds, quern_statistics_prefill_rate (s), quern_statistics_decode_rate (s),
                          s->answer_tokens, memory);
  if (quern_compare_answer_get_together (answer))
    append_element (out, " ", _("Run together: the speeds cannot be compared."), "");
  g_string_append (out, "</p></section>");
}

static void
append_votes (GString *out, QuernComparison *self)
{
  guint n = quern_comparison_get_n_columns (self);

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
append_ratings (GString *out, QuernComparison *self)
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
append_accuracy (GString *out, QuernQuestions *questions)
{
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s</tr>", _("Model"), _("Correct"),
                          /* xgettext:no-c-format */ _("Share, 95 % interval"));
  for (guint i = 0; i < quern_questions_get_n_columns (questions); i++) {
    double low, high, share = quern_questions_get_accuracy (questions, i, &low, &high);
    guint right, n;
    quern_questions_count (questions, i, &right, &n);
    append_element (out, "<tr><td>", quern_questions_get_label (questions, i), "");
    g_string_append_printf (out, "<td class=n>%u / %u<td class=n>%.0f %% (%.0f–%.0f)</tr>", right, n, 100 * share,
                            100 * low, 100 * high);
  }
  g_string_append (out, "</table>");
}

static void
append_flips (GString *out, QuernQuestions *questions)
{
  guint n = quern_questions_get_n_columns (questions);

  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>%s<th>%s</tr>", _("Columns"),
                          _("Only the first correct"), _("Only the second correct"), _("Flips"),
                          _("p (McNemar, exact)"));
  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++) {
      QuernFlips flips;
      quern_questions_get_flips (questions, a, b, &flips);
      append_element (out, "<tr><td>", quern_questions_get_label (questions, a), "");
      append_element (out, " – ", quern_questions_get_label (questions, b), "");
      g_string_append_printf (out, "<td class=n>%u<td class=n>%u<td class=n>%.0f %%<td class=n>%.3g</tr>", flips.only_a,
                              flips.only_b, 100 * flips.flips, flips.p_value);
    }
  g_string_append (out, "</table>");
}

static void
append_questions (GString *out, QuernQuestions *questions)
{
  append_element (out, "<h2>", _("Question set"), "</h2>");
  append_element (out, "<p>", quern_questions_get_name (questions), "</p>");
  append_accuracy (out, questions);
  if (quern_questions_get_n_columns (questions) > 1)
    append_flips (out, questions);
  append_element (out, "<details><summary>", _("Answers"), "</summary><table>");
  for (guint i = 0; i < quern_questions_get_n (questions); i++) {
    append_element (out, "<tr><th colspan=3>", quern_questions_get_question (questions, i), "</tr>");
    for (guint column = 0; column < quern_questions_get_n_columns (questions); column++) {
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

static void
append_figures (GString *out, QuernMeasure *measure)
{
  g_string_append_printf (out, "<table><tr><th>%s<th>%s<th>%s<th>99 %%<th>%s<th>RMS Δp<th>Δ ln PPL<th>PPL<th>%s</tr>",
                          _("Model"), _("Mean KL divergence"), _("Median"), _("Same top token"), _("Tokens/s"));
  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    const QuernDivergenceSummary *s = quern_measured_get_summary (result);
    g_autofree char *label = quern_measured_dup_label (result);
    append_element (out, "<tr><td>", label, i == 0 ? " *" : "");
    g_string_append_printf (out,
                            "<td class=n>%.5f ± %.5f<td class=n>%.5f<td class=n>%.5f<td class=n>%.2f %% ± %.2f"
                            "<td class=n>%.2f %%<td class=n>%.4f ± %.4f<td class=n>%.3f<td class=n>%.1f</tr>",
                            s->kld_mean, s->kld_error, s->kld_median, s->kld_p99, 100 * s->same_top,
                            100 * s->same_top_error, 100 * s->delta_p_rms, s->delta_ln_ppl, s->delta_ln_ppl_error,
                            s->perplexity, quern_measured_get_rate (result));
  }
  g_string_append (out, "</table>");
}

/* The y axis is the divergence on a logarithmic scale from 1e-5 to 10. */
static double
chart_y (double kld)
{
  double share = (log10 (CLAMP (kld, 1e-5, 10)) + 5) / 6;

  return CHART_BOTTOM - share * (CHART_BOTTOM - CHART_TOP);
}

static void
append_number (GString *out, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (out, " %s=\"%s\"", name, g_ascii_formatd (text, sizeof text, "%.1f", value));
}

static void
append_line (GString *out, double x1, double y1, double x2, double y2)
{
  g_string_append (out, "<line");
  append_number (out, "x1", x1);
  append_number (out, "y1", y1);
  append_number (out, "x2", x2);
  append_number (out, "y2", y2);
  g_string_append (out, "/>");
}

static void
append_label (GString *out, double x, double y, const char *anchor, const char *text)
{
  g_string_append_printf (out, "<text text-anchor=\"%s\"", anchor);
  append_number (out, "x", x);
  append_number (out, "y", y);
  append_element (out, ">", text, "</text>");
}

static void
append_point (GString *out, QuernMeasured *result, double x, gboolean best)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (result);
  g_autofree char *label = quern_measured_dup_label (result);
  double y = chart_y (s->kld_mean);

  append_line (out, x, chart_y (s->kld_mean - 1.96 * s->kld_error), x, chart_y (s->kld_mean + 1.96 * s->kld_error));
  g_string_append_printf (out, "<circle r=\"%d\" fill=\"%s\" stroke=\"currentColor\"", best ? 8 : 5,
                          best ? "var(--mark)" : "currentColor");
  append_number (out, "cx", x);
  append_number (out, "cy", y);
  g_string_append (out, "/>");
  append_label (out, x, y - 12, "middle", label);
}

static void
append_axes (GString *out)
{
  append_line (out, CHART_LEFT, CHART_TOP, CHART_LEFT, CHART_BOTTOM);
  append_line (out, CHART_LEFT, CHART_BOTTOM, CHART_RIGHT, CHART_BOTTOM);
  for (int power = -5; power <= 1; power++) {
    g_autofree char *text = g_strdup_printf ("1e%d", power);
    append_label (out, CHART_LEFT - 8, chart_y (pow (10, power)) + 4, "end", text);
  }
}

static void
append_chart (GString *out, QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  guint best = quern_verdict_smallest_good (measure);
  guint64 largest = 1;

  for (guint i = 0; i < n; i++)
    largest = MAX (largest, quern_measured_get_facts (quern_measure_get_result (measure, i))->file_bytes);
  g_string_append_printf (
      out, "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" style=\"max-width:%dpx\" role=\"img\" aria-label=\"",
      CHART_WIDTH, CHART_HEIGHT, CHART_WIDTH);
  append_element (out, "", _("File size against mean KL divergence"), "\">");
  append_axes (out);
  g_autofree char *size = g_format_size (largest);
  append_label (out, CHART_RIGHT, CHART_BOTTOM + 20, "end", size);
  append_label (out, CHART_LEFT, CHART_BOTTOM + 20, "start", "0");
  append_label (out, (CHART_LEFT + CHART_RIGHT) / 2.0, CHART_BOTTOM + 40, "middle",
                /* xgettext:no-c-format */ _("File size; upwards: mean KL divergence with 95 % interval"));
  for (guint i = 1; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    double share = (double) quern_measured_get_facts (result)->file_bytes / (double) largest;
    append_point (out, result, CHART_LEFT + share * (CHART_RIGHT - CHART_LEFT), i == best);
  }
  g_string_append (out, "</svg>");
  if (best > 0) {
    g_autofree char *label = quern_measured_dup_label (quern_measure_get_result (measure, best));
    append_element (out, "<p>", _("The smallest model that is not worse on this text: "), "<b>");
    append_element (out, "", label, "</b></p>");
  }
}

/* Appends the text with a line under each scored token; the line is thicker where this model diverges more. */
static void
append_heat (GString *out, QuernMeasure *measure, QuernMeasured *result)
{
  const char *text = quern_measure_get_text (measure);
  g_autofree char *label = quern_measured_dup_label (result);
  guint at = 0;

  append_element (out, "<details><summary>", label, "</summary><div class=text>");
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

static void
append_measure (GString *out, QuernMeasure *measure)
{
  g_autofree char *reference = quern_verdict_dup_reference (measure);
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));

  append_element (out, "<h2>", _("Measured"), "</h2>");
  g_autofree char *summary = quern_measure_dup_summary (measure);
  append_element (out, "<p>", summary, " ");
  append_element (out, "", reference, "");
  append_element (out, " ", quern_measure_get_note (measure), "</p>");
  append_figures (out, measure);
  for (guint i = 1; i < n; i++) {
    g_autofree char *sentence = quern_verdict_dup_sentence (measure, i);
    append_element (out, "<p>", sentence, "</p>");
  }
  if (n > 1)
    append_chart (out, measure);
  for (guint i = 1; i < n; i++)
    append_heat (out, measure, quern_measure_get_result (measure, i));
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

static void
append_head (GString *out, QuernComparison *self)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (quern_comparison_get_created (self) / G_USEC_PER_SEC);
  g_autofree char *date = time ? g_date_time_format (time, "%F %T UTC") : g_strdup ("");

  g_string_append_printf (
      out,
      "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src 'none';"
      " style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
      "<meta name=viewport content=\"width=device-width\"><style>%s</style>",
      style);
  append_element (out, "<title>", quern_comparison_get_title (self), "</title>");
  append_element (out, "<h1>", quern_comparison_get_title (self), "</h1><p class=small>");
  g_autofree char *origin = _quern_comparison_dup_origin (self);
  append_element (out, "", date, ". ");
  append_element (out, "", origin, "");
  g_string_append (out, "</p>");
}

/**
 * quern_comparison_to_html:
 *
 * Returns: (transfer full): a report as one HTML file
 */
char *
quern_comparison_to_html (QuernComparison *self)
{
  GString *out = g_string_new (NULL);

  append_head (out, self);
  append_models (out, self);
  for (guint turn = 0; turn < quern_comparison_get_n_turns (self); turn++) {
    append_element (out, "<h2>", _("Prompt"), "</h2><div class=prompt>");
    append_element (out, "", quern_comparison_get_prompt (self, turn), "</div><div class=columns>");
    for (guint i = 0; i < quern_comparison_get_n_columns (self); i++)
      append_answer (out, self, turn, i);
    g_string_append (out, "</div>");
  }
  if (quern_comparison_get_n_votes (self) > 0)
    append_votes (out, self);
  append_ratings (out, self);
  if (quern_comparison_get_questions (self))
    append_questions (out, quern_comparison_get_questions (self));
  if (quern_comparison_get_measure (self))
    append_measure (out, quern_comparison_get_measure (self));
  g_string_append_c (out, '\n');
  return g_string_free_and_steal (out);
}
