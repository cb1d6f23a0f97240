/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"

/* The hyper-parameters of a qwen35 or qwen35moe file (engine/doc/qwen35.md §2.2), every one from its keys. */

#define QE_MAX_LAYERS 1024
#define QE_MAX_EXPERTS_USED 64
#define QE_MAX_HEAD_SIZE 1024

typedef struct {
  char architecture[32];
  bool moe;
  uint32_t n_layers; /* of the trunk */
  uint32_t n_mtp;    /* multi-token prediction blocks behind the trunk */
  uint32_t n_embd, n_ff;
  uint32_t n_ctx_train; /* positions that the file allows: with scaled rotations more than the model was made with */
  float eps;            /* of every RMS norm and of the L2 norms */

  /* gated attention */
  uint32_t n_heads, n_kv_heads, head_size;
  uint32_t rope_dims;                      /* rotated dimensions of a head: the first ones */
  uint32_t rope_sections[4];               /* pairs that follow time, height, width */
  double rope_rates[QE_MAX_HEAD_SIZE / 2]; /* radians that one position turns each pair by, scaling included */
  double rope_magnitude;                   /* of every rotation: 1 without YaRN */

  /* gated DeltaNet */
  uint32_t n_key_heads, n_value_heads, state_size, conv_kernel;
  bool grouped_value_heads; /* value head i uses key head i / r, not i % n_key_heads */

  /* mixture of experts */
  uint32_t n_experts, n_experts_used, n_ff_expert, n_ff_shared;

  bool recurrent[QE_MAX_LAYERS]; /* of layer i: DeltaNet, else attention */
} QeConfig;

/* Reads and checks all of it. QE_ERROR_UNSUPPORTED for another architecture, QE_ERROR_FORMAT for a value that is
 * missing or makes no sense. */
QeStatus qe_config_read (QeConfig *out, const QeGguf *gguf, QeError *err);

/* Channels of the convolution: all query, key and value heads of a DeltaNet layer. */
static inline uint32_t
qe_config_channels (const QeConfig *c)
{
  return (2 * c->n_key_heads + c->n_value_heads) * c->state_size;
}
