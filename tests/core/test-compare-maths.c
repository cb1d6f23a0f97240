/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers of a comparison, against values worked out by hand. */
#include "quern-diff.h"
#include "quern-divergence.h"
#include "quern-statistics.h"

#include <math.h>
#include <string.h>

static void
assert_near (double value, double expected, double tolerance)
{
  g_assert_cmpfloat (value, >=, expected - tolerance);
  g_assert_cmpfloat (value, <=, expected + tolerance);
}

/* P = (1/2, 1/4, 1/8, 1/8), Q = (1/4, 1/4, 1/4, 1/4): KLD = 1/2 ln 2 + 0 - 2 (1/8 ln 2) = 1/4 ln 2. */
static void
test_divergence (void)
{
  const float p[] = { logf (4) + 3, logf (2) + 3, 3, 3 }, q[] = { -7, -7, -7, -7 };
  QuernDivergence d;
  g_assert_true (quern_divergence_compute (p, q, 4, 1, 0, &d));
  assert_near (d.kld, 0.25 * G_LN2, 1e-6);
  assert_near (d.nll_reference, 2 * G_LN2, 1e-6);
  assert_near (d.nll, 2 * G_LN2, 1e-6);
  assert_near (d.delta_p, 0, 1e-6);
  g_assert_true (d.same_top); /* among equals the lowest id is the first choice */
  g_assert_cmpint (d.top_reference[1].id, ==, 1);
  assert_near (d.top_reference[1].p, 0.25, 1e-6);
  g_assert_cmpint (d.top[4].id, ==, -1);

  g_assert_true (quern_divergence_compute (q, p, 4, 3, 0, &d)); /* 1/4 (-ln 2 + 0 + ln 2 + ln 2) */
  assert_near (d.kld, 0.25 * G_LN2, 1e-6);
  assert_near (d.delta_p, -0.125, 1e-6);
}

static void
test_same_is_zero (void)
{
  float logits[1000];
  for (int i = 0; i < 1000; i++)
    logits[i] = 13 * sinf ((float) i);
  QuernDivergence d;
  g_assert_true (quern_divergence_compute (logits, logits, 1000, 17, 0, &d));
  g_assert_true (d.kld == 0 && d.delta_p == 0 && d.same_top);
}

static void
test_not_finite (void)
{
  const float good[] = { 1, 2 }, nan[] = { 1, NAN }, inf[] = { INFINITY, 0 };
  QuernDivergence d;
  g_assert_false (quern_divergence_compute (good, nan, 2, 0, 0, &d));
  g_assert_false (quern_divergence_compute (inf, good, 2, 0, 0, &d));
}

static void
test_top (void)
{
  const float logits[] = { 0, 5, 2, 5, 9, 1, 3 };
  QuernCandidate top[4];
  quern_top_candidates (logits, G_N_ELEMENTS (logits), quern_log_sum_exp (logits, G_N_ELEMENTS (logits)), top, 4);
  g_assert_cmpint (top[0].id, ==, 4);
  g_assert_cmpint (top[1].id, ==, 1);
  g_assert_cmpint (top[2].id, ==, 3);
  g_assert_cmpint (top[3].id, ==, 6);
}

