/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mixture of experts (engine/doc/qwen35.md §4.4). A batch's rows are sorted by expert, so that each expert's weights are
 * read once however many rows chose it. A row of wide is: router, shared expert's gate and up, weight of the shared
 * expert. */
#include "model/qe-graph-private.h"

#include <math.h>
#include <string.h>

typedef struct {
  QeGraph *g;
  const QeLayer *l;
  uint32_t n;
  size_t gate, up, shared; /* columns of wide */
} Mixture;

/* Row t's experts, the most probable first, and their weights, which sum to 1. Equal ones: the lower number. If the router's
 * result is not finite for any expert, the weights are no numbers. */
static void
choose_experts (const Mixture *m, uint32_t t)
{
  const QeGraph *g = m->g;
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
sort_rows (const Mixture *m)
{
  QeGraph *g = m->g;
  const uint32_t k = g->config->n_experts_used, n_experts = g->config->n_experts, n = m->n * k;
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

static void
list_inputs (const Mixture *m)
{
  QeGraph *g = m->g;
  const size_t ff = g->config->n_ff_expert;
  g->n_active = 0;
  for (uint32_t e = 0; e < g->config->n_experts; e++) {
    const uint32_t first = g->expert_start[e], n = g->expert_start[e + 1] - first;
    float *y = g->expert_in + first * 2 * ff;
    if (!n)
      continue;
    g->products[g->n_active++] = (QeGroupedProduct) { expert_product (&m->l->expert_gate, e, y, 2 * ff),
                                                      g->slot_row + first, n };
    g->products[g->n_active++] = (QeGroupedProduct) { expert_product (&m->l->expert_up, e, y + ff, 2 * ff),
                                                      g->slot_row + first, n };
  }
}

static void
list_outputs (const Mixture *m)
{
  QeGraph *g = m->g;
  const size_t n_embd = g->config->n_embd;
  g->n_active = 0;
  for (uint32_t e = 0; e < g->config->n_experts; e++) {
    const uint32_t first = g->expert_start[e], n = g->expert_start[e + 1] - first;
    if (n)
      g->products[g->n_active++] = (QeGroupedProduct) {
        expert_product (&m->l->expert_down, e, g->expert_out + first * n_embd, n_embd), g->slot_self + first, n
      };
  }
}

/* Gates of the experts in place: the first half of a slot's row becomes silu (gate) * up. The shared expert's go to
 * narrow. */
static void
apply_gates (const Mixture *m, QeWorker *w)
{
  const QeGraph *g = m->g;
  const size_t ff = g->config->n_ff_expert;
  size_t first, end;
  qe_graph_share (w, (size_t) m->n * g->config->n_experts_used, &first, &end);
  for (size_t slot = first; slot < end; slot++) {
    float *row = g->expert_in + slot * 2 * ff;
    g->kernels->silu_mul (row, row, row + ff, ff);
  }
  qe_graph_share (w, m->n, &first, &end);
  for (size_t t = first; t < end; t++) {
    const float *row = g->wide + t * g->ld_wide;
    g->kernels->silu_mul (g->narrow + t * g->ld_narrow, row + m->gate, row + m->up, m->l->gate.rows);
  }
}

/* h has the shared expert's output; it becomes the weighted sum of all. */
static void
sum_experts (const Mixture *m, QeWorker *w)
{
  const QeGraph *g = m->g;
  const size_t n_embd = g->config->n_embd, k = g->config->n_experts_used;
  size_t first, end;
  qe_graph_share (w, m->n, &first, &end);
  for (size_t t = first; t < end; t++) {
    float *h = g->h + t * n_embd;
    const float gate = g->wide[t * g->ld_wide + m->shared];
    g->kernels->scale (h, 1.0f / (1.0f + expf (-gate)) + 0 * gate, n_embd); /* what is infinite must not look sound */
    for (size_t j = t * k; j < (t + 1) * k; j++)
      g->kernels->add_scaled (h, g->expert_out + g->expert_slot[j] * n_embd, g->expert_weight[j], n_embd);
  }
}

static Mixture
find_mixture (QeGraph *g, const QeLayer *l)
{
  Mixture m = { .g = g, .l = l, .n = g->batch->n };
  m.gate = g->config->n_experts;
  m.up = m.gate + l->gate.rows;
  m.shared = m.up + l->up.rows;
  return m;
}

/* Chooses experts for all rows and sorts them. */
static void
route (const Mixture *m, QeWorker *w)
{
  size_t first, end;
  qe_graph_share (w, m->n, &first, &end);
  for (size_t t = first; t < end; t++)
    choose_experts (m, (uint32_t) t);
  qe_worker_barrier (w);
  if (w->index == 0) {
    sort_rows (m);
    list_inputs (m);
  }
  qe_worker_barrier (w);
}

void
qe_graph_mixture (QeGraph *g, QeWorker *w, const QeLayer *l)
{
  const Mixture m = find_mixture (g, l);
  const size_t n_embd = g->config->n_embd;
  const QeProduct in[] = {
    qe_product (&l->router, g->wide, g->ld_wide),
    qe_product (&l->gate, g->wide + m.gate, g->ld_wide),
    qe_product (&l->up, g->wide + m.up, g->ld_wide),
    qe_product (&l->shared_gate, g->wide + m.shared, g->ld_wide),
  };
  const QeProduct out = qe_product (&l->down, g->h, n_embd);
  qe_matmul (g->matmul, w, in, 4, g->h, n_embd, n_embd, m.n);
  route (&m, w);
  qe_matmul_grouped (g->matmul, w, g->products, g->n_active, g->h, n_embd, n_embd);
  apply_gates (&m, w);
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, l->gate.rows, m.n);
  if (w->index == 0)
    list_outputs (&m);
  qe_worker_barrier (w);
  qe_matmul_grouped (g->matmul, w, g->products, g->n_active, g->expert_in, 2 * (size_t) g->config->n_ff_expert,
                     g->config->n_ff_expert);
  sum_experts (&m, w);
}
