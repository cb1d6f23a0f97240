/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-draft.h"

#define FIRST_LENGTH 2
/* These are measured in plain steps: how much drafts may lose at first, how much of their gain they may lose again, and
 * how much each step without a draft adds. So an answer where drafts never pay takes about 1 % longer. */
#define CREDIT 2.0
#define MOST_CREDIT 4.0
#define GRANT 0.01
#define LOOKUP_MIN 3 /* least number of tokens that must match */
#define LOOKUP_MAX 16
#define LOOKUP_ROWS 32768 /* number of rows that are searched */

void
qe_drafter_reset (QeDrafter *drafter)
{
  *drafter = (QeDrafter) { .credit = CREDIT, .length = FIRST_LENGTH };
}

size_t
qe_drafter_length (QeDrafter *drafter, size_t max)
{
  if (drafter->credit <= 0) {
    drafter->credit += GRANT;
    return 0;
  }
  return drafter->length < max ? drafter->length : max;
}

void
qe_drafter_report (QeDrafter *drafter, double plain, double seconds, size_t accepted)
{
  const double credit = drafter->credit + (double) (accepted + 1) - seconds / plain;
  drafter->credit = credit < MOST_CREDIT ? credit : MOST_CREDIT;
  drafter->length = (uint32_t) accepted + 1; /* one more than were right this time */
}

size_t
qe_draft_lookup (const uint64_t *ids, size_t n, int32_t token, uint32_t n_vocab, int32_t *out, size_t max)
{
  const size_t last = n > LOOKUP_ROWS ? n - LOOKUP_ROWS : 0;
  size_t best = 0, from = 0, found = 0;
  for (size_t at = n; at-- > last && best < LOOKUP_MAX;)
    if (ids[at] == (uint64_t) token) {
      size_t length = 0; /* ids before `at` that equal the ids before the end */
      while (length < LOOKUP_MAX && length < at && ids[at - 1 - length] == ids[n - 1 - length])
        length++;
      if (length + 1 > best) {
        best = length + 1;
        from = at + 1;
      }
    }
  if (best < LOOKUP_MIN)
    return 0;
  while (found < max && from < n && ids[from] < n_vocab)
    out[found++] = (int32_t) ids[from++];
  return found;
}
