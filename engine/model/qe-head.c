/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head: logits of the last rows of a batch, whole or rough. */
#include "model/qe-graph-private.h"

#include <string.h>

/* ---- whole logits ---------------------------------------------------------------------------------------------- */

typedef struct {
  QeGraph *g;
  const float *x;
  float *logits;
  uint32_t n;
  const int32_t *tokens; /* [n_tokens]: only these; NULL: all */
  size_t n_tokens;
} HeadPass;

static void
head_worker (QeWorker *w, void *data)
{
  const HeadPass *h = data;
  const QeGraph *g = h->g;
  const size_t n_embd = g->config->n_embd;
  const QeProduct head = qe_product (&g->weights->head, h->logits, g->n_vocab);
  if (h->tokens)
    qe_matmul_rows (g->matmul, w, &head, h->tokens, h->n_tokens, h->x, n_embd);
  else
    qe_matmul (g->matmul, w, &head, 1, h->x, n_embd, n_embd, h->n);
}

QeStatus
qe_graph_head (QeGraph *graph, const float *x, uint32_t n, float *logits, QeError *err)
{
  HeadPass h = { .g = graph, .x = x, .logits = logits, .n = n };
  qe_graph_run_worker (graph, head_worker, &h, graph->model->info.decode_bytes * n);
  return graph->kernels->is_finite (logits, (size_t) n * graph->n_vocab) ? QE_OK : qe_graph_fail_numeric (err);
}

void
qe_graph_head_tokens (QeGraph *graph, const float *x, const int32_t *tokens, size_t n_tokens, float *logits)
{
  HeadPass h = { .g = graph, .x = x, .logits = logits, .n = 1, .tokens = tokens, .n_tokens = n_tokens };
  qe_graph_run_worker (graph, head_worker, &h, n_tokens * graph->config->n_embd);
}

/* ---- rough logits ---------------------------------------------------------------------------------------------- */

#define LEAST_ROWS 256 /* that a thread takes at a time */

void
qe_graph_advance_sketch (QeGraph *graph, QeHeadSketch *sketch)
{
  if (!qe_head_sketch_is_ready (sketch))
    qe_head_sketch_advance (sketch, &graph->weights->head, graph->pool);
}

/* As matrix products do, the threads take parts of what is left, the largest first, because memory comes faster in long runs. */
void
qe_graph_rough_head (QeGraph *g, QeWorker *w)
{
  QeRoughRows *rough = g->batch->rough;
  const QeHeadSketch *s = rough->sketch;
  const size_t n_embd = g->config->n_embd, ldp = s->n_blocks * QE_SKETCH_COLUMNS;
  const uint32_t n_rows = g->batch->n_logits, base = g->batch->n - n_rows;
  for (uint32_t i = w->index; i < n_rows; i += w->n) {
    float *x = rough->x + i * n_embd;
    memcpy (x, g->h + (base + i) * n_embd, n_embd * sizeof *x);
    memset (rough->p + i * ldp, 0, ldp);
    g->kernels->sketch_input (rough->p + i * ldp, &rough->input[i], x, &s->columns, n_embd);
  }
  qe_worker_barrier (w);
  size_t mine = qe_worker_next (w), number = 0, n;
  for (size_t r = 0; r < s->n_rows; r += n) {
    const size_t left = s->n_rows - r, share = left * 4 / (5 * g->n_threads);
    n = share > LEAST_ROWS ? share : left < LEAST_ROWS ? left : LEAST_ROWS;
    if (number++ != mine)
      continue;
    const QeSketchArgs args = { s->blocks + r * s->n_blocks,
                                s->scales + r,
                                n,
                                s->n_blocks,
                                n_rows,
                                rough->p,
                                rough->input,
                                g->logits + r,
                                g->n_vocab };
    g->kernels->sketch (&args);
    mine = qe_worker_next (w);
  }
}
