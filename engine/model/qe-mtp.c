/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prediction block (multi-token prediction, engine/doc/qwen35.md §6.1): one more attention block, which reads a token together
 * with the hidden vector that the trunk made of the row before it, and guesses the token after. */
#include "model/qe-graph-private.h"

#include <string.h>

static void
mtp_worker (QeWorker *w, void *data)
{
  QeGraph *g = data;
  const QeBatch *b = g->batch;
  const QeMtp *m = g->weights->mtp;
  const size_t n_embd = g->config->n_embd;
  const uint32_t index = g->cache->n_kv_layers - 1;
  const QeProduct join = qe_product (&m->join, g->x, n_embd), head = qe_product (&m->head, g->logits, g->n_vocab);
  size_t first, end;
  qe_graph_share (w, b->n, &first, &end);
  for (size_t t = first; t < end; t++) { /* rows of wide: the embedding, then the hidden vector, each normed */
    float *x = g->wide + t * g->ld_wide;
    qe_graph_embed (g, &m->embd, &b->rows[t], x);
    g->kernels->rms_norm (x, x, m->embd_norm, n_embd, g->config->eps);
    g->kernels->rms_norm (x + n_embd, b->hidden + t * n_embd, m->hidden_norm, n_embd, g->config->eps);
    qe_graph_angles (g, (uint32_t) t);
    memset (g->h + t * n_embd, 0, n_embd * sizeof *g->h);
  }
  qe_matmul (g->matmul, w, &join, 1, g->wide, g->ld_wide, 2 * n_embd, b->n);
  qe_graph_add_and_norm (g, w, m->layer.mixer_norm);
  if (!b->n_logits) {
    qe_graph_attention_keys (g, w, &m->layer, index);
    return;
  }
  qe_graph_attention (g, w, &m->layer, index);
  qe_graph_add_and_norm (g, w, m->layer.ffn_norm);
  if (g->config->moe)
    qe_graph_mixture (g, w, &m->layer);
  else
    qe_graph_feed_forward (g, w, &m->layer);
  qe_graph_add_and_norm (g, w, m->out_norm);
  qe_worker_barrier (w);
  if (b->rough)
    qe_graph_rough_head (g, w);
  else
    qe_matmul (g->matmul, w, &head, 1, g->h, n_embd, n_embd, 1);
}

void
qe_graph_predict (QeGraph *graph, const QeBatch *batch)
{
  graph->batch = batch;
  qe_pool_run (graph->pool, mtp_worker, graph);
  graph->batch = NULL;
}
