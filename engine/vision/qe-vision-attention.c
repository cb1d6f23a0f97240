/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vision/qe-vision-attention.h"

#include <math.h>

#include "cpu/qe-kernels.h"

/* Of one head, in a chunk: a size of its own, so that the result does not depend on the number of threads, and small enough to
 * poll often. */
#define QUERIES 64

size_t
qe_vision_attention_scratch (size_t head_size)
{
  return qe_attend_scratch (QUERIES, head_size);
}

static void
attend (const QeVisionAttention *a, size_t head, size_t first, float *scratch)
{
  const size_t d = a->width / a->n_heads, stride = 3 * a->width;
  const QeAttend tile = {
    .n_rows = a->n - first < QUERIES ? a->n - first : QUERIES,
    .n_heads = 1,
    .d = d,
    .q = a->qkv + first * stride + head * d,
    .ld_q = stride,
    .o = a->out + first * a->width + head * d,
    .ld_o = a->width,
    .kv_type = QE_KV_F32,
    .k = a->qkv + a->width + head * d,
    .v = a->qkv + 2 * a->width + head * d,
    .kv_stride = stride * sizeof (float),
    .n_keys = a->n,
    .factor = 1 / sqrtf ((float) d),
    .scratch = scratch,
  };
  qe_kernels ()->attend (&tile);
}

void
qe_vision_attention (const QeVisionAttention *a, QeWorker *worker, float *scratch, void (*poll) (void *data),
                     void *data)
{
  const size_t tiles = (a->n + QUERIES - 1) / QUERIES;
  size_t chunk;
  while ((chunk = qe_worker_next (worker)) < tiles * a->n_heads) {
    if (worker->index == 0)
      poll (data);
    if (!atomic_load_explicit (a->cancelled, memory_order_relaxed))
      attend (a, chunk / tiles, chunk % tiles * QUERIES, scratch);
  }
}
