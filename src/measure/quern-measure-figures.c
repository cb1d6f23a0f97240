/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-figures.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-verdict.h"

typedef double (*QuernMeasureGetter) (QuernMeasured *measured);

struct _QuernMeasureFigure {
  const char *headings[2]; /* by QuernMeasureMedium; NULL: the figure is not shown there */
  const char *explanation; /* of the heading in the window, or NULL */
  /* How the value and, where it is shown, its error are printed, by QuernMeasureMedium; NULL: the value is a number of bytes. */
  const char *formats[2];
  double scale;                 /* what numbers for people are multiplied by; 0: nothing */
  QuernMeasureGetter get_value; /* in the unit of JSON: nats, shares from 0 to 1, seconds, bytes */
  QuernMeasureGetter get_error; /* its standard error, or NULL */
  /* Members of JSON objects, by QuernMeasureJson; NULL: it is not written. "a.b" is the member b of the object a. */
  const char *names[2], *error_names[2];
  gboolean is_absolute; /* it means something without a reference */
};

#define GETTER(member)                                                                                                 \
  static double quern_measure_get_##member (QuernMeasured *measured)                                                   \
  {                                                                                                                    \
    return quern_measured_get_summary (measured)->member;                                                              \
  }

GETTER (kld_mean)
GETTER (kld_error)
GETTER (kld_median)
GETTER (kld_p99)
GETTER (kld_max)
GETTER (same_top)
GETTER (same_top_error)
GETTER (delta_p_mean)
GETTER (delta_p_rms)
GETTER (delta_p_rms_error)
GETTER (delta_ln_ppl)
GETTER (delta_ln_ppl_error)
GETTER (perplexity)
GETTER (perplexity_error)
GETTER (perplexity_reference)

static double
quern_measure_get_size (QuernMeasured *measured)
{
  return (double) quern_measured_get_facts (measured)->file_bytes;
}

