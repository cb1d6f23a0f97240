/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-error.h"
#include "format/tokenizer/qe-normalise.h"
#include "format/tokenizer/qe-token-trie.h"
#include "format/tokenizer/qe-tokenizer-private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

QeStatus
qe_tokenizer_new (QeTokenizer **out, const QeGguf *gguf, QeError *err)
{
  *out = NULL;
  QeTokenizer *t = calloc (1, sizeof *t);
  if (!t)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's vocabulary.");
  QeStatus status = qe_vocabulary_load (t, gguf, err);
  if (status == QE_OK)
    *out = t;
  else
    qe_tokenizer_free (t);
  return status;
}

void
qe_tokenizer_free (QeTokenizer *t)
{
  if (!t)
    return;
  free (t->text);
  free (t->start);
  free (t->type);
  free (t->allowed);
  free (t->special);
  qe_token_trie_free (atomic_load (&t->trie));
  qe_pairs_clear (&t->pairs);
  free (t);
}

/* ---- vocabulary ------------------------------------------------------------------------------------------------ */

size_t
qe_tokenizer_size (const QeTokenizer *t)
{
  return t->n_tokens;
}

const QeTokenTrie *
qe_tokenizer_trie (const QeTokenizer *tokenizer)
{
  QeTokenizer *t = (QeTokenizer *) tokenizer; /* what is made here changes nothing that anybody sees */
  QeTokenTrie *trie = atomic_load (&t->trie), *before = NULL;
  if (trie || !(trie = qe_token_trie_new (t)) || atomic_compare_exchange_strong (&t->trie, &before, trie))
    return trie;
  qe_token_trie_free (trie); /* another thread was faster */
  return before;
}

const char *
qe_tokenizer_token (const QeTokenizer *t, int32_t id, size_t *length, bool *is_control)
{
  if (id < 0 || (size_t) id >= t->n_tokens) {
    *length = 0;
    *is_control = true;
    return NULL;
  }
  *is_control = t->type[id] == QE_TOKEN_CONTROL || t->type[id] == QE_TOKEN_UNUSED;
  return qe_token_text (t, (uint32_t) id, length);
}

bool
qe_tokenizer_ends_generation (const QeTokenizer *t, int32_t id)
{
  for (size_t i = 0; i < t->n_ends; i++)
    if (t->ends[i] == id)
      return true;
  return false;
}

const uint8_t *
qe_tokenizer_allowed (const QeTokenizer *t)
{
  return t->allowed;
}

uint64_t
qe_tokenizer_hash (const QeTokenizer *t)
{
  uint64_t h = t->n_rows;
  size_t length;
  for (uint32_t id = 0; id < t->n_tokens; id++) {
    const char *text = qe_token_text (t, id, &length);
    h = (h ^ length ^ (uint64_t) t->type[id] << 32) * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < length; i++)
      h = (h ^ (uint8_t) text[i]) * 0x100000001b3u;
    h ^= h >> 31;
  }
  return h;
}

/* ---- special tokens -------------------------------------------------------------------------------------------- */

/* The first special token in [low, high), all of which share `depth` bytes, whose next byte is at least `byte`. */
static size_t
lower_bound (const QeTokenizer *t, size_t low, size_t high, size_t depth, int byte)
{
  while (low < high) {
    size_t middle = low + (high - low) / 2, length;
    const char *text = qe_token_text (t, t->special[middle], &length);
    if (length <= depth || (uint8_t) text[depth] < byte)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The longest special token that text begins with; -1 when there is none. The sorted list is walked like a trie, so
 * that a vocabulary full of special tokens is as quick as one with a few. */
static int32_t
match_special (const QeTokenizer *t, const char *text, size_t length, size_t *matched)
{
  int32_t best = -1;
  size_t low = 0, high = t->n_special, own;
  for (size_t depth = 0; depth < length && low < high; depth++) {
    low = lower_bound (t, low, high, depth, (uint8_t) text[depth]);
    high = lower_bound (t, low, high, depth, (uint8_t) text[depth] + 1);
    if (low == high)
      break;
    qe_token_text (t, t->special[low], &own);
    if (own == depth + 1) {
      best = (int32_t) t->special[low];
      *matched = own;
    }
  }
  return best;
}

int32_t
qe_tokenizer_find (const QeTokenizer *t, const char *text)
{
  size_t length = strlen (text), matched = 0;
  int32_t id = match_special (t, text, length, &matched);
  return matched == length ? id : -1;
}

/* ---- encode ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const QeTokenizer *t;
  uint32_t *ids;
  size_t n, capacity;
} Encoder;

static bool
qe_encoder_reserve (Encoder *e, size_t more)
{
  if (e->capacity - e->n >= more)
    return true;
  size_t capacity = e->capacity * 2 > e->n + more ? e->capacity * 2 : e->n + more + 64;
  uint32_t *ids = realloc (e->ids, capacity * sizeof *ids);
  if (!ids)
    return false;
  e->ids = ids;
  e->capacity = capacity;
  return true;
}

/* Text without special tokens. */
static bool
encode_text (Encoder *e, const char *text, size_t length)
{
  char *clean;
  size_t size;
  if (length == 0)
    return true;
  if (!qe_normalise (text, length, e->t->nfc, &clean, &size))
    return false;
  bool ok = true;
  for (size_t at = 0, end; ok && at < size; at = end) {
    end = qe_split_next (e->t->split, clean, size, at);
    size_t n = end - at;
    ok = qe_encoder_reserve (e, n);
    uint32_t *ids = e->ids + e->n;
    for (size_t i = 0; ok && i < n; i++)
      ids[i] = e->t->byte_id[(uint8_t) clean[at + i]];
    ok = ok && qe_bpe_merge (&e->t->pairs, ids, &n);
    e->n += ok ? n : 0;
  }
  if (clean != text)
    free (clean);
  return ok;
}

QeStatus
qe_tokenizer_encode (const QeTokenizer *t, const char *text, size_t length, const QeSpan *plain, size_t n_plain,
                     int32_t **out, size_t *n_out, QeError *err)
{
  uint32_t last = 0;
  for (size_t i = 0; i < n_plain; last = plain[i++].end)
    if (plain[i].start < last || plain[i].end < plain[i].start || plain[i].end > length)
      return qe_fail (err, QE_ERROR_ARGUMENT, "The plain parts of the text are not in order.");
  Encoder e = { .t = t };
  bool ok = qe_encoder_reserve (&e, length / 3 + 16);
  /* The text is cut at special tokens that do not touch a plain span; what lies between is encoded as one piece, whatever
   * spans it crosses. */
  size_t done = 0, at = 0, span = 0;
  while (ok && at < length) {
    if (span < n_plain && at >= plain[span].start) {
      at = plain[span].end > at ? plain[span].end : at;
      span++;
      continue;
    }
    size_t limit = span < n_plain ? plain[span].start : length, matched = 0;
    int32_t id = -1;
    if (t->starts_special[(uint8_t) text[at]])
      id = match_special (t, text + at, limit - at, &matched);
    if (id < 0) {
      at++;
      continue;
    }
    ok = encode_text (&e, text + done, at - done) && qe_encoder_reserve (&e, 1);
    if (ok)
      e.ids[e.n++] = (uint32_t) id;
    done = at += matched;
  }
  ok = ok && encode_text (&e, text + done, length - done);
  if (!ok) {
    free (e.ids);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to read %zu bytes of text.", length);
  }
  *out = (int32_t *) e.ids;
  *n_out = e.n;
  return QE_OK;
}
