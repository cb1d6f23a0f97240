/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vision/qe-vision-attention.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "cpu/qe-kernels.h"

/* A chunk is QUERIES patches of one head. It goes over the keys in tiles and keeps, for each query, the largest product
 * so far, the sum of e^(product - largest) and the weighted sum of values. When the largest product grows, the sums are
 * scaled down. Tiles have fixed sizes, so that the result does not depend on the number of threads. */

#define QUERIES 64
#define KEYS 256

typedef struct {
  float *weights;       /* [QUERIES][KEYS]: products of queries and keys, then what values are weighed with */
  float *largest, *sum; /* [QUERIES] */
  float *values;        /* [QUERIES][head size] */
} Tile;

size_t
qe_vision_attention_scratch (size_t head_size)
{
  return QUERIES * (KEYS + 2 + head_size);
}

static void
attend (const QeVisionAttention *a, size_t head, size_t first, Tile *tile)
{
  size_t d = a->width / a->n_heads, stride = 3 * a->width;
  size_t n_queries = a->n - first < QUERIES ? a->n - first : QUERIES;
  const float *q = a->qkv + first * stride + head * d;
  const QeKernels *kernels = qe_kernels ();

  memset (tile->values, 0, n_queries * d * sizeof (float));
  memset (tile->sum, 0, n_queries * sizeof (float));
  for (size_t i = 0; i < n_queries; i++)
    tile->largest[i] = -INFINITY;
  for (size_t key = 0; key < a->n; key += KEYS) {
    size_t n_keys = a->n - key < KEYS ? a->n - key : KEYS;
    const float *k = a->qkv + key * stride + a->width + head * d, *v = k + a->width;

    cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (int) n_queries, (int) n_keys, (int) d, 1 / sqrtf ((float) d),
                 q, (int) stride, k, (int) stride, 0, tile->weights, KEYS);
    for (size_t i = 0; i < n_queries; i++) {
      /* Products become weights; the sums of earlier tiles are scaled down. */
      float *s = tile->weights + i * KEYS, *values = tile->values + i * d;
      float largest = fmaxf (tile->largest[i], kernels->max (s, n_keys));
      float scale = expf (tile->largest[i] - largest);

      tile->sum[i] = tile->sum[i] * scale + kernels->exp_sum (s, n_keys, largest);
      tile->largest[i] = largest;
      if (scale < 1)
        kernels->scale (values, scale, d);
    }
    cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) n_queries, (int) d, (int) n_keys, 1, tile->weights,
                 KEYS, v, (int) stride, 1, tile->values, (int) d);
  }
  for (size_t i = 0; i < n_queries; i++)
    for (size_t j = 0; j < d; j++)
      a->out[(first + i) * a->width + head * d + j] = tile->values[i * d + j] / tile->sum[i];
}

void
qe_vision_attention (const QeVisionAttention *a, QeWorker *worker, float *scratch, void (*poll) (void *data),
                     void *data)
{
  size_t tiles = (a->n + QUERIES - 1) / QUERIES, chunk;
  Tile tile = { scratch, scratch + QUERIES * KEYS, scratch + QUERIES * (KEYS + 1), scratch + QUERIES * (KEYS + 2) };

  while ((chunk = qe_worker_next (worker)) < tiles * a->n_heads) {
    if (worker->index == 0)
      poll (data);
    if (!atomic_load_explicit (a->cancelled, memory_order_relaxed))
      attend (a, chunk / tiles, chunk % tiles * QUERIES, &tile);
  }
}
