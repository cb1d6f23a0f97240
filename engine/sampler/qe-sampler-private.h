/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <math.h>
#include <string.h>

#include "sampler/qe-grammar.h"
#include "sampler/qe-sampler.h"

typedef struct {
  float logit; /* after penalties */
  int32_t id;
  double weight; /* exp (logit / temperature), relative to the greatest */
} QeCandidate;

struct QeSampler {
  QeSamplerParams params;
  uint64_t draw;
  QeLogitBias *biases; /* [params.n_biases] */
  int32_t *seen;       /* distinct tokens accepted so far */
  size_t n_seen, seen_capacity;
  uint32_t *counts; /* [marks]: how often each token was accepted */
  size_t marks;
  float *logits;           /* [room]: after penalties */
  QeCandidate *candidates; /* [room] */
  size_t room;
  size_t padded;      /* number of logits of the current pick, rounded up to blocks */
  int32_t *shortlist; /* [shortlist_room] */
  float *maxima;      /* greatest rough logit of each block */
  size_t shortlist_room, n_maxima;
  const int32_t *text; /* [n_text]: tokens to pick whatever the logits are; borrowed */
  size_t n_text;
  QeGrammar *grammar; /* borrowed; NULL: none */
  int32_t after;      /* the token that the grammar waits for; -1: it holds from the beginning */
  bool constrained;   /* the grammar holds */
  uint8_t *mask;      /* [n_mask]: the tokens of grammar_mask that `allowed` allows, for the last pick */
  size_t n_mask;
  uint64_t mask_serial;
  const uint8_t *mask_allowed;
};

/* A vocabulary has a quarter of a million logits, so loops over all of them go by blocks, in a form that compilers
 * vectorise. */
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

/* Returns the logit that a token has that was accepted before. */
static inline float
qe_sampler_penalise (const QeSampler *s, size_t token, float logit)
{
  const float r = s->params.repetition_penalty;
  if (r != 1)
    logit = logit > 0 ? logit / r : logit * r;
  return logit - s->params.presence_penalty - s->params.frequency_penalty * (float) s->counts[token];
}

/* Returns the token that is picked if the choice is this one. */
static inline int32_t
qe_sampler_followed (const QeSampler *s, int32_t token)
{
  return s->draw < s->n_text ? s->text[s->draw] : token;
}

/* Replaces *allowed by a mask of the tokens that the grammar admits too, if one holds. *few are these tokens if they are few,
 * else NULL. Returns false if nothing may be picked. */
bool qe_sampler_constrain (QeSampler *s, size_t n_vocab, const uint8_t **allowed, const QeGrammarMask **few);
void qe_sampler_accept_grammar (QeSampler *s, int32_t token);
bool qe_sampler_make_room (QeSampler *s, size_t n_vocab); /* returns false if out of memory */
/* Offers a candidate to the heap of the k best, which has `kept`. Returns how many it has then. */
size_t qe_sampler_offer (QeSampler *s, QeCandidate c, size_t kept, size_t k);
/* Compares for qsort(): the greater logit comes first, and among equal ones the smaller id. */
int qe_sampler_compare_rank (const void *a, const void *b);
/* Returns the choice. The first candidates are the k best in rank order, or only the best one if greedy. */
int32_t qe_sampler_choose (QeSampler *s, size_t kept);
