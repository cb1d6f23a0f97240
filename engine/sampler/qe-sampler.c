/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picks a token from logits. The order of the steps is that of transformers, because model cards quote its figures:
 *
 *   bias -> repetition, presence and frequency penalty -> temperature -> top-k -> top-p -> min-p -> draw
 *
 * top-p applies to the distribution that top-k leaves, and min-p is relative to its most probable token. Wherever a cut
 * must be made, equal logits rank by id. Draw number t is a hash of the seed and t. It is looked up in the cumulative
 * distribution in the order of ids, so nothing depends on the order in which candidates were found. */
#include "sampler/qe-sampler-private.h"

#include "qe-error.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------------------------ */

static bool
is_in (float value, float low, float high)
{
  return value >= low && value <= high; /* false for NaN, too */
}

QeStatus
qe_sampler_new (QeSampler **out, const QeSamplerParams *params, QeError *err)
{
  *out = NULL;
  if (!is_in (params->temperature, 0, 100))
    return qe_fail (err, QE_ERROR_ARGUMENT, "The temperature must be between 0 and 100.");
  if (!is_in (params->top_p, 0, 1) || params->top_p == 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "Top-p must be more than 0 and at most 1.");
  if (!is_in (params->min_p, 0, 1))
    return qe_fail (err, QE_ERROR_ARGUMENT, "Min-p must be between 0 and 1.");
  if (!is_in (params->presence_penalty, -100, 100))
    return qe_fail (err, QE_ERROR_ARGUMENT, "The presence penalty must be between -100 and 100.");
  if (!is_in (params->frequency_penalty, -100, 100))
    return qe_fail (err, QE_ERROR_ARGUMENT, "The frequency penalty must be between -100 and 100.");
  if (!is_in (params->repetition_penalty, 0.01f, 100))
    return qe_fail (err, QE_ERROR_ARGUMENT, "The repetition penalty must be between 0.01 and 100.");
  for (size_t i = 0; i < params->n_biases; i++)
    if (!is_in (params->biases[i].bias, -1e6f, 1e6f))
      return qe_fail (err, QE_ERROR_ARGUMENT, "The bias of a token must be a number of at most a million.");
  QeSampler *s = calloc (1, sizeof *s);
  if (!s)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to choose tokens.");
  s->params = *params;
  if (params->n_biases > 0) {
    s->biases = malloc (params->n_biases * sizeof *s->biases);
    if (!s->biases) {
      free (s);
      return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to choose tokens.");
    }
    memcpy (s->biases, params->biases, params->n_biases * sizeof *s->biases);
  }
  s->params.biases = s->biases;
  *out = s;
  return QE_OK;
}

void
qe_sampler_free (QeSampler *s)
{
  if (!s)
    return;
  free (s->seen);
  free (s->counts);
  free (s->biases);
  free (s->logits);
  free (s->candidates);
  free (s->shortlist);
  free (s->maxima);
  free (s->mask);
  free (s);
}

void
qe_sampler_reset (QeSampler *s)
{
  for (size_t i = 0; i < s->n_seen; i++)
    s->counts[s->seen[i]] = 0;
  s->n_seen = 0;
  s->draw = 0;
  qe_sampler_set_grammar (s, s->grammar, s->after);
}

void
qe_sampler_accept (QeSampler *s, int32_t token)
{
  s->draw++;
  qe_sampler_accept_grammar (s, token);
  if (token < 0)
    return;
  /* When memory is short, the token stays without penalty. */
  size_t id = (size_t) token;
  if (id >= s->marks) {
    size_t marks = id + id / 2 + 1024;
    uint32_t *counts = realloc (s->counts, marks * sizeof *counts);
    if (!counts)
      return;
    memset (counts + s->marks, 0, (marks - s->marks) * sizeof *counts);
    s->counts = counts;
    s->marks = marks;
  }
  if (s->n_seen == s->seen_capacity) {
    size_t capacity = s->seen_capacity * 2 + 64;
    int32_t *seen = realloc (s->seen, capacity * sizeof *seen);
    if (!seen)
      return;
    s->seen = seen;
    s->seen_capacity = capacity;
  }
  if (s->counts[token]++ == 0)
    s->seen[s->n_seen++] = token;
}

