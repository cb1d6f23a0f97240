/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-verdict.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

QuernVerdict
quern_verdict_of (const QuernDivergenceSummary *summary)
{
  if (summary->n == 0)
    return QUERN_VERDICT_NONE;
  if (summary->kld_mean < QUERN_VERDICT_SLIGHT)
    return QUERN_VERDICT_INDISTINGUISHABLE;
  return summary->kld_mean < QUERN_VERDICT_DAMAGED ? QUERN_VERDICT_SLIGHTLY_DIFFERENT : QUERN_VERDICT_VISIBLY_DAMAGED;
}

/**
 * quern_verdict_to_string:
 *
 * Returns: the verdict as people read it, translated
 */
const char *
quern_verdict_to_string (QuernVerdict verdict)
{
  switch (verdict) {
  case QUERN_VERDICT_INDISTINGUISHABLE: return C_("verdict", "indistinguishable");
  case QUERN_VERDICT_SLIGHTLY_DIFFERENT: return C_("verdict", "slightly different");
  case QUERN_VERDICT_VISIBLY_DAMAGED: return C_("verdict", "visibly damaged");
  default: return C_("verdict", "not measured");
  }
}

/**
 * quern_verdict_to_word:
 *
 * Returns: the verdict as JSON has it
 */
const char *
quern_verdict_to_word (QuernVerdict verdict)
{
  static const char *const words[] = { "none", "indistinguishable", "slightly-different", "visibly-damaged" };

  return words[verdict];
}

/**
 * quern_verdict_is_borderline:
 *
 * Returns: whether the 95 % interval of the mean divergence reaches into another band
 */
gboolean
quern_verdict_is_borderline (const QuernDivergenceSummary *summary)
{
  QuernDivergenceSummary low = *summary, high = *summary;

  low.kld_mean -= summary->block_quantile * summary->kld_block_error;
  high.kld_mean += summary->block_quantile * summary->kld_block_error;
  return quern_verdict_of (&low) != quern_verdict_of (&high);
}

/**
 * quern_verdict_too_close:
 *
 * Returns: whether the 95 % interval of the paired difference, by block, holds 0, so that neither is the nearer one
 */
gboolean
quern_verdict_too_close (QuernMeasured *a, QuernMeasured *b)
{
  double error, quantile, mean = quern_measured_compare (a, b, &error, &quantile);

  return fabs (mean) <= quantile * error;
}

/* In bytes; 0 of a model on a server, which does not tell. */
static guint64
size_of (QuernMeasured *result)
{
  return quern_measured_get_facts (result)->file_bytes;
}

guint
quern_verdict_smallest_good (QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  guint best = 0;

  for (guint i = 1; i < n; i++) {
    QuernMeasured *result = quern_measure_get_result (measure, i);
    guint64 least = size_of (quern_measure_get_result (measure, best));
    if (quern_verdict_of (quern_measured_get_summary (result)) == QUERN_VERDICT_INDISTINGUISHABLE
        && size_of (result) > 0 && (size_of (result) < least || least == 0))
      best = i;
  }
  return best;
}

/* Appends what follows the share of equal first choices: size and speed against the reference, what to do, and what is
 * uncertain. */
static void
append_rest (GString *out, QuernMeasure *measure, guint i)
{
  QuernMeasured *result = quern_measure_get_result (measure, i), *nearest = NULL;
  double own = quern_measured_get_summary (result)->kld_mean, distance = INFINITY;
  QuernMeasured *reference = quern_measure_get_result (measure, 0);
  gboolean sized = size_of (reference) > 0 && size_of (result) > 0;
  double share = sized ? (double) size_of (result) / (double) size_of (reference) : 1;
  double speed = sized && quern_measured_get_rate (reference) > 0
                     ? quern_measured_get_rate (result) / quern_measured_get_rate (reference)
                     : 1;

  if (share < 0.995)
    g_string_append_printf (out, _("; %.0f %% smaller"), 100 * (1 - share));
  if (speed >= 1.05 || (speed > 0 && speed <= 0.95))
    g_string_append_printf (out, _("; reads %.2f× as fast"), speed);
  if (quern_measure_get_top_only (measure))
    g_string_append_printf (out, _("; going by the likeliest %u tokens alone"), quern_measure_get_top (measure));
  g_string_append (out, ".");
  switch (quern_verdict_of (quern_measured_get_summary (result))) {
  case QUERN_VERDICT_INDISTINGUISHABLE:
    g_string_append (out, share < 0.995 ? _(" Use it in place of the reference.") : "");
    break;
  case QUERN_VERDICT_SLIGHTLY_DIFFERENT: g_string_append (out, _(" Fine for most uses.")); break;
  case QUERN_VERDICT_VISIBLY_DAMAGED: g_string_append (out, _(" Use a larger one if it fits.")); break;
  default: break;
  }
  if (quern_verdict_is_borderline (quern_measured_get_summary (result)))
    g_string_append (out, _(" This is close to the border between two verdicts; use a longer text to be sure."));
  for (guint j = 1; j < g_list_model_get_n_items (quern_measure_get_results (measure)); j++) {
    QuernMeasured *other = quern_measure_get_result (measure, j);
    double away = fabs (quern_measured_get_summary (other)->kld_mean - own);
    if (j != i && away < distance) {
      distance = away;
      nearest = other;
    }
  }
  if (nearest && quern_verdict_too_close (result, nearest)) {
    g_autofree char *name = quern_measured_dup_label (nearest);
    g_string_append_printf (out, _(" Against %s it is too close to call on this text."), name);
  }
}

