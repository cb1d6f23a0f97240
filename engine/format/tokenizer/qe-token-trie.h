/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/tokenizer/qe-tokenizer.h"

/* The bytes of a vocabulary's ordinary tokens as a tree, for whoever wants to know which tokens an automaton over bytes
 * takes. Control tokens, those with a meaning of their own such as <tool_call>, unused ones and tokens of more than
 * QE_TRIE_DEPTH bytes are not in it, nor tokens with the byte QE_TRIE_NO_BYTE, which is no part of UTF-8 and which an automaton
 * may so use for what is no text.
 *
 * A token is plain if it may continue any JSON string: it begins at the boundary of a character, no byte of it is '"',
 * '\' or a control character, and it is UTF-8, whose last character need not be whole. Most tokens are plain, so they
 * stand in a bit set of their own, and `others` is the tree of the rest. */
#define QE_TRIE_DEPTH 255
#define QE_TRIE_ENDS 16
#define QE_TRIE_NO_BYTE 0xff

typedef struct {
  int32_t token; /* that ends here, or -1 */
  uint32_t skip; /* the first node that is not below this one */
  uint8_t byte;
  uint8_t depth; /* bytes before this one */
} QeTrieNode;

typedef struct {
  QeTrieNode *nodes; /* parents before children; a second token of the same bytes has a node of its own */
  size_t n;
} QeTrie;

struct QeTokenTrie {
  size_t n_rows, n_words; /* of the model's output; 64-bit words that hold one bit for each */
  QeTrie all, others;
  uint64_t *ordinary, *plain;         /* [n_words]: tokens of the tree; plain ones */
  int32_t *by_length;                 /* [n_plain]: the plain tokens, those of most characters first */
  size_t n_longer[QE_TRIE_DEPTH + 1]; /* number of plain tokens of more characters than the index */
  int32_t ends[QE_TRIE_ENDS];         /* tokens that end generation, which are not in the tree either */
  size_t n_ends;
  size_t bytes; /* memory that it holds */
};

void qe_token_trie_free (QeTokenTrie *trie);
/* Returns NULL when out of memory. */
QeTokenTrie *qe_token_trie_new (const QeTokenizer *tokenizer);
