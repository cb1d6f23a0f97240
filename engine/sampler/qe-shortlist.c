/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses from rough logits. With top-k only the k best matter. The right logits of those that look best are asked for;
 * the k-th of them is a threshold, and every token that may reach it within its margin is asked for too. All others lie
 * below. Tokens that were accepted before are always asked for, because penalties change their rank. */
#include "sampler/qe-sampler-private.h"

#include <float.h>
#include <stdlib.h>

#define MOST_BEST 256   /* above this top-k, a shortlist is not worth it */
#define SPARE 16        /* extra tokens, because what looks best may not be best */
#define LEAST_SPARED 16 /* if more than one in this many is needed, refining all is as cheap */

typedef struct {
  QeSampler *s;
  const QeRoughLogits *rough;
  size_t n_vocab, n_blocks, k;
  const uint8_t *allowed;
} Choice;

/* Returns how many of the best logits matter; 0 means all. */
static size_t
reach (const QeSampler *s)
{
  if (s->params.n_biases > 0) /* they may lift what looks hopeless */
    return 0;
  if (s->params.temperature == 0)
    return 1;
  return s->params.top_k <= MOST_BEST ? s->params.top_k : 0;
}

bool
qe_sampler_wants_few (const QeSampler *sampler)
{
  return reach (sampler) > 0;
}

static bool
make_room (const Choice *c)
{
  QeSampler *s = c->s;
  const size_t n = c->n_vocab / LEAST_SPARED + c->k + SPARE + 1;
  if (n > s->shortlist_room) {
    int32_t *list = realloc (s->shortlist, n * sizeof *list);
    if (!list)
      return false;
    s->shortlist = list;
    s->shortlist_room = n;
  }
  if (c->n_blocks > s->n_maxima) {
    float *maxima = realloc (s->maxima, c->n_blocks * sizeof *maxima);
    if (!maxima)
      return false;
    s->maxima = maxima;
    s->n_maxima = c->n_blocks;
  }
  return qe_sampler_make_room (s, c->n_vocab);
}

static size_t
block_end (const Choice *c, size_t b)
{
  const size_t end = (b + 1) * QE_SAMPLER_BLOCK;
  return end < c->n_vocab ? end : c->n_vocab;
}

