/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <math.h>
#include <string.h>

#include "sampler/qe-sampler.h"

typedef struct {
  float logit; /* with penalties */
  int32_t id;
  double weight; /* exp of the logit over the temperature, relative to the greatest */
} QeCandidate;

struct QeSampler {
  QeSamplerParams params;
  uint64_t draw;
  int32_t *seen;        /* distinct tokens accepted so far */
  size_t n_seen, seen_capacity;
  uint8_t *is_seen;     /* [marks]: by id */
  size_t marks;
  float *logits;           /* [room]: with penalties */
  QeCandidate *candidates; /* [room] */
  size_t room;
  size_t padded;         /* logits of the current pick, whole blocks */
  int32_t *shortlist;    /* [shortlist_room] */
  float *maxima;         /* of blocks of rough logits */
  size_t shortlist_room, n_maxima;
  const int32_t *text;   /* [n_text]: what is picked, whatever the logits; borrowed */
  size_t n_text;
};

/* A vocabulary is a quarter of a million logits, so the loops over all of them go by blocks, in a form that compilers
 * turn into vector instructions. */
#define QE_SAMPLER_BLOCK QE_ROUGH_GROUP

static inline float
qe_sampler_block_maximum (const float *block)
{
  float lanes[16], best = -INFINITY;
  memcpy (lanes, block, sizeof lanes);
  for (int i = 16; i < QE_SAMPLER_BLOCK; i += 16)
    for (int j = 0; j < 16; j++)
      lanes[j] = block[i + j] > lanes[j] ? block[i + j] : lanes[j];
  for (int j = 0; j < 16; j++)
    best = lanes[j] > best ? lanes[j] : best;
  return best;
}

/* What a token that was accepted before has. */
static inline float
qe_sampler_penalise (const QeSampler *s, float logit)
{
  const float r = s->params.repetition_penalty;
  if (r != 1)
    logit = logit > 0 ? logit / r : logit * r;
  return logit - s->params.presence_penalty;
}

/* What is picked, if the choice is this token. */
static inline int32_t
qe_sampler_followed (const QeSampler *s, int32_t token)
{
  return s->draw < s->n_text ? s->text[s->draw] : token;
}

bool qe_sampler_make_room (QeSampler *s, size_t n_vocab); /* false when out of memory */
/* Offers one to the heap of the best k, `kept` of which there are; how many there are then. */
size_t qe_sampler_offer (QeSampler *s, QeCandidate c, size_t kept, size_t k);
/* For qsort(): the greater logit first, of equals the smaller id. */
int qe_sampler_compare_rank (const void *a, const void *b);
/* The choice when the first candidates are the k best (one, if greedy), in rank order. */
int32_t qe_sampler_choose (QeSampler *s, size_t kept);
