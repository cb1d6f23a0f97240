/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multi-token prediction (engine/doc/qwen35.md §6.1): one more attention block that reads a token together with what the trunk
 * made of the row before it, and guesses the token after. Slot i of its cache stands for the token of row i + 1 and the
 * hidden vector of row i. Its guesses are only guesses: nothing here can change a text. */
#include "model/qe-graph-private.h"

#include <string.h>

bool
qe_graph_has_mtp (const QeGraph *graph)
{
  return graph->mtp_rows && graph->weights->mtp;
}

void
qe_graph_mtp_forget (QeGraph *graph)
{
  if (qe_graph_has_mtp (graph))
    memset (graph->mtp_last, 0, graph->config->n_embd * sizeof (float));
}

/* Rows of wide: the embedding, then the hidden vector, each normed. */
static void
begin (QeGraph *g, QeWorker *w)
{
  const QeMtp *m = g->weights->mtp;
  const size_t n_embd = g->config->n_embd;
  size_t first, end;
  qe_graph_share (w, g->batch->n, &first, &end);
  for (size_t t = first; t < end; t++) {
    float *x = g->wide + t * g->ld_wide;
    qe_graph_embed (g, &m->embd, &g->batch->rows[t], x);
    g->kernels->rms_norm (x, x, m->embd_norm, n_embd, g->config->eps);
    g->kernels->rms_norm (x + n_embd, g->mtp_hidden + t * n_embd, m->hidden_norm, n_embd, g->config->eps);
    qe_graph_angles (g, (uint32_t) t);
    memset (g->h + t * n_embd, 0, n_embd * sizeof *g->h);
  }
}

static void
finish (QeGraph *g, QeWorker *w)
{
  const QeMtp *m = g->weights->mtp;
  const QeProduct head = qe_product (&m->head, g->logits, g->n_vocab);
  qe_graph_add_and_norm (g, w, m->out_norm);
  qe_worker_barrier (w);
  if (g->batch->sketch)
    qe_graph_sketch_head (g, w);
  else
    qe_matmul (g->matmul, w, &head, 1, g->h, g->config->n_embd, g->config->n_embd, 1);
}

static void
mtp_worker (QeWorker *w, void *data)
{
  QeGraph *g = data;
  const QeMtp *m = g->weights->mtp;
  const size_t n_embd = g->config->n_embd;
  const uint32_t index = g->cache->n_kv_layers - 1;
  const QeProduct join = qe_product (&m->join, g->x, n_embd);
  begin (g, w);
  qe_matmul (g->matmul, w, &join, 1, g->wide, g->ld_wide, 2 * n_embd, g->batch->n);
  qe_graph_add_and_norm (g, w, m->layer.mixer_norm);
  if (!g->mtp_full) {
    qe_graph_attention_keys (g, w, &m->layer, index);
    return;
  }
  qe_graph_attention (g, w, &m->layer, index);
  qe_graph_add_and_norm (g, w, m->layer.ffn_norm);
  if (g->config->moe)
    qe_graph_mixture (g, w, &m->layer);
  else
    qe_graph_feed_forward (g, w, &m->layer);
  finish (g, w);
}

/* Its head is the trunk's, which has a sketch. */
static bool
shares_sketch (QeGraph *g)
{
  return g->weights->mtp->head.data == g->weights->head.data && qe_graph_can_sketch (g);
}

/* The pass over mtp_rows and mtp_hidden, which go to slots from `slot` on. */
static void
run (QeGraph *g, uint32_t n, uint32_t slot, bool full, bool sketch)
{
  const QeBatch batch = { .rows = g->mtp_rows, .n = n, .start = slot, .n_logits = full, .sketch = sketch };
  for (uint32_t i = 0; i < n; i++)
    for (int p = 0; p < 3; p++)
      g->mtp_rows[i].position[p] = slot + i;
  g->batch = &batch;
  g->mtp_full = full;
  qe_pool_run (g->pool, mtp_worker, g);
  g->batch = NULL;
}

void
qe_graph_mtp_learn (QeGraph *graph, const QeRow *rows, uint32_t n, uint32_t start)
{
  const size_t n_embd = graph->config->n_embd, bytes = n_embd * sizeof (float);
  const uint32_t first = start == 0; /* nothing comes before the first row of all */
  if (!qe_graph_has_mtp (graph) || !n)
    return;
  memcpy (graph->mtp_hidden, graph->mtp_last, bytes);
  memcpy (graph->mtp_hidden + n_embd, graph->h, (n - 1) * bytes);
  memcpy (graph->mtp_last, graph->h + (n - 1) * n_embd, bytes);
  if (first)
    memmove (graph->mtp_hidden, graph->mtp_hidden + n_embd, (n - 1) * bytes);
  memcpy (graph->mtp_rows, rows + first, (n - first) * sizeof *rows);
  if (n > first)
    run (graph, n - first, start + first - 1, false, false);
}

/* rough: the logits are a sketch's, from which the largest is found all the same. */
static int32_t
largest (QeGraph *g, bool rough)
{
  int32_t token;
  if (rough) {
    QeRoughLogits logits;
    qe_graph_rough_logits (g, 0, &logits);
    if (qe_sampler_pick_rough (g->greedy, &logits, g->n_vocab, NULL, &token))
      return token;
    qe_graph_complete (g, 0, NULL);
  }
  const float max = g->kernels->max (g->logits, g->n_vocab);
  for (uint32_t i = 0; i < g->n_vocab; i++)
    if (g->logits[i] == max)
      return (int32_t) i;
  return 0;
}

/* A head that is shared was looked at when the trunk's logits were; one of its own is looked at here. */
static bool
is_finite (const QeGraph *g)
{
  const QeWeights *w = g->weights;
  return g->kernels->is_finite (g->h, g->config->n_embd)
         && (w->mtp->head.data == w->head.data || g->kernels->is_finite (g->logits, g->n_vocab));
}

QeStatus
qe_graph_mtp_draft (QeGraph *graph, int32_t token, uint32_t length, int32_t *out, uint32_t n, QeError *err)
{
  const size_t bytes = graph->config->n_embd * sizeof (float);
  memcpy (graph->mtp_hidden, graph->mtp_last, bytes);
  for (uint32_t i = 0; i < n; i++) {
    graph->mtp_rows[0] = (QeRow) { .token = token };
    const bool rough = shares_sketch (graph);
    run (graph, 1, length - 1 + i, true, rough);
    if (!is_finite (graph))
      return qe_graph_fail_numeric (err);
    memcpy (graph->mtp_hidden, graph->h, bytes);
    token = out[i] = largest (graph, rough);
  }
  return QE_OK;
}