/* Three positions with KLD 0, 1, 5: mean 2, E[k²] = 26/3, error = sqrt ((26/3 - 4) / 2) = sqrt (7/3). */
static void
test_summary (void)
{
  g_autoptr (QuernDivergenceSum) sum = quern_divergence_sum_new ();
  const QuernDivergence positions[] = {
    { .kld = 0, .nll = 1, .nll_reference = 1, .delta_p = 0.3, .same_top = TRUE },
    { .kld = 1, .nll = 3, .nll_reference = 2, .delta_p = -0.4, .same_top = TRUE },
    { .kld = 5, .nll = 2, .nll_reference = 0, .delta_p = 0, .same_top = FALSE },
  };
  QuernDivergenceSummary s;
  quern_divergence_sum_summary (sum, &s);
  g_assert_cmpuint (s.n, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (positions); i++)
    quern_divergence_sum_add (sum, &positions[i]);
  quern_divergence_sum_summary (sum, &s);
  g_assert_cmpuint (s.n, ==, 3);
  assert_near (s.kld_mean, 2, 1e-12);
  assert_near (s.kld_error, sqrt (7.0 / 3), 1e-12);
  assert_near (s.kld_median, 1, 1e-12);
  assert_near (s.kld_p99, 1 + 4 * 0.98, 1e-12);
  assert_near (s.same_top, 2.0 / 3, 1e-12);
  assert_near (s.same_top_error, sqrt (2.0 / 9 / 2), 1e-12);
  assert_near (s.delta_p_rms, sqrt (0.25 / 3), 1e-12);
  assert_near (s.perplexity, exp (2), 1e-9);
  assert_near (s.perplexity_reference, exp (1), 1e-9);
  assert_near (s.delta_ln_ppl, 1, 1e-12);
  assert_near (s.delta_ln_ppl_error, sqrt (2.0 / 3 / 2), 1e-12); /* of the differences 0, 1, 2 */
}

/* The same three positions: NLLs 1, 3, 2 and 1, 2, 0 have covariance 1/3 and standard deviations sqrt (2/3) each. */
static void
test_summary_whole (void)
{
  g_autoptr (QuernDivergenceSum) sum = quern_divergence_sum_new ();
  const QuernDivergence positions[] = {
    { .kld = 0, .nll = 1, .nll_reference = 1, .delta_p = 0.3, .kld_top = 0.1 },
    { .kld = 1, .nll = 3, .nll_reference = 2, .delta_p = -0.4, .kld_top = 0.2 },
    { .kld = 5, .nll = 2, .nll_reference = 0, .delta_p = 0, .kld_top = 0.6 },
  };
  QuernDivergenceSummary s;

  for (gsize i = 0; i < G_N_ELEMENTS (positions); i++) {
    quern_divergence_sum_add (sum, &positions[i]);
    quern_divergence_sum_summary (sum, &s); /* asked for after each, the order has to stay right */
  }
  assert_near (s.kld_min, 0, 0);
  assert_near (s.kld_p001, 0.002, 1e-12);
  assert_near (s.kld_p10, 0.2, 1e-12);
  assert_near (s.kld_p90, 1 + 4 * 0.8, 1e-12);
  assert_near (s.kld_p999, 1 + 4 * 0.998, 1e-12);
  assert_near (s.kld_max, 5, 0);
  assert_near (s.kld_top_mean, 0.3, 1e-12);
  assert_near (s.delta_p_min, -0.4, 0);
  assert_near (s.delta_p_p25, -0.2, 1e-12);
  assert_near (s.delta_p_median, 0, 0);
  assert_near (s.delta_p_max, 0.3, 0);
  assert_near (s.delta_p_mean, -0.1 / 3, 1e-12);
  assert_near (s.correlation, 0.5, 1e-12);
  assert_near (s.ppl_ratio, exp (1), 1e-12);
  assert_near (s.ppl_ratio_error, exp (1) * sqrt (2.0 / 3 / 2), 1e-12);
  assert_near (s.ppl_difference, exp (2) - exp (1), 1e-12);
  /* variance of e² NLL - e NLL of the reference: 2/3 e⁴ + 2/3 e² - 2/3 e³, over n - 1 */
  assert_near (s.ppl_difference_error, sqrt ((exp (4) + exp (2) - exp (3)) / 3), 1e-9);
  /* one window of three positions is one block, so the errors by block are the others */
  g_assert_cmpuint (s.n_blocks, ==, 1);
  assert_near (s.kld_block_error, s.kld_error, 0);
}

