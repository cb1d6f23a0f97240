/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"

#include "sampler/qe-sampler.h"

static const QeSamplerParams plain = { .temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = 7 };

static QeSampler *
sampler (QeSamplerParams params)
{
  QeSampler *s = NULL;
  QeError err;
  QE_CHECK_OK (qe_sampler_new (&s, &params, &err), err);
  return s;
}

/* Draws `rounds` times from n logits and counts what came. Nothing is penalised: the tokens accepted are past n. */
static void
count_draws (QeSamplerParams params, const float *logits, size_t n, const uint8_t *allowed, unsigned *counts,
             int rounds)
{
  QeSampler *s = sampler (params);
  memset (counts, 0, n * sizeof *counts);
  for (int i = 0; i < rounds; i++) {
    int32_t id = qe_sampler_pick (s, logits, n, allowed);
    QE_CHECK (id >= 0 && (size_t) id < n);
    if (id >= 0 && (size_t) id < n)
      counts[id]++;
    qe_sampler_accept (s, (int32_t) n);
  }
  qe_sampler_free (s);
}

/* Shares of the draws are those of the distribution, within five standard deviations. */
static void
check_shares (QeSamplerParams params, const float *logits, size_t n, const double *want)
{
  enum { ROUNDS = 8000 };
  unsigned counts[16];
  count_draws (params, logits, n, NULL, counts, ROUNDS);
  for (size_t i = 0; i < n; i++) {
    double deviation = sqrt (ROUNDS * want[i] * (1 - want[i]));
    QE_CHECK_FLOAT (counts[i], ROUNDS * want[i], 5 * deviation);
  }
}

static const float four[4] = { 0, 1.0986123f, 0.6931472f, -0.6931472f }; /* weights 1, 3, 2, 0.5 */

QE_TEST (temperature)
{
  QeSamplerParams p = plain;
  check_shares (p, four, 4, (double[]) { 1 / 6.5, 3 / 6.5, 2 / 6.5, .5 / 6.5 });
  p.temperature = 0.5f; /* squares the weights */
  check_shares (p, four, 4, (double[]) { 1 / 14.25, 9 / 14.25, 4 / 14.25, .25 / 14.25 });
}

QE_TEST (top_k)
{
  QeSamplerParams p = plain;
  p.top_k = 2;
  check_shares (p, four, 4, (double[]) { 0, 3 / 5., 2 / 5., 0 });
  p.top_k = 1;
  check_shares (p, four, 4, (double[]) { 0, 1, 0, 0 });
  p.top_k = 100;
  check_shares (p, four, 4, (double[]) { 1 / 6.5, 3 / 6.5, 2 / 6.5, .5 / 6.5 });
  /* of equal logits the first ids stay */
  p.top_k = 3;
  check_shares (p, (float[]) { 1, 1, 1, 1, 1 }, 5, (double[]) { 1 / 3., 1 / 3., 1 / 3., 0, 0 });
}

QE_TEST (top_p)
{
  QeSamplerParams p = plain;
  p.top_p = 0.75f; /* 3 + 2 of 6.5 is 0.769 */
  check_shares (p, four, 4, (double[]) { 0, 3 / 5., 2 / 5., 0 });
  p.top_p = 0.78f;
  check_shares (p, four, 4, (double[]) { 1 / 6., 3 / 6., 2 / 6., 0 });
  p.top_p = 1e-6f;
  check_shares (p, four, 4, (double[]) { 0, 1, 0, 0 });
  /* after top-k its share is of what top-k left: 3 of 5 */
  p.top_p = 0.59f;
  p.top_k = 2;
  check_shares (p, four, 4, (double[]) { 0, 1, 0, 0 });
}

QE_TEST (min_p)
{
  QeSamplerParams p = plain;
  p.min_p = 0.5f; /* of the best, 3: keeps 3 and 2 */
  check_shares (p, four, 4, (double[]) { 0, 3 / 5., 2 / 5., 0 });
  p.top_k = 4;
  check_shares (p, four, 4, (double[]) { 0, 3 / 5., 2 / 5., 0 });
  p.min_p = 1;
  check_shares (p, four, 4, (double[]) { 0, 1, 0, 0 });
}

