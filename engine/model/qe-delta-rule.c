/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gated delta rule (engine/doc/qwen35.md §4.3), head by head.
 *
 * Steps leave the state as it is and write down what they would write into it (qe-cache.h). When the state is written
 * depends on the number of rows since it was settled alone, so that drafts give the same bits as single rows. */
#include "model/qe-delta-net.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

_Static_assert (QE_DEFER_MAX <= QE_WRITES_TOGETHER && QE_WRITES_TOGETHER - 1 + QE_DEFER_MAX <= QE_WRITES_MAX,
                "a batch of steps fits behind the writes there are, and completes them once");

/* ---- heads ----------------------------------------------------------------------------------------------------- */

/* Where the rows of a value head are. */
typedef struct {
  uint32_t index;
  const float *q, *k, *v; /* of row 0 */
  float *o;
  float *state;
} ValueHead;

/* Of which queries and keys a value head takes. */
static uint32_t
key_head (const QeConfig *c, uint32_t head)
{
  return c->grouped_value_heads ? head / (c->n_value_heads / c->n_key_heads) : head % c->n_key_heads;
}

static ValueHead
find_head (const QeDeltaNet *net, uint32_t index)
{
  const QeGraph *g = net->g;
  const size_t keys = (size_t) g->config->n_key_heads * net->s;
  const float *q = net->wide + (size_t) key_head (g->config, index) * net->s;
  return (ValueHead) { index,
                       q,
                       q + keys,
                       net->wide + 2 * keys + (size_t) index * net->s,
                       net->narrow + (size_t) index * net->s,
                       net->state + (size_t) index * net->s * net->s };
}

/* beta in (0, 1) and the logarithm of the decay, at most 0, of row t. Of infinite inputs both are no numbers: as 1 and 0 they
 * would look sound. */
static void
read_gates (const QeDeltaNet *net, uint32_t head, uint32_t t, float *beta, float *log_decay)
{
  const float *row = net->wide + (size_t) t * net->g->ld_wide;
  const float x = row[net->alpha + head] + net->l->dt[head], y = row[net->beta + head], a = net->l->a[head];
  const float nothing = 0 * (x + y + a);
  *beta = 1.0f / (1.0f + expf (-y)) + nothing;
  *log_decay = a * (x > 20.0f ? x : log1pf (expf (x))) + nothing;
}

/* What the head read from the state goes on, normed and gated. */
static void
gate_row (const QeDeltaNet *net, const ValueHead *h, uint32_t t, const float *o)
{
  const QeGraph *g = net->g;
  g->kernels->gated_norm (h->o + (size_t) t * g->ld_narrow, o, net->l->ssm_norm,
                          net->wide + (size_t) t * g->ld_wide + net->z + (size_t) h->index * net->s, net->s,
                          g->config->eps);
}

/* Where in a write the head's own part is. */
static size_t
correction_column (const QeDeltaNet *net, uint32_t head)
{
  return ((size_t) net->g->config->n_key_heads + head) * net->s;
}

static size_t
decay_column (const QeDeltaNet *net, uint32_t head)
{
  return ((size_t) net->g->config->n_key_heads + net->g->config->n_value_heads) * net->s + head;
}

/* Writes [first, first + n) of a head. */
static QeWrites
find_writes (const QeDeltaNet *net, uint32_t head, uint32_t first, uint32_t n)
{
  QeWrites writes = { .n = n, .decay = 1 };
  for (uint32_t i = n; i-- > 0;) {
    const float *write = qe_cache_write (net->cache, net->layer, first + i);
    writes.weight[i] = writes.decay;
    writes.key[i] = write + (size_t) key_head (net->g->config, head) * net->s;
    writes.correction[i] = write + correction_column (net, head);
    writes.decay *= write[decay_column (net, head)];
  }
  return writes;
}

/* to = what a state and n of its writes make; may be the state. */
static void
write_state (const QeDeltaNet *net, uint32_t head, uint32_t first, uint32_t n, const float *state, float *to)
{
  const QeWrites writes = find_writes (net, head, first, n);
  net->g->kernels->delta_write (to, state, &writes, net->s, net->s);
}

/* When there are enough writes they go into the state, while it is in this processor's cache; those of a deferred batch
 * into a copy, until it is known how many rows stay. */
static void
step_rows (const QeDeltaNet *net, QeWorker *w, const ValueHead *h)
{
  const QeGraph *g = net->g;
  float *o = qe_graph_scratch (g, w), *to = net->deferred ? o + net->s : h->state;
  const float *state = h->state;
  uint32_t first = 0, n = net->cache->n_writes;
  for (uint32_t t = 0; t < net->n; t++) {
    const size_t at = (size_t) t * g->ld_wide;
    const QeWrites writes = find_writes (net, h->index, first, n);
    float *write = qe_cache_write (net->cache, net->layer, first + n), beta, log_decay, decay;
    read_gates (net, h->index, t, &beta, &log_decay);
    decay = expf (log_decay);
    g->kernels->delta_step (o, write + correction_column (net, h->index), state, &writes, h->q + at, h->k + at,
                            h->v + at, beta, decay, net->s, net->s);
    write[decay_column (net, h->index)] = decay;
    gate_row (net, h, t, o);
    if (++n < QE_WRITES_TOGETHER)
      continue;
    write_state (net, h->index, first, n, state, to);
    state = to;
    first += n;
    n = 0;
  }
}

