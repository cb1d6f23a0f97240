/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YaRN (arXiv 2309.00071) as transformers and llama.cpp compute it: pairs that turn often within the original context
 * keep their rate, those that turn less than once are slowed down by the factor, and a ramp leads from one to the other.
 * It applies at every length. */
#include "model/qe-rope.h"

#include <math.h>

/* The pair, as a real number, that makes `turns` turns within the original context. */
static double
pair_of_turns (const QeRopeScaling *s, double base, uint32_t dims, double turns)
{
  return dims * log (s->original_context / (turns * 2 * M_PI)) / (2 * log (base));
}

/* How much the attention's temperature changes with the factor. */
static double
magnitude (double factor, double multiplier)
{
  return factor > 1 ? 0.1 * multiplier * log (factor) + 1 : 1;
}

double
qe_rope_rates (const QeRopeScaling *scaling, double base, uint32_t dims, double *rates)
{
  const QeRopeScaling *s = scaling;
  const double factor = s->kind == QE_ROPE_PLAIN ? 1 : s->factor;
  const double ramp = s->ramp >= 0 ? s->ramp : s->kind == QE_ROPE_YARN;
  const double low = fmax (floor (pair_of_turns (s, base, dims, s->beta_fast)), 0);
  const double high = fmin (ceil (pair_of_turns (s, base, dims, s->beta_slow)), dims - 1.0);
  for (uint32_t p = 0; p < dims / 2; p++) {
    const double rate = pow (base, -2.0 * p / dims);
    const double past = fmin (fmax ((p - low) / fmax (high - low, 0.001), 0), 1), kept = (1 - past) * ramp;
    rates[p] = factor == 1 ? rate : rate / factor * (1 - kept) + rate * kept;
  }
  if (ramp == 0)
    return s->attention * (s->magnitude > 0 ? s->magnitude : 1);
  if (s->magnitude > 0)
    return s->attention * s->magnitude;
  return s->attention * magnitude (factor, 1) / (s->log_multiplier > 0 ? magnitude (factor, s->log_multiplier) : 1);
}
