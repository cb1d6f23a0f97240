/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-figures.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "quern-verdict.h"

typedef double (*QuernMeasureGetter) (QuernMeasured *measured);

#define KLD "kl_divergence" /* how the names of divergences begin */
#define SUMMARY(member) offsetof (QuernDivergenceSummary, member)

struct _QuernMeasureFigure {
  const char *headings[2]; /* by QuernMeasureMedium; NULL: the figure is not shown there */
  const char *explanation; /* of the heading in the window, or NULL */
  /* How the value and, where it is shown, its error are printed, by QuernMeasureMedium; NULL: the value is a number of bytes. */
  const char *formats[2];
  double scale; /* what numbers for people are multiplied by; 0: nothing */
  /* Where the summary has it, in the unit of JSON: nats, shares from 0 to 1, seconds. Beside it its two standard errors;
   * people are shown that by block. 0: there is none. */
  gsize value, error, block_error;
  QuernMeasureGetter get_value; /* where the summary does not have it */
  /* Members of JSON objects, by QuernMeasureJson; NULL: it is not written. "a.b" is the member b of the object a. */
  const char *names[2], *error_names[2], *block_error_names[2];
  gboolean is_absolute; /* it means something without a reference */
  gboolean is_detail;   /* for those who want to know all: window and reports fold it up */
};

static double
quern_measure_get_size (QuernMeasured *measured)
{
  guint64 bytes = quern_measured_get_facts (measured)->file_bytes;

  return bytes > 0 ? (double) bytes : NAN; /* models on servers have no file here */
}

static double
quern_measure_get_n_blocks (QuernMeasured *measured)
{
  return quern_measured_get_summary (measured)->n_blocks;
}

