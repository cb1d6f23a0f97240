/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Guesses at the next tokens, and whether they pay. The context evaluates a draft together with the token that is sure;
 * what the sampler would not have chosen is dropped, so that a draft changes the time and never the text. */

typedef struct {
  double cost;         /* seconds for each token with drafts, averaged; 0: not known */
  uint32_t pause;      /* steps without a draft yet to come */
  uint32_t next_pause; /* if the next attempt does not pay either */
  uint32_t length;     /* of the next draft */
} QeDrafter;

void qe_drafter_reset (QeDrafter *drafter);
/* How many tokens to draft now, at most `max`: 0 while drafts do not pay. Counts the pause down. */
size_t qe_drafter_length (QeDrafter *drafter, size_t max);
/* After a step with `drafted` tokens of which `accepted` were right; plain: seconds of a step without. */
void qe_drafter_report (QeDrafter *drafter, double plain, double seconds, size_t drafted, size_t accepted);

/* Prompt lookup: finds where the last keys and then `token` occurred before, most of them, and copies what followed
 * there. Keys of at least n_vocab are no tokens. Returns how many of `max` it found. */
size_t qe_draft_lookup (const uint64_t *keys, size_t n, int32_t token, uint32_t n_vocab, int32_t *out, size_t max);