/* Three windows of two positions: sums 1, 3 and 5, of means 0.5, 1.5, 2.5. The mean is 1.5, the offsets are -2, 0, 2. */
static void
test_blocks (void)
{
  const QuernBlock blocks[] = { { 2, 1 }, { 2, 3 }, { 2, 5 } };

  assert_near (quern_block_mean (blocks, 3), 1.5, 1e-12);
  assert_near (quern_block_error (blocks, 3), sqrt (1.5 * 8) / 6, 1e-12);
  g_assert_true (quern_block_error (blocks, 1) == 0);
  assert_near (quern_student_quantile (1), 12.7062, 1e-4);
  assert_near (quern_student_quantile (2), 4.3027, 1e-4);
  assert_near (quern_student_quantile (5), 2.5706, 1e-3);
  assert_near (quern_student_quantile (30), 2.0423, 1e-4);
}

/* ---- coverage --------------------------------------------------------------------------------------------------- */

#define EXPERIMENTS 2000

static double
normal (GRand *random)
{
  return sqrt (-2 * log (1 - g_rand_double (random))) * cos (2 * G_PI * g_rand_double (random));
}

/* A text of windows whose positions resemble their neighbours (a step keeps 0.8 of the last) and all others of their window
 * (each window is harder or easier as a whole). KLD is the square of that: never below 0, and skewed as divergences are. */
typedef struct {
  guint n_windows, n_rows;
  double of_window; /* standard deviation of what a window has of its own */
} Text;

static void
simulate (GRand *random, const Text *text, QuernDivergenceSum *a, QuernDivergenceSum *b)
{
  double wave = normal (random);

  for (guint w = 0; w < text->n_windows; w++) {
    const double own = text->of_window * normal (random);
    for (guint i = 0; i < text->n_rows; i++) {
      wave = 0.8 * wave + 0.6 * normal (random);
      const double hard = 1 + 0.3 * wave + own;
      /* Of the other model half is shared with the first, as of two quantisations of one model. */
      const double other = 1 + 0.3 * (wave + normal (random)) / sqrt (2) + own;
      quern_divergence_sum_add (a, &(QuernDivergence) { .kld = hard * hard, .window = w });
      quern_divergence_sum_add (b, &(QuernDivergence) { .kld = other * other, .window = w });
    }
  }
}

/* How often 95 % intervals hold the true value: those by block should 95 times of 100. Those that take positions for
 * independent are far from it. */
static void
check_coverage (const Text *text, double most_by_position)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (24);
  const double truth = 1 + 0.09 + text->of_window * text->of_window;
  guint by_block = 0, by_position = 0, paired = 0;

  for (guint k = 0; k < EXPERIMENTS; k++) {
    g_autoptr (QuernDivergenceSum) a = quern_divergence_sum_new ();
    g_autoptr (QuernDivergenceSum) b = quern_divergence_sum_new ();
    QuernDivergenceSummary s;
    double error, quantile;
    simulate (random, text, a, b);
    quern_divergence_sum_summary (a, &s);
    by_block += fabs (s.kld_mean - truth) <= s.block_quantile * s.kld_block_error ? 1 : 0;
    by_position += fabs (s.kld_mean - truth) <= 1.96 * s.kld_error ? 1 : 0;
    paired += fabs (quern_divergence_sum_paired (a, b, &error, &quantile)) <= quantile * error ? 1 : 0;
  }
  g_test_message ("%u windows of %u: by block %.1f %%, by position %.1f %%, paired by block %.1f %%", text->n_windows,
                  text->n_rows, 100.0 * by_block / EXPERIMENTS, 100.0 * by_position / EXPERIMENTS,
                  100.0 * paired / EXPERIMENTS);
  g_assert_cmpfloat (by_block, >=, 0.93 * EXPERIMENTS);
  g_assert_cmpfloat (by_block, <=, 0.97 * EXPERIMENTS);
  g_assert_cmpfloat (paired, >=, 0.93 * EXPERIMENTS);
  g_assert_cmpfloat (paired, <=, 0.97 * EXPERIMENTS);
  g_assert_cmpfloat (by_position, <=, most_by_position * EXPERIMENTS);
}

static void
test_coverage (void)
{
  check_coverage (&(Text) { 60, 64, 0.1 }, 0.6);
}

