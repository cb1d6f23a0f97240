/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* From now on pick t is tokens[t] for t < n, at the cost of choosing from the logits: what a model of random weights would
 * say in the place of a trained one, for measurements. The tokens are borrowed. */
void qe_sampler_follow (QeSampler *sampler, const int32_t *tokens, size_t n);

/* ---- logits that are only near what they should be (model/qe-head-sketch.h) ---------------------------------------- */

#define QE_ROUGH_GROUP 64

typedef struct {
  float *logits;        /* [n_vocab] */
  const float *margins; /* for each QE_ROUGH_GROUP of them: they are no further off than this */
  /* Puts the right ones of some tokens in their place. False if one was so far off that the margins are not to be believed. */
  bool (*refine) (void *data, const int32_t *tokens, size_t n);
  void *data;
} QeRoughLogits;

/* Whether few of the logits matter to this sampler. */
bool qe_sampler_wants_few (const QeSampler *sampler);
/* Refines as many as are needed to pick what qe_sampler_pick() would pick from the right ones. False if it needs all. */
bool qe_sampler_pick_rough (QeSampler *sampler, const QeRoughLogits *rough, size_t n_vocab, const uint8_t *allowed,
                            int32_t *token);
