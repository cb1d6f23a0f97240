/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a model's logits say of the next token. */
typedef struct {
  gint32 id;
  double p;
} QuernCandidate;

/* What a server tells of it: of the likeliest tokens alone. */
typedef struct {
  gint32 id;
  double ln_p;
} QuernLikelihood;

typedef struct {
  const QuernLikelihood *top; /* likeliest first */
  guint n_top;
  double ln_p; /* of the token that the text has there */
} QuernToldRow;

gboolean quern_compare_logits (const float *reference, const float *logits, gsize n, double *log_sum_reference,
                               double *log_sum, double *divergence);
double quern_log_sum_exp (const float *logits, gsize n);
void quern_top_candidates (const float *logits, gsize n, double log_sum_exp, QuernCandidate *out, gsize n_out);

G_END_DECLS
