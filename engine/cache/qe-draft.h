/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Guesses at the next tokens, and whether they pay. The context evaluates a draft together with the token that is sure;
 * what the sampler would not have chosen is dropped, so that a draft changes the time and never the text. */

typedef struct {
  double credit;   /* plain steps that drafts may still lose */
  uint32_t length; /* of the next draft */
} QeDrafter;

void qe_drafter_reset (QeDrafter *drafter);
/* How many tokens to draft now, at most `max`: 0 while drafts have lost too much. */
size_t qe_drafter_length (QeDrafter *drafter, size_t max);
/* After a step with a draft of which `accepted` tokens were right; plain: seconds of a step without, above 0. */
void qe_drafter_report (QeDrafter *drafter, double plain, double seconds, size_t accepted);

/* Prompt lookup: finds where the last keys and then `token` occurred before, most of them, and copies what followed
 * there. Keys of at least n_vocab are no tokens. Returns how many of `max` it found. */
size_t qe_draft_lookup (const uint64_t *keys, size_t n, int32_t token, uint32_t n_vocab, int32_t *out, size_t max);