/* A wide nucleus, larger than the first selection looks at. */
QE_TEST (wide_nucleus)
{
  enum { N = 5000 };
  static float logits[N];
  QeSamplerParams p = plain;
  p.top_p = 0.5f;
  QeSampler *s = sampler (p);
  for (int i = 0; i < N; i++)
    logits[i] = (float) -i * 1e-4f;
  int beyond = 0;
  for (int i = 0; i < 600; i++) {
    int32_t id = qe_sampler_pick (s, logits, N, NULL);
    QE_CHECK_INT (id, <, 2300); /* half of the mass ends at 2190 */
    beyond += id > 1500;
    qe_sampler_accept (s, N);
  }
  QE_CHECK_INT (beyond, >, 0);
  qe_sampler_free (s);
}

QE_TEST (greedy)
{
  QeSamplerParams p = plain;
  p.temperature = 0;
  QeSampler *s = sampler (p);
  QE_CHECK_INT (qe_sampler_pick (s, four, 4, NULL), ==, 1);
  QE_CHECK_INT (qe_sampler_pick (s, (float[]) { 2, 5, 5 }, 3, NULL), ==, 1);
  QE_CHECK_INT (qe_sampler_pick (s, four, 4, (uint8_t[]) { 1, 0, 1, 1 }), ==, 2);
  qe_sampler_free (s);
}

QE_TEST (penalties)
{
  QeSamplerParams p = plain;
  p.temperature = 0;
  p.presence_penalty = 1.5f;
  QeSampler *s = sampler (p);
  const float logits[3] = { 3, 2, -1 };
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 0);
  qe_sampler_accept (s, 0);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 1);
  qe_sampler_accept (s, 0); /* counted once only: 1.5 against 0.5 */
  qe_sampler_accept (s, 1);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 0);
  qe_sampler_reset (s);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 0);
  qe_sampler_free (s);
  p.presence_penalty = 0;
  p.repetition_penalty = 2;
  s = sampler (p);
  qe_sampler_accept (s, 0);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 1);                  /* 1.5 against 2 */
  QE_CHECK_INT (qe_sampler_pick (s, (float[]) { -1, -1.5f }, 2, NULL), ==, 1); /* -2 against -1.5 */
  qe_sampler_free (s);
}

QE_TEST (frequency)
{
  QeSamplerParams p = plain;
  p.temperature = 0;
  p.frequency_penalty = 0.5f;
  QeSampler *s = sampler (p);
  const float logits[3] = { 3, 2, -1 };
  qe_sampler_accept (s, 0);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 0); /* 2.5 against 2 */
  qe_sampler_accept (s, 0);
  qe_sampler_accept (s, 0); /* counted each time: 1.5 against 2 */
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 1);
  qe_sampler_reset (s);
  qe_sampler_accept (s, 0);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 0);
  qe_sampler_free (s);
}

QE_TEST (biases)
{
  const QeLogitBias biases[] = { { 1, -100 }, { 2, 2 }, { 2, 1 }, { -1, 5 }, { 77, 5 } };
  QeSamplerParams p = plain;
  p.biases = biases;
  p.n_biases = 5;
  check_shares (p, four, 3, (double[]) { 1 / (1 + 2 * exp (3)), 0, 2 * exp (3) / (1 + 2 * exp (3)) });
  p.top_k = 1; /* they count before anything is cut */
  check_shares (p, four, 3, (double[]) { 0, 0, 1 });
  p.temperature = 0;
  QeSampler *s = sampler (p);
  QE_CHECK_INT (qe_sampler_pick (s, four, 4, NULL), ==, 2);
  QE_CHECK (!qe_sampler_wants_few (s)); /* rough logits would not do */
  qe_sampler_free (s);
}

