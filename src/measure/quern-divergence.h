/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-candidates.h"

G_BEGIN_DECLS

/* Computes how far a model's next-token distribution Q is from the reference's P at one position of a text, and sums
 * over a text. Uses natural logarithms, the full vocabulary and double precision; the definitions are those of
 * llama.cpp's perplexity tool. */

#define QUERN_DIVERGENCE_TOP 5
#define QUERN_DIVERGENCE_MOST_TOP 256 /* the largest k of a divergence over k tokens */

typedef struct {
  gint32 token;         /* the token that the text has at this position */
  guint32 window;       /* where it was scored: positions of a window resemble each other */
  double nll_reference; /* -ln P(token) */
  double nll;           /* -ln Q(token) */
  double kld;           /* sum over v of P(v) (ln P(v) - ln Q(v)) */
  double kld_top;       /* the same over the likeliest tokens alone; NaN if nobody asked */
  double delta_p;       /* Q(token) - P(token) */
  gboolean same_top;    /* both have the same most probable token */
  QuernCandidate top_reference[QUERN_DIVERGENCE_TOP]; /* most probable first; id -1 if the vocabulary is smaller */
  QuernCandidate top[QUERN_DIVERGENCE_TOP];
} QuernDivergence;

/* What is known of a model at one position: the logits of the whole vocabulary, or what a server told of it. */
typedef struct {
  const float *logits; /* NULL: see told */
  double log_sum;      /* as quern_log_sum_exp() of the logits */
  QuernToldRow told;
} QuernDivergenceSide;

gboolean quern_divergence_side_init (QuernDivergenceSide *side, const float *logits, gsize n_vocab);
void quern_divergence_compute_top (const QuernDivergenceSide *reference, const QuernDivergenceSide *other,
                                   gsize n_vocab, gint32 token, guint top, QuernDivergence *out);
gboolean quern_divergence_compute (const float *reference, const float *logits, gsize n_vocab, gint32 token, guint top,
                                   QuernDivergence *out);

/* Mean and variance of a growing series, by Welford's method. */
typedef struct {
  guint64 n;
  double mean;
  double m2; /* sum of squared distances from the mean */
} QuernRunning;

void quern_running_add (QuernRunning *running, double value);
double quern_running_standard_error (const QuernRunning *running);

/* Everything measured so far for one model against one reference. */
typedef struct _QuernDivergenceSum QuernDivergenceSum;

/* Means with two standard errors: "error" takes positions for independent, as llama-perplexity does; "block_error" only
 * takes windows for independent, so it is the one to believe: positions of a window resemble each other. The names of
 * percentiles count from the lowest: p001 is 0.1 %, p999 is 99.9 %. */
typedef struct {
  guint64 n;             /* number of scored positions */
  guint n_blocks;        /* what block errors are worked out from: windows, or pieces of them where there are few */
  double block_quantile; /* a 95 % interval reaches this many block errors to each side */

  double kld_mean, kld_error, kld_block_error;
  double kld_min, kld_p001, kld_p01, kld_p05, kld_p10, kld_median, kld_p90, kld_p95, kld_p99, kld_p999, kld_max;
  double kld_p99_block_error, kld_p999_block_error;
  double kld_top_mean, kld_top_error, kld_top_block_error; /* NaN where it was not measured */

  double same_top, same_top_error, same_top_block_error; /* shares of positions, 0 to 1 */

  double delta_p_mean, delta_p_error, delta_p_block_error;
  double delta_p_rms, delta_p_rms_error, delta_p_rms_block_error;
  double delta_p_min, delta_p_p001, delta_p_p01, delta_p_p05, delta_p_p10, delta_p_p25, delta_p_median, delta_p_p75,
      delta_p_p90, delta_p_p95, delta_p_p99, delta_p_p999, delta_p_max;

  double perplexity, perplexity_error, perplexity_block_error;
  double perplexity_reference, perplexity_reference_error, perplexity_reference_block_error;
  double delta_ln_ppl, delta_ln_ppl_error,
      delta_ln_ppl_block_error; /* paired: errors take the covariance into account */
  double ppl_ratio, ppl_ratio_error, ppl_ratio_block_error;
  double ppl_difference, ppl_difference_error, ppl_difference_block_error;
  double correlation; /* of the two models' log likelihoods, -1 to 1; NaN where one of them does not vary */
} QuernDivergenceSummary;

QuernDivergenceSum *quern_divergence_sum_new (void);
void quern_divergence_sum_free (QuernDivergenceSum *self);
void quern_divergence_sum_add (QuernDivergenceSum *self, const QuernDivergence *divergence);
void quern_divergence_sum_summary (QuernDivergenceSum *self, QuernDivergenceSummary *out);
double quern_divergence_sum_paired (const QuernDivergenceSum *a, const QuernDivergenceSum *b, double *error,
                                    double *quantile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernDivergenceSum, quern_divergence_sum_free)

G_END_DECLS
