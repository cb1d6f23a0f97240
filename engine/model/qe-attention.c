/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gated attention (engine/doc/qwen35.md §4.2). A row of wide is: for each head its query and its gate, then keys, then
 * values. Few rows go along the cache, which is cut into blocks so that all threads have work however few the heads;
 * many rows go in tiles of queries by keys, as matrix products. */
#include "model/qe-graph-private.h"

#include <math.h>
#include <string.h>

typedef struct {
  QeGraph *g;
  const QeLayer *l;
  uint32_t index, n;   /* of the layer, rows */
  uint32_t d, group;   /* size of a head, query heads that share keys */
  size_t keys, values; /* columns of wide */
  float factor;
  bool rounded; /* many rows may be: products with these weights are, and the cache is not exact */
} Attention;

/* The cache of the context that row t is of. */
static const QeCache *
cache_of (const Attention *a, uint32_t t)
{
  return qe_graph_home (a->g, t)->cache;
}

static float *
query_row (const Attention *a, uint32_t t, uint32_t head)
{
  return a->g->wide + (size_t) t * a->g->ld_wide + (size_t) head * 2 * a->d;
}

/* ---- keys and values into the cache ---------------------------------------------------------------------------- */

static void
turn (const Attention *a, uint32_t t, float *x)
{
  const size_t pairs = a->g->config->rope_dims / 2;
  a->g->kernels->rope (x, a->g->cosine + t * pairs, a->g->sine + t * pairs, pairs);
}

/* Stores keys or values of one head of one row. */
static void
store_head (const QeCache *cache, uint8_t *row, const float *x, size_t n)
{
  if (cache->kv_type == QE_KV_F32)
    memcpy (row, x, n * sizeof *x);
  else
    qe_quantise (qe_cache_type (cache->kv_type), x, row, n);
}

/* Norms and rotates each row of each key head, and the queries that it answers if they are wanted; keys and values go into the
 * cache. */
static void
prepare (const Attention *a, QeWorker *w, bool queries)
{
  const QeGraph *g = a->g;
  const uint32_t n_kv_heads = g->config->n_kv_heads;
  size_t first, end;
  qe_graph_share (w, (size_t) a->n * n_kv_heads, &first, &end);
  for (size_t i = first; i < end; i++) {
    const uint32_t t = (uint32_t) (i / n_kv_heads), kv_head = (uint32_t) (i % n_kv_heads);
    for (uint32_t j = 0; queries && j < a->group; j++) {
      float *q = query_row (a, t, kv_head * a->group + j);
      g->kernels->rms_norm (q, q, a->l->q_norm, a->d, g->config->eps);
      turn (a, t, q);
    }
    float *row = g->wide + (size_t) t * g->ld_wide, *k = row + a->keys + (size_t) kv_head * a->d;
    const QeCache *cache = cache_of (a, t);
    const uint32_t at = qe_graph_place (g, t);
    g->kernels->rms_norm (k, k, a->l->k_norm, a->d, g->config->eps);
    turn (a, t, k);
    store_head (cache, qe_cache_row (cache, cache->keys, a->index, kv_head, at), k, a->d);
    store_head (cache, qe_cache_row (cache, cache->values, a->index, kv_head, at),
                row + a->values + (size_t) kv_head * a->d, a->d);
  }
}

/* ---- few rows: along the cache --------------------------------------------------------------------------------- */

/* Blocks of the cache that row t sees. */
static uint32_t
count_blocks (const Attention *a, uint32_t t)
{
  return qe_graph_place (a->g, t) / qe_graph_home (a->g, t)->attend_block + 1;
}

/* What a head found in one block: the mix of values [d], not yet divided by the sum; the sum; the largest product of
 * query and key. */
static float *
partial (const Attention *a, uint32_t t, uint32_t head, uint32_t block)
{
  const QeGraph *home = qe_graph_home (a->g, t);
  const size_t row = a->g->batch->homes ? 0 : t; /* among those of its context */
  return home->partials + ((row * home->config->n_heads + head) * home->n_blocks + block) * (a->d + 2);
}

static void
attend_block (const Attention *a, QeWorker *w, uint32_t t, uint32_t kv_head, uint32_t block)
{
  const QeGraph *g = a->g, *home = qe_graph_home (g, t);
  const QeCache *cache = home->cache;
  const QeAttentionKernels *kernels = &g->kernels->attention[cache->kv_type];
  const uint32_t first = block * home->attend_block, seen = qe_graph_place (g, t) + 1, head = kv_head * a->group;
  const uint32_t n = seen - first < home->attend_block ? seen - first : home->attend_block;
  const size_t ld_partial = (size_t) home->n_blocks * (a->d + 2);
  float *weights = qe_graph_scratch (g, w), *out = partial (a, t, head, block);
  kernels->dot_keys (weights, n, query_row (a, t, head), 2 * a->d, a->group,
                     qe_cache_row (cache, cache->keys, a->index, kv_head, first), n, a->d, a->factor);
  for (uint32_t j = 0; j < a->group; j++) {
    float *end = out + j * ld_partial + a->d;
    end[1] = g->kernels->max (weights + (size_t) j * n, n);
    end[0] = g->kernels->exp_sum (weights + (size_t) j * n, n, end[1]);
  }
  kernels->mix_values (out, ld_partial, weights, n, a->group,
                       qe_cache_row (cache, cache->values, a->index, kv_head, first), n, a->d);
}