/* ---- randomness ------------------------------------------------------------------------------------------------ */

static uint64_t
mix (uint64_t x)
{
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* ---- candidates ------------------------------------------------------------------------------------------------ */

bool
qe_sampler_make_room (QeSampler *s, size_t n_vocab)
{
  const size_t n = (n_vocab + QE_SAMPLER_BLOCK - 1) / QE_SAMPLER_BLOCK * QE_SAMPLER_BLOCK;
  s->padded = n;
  if (n <= s->room)
    return true;
  float *logits = realloc (s->logits, n * sizeof *logits);
  if (logits)
    s->logits = logits;
  QeCandidate *candidates = realloc (s->candidates, n * sizeof *candidates);
  if (candidates)
    s->candidates = candidates;
  if (!logits || !candidates)
    return false;
  s->room = n;
  return true;
}

static void
copy_block (float *restrict to, const float *restrict from, const uint8_t *restrict allowed)
{
  for (int i = 0; i < QE_SAMPLER_BLOCK; i++) {
    float value = fabsf (from[i]) <= FLT_MAX ? from[i] : -INFINITY;
    to[i] = allowed[i] ? value : -INFINITY;
  }
}

/* The greater logit ranks first, and among equal ones the smaller id. */
static inline bool
ranks_before (const QeCandidate *a, const QeCandidate *b)
{
  return a->logit != b->logit ? a->logit > b->logit : a->id < b->id;
}

int
qe_sampler_compare_rank (const void *a, const void *b)
{
  return ranks_before (a, b) ? -1 : 1;
}

static int
compare_id (const void *a, const void *b)
{
  return ((const QeCandidate *) a)->id < ((const QeCandidate *) b)->id ? -1 : 1;
}

size_t
qe_sampler_offer (QeSampler *s, QeCandidate c, size_t kept, size_t k)
{
  QeCandidate *heap = s->candidates;
  if (kept < k) {
    size_t i = kept;
    for (; i > 0 && ranks_before (&heap[(i - 1) / 2], &c); i = (i - 1) / 2)
      heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
    return kept + 1;
  }
  if (ranks_before (&c, &heap[0])) {
    /* It takes the place of the root, which ranks last, and sinks to its own. */
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < kept; i = child) {
      if (child + 1 < kept && ranks_before (&heap[child], &heap[child + 1]))
        child++;
      if (!ranks_before (&c, &heap[child]))
        break;
      heap[i] = heap[child];
    }
    heap[i] = c;
  }
  return kept;
}

/* Selects the k best in rank order, or all if there are fewer. Most blocks are rejected by one comparison. */
static size_t
select_best (QeSampler *s, size_t k)
{
  QeCandidate *heap = s->candidates;
  size_t kept = 0;
  for (size_t block = 0; block < s->padded; block += QE_SAMPLER_BLOCK) {
    if (kept == k && qe_sampler_block_maximum (s->logits + block) <= heap[0].logit)
      continue;
    for (size_t i = block; i < block + QE_SAMPLER_BLOCK; i++)
      if (s->logits[i] != -INFINITY)
        kept = qe_sampler_offer (s, (QeCandidate) { .logit = s->logits[i], .id = (int32_t) i }, kept, k);
  }
  qsort (heap, kept, sizeof *heap, qe_sampler_compare_rank);
  return kept;
}

/* Sets the weights relative to the best, and returns their sum. */
static double
weigh (QeSampler *s, size_t n)
{
  double sum = 0, best = s->candidates[0].logit;
  for (size_t i = 0; i < n; i++) {
    s->candidates[i].weight = exp (((double) s->candidates[i].logit - best) / s->params.temperature);
    sum += s->candidates[i].weight;
  }
  return sum;
}

