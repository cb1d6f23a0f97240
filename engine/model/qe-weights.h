/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "model/qe-config.h"

/* Where each weight of a file is (names and shapes: engine/doc/qwen35.md §2.3). Matrices stay where they are mapped and in
 * their own type; vectors become f32. */

typedef struct {
  const void *data; /* rows one after the other; NULL: the file has none, or only its header was read */
  QeType type;
  uint32_t columns, rows;
  size_t expert_bytes; /* from one expert's matrix to the next */
  bool is_scaled;
  const float *scale; /* what it is to be multiplied by, for each expert one number; NULL: nothing, or no data either */
} QeWeight;

typedef struct {
  bool recurrent;
  const float *mixer_norm; /* [n_embd] before attention or DeltaNet */
  const float *ffn_norm;   /* [n_embd] before the FFN */

  /* gated attention */
  QeWeight q; /* for each head: its query rows, then its gate rows */
  QeWeight k, v, attn_out;
  const float *q_norm, *k_norm; /* [head_size] */

  /* gated DeltaNet */
  QeWeight qkv, z, beta, alpha, ssm_out;
  const float *a, *dt;   /* [n_value_heads]; a is -exp(A_log) */
  const float *conv;     /* [conv_kernel][channels]: one row for each tap, the current token's last */
  const float *ssm_norm; /* [state_size] */

  /* feed-forward: dense, or the shared expert of a mixture */
  QeWeight gate, up, down;
  QeWeight router;      /* [n_experts] rows */
  QeWeight shared_gate; /* one row: how much of the shared expert */
  QeWeight expert_gate, expert_up, expert_down;
} QeLayer;

typedef struct {
  QeLayer layer; /* gated attention */
  QeWeight join; /* [n_embd] rows of 2 * n_embd: embedding, then hidden */
  const float *embd_norm, *hidden_norm, *out_norm;
  QeWeight embd, head;
} QeMtp;

typedef struct {
  uint32_t n_layers, n_vocab;
  QeWeight embd, head; /* the same one when tied */
  bool tied;
  const float *out_norm;
  QeLayer *layers;
  QeMtp *mtp;   /* NULL without one */
  void **owned; /* f32 copies of vectors */
  size_t n_owned;
} QeWeights;

/* Finds every required tensor and checks its shape and type; tensors it does not know are left alone. With a gguf of
 * which only the header was read, checks the same but copies nothing. companion: where the prediction block is, NULL when
 * the file has it itself. */
QeStatus qe_weights_find (QeWeights *out, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config,
                          QeError *err);
void qe_weights_clear (QeWeights *weights);
