/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gated DeltaNet (engine/doc/qwen35.md §4.3): a short causal convolution, then a recurrent state that the delta rule writes
 * and queries read (qe-delta-rule.c). With u = wide, a row is: queries, keys, values, z, beta, alpha. */
#include "model/qe-delta-net.h"

#include <math.h>
#include <string.h>

/* ---- convolution ----------------------------------------------------------------------------------------------- */

/* Rows of the convolution's input that the next one still needs. */
static uint32_t
n_history (const QeDeltaNet *net)
{
  return net->cache->n_history;
}

/* Row t of the input, from column c on; negative rows are of earlier batches. */
static const float *
input_row (const QeDeltaNet *net, int t, size_t c)
{
  return t < 0 ? qe_cache_history (net->cache, net->layer, (uint32_t) ((int) n_history (net) + t)) + c
               : net->wide + (size_t) t * net->g->ld_wide + c;
}

/* Where the input of row t goes when what comes of it takes its place. A single row needs the oldest of the history no
 * more; more rows need it until they are done, hence keep_history(). */
static float *
kept_row (const QeDeltaNet *net, uint32_t t)
{
  const uint32_t n = n_history (net);
  if (net->deferred)
    return net->deferred + (size_t) t * net->channels;
  if (net->n == 1)
    return qe_cache_history (net->cache, net->layer, 0);
  return net->g->conv_saved + (t + n < net->n ? n : t + n - net->n) * net->channels; /* the last one is nobody's */
}

/* Columns [c, end) of the last rows become history. */
static void
keep_history (const QeDeltaNet *net, size_t c, size_t end)
{
  const uint32_t n = n_history (net);
  for (uint32_t t = net->n > n ? net->n - n : 0; t < net->n; t++)
    memcpy (qe_cache_history (net->cache, net->layer, t) + c, kept_row (net, t) + c, (end - c) * sizeof (float));
}

/* ---- the block ------------------------------------------------------------------------------------------------- */

/* Of the batch's row `row`, if its rows are of several contexts; else of all rows, and `row` is 0. */
static QeDeltaNet
find_net (QeGraph *g, const QeLayer *l, uint32_t index, uint32_t row)
{
  const QeConfig *c = g->config;
  QeDeltaNet net = { .g = g, .l = l, .layer = index, .n = g->batch->homes ? 1 : g->batch->n, .s = c->state_size };
  net.cache = qe_graph_home (g, row)->cache;
  net.wide = g->wide + row * g->ld_wide;
  net.narrow = g->narrow + row * g->ld_narrow;
  net.channels = qe_config_channels (c);
  net.state = net.cache->state + index * net.cache->state_size;
  net.deferred = g->batch->defer ? g->deferred + (size_t) index * QE_DEFER_MAX * net.channels : NULL;
  net.z = net.channels;
  net.beta = net.z + (size_t) c->n_value_heads * c->state_size;
  net.alpha = net.beta + c->n_value_heads;
  return net;
}

/* Each thread convolves the columns of some heads. It goes from the last row back, so that a row's inputs are still there. */
static void
convolve (const QeDeltaNet *net, QeWorker *w)
{
  const QeGraph *g = net->g;
  const QeConfig *c = g->config;
  const uint32_t kernel = c->conv_kernel;
  const size_t keys = (size_t) c->n_key_heads * net->s; /* columns of queries, then of keys */
  const float query_factor = 1.0f / sqrtf ((float) net->s);
  size_t first, end;
  qe_graph_share (w, net->channels / net->s, &first, &end);
  first *= net->s;
  end *= net->s;
  for (int t = (int) net->n - 1; t >= 0; t--) {
    const float *rows[16];
    float *y = net->wide + (size_t) t * g->ld_wide;
    for (uint32_t j = 0; j < kernel; j++)
      rows[j] = input_row (net, t - (int) kernel + 1 + (int) j, first);
    g->kernels->conv_silu (y + first, kept_row (net, (uint32_t) t) + first, rows, kernel, net->l->conv + first,
                           net->channels, end - first);
    for (size_t column = first; column < end && column < 2 * keys; column += net->s) /* head by head */
      g->kernels->l2_norm (y + column, net->s, c->eps, column < keys ? query_factor : 1.0f);
  }
  if (net->n > 1 && !net->deferred)
    keep_history (net, first, end);
  if (qe_delta_net_steps (net)) { /* the keys go with what each row writes */
    const size_t begin = first > keys ? first : keys, stop = end < 2 * keys ? end : 2 * keys;
    for (uint32_t t = 0; begin < stop && t < net->n; t++)
      memcpy (qe_cache_write (net->cache, net->layer, net->cache->n_writes + t) + begin - keys,
              input_row (net, (int) t, begin), (stop - begin) * sizeof (float));
  }
}

