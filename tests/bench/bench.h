/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the programs here that run whole models share. */

#include <stdlib.h>
#include <time.h>

#include "qe.h"

static inline double
seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static inline int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Sorts x. */
static inline double
median (double *x, size_t n)
{
  qsort (x, n, sizeof *x, compare);
  return !n ? 0 : n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Tokens that end nothing, in the place of what a model of random weights would say. */
static inline void
make_text (const QeModel *model, int32_t *text, size_t n)
{
  const int32_t n_vocab = (int32_t) qe_model_info (model)->n_vocab;
  int32_t token = 0;
  for (size_t i = 0; i < n; i++) {
    do
      token = (token + 31) % n_vocab;
    while (qe_token_ends_generation (model, token));
    text[i] = token;
  }
}

/* At least n more tokens of what the sampler is to follow. */
static inline QeStatus
step (QeContext *context, QeSampler *sampler, size_t n, QeError *err)
{
  QeStatus status = QE_OK;
  for (size_t done = 0, more; status == QE_OK && done < n; done += more) {
    int32_t tokens[QE_STEP_MAX];
    status = qe_context_step (context, sampler, NULL, tokens, &more, err);
  }
  return status;
}
