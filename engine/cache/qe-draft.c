/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache/qe-draft.h"

#define FIRST_LENGTH 2
#define FIRST_PAUSE 32  /* with one attempt in so many steps, drafts that never pay cost 3 % at most */
#define LAST_PAUSE 1024
#define WORTH 0.97      /* of the cost of a plain step */
#define LOOKUP_MIN 3    /* tokens that must be the same */
#define LOOKUP_MAX 16
#define LOOKUP_ROWS 32768 /* looked at */

void
qe_drafter_reset (QeDrafter *drafter)
{
  *drafter = (QeDrafter) { .next_pause = FIRST_PAUSE, .length = FIRST_LENGTH };
}

size_t
qe_drafter_length (QeDrafter *drafter, size_t max)
{
  if (drafter->pause) {
    drafter->pause--;
    return 0;
  }
  return drafter->length < max ? drafter->length : max;
}

void
qe_drafter_report (QeDrafter *drafter, double plain, double seconds, size_t drafted, size_t accepted)
{
  const double cost = seconds / (double) (accepted + 1);
  drafter->cost = drafter->cost > 0 ? 0.75 * drafter->cost + 0.25 * cost : cost;
  drafter->length = (uint32_t) accepted + 1; /* one more than was right this time */
  if (drafter->cost <= WORTH * plain) {
    drafter->next_pause = FIRST_PAUSE;
    return;
  }
  drafter->pause = drafter->next_pause;
  drafter->next_pause = drafter->next_pause * 2 < LAST_PAUSE ? drafter->next_pause * 2 : LAST_PAUSE;
  drafter->length = FIRST_LENGTH;
  drafter->cost = 0;
}

/* How many keys before `at` equal those before the end. */
static size_t
match_length (const uint64_t *keys, size_t n, size_t at)
{
  size_t length = 0;
  while (length < LOOKUP_MAX && length < at && keys[at - 1 - length] == keys[n - 1 - length])
    length++;
  return length;
}

size_t
qe_draft_lookup (const uint64_t *keys, size_t n, int32_t token, uint32_t n_vocab, int32_t *out, size_t max)
{
  const size_t last = n > LOOKUP_ROWS ? n - LOOKUP_ROWS : 0;
  size_t best = 0, from = 0, found = 0;
  for (size_t at = n; at-- > last && best < LOOKUP_MAX;)
    if (keys[at] == (uint64_t) token) {
      const size_t length = match_length (keys, n, at);
      if (length + 1 > best) {
        best = length + 1;
        from = at + 1;
      }
    }
  if (best < LOOKUP_MIN)
    return 0;
  while (found < max && from < n && keys[from] < n_vocab)
    out[found++] = (int32_t) keys[from++];
  return found;
}