/* Draw t is a matter of seed and t alone: not of earlier logits, of tokens accepted, or of how often one looks. */
QE_TEST (draws_are_counted)
{
  enum { N = 64 };
  float flat[N] = { 0 };
  QeSamplerParams p = plain;
  QeSampler *a = sampler (p), *b = sampler (p);
  int32_t first[32];
  int same_as_other_seed = 0;
  for (int t = 0; t < 32; t++) {
    first[t] = qe_sampler_pick (a, flat, N, NULL);
    QE_CHECK_INT (qe_sampler_pick (a, flat, N, NULL), ==, first[t]);
    qe_sampler_accept (a, first[t]);
    if (t % 3 == 0)
      QE_CHECK_INT (qe_sampler_pick (b, flat, N, NULL), ==, first[t]);
    qe_sampler_accept (b, N + t);
  }
  qe_sampler_reset (a);
  QE_CHECK_INT (qe_sampler_pick (a, flat, N, NULL), ==, first[0]);
  p.seed = 8;
  QeSampler *c = sampler (p);
  for (int t = 0; t < 32; t++) {
    same_as_other_seed += qe_sampler_pick (c, flat, N, NULL) == first[t];
    qe_sampler_accept (c, N);
  }
  QE_CHECK_INT (same_as_other_seed, <, 8);
  qe_sampler_free (a);
  qe_sampler_free (b);
  qe_sampler_free (c);
}

/* The stream is part of what a conversation stores with its seed: it must never change. */
QE_TEST (stream_is_fixed)
{
  static const int32_t want[8] = { 781, 23, 477, 610, 804, 392, 53, 930 };
  float flat[1000] = { 0 };
  QeSampler *s = sampler (plain);
  for (int t = 0; t < 8; t++) {
    QE_CHECK_INT (qe_sampler_pick (s, flat, 1000, NULL), ==, want[t]);
    qe_sampler_accept (s, 1000);
  }
  qe_sampler_free (s);
}

/* Candidates that filters drop or keep with hardly any weight do not shift the draw of the others. */
QE_TEST (equal_distributions_give_equal_picks)
{
  enum { N = 3000 };
  static float logits[N];
  QeSamplerParams all = plain, k = plain, nucleus = plain;
  k.top_k = 40;
  nucleus.top_p = 0.999999f;
  QeSampler *a = sampler (all), *b = sampler (k), *c = sampler (nucleus);
  uint64_t state = 1;
  for (int t = 0; t < 300; t++) {
    for (int i = 0; i < N; i++)
      logits[i] = i % 100 == 0 ? 4 * qe_test_random_float (&state) : -60 - (float) (i % 7);
    int32_t id = qe_sampler_pick (a, logits, N, NULL);
    QE_CHECK_INT (qe_sampler_pick (b, logits, N, NULL), ==, id);
    QE_CHECK_INT (qe_sampler_pick (c, logits, N, NULL), ==, id);
    qe_sampler_accept (a, N), qe_sampler_accept (b, N), qe_sampler_accept (c, N);
  }
  qe_sampler_free (a), qe_sampler_free (b), qe_sampler_free (c);
}

QE_TEST (forbidden_and_not_finite)
{
  unsigned counts[5];
  const float logits[5] = { 1, NAN, INFINITY, 2, -INFINITY };
  const uint8_t allowed[5] = { 1, 1, 1, 0, 1 };
  QeSamplerParams p = plain;
  for (p.top_k = 0; p.top_k < 4; p.top_k++) {
    count_draws (p, logits, 5, NULL, counts, 500);
    QE_CHECK_INT (counts[1] + counts[2] + counts[4], ==, 0);
    count_draws (p, logits, 5, allowed, counts, 500);
    QE_CHECK_INT (counts[0], ==, 500);
  }
  QeSampler *s = sampler (plain);
  QE_CHECK_INT (qe_sampler_pick (s, logits + 1, 2, NULL), ==, -1);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 5, (uint8_t[5]) { 0 }), ==, -1);
  QE_CHECK_INT (qe_sampler_pick (s, logits, 0, NULL), ==, -1);
  QE_CHECK_INT (qe_sampler_pick (s, (float[]) { 3e38f, -3e38f }, 2, NULL), ==, 0);
  qe_sampler_free (s);
}