/* Members of the same JSON object are neighbours. */
static const QuernMeasureFigure figures[] = {
  { .headings = { N_("Size") },
    .explanation = N_("File size"),
    .get_value = quern_measure_get_size,
    .is_absolute = TRUE },
  { .headings = { N_("Divergence"), N_("Mean KL divergence") },
    .explanation = N_ (
        "Mean Kullback–Leibler divergence from the reference, in nats, with its standard error by window of the text"),
    .formats = { "%.4f ± %.4f", "%.6f ± %.6f" },
    .value = SUMMARY (kld_mean),
    .error = SUMMARY (kld_error),
    .block_error = SUMMARY (kld_block_error),
    .names = { "kl_divergence_mean", "kl_divergence.mean" },
    .error_names = { "kl_divergence_error", "kl_divergence.error" },
    .block_error_names = { "kl_divergence_block_error", "kl_divergence.block_error" } },
  { .headings = { N_("KLD, median"), N_("KLD, median") },
    .explanation = N_("Half of all tokens diverge less"),
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_median),
    .names = { "kl_divergence_median", "kl_divergence.median" },
    .is_detail = TRUE },
  { .headings = { N_("99 %"), N_("99 %") },
    .explanation = /* xgettext:no-c-format */ N_("99 % of all tokens diverge less"),
    .formats = { "%.3f", "%.6f" },
    .value = SUMMARY (kld_p99),
    .block_error = SUMMARY (kld_p99_block_error),
    .names = { "kl_divergence_p99", "kl_divergence.p99" },
    .block_error_names = { "kl_divergence_p99_block_error", "kl_divergence.p99_block_error" } },
  { .headings = { N_("99.9 %"), N_("99.9 %") },
    .explanation = /* xgettext:no-c-format */ N_ (
        "99.9 % of all tokens diverge less: what happens at the worst one in a thousand"),
    .formats = { "%.3f", "%.6f ± %.6f" },
    .value = SUMMARY (kld_p999),
    .block_error = SUMMARY (kld_p999_block_error),
    .names = { "kl_divergence_p99_9", "kl_divergence.p99_9" },
    .block_error_names = { "kl_divergence_p99_9_block_error", "kl_divergence.p99_9_block_error" } },
  { .headings = { N_("KLD, maximum"), N_("KLD, maximum") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_max),
    .names = { "kl_divergence_max", "kl_divergence.max" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 95 %"), N_("KLD, 95 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p95),
    .names = { "kl_divergence_p95", "kl_divergence.p95" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 90 %"), N_("KLD, 90 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p90),
    .names = { "kl_divergence_p90", "kl_divergence.p90" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 10 %"), N_("KLD, 10 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p10),
    .names = { "kl_divergence_p10", "kl_divergence.p10" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 5 %"), N_("KLD, 5 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p05),
    .names = { "kl_divergence_p5", "kl_divergence.p5" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 1 %"), N_("KLD, 1 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p01),
    .names = { "kl_divergence_p1", "kl_divergence.p1" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, 0.1 %"), N_("KLD, 0.1 %") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_p001),
    .names = { "kl_divergence_p0_1", "kl_divergence.p0_1" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, minimum"), N_("KLD, minimum") },
    .formats = { "%.6f", "%.6f" },
    .value = SUMMARY (kld_min),
    .names = { "kl_divergence_min", "kl_divergence.min" },
    .is_detail = TRUE },
  { .headings = { N_("KLD, top tokens"), N_("KLD, top tokens") },
    .explanation = N_("Divergence over the likeliest tokens of the reference alone, with the others taken as one"),
    .formats = { "%.6f ± %.6f", "%.6f ± %.6f" },
    .value = SUMMARY (kld_top_mean),
    .error = SUMMARY (kld_top_error),
    .block_error = SUMMARY (kld_top_block_error),
    .names = { "kl_divergence_top_mean", "kl_divergence_top.mean" },
    .error_names = { "kl_divergence_top_error", "kl_divergence_top.error" },
    .block_error_names = { "kl_divergence_top_block_error", "kl_divergence_top.block_error" },
    .is_detail = TRUE },
  { .headings = { N_("Same top token"), N_("Same top token") },
    .explanation = N_("How often the most likely token is that of the reference"),
    .formats = { N_("%.1f ± %.1f %%"), "%.2f %% ± %.2f" },
    .scale = 100,
    .value = SUMMARY (same_top),
    .error = SUMMARY (same_top_error),
    .block_error = SUMMARY (same_top_block_error),
    .names = { "same_top", "same_top.mean" },
    .error_names = { "same_top_error", "same_top.error" },
    .block_error_names = { "same_top_block_error", "same_top.block_error" } },
  { .headings = { N_("Mean Δp"), N_("Mean Δp") },
    .explanation = N_("How much likelier the token in the text is than for the reference"),
    .formats = { "%+.3f %% ± %.3f", "%+.3f %% ± %.3f" },
    .scale = 100,
    .value = SUMMARY (delta_p_mean),
    .error = SUMMARY (delta_p_error),
    .block_error = SUMMARY (delta_p_block_error),
    .names = { "delta_p_mean", "delta_p_mean" },
    .error_names = { "delta_p_mean_error", "delta_p_mean_error" },
    .block_error_names = { "delta_p_mean_block_error", "delta_p_mean_block_error" },
    .is_detail = TRUE },
  { .headings = { N_("RMS Δp"), N_("RMS Δp") },
    .explanation = N_("How far the probability of the token in the text is off"),
    .formats = { N_("%.2f %%"), "%.2f %% ± %.2f" },
    .scale = 100,
    .value = SUMMARY (delta_p_rms),
    .error = SUMMARY (delta_p_rms_error),
    .block_error = SUMMARY (delta_p_rms_block_error),
    .names = { "delta_p_rms", "delta_p_rms" },
    .error_names = { "delta_p_rms_error", "delta_p_rms_error" },
    .block_error_names = { "delta_p_rms_block_error", "delta_p_rms_block_error" } },
  { .headings = { N_("Δp, maximum"), N_("Δp, maximum") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_max),
    .names = { "delta_p_max", "delta_p.max" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 99.9 %"), N_("Δp, 99.9 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p999),
    .names = { "delta_p_p99_9", "delta_p.p99_9" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 99 %"), N_("Δp, 99 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p99),
    .names = { "delta_p_p99", "delta_p.p99" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 95 %"), N_("Δp, 95 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p95),
    .names = { "delta_p_p95", "delta_p.p95" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 90 %"), N_("Δp, 90 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p90),
    .names = { "delta_p_p90", "delta_p.p90" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 75 %"), N_("Δp, 75 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p75),
    .names = { "delta_p_p75", "delta_p.p75" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, median"), N_("Δp, median") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_median),
    .names = { "delta_p_median", "delta_p.median" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 25 %"), N_("Δp, 25 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p25),
    .names = { "delta_p_p25", "delta_p.p25" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 10 %"), N_("Δp, 10 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p10),
    .names = { "delta_p_p10", "delta_p.p10" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 5 %"), N_("Δp, 5 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p05),
    .names = { "delta_p_p5", "delta_p.p5" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 1 %"), N_("Δp, 1 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p01),
    .names = { "delta_p_p1", "delta_p.p1" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, 0.1 %"), N_("Δp, 0.1 %") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_p001),
    .names = { "delta_p_p0_1", "delta_p.p0_1" },
    .is_detail = TRUE },
  { .headings = { N_("Δp, minimum"), N_("Δp, minimum") },
    .formats = { "%+.3f %%", "%+.3f %%" },
    .scale = 100,
    .value = SUMMARY (delta_p_min),
    .names = { "delta_p_min", "delta_p.min" },
    .is_detail = TRUE },
  { .headings = { N_("Δ ln PPL"), N_("Δ ln PPL") },
    .explanation = N_("How much worse the text is predicted than by the reference, token by token"),
    .formats = { "%+.4f ± %.4f", "%+.4f ± %.4f" },
    .value = SUMMARY (delta_ln_ppl),
    .error = SUMMARY (delta_ln_ppl_error),
    .block_error = SUMMARY (delta_ln_ppl_block_error),
    .names = { "delta_ln_perplexity", "delta_ln_perplexity" },
    .error_names = { "delta_ln_perplexity_error", "delta_ln_perplexity_error" },
    .block_error_names = { "delta_ln_perplexity_block_error", "delta_ln_perplexity_block_error" } },
  { .headings = { N_("PPL ratio"), N_("PPL ratio") },
    .explanation = N_("Perplexity divided by that of the reference"),
    .formats = { "%.6f ± %.6f", "%.6f ± %.6f" },
    .value = SUMMARY (ppl_ratio),
    .error = SUMMARY (ppl_ratio_error),
    .block_error = SUMMARY (ppl_ratio_block_error),
    .names = { "perplexity_ratio", "perplexity_ratio.mean" },
    .error_names = { "perplexity_ratio_error", "perplexity_ratio.error" },
    .block_error_names = { "perplexity_ratio_block_error", "perplexity_ratio.block_error" },
    .is_detail = TRUE },
  { .headings = { N_("PPL difference"), N_("PPL difference") },
    .explanation = N_("Perplexity less that of the reference"),
    .formats = { "%+.6f ± %.6f", "%+.6f ± %.6f" },
    .value = SUMMARY (ppl_difference),
    .error = SUMMARY (ppl_difference_error),
    .block_error = SUMMARY (ppl_difference_block_error),
    .names = { "perplexity_difference", "perplexity_difference.mean" },
    .error_names = { "perplexity_difference_error", "perplexity_difference.error" },
    .block_error_names = { "perplexity_difference_block_error", "perplexity_difference.block_error" },
    .is_detail = TRUE },
  { .headings = { N_("Correlation of ln PPL"), N_("Correlation of ln PPL") },
    .explanation = /* xgettext:no-c-format */ N_ (
        "How far hard tokens are hard for both models: 100 % is the same for all"),
    .formats = { "%.3f %%", "%.3f %%" },
    .scale = 100,
    .value = SUMMARY (correlation),
    .names = { "correlation", "correlation" },
    .is_detail = TRUE },
  { .value = SUMMARY (perplexity_reference),
    .error = SUMMARY (perplexity_reference_error),
    .block_error = SUMMARY (perplexity_reference_block_error),
    .names = { NULL, "perplexity_reference" },
    .error_names = { NULL, "perplexity_reference_error" },
    .block_error_names = { NULL, "perplexity_reference_block_error" } },
  { .headings = { N_("PPL"), N_("PPL") },
    .explanation = N_("Perplexity of the text: the lower, the less surprising"),
    .formats = { "%.3f ± %.3f", "%.4f ± %.4f" },
    .value = SUMMARY (perplexity),
    .error = SUMMARY (perplexity_error),
    .block_error = SUMMARY (perplexity_block_error),
    .names = { "perplexity", "perplexity" },
    .error_names = { "perplexity_error", "perplexity_error" },
    .block_error_names = { "perplexity_block_error", "perplexity_block_error" },
    .is_absolute = TRUE },
  { .get_value = quern_measure_get_n_blocks, .names = { "blocks", "blocks" }, .is_absolute = TRUE },
  { .headings = { N_("Tokens/s"), N_("Tokens/s") },
    .explanation = N_("Reading speed in this measurement"),
    .formats = { "%.0f", "%.1f" },
    .get_value = quern_measured_get_rate,
    .names = { NULL, "tokens_per_second" },
    .is_absolute = TRUE },
  { .headings = { N_("Time"), N_("Seconds") },
    .explanation = N_("Duration of the measurement"),
    .formats = { N_("%.1f s"), "%.1f" },
    .get_value = quern_measured_get_seconds,
    .names = { NULL, "seconds" },
    .is_absolute = TRUE },
};

/* Returns NaN for an offset of 0. */
static double
at_offset (QuernMeasured *measured, gsize offset)
{
  return offset > 0 ? G_STRUCT_MEMBER (double, quern_measured_get_summary (measured), offset) : NAN;
}

static double
value_of (const QuernMeasureFigure *self, QuernMeasured *measured)
{
  return self->get_value ? self->get_value (measured) : at_offset (measured, self->value);
}

static gboolean
is_divergence (const QuernMeasureFigure *self)
{
  return self->names[0] && g_str_has_prefix (self->names[0], KLD);
}

/* Whether it has a heading in `medium` and was measured for some model. */
static gboolean
is_shown (const QuernMeasureFigure *self, QuernMeasure *measure, QuernMeasureMedium medium)
{
  GListModel *results = quern_measure_get_results (measure);

  for (guint i = 0; self->headings[medium] && i < g_list_model_get_n_items (results); i++)
    if (!isnan (value_of (self, quern_measure_get_result (measure, i))))
      return TRUE;
  return FALSE;
}

/**
 * quern_measure_figures_list:
 * @details: whether those are wanted that are folded up, because few people look for them; else all others
 *
 * Returns: (transfer container) (element-type QuernMeasureFigure): the figures of a table of @measure, in order
 */
GPtrArray *
quern_measure_figures_list (QuernMeasure *measure, QuernMeasureMedium medium, gboolean details)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    if (figures[i].is_detail == details && is_shown (&figures[i], measure, medium))
      g_ptr_array_add (list, (gpointer) &figures[i]);
  return list;
}

/**
 * quern_measure_figure_dup_heading:
 *
 * Returns: (transfer full) (nullable): the heading of the figure, translated, or %NULL if it is not shown in @medium; it says
 *   so where @measure only has the divergence over top tokens
 */
char *
quern_measure_figure_dup_heading (const QuernMeasureFigure *self, QuernMeasure *measure, QuernMeasureMedium medium)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (!self->headings[medium])
    return NULL;
  return is_divergence (self) ? quern_measure_dup_marked (measure, _ (self->headings[medium]))
                              : g_strdup (_ (self->headings[medium]));
}

/**
 * quern_measure_figure_get_explanation:
 *
 * Returns: (nullable): what the heading means, translated
 */
const char *
quern_measure_figure_get_explanation (const QuernMeasureFigure *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->explanation ? _ (self->explanation) : NULL;
}

/**
 * quern_measure_figure_needs_reference:
 *
 * Returns: whether the figure says how far a model is from the reference, so that the reference itself has none
 */
gboolean
quern_measure_figure_needs_reference (const QuernMeasureFigure *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return !self->is_absolute;
}

/**
 * quern_measure_figure_dup_text:
 * @self: a figure that is shown in @medium
 *
 * Returns: (transfer full): the figure of @measured for people, with its unit and its standard error by block
 */
char *
quern_measure_figure_dup_text (const QuernMeasureFigure *self, QuernMeasured *measured, QuernMeasureMedium medium)
{
  g_return_val_if_fail (self != NULL && self->headings[medium] != NULL, NULL);

  double scale = self->scale > 0 ? self->scale : 1, value = value_of (self, measured);

  if (isnan (value))
    return g_strdup ("–");
  if (!self->formats[medium])
    return g_format_size ((guint64) value);
  return g_strdup_printf (_ (self->formats[medium]), scale * value, scale * at_offset (measured, self->block_error));
}

/**
 * quern_measure_figures_write:
 * @json: which names the members have
 * @compared: whether there is a reference that the figures refer to
 * @out: a builder inside an object, to which members are added
 *
 * What was not measured is left out. The divergence over top tokens never goes by the name of that over the whole
 * vocabulary.
 */
void
quern_measure_figures_write (QuernMeasured *measured, QuernMeasureJson json, gboolean compared, JsonBuilder *out)
{
  g_autofree char *object = NULL; /* the name of the open object inside the object */

  for (guint i = 0; i < 3 * G_N_ELEMENTS (figures); i++) {
    const QuernMeasureFigure *figure = &figures[i / 3];
    const char *names[] = { figure->names[json], figure->error_names[json], figure->block_error_names[json] };
    const char *name = names[i % 3];
    const char *dot = name ? strchr (name, '.') : NULL;
    double value = i % 3 == 0 ? value_of (figure, measured)
                              : at_offset (measured, i % 3 == 1 ? figure->error : figure->block_error);
    if (!name || isnan (value) || (!compared && !figure->is_absolute))
      continue;
    g_autofree char *of_top = NULL;
    if (is_divergence (figure) && quern_measured_get_top_only (measured) > 0) {
      name = of_top = g_strconcat (KLD "_top", name + strlen (KLD), NULL);
      dot = strchr (name, '.');
    }
    g_autofree char *inside = dot ? g_strndup (name, (gsize) (dot - name)) : NULL;
    if (object && g_strcmp0 (object, inside) != 0)
      json_builder_end_object (out);
    if (inside && g_strcmp0 (object, inside) != 0) {
      json_builder_set_member_name (out, inside);
      json_builder_begin_object (out);
    }
    g_free (object);
    object = g_steal_pointer (&inside);
    json_builder_set_member_name (out, dot ? dot + 1 : name);
    json_builder_add_double_value (out, value);
  }
  if (object)
    json_builder_end_object (out);
  if (compared) {
    json_builder_set_member_name (out, "verdict");
    json_builder_add_string_value (out,
                                   quern_verdict_to_word (quern_verdict_of (quern_measured_get_summary (measured))));
  }
}
