/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-statistics.h"

#include <math.h>

#define Z95 1.959963984540054

void
quern_wilson_interval (double k, double n, double *low, double *high)
{
  *low = 0;
  *high = 1;
  if (n <= 0)
    return;
  double p = k / n, z2 = Z95 * Z95;
  double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  double half = Z95 / (1 + z2 / n) * sqrt (p * (1 - p) / n + z2 / (4 * n * n));
  *low = MAX (0, centre - half);
  *high = MIN (1, centre + half);
}

double
quern_mcnemar_exact (guint only_a, guint only_b)
{
  guint n = only_a + only_b, fewer = MIN (only_a, only_b);
  if (only_a == only_b)
    return 1;
  double tail = 0;
  for (guint i = 0; i <= fewer; i++)
    tail += exp (lgamma (n + 1.0) - lgamma (i + 1.0) - lgamma (n - i + 1.0) - n * G_LN2);
  return MIN (1, 2 * tail);
}

/* ---- Bradley–Terry --------------------------------------------------------------------------------------------- */

static void
rate (const QuernDuel *duels, gsize n_duels, guint n, double *wins, double *out)
{
  /* wins[i * n + j] is what i scored against j. A tie counts half for each. */
  for (guint i = 0; i < n * n; i++)
    wins[i] = 0;
  for (gsize d = 0; d < n_duels; d++) {
    wins[duels[d].a * n + duels[d].b] += duels[d].score_a;
    wins[duels[d].b * n + duels[d].a] += 1 - duels[d].score_a;
  }
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < n; j++)
      if (i != j && wins[i * n + j] + wins[j * n + i] > 0)
        wins[i * n + j] += 0.5; /* half of the virtual tie; the other half is added at [j, i] */
  /* Hunter's minorisation-maximisation algorithm (2004). `out` holds the start values and then the result, whose
   * geometric mean is 1. */
  for (guint i = 0; i < n; i++)
    out[i] = 1;
  for (guint step = 0; step < 1000; step++) {
    double change = 0, log_sum = 0;
    for (guint i = 0; i < n; i++) {
      double won = 0, expected = 0;
      for (guint j = 0; j < n; j++) {
        double met = i == j ? 0 : wins[i * n + j] + wins[j * n + i];
        won += i == j ? 0 : wins[i * n + j];
        expected += met / (out[i] + out[j]);
      }
      double next = expected > 0 ? won / expected : 1;
      change = MAX (change, fabs (log (next / out[i])));
      out[i] = next;
    }
    for (guint i = 0; i < n; i++)
      log_sum += log (out[i]);
    for (guint i = 0; i < n; i++)
      out[i] /= exp (log_sum / n);
    if (change < 1e-10)
      break;
  }
  for (guint i = 0; i < n; i++)
    out[i] = 400 * log10 (out[i]);
}

static int
compare_doubles (gconstpointer a, gconstpointer b, gpointer data)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

void
quern_bradley_terry (const QuernDuel *duels, gsize n_duels, guint n_players, guint n_bootstrap, guint32 seed,
                     QuernRating *out)
{
  g_return_if_fail (n_players > 0);

  g_autofree double *wins = g_new (double, n_players *n_players);
  g_autofree double *rating = g_new (double, n_players);
  g_autofree double *drawn = g_new (double, (gsize) n_players *MAX (n_bootstrap, 1)); /* [n_players][n_bootstrap] */
  g_autofree QuernDuel *sample = g_new (QuernDuel, MAX (n_duels, 1));
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (guint round = 0; round < n_bootstrap && n_duels > 0; round++) {
    for (gsize d = 0; d < n_duels; d++)
      sample[d] = duels[g_rand_int_range (random, 0, (gint32) n_duels)];
    rate (sample, n_duels, n_players, wins, rating);
    for (guint i = 0; i < n_players; i++)
      drawn[(gsize) i * n_bootstrap + round] = rating[i];
  }

  rate (duels, n_duels, n_players, wins, rating);
  for (guint i = 0; i < n_players; i++) {
    out[i] = (QuernRating) { rating[i], rating[i], rating[i] };
    if (n_bootstrap == 0 || n_duels == 0)
      continue;
    double *own = drawn + (gsize) i * n_bootstrap;
    g_sort_array (own, n_bootstrap, sizeof *own, compare_doubles, NULL);
    out[i].low = own[(guint) (0.025 * (n_bootstrap - 1))];
    out[i].high = own[(guint) (0.975 * (n_bootstrap - 1))];
  }
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/**
 * quern_block_mean:
 *
 * Returns: the mean of all values of all blocks; 0 if there are none
 */
double
quern_block_mean (const QuernBlock *blocks, gsize n_blocks)
{
  double sum = 0, n = 0;

  for (gsize b = 0; b < n_blocks; b++) {
    sum += blocks[b].sum;
    n += (double) blocks[b].n;
  }
  return n > 0 ? sum / n : 0;
}

/**
 * quern_block_error:
 *
 * The standard error of quern_block_mean() where values of one block resemble each other, but blocks do not: that of a
 * ratio of two sums over m blocks, m / (m - 1) sum (S_b - n_b mean)², divided by the number of values. With m blocks it has
 * m - 1 degrees of freedom.
 *
 * Returns: 0 for fewer than two blocks
 */
double
quern_block_error (const QuernBlock *blocks, gsize n_blocks)
{
  double mean = quern_block_mean (blocks, n_blocks), squares = 0, n = 0;

  if (n_blocks < 2)
    return 0;
  for (gsize b = 0; b < n_blocks; b++) {
    double off = blocks[b].sum - (double) blocks[b].n * mean;
    squares += off * off;
    n += (double) blocks[b].n;
  }
  return n > 0 ? sqrt ((double) n_blocks / (double) (n_blocks - 1) * squares) / n : 0;
}

/**
 * quern_student_quantile:
 * @degrees: degrees of freedom, at least 1
 *
 * Exact for 1 and 2; from 3 on Fisher's expansion about the normal distribution, which is off by less than 0.004 at 3 and
 * by less than 0.001 from 4 on.
 *
 * Returns: how many standard errors a two-sided 95 % interval reaches to each side
 */
double
quern_student_quantile (guint degrees)
{
  const double z = Z95, z2 = z * z, v = degrees;

  if (degrees <= 1)
    return tan (0.475 * G_PI);
  if (degrees == 2)
    return 0.95 * sqrt (2 / (1 - 0.95 * 0.95));
  return z
         * (1 + (z2 + 1) / (4 * v) + ((5 * z2 + 16) * z2 + 3) / (96 * v * v)
            + (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * v * v * v)
            + ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * v * v * v * v));
}
