/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk through a model (engine/doc/qwen35.md §4.1): one parallel region in which every thread follows the same list of
 * operations. */
#include "model/qe-graph-private.h"

#include <math.h>
#include <string.h>

#include "qe-error.h"

/* ---- ends ------------------------------------------------------------------------------------------------------ */

void
qe_graph_embed (const QeGraph *g, const QeWeight *table, const QeRow *row, float *x)
{
  const size_t n_embd = g->config->n_embd, bytes = qe_row_bytes (qe_type_traits (table->type), n_embd);
  if (row->embedding) {
    memcpy (x, row->embedding, n_embd * sizeof *x);
    return;
  }
  qe_dequantise (table->type, (const char *) table->data + (size_t) row->token * bytes, x, n_embd);
  if (table->scale)
    g->kernels->scale (x, *table->scale, n_embd);
}

void
qe_graph_angles (QeGraph *g, uint32_t t)
{
  const QeConfig *c = g->config;
  const uint32_t pairs = c->rope_dims / 2;
  for (uint32_t p = 0; p < pairs; p++) {
    /* Sections of pairs that turn by time, height and width are interleaved; what is left over follows time. */
    const uint32_t axis = p % 3 && p < 3 * c->rope_sections[p % 3] ? p % 3 : 0;
    const double angle = g->batch->rows[t].position[axis] * c->rope_rates[p];
    g->cosine[(size_t) t * pairs + p] = (float) (c->rope_magnitude * cos (angle));
    g->sine[(size_t) t * pairs + p] = (float) (c->rope_magnitude * sin (angle));
  }
}

void
qe_graph_add_and_norm (QeGraph *g, QeWorker *w, const float *weight)
{
  const size_t n_embd = g->config->n_embd;
  size_t first, end;
  qe_graph_share (w, g->batch->n, &first, &end);
  for (size_t t = first; t < end; t++) {
    float *x = g->x + t * n_embd, *h = g->h + t * n_embd;
    g->kernels->add (x, h, n_embd);
    g->kernels->rms_norm (h, x, weight, n_embd, g->config->eps);
  }
}

/* ---- the walk -------------------------------------------------------------------------------------------------- */

/* Every thread sees the same answer: thread 0 asks, a barrier follows. */
static bool
is_cancelled (QeGraph *g, QeWorker *w)
{
  const QeControl *control = g->batch->control;
  if (g->batch->n == 1 || !control || !control->cancelled)
    return false;
  if (w->index == 0 && control->cancelled (control->data))
    atomic_store_explicit (&g->cancelled, true, memory_order_relaxed);
  qe_worker_barrier (w);
  return atomic_load_explicit (&g->cancelled, memory_order_relaxed);
}

/* Rows of several contexts, once they have their logits: each context's graph gets what is its own. */
static void
hand_out (QeGraph *g, QeWorker *w)
{
  const QeBatch *b = g->batch;
  const size_t n_embd = g->config->n_embd;
  size_t first, end;
  qe_graph_share (w, g->n_vocab, &first, &end);
  for (uint32_t t = 1; t < b->n; t++) { /* the first row's are where they belong */
    const QeRowHome *home = &b->homes[t];
    memcpy (home->graph->logits + first, g->logits + t * (size_t) g->n_vocab + first, (end - first) * sizeof (float));
    if (t % w->n != w->index)
      continue;
    memcpy (home->graph->h, g->h + t * n_embd, n_embd * sizeof (float));
    if (b->rough) {
      memcpy (home->rough->x, b->rough->x + t * n_embd, n_embd * sizeof (float));
      home->rough->input[0] = b->rough->input[t];
    }
  }
}

static void
forward_worker (QeWorker *w, void *data)
{
  QeGraph *g = data;
  const QeBatch *b = g->batch;
  const size_t n_embd = g->config->n_embd;
  const QeProduct head = qe_product (&g->weights->head, g->logits, g->n_vocab);
  uint32_t n_recurrent = 0, n_attention = 0;
  size_t first, end;
  qe_graph_share (w, b->n, &first, &end);
  for (size_t t = first; t < end; t++) {
    qe_graph_embed (g, &g->weights->embd, &b->rows[t], g->x + t * n_embd);
    qe_graph_angles (g, (uint32_t) t);
    memset (g->h + t * n_embd, 0, n_embd * sizeof *g->h);
  }
  for (uint32_t i = 0; i < g->config->n_layers; i++) {
    const QeLayer *l = &g->weights->layers[i];
    if (is_cancelled (g, w))
      return;
    qe_graph_add_and_norm (g, w, l->mixer_norm);
    if (l->recurrent)
      qe_graph_delta_net (g, w, l, n_recurrent++);
    else
      qe_graph_attention (g, w, l, n_attention++);
    qe_graph_add_and_norm (g, w, l->ffn_norm);
    if (g->config->moe)
      qe_graph_mixture (g, w, l);
    else
      qe_graph_feed_forward (g, w, l);
  }
  qe_graph_add_and_norm (g, w, g->weights->out_norm);
  qe_worker_barrier (w);
  if (b->n_logits && b->rough)
    qe_graph_rough_head (g, w);
  else if (b->n_logits)
    qe_matmul (g->matmul, w, &head, 1, g->h + (b->n - b->n_logits) * n_embd, n_embd, n_embd, b->n_logits);
  if (b->homes) {
    qe_worker_barrier (w);
    hand_out (g, w);
  }
}

/* Below this, in bytes of weights times tokens, a pass is over in a millisecond on one thread. A second one would save
 * half of that at best; where other programs keep a processor busy it costs a time slice at any of the barriers. */
#define ALONE_BYTES (12u << 20)

void
qe_graph_run_worker (const QeGraph *graph, QePoolFunc func, void *data, uint64_t bytes)
{
  if (bytes <= ALONE_BYTES)
    qe_pool_run_alone (graph->pool, func, data);
  else
    qe_pool_run (graph->pool, func, data);
}

QeStatus
qe_graph_fail_numeric (QeError *err)
{
  return qe_fail (
      err, QE_ERROR_NUMERIC,
      "The model's results are not finite numbers: its file is damaged or badly made. Download it again or take another.");
}

QeStatus
qe_graph_run (QeGraph *graph, const QeBatch *batch, QeError *err)
{
  QeStatus status;
  graph->batch = batch;
  atomic_store (&graph->cancelled, false);
  qe_graph_run_worker (graph, forward_worker, graph, graph->model->info.decode_bytes * batch->n);
  qe_graph_delta_net_done (graph, batch);
  graph->batch = NULL;
  if (atomic_load (&graph->cancelled))
    return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
  status = qe_gguf_check_unchanged (graph->model->gguf, err);
  if (status == QE_OK && graph->model->companion)
    status = qe_gguf_check_unchanged (graph->model->companion, err);
  for (uint32_t i = 0; batch->homes && i < batch->n; i++)
    batch->homes[i].finite = graph->kernels->is_finite (qe_graph_logits (batch->homes[i].graph, 0), graph->n_vocab);
  if (status == QE_OK && !batch->homes
      && !graph->kernels->is_finite (graph->logits, (size_t) batch->n_logits * graph->n_vocab))
    status = qe_graph_fail_numeric (err);
  return status;
}