/* A text that fits into one window is cut into pieces. */
static void
test_coverage_one_window (void)
{
  check_coverage (&(Text) { 1, 1600, 0 }, 0.6);
}

/* P = (0.5, 0.3, 0.1, 0.1), Q = (0.4, 0.4, 0.15, 0.05). Of the two likeliest and the rest: 0.5 ln (5/4) + 0.3 ln (3/4) + 0. */
static void
test_top_divergence (void)
{
  const float p[] = { logf (0.1f), logf (0.5f), logf (0.1f), logf (0.3f) };
  const float q[] = { logf (0.15f), logf (0.4f), logf (0.05f), logf (0.4f) };
  QuernDivergence d;

  g_assert_true (quern_divergence_compute (p, q, 4, 0, 2, &d));
  assert_near (d.kld_top, 0.5 * log (1.25) + 0.3 * log (0.75), 1e-6);
  g_assert_cmpfloat (d.kld_top, <, d.kld);
  g_assert_true (quern_divergence_compute (p, q, 4, 0, 40, &d)); /* more than there are: all of them */
  assert_near (d.kld_top, d.kld, 1e-6);
  g_assert_true (quern_divergence_compute (p, q, 4, 0, 0, &d));
  g_assert_true (isnan (d.kld_top));
}

static void
test_interval (void)
{
  double low, high;
  quern_wilson_interval (7, 9, &low, &high);
  assert_near (low, 0.4526, 1e-4);
  assert_near (high, 0.9368, 1e-4);
  quern_wilson_interval (0, 0, &low, &high);
  g_assert_true (low == 0 && high == 1);
}

static void
test_mcnemar (void)
{
  assert_near (quern_mcnemar_exact (0, 0), 1, 0);
  assert_near (quern_mcnemar_exact (1, 5), 14.0 / 64, 1e-9); /* 2 (1 + 6) / 2^6 */
  assert_near (quern_mcnemar_exact (10, 0), 2.0 / 1024, 1e-9);
}

/* A beats B 3 to 1; with the virtual tie 3.5 to 1.5, odds 7 to 3. */
static void
test_bradley_terry (void)
{
  const QuernDuel duels[] = { { 0, 1, 1 }, { 1, 0, 0 }, { 0, 1, 1 }, { 0, 1, 0 } };
  QuernRating rating[2], again[2];
  quern_bradley_terry (duels, 4, 2, 200, 7, rating);
  assert_near (rating[0].rating - rating[1].rating, 400 * log10 (7.0 / 3), 1e-6);
  assert_near (rating[0].rating + rating[1].rating, 0, 1e-6);
  g_assert_cmpfloat (rating[0].low, <, rating[0].rating);
  g_assert_cmpfloat (rating[0].high, >, rating[0].rating);
  quern_bradley_terry (duels, 4, 2, 200, 7, again);
  g_assert_cmpmem (rating, sizeof rating, again, sizeof again);
}

static void
test_bradley_terry_unbeaten (void)
{
  const QuernDuel duels[] = { { 0, 1, 1 }, { 0, 2, 1 }, { 1, 2, 0.5 } };
  QuernRating rating[3];
  quern_bradley_terry (duels, 3, 3, 50, 1, rating);
  g_assert_true (isfinite (rating[0].rating) && isfinite (rating[0].high));
  g_assert_cmpfloat (rating[0].rating, >, rating[1].rating);
  assert_near (rating[1].rating, rating[2].rating, 1e-6);
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* Pieces as "=same", "-only a", "+only b". */
static char *
describe (const char *a, const char *b)
{
  g_autoptr (GArray) pieces = quern_diff_words (a, b);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pieces->len; i++) {
    const QuernDiffPiece *piece = &g_array_index (pieces, QuernDiffPiece, i);
    g_string_append_c (text, "=-+"[piece->kind]);
    g_string_append_len (text, (piece->kind == QUERN_DIFF_ONLY_B ? b : a) + piece->start, piece->end - piece->start);
    g_string_append_c (text, '|');
  }
  return g_string_free_and_steal (text);
}