/* Joins the blocks of one head of one row, and lets the gate through. */
static void
join_blocks (const Attention *a, uint32_t t, uint32_t head)
{
  const QeGraph *g = a->g;
  const uint32_t n_blocks = count_blocks (a, t);
  float *o = g->narrow + (size_t) t * g->ld_narrow + (size_t) head * a->d;
  float max = partial (a, t, head, 0)[a->d + 1], sum = 0;
  for (uint32_t b = 1; b < n_blocks; b++)
    max = fmaxf (max, partial (a, t, head, b)[a->d + 1]);
  memset (o, 0, a->d * sizeof *o);
  for (uint32_t b = 0; b < n_blocks; b++) {
    const float *p = partial (a, t, head, b), weight = expf (p[a->d + 1] - max);
    sum += weight * p[a->d];
    g->kernels->add_scaled (o, p, weight, a->d);
  }
  g->kernels->scale (o, 1.0f / sum, a->d);
  g->kernels->sigmoid_mul (o, query_row (a, t, head) + a->d, a->d);
}

/* ---- many rows: in tiles --------------------------------------------------------------------------------------- */

/* Rows [t0, t0 + n_rows) of the heads that share one key head. */
static void
attend_tile (const Attention *a, QeWorker *w, uint32_t t0, uint32_t n_rows, uint32_t kv_head)
{
  const QeGraph *g = a->g;
  const QeCache *c = g->cache;
  const uint32_t head = kv_head * a->group;
  float *o = g->narrow + (size_t) t0 * g->ld_narrow + (size_t) head * a->d;
  const QeAttend tile = {
    .n_rows = n_rows,
    .n_heads = a->group,
    .d = a->d,
    .q = query_row (a, t0, head),
    .ld_q = g->ld_wide,
    .ld_q_head = 2 * a->d,
    .o = o,
    .ld_o = g->ld_narrow,
    .ld_o_head = a->d,
    .kv_type = c->kv_type,
    .k = qe_cache_row (c, c->keys, a->index, kv_head, 0),
    .v = qe_cache_row (c, c->values, a->index, kv_head, 0),
    .kv_stride = c->kv_row_bytes,
    .n_keys = g->batch->start + t0 + n_rows,
    .causal = true,
    .factor = a->factor,
    .scratch = qe_graph_scratch (g, w),
  };
  (a->rounded ? g->kernels->attend_rounded : g->kernels->attend) (&tile);
  for (uint32_t t = 0; t < n_rows; t++)
    for (uint32_t j = 0; j < a->group; j++)
      g->kernels->sigmoid_mul (o + (size_t) t * g->ld_narrow + (size_t) j * a->d,
                               query_row (a, t0 + t, head + j) + a->d, a->d);
}

/* ---- the block ------------------------------------------------------------------------------------------------- */

static Attention
find_attention (QeGraph *g, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  Attention a = { .g = g, .l = l, .index = index, .n = g->batch->n, .d = c->head_size };
  a.group = c->n_heads / c->n_kv_heads;
  a.keys = (size_t) c->n_heads * 2 * c->head_size;
  a.values = a.keys + (size_t) c->n_kv_heads * c->head_size;
  a.factor = 1.0f / sqrtf ((float) c->head_size);
  a.rounded = !g->batch->exact && g->cache->kv_type != QE_KV_F32 && qe_w8_format (l->q.type)->unpack;
  return a;
}

void
qe_graph_attention (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  const Attention a = find_attention (g, l, index);
  const QeProduct in[] = {
    qe_product (&l->q, g->wide, g->ld_wide),
    qe_product (&l->k, g->wide + a.keys, g->ld_wide),
    qe_product (&l->v, g->wide + a.values, g->ld_wide),
  };
  const QeProduct out = qe_product (&l->attn_out, g->h, c->n_embd);
  qe_matmul (g->matmul, w, in, 3, g->h, c->n_embd, c->n_embd, a.n);
  prepare (&a, w, true);
  qe_worker_barrier (w);
  const uint32_t n_kv_heads = c->n_kv_heads;
  if (a.n <= QE_ATTEND_FEW) {
    uint32_t most = 0;
    size_t first, end;
    for (uint32_t t = 0; t < a.n; t++)
      most = count_blocks (&a, t) > most ? count_blocks (&a, t) : most;
    for (size_t i = qe_worker_next (w); i < (size_t) a.n * n_kv_heads * most; i = qe_worker_next (w)) {
      const uint32_t block = (uint32_t) (i % most), t = (uint32_t) (i / most / n_kv_heads);
      if (block < count_blocks (&a, t))
        attend_block (&a, w, t, (uint32_t) (i / most % n_kv_heads), block);
    }
    qe_worker_barrier (w);
    qe_graph_share (w, (size_t) a.n * c->n_heads, &first, &end);
    for (size_t i = first; i < end; i++)
      join_blocks (&a, (uint32_t) (i / c->n_heads), (uint32_t) (i % c->n_heads));
  } else {
    const uint32_t rows = a.group < QE_ATTEND_QUERIES ? QE_ATTEND_QUERIES / a.group : 1,
                   n_tiles = (a.n + rows - 1) / rows;
    for (size_t i = qe_worker_next (w); i < (size_t) n_tiles * n_kv_heads; i = qe_worker_next (w)) {
      const uint32_t t0 = (n_tiles - 1 - (uint32_t) (i / n_kv_heads)) * rows; /* the longest first */
      attend_tile (&a, w, t0, a.n - t0 < rows ? a.n - t0 : rows, (uint32_t) (i % n_kv_heads));
    }
  }
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, (size_t) c->n_heads * c->head_size, a.n);
}

void
qe_graph_attention_keys (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  const Attention a = find_attention (g, l, index);
  const QeProduct in[] = { qe_product (&l->k, g->wide + a.keys, g->ld_wide),
                           qe_product (&l->v, g->wide + a.values, g->ld_wide) };
  qe_matmul (g->matmul, w, in, 2, g->h, c->n_embd, c->n_embd, a.n);
  prepare (&a, w, false);
}