QE_TEST (bad_parameters)
{
  const QeSamplerParams bad[] = {
    { .temperature = -1, .top_p = 1, .repetition_penalty = 1 },
    { .temperature = NAN, .top_p = 1, .repetition_penalty = 1 },
    { .temperature = 1, .top_p = 0, .repetition_penalty = 1 },
    { .temperature = 1, .top_p = 1.1f, .repetition_penalty = 1 },
    { .temperature = 1, .top_p = 1, .min_p = 2, .repetition_penalty = 1 },
    { .temperature = 1, .top_p = 1 },
    { .temperature = 1, .top_p = 1, .repetition_penalty = 1, .presence_penalty = INFINITY },
    { .temperature = 1, .top_p = 1, .repetition_penalty = 1, .frequency_penalty = NAN },
    { .temperature = 1, .top_p = 1, .repetition_penalty = 1, .biases = &(QeLogitBias) { 0, NAN }, .n_biases = 1 },
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    QeSampler *s;
    QeError err = { 0 };
    QE_CHECK_INT (qe_sampler_new (&s, &bad[i], &err), ==, QE_ERROR_ARGUMENT);
    QE_CHECK (s == NULL && strstr (err.message, " must be "));
  }
}

/* By size and mode, whatever the template does by default. */
QE_TEST (defaults_of_the_family)
{
  static const struct {
    uint32_t n_embd, n_experts;
    bool small;
  } models[] = {
    { 1024, 0, true }, { 2048, 0, true }, { 2560, 0, false }, { 2048, 256, false }, { 5120, 0, false }, { 0, 0, false },
  };
  for (size_t m = 0; m < sizeof models / sizeof *models; m++)
    for (int i = 0; i < 8; i++) {
      const bool thinking = i & 1, pictures = i & 2, small = models[m].small;
      const QeModelInfo info = { .n_embd = models[m].n_embd,
                                 .n_experts = models[m].n_experts,
                                 .thinking_default = i & 4 };
      QeSamplerParams p;
      qe_sampler_defaults (&info, thinking, pictures, &p);
      qe_sampler_free (sampler (p)); /* valid */
      QE_CHECK_INT (p.top_k, ==, 20);
      QE_CHECK_FLOAT (p.temperature, thinking ? (small && pictures ? 0.6 : 1) : small && !pictures ? 1 : 0.7, 1e-6);
      QE_CHECK_FLOAT (p.top_p, thinking ? 0.95 : small && !pictures ? 1 : 0.8, 1e-6);
      QE_CHECK_FLOAT (p.presence_penalty,
                      small && !thinking && !pictures ? 2
                      : small && thinking && pictures ? 0
                                                      : 1.5,
                      1e-6);
    }
}

/* What the file says comes first, value by value, 0 too. */
QE_TEST (defaults_of_the_file)
{
  QeModelInfo info = { .n_embd = 4096,
                       .sampling = { .has_temperature = true,
                                     .temperature = 0.6f,
                                     .has_top_p = true,
                                     .top_p = 0.5f,
                                     .has_top_k = true,
                                     .top_k = 0 } };
  QeSamplerParams p;
  qe_sampler_defaults (&info, false, false, &p);
  QE_CHECK_FLOAT (p.temperature, 0.6, 1e-6);
  QE_CHECK_FLOAT (p.top_p, 0.5, 1e-6);
  QE_CHECK_INT (p.top_k, ==, 0);
  QE_CHECK_FLOAT (p.presence_penalty, 1.5, 1e-6); /* not given: the family's */
  info.sampling = (QeFileSampling) { .has_min_p = true,
                                     .min_p = 0.05f,
                                     .has_presence_penalty = true,
                                     .has_repetition_penalty = true,
                                     .repetition_penalty = 1.05f };
  qe_sampler_defaults (&info, true, false, &p);
  QE_CHECK_FLOAT (p.temperature, 1, 0);
  QE_CHECK_FLOAT (p.min_p, 0.05, 1e-6);
  QE_CHECK_FLOAT (p.presence_penalty, 0, 0);
  QE_CHECK_FLOAT (p.repetition_penalty, 1.05, 1e-6);
}

QE_TEST (follows_a_given_text)
{
  const float logits[3] = { 0, 50, 0 };
  const int32_t text[] = { 2, 0 };
  QeSampler *s = sampler (plain);
  qe_sampler_follow (s, text, 2);
  for (int i = 0; i < 2; i++) {
    QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, text[i]);
    QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, text[i]); /* until it is accepted */
    qe_sampler_accept (s, text[i]);
  }
  QE_CHECK_INT (qe_sampler_pick (s, logits, 3, NULL), ==, 1);
  qe_sampler_free (s);
}