/* Returns the smallest number of candidates whose share of `sum` reaches p, or n + 1 if all n do not. */
static size_t
cut_top_p (const QeSampler *s, size_t n, double sum, double p)
{
  double reached = 0;
  for (size_t i = 0; i < n; i++) {
    reached += s->candidates[i].weight;
    if (reached >= p * sum)
      return i + 1;
  }
  return n + 1;
}

/* Drops candidates in rank order that min-p excludes, and sorts the rest by id. */
static size_t
cut_min_p (QeSampler *s, size_t kept)
{
  while (kept > 1 && s->candidates[kept - 1].weight < s->params.min_p)
    kept--;
  qsort (s->candidates, kept, sizeof *s->candidates, compare_id);
  return kept;
}

static int32_t
qe_sampler_draw (const QeSampler *s, size_t n)
{
  double sum = 0, reached = 0;
  for (size_t i = 0; i < n; i++)
    sum += s->candidates[i].weight;
  /* The random number in [0, 1) depends only on the seed and the number of the draw. */
  uint64_t key = mix (s->params.seed + 0x9e3779b97f4a7c15u);
  double target = ((double) (mix (key ^ mix (s->draw * 0x9e3779b97f4a7c15u + 1)) >> 11) * 0x1p-53) * sum;
  for (size_t i = 0; i < n; i++) {
    reached += s->candidates[i].weight;
    if (target < reached)
      return s->candidates[i].id;
  }
  return n > 0 ? s->candidates[n - 1].id : -1; /* rounding may leave a rest; -1 if there is no choice */
}

int32_t
qe_sampler_choose (QeSampler *s, size_t kept)
{
  if (s->params.temperature == 0)
    return kept ? s->candidates[0].id : -1;
  /* The nucleus is that of what top-k leaves. */
  double sum = kept ? weigh (s, kept) : 0;
  size_t cut = s->params.top_p < 1 ? cut_top_p (s, kept, sum, s->params.top_p) : kept;
  return qe_sampler_draw (s, cut_min_p (s, cut < kept ? cut : kept));
}

static int32_t
qe_sampler_pick_any (QeSampler *s, const float *logits, size_t n_vocab, const uint8_t *allowed)
{
  if (!qe_sampler_make_room (s, n_vocab))
    return -1;
  /* The last block is padded. Tokens that are forbidden or not finite become minus infinity. */
  static const uint8_t everything[QE_SAMPLER_BLOCK] = { [0 ... QE_SAMPLER_BLOCK - 1] = 1 };
  size_t whole = n_vocab / QE_SAMPLER_BLOCK * QE_SAMPLER_BLOCK;
  for (size_t i = 0; i < whole; i += QE_SAMPLER_BLOCK)
    copy_block (s->logits + i, logits + i, allowed ? allowed + i : everything);
  for (size_t i = whole; i < s->padded; i++)
    s->logits[i] = i < n_vocab && (!allowed || allowed[i]) && isfinite (logits[i]) ? logits[i] : -INFINITY;
  for (size_t i = 0; i < s->params.n_biases; i++) {
    const QeLogitBias bias = s->biases[i];
    if (bias.token < 0 || (size_t) bias.token >= n_vocab)
      continue;
    s->logits[bias.token] = bias.bias > -100 ? s->logits[bias.token] + bias.bias : -INFINITY;
  }
  for (size_t i = 0; i < s->n_seen; i++) {
    if ((size_t) s->seen[i] >= n_vocab)
      continue;
    float *l = &s->logits[s->seen[i]];
    *l = qe_sampler_penalise (s, (size_t) s->seen[i], *l);
  }
  if (s->params.temperature > 0 && s->params.top_k > 0)
    return qe_sampler_choose (s, select_best (s, s->params.top_k));
  /* The greatest logit is looked for block by block. */
  size_t at = 0;
  float highest = -INFINITY;
  for (size_t i = 0; i < s->padded; i += QE_SAMPLER_BLOCK) {
    float value = qe_sampler_block_maximum (s->logits + i);
    if (value > highest) {
      highest = value;
      at = i;
    }
  }
  while (highest > -INFINITY && s->logits[at] != highest)
    at++;
  const int32_t best = highest > -INFINITY ? (int32_t) at : -1;
  if (s->params.temperature == 0 || best < 0)
    return best;
  if (s->params.top_p >= 1) {
    /* Selects every finite logit, in the order of ids. */
    size_t kept = 0;
    for (size_t i = 0; i < s->padded; i++) {
      if (s->logits[i] == -INFINITY)
        continue;
      double weight = exp (((double) s->logits[i] - s->logits[best]) / s->params.temperature);
      if (weight >= s->params.min_p)
        s->candidates[kept++] = (QeCandidate) { s->logits[i], (int32_t) i, weight };
    }
    return qe_sampler_draw (s, kept);
  }
  /* Without top-k the nucleus is searched for among the best 256, then among eight times as many, and so on. This avoids
   * sorting the whole vocabulary for nearly every token. */
  double sum = 0; /* of the weights of all logits */
  for (size_t i = 0; i < s->padded; i++)
    if (s->logits[i] != -INFINITY)
      sum += exp (((double) s->logits[i] - s->logits[best]) / s->params.temperature);
  for (size_t k = 256;; k *= 8) {
    size_t kept = select_best (s, k);
    weigh (s, kept);
    size_t cut = cut_top_p (s, kept, sum, s->params.top_p);
    if (cut <= kept || kept < k)
      return qe_sampler_draw (s, cut_min_p (s, cut <= kept ? cut : kept));
  }
}