/**
 * quern_verdict_dup_sentence:
 * @i: not the reference
 *
 * Returns: (transfer full): "Q4_K_M is slightly different: same first choice in 92.1 % ± 0.9 of 900 tokens; 41 % smaller."
 */
char *
quern_verdict_dup_sentence (QuernMeasure *measure, guint i)
{
  QuernMeasured *result = quern_measure_get_result (measure, i);
  const QuernDivergenceSummary *s = quern_measured_get_summary (result);
  g_autofree char *label = quern_measured_dup_label (result);
  GString *out = g_string_new (NULL);

  if (s->n == 0)
    return g_string_free_and_steal (out);
  g_string_append_printf (out, _("%s is %s: same top token in %.1f %% ± %.1f of %u tokens"), label,
                          quern_verdict_to_string (quern_verdict_of (s)), 100 * s->same_top,
                          100 * s->same_top_block_error, (guint) s->n);
  append_rest (out, measure, i);
  return g_string_free_and_steal (out);
}

/**
 * quern_verdict_dup_details:
 * @i: not the reference
 *
 * Returns: (transfer full): the sentence of quern_verdict_dup_sentence() where the model and its band stand beside it
 */
char *
quern_verdict_dup_details (QuernMeasure *measure, guint i)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (quern_measure_get_result (measure, i));
  GString *out = g_string_new (NULL);

  if (s->n == 0)
    return g_string_free_and_steal (out);
  g_string_append_printf (out, _("Same top token in %.1f %% ± %.1f of %u tokens"), 100 * s->same_top,
                          100 * s->same_top_block_error, (guint) s->n);
  append_rest (out, measure, i);
  return g_string_free_and_steal (out);
}

/**
 * quern_verdict_dup_reference:
 *
 * Returns: (transfer full): what the others are compared with. It is only called a loss when that is of full precision.
 */
char *
quern_verdict_dup_reference (QuernMeasure *measure)
{
  static const char *const full[] = { "F16", "BF16", "F32", "FP16", "FP32", NULL };

  if (g_list_model_get_n_items (quern_measure_get_results (measure)) == 0)
    return g_strdup ("");
  QuernMeasured *reference = quern_measure_get_result (measure, 0);
  g_autofree char *label = quern_measured_dup_label (reference);
  const char *quantisation = quern_measured_get_facts (reference)->quantisation;

  if (quern_measured_get_facts (reference)->place)
    return g_strdup_printf (
        _("Compared with %s, the reference chosen here. How precise it is, its server does not tell."), label);
  if (quantisation && g_strv_contains (full, quantisation))
    return g_strdup_printf (_("Compared with %s, which has full precision: all differences come from quantisation."),
                            label);
  return g_strdup_printf (_("Compared with %s, the reference chosen here, which is itself quantised."), label);
}

/**
 * quern_measure_dup_summary:
 *
 * Returns: (transfer full): the text, the tokens of it that are scored so far, the seconds it took, the noise floor
 */
char *
quern_measure_dup_summary (QuernMeasure *measure)
{
  QuernMeasured *reference = quern_measure_get_result (measure, 0);
  guint n = reference ? quern_measured_get_n_positions (reference) : 0;
  double noise = quern_measure_get_noise_floor (measure);
  const char *source = quern_measure_get_source (measure);
  GString *out = g_string_new (NULL);
  double seconds = 0;

  for (guint i = 0; i < g_list_model_get_n_items (quern_measure_get_results (measure)); i++)
    seconds += quern_measured_get_seconds (quern_measure_get_result (measure, i));
  g_string_append_printf (out, ngettext ("%s: %u token scored", "%s: %u tokens scored", n),
                          source ? source : _("Text"), n);
  g_string_append_printf (out, _(", read in %.1f s by all models together."), seconds);
  if (noise >= 0)
    g_string_append_c (out, ' ');
  if (noise == 0)
    g_string_append (out, _("Reading the text twice with the reference gave exactly the same result, so all "
                            "differences come from the models."));
  else if (noise > 0)
    g_string_append_printf (
        out,
        _("Reading the text twice with the reference gave a divergence of up to %.2g: less than that is "
          "noise."),
        noise);
  return g_string_free_and_steal (out);
}
