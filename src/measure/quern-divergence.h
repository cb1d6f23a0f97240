/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-candidates.h"

G_BEGIN_DECLS

/* Computes how far a model's next-token distribution Q is from the reference's P at one position of a text, and sums
 * over a text. Uses natural logarithms, the full vocabulary and double precision; the definitions are those of
 * llama.cpp's perplexity tool. */

#define QUERN_DIVERGENCE_TOP 5

typedef struct {
  gint32 token;                                       /* the token that the text has at this position */
  double nll_reference;                               /* -ln P(token) */
  double nll;                                         /* -ln Q(token) */
  double kld;                                         /* sum over v of P(v) (ln P(v) - ln Q(v)) */
  double delta_p;                                     /* Q(token) - P(token) */
  gboolean same_top;                                  /* both have the same most probable token */
  QuernCandidate top_reference[QUERN_DIVERGENCE_TOP]; /* most probable first; id -1 if the vocabulary is smaller */
  QuernCandidate top[QUERN_DIVERGENCE_TOP];
} QuernDivergence;

gboolean quern_divergence_compute (const float *reference, const float *logits, gsize n_vocab, gint32 token,
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

typedef struct {
  guint64 n; /* number of scored positions */
  double kld_mean, kld_error, kld_median, kld_p99, kld_max;
  double same_top, same_top_error; /* shares of positions, 0 to 1 */
  double delta_p_mean, delta_p_rms, delta_p_rms_error;
  double perplexity, perplexity_error;
  double perplexity_reference;
  double delta_ln_ppl, delta_ln_ppl_error; /* paired: the error takes the covariance into account */
} QuernDivergenceSummary;

QuernDivergenceSum *quern_divergence_sum_new (void);
void quern_divergence_sum_free (QuernDivergenceSum *self);
void quern_divergence_sum_add (QuernDivergenceSum *self, const QuernDivergence *divergence);
void quern_divergence_sum_summary (const QuernDivergenceSum *self, QuernDivergenceSummary *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernDivergenceSum, quern_divergence_sum_free)

G_END_DECLS
