/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers of a forward pass: how large each is, and all of them in one piece of memory. */
#include "model/qe-graph-private.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "qe-error.h"

#define ALIGN 64
#define BATCH_MAX 512

static size_t
max_size (size_t a, size_t b)
{
  return a > b ? a : b;
}

/* ---- sizes ----------------------------------------------------------------------------------------------------- */

/* Large batches read the weights less often. Cancellation is polled at each layer, so a batch of 64 rows for each layer
 * still has a poll for every 64 rows' worth of work. */
uint32_t
qe_graph_choose_batch_size (const QeConfig *config, uint32_t n_ctx)
{
  uint32_t size = config->n_layers < BATCH_MAX / 64 ? config->n_layers * 64 : BATCH_MAX;
  if (size > n_ctx)
    size = n_ctx > QE_DEFER_MAX ? n_ctx : QE_DEFER_MAX;
  return size;
}

void
qe_graph_measure (QeGraph *g, const QeConfig *config, uint32_t n_vocab, const QeGraphParams *params, uint32_t n_ctx)
{
  const QeConfig *c = config;
  const uint32_t block = (n_ctx / 64 + 255) / 256 * 256;
  g->config = config;
  g->n_threads = params->n_threads;
  g->n_vocab = n_vocab;
  g->n_ctx = n_ctx;
  g->speculative = params->speculative;
  g->batch_size = qe_graph_choose_batch_size (config, n_ctx);
  g->attend_block = block ? block : 256;
  g->n_blocks = (n_ctx + g->attend_block - 1) / g->attend_block;
  /* Rows are as wide as those of the widest block. */
  const size_t inner = (size_t) c->n_value_heads * c->state_size, attended = (size_t) c->n_heads * c->head_size;
  const size_t dense = c->moe ? c->n_ff_shared : c->n_ff;
  size_t wide = qe_config_channels (c) + inner + 2 * c->n_value_heads;
  wide = max_size (wide, 2 * attended + 2 * (size_t) c->n_kv_heads * c->head_size);
  wide = max_size (wide, 2 * dense + c->n_experts + 1);
  wide = max_size (wide, 2 * (size_t) c->n_embd); /* of the MTP block */
  g->ld_wide = (wide + 15) / 16 * 16;
  g->ld_narrow = (max_size (max_size (inner, attended), max_size (dense, c->n_embd)) + 15) / 16 * 16;
  /* A thread needs for itself a tile of attention, a part along the cache, a chunk or a step of the delta rule. */
  const size_t d = c->head_size, s = c->state_size, n = QE_DELTA_CHUNK;
  const size_t group = c->n_heads / c->n_kv_heads;
  const size_t tile = qe_attend_scratch (max_size (QE_ATTEND_QUERIES, group), d);
  const size_t along = group * g->attend_block;
  const size_t steps = s + s * s;
  const size_t delta = 2 * n * s + 2 * n * n + 2 * n * s + n * s + n * s + 2 * n;
  g->scratch_size = (max_size (max_size (tile, along), max_size (delta, steps)) + 15) / 16 * 16;
}

/* ---- lay-out --------------------------------------------------------------------------------------------------- */

typedef struct {
  char *base;
  size_t used;
} Layout;

static void *
take (Layout *a, size_t n, size_t size)
{
  void *p = a->base ? a->base + a->used : NULL;
  a->used += (n * size + ALIGN - 1) / ALIGN * ALIGN;
  return p;
}

static float *
take_floats (Layout *a, size_t n)
{
  return take (a, n, sizeof (float));
}

