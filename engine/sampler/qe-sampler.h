/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* From now on pick t is tokens[t] for t < n, but each pick costs as much as choosing from the logits. Measurements use
 * it to let a model of random weights write the text of a trained one. The tokens are borrowed. */
void qe_sampler_follow (QeSampler *sampler, const int32_t *tokens, size_t n);

/* Returns how many of these tokens, one after the other, the sampler's grammar admits; all without one. Where the grammar
 * begins to hold behind one of them, the rest is not looked at and does not count. */
size_t qe_sampler_admits (const QeSampler *sampler, const int32_t *tokens, size_t n);

/* ---- logits that are only near what they should be (model/qe-head-sketch.h) ---------------------------------------- */

#define QE_ROUGH_GROUP 64

typedef struct {
  float *logits;        /* [n_vocab] */
  const float *margins; /* [n_vocab / QE_ROUGH_GROUP]: no logit of the group is wrong by more */
  /* Replaces the logits of some tokens by the right ones. Returns false if one was off by more than its margin, because
   * the margins cannot be trusted then. */
  bool (*refine) (void *data, const int32_t *tokens, size_t n);
  void *data;
} QeRoughLogits;

/* Returns whether only a few logits matter to this sampler. */
bool qe_sampler_wants_few (const QeSampler *sampler);
/* Refines as many logits as are needed to pick what qe_sampler_pick() would pick from the right ones. Returns false if
 * it would need all of them. */
bool qe_sampler_pick_rough (QeSampler *sampler, const QeRoughLogits *rough, size_t n_vocab, const uint8_t *allowed,
                            int32_t *token);
