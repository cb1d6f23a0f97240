/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sampler that follows a grammar: what it may pick is what the caller and the grammar allow both. The draws are the same as
 * without one. */
#include "sampler/qe-sampler-private.h"

#include "qe-error.h"

#include <stdlib.h>

void
qe_sampler_set_grammar (QeSampler *s, QeGrammar *grammar, int32_t after)
{
  s->grammar = grammar;
  s->after = after;
  s->constrained = grammar && after < 0;
  s->mask_serial = 0;
  if (s->constrained)
    qe_grammar_restart (grammar, false);
}

void
qe_sampler_accept_grammar (QeSampler *s, int32_t token)
{
  if (s->constrained) {
    qe_grammar_accept (s->grammar, token);
  } else if (s->grammar && token == s->after) {
    qe_grammar_restart (s->grammar, true);
    s->constrained = true;
  }
}

QeStatus
qe_sampler_problem (const QeSampler *s, QeError *err)
{
  return s->constrained ? qe_grammar_problem (s->grammar, err) : QE_OK;
}

size_t
qe_sampler_admits (const QeSampler *s, const int32_t *tokens, size_t n)
{
  if (s->constrained)
    return qe_grammar_admits (s->grammar, tokens, n);
  for (size_t i = 0; s->grammar && i + 1 < n; i++)
    if (tokens[i] == s->after)
      return i + 1;
  return n;
}

bool
qe_sampler_constrain (QeSampler *s, size_t n_vocab, const uint8_t **allowed, const QeGrammarMask **few)
{
  *few = NULL;
  if (!s->constrained)
    return true;
  const QeGrammarMask *mask = qe_grammar_mask (s->grammar);
  if (!mask || mask->n_rows != n_vocab)
    return false;
  if (s->n_mask != n_vocab) {
    uint8_t *bytes = realloc (s->mask, n_vocab);
    if (!bytes)
      return false;
    s->mask = bytes;
    s->n_mask = n_vocab;
    s->mask_serial = 0;
  }
  if (s->mask_serial != mask->serial || s->mask_allowed != *allowed) {
    const uint8_t *other = *allowed;
    if (mask->few)
      memset (s->mask, 0, n_vocab);
    for (size_t i = 0; i < mask->n_few; i++)
      s->mask[mask->few[i]] = !other || other[mask->few[i]];
    for (size_t i = 0; !mask->few && i < n_vocab; i += 64) {
      const uint64_t word = mask->bits[i / 64];
      for (size_t k = 0; k < 64 && i + k < n_vocab; k++)
        s->mask[i + k] = (word >> k & 1) & (!other || other[i + k]);
    }
  }
  s->mask_serial = mask->serial;
  s->mask_allowed = *allowed;
  *allowed = s->mask;
  *few = mask->few ? mask : NULL;
  return true;
}