int32_t
qe_sampler_pick (QeSampler *s, const float *logits, size_t n_vocab, const uint8_t *allowed)
{
  const QeGrammarMask *few;
  if (!qe_sampler_constrain (s, n_vocab, &allowed, &few))
    return -1;
  return qe_sampler_followed (s, qe_sampler_pick_any (s, logits, n_vocab, allowed));
}

void
qe_sampler_follow (QeSampler *sampler, const int32_t *tokens, size_t n)
{
  sampler->text = tokens;
  sampler->n_text = n;
}

/* ---- defaults -------------------------------------------------------------------------------------------------- */

void
qe_sampler_defaults (const QeModelInfo *info, bool thinking, bool with_images, QeSamplerParams *out)
{
  *out = (QeSamplerParams) {
    .temperature = 1.0f, .top_k = 20, .top_p = 0.95f, .presence_penalty = 1.5f, .repetition_penalty = 1.0f
  };
  /* Model cards (engine/doc/qwen35.md §10) have figures of their own for the small models, which are dense ones of 0.8
   * and 2 billion parameters. Not what a template does by default tells them: those of larger models have been
   * published that do not think unless asked, too. */
  const bool small = !info->n_experts && info->n_embd && info->n_embd <= 2048;
  if (thinking && small && with_images) {
    out->temperature = 0.6f;
    out->presence_penalty = 0.0f;
  } else if (!thinking && small && !with_images) {
    out->top_p = 1.0f;
    out->presence_penalty = 2.0f;
  } else if (!thinking) {
    out->temperature = 0.7f;
    out->top_p = 0.8f;
  }
  out->temperature = info->sampling.has_temperature ? info->sampling.temperature : out->temperature;
  out->top_k = info->sampling.has_top_k ? info->sampling.top_k : out->top_k;
  out->top_p = info->sampling.has_top_p ? info->sampling.top_p : out->top_p;
  out->min_p = info->sampling.has_min_p ? info->sampling.min_p : out->min_p;
  out->presence_penalty = info->sampling.has_presence_penalty ? info->sampling.presence_penalty : out->presence_penalty;
  out->repetition_penalty = info->sampling.has_repetition_penalty ? info->sampling.repetition_penalty
                                                                  : out->repetition_penalty;
}
