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
} Head;

/* Of which queries and keys a value head takes. */
static uint32_t
key_head (const QeConfig *c, uint32_t head)
{
  return c->grouped_value_heads ? head / (c->n_value_heads / c->n_key_heads) : head % c->n_key_heads;
}

static Head
find_head (const QeDeltaNet *net, uint32_t index)
{
  const QeGraph *g = net->g;
  const size_t keys = (size_t) g->config->n_key_heads * net->s;
  const float *q = g->wide + (size_t) key_head (g->config, index) * net->s;
  return (Head) { index,
                  q,
                  q + keys,
                  g->wide + 2 * keys + (size_t) index * net->s,
                  g->narrow + (size_t) index * net->s,
                  net->state + (size_t) index * net->s * net->s };
}

/* beta in (0, 1) and the logarithm of the decay, at most 0, of row t. Of infinite inputs both are no numbers: as 1 and 0 they
 * would look sound. */
static void
read_gates (const QeDeltaNet *net, uint32_t head, uint32_t t, float *beta, float *log_decay)
{
  const float *row = net->g->wide + (size_t) t * net->g->ld_wide;
  const float x = row[net->alpha + head] + net->l->dt[head], y = row[net->beta + head], a = net->l->a[head];
  const float nothing = 0 * (x + y + a);
  *beta = 1.0f / (1.0f + expf (-y)) + nothing;
  *log_decay = a * (x > 20.0f ? x : log1pf (expf (x))) + nothing;
}

