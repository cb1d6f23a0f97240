/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a tokenizer from a GGUF file: 248 320 tokens and as many merges, on the way to the first answer, so no
 * allocation for each token, and one hash table that lives only while the merges are turned into pairs of ids. */
#include "qe-error.h"
#include "format/tokenizer/qe-tokenizer-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TOKENS (1u << 24)
#define N_SYMBOLS 0x144 /* code points that stand for bytes are below */

typedef struct {
  const char *text;
  size_t length;
} Raw; /* a token as stored */

typedef struct {
  QeTokenizer *t;
  const QeGguf *gguf;
  Raw *raw;        /* [n_tokens] */
  uint32_t *slots; /* a hash table of ids; UINT32_MAX: free */
  size_t mask;
  uint64_t seed; /* differs from run to run, so that a file cannot be made to collide */
  QeError *err;
} Loader;

/* ---- bytes as characters --------------------------------------------------------------------------------------- */

/* Appends the bytes that a token stands for; its own bytes if it is not written that way. */
static size_t
decode_token (const int16_t byte_of[N_SYMBOLS], const Raw *raw, char *out)
{
  size_t made = 0;
  for (size_t at = 0; at < raw->length;) {
    uint32_t c;
    size_t n;
    if (qe_utf8_next (raw->text + at, raw->length - at, &c, &n) != QE_UTF8_OK || c >= N_SYMBOLS || byte_of[c] < 0) {
      memcpy (out, raw->text, raw->length);
      return raw->length;
    }
    out[made++] = (char) byte_of[c];
    at += n;
  }
  return made;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static QeStatus
no_memory (QeError *err)
{
  return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's vocabulary.");
}

static QeStatus
read_tokens (Loader *l, const int16_t byte_of[N_SYMBOLS])
{
  QeTokenizer *t = l->t;
  QeStrings strings;
  if (!qe_gguf_strings (l->gguf, "tokenizer.ggml.tokens", &strings) || strings.left == 0 || strings.left > MAX_TOKENS)
    return qe_fail (l->err, QE_ERROR_FORMAT, "The model file has no usable vocabulary.");
  t->n_tokens = strings.left;
  /* The vocabulary must fit the rows of the embedding. Files pad it with unused tokens, or leave those out. */
  const QeTensor *embedding = qe_gguf_find (l->gguf, "token_embd.weight");
  t->n_rows = embedding ? embedding->ne[1] : t->n_tokens;
  if (t->n_tokens > t->n_rows || t->n_rows > MAX_TOKENS)
    return qe_fail (l->err, QE_ERROR_FORMAT,
                    "The model file is damaged: its vocabulary has %zu tokens, its embedding %zu rows.", t->n_tokens,
                    t->n_rows);
  l->raw = malloc (t->n_tokens * sizeof *l->raw);
  if (!l->raw)
    return no_memory (l->err);
  size_t total = 0;
  for (size_t i = 0; qe_strings_next (&strings, &l->raw[i].text, &l->raw[i].length); i++)
    total += l->raw[i].length;
  t->text = malloc (total + 1);
  t->start = malloc ((t->n_tokens + 1) * sizeof *t->start);
  t->type = malloc (t->n_tokens);
  t->allowed = calloc (t->n_rows, 1);
  if (!t->text || !t->start || !t->type || !t->allowed)
    return no_memory (l->err);
  QeIntegers types;
  if (!qe_gguf_integers (l->gguf, "tokenizer.ggml.token_type", &types) || types.count != t->n_tokens)
    return qe_fail (l->err, QE_ERROR_FORMAT, "The model file is damaged: its token types do not fit its vocabulary.");
  for (size_t i = 0; i < t->n_tokens; i++) {
    uint64_t type = 0;
    qe_integers_get (&types, i, &type);
    t->type[i] = type <= 6 ? (uint8_t) type : 0;
    t->allowed[i] = type != QE_TOKEN_UNUSED;
  }
  for (size_t i = 0; i < t->n_tokens; i++) {
    t->start[i] = (uint32_t) t->text_size;
    if (t->type[i] == QE_TOKEN_CONTROL || t->type[i] == QE_TOKEN_USER || t->type[i] == QE_TOKEN_UNUSED) {
      memcpy (t->text + t->text_size, l->raw[i].text, l->raw[i].length);
      t->text_size += l->raw[i].length;
    } else {
      t->text_size += decode_token (byte_of, &l->raw[i], t->text + t->text_size);
    }
  }
  t->start[t->n_tokens] = (uint32_t) t->text_size;
  return QE_OK;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static uint64_t
hash_name (uint64_t seed, const Raw *name)
{
  uint64_t h = seed ^ name->length, word;
  size_t at = 0;
  for (; name->length - at > 8; at += 8) {
    memcpy (&word, name->text + at, 8);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  word = 0;
  memcpy (&word, name->text + at, name->length - at);
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 32;
}

static bool
is_name (const Loader *l, uint32_t id, const Raw *name)
{
  return l->raw[id].length == name->length && memcmp (l->raw[id].text, name->text, name->length) == 0;
}

/* The slot that holds a name, or the free one where it belongs; the search starts at slot `first`. */
static uint32_t *
find_slot (const Loader *l, const Raw *name, size_t first)
{
  for (size_t i = first;; i = (i + 1) & l->mask)
    if (l->slots[i] == UINT32_MAX || is_name (l, l->slots[i], name))
      return &l->slots[i];
}

/* The id of the token of that name; UINT32_MAX when there is none. */
static uint32_t
find_token (const Loader *l, const Raw *name)
{
  return *find_slot (l, name, hash_name (l->seed, name) & l->mask);
}

static QeStatus
index_tokens (Loader *l)
{
  size_t size = 64;
  while (size < l->t->n_tokens + l->t->n_tokens / 2)
    size *= 2;
  l->slots = malloc (size * sizeof *l->slots);
  l->mask = size - 1;
  if (!l->slots)
    return no_memory (l->err);
  memset (l->slots, 0xff, size * sizeof *l->slots);
  l->seed = (uintptr_t) l->slots ^ 0xcbf29ce484222325u;
  for (size_t id = 0; id < l->t->n_tokens; id++) {
    if (l->t->type[id] == QE_TOKEN_UNUSED)
      continue;
    uint32_t *slot = find_slot (l, &l->raw[id], hash_name (l->seed, &l->raw[id]) & l->mask);
    if (*slot == UINT32_MAX) /* of two equal tokens the first counts */
      *slot = (uint32_t) id;
  }
  return QE_OK;
}

/* ---- merges ---------------------------------------------------------------------------------------------------- */

/* Looking up half a million names means as many waits for memory, so merges are taken in batches: each step asks for
 * what the next one needs. */
#define BATCH 32
#define MAX_MERGE 1024 /* bytes */

typedef struct {
  Raw left, right;
  size_t left_slot, right_slot;
  uint32_t left_id, right_id, merged_id;
} Merge;

/* "left right" in two, and where to look for both. */
static bool
split_merge (const Loader *l, Merge *m, const char *text, size_t length)
{
  const char *space = length > 1 && length <= MAX_MERGE ? memchr (text + 1, ' ', length - 1) : NULL;
  if (!space)
    return false;
  m->left = (Raw) { text, (size_t) (space - text) };
  m->right = (Raw) { space + 1, length - m->left.length - 1 };
  m->left_slot = hash_name (l->seed, &m->left) & l->mask;
  m->right_slot = hash_name (l->seed, &m->right) & l->mask;
  __builtin_prefetch (&l->slots[m->left_slot]);
  __builtin_prefetch (&l->slots[m->right_slot]);
  return true;
}

static void
prefetch_name (const Loader *l, size_t slot)
{
  if (l->slots[slot] != UINT32_MAX)
    __builtin_prefetch (l->raw[l->slots[slot]].text);
}

static QeStatus
read_merges (Loader *l)
{
  QeStrings strings;
  Merge batch[BATCH];
  uint32_t guess = 256;
  size_t n, good;
  if (!qe_gguf_strings (l->gguf, "tokenizer.ggml.merges", &strings))
    return qe_fail (l->err, QE_ERROR_FORMAT, "The model file is damaged: its tokenizer has no merges.");
  if (!qe_pairs_init (&l->t->pairs, strings.left))
    return no_memory (l->err);
  for (uint32_t rank = 0; strings.left > 0; rank += (uint32_t) n) {
    /* n merges are read, from `rank` on; the first `good` of them are sound. */
    const char *text;
    size_t length;
    for (n = 0, good = 0; n < BATCH && qe_strings_next (&strings, &text, &length); n++)
      if (good == n && split_merge (l, &batch[n], text, length))
        good++;
    for (size_t i = 0; i < good; i++) {
      prefetch_name (l, batch[i].left_slot);
      prefetch_name (l, batch[i].right_slot);
    }
    for (size_t i = 0; i < good; i++) {
      Merge *m = &batch[i];
      m->left_id = *find_slot (l, &m->left, m->left_slot);
      m->right_id = *find_slot (l, &m->right, m->right_slot);
      /* Vocabularies list what merges make in their order, so the token after the last one made is tried before the
       * table is. */
      char both[MAX_MERGE];
      Raw joined = { both, m->left.length + m->right.length };
      memcpy (both, m->left.text, m->left.length);
      memcpy (both + m->left.length, m->right.text, m->right.length);
      m->merged_id = guess < l->t->n_tokens && is_name (l, guess, &joined) ? guess : find_token (l, &joined);
      guess = m->merged_id + 1;
      qe_pairs_prefetch (&l->t->pairs, m->left_id, m->right_id);
      if (m->left_id == UINT32_MAX || m->right_id == UINT32_MAX || m->merged_id == UINT32_MAX)
        good = i;
    }
    for (size_t i = 0; i < good; i++)
      qe_pairs_add (&l->t->pairs, batch[i].left_id, batch[i].right_id, rank + (uint32_t) i, batch[i].merged_id);
    if (good < n)
      return qe_fail (
          l->err, QE_ERROR_FORMAT,
          "The model file is damaged: merge %zu of its tokenizer names a token that is not in its vocabulary.",
          rank + good);
  }
  return QE_OK;
}

/* ---- special tokens -------------------------------------------------------------------------------------------- */

static int
compare_special (const void *a, const void *b, void *data)
{
  const QeTokenizer *t = data;
  size_t n, m;
  const char *x = qe_token_text (t, *(const uint32_t *) a, &n), *y = qe_token_text (t, *(const uint32_t *) b, &m);
  int order = memcmp (x, y, n < m ? n : m);
  if (order || n != m)
    return order ? order : n > m ? 1 : -1;
  return *(const uint32_t *) a < *(const uint32_t *) b ? -1 : 1;
}

static QeStatus
collect_special (Loader *l)
{
  QeTokenizer *t = l->t;
  size_t n = 0, length;
  for (size_t i = 0; i < t->n_tokens; i++)
    n += t->type[i] == QE_TOKEN_CONTROL || t->type[i] == QE_TOKEN_USER;
  t->special = malloc ((n + 1) * sizeof *t->special);
  if (!t->special)
    return no_memory (l->err);
  for (uint32_t i = 0; i < t->n_tokens; i++) {
    const char *text = qe_token_text (t, i, &length);
    if (length == 0 || (t->type[i] != QE_TOKEN_CONTROL && t->type[i] != QE_TOKEN_USER))
      continue;
    t->special[t->n_special++] = i;
    t->starts_special[(uint8_t) text[0]] = true;
  }
  qsort_r (t->special, t->n_special, sizeof *t->special, compare_special, t);
  return QE_OK;
}

static QeStatus
read_kind (Loader *l)
{
  const char *text;
  size_t length;
  if (!qe_gguf_get_string (l->gguf, "tokenizer.ggml.model", &text, &length))
    return qe_fail (l->err, QE_ERROR_FORMAT, "The model file has no tokenizer.");
  if (length != 4 || memcmp (text, "gpt2", 4) != 0)
    return qe_fail (l->err, QE_ERROR_UNSUPPORTED,
                    "The model's tokenizer is of the kind “%.*s”, which Quern cannot run.",
                    length < 40 ? (int) length : 40, text);
  if (!qe_gguf_get_string (l->gguf, "tokenizer.ggml.pre", &text, &length)
      || (length == 6 && !memcmp (text, "qwen35", 6)))
    l->t->split = QE_SPLIT_QWEN35;
  else if (length == 5 && memcmp (text, "qwen2", 5) == 0)
    l->t->split = QE_SPLIT_QWEN2;
  else
    return qe_fail (l->err, QE_ERROR_UNSUPPORTED, "The model's tokenizer splits text as “%.*s”, which Quern cannot do.",
                    length < 40 ? (int) length : 40, text);
  l->t->nfc =
      true; /* both families' tokenizer.json say so; most files leave the key out, as llama.cpp does not read it */
  qe_gguf_get_bool (l->gguf, "tokenizer.ggml.normalizer.nfc", &l->t->nfc);
  return QE_OK;
}

QeStatus
qe_vocabulary_load (QeTokenizer *t, const QeGguf *gguf, QeError *err)
{
  uint32_t symbol_of[256];
  int16_t byte_of[N_SYMBOLS];
  Loader l = { .t = t, .gguf = gguf, .err = err };
  uint32_t next = 0x100;
  for (int i = 0; i < N_SYMBOLS; i++)
    byte_of[i] = -1;
  for (unsigned byte = 0; byte < 256; byte++) {
    /* GPT-2 writes bytes as printable characters: those that are printable in Latin-1 as themselves, the others, in
     * order, from U+0100 on. */
    symbol_of[byte] = ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174) ? byte : next++;
    byte_of[symbol_of[byte]] = (int16_t) byte;
  }
  QeStatus status = read_kind (&l);
  if (status == QE_OK)
    status = read_tokens (&l, byte_of);
  if (status == QE_OK)
    status = index_tokens (&l);
  for (unsigned byte = 0; byte < 256 && status == QE_OK; byte++) {
    char text[4];
    Raw raw = { text, qe_utf8_put (text, symbol_of[byte]) };
    t->byte_id[byte] = find_token (&l, &raw);
    if (t->byte_id[byte] == UINT32_MAX)
      status = qe_fail (err, QE_ERROR_FORMAT, "The model file is damaged: its vocabulary lacks the byte %u.", byte);
  }
  if (status == QE_OK)
    status = read_merges (&l);
  if (status == QE_OK)
    status = collect_special (&l);
  if (status == QE_OK) {
    /* What ends generation is what the file says, and the tokens of the family that separate texts. */
    static const char *const keys[] = { "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id" };
    static const char *const texts[] = { "<|im_end|>", "<|endoftext|>", "<|fim_pad|>", "<|repo_name|>",
                                         "<|file_sep|>" };
    QeIntegers more;
    uint64_t id;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
      if (qe_gguf_get_u64 (gguf, keys[i], &id) && id < t->n_tokens)
        t->ends[t->n_ends++] = (int32_t) id;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
      if (qe_tokenizer_find (t, texts[i]) >= 0)
        t->ends[t->n_ends++] = qe_tokenizer_find (t, texts[i]);
    if (qe_gguf_integers (gguf, "tokenizer.ggml.eos_token_ids", &more))
      for (uint64_t i = 0; i < more.count && t->n_ends < QE_MAX_ENDS; i++)
        if (qe_integers_get (&more, i, &id) && id < t->n_tokens)
          t->ends[t->n_ends++] = (int32_t) id;
  }
  free (l.raw);
  free (l.slots);
  return status;
}
