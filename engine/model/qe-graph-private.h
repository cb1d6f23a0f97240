/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "model/qe-graph.h"
#include "model/qe-head-sketch.h"

/* What the files that make up a forward pass share. Functions with a QeWorker are called by every thread of the pass
 * with the same arguments. Their inputs are whole when they are called (a barrier lies before), their outputs when they
 * return, except where it is said otherwise.
 *
 * Shapes, for a batch of n rows:
 *   x       [n][n_embd]     the residual stream
 *   h       [n][n_embd]     what a block reads, normed, and then what it adds to x
 *   wide    [n][ld_wide]    the first products of a block
 *   narrow  [n][ld_narrow]  what goes into its last product */

#define QE_DELTA_CHUNK 64                     /* rows that the delta rule takes in one step of matrix products */
#define QE_DELTA_CHUNK_MIN (QE_DEFER_MAX + 1) /* fewer rows go one by one */
#define QE_ATTEND_FEW QE_DEFER_MAX            /* up to as many rows, attention goes along the cache; else in tiles */

struct QeGraph {
  const QeModel *model;
  const QeConfig *config;
  const QeWeights *weights;
  QeCache *cache;
  QePool *pool;
  QeMatmul *matmul;
  const QeKernels *kernels;
  unsigned n_threads;
  uint32_t batch_size, max_logits, n_vocab, n_ctx;
  bool speculative;

  size_t ld_wide, ld_narrow;
  float *x, *h, *wide, *narrow;
  float *cosine, *sine; /* [batch][rope_dims / 2] */
  float *logits;        /* [max_logits][n_vocab], memory of its own */

  float *scratch; /* [n_threads][scratch_size] */
  size_t scratch_size;
  float *conv_saved;               /* [conv_kernel][channels] */
  float *partials;                 /* of attention along the cache: [QE_ATTEND_FEW][n_heads][n_blocks][head_size + 2] */
  uint32_t attend_block, n_blocks; /* rows of the cache that are taken together; most of them */

  /* mixture of experts: a slot is one row in one of its experts; slots are sorted by expert */
  float *expert_in;           /* [slots][2 * n_ff_expert]: gate, up */
  float *expert_out;          /* [slots][n_embd] */
  float *expert_weight;       /* [n][n_experts_used] */
  uint32_t *expert_choice;    /* [n][n_experts_used] */
  uint32_t *expert_slot;      /* [n][n_experts_used] */
  uint32_t *slot_row;         /* [slots] */
  uint32_t *slot_self;        /* [slots]: 0, 1, 2 … */
  uint32_t *expert_start;     /* [n_experts + 1] */
  QeGroupedProduct *products; /* [2 * n_experts] */
  size_t n_active;            /* experts with at least one row */

  float *deferred; /* [n_state_layers][QE_DEFER_MAX][channels]: inputs of convolutions; NULL unless speculative */

  void *memory; /* all of the above */
  size_t memory_bytes;

  const QeBatch *batch; /* the one in work */
  atomic_bool cancelled;
};

/* Sets every pointer of g into `base` (NULL: only counts) and returns the bytes needed. */
size_t qe_graph_lay_out (QeGraph *g, char *base);
/* The numbers that qe_graph_lay_out() needs. */
void qe_graph_measure (QeGraph *g, const QeConfig *config, uint32_t n_vocab, const QeGraphParams *params,
                       uint32_t n_ctx);

/* One block each: h in, h out. `index` counts layers of the same kind. */
void qe_graph_attention (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index);
/* Only brings keys and values into the cache; h stays. Its output is not whole before the next barrier. */
void qe_graph_attention_keys (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index);
void qe_graph_delta_net (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index);
void qe_graph_delta_net_done (QeGraph *g, const QeBatch *batch); /* once, after a pass */
void qe_graph_feed_forward (QeGraph *g, QeWorker *w, const QeLayer *l);
void qe_graph_mixture (QeGraph *g, QeWorker *w, const QeLayer *l);

/* Rough logits of the batch's last rows. What they are of is not whole before the next barrier. */
void qe_graph_rough_head (QeGraph *g, QeWorker *w);
/* Runs func on all threads, or on the caller's only where that is enough. bytes: of weights times tokens. */
void qe_graph_run_worker (const QeGraph *graph, QePoolFunc func, void *data, uint64_t bytes);

/* Steps of a pass that the trunk and the MTP block share: qe-forward.c. */
void qe_graph_embed (const QeGraph *g, const QeWeight *table, const QeRow *row, float *x);
void qe_graph_angles (QeGraph *g, uint32_t t);
/* x += h; h = norm (x) * weight. Each thread writes its rows only: no barrier is needed before, one is after. */
void qe_graph_add_and_norm (QeGraph *g, QeWorker *w, const float *weight);

/* y [n][rows] = w x, to a column of an output with ldy columns. */
static inline QeProduct
qe_product (const QeWeight *w, float *y, size_t ldy)
{
  return (QeProduct) { w->data, w->type, w->rows, y, ldy, w->scale };
}

static inline float *
qe_graph_scratch (const QeGraph *g, const QeWorker *w)
{
  return g->scratch + w->index * g->scratch_size;
}

/* The graph of the context that row t of the batch is of. */
static inline const QeGraph *
qe_graph_home (const QeGraph *g, uint32_t t)
{
  return g->batch->homes ? g->batch->homes[t].graph : g;
}

/* The row of that context's cache where row t goes. */
static inline uint32_t
qe_graph_place (const QeGraph *g, uint32_t t)
{
  return g->batch->homes ? g->batch->homes[t].at : g->batch->start + t;
}

/* This thread's share [*first, *end) of `total` things that cost the same. */
static inline void
qe_graph_share (const QeWorker *w, size_t total, size_t *first, size_t *end)
{
  *first = total * w->index / w->n;
  *end = total * (w->index + 1) / w->n;
}
