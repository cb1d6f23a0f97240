/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-measure-llama.h"

#include <glib/gi18n-lib.h>

/* The block of figures that llama-perplexity prints, line by line: people lay it beside those of model cards, and programs
 * parse it. So its words are never translated, and its errors are those that take positions for independent. */

static void
append_perplexities (GString *out, const QuernDivergenceSummary *s)
{
  g_string_append (out, "====== Perplexity statistics ======\n");
  g_string_append_printf (out, "Mean PPL(Q)                   : %10.6f ± %10.6f\n", s->perplexity, s->perplexity_error);
  g_string_append_printf (out, "Mean PPL(base)                : %10.6f ± %10.6f\n", s->perplexity_reference,
                          s->perplexity_reference_error);
  g_string_append_printf (out, "Cor(ln(PPL(Q)), ln(PPL(base))): %6.2f%%\n", 100 * s->correlation);
  g_string_append_printf (out, "Mean ln(PPL(Q)/PPL(base))     : %10.6f ± %10.6f\n", s->delta_ln_ppl,
                          s->delta_ln_ppl_error);
  g_string_append_printf (out, "Mean PPL(Q)/PPL(base)         : %10.6f ± %10.6f\n", s->ppl_ratio, s->ppl_ratio_error);
  g_string_append_printf (out, "Mean PPL(Q)-PPL(base)         : %10.6f ± %10.6f\n\n", s->ppl_difference,
                          s->ppl_difference_error);
}

static void
append_divergences (GString *out, QuernMeasured *result)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (result);
  const struct {
    const char *name;
    double value;
  } lines[] = {
    { "Maximum", s->kld_max }, { "99.9%  ", s->kld_p999 },   { "99.0%  ", s->kld_p99 }, { "95.0%  ", s->kld_p95 },
    { "90.0%  ", s->kld_p90 }, { "Median ", s->kld_median }, { "10.0%  ", s->kld_p10 }, { " 5.0%  ", s->kld_p05 },
    { " 1.0%  ", s->kld_p01 }, { " 0.1%  ", s->kld_p001 },   { "Minimum", s->kld_min },
  };

  if (quern_measured_get_top_only (result) > 0)
    g_string_append_printf (out, "====== KL divergence statistics (top %u tokens) ======\n",
                            quern_measured_get_top_only (result));
  else
    g_string_append (out, "====== KL divergence statistics ======\n");
  g_string_append_printf (out, "Mean    KLD: %10.6f ± %10.6f\n", s->kld_mean, s->kld_error);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    g_string_append_printf (out, "%s KLD: %10.6f\n", lines[i].name, lines[i].value);
  g_string_append_c (out, '\n');
}

static void
append_probabilities (GString *out, const QuernDivergenceSummary *s)
{
  const struct {
    const char *name;
    double value;
  } lines[] = {
    { "Maximum", s->delta_p_max },    { "99.9%  ", s->delta_p_p999 }, { "99.0%  ", s->delta_p_p99 },
    { "95.0%  ", s->delta_p_p95 },    { "90.0%  ", s->delta_p_p90 },  { "75.0%  ", s->delta_p_p75 },
    { "Median ", s->delta_p_median }, { "25.0%  ", s->delta_p_p25 },  { "10.0%  ", s->delta_p_p10 },
    { " 5.0%  ", s->delta_p_p05 },    { " 1.0%  ", s->delta_p_p01 },  { " 0.1%  ", s->delta_p_p001 },
    { "Minimum", s->delta_p_min },
  };

  g_string_append (out, "====== Token probability statistics ======\n");
  g_string_append_printf (out, "Mean    Δp: %6.3f ± %5.3f %%\n", 100 * s->delta_p_mean, 100 * s->delta_p_error);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    g_string_append_printf (out, "%s Δp: %6.3f%%\n", lines[i].name, 100 * lines[i].value);
  g_string_append_printf (out, "RMS Δp    : %6.3f ± %5.3f %%\n", 100 * s->delta_p_rms, 100 * s->delta_p_rms_error);
  g_string_append_printf (out, "Same top p: %6.3f ± %5.3f %%\n", 100 * s->same_top, 100 * s->same_top_error);
}

/**
 * quern_measure_dup_llama_block:
 * @i: a result; for 0, the reference, it is the line of its own perplexity
 *
 * Returns: (transfer full): what llama-perplexity prints at its end, with a line break at the end
 */
char *
quern_measure_dup_llama_block (QuernMeasure *measure, guint i)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (quern_measure_get_result (measure, i));
  GString *out = g_string_new (NULL);

  if (i == 0) {
    g_string_append_printf (out, "Final estimate: PPL = %.4f +/- %.5f\n", s->perplexity, s->perplexity_error);
    return g_string_free_and_steal (out);
  }
  append_perplexities (out, s);
  append_divergences (out, quern_measure_get_result (measure, i));
  append_probabilities (out, s);
  return g_string_free_and_steal (out);
}

/**
 * quern_measure_dup_llama_note:
 * @i: a result that is not the reference
 *
 * Returns: (transfer full): in what the block differs from llama-perplexity's, translated: PPL(base), and errors by window
 */
char *
quern_measure_dup_llama_note (QuernMeasure *measure, guint i)
{
  const QuernDivergenceSummary *s = quern_measured_get_summary (quern_measure_get_result (measure, i));

  return g_strdup_printf (
      _("PPL(base) is the perplexity that the reference itself has here. llama-perplexity works it out from a file that "
        "cuts off what is 16 nats below the likeliest token, so its PPL(base), and the lines with it, are off where the "
        "text surprises the model. All errors above take tokens for independent, as llama-perplexity does. By window they "
        "are: mean KLD ± %.6f, ln(PPL(Q)/PPL(base)) ± %.6f, same top p ± %.3f %%."),
      s->kld_block_error, s->delta_ln_ppl_block_error, 100 * s->same_top_block_error);
}
