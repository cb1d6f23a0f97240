/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-config.h"
#include "qe.h"

/* What a context remembers of the rows it has evaluated: keys and values of the attention layers for each row, and for
 * the DeltaNet layers a state of fixed size that stands for all rows together and hence cannot be cut shorter. */

typedef struct {
  uint32_t n_ctx;
  QeKvType kv_type;
  uint32_t n_kv_layers;        /* attention layers, and the MTP block's */
  uint32_t n_kv_heads;
  size_t kv_row_bytes;         /* one head of one row */
  uint8_t *keys, *values;      /* [n_kv_layers][n_kv_heads][n_ctx] rows */
  size_t kv_bytes;             /* of keys, and of values */

  uint32_t n_state_layers;
  size_t state_size, conv_size; /* floats of one layer */
  float *state;                /* [n_state_layers][n_value_heads][state_size][state_size]: key by value */
  float *conv;                 /* [n_state_layers][conv_kernel - 1][channels], oldest row first */
  size_t recurrent_bytes;      /* of state and conv, which are one block */
} QeCache;

QeStatus qe_cache_init (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp,
                        QeError *err);
void qe_cache_clear (QeCache *cache);
void qe_cache_forget (QeCache *cache); /* back to the state before the first row */

size_t qe_cache_kv_row_bytes (QeKvType kv_type, uint32_t head_size);

/* Row `row` of a head in the attention layer of that number. */
static inline uint8_t *
qe_cache_row (const QeCache *c, uint8_t *base, uint32_t layer, uint32_t head, uint32_t row)
{
  return base + (((size_t) layer * c->n_kv_heads + head) * c->n_ctx + row) * c->kv_row_bytes;
}

/* One head of one row, as the cache stores it. */
void qe_cache_store (const QeCache *cache, void *row, const float *x, size_t n);