size_t
qe_graph_lay_out (QeGraph *g, char *base)
{
  const QeConfig *c = g->config;
  const size_t n = g->batch_size;
  Layout a = { base, 0 };
  g->x = take_floats (&a, n * c->n_embd);
  g->h = take_floats (&a, n * c->n_embd);
  g->wide = take_floats (&a, n * g->ld_wide);
  g->narrow = take_floats (&a, n * g->ld_narrow);
  g->cosine = take_floats (&a, n * c->rope_dims / 2);
  g->sine = take_floats (&a, n * c->rope_dims / 2);
  g->scratch = take_floats (&a, g->n_threads * g->scratch_size);
  g->conv_saved = take_floats (&a, (size_t) c->conv_kernel * qe_config_channels (c));
  g->partials = take_floats (&a, (size_t) QE_ATTEND_FEW * c->n_heads * g->n_blocks * (c->head_size + 2));
  if (c->moe) {
    const size_t slots = (size_t) g->batch_size * c->n_experts_used;
    g->expert_in = take_floats (&a, slots * 2 * c->n_ff_expert);
    g->expert_out = take_floats (&a, slots * c->n_embd);
    g->expert_weight = take_floats (&a, slots);
    g->expert_choice = take (&a, slots, sizeof (uint32_t));
    g->expert_slot = take (&a, slots, sizeof (uint32_t));
    g->slot_row = take (&a, slots, sizeof (uint32_t));
    g->slot_self = take (&a, slots, sizeof (uint32_t));
    g->expert_start = take (&a, c->n_experts + 1, sizeof (uint32_t));
    g->products = take (&a, 2 * (size_t) c->n_experts, sizeof *g->products);
  }
  if (g->speculative) {
    uint32_t n_state_layers = 0;
    for (uint32_t i = 0; i < c->n_layers; i++)
      n_state_layers += c->recurrent[i];
    g->deferred = take_floats (&a, (size_t) n_state_layers * QE_DEFER_MAX * qe_config_channels (c));
  }
  return a.used;
}

/* ---- the object ------------------------------------------------------------------------------------------------ */

static size_t
widest_input (const QeConfig *c, size_t ld_narrow)
{
  return max_size (max_size (c->n_embd * 2, ld_narrow), c->n_ff_expert);
}

QeStatus
qe_graph_new (QeGraph **out, QeModel *model, QeCache *cache, const QeGraphParams *params, QeError *err)
{
  const QeConfig *c = &model->config;
  QeStatus status;
  QeGraph *g = calloc (1, sizeof *g);
  if (!g)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's buffers.");
  g->model = model;
  g->weights = &model->weights;
  g->cache = cache;
  g->kernels = qe_kernels ();
  qe_graph_measure (g, c, model->weights.n_vocab, params, cache->n_ctx);
  g->memory_bytes = qe_graph_lay_out (g, NULL);
  g->memory = mmap (NULL, g->memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (g->memory == MAP_FAILED) {
    g->memory = NULL;
    qe_graph_free (g);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's buffers.");
  }
  madvise (g->memory, g->memory_bytes, MADV_HUGEPAGE); /* rows are far apart: fewer pages to look up */
  qe_graph_lay_out (g, g->memory);
  status = qe_graph_reserve_logits (g, QE_DEFER_MAX, err);
  if (status == QE_OK)
    status = qe_pool_new (&g->pool, g->n_threads, err);
  if (status == QE_OK)
    status = qe_matmul_new (&g->matmul, g->n_threads, widest_input (c, g->ld_narrow), g->batch_size, err);
  if (status != QE_OK) {
    qe_graph_free (g);
    return status;
  }
  *out = g;
  return QE_OK;
}

void
qe_graph_free (QeGraph *graph)
{
  if (!graph)
    return;
  qe_matmul_free (graph->matmul);
  qe_pool_free (graph->pool);
  if (graph->memory)
    munmap (graph->memory, graph->memory_bytes);
  free (graph->logits);
  free (graph);
}

QeStatus
qe_graph_reserve_logits (QeGraph *graph, uint32_t n, QeError *err)
{
  float *logits;
  if (n <= graph->max_logits)
    return QE_OK;
  logits = malloc ((size_t) n * graph->n_vocab * sizeof *logits);
  if (!logits)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's results.");
  free (graph->logits);
  graph->logits = logits;
  graph->max_logits = n;
  return QE_OK;
}

size_t
qe_graph_bytes (const QeConfig *config, uint32_t n_vocab, const QeGraphParams *params, uint32_t n_ctx)
{
  QeGraph g = { 0 };
  qe_graph_measure (&g, config, n_vocab, params, n_ctx);
  return qe_graph_lay_out (&g, NULL) + (size_t) QE_DEFER_MAX * n_vocab * sizeof (float)
         + qe_matmul_scratch_bytes (params->n_threads, widest_input (config, g.ld_narrow), g.batch_size);
}

uint32_t
qe_graph_batch_size (const QeGraph *graph)
{
  return graph->batch_size;
}

unsigned
qe_graph_threads (const QeGraph *graph)
{
  return graph->n_threads;
}

float *
qe_graph_logits (const QeGraph *graph, uint32_t i)
{
  return graph->logits + (size_t) i * graph->n_vocab;
}

const float *
qe_graph_hidden (const QeGraph *graph, uint32_t row)
{
  return graph->h + (size_t) row * graph->config->n_embd;
}
