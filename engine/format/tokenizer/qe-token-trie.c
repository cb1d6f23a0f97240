/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/tokenizer/qe-token-trie.h"
#include "format/tokenizer/qe-tokenizer-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *text;
  uint32_t length;
  int32_t id;
} Word;

static inline int
byte_at (const Word *word, size_t depth)
{
  return depth < word->length ? word->text[depth] : -1;
}

static inline void
swap_words (Word *a, Word *b)
{
  const Word kept = *a;
  *a = *b;
  *b = kept;
}

/* Sorts words that agree in their first `depth` bytes (multikey quicksort). Words of equal bytes are left as they are. */
static void
sort_words (Word *words, size_t n, size_t depth)
{
  while (n > 1) {
    const int pivot = byte_at (&words[n / 2], depth);
    size_t less = 0, at = 0, more = n;
    while (at < more) {
      const int byte = byte_at (&words[at], depth);
      if (byte < pivot)
        swap_words (&words[less++], &words[at++]);
      else if (byte > pivot)
        swap_words (&words[at], &words[--more]);
      else
        at++;
    }
    /* The largest part is sorted by this loop and the others by recursion, which is so never deep. */
    const size_t equal = more - less, greater = n - more;
    if (pivot >= 0 && equal >= less && equal >= greater) {
      sort_words (words, less, depth);
      sort_words (words + more, greater, depth);
      words += less;
      n = equal;
      depth++;
      continue;
    }
    if (pivot >= 0)
      sort_words (words + less, equal, depth + 1);
    if (less >= greater) {
      sort_words (words + more, greater, depth);
      n = less;
    } else {
      sort_words (words, less, depth);
      words += more;
      n = greater;
    }
  }
}

static size_t
common_length (const Word *a, const Word *b)
{
  size_t n = 0;
  while (n < a->length && n < b->length && a->text[n] == b->text[n])
    n++;
  return n;
}

/* Makes the tree of sorted words. */
static bool
build_trie (QeTrie *trie, const Word *words, size_t n)
{
  uint32_t open[QE_TRIE_DEPTH]; /* the nodes of the last word */
  size_t total = 0, depth = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t shared = i ? common_length (&words[i - 1], &words[i]) : 0;
    total += words[i].length - (shared < words[i].length ? shared : shared - 1);
  }
  if (total > UINT32_MAX || !(trie->nodes = malloc ((total + 1) * sizeof *trie->nodes)))
    return false;
  for (size_t i = 0; i < n; i++) {
    size_t shared = i ? common_length (&words[i - 1], &words[i]) : 0;
    if (shared == words[i].length)
      shared--;
    while (depth > shared)
      trie->nodes[open[--depth]].skip = (uint32_t) trie->n;
    for (; depth < words[i].length; depth++) {
      open[depth] = (uint32_t) trie->n;
      trie->nodes[trie->n++] = (QeTrieNode) { -1, 0, words[i].text[depth], (uint8_t) depth };
    }
    trie->nodes[trie->n - 1].token = words[i].id;
  }
  while (depth > 0)
    trie->nodes[open[--depth]].skip = (uint32_t) trie->n;
  return true;
}

/* Returns the number of characters of a plain token, the last of which need not be whole; 0 if it is not plain. */
static size_t
count_plain (const Word *word)
{
  const char *text = (const char *) word->text;
  size_t n = 0, length;
  uint32_t c;
  for (size_t at = 0; at < word->length; at += length, n++) {
    const QeUtf8 kind = qe_utf8_next (text + at, word->length - at, &c, &length);
    if (kind == QE_UTF8_BROKEN || (kind == QE_UTF8_OK && (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)))
      return 0;
  }
  return n;
}

/* Files the plain tokens and makes the tree of the others. `others` has room for n words. */
static bool
separate (QeTokenTrie *trie, const Word *words, size_t n, Word *others)
{
  size_t n_others = 0, at[QE_TRIE_DEPTH + 1], below = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t length = count_plain (&words[i]);
    if (length)
      trie->n_longer[length - 1]++;
    else
      others[n_others++] = words[i];
  }
  for (size_t i = QE_TRIE_DEPTH + 1; i-- > 0;) {
    at[i] = below; /* where tokens of i + 1 characters begin */
    trie->n_longer[i] += below;
    below = trie->n_longer[i];
  }
  trie->by_length = malloc ((below + 1) * sizeof *trie->by_length);
  trie->plain = calloc (trie->n_words, sizeof *trie->plain);
  trie->ordinary = calloc (trie->n_words, sizeof *trie->ordinary);
  if (!trie->by_length || !trie->plain || !trie->ordinary)
    return false;
  for (size_t i = 0; i < n; i++) {
    const size_t length = count_plain (&words[i]);
    trie->ordinary[words[i].id / 64] |= UINT64_C (1) << (words[i].id % 64);
    if (!length)
      continue;
    trie->by_length[at[length - 1]++] = words[i].id;
    trie->plain[words[i].id / 64] |= UINT64_C (1) << (words[i].id % 64);
  }
  return build_trie (&trie->others, others, n_others);
}

QeTokenTrie *
qe_token_trie_new (const QeTokenizer *t)
{
  QeTokenTrie *trie = calloc (1, sizeof *trie);
  Word *words = malloc ((t->n_tokens + 1) * sizeof *words), *others = malloc ((t->n_tokens + 1) * sizeof *others);
  size_t n = 0;
  bool ok = trie && words && others;
  for (uint32_t id = 0; ok && id < t->n_tokens; id++) {
    size_t length;
    const char *text = qe_token_text (t, id, &length);
    const bool ordinary = t->type[id] != QE_TOKEN_CONTROL && t->type[id] != QE_TOKEN_USER
                          && t->type[id] != QE_TOKEN_UNUSED && t->type[id] != QE_TOKEN_UNKNOWN;
    if (ordinary && length > 0 && length <= QE_TRIE_DEPTH && !memchr (text, QE_TRIE_NO_BYTE, length)
        && !qe_tokenizer_ends_generation (t, (int32_t) id))
      words[n++] = (Word) { (const uint8_t *) text, (uint32_t) length, (int32_t) id };
  }
  if (ok) {
    trie->n_rows = t->n_rows;
    trie->n_words = (t->n_rows + 63) / 64;
    _Static_assert (sizeof trie->ends == sizeof t->ends, "room for all ends");
    memcpy (trie->ends, t->ends, sizeof trie->ends);
    trie->n_ends = t->n_ends;
    sort_words (words, n, 0);
    ok = build_trie (&trie->all, words, n) && separate (trie, words, n, others);
  }
  free (words);
  free (others);
  if (!ok) {
    qe_token_trie_free (trie);
    return NULL;
  }
  trie->bytes = sizeof *trie + (trie->all.n + trie->others.n) * sizeof (QeTrieNode)
                + trie->n_longer[0] * sizeof (int32_t) + 2 * trie->n_words * sizeof (uint64_t);
  return trie;
}

void
qe_token_trie_free (QeTokenTrie *trie)
{
  if (!trie)
    return;
  free (trie->all.nodes);
  free (trie->others.nodes);
  free (trie->plain);
  free (trie->ordinary);
  free (trie->by_length);
  free (trie);
}
