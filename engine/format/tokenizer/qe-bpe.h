/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Byte-pair merging: of all adjacent pairs the one with the lowest rank is merged first, the leftmost on ties, until
 * none is left that has a rank. */

#define QE_NO_RANK UINT32_MAX

typedef struct {
  uint32_t left, right; /* token ids */
  uint32_t rank;        /* QE_NO_RANK: free */
  uint32_t merged;      /* the token they make */
} QePair;

typedef struct {
  QePair *slots;
  size_t mask;
  uint64_t seed; /* odd; differs from run to run */
} QePairs;

bool qe_pairs_init (QePairs *pairs, size_t n); /* room for n pairs; false when out of memory */
void qe_pairs_clear (QePairs *pairs);
void qe_pairs_add (QePairs *pairs, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged); /* the first stays */
void qe_pairs_prefetch (const QePairs *pairs, uint32_t left, uint32_t right); /* will be added or looked up soon */

/* Merges in place: ids [n], one for each byte of a word at first. *n: how many are left. Short words are searched
 * plainly, long ones with a heap, in O(n log n). false when out of memory. */
bool qe_bpe_merge (const QePairs *pairs, uint32_t *ids, size_t *n);