static void
test_diff (void)
{
  static const char *const cases[][3] = {
    { "", "", "" },
    { "same", "same", "=same|" },
    { "", "new", "+new|" },
    { "old", "", "-old|" },
    { "The cat sat on the mat.", "The dog sat on a mat.", "=The |-cat|+dog|= sat on |-the|+a|= mat.|" },
    { "a big bad wolf", "a small good wolf", "=a |-big bad|+small good|= wolf|" },
    { "don't stop", "don't go", "=don't |-stop|+go|" },
    { "河边有磨坊", "河边没磨坊", "=河边|-有|+没|=磨坊|" },
    { "one two", "one  two", "=one|- |+  |=two|" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *pieces = describe (cases[i][0], cases[i][1]);
    g_assert_cmpstr (pieces, ==, cases[i][2]);
  }
}

static void
test_diff_count (void)
{
  const char *a = "The cat sat on the mat.", *b = "The dog sat on a mat.";
  g_autoptr (GArray) pieces = quern_diff_words (a, b);
  QuernDiffCount count;

  quern_diff_count (a, b, pieces, &count);
  g_assert_cmpuint (count.changes, ==, 2);
  g_assert_cmpuint (count.only_a, ==, 2);
  g_assert_cmpuint (count.only_b, ==, 2);
  g_assert_cmpuint (count.same, ==, 4);
}

static char *
random_text (GRand *random, guint n)
{
  static const char *const words[] = { "a", "mill", " ", ", ", "\n", "水", "ﬂour", "é", "  " };
  GString *text = g_string_new (NULL);

  while (n-- > 0)
    g_string_append (text, words[g_rand_int_range (random, 0, G_N_ELEMENTS (words))]);
  return g_string_free_and_steal (text);
}

/* Whatever the texts, either can be put together again from the pieces; far apart ones end early, but whole. */
static void
test_diff_whole (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (guint i = 0; i < 60; i++) {
    g_autofree char *a = random_text (random, i * i), *b = random_text (random, i * i);
    g_autoptr (GArray) pieces = quern_diff_words (a, b);
    g_autoptr (GString) again_a = g_string_new (NULL), again_b = g_string_new (NULL);
    for (guint j = 0; j < pieces->len; j++) {
      const QuernDiffPiece *piece = &g_array_index (pieces, QuernDiffPiece, j);
      const char *text = piece->kind == QUERN_DIFF_ONLY_B ? b : a;
      if (piece->kind != QUERN_DIFF_ONLY_B)
        g_string_append_len (again_a, text + piece->start, piece->end - piece->start);
      if (piece->kind != QUERN_DIFF_ONLY_A)
        g_string_append_len (again_b, text + piece->start, piece->end - piece->start);
    }
    g_assert_cmpstr (again_a->str, ==, a);
    g_assert_cmpstr (again_b->str, ==, b);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/divergence/by-hand", test_divergence);
  g_test_add_func ("/divergence/same-is-zero", test_same_is_zero);
  g_test_add_func ("/divergence/not-finite", test_not_finite);
  g_test_add_func ("/divergence/top", test_top);
  g_test_add_func ("/divergence/summary", test_summary);
  g_test_add_func ("/divergence/summary-whole", test_summary_whole);
  g_test_add_func ("/divergence/top-tokens", test_top_divergence);
  g_test_add_func ("/divergence/coverage", test_coverage);
  g_test_add_func ("/divergence/coverage-one-window", test_coverage_one_window);
  g_test_add_func ("/statistics/blocks", test_blocks);
  g_test_add_func ("/statistics/wilson", test_interval);
  g_test_add_func ("/statistics/mcnemar", test_mcnemar);
  g_test_add_func ("/statistics/bradley-terry", test_bradley_terry);
  g_test_add_func ("/statistics/unbeaten", test_bradley_terry_unbeaten);
  g_test_add_func ("/diff/words", test_diff);
  g_test_add_func ("/diff/count", test_diff_count);
  g_test_add_func ("/diff/whole", test_diff_whole);
  return g_test_run ();
}