static bool
is_new (const Choice *c, size_t id)
{
  return (!c->allowed || c->allowed[id]) && (id >= c->s->marks || !c->s->counts[id]);
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

/* Offers the right logits of n tokens in the shortlist to the heap. */
static size_t
offer_list (const Choice *c, size_t n, size_t kept)
{
  for (size_t i = 0; i < n; i++) {
    const int32_t id = c->s->shortlist[i];
    kept = qe_sampler_offer (c->s, (QeCandidate) { .logit = c->rough->logits[id], .id = id }, kept, c->k);
  }
  return kept;
}

static size_t
offer_seen (const Choice *c, size_t kept)
{
  QeSampler *s = c->s;
  for (size_t i = 0; i < s->n_seen; i++) {
    const size_t id = (size_t) s->seen[i];
    if (id < c->n_vocab && (!c->allowed || c->allowed[id]))
      kept = qe_sampler_offer (s,
                               (QeCandidate) { .logit = qe_sampler_penalise (s, id, c->rough->logits[id]),
                                               .id = (int32_t) id },
                               kept, c->k);
  }
  return kept;
}

/* Picks from the few tokens that a grammar admits, whose logits are all refined. */
static bool
pick_among (const Choice *c, const QeGrammarMask *few, int32_t *token)
{
  QeSampler *s = c->s;
  size_t kept = 0;
  if (!c->rough->refine (c->rough->data, few->few, few->n_few))
    return false;
  for (size_t i = 0; i < few->n_few; i++) {
    const int32_t id = few->few[i];
    const float logit = c->rough->logits[id];
    if (!c->allowed[id] || !(fabsf (logit) <= FLT_MAX))
      continue;
    const bool is_seen = (size_t) id < s->marks && s->counts[id];
    kept = qe_sampler_offer (s,
                             (QeCandidate) { .logit = is_seen ? qe_sampler_penalise (s, (size_t) id, logit) : logit,
                                             .id = id },
                             kept, c->k);
  }
  qsort (s->candidates, kept, sizeof *s->candidates, qe_sampler_compare_rank);
  *token = qe_sampler_followed (s, qe_sampler_choose (s, kept));
  return true;
}

bool
qe_sampler_pick_rough (QeSampler *sampler, const QeRoughLogits *rough, size_t n_vocab, const uint8_t *allowed,
                       int32_t *token)
{
  QeSampler *s = sampler;
  const QeGrammarMask *few;
  if (!qe_sampler_constrain (s, n_vocab, &allowed, &few))
    return false;
  const Choice c = { s, rough, n_vocab, (n_vocab + QE_SAMPLER_BLOCK - 1) / QE_SAMPLER_BLOCK, reach (s), allowed };
  if (!c.k || !make_room (&c))
    return false;
  if (few)
    return pick_among (&c, few, token);
  for (size_t b = 0; b < c.n_blocks; b++) {
    const size_t start = b * QE_SAMPLER_BLOCK;
    float last[QE_SAMPLER_BLOCK];
    for (size_t i = 0; start + QE_SAMPLER_BLOCK > c.n_vocab && i < QE_SAMPLER_BLOCK; i++)
      last[i] = start + i < c.n_vocab ? c.rough->logits[start + i] : -INFINITY;
    c.s->maxima[b] = qe_sampler_block_maximum (start + QE_SAMPLER_BLOCK > c.n_vocab ? last : c.rough->logits + start);
  }
  size_t n = 0;
  for (size_t i = 0; i < s->n_seen && n < s->shortlist_room; i++)
    if ((size_t) s->seen[i] < n_vocab)
      s->shortlist[n++] = s->seen[i];
  if (n == s->shortlist_room || !rough->refine (rough->data, s->shortlist, n))
    return false;
  /* The tokens that look best among those that were not accepted before are refined. */
  size_t kept = 0;
  for (size_t b = 0; b < c.n_blocks; b++) {
    if (kept == c.k + SPARE && s->maxima[b] <= s->candidates[0].logit)
      continue;
    for (size_t i = b * QE_SAMPLER_BLOCK; i < block_end (&c, b); i++)
      if (is_new (&c, i))
        kept = qe_sampler_offer (s, (QeCandidate) { .logit = rough->logits[i], .id = (int32_t) i }, kept, c.k + SPARE);
  }
  for (size_t i = 0; i < kept; i++)
    s->shortlist[i] = s->candidates[i].id;
  if (kept < c.k + SPARE || !rough->refine (rough->data, s->shortlist, kept))
    return false;
  offer_seen (&c, offer_list (&c, c.k + SPARE, 0));
  /* Further tokens may reach the logit of the heap's root, which ranks last. */
  const float threshold = s->candidates[0].logit;
  n = 0;
  for (size_t b = 0; b < c.n_blocks; b++) {
    const float least = threshold - rough->margins[b];
    if (s->maxima[b] < least)
      continue;
    for (size_t i = b * QE_SAMPLER_BLOCK; i < block_end (&c, b) && n < s->shortlist_room; i++)
      if (rough->logits[i] >= least && is_new (&c, i))
        s->shortlist[n++] = (int32_t) i;
  }
  if (n == s->shortlist_room || !rough->refine (rough->data, s->shortlist, n))
    return false;
  kept = offer_seen (&c, offer_list (&c, n, 0));
  qsort (s->candidates, kept, sizeof *s->candidates, qe_sampler_compare_rank);
  *token = qe_sampler_followed (s, qe_sampler_choose (s, kept));
  return true;
}
