/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head: logits of the last rows of a batch, in full or by the sketch. */
#include "model/qe-graph-private.h"

#include <math.h>
#include <string.h>

/* ---- in full --------------------------------------------------------------------------------------------------- */

typedef struct {
  QeGraph *g;
  const float *x;
  float *logits;
  uint32_t n;
  const int32_t *tokens; /* [n_tokens]: only these; NULL: all */
  size_t n_tokens;
} Head;

static void
head_worker (QeWorker *w, void *data)
{
  const Head *h = data;
  const QeGraph *g = h->g;
  const size_t n_embd = g->config->n_embd;
  const QeProduct head = qe_product (&g->weights->head, h->logits, g->n_vocab);
  if (h->tokens)
    qe_matmul_rows (g->matmul, w, &head, h->tokens, h->n_tokens, h->x, n_embd);
  else
    qe_matmul (g->matmul, w, &head, 1, h->x, n_embd, n_embd, h->n);
}

QeStatus
qe_graph_head (QeGraph *graph, uint32_t first, uint32_t n, QeError *err)
{
  Head h = { .g = graph, .x = qe_graph_hidden (graph, first), .logits = graph->logits, .n = n };
  qe_graph_run_worker (graph, head_worker, &h, graph->model->info.decode_bytes * n);
  return qe_graph_check_logits (graph, 0, n, err);
}

/* ---- by the sketch --------------------------------------------------------------------------------------------- */

#define LEAST_ROWS 256 /* that a thread takes at a time */
/* Margins are so many standard deviations. Of rows that are worked out in full the error is known: were one of them further off
 * than TRUSTED_DEVIATIONS, the errors would not be spread as they should be, and the sketch is not relied upon for that token. */
#define DEVIATIONS 6.0f
#define TRUSTED_DEVIATIONS 5.0f

bool
qe_graph_can_sketch (QeGraph *graph)
{
  return graph->sketch && qe_head_sketch_is_ready (graph->sketch);
}

void
qe_graph_advance_sketch (QeGraph *graph)
{
  if (graph->sketch && !qe_head_sketch_is_ready (graph->sketch))
    qe_head_sketch_advance (graph->sketch, &graph->weights->head, graph->pool);
}

static void
prepare_rows (QeGraph *g, QeWorker *w)
{
  const size_t n_embd = g->config->n_embd, ldp = g->sketch->n_blocks * QE_SKETCH_COLUMNS;
  const uint32_t n = g->batch->n_logits, base = g->batch->n - n;
  for (uint32_t i = w->index; i < n; i += w->n) {
    float *x = g->head_rows + i * n_embd;
    memcpy (x, g->h + (base + i) * n_embd, n_embd * sizeof *x);
    memset (g->sketch_p + i * ldp, 0, ldp);
    g->kernels->sketch_input (g->sketch_p + i * ldp, &g->sketch_input[i], x, &g->sketch->columns, n_embd);
  }
  qe_worker_barrier (w);
}

/* As matrix products do: parts of what is left, the largest first, as memory comes faster in long runs. */
void
qe_graph_sketch_head (QeGraph *g, QeWorker *w)
{
  const QeHeadSketch *s = g->sketch;
  prepare_rows (g, w);
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
                                g->batch->n_logits,
                                g->sketch_p,
                                g->sketch_input,
                                g->logits + r,
                                g->n_vocab };
    g->kernels->sketch (&args);
    mine = qe_worker_next (w);
  }
}

static bool
refine (void *data, const int32_t *tokens, size_t n)
{
  QeGraph *g = data;
  float *logits = qe_graph_logits (g, g->refined);
  Head h = { .g = g, .x = g->head_rows + g->refined * g->config->n_embd, .logits = logits, .n = 1, .tokens = tokens };
  bool believable = true;
  for (size_t at = 0; at < n; at += h.n_tokens, h.tokens += h.n_tokens) {
    h.n_tokens = n - at < QE_REFINE_MOST ? n - at : QE_REFINE_MOST;
    for (size_t i = 0; i < h.n_tokens; i++)
      g->rough[i] = logits[h.tokens[i]];
    qe_graph_run_worker (g, head_worker, &h, h.n_tokens * g->config->n_embd);
    for (size_t i = 0; i < h.n_tokens; i++) {
      const float most = g->margins[h.tokens[i] / QE_ROUGH_GROUP] * (TRUSTED_DEVIATIONS / DEVIATIONS);
      believable = believable && fabsf (logits[h.tokens[i]] - g->rough[i]) <= most;
    }
  }
  return believable;
}

void
qe_graph_rough_logits (QeGraph *graph, uint32_t i, QeRoughLogits *out)
{
  for (size_t k = 0; k < qe_head_groups (graph->n_vocab); k++)
    graph->margins[k] = DEVIATIONS * qe_head_sketch_deviation (graph->sketch, &graph->sketch_input[i], k);
  graph->refined = i;
  *out = (QeRoughLogits) { qe_graph_logits (graph, i), graph->margins, refine, graph };
}

QeStatus
qe_graph_complete (QeGraph *graph, uint32_t i, QeError *err)
{
  Head h = {
    .g = graph, .x = graph->head_rows + i * graph->config->n_embd, .logits = qe_graph_logits (graph, i), .n = 1
  };
  qe_graph_run_worker (graph, head_worker, &h, graph->model->info.decode_bytes);
  return qe_graph_check_logits (graph, i, 1, err);
}