/* What the head read from the state goes on, normed and gated. */
static void
gate_row (const QeDeltaNet *net, const Head *h, uint32_t t, const float *o)
{
  const QeGraph *g = net->g;
  g->kernels->gated_norm (h->o + (size_t) t * g->ld_narrow, o, net->l->ssm_norm,
                          g->wide + (size_t) t * g->ld_wide + net->z + (size_t) h->index * net->s, net->s,
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
    const float *write = qe_cache_write (net->g->cache, net->layer, first + i);
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

static void
step_row (const QeDeltaNet *net, const Head *h, uint32_t t, const float *state, uint32_t first, uint32_t n, float *o)
{
  const QeGraph *g = net->g;
  const size_t at = (size_t) t * g->ld_wide;
  const QeWrites writes = find_writes (net, h->index, first, n);
  float *write = qe_cache_write (g->cache, net->layer, first + n), beta, log_decay, decay;
  read_gates (net, h->index, t, &beta, &log_decay);
  decay = expf (log_decay);
  g->kernels->delta_step (o, write + correction_column (net, h->index), state, &writes, h->q + at, h->k + at, h->v + at,
                          beta, decay, net->s, net->s);
  write[decay_column (net, h->index)] = decay;
  gate_row (net, h, t, o);
}

/* When there are enough writes they go into the state, while it is in this processor's cache; those of a deferred batch
 * into a copy, until it is known how many rows stay. */
static void
step_rows (const QeDeltaNet *net, QeWorker *w, const Head *h)
{
  float *o = qe_graph_scratch (net->g, w), *to = net->deferred ? o + net->s : h->state;
  const float *state = h->state;
  uint32_t first = 0, n = net->g->cache->n_writes;
  for (uint32_t t = 0; t < net->n; t++) {
    step_row (net, h, t, state, first, n, o);
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
  uint32_t first, n;
} Chunk;

static Chunk
lay_out_chunk (const QeDeltaNet *net, QeWorker *w, uint32_t first)
{
  const size_t s = net->s, n = net->n - first < QE_DELTA_CHUNK ? net->n - first : QE_DELTA_CHUNK;
  Chunk c = { .first = first, .n = (uint32_t) n };
  c.kq = qe_graph_scratch (net->g, w);
  c.t = c.kq + 2 * n * s;
  c.p = c.t + 2 * n * n;
  c.r = c.p + 2 * n * s;
  c.keys = c.r + n * s;
  c.beta = c.keys + n * s;
  c.decay = c.beta + n;
  return c;
}

static void
gather_chunk (const QeDeltaNet *net, const Head *h, Chunk *c)
{
  const size_t s = net->s, n = c->n;
  float sum = 0;
  for (uint32_t t = 0; t < n; t++) {
    const size_t at = (size_t) (c->first + t) * net->g->ld_wide;
    float log_decay;
    memcpy (c->kq + t * s, h->k + at, s * sizeof (float));
    memcpy (c->kq + (n + t) * s, h->q + at, s * sizeof (float));
    read_gates (net, h->index, c->first + t, &c->beta[t], &log_decay);
    sum += log_decay;
    c->decay[t] = sum;
  }
}

/* r = beta (V - e^G p_K), ready to be solved; the lower half of p becomes e^G p_Q. */
static void
correct_values (const QeDeltaNet *net, const Head *h, Chunk *c)
{
  const size_t s = net->s;
  for (uint32_t t = 0; t < c->n; t++) {
    const float fade = expf (c->decay[t]), beta = c->beta[t];
    const float *v = h->v + (size_t) (c->first + t) * net->g->ld_wide;
    net->g->kernels->delta_correct (c->r + t * s, v, c->p + t * s, beta, fade, s);
    net->g->kernels->scale (c->p + (c->n + t) * s, fade, s);
  }
}

/* e^(G_n - G_t) k_t */
static void
fade_keys (const QeDeltaNet *net, Chunk *c)
{
  const size_t s = net->s;
  memcpy (c->keys, c->kq, c->n * s * sizeof (float));
  for (uint32_t t = 0; t < c->n; t++)
    net->g->kernels->scale (c->keys + t * s, expf (c->decay[c->n - 1] - c->decay[t]), s);
}

static void
chunk_rows (const QeDeltaNet *net, QeWorker *w, const Head *h, uint32_t first)
{
  const int s = (int) net->s;
  Chunk c = lay_out_chunk (net, w, first);
  const int n = (int) c.n;
  gather_chunk (net, h, &c);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, 2 * n, n, s, 1, c.kq, s, c.kq, s, 0, c.t, n);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, 2 * n, s, s, 1, c.kq, s, h->state, s, 0, c.p, s);
  net->g->kernels->delta_mask (c.t, c.decay, c.beta, c.n);
  correct_values (net, h, &c);
  net->g->kernels->delta_solve (c.r, c.t, c.n, net->s);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, n, s, n, 1, c.t + n * n, n, c.r, s, 1, c.p + n * s, s);
  for (int t = 0; t < n; t++)
    gate_row (net, h, first + (uint32_t) t, c.p + (n + t) * s);
  fade_keys (net, &c);
  cblas_sgemm (CblasRowMajor, CblasTrans, CblasNoTrans, s, s, n, 1, c.keys, s, c.r, s, expf (c.decay[n - 1]), h->state,
               s);
}

/* Few rows: always the same heads, because part of their states is still in this processor's cache. */
static void
step_heads (const QeDeltaNet *net, QeWorker *w)
{
  size_t first, end;
  qe_graph_share (w, net->g->config->n_value_heads, &first, &end);
  for (size_t i = first; i < end; i++) {
    const Head h = find_head (net, (uint32_t) i);
    step_rows (net, w, &h);
  }
}

static void
chunk_heads (const QeDeltaNet *net, QeWorker *w)
{
  for (size_t i = qe_worker_next (w); i < net->g->config->n_value_heads; i = qe_worker_next (w)) {
    const Head h = find_head (net, (uint32_t) i);
    qe_delta_rule_write (net, h.index, net->g->cache->n_writes);
    for (uint32_t first = 0; first < net->n; first += QE_DELTA_CHUNK)
      chunk_rows (net, w, &h, first);
  }
}

void
qe_delta_rule (const QeDeltaNet *net, QeWorker *w)
{
  if (qe_delta_net_steps (net))
    step_heads (net, w);
  else
    chunk_heads (net, w);
}

void
qe_delta_rule_write (const QeDeltaNet *net, uint32_t head, uint32_t n)
{
  const Head h = find_head (net, head);
  if (n)
    write_state (net, head, 0, n, h.state, h.state);
}