/* Members of the same JSON object are neighbours. */
static const QuernMeasureFigure figures[] = {
  { .headings = { N_("Size") },
    .explanation = N_("File size"),
    .get_value = quern_measure_get_size,
    .is_absolute = TRUE },
  { .headings = { N_("Divergence"), N_("Mean KL divergence") },
    .explanation = N_("Mean Kullback–Leibler divergence from the reference, in nats, with its standard error"),
    .formats = { "%.4f ± %.4f", "%.6f ± %.6f" },
    .get_value = quern_measure_get_kld_mean,
    .get_error = quern_measure_get_kld_error,
    .names = { "kl_divergence_mean", "kl_divergence.mean" },
    .error_names = { "kl_divergence_error", "kl_divergence.error" } },
  { .headings = { N_("Median"), N_("Median") },
    .explanation = N_("Half of all tokens diverge less"),
    .formats = { "%.4f", "%.6f" },
    .get_value = quern_measure_get_kld_median,
    .names = { "kl_divergence_median", "kl_divergence.median" } },
  { .headings = { N_("99 %"), N_("99 %") },
    .explanation = /* xgettext:no-c-format */ N_("99 % of all tokens diverge less"),
    .formats = { "%.3f", "%.6f" },
    .get_value = quern_measure_get_kld_p99,
    .names = { "kl_divergence_p99", "kl_divergence.p99" } },
  { .get_value = quern_measure_get_kld_max, .names = { NULL, "kl_divergence.max" } },
  { .headings = { N_("Same top token"), N_("Same top token") },
    .explanation = N_("How often the most likely token is that of the reference"),
    .formats = { N_("%.1f ± %.1f %%"), "%.2f %% ± %.2f" },
    .scale = 100,
    .get_value = quern_measure_get_same_top,
    .get_error = quern_measure_get_same_top_error,
    .names = { "same_top", "same_top.mean" },
    .error_names = { "same_top_error", "same_top.error" } },
  { .get_value = quern_measure_get_delta_p_mean, .names = { NULL, "delta_p_mean" } },
  { .headings = { N_("RMS Δp"), N_("RMS Δp") },
    .explanation = N_("How far the probability of the token in the text is off"),
    .formats = { N_("%.2f %%"), "%.2f %%" },
    .scale = 100,
    .get_value = quern_measure_get_delta_p_rms,
    .get_error = quern_measure_get_delta_p_rms_error,
    .names = { "delta_p_rms", "delta_p_rms" },
    .error_names = { NULL, "delta_p_rms_error" } },
  { .headings = { N_("Δ ln PPL"), N_("Δ ln PPL") },
    .explanation = N_("How much worse the text is predicted than by the reference, token by token"),
    .formats = { "%+.4f ± %.4f", "%+.4f ± %.4f" },
    .get_value = quern_measure_get_delta_ln_ppl,
    .get_error = quern_measure_get_delta_ln_ppl_error,
    .names = { "delta_ln_perplexity", "delta_ln_perplexity" },
    .error_names = { "delta_ln_perplexity_error", "delta_ln_perplexity_error" } },
  { .get_value = quern_measure_get_perplexity_reference, .names = { NULL, "perplexity_reference" } },
  { .headings = { NULL, "PPL" },
    .formats = { NULL, "%.4f ± %.4f" },
    .get_value = quern_measure_get_perplexity,
    .get_error = quern_measure_get_perplexity_error,
    .names = { "perplexity", "perplexity" },
    .error_names = { "perplexity_error", "perplexity_error" },
    .is_absolute = TRUE },
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

/**
 * quern_measure_figure_get:
 * @i: from 0
 *
 * Returns: (nullable): figure @i in the order in which figures are shown, or %NULL past the last
 */
const QuernMeasureFigure *
quern_measure_figure_get (guint i)
{
  return i < G_N_ELEMENTS (figures) ? &figures[i] : NULL;
}

/**
 * quern_measure_figure_get_heading:
 *
 * Returns: (nullable): the heading of the figure, translated, or %NULL if it is not shown in @medium
 */
const char *
quern_measure_figure_get_heading (const QuernMeasureFigure *self, QuernMeasureMedium medium)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->headings[medium] ? _ (self->headings[medium]) : NULL;
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
 * Returns: (transfer full): the figure of @measured for people, with its unit and standard error
 */
char *
quern_measure_figure_dup_text (const QuernMeasureFigure *self, QuernMeasured *measured, QuernMeasureMedium medium)
{
  g_return_val_if_fail (self != NULL && self->headings[medium] != NULL, NULL);

  double scale = self->scale > 0 ? self->scale : 1, value = self->get_value (measured);
  double error = self->get_error ? self->get_error (measured) : 0;

  if (!self->formats[medium])
    return g_format_size ((guint64) value);
  return g_strdup_printf (_ (self->formats[medium]), scale * value, scale * error);
}

/**
 * quern_measure_figures_write:
 * @json: which names the members have
 * @compared: whether there is a reference that the figures refer to
 * @out: a builder inside an object, to which members are added
 */
void
quern_measure_figures_write (QuernMeasured *measured, QuernMeasureJson json, gboolean compared, JsonBuilder *out)
{
  g_autofree char *object = NULL; /* the name of the open object inside the object */

  for (guint i = 0; i < 2 * G_N_ELEMENTS (figures); i++) {
    const QuernMeasureFigure *figure = &figures[i / 2];
    const char *name = i % 2 == 0 ? figure->names[json] : figure->error_names[json];
    const char *dot = name ? strchr (name, '.') : NULL;
    if (!name || (!compared && !figure->is_absolute))
      continue;
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
    json_builder_add_double_value (out, (i % 2 == 0 ? figure->get_value : figure->get_error) (measured));
  }
  if (object)
    json_builder_end_object (out);
  if (compared) {
    json_builder_set_member_name (out, "verdict");
    json_builder_add_string_value (out,
                                   quern_verdict_to_word (quern_verdict_of (quern_measured_get_summary (measured))));
  }
}
