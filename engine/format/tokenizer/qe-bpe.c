/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/tokenizer/qe-bpe.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_WORD 48

/* ---- pairs ----------------------------------------------------------------------------------------------------- */

bool
qe_pairs_init (QePairs *pairs, size_t n)
{
  size_t size = 16;
  while (size < n + n / 2)
    size *= 2;
  pairs->slots = malloc (size * sizeof *pairs->slots);
  pairs->mask = size - 1;
  pairs->seed = (uintptr_t) pairs->slots * 0x9e3779b97f4a7c15u | 1;
  if (pairs->slots)
    memset (pairs->slots, 0xff, size * sizeof *pairs->slots); /* QE_NO_RANK everywhere */
  return pairs->slots != NULL;
}

void
qe_pairs_clear (QePairs *pairs)
{
  free (pairs->slots);
  *pairs = (QePairs) { 0 };
}

static size_t
first_slot (const QePairs *pairs, uint32_t left, uint32_t right)
{
  uint64_t h = ((uint64_t) left << 32 | right) * pairs->seed;
  return (h >> 32) & pairs->mask;
}

/* The slot of a pair, or the free one where it belongs. */
static QePair *
find_pair (const QePairs *pairs, uint32_t left, uint32_t right)
{
  for (size_t i = first_slot (pairs, left, right);; i = (i + 1) & pairs->mask) {
    QePair *slot = &pairs->slots[i];
    if (slot->rank == QE_NO_RANK || (slot->left == left && slot->right == right))
      return slot;
  }
}

void
qe_pairs_prefetch (const QePairs *pairs, uint32_t left, uint32_t right)
{
  __builtin_prefetch (&pairs->slots[first_slot (pairs, left, right)], 1);
}

void
qe_pairs_add (QePairs *pairs, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged)
{
  QePair *slot = find_pair (pairs, left, right);
  if (slot->rank == QE_NO_RANK)
    *slot = (QePair) { left, right, rank, merged };
}

/* ---- long words ------------------------------------------------------------------------------------------------ */

typedef struct {
  uint32_t id, previous, next;
} Symbol; /* a linked list; id is DEAD once merged into its left */
typedef struct {
  uint32_t rank, at, left, right, merged;
} Candidate; /* stale when the ids are no longer these */
#define NONE UINT32_MAX
#define DEAD UINT32_MAX

typedef struct {
  const QePairs *pairs;
  Symbol *symbols;
  Candidate *heap; /* the smallest (rank, at) first */
  size_t n_heap;
} LongWord;

static bool
before (const Candidate *a, const Candidate *b)
{
  return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

/* Offers the pair that starts at symbol i, if it has a rank. */
static void
offer (LongWord *w, uint32_t i)
{
  uint32_t next = i == NONE ? NONE : w->symbols[i].next;
  if (next == NONE)
    return;
  const QePair *pair = find_pair (w->pairs, w->symbols[i].id, w->symbols[next].id);
  if (pair->rank != QE_NO_RANK) {
    Candidate candidate = { pair->rank, i, pair->left, pair->right, pair->merged };
    size_t place = w->n_heap++;
    while (place > 0 && before (&candidate, &w->heap[(place - 1) / 2])) {
      w->heap[place] = w->heap[(place - 1) / 2];
      place = (place - 1) / 2;
    }
    w->heap[place] = candidate;
  }
}

static bool
merge_long (const QePairs *pairs, uint32_t *ids, size_t *length)
{
  size_t n = *length;
  /* n - 1 candidates to begin with, and each of at most n - 1 merges takes one and gives two */
  LongWord w = { pairs, malloc (n * sizeof (Symbol)), malloc (2 * n * sizeof (Candidate)), 0 };
  bool ok = w.symbols && w.heap && n < NONE;
  for (size_t i = 0; ok && i < n; i++)
    w.symbols[i] = (Symbol) { ids[i], i > 0 ? (uint32_t) i - 1 : NONE, i + 1 < n ? (uint32_t) i + 1 : NONE };
  for (size_t i = 0; ok && i + 1 < n; i++)
    offer (&w, (uint32_t) i);
  while (ok && w.n_heap > 0) {
    Candidate best = w.heap[0];
    /* The last candidate takes the place of the first and sinks to its own. */
    const Candidate moved = w.heap[--w.n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w.n_heap; i = child) {
      if (child + 1 < w.n_heap && before (&w.heap[child + 1], &w.heap[child]))
        child++;
      if (!before (&w.heap[child], &moved))
        break;
      w.heap[i] = w.heap[child];
    }
    w.heap[i] = moved;
    Symbol *left = &w.symbols[best.at];
    if (left->id == best.left && left->next != NONE && w.symbols[left->next].id == best.right) {
      uint32_t gone = left->next;
      left->id = best.merged;
      left->next = w.symbols[gone].next;
      if (left->next != NONE)
        w.symbols[left->next].previous = best.at;
      w.symbols[gone].id = DEAD;
      offer (&w, left->previous);
      offer (&w, best.at);
    }
  }
  size_t kept = 0;
  for (uint32_t i = 0; ok && i != NONE; i = w.symbols[i].next)
    ids[kept++] = w.symbols[i].id;
  if (ok)
    *length = kept;
  free (w.symbols);
  free (w.heap);
  return ok;
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

bool
qe_bpe_merge (const QePairs *pairs, uint32_t *ids, size_t *length)
{
  if (*length > SHORT_WORD)
    return merge_long (pairs, ids, length);
  const QePair *found[SHORT_WORD]; /* found[i]: the pair (i, i + 1) */
  size_t n = *length;
  for (size_t i = 0; i + 1 < n; i++)
    found[i] = find_pair (pairs, ids[i], ids[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; i++)
      if (found[i]->rank < found[best]->rank)
        best = i;
    if (found[best]->rank == QE_NO_RANK)
      break;
    ids[best] = found[best]->merged;
    n--;
    memmove (ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
    if (best + 1 < n)
      memmove (found + best + 1, found + best + 2, (n - best - 2) * sizeof *found);
    if (best > 0)
      found[best - 1] = find_pair (pairs, ids[best - 1], ids[best]);
    if (best + 1 < n)
      found[best] = find_pair (pairs, ids[best], ids[best + 1]);
  }
  *length = n;
  return true;
}
