/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-graph-private.h"

/* h = W_down (silu (W_gate h) * (W_up h)) */
void
qe_graph_feed_forward (QeGraph *g, QeWorker *w, const QeLayer *l)
{
  const uint32_t n = g->batch->n, n_embd = g->config->n_embd, n_ff = l->gate.rows;
  const QeProduct in[] = { qe_product (&l->gate, g->wide, g->ld_wide),
                           qe_product (&l->up, g->wide + n_ff, g->ld_wide) };
  const QeProduct out = qe_product (&l->down, g->h, n_embd);
  size_t first, end;
  qe_matmul (g->matmul, w, in, 2, g->h, n_embd, n_embd, n);
  for (uint32_t t = 0; t < n; t++) {
    const float *row = g->wide + (size_t) t * g->ld_wide;
    qe_graph_share (w, n_ff, &first, &end);
    g->kernels->silu_mul (g->narrow + (size_t) t * g->ld_narrow + first, row + first, row + n_ff + first, end - first);
  }
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, n_ff, n);
}
