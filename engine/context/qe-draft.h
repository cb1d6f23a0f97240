/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Guesses the next tokens and decides whether guessing pays. The context evaluates a draft together with the token that
 * is certain, and drops what the sampler would not have chosen. So a draft changes the time but never the text. */

typedef struct {
  double credit;   /* plain steps that drafts may still cost */
  uint32_t length; /* length of the next draft in tokens */
} QeDrafter;

void qe_drafter_reset (QeDrafter *drafter);
/* Returns how many tokens to draft now, at most `max`; 0 while drafts have cost too much. */
size_t qe_drafter_length (QeDrafter *drafter, size_t max);
/* Reports a step with a draft of which `accepted` tokens were right. plain is the time of a step without a draft in
 * seconds, above 0. */
void qe_drafter_report (QeDrafter *drafter, double plain, double seconds, size_t accepted);

/* Prompt lookup: finds an earlier place where the last rows and then `token` occurred, the one with the most equal
 * rows, and copies what followed there. ids are QeRow.id; those of n_vocab or more are not tokens. Returns how many tokens it copied, at
 * most `max`. */
size_t qe_draft_lookup (const uint64_t *ids, size_t n, int32_t token, uint32_t n_vocab, int32_t *out, size_t max);
