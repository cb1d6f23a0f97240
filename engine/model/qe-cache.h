/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-kernels.h"
#include "model/qe-config.h"
#include "qe.h"

/* What a forward pass reads and writes of a context: keys and values of the attention layers for each row, and for the
 * DeltaNet layers a state of fixed size that stands for all rows together and so cannot be cut shorter.
 *
 * The newest writes to that state are kept beside it at first, as a key, a correction and a decay for each head. So a
 * row only reads the state, and it is written once for QE_WRITES_TOGETHER rows.
 *
 * The memory is the context's (context/qe-cache-memory.h). */

#define QE_WRITES_MAX 16 /* writes that are kept: fewer than QE_WRITES_TOGETHER, plus a deferred batch */

typedef struct {
  uint32_t n_ctx;
  QeKvType kv_type;
  uint32_t n_kv_layers; /* attention layers and the MTP block's */
  uint32_t n_kv_heads;
  size_t kv_row_bytes;    /* bytes of one head of one row */
  uint8_t *keys, *values; /* [n_kv_layers][n_kv_heads][n_ctx] rows */
  size_t kv_bytes;        /* bytes of the keys, and of the values */

  uint32_t n_state_layers;
  size_t state_size;  /* in floats, of one layer */
  float *state;       /* [n_state_layers][n_value_heads][state_size][state_size]: key by value */
  uint32_t n_history; /* conv_kernel - 1 */
  size_t channels;
  float *conv;            /* [n_state_layers][n_history][channels], rings of the convolutions' last inputs */
  uint32_t first_history; /* index of the oldest */
  size_t recurrent_bytes; /* bytes of state and conv, which are one block */

  float *writes;     /* [n_state_layers][QE_WRITES_MAX], rings of: keys [n_key_heads][state_size],
                    corrections [n_value_heads][state_size], decays [n_value_heads] */
  size_t write_size; /* floats of one write */
  size_t writes_bytes;
  uint32_t first_write, n_writes;
} QeCache;

/* Returns the format in which keys and values are stored. */
static inline QeType
qe_cache_type (QeKvType kv_type)
{
  return kv_type == QE_KV_Q8_0 ? QE_TYPE_Q8_0 : kv_type == QE_KV_F32 ? QE_TYPE_F32 : QE_TYPE_F16;
}

/* Returns the row `row` of a head in this attention layer. */
static inline uint8_t *
qe_cache_row (const QeCache *c, uint8_t *base, uint32_t layer, uint32_t head, uint32_t row)
{
  return base + (((size_t) layer * c->n_kv_heads + head) * c->n_ctx + row) * c->kv_row_bytes;
}

/* Returns the i-th write that the layer's state does not include yet, or the place for it. */
static inline float *
qe_cache_write (const QeCache *c, uint32_t layer, uint32_t i)
{
  return c->writes + ((size_t) layer * QE_WRITES_MAX + (c->first_write + i) % QE_WRITES_MAX) * c->write_size;
}

/* Returns the i-th row of a layer's history, oldest first, or the place for the row that comes n_history rows later. */
static inline float *
qe_cache_history (const QeCache *c, uint32_t layer, uint32_t i)
{
  return c->conv + ((size_t) layer * c->n_history + (c->first_history + i) % c->n_history) * c->channels;
}

/* Call it after n rows were added to the history and the writes. If these are QE_WRITES_TOGETHER now, they must be in
 * the state already, and are dropped. */
static inline void
qe_cache_add_rows (QeCache *c, uint32_t n)
{
  c->first_history = (c->first_history + n) % c->n_history;
  c->n_writes += n;
  if (c->n_writes < QE_WRITES_TOGETHER)
    return;
  c->first_write = (c->first_write + QE_WRITES_TOGETHER) % QE_WRITES_MAX;
  c->n_writes -= QE_WRITES_TOGETHER;
}