/* A chunk of n rows from row `first` on. In the words of engine/doc/qwen35.md §4.3, with
 * everything but S stacked keys over queries:
 *   t = [K; Q] K^T, p = [K; Q] S, r = (I + A)^-1 beta (V - e^G p_K), O = e^G p_Q + (t_Q . Gamma) r,
 *   S = e^(G_n) S + (e^(G_n - G) K)^T r. */
typedef struct {
  float *kq;           /* [2n][s] */
  float *t;            /* [2n][n] */
  float *p;            /* [2n][s] */
  float *r;            /* [n][s] */
  float *keys;         /* [n][s] */
  float *beta, *decay; /* [n] */
} Chunk;

static void
chunk_rows (const QeDeltaNet *net, QeWorker *w, const ValueHead *h, uint32_t first)
{
  const QeKernels *kernels = net->g->kernels;
  const size_t size = net->s, rows = net->n - first < QE_DELTA_CHUNK ? net->n - first : QE_DELTA_CHUNK;
  const int s = (int) size, n = (int) rows;
  Chunk c = { .kq = qe_graph_scratch (net->g, w) };
  c.t = c.kq + 2 * rows * size;
  c.p = c.t + 2 * rows * rows;
  c.r = c.p + 2 * rows * size;
  c.keys = c.r + rows * size;
  c.beta = c.keys + rows * size;
  c.decay = c.beta + rows;
  float sum = 0;
  for (size_t t = 0; t < rows; t++) {
    const size_t at = (first + t) * net->g->ld_wide;
    float log_decay;
    memcpy (c.kq + t * size, h->k + at, size * sizeof (float));
    memcpy (c.kq + (rows + t) * size, h->q + at, size * sizeof (float));
    read_gates (net, h->index, first + (uint32_t) t, &c.beta[t], &log_decay);
    sum += log_decay;
    c.decay[t] = sum;
  }
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, 2 * n, n, s, 1, c.kq, s, c.kq, s, 0, c.t, n);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, 2 * n, s, s, 1, c.kq, s, h->state, s, 0, c.p, s);
  kernels->delta_mask (c.t, c.decay, c.beta, rows);
  /* r = beta (V - e^G p_K), ready to be solved; the lower half of p becomes e^G p_Q. */
  for (size_t t = 0; t < rows; t++) {
    const float fade = expf (c.decay[t]);
    kernels->delta_correct (c.r + t * size, h->v + (first + t) * net->g->ld_wide, c.p + t * size, c.beta[t], fade,
                            size);
    kernels->scale (c.p + (rows + t) * size, fade, size);
  }
  kernels->delta_solve (c.r, c.t, rows, size);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, n, s, n, 1, c.t + rows * rows, n, c.r, s, 1,
               c.p + rows * size, s);
  for (size_t t = 0; t < rows; t++)
    gate_row (net, h, first + (uint32_t) t, c.p + (rows + t) * size);
  /* Keys become e^(G_n - G_t) k_t. */
  memcpy (c.keys, c.kq, rows * size * sizeof (float));
  for (size_t t = 0; t < rows; t++)
    kernels->scale (c.keys + t * size, expf (c.decay[rows - 1] - c.decay[t]), size);
  cblas_sgemm (CblasRowMajor, CblasTrans, CblasNoTrans, s, s, n, 1, c.keys, s, c.r, s, expf (c.decay[rows - 1]),
               h->state, s);
}

void
qe_delta_rule (const QeDeltaNet *nets, uint32_t n_nets, QeWorker *w)
{
  const QeDeltaNet *net = &nets[0];
  if (qe_delta_net_steps (net)) {
    /* Few rows: always the same heads, because part of their states is still in this processor's cache. */
    size_t first, end;
    qe_graph_share (w, net->g->config->n_value_heads, &first, &end);
    for (; net < nets + n_nets; net++)
      for (size_t i = first; i < end; i++) {
        const ValueHead h = find_head (net, (uint32_t) i);
        step_rows (net, w, &h);
      }
  } else
    for (size_t i = qe_worker_next (w); i < net->g->config->n_value_heads; i = qe_worker_next (w)) {
      const ValueHead h = find_head (net, (uint32_t) i);
      qe_delta_rule_write (net, h.index, net->cache->n_writes);
      for (uint32_t first = 0; first < net->n; first += QE_DELTA_CHUNK)
        chunk_rows (net, w, &h, first);
    }
}

void
qe_delta_rule_write (const QeDeltaNet *net, uint32_t head, uint32_t n)
{
  const ValueHead h = find_head (net, head);
  if (n)
    write_state (net, head, 0, n, h.state, h.state);
}
