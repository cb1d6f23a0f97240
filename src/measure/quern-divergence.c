/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-divergence.h"

#include <math.h>
#include <string.h>

/* ---- one position ---------------------------------------------------------------------------------------------- */

/**
 * quern_divergence_compute:
 * @reference: (array length=n_vocab): the reference's logits
 * @logits: (array length=n_vocab): the other model's
 * @token: the token that follows in the text, below @n_vocab
 * @out: (out): set on success
 *
 * Equal logits give a divergence of exactly 0: every term of the sum is 0.
 *
 * Returns: %FALSE if a logit is not finite
 */
gboolean
quern_divergence_compute (const float *reference, const float *logits, gsize n_vocab, gint32 token,
                          QuernDivergence *out)
{
  g_return_val_if_fail (token >= 0 && (gsize) token < n_vocab, FALSE);

  double lse_p = quern_log_sum_exp (reference, n_vocab);
  double lse_q = quern_log_sum_exp (logits, n_vocab);
  if (isnan (lse_p) || isnan (lse_q))
    return FALSE;

  double kld = 0;
  for (gsize i = 0; i < n_vocab; i++) {
    double ln_p = reference[i] - lse_p;
    kld += exp (ln_p) * (ln_p - (logits[i] - lse_q));
  }

  *out = (QuernDivergence) {
    .token = token,
    .nll_reference = lse_p - reference[token],
    .nll = lse_q - logits[token],
    .kld = kld,
    .delta_p = exp (logits[token] - lse_q) - exp (reference[token] - lse_p),
  };
  quern_top_candidates (reference, n_vocab, lse_p, out->top_reference, QUERN_DIVERGENCE_TOP);
  quern_top_candidates (logits, n_vocab, lse_q, out->top, QUERN_DIVERGENCE_TOP);
  out->same_top = out->top_reference[0].id == out->top[0].id;
  return TRUE;
}

/* ---- running means --------------------------------------------------------------------------------------------- */

void
quern_running_add (QuernRunning *running, double value)
{
  double before = value - running->mean;
  running->n++;
  running->mean += before / (double) running->n;
  running->m2 += before * (value - running->mean);
}

/**
 * quern_running_standard_error:
 *
 * Returns: sqrt ((E[x²] - E[x]²) / (n - 1)); 0 for fewer than two values
 */
double
quern_running_standard_error (const QuernRunning *running)
{
  if (running->n < 2)
    return 0;
  return sqrt (running->m2 / (double) running->n / (double) (running->n - 1));
}

/* ---- a text ---------------------------------------------------------------------------------------------------- */

struct _QuernDivergenceSum {
  QuernRunning kld, delta_p, delta_p_squared, nll, nll_reference, nll_difference;
  guint64 n_same_top;
  GArray *klds; /* array of double, for the percentiles */
};

/**
 * quern_divergence_sum_new:
 *
 * Returns: (transfer full): an empty sum; free it with quern_divergence_sum_free()
 */
QuernDivergenceSum *
quern_divergence_sum_new (void)
{
  QuernDivergenceSum *self = g_new0 (QuernDivergenceSum, 1);
  self->klds = g_array_new (FALSE, FALSE, sizeof (double));
  return self;
}

void
quern_divergence_sum_free (QuernDivergenceSum *self)
{
  if (!self)
    return;
  g_array_unref (self->klds);
  g_free (self);
}

void
quern_divergence_sum_add (QuernDivergenceSum *self, const QuernDivergence *divergence)
{
  quern_running_add (&self->kld, divergence->kld);
  quern_running_add (&self->delta_p, divergence->delta_p);
  quern_running_add (&self->delta_p_squared, divergence->delta_p * divergence->delta_p);
  quern_running_add (&self->nll, divergence->nll);
  quern_running_add (&self->nll_reference, divergence->nll_reference);
  quern_running_add (&self->nll_difference, divergence->nll - divergence->nll_reference);
  self->n_same_top += divergence->same_top ? 1 : 0;
  g_array_append_val (self->klds, divergence->kld);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Interpolates between the two nearest ranks. `sorted` must not be empty. */
static double
percentile (const GArray *sorted, double share)
{
  double at = share * (sorted->len - 1);
  guint low = (guint) at, high = MIN (low + 1, sorted->len - 1);
  double a = g_array_index (sorted, double, low), b = g_array_index (sorted, double, high);
  return a + (b - a) * (at - low);
}

/**
 * quern_divergence_sum_summary:
 * @out: (out caller-allocates): all zero while nothing was added
 *
 * Formulas: PPL = exp (mean NLL), its error by propagation; delta ln PPL = mean (NLL - NLL of the reference), whose
 * error is that of the paired differences; error of a share s = sqrt (s (1 - s) / (n - 1)); error of the RMS =
 * SE (delta p²) / (2 RMS).
 */
void
quern_divergence_sum_summary (const QuernDivergenceSum *self, QuernDivergenceSummary *out)
{
  guint64 n = self->kld.n;
  *out = (QuernDivergenceSummary) { .n = n };
  if (n == 0)
    return;

  g_autoptr (GArray) sorted = g_array_copy (self->klds);
  g_array_sort (sorted, compare_doubles);
  out->kld_mean = self->kld.mean;
  out->kld_error = quern_running_standard_error (&self->kld);
  out->kld_median = percentile (sorted, 0.5);
  out->kld_p99 = percentile (sorted, 0.99);
  out->kld_max = g_array_index (sorted, double, sorted->len - 1);

  out->same_top = (double) self->n_same_top / (double) n;
  out->same_top_error = n > 1 ? sqrt (out->same_top * (1 - out->same_top) / (double) (n - 1)) : 0;

  out->delta_p_mean = self->delta_p.mean;
  out->delta_p_rms = sqrt (self->delta_p_squared.mean);
  if (out->delta_p_rms > 0)
    out->delta_p_rms_error = 0.5 / out->delta_p_rms * quern_running_standard_error (&self->delta_p_squared);

  out->perplexity = exp (self->nll.mean);
  out->perplexity_error = out->perplexity * quern_running_standard_error (&self->nll);
  out->perplexity_reference = exp (self->nll_reference.mean);
  out->delta_ln_ppl = self->nll_difference.mean;
  out->delta_ln_ppl_error = quern_running_standard_error (&self->nll_difference);
}
