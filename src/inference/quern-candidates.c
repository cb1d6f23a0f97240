/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-candidates.h"

#include <math.h>

#include "qe.h"

/**
 * quern_log_sum_exp:
 * @logits: (array length=n): finite logits
 * @n: their number
 *
 * Returns: ln of the sum of e^logit, so that ln p(v) = logits[v] - this; NaN if a logit is not finite
 */
double
quern_log_sum_exp (const float *logits, gsize n)
{
  float max = -INFINITY;
  for (gsize i = 0; i < n; i++) {
    if (!isfinite (logits[i]))
      return NAN;
    max = MAX (max, logits[i]);
  }
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += exp ((double) logits[i] - max);
  return max + log (sum);
}

/**
 * quern_top_candidates:
 * @log_sum_exp: what quern_log_sum_exp() says of @logits
 * @out: (array length=n_out): filled with the likeliest tokens, likeliest first, the lower id first among equals
 */
void
quern_top_candidates (const float *logits, gsize n, double log_sum_exp, QuernCandidate *out, gsize n_out)
{
  gsize filled = 0;
  for (gsize i = 0; i < n; i++) {
    if (filled == n_out && logits[i] <= logits[out[n_out - 1].id])
      continue;
    gsize at = filled < n_out ? filled++ : n_out - 1;
    for (; at > 0 && logits[i] > logits[out[at - 1].id]; at--)
      out[at] = out[at - 1];
    out[at].id = (gint32) i;
  }
  for (gsize i = 0; i < n_out; i++)
    out[i] = i < filled ? (QuernCandidate) { out[i].id, exp (logits[out[i].id] - log_sum_exp) }
                        : (QuernCandidate) { -1, 0 };
}

/**
 * quern_compare_logits:
 * @reference: (array length=n): logits of the reference
 * @logits: (array length=n): those of another model, at the same position
 * @log_sum_reference: (out): as quern_log_sum_exp() of @reference
 * @log_sum: (out): as quern_log_sum_exp() of @logits
 * @divergence: (out): Kullback–Leibler divergence of the other model from the reference, 0 or more
 *
 * With the processor's vector instructions: a vocabulary has a quarter of a million tokens.
 *
 * Returns: %FALSE if a logit is not finite
 */
gboolean
quern_compare_logits (const float *reference, const float *logits, gsize n, double *log_sum_reference, double *log_sum,
                      double *divergence)
{
  QeLogitsCompared compared;

  if (!qe_logits_compare (reference, logits, n, &compared))
    return FALSE;
  *log_sum_reference = compared.log_sum_p;
  *log_sum = compared.log_sum_q;
  *divergence = compared.divergence;
  return TRUE;
}
