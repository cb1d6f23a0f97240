/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/tokenizer/qe-bpe.h"
#include "format/tokenizer/qe-pretokenise.h"
#include "format/tokenizer/qe-tokenizer.h"

#define QE_MAX_ENDS 16

typedef enum { /* tokenizer.ggml.token_type */
               QE_TOKEN_NORMAL = 1,
               QE_TOKEN_UNKNOWN = 2,
               QE_TOKEN_CONTROL = 3,
               QE_TOKEN_USER = 4,
               QE_TOKEN_UNUSED = 5,
} QeTokenType;

struct QeTokenizer {
  size_t n_tokens;
  size_t n_rows; /* of the model's output, >= n_tokens */
  char *text;    /* the bytes of all tokens, one after the other */
  size_t text_size;
  uint32_t *start;       /* [n_tokens + 1]: where each begins in text */
  uint8_t *type;         /* [n_tokens] */
  uint8_t *allowed;      /* [n_rows] */
  uint32_t byte_id[256]; /* the token of each single byte */
  QePairs pairs;
  uint32_t *special; /* ids of control and user-defined tokens, sorted by their bytes */
  size_t n_special;
  bool starts_special[256];
  int32_t ends[QE_MAX_ENDS]; /* tokens that end generation */
  size_t n_ends;
  QeSplit split;
  bool nfc;
  _Atomic (QeTokenTrie *) trie; /* NULL until somebody asks for it */
};

/* Reads the vocabulary and the merges of a file into a tokenizer that is all zero. */
QeStatus qe_vocabulary_load (QeTokenizer *t, const QeGguf *gguf, QeError *err);

static inline const char *
qe_token_text (const QeTokenizer *t, uint32_t id, size_t *length)
{
  *length = t->start[id + 1] - t->start[id];
  return t->text + t->start[id];
}
