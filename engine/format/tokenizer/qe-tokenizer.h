/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "qe.h"

/* Byte-level BPE of a GGUF file (tokenizer.ggml.model "gpt2", pre-tokenizers qwen35 and qwen2). Read-only once made, so
 * any number of threads may use it; it keeps nothing of the QeGguf. */
typedef struct QeTokenizer QeTokenizer;

QeStatus qe_tokenizer_new (QeTokenizer **out, const QeGguf *gguf, QeError *err);
void qe_tokenizer_free (QeTokenizer *tokenizer);

size_t qe_tokenizer_size (const QeTokenizer *tokenizer); /* tokens; the model may have more rows */

/* As qe_tokenize() in qe.h. QE_ERROR_ARGUMENT when the spans are not ascending, disjoint and inside the text. */
QeStatus qe_tokenizer_encode (const QeTokenizer *tokenizer, const char *text, size_t length, const QeSpan *plain,
                              size_t n_plain, int32_t **out, size_t *n_out, QeError *err);
const char *qe_tokenizer_token (const QeTokenizer *tokenizer, int32_t id, size_t *length, bool *is_control);
int32_t qe_tokenizer_find (const QeTokenizer *tokenizer, const char *text); /* special tokens only; -1: none */
bool qe_tokenizer_ends_generation (const QeTokenizer *tokenizer, int32_t id);
uint64_t qe_tokenizer_hash (const QeTokenizer *tokenizer);

/* One byte for each row of the model's output (n_vocab of token_embd.weight): 0 for padding ids, which must never be
 * sampled. For qe_sampler_pick(). */
const uint8_t *qe_tokenizer_allowed (const QeTokenizer *tokenizer);

/* The bytes of its tokens as a tree (qe-token-trie.h), made when it is first asked for. Any thread. NULL when out of
 * memory. Lives as long as the tokenizer. */
typedef struct QeTokenTrie QeTokenTrie;
const QeTokenTrie *qe_tokenizer_trie (const QeTokenizer *tokenizer);

/* The streaming decoder and the output parser of qe.h, on a tokenizer. */
QeOutputParser *qe_output_parser_new_for (const QeTokenizer *tokenizer, bool thinking, QeOutputFunc func, void *data);
QeDecoder *qe_decoder_new_for (const QeTokenizer *tokenizer);
