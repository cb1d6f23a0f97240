/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mixture of experts (engine/doc/qwen35.md §4.4). A batch's rows are sorted by expert, so that each expert's weights are
 * read once however many rows chose it. A row of wide is: router, shared expert's gate and up, weight of the shared
 * expert. */
#include "model/qe-graph-private.h"

#include <math.h>
#include <string.h>

/* Row t's experts, the most probable first, and their weights, which sum to 1. Equal ones: the lower number. If the router's
 * result is not finite for any expert, the weights are no numbers. */
static void
choose_experts (QeGraph *g, uint32_t t)
{
  const uint32_t k = g->config->n_experts_used, n = g->config->n_experts;
  float *p = g->wide + (size_t) t * g->ld_wide, *weight = g->expert_weight + (size_t) t * k, sum;
  uint32_t *choice = g->expert_choice + (size_t) t * k;
  sum = g->kernels->is_finite (p, n) ? 0 : NAN;
  g->kernels->exp_sum (p, n, g->kernels->max (p, n));
  for (uint32_t j = 0; j < k; j++) {
    uint32_t best = 0;
    for (uint32_t e = 1; e < n; e++)
      if (p[e] > p[best])
        best = e;
    choice[j] = best;
    weight[j] = p[best];
    sum += p[best];
    p[best] = -1; /* taken; probabilities are not negative */
  }
  for (uint32_t j = 0; j < k; j++)
    weight[j] /= sum;
}

/* One thread: slots in the order of experts, then the products of those that have any. */
static void
sort_rows (QeGraph *g)
{
  const uint32_t k = g->config->n_experts_used, n_experts = g->config->n_experts, n = g->batch->n * k;
  uint32_t *start = g->expert_start;
  memset (start, 0, (n_experts + 1) * sizeof *start);
  for (uint32_t i = 0; i < n; i++)
    start[g->expert_choice[i] + 1]++;
  for (uint32_t e = 0; e < n_experts; e++)
    start[e + 1] += start[e];
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t slot = start[g->expert_choice[i]]++;
    g->expert_slot[i] = slot;
    g->slot_row[slot] = i / k;
    g->slot_self[slot] = slot;
  }
  memmove (start + 1, start, n_experts * sizeof *start); /* each start had moved on to the next one's */
  start[0] = 0;
}

static QeProduct
expert_product (const QeWeight *w, uint32_t expert, float *y, size_t ldy)
{
  QeProduct p = qe_product (w, y, ldy);
  p.w = (const char *) w->data + expert * w->expert_bytes;
  p.scale = w->scale ? w->scale + expert : NULL;
  return p;
}

void
qe_graph_mixture (QeGraph *g, QeWorker *w, const QeLayer *l)
{
  const QeConfig *c = g->config;
  const size_t n_embd = c->n_embd, ff = c->n_ff_expert, k = c->n_experts_used;
  const size_t gate = c->n_experts, up = gate + l->gate.rows, shared = up + l->up.rows; /* columns of wide */
  const uint32_t n = g->batch->n;
  const QeProduct in[] = {
    qe_product (&l->router, g->wide, g->ld_wide),
    qe_product (&l->gate, g->wide + gate, g->ld_wide),
    qe_product (&l->up, g->wide + up, g->ld_wide),
    qe_product (&l->shared_gate, g->wide + shared, g->ld_wide),
  };
  const QeProduct out = qe_product (&l->down, g->h, n_embd);
  qe_matmul (g->matmul, w, in, 4, g->h, n_embd, n_embd, n);
  size_t first, end;
  qe_graph_share (w, n, &first, &end);
  for (size_t t = first; t < end; t++)
    choose_experts (g, (uint32_t) t);
  qe_worker_barrier (w);
  if (w->index == 0) {
    sort_rows (g);
    g->n_active = 0;
    for (uint32_t e = 0; e < c->n_experts; e++) {
      const uint32_t slot = g->expert_start[e], n_rows = g->expert_start[e + 1] - slot;
      float *y = g->expert_in + slot * 2 * ff;
      if (!n_rows)
        continue;
      g->products[g->n_active++] = (QeGroupedProduct) { expert_product (&l->expert_gate, e, y, 2 * ff),
                                                        g->slot_row + slot, n_rows };
      g->products[g->n_active++] = (QeGroupedProduct) { expert_product (&l->expert_up, e, y + ff, 2 * ff),
                                                        g->slot_row + slot, n_rows };
    }
  }
  qe_worker_barrier (w);
  qe_matmul_grouped (g->matmul, w, g->products, g->n_active, g->h, n_embd, n_embd);
  /* Gates of the experts in place: the first half of a slot's row becomes silu (gate) * up. The shared expert's go to
 * narrow. */
  qe_graph_share (w, (size_t) n * k, &first, &end);
  for (size_t slot = first; slot < end; slot++) {
    float *row = g->expert_in + slot * 2 * ff;
    g->kernels->silu_mul (row, row, row + ff, ff);
  }
  qe_graph_share (w, n, &first, &end);
  for (size_t t = first; t < end; t++) {
    const float *row = g->wide + t * g->ld_wide;
    g->kernels->silu_mul (g->narrow + t * g->ld_narrow, row + gate, row + up, l->gate.rows);
  }
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, l->gate.rows, n);
  if (w->index == 0) {
    g->n_active = 0;
    for (uint32_t e = 0; e < c->n_experts; e++) {
      const uint32_t slot = g->expert_start[e], n_rows = g->expert_start[e + 1] - slot;
      if (n_rows)
        g->products[g->n_active++] = (QeGroupedProduct) {
          expert_product (&l->expert_down, e, g->expert_out + slot * n_embd, n_embd), g->slot_self + slot, n_rows
        };
    }
  }
  qe_worker_barrier (w);
  qe_matmul_grouped (g->matmul, w, g->products, g->n_active, g->expert_in, 2 * ff, ff);
  /* h has the shared expert's output; it becomes the weighted sum of all. */
  qe_graph_share (w, n, &first, &end);
  for (size_t t = first; t < end; t++) {
    float *h = g->h + t * n_embd;
    const float share = g->wide[t * g->ld_wide + shared];
    g->kernels->scale (h, 1.0f / (1.0f + expf (-share)) + 0 * share, n_embd); /* what is infinite must not look sound */
    for (size_t j = t * k; j < (t + 1) * k; j++)
      g->kernels->add_scaled (h, g->expert_out + g->expert_slot[j] * n_embd, g->expert_weight[j], n_embd);
  }
}
