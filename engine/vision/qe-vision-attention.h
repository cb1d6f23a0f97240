/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "pool/qe-pool.h"

/* Attention of every patch to every patch, head by head, without a matrix of n² scores in memory. */

typedef struct {
  const float *qkv; /* [n][3 * width]: queries, keys, values; heads side by side */
  float *out;       /* [n][width] */
  size_t n, width, n_heads;
  const atomic_bool *cancelled; /* true: what is left may be skipped */
} QeVisionAttention;

size_t qe_vision_attention_scratch (size_t head_size); /* floats, for each thread */

/* In a region, between barriers: does chunks until none is left, calling poll (data) before each on thread 0. */
void qe_vision_attention (const QeVisionAttention *attention, QeWorker *worker, float *scratch,
                          void (*poll) (void *data), void *data);
