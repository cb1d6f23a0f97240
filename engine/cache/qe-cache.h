/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-config.h"
#include "model/qe-ops.h"
#include "qe.h"

/* What a context remembers of the rows it has evaluated: keys and values of the attention layers for each row, and for
 * the DeltaNet layers a state of fixed size that stands for all rows together and hence cannot be cut shorter.
 *
 * What the newest rows write into that state is kept beside it at first, as a key, a correction and a decay for each
 * head: the state is then only read for a row, and written once for QE_WRITES_TOGETHER of them. */

#define QE_WRITES_MAX 16 /* kept at a time: less than QE_WRITES_TOGETHER, and a deferred batch */

typedef struct {
  uint32_t n_ctx;
  QeKvType kv_type;
  uint32_t n_kv_layers;        /* attention layers, and the MTP block's */
  uint32_t n_kv_heads;
  size_t kv_row_bytes;         /* one head of one row */
  uint8_t *keys, *values;      /* [n_kv_layers][n_kv_heads][n_ctx] rows */
  size_t kv_bytes;             /* of keys, and of values */

  uint32_t n_state_layers;
  size_t state_size;           /* floats of one layer */
  float *state;                /* [n_state_layers][n_value_heads][state_size][state_size]: key by value */
  uint32_t n_history;          /* conv_kernel - 1 */
  size_t channels;
  float *conv;                 /* [n_state_layers][n_history][channels], rings of the convolutions' last inputs */
  uint32_t first_history;      /* where the oldest is */
  size_t recurrent_bytes;      /* of state and conv, which are one block */

  float *writes; /* [n_state_layers][QE_WRITES_MAX], rings of: keys [n_key_heads][state_size],
                    corrections [n_value_heads][state_size], decays [n_value_heads] */
  size_t write_size; /* floats of one */
  size_t writes_bytes;
  uint32_t first_write, n_writes;
} QeCache;

/* What qe_cache_init() would make, without its memory. */
void qe_cache_measure (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp);
QeStatus qe_cache_init (QeCache *out, const QeConfig *config, uint32_t n_ctx, QeKvType kv_type, bool with_mtp,
                        QeError *err);
void qe_cache_clear (QeCache *cache);
void qe_cache_forget (QeCache *cache); /* back to the state before the first row */

/* Row `row` of a head in the attention layer of that number. */
static inline uint8_t *
qe_cache_row (const QeCache *c, uint8_t *base, uint32_t layer, uint32_t head, uint32_t row)
{
  return base + (((size_t) layer * c->n_kv_heads + head) * c->n_ctx + row) * c->kv_row_bytes;
}

/* The i-th of the writes that the state of a layer does not hold yet, or the place for it. */
static inline float *
qe_cache_write (const QeCache *c, uint32_t layer, uint32_t i)
{
  return c->writes + ((size_t) layer * QE_WRITES_MAX + (c->first_write + i) % QE_WRITES_MAX) * c->write_size;
}

/* The i-th row of a layer's history, oldest first, or the place for what comes n_history rows later. */
static inline float *
qe_cache_history (const QeCache *c, uint32_t layer, uint32_t i)
{
  return c->conv + ((size_t) layer * c->n_history + (c->first_history + i) % c->n_history) * c->channels;
}

/* n rows more are in the history and have been written down; QE_WRITES_TOGETHER of them have gone into the state. */
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

/* One head of one row, as the cache stores it. */
void qe_cache_store (const QeCache *cache, void *row, const float *x, size_t n);