void
qe_graph_delta_net (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  const uint32_t n_nets = g->batch->homes ? g->batch->n : 1;
  QeDeltaNet nets[QE_DEFER_MAX];
  for (uint32_t i = 0; i < n_nets; i++)
    nets[i] = find_net (g, l, index, i);
  const QeProduct in[] = {
    qe_product (&l->qkv, g->wide, g->ld_wide),
    qe_product (&l->z, g->wide + nets[0].z, g->ld_wide),
    qe_product (&l->beta, g->wide + nets[0].beta, g->ld_wide),
    qe_product (&l->alpha, g->wide + nets[0].alpha, g->ld_wide),
  };
  const QeProduct out = qe_product (&l->ssm_out, g->h, c->n_embd);
  qe_matmul (g->matmul, w, in, 4, g->h, c->n_embd, c->n_embd, g->batch->n);
  for (uint32_t i = 0; i < n_nets; i++)
    convolve (&nets[i], w);
  qe_worker_barrier (w);
  qe_delta_rule (nets, n_nets, w);
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, (size_t) c->n_value_heads * c->state_size, g->batch->n);
}

/* ---- after a pass ---------------------------------------------------------------------------------------------- */

void
qe_graph_delta_net_done (QeGraph *g, const QeBatch *batch)
{
  for (uint32_t i = 0; batch->homes && i < batch->n; i++)
    qe_cache_add_rows (batch->homes[i].graph->cache, 1);
  if (!batch->homes && !batch->defer)
    qe_cache_add_rows (g->cache, batch->n);
  if (batch->n >= QE_DELTA_CHUNK_MIN) /* which have written the state themselves */
    g->cache->n_writes = 0;
}

/* Each head of each layer, in turn. g->batch: the rows of a deferred one that stay, or none, when all is to be settled. */
static void
settle_worker (QeWorker *w, void *data)
{
  QeGraph *g = data;
  const uint32_t n_heads = g->config->n_value_heads, n = g->cache->n_writes + g->batch->n;
  const uint32_t due = !g->batch->defer ? n : n < QE_WRITES_TOGETHER ? 0 : QE_WRITES_TOGETHER;
  for (size_t i = qe_worker_next (w); i < (size_t) g->cache->n_state_layers * n_heads; i = qe_worker_next (w)) {
    const QeDeltaNet net = find_net (g, NULL, (uint32_t) (i / n_heads), 0);
    const uint32_t head = (uint32_t) (i % n_heads);
    qe_delta_rule_write (&net, head, due);
    if (head == 0 && g->batch->defer)
      keep_history (&net, 0, net.channels);
    else if (head == 0) { /* turns the ring, so that the oldest row of history comes first */
      float *history = g->cache->conv + net.layer * n_history (&net) * net.channels, column[16];
      for (size_t c = 0; c < net.channels; c++) {
        for (uint32_t row = 0; row < n_history (&net); row++)
          column[row] = qe_cache_history (g->cache, net.layer, row)[c];
        for (uint32_t row = 0; row < n_history (&net); row++)
          history[row * net.channels + c] = column[row];
      }
    }
  }
}

static void
settle (QeGraph *g, const QeBatch *batch)
{
  g->batch = batch;
  qe_pool_run (g->pool, settle_worker, g);
  g->batch = NULL;
}

void
qe_graph_commit (QeGraph *graph, uint32_t n)
{
  if (!n)
    return;
  settle (graph, &(QeBatch) { .n = n, .defer = true });
  qe_cache_add_rows (graph->cache, n);
}

void
qe_graph_settle (QeGraph *graph)
{
  if (!graph->cache->n_writes && !graph->cache->first_history)
    return;
  settle (graph, &(QeBatch) { 0 });
  graph->cache->n_writes = graph->cache->first_history = 0;
}
