/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-pool.h"

/* Computes the attention of every patch to every patch, head by head, without an n² matrix of scores in memory. */

typedef struct {
  const float *qkv; /* [n][3 * width]: queries, keys, values; heads side by side */
  float *out;       /* [n][width] */
  size_t n, width, n_heads;
  const atomic_bool *cancelled; /* if true, the rest may be skipped */
} QeVisionAttention;

size_t qe_vision_attention_scratch (size_t head_size); /* in floats, for each thread */

/* Computes chunks until none is left; call it in a region, between barriers. Thread 0 calls poll (data) before each
 * chunk. */
void qe_vision_attention (const QeVisionAttention *attention, QeWorker *worker, float *scratch,
                          void (*poll) (void *data), void *data);
