/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <math.h>
#include <stddef.h>

/* Logarithm of the sum of exp (x). */
static inline double
qe_log_sum (const float *x, size_t n)
{
  double max = x[0], sum = 0;
  for (size_t i = 1; i < n; i++)
    max = x[i] > max ? x[i] : max;
  for (size_t i = 0; i < n; i++)
    sum += exp (x[i] - max);
  return max + log (sum);
}

/* KL divergence, in nats, of the distribution with logits q from that with logits p. */
static inline double
qe_divergence (const float *p, const float *q, size_t n)
{
  double lp = qe_log_sum (p, n), lq = qe_log_sum (q, n), sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += exp (p[i] - lp) * ((p[i] - lp) - (q[i] - lq));
  return sum;
}

/* Its mean over rows. */
static inline double
qe_mean_divergence (const float *p, const float *q, size_t n_rows, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n_rows; i++)
    sum += qe_divergence (p + i * n, q + i * n, n);
  return n_rows ? sum / (double) n_rows : 0;
}
