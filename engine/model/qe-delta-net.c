/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gated DeltaNet (qwen35.md section 4.3): a short causal convolution, then a recurrent state that the delta rule writes
 * and queries read. Few rows take the recurrence step by step; many go in chunks of matrix products, which are equal
 * but for rounding. With u = wide, a row is: queries, keys, values, z, beta, alpha. */
#include "model/qe-graph-private.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

typedef struct {
  QeGraph *g;
  const QeLayer *l;
  float *state;            /* [n_value_heads][s][s] */
  float *history;          /* [conv_kernel - 1][channels] */
  QeDeferred *deferred;    /* NULL: write state and history */
  uint32_t n, s, channels; /* rows, size of a head */
  size_t z, beta, alpha;   /* columns of wide */
} Net;

/* ---- convolution ----------------------------------------------------------------------------------------------- */

/* Row t of the input of the convolution, from column c on; negative rows are of earlier batches. */
static const float *
input_row (const Net *net, int t, size_t c)
{
  const int n_history = (int) net->g->config->conv_kernel - 1;
  return t < 0 ? net->history + (size_t) (n_history + t) * net->channels + c
               : net->g->wide + (size_t) t * net->g->ld_wide + c;
}

/* Keeps what the next batch needs of columns [c, end); the place for it is still in use. */
static void
save_history (const Net *net, size_t c, size_t end)
{
  const int n_history = (int) net->g->config->conv_kernel - 1;
  for (int i = 0; i < n_history; i++)
    memcpy (net->g->conv_saved + (size_t) i * net->channels + c, input_row (net, (int) net->n + i - n_history, c),
            (end - c) * sizeof (float));
}

static void
restore_history (const Net *net, size_t c, size_t end)
{
  for (uint32_t i = 0; i + 1 < net->g->config->conv_kernel; i++)
    memcpy (net->history + (size_t) i * net->channels + c, net->g->conv_saved + (size_t) i * net->channels + c,
            (end - c) * sizeof (float));
}

/* All rows of columns [c, end), for a deferred batch. */
static void
keep_rows (const Net *net, float *out, size_t c, size_t end)
{
  for (uint32_t t = 0; t < net->n; t++)
    memcpy (out + (size_t) t * net->channels + c, input_row (net, (int) t, c), (end - c) * sizeof (float));
}

/* Columns [c, end) of row t, in place; queries and keys are normed head by head. */
static void
convolve_row (const Net *net, int t, size_t c, size_t end)
{
  const QeGraph *g = net->g;
  const uint32_t kernel = g->config->conv_kernel, keys_end = 2 * g->config->n_key_heads * net->s;
  const float query_factor = 1.0f / sqrtf ((float) net->s);
  const float *rows[16];
  float *y = g->wide + (size_t) t * g->ld_wide;
  for (uint32_t j = 0; j < kernel; j++)
    rows[j] = input_row (net, t - (int) kernel + 1 + (int) j, c);
  g->ops->conv_silu (y + c, rows, kernel, net->l->conv + c, net->channels, end - c);
  for (; c < end && c < keys_end; c += net->s)
    g->ops->l2_norm (y + c, net->s, g->config->eps, c < keys_end / 2 ? query_factor : 1.0f);
}

/* Each thread has some heads' columns. From the last row back, so that a row's inputs are still there. */
static void
convolve (const Net *net, QeWorker *w)
{
  size_t first, end;
  qe_graph_share (w, net->channels / net->s, &first, &end);
  first *= net->s;
  end *= net->s;
  if (net->deferred)
    keep_rows (net, net->deferred->inputs, first, end);
  else
    save_history (net, first, end);
  for (int t = (int) net->n - 1; t >= 0; t--)
    convolve_row (net, t, first, end);
  if (net->deferred)
    keep_rows (net, net->deferred->convolved, first, end);
  else
    restore_history (net, first, end);
}

/* ---- delta rule ------------------------------------------------------------------------------------------------ */

/* Where the rows of a value head are. */
typedef struct {
  uint32_t index;
  const float *q, *k, *v; /* of row 0 */
  float *o;
  float *state;
} Head;

/* row: the convolved row 0. */
static Head
find_head (const Net *net, uint32_t index, const float *row)
{
  const QeGraph *g = net->g;
  const QeConfig *c = g->config;
  const uint32_t ratio = c->n_value_heads / c->n_key_heads;
  const size_t key_head = c->grouped_value_heads ? index / ratio : index % c->n_key_heads;
  const size_t all_keys = (size_t) c->n_key_heads * net->s;
  return (Head) { index, row + key_head * net->s, row + all_keys + key_head * net->s,
                  row + 2 * all_keys + (size_t) index * net->s, g->narrow + (size_t) index * net->s,
                  net->state + (size_t) index * net->s * net->s };
}

/* beta in (0, 1) and the logarithm of the decay, at most 0, of row t. */
static void
read_gates (const Net *net, uint32_t head, uint32_t t, float *beta, float *log_decay)
{
  const float *row = net->g->wide + (size_t) t * net->g->ld_wide;
  const float x = row[net->alpha + head] + net->l->dt[head];
  *beta = 1.0f / (1.0f + expf (-row[net->beta + head]));
  *log_decay = net->l->a[head] * (x > 20.0f ? x : log1pf (expf (x)));
}

/* What the head read from the state goes on, normed and gated. */
static void
gate_row (const Net *net, const Head *h, uint32_t t, const float *o)
{
  const QeGraph *g = net->g;
  g->ops->gated_norm (h->o + (size_t) t * g->ld_narrow, o, net->l->ssm_norm,
                      g->wide + (size_t) t * g->ld_wide + net->z + (size_t) h->index * net->s, net->s, g->config->eps);
}

/* A deferred batch goes over a copy of the state, and what commit_head() needs to do the same again is kept. */
static void
step_rows (const Net *net, QeWorker *w, const Head *h)
{
  const QeGraph *g = net->g;
  const size_t size = (size_t) net->s * net->s;
  float *o = qe_graph_scratch (g, w), *state = net->deferred ? o + net->s : h->state;
  if (net->deferred)
    memcpy (state, h->state, size * sizeof *state);
  for (uint32_t t = 0; t < net->n; t++) {
    const size_t at = (size_t) t * g->ld_wide;
    float beta, log_decay, decay;
    read_gates (net, h->index, t, &beta, &log_decay);
    decay = expf (log_decay);
    g->ops->delta_step (state, o, h->q + at, h->k + at, h->v + at, beta, decay, net->s, net->s);
    gate_row (net, h, t, o);
    if (net->deferred)
      memcpy (net->deferred->gates + ((size_t) h->index * QE_DEFER_MAX + t) * 2, (float[]) { beta, decay },
              2 * sizeof (float));
  }
}

/* A chunk of n rows from row `first` on. In the sheet's words, with everything but S stacked keys over queries:
 *   t = [K; Q] K^T, p = [K; Q] S, r = (I + A)^-1 beta (V - e^G p_K), O = e^G p_Q + (t_Q . Gamma) r,
 *   S = e^(G_n) S + (e^(G_n - G) K)^T r. */
typedef struct {
  float *kq;   /* [2n][s] */
  float *t;    /* [2n][n] */
  float *p;    /* [2n][s] */
  float *r;    /* [n][s] */
  float *keys; /* [n][s] */
  float *beta, *decay; /* [n] */
  uint32_t first, n;
} Chunk;

static Chunk
lay_out_chunk (const Net *net, QeWorker *w, uint32_t first)
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
gather_chunk (const Net *net, const Head *h, Chunk *c)
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
correct_values (const Net *net, const Head *h, Chunk *c)
{
  const size_t s = net->s;
  for (uint32_t t = 0; t < c->n; t++) {
    const float fade = expf (c->decay[t]), beta = c->beta[t];
    const float *v = h->v + (size_t) (c->first + t) * net->g->ld_wide;
    net->g->ops->delta_correct (c->r + t * s, v, c->p + t * s, beta, fade, s);
    net->g->ops->scale (c->p + (c->n + t) * s, fade, s);
  }
}

/* e^(G_n - G_t) k_t */
static void
fade_keys (const Net *net, Chunk *c)
{
  const size_t s = net->s;
  memcpy (c->keys, c->kq, c->n * s * sizeof (float));
  for (uint32_t t = 0; t < c->n; t++)
    net->g->ops->scale (c->keys + t * s, expf (c->decay[c->n - 1] - c->decay[t]), s);
}

static void
chunk_rows (const Net *net, QeWorker *w, const Head *h, uint32_t first)
{
  const int s = (int) net->s;
  Chunk c = lay_out_chunk (net, w, first);
  const int n = (int) c.n;
  gather_chunk (net, h, &c);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, 2 * n, n, s, 1, c.kq, s, c.kq, s, 0, c.t, n);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, 2 * n, s, s, 1, c.kq, s, h->state, s, 0, c.p, s);
  net->g->ops->delta_mask (c.t, c.decay, c.beta, c.n);
  correct_values (net, h, &c);
  net->g->ops->delta_solve (c.r, c.t, c.n, net->s);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, n, s, n, 1, c.t + n * n, n, c.r, s, 1, c.p + n * s, s);
  for (int t = 0; t < n; t++)
    gate_row (net, h, first + (uint32_t) t, c.p + (n + t) * s);
  fade_keys (net, &c);
  cblas_sgemm (CblasRowMajor, CblasTrans, CblasNoTrans, s, s, n, 1, c.keys, s, c.r, s, expf (c.decay[n - 1]), h->state,
               s);
}

/* Few rows: always the same heads, because part of their states is still in this processor's cache. */
static void
step_heads (const Net *net, QeWorker *w)
{
  size_t first, end;
  qe_graph_share (w, net->g->config->n_value_heads, &first, &end);
  for (size_t i = first; i < end; i++) {
    const Head h = find_head (net, (uint32_t) i, net->g->wide);
    step_rows (net, w, &h);
  }
}

static void
chunk_heads (const Net *net, QeWorker *w)
{
  for (size_t i = qe_worker_next (w); i < net->g->config->n_value_heads; i = qe_worker_next (w)) {
    const Head h = find_head (net, (uint32_t) i, net->g->wide);
    for (uint32_t first = 0; first < net->n; first += QE_DELTA_CHUNK)
      chunk_rows (net, w, &h, first);
  }
}

/* ---- the block ------------------------------------------------------------------------------------------------- */

static Net
find_net (QeGraph *g, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  Net net = { .g = g, .l = l, .n = g->batch->n, .s = c->state_size, .channels = qe_config_channels (c) };
  net.state = g->cache->state + index * g->cache->state_size;
  net.history = g->cache->conv + index * g->cache->conv_size;
  net.deferred = g->batch->defer ? &g->deferred[index] : NULL;
  net.z = net.channels;
  net.beta = net.z + (size_t) c->n_value_heads * c->state_size;
  net.alpha = net.beta + c->n_value_heads;
  return net;
}

void
qe_graph_delta_net (QeGraph *g, QeWorker *w, const QeLayer *l, uint32_t index)
{
  const QeConfig *c = g->config;
  const Net net = find_net (g, l, index);
  const QeProduct in[] = {
    qe_product (&l->qkv, g->wide, g->ld_wide),
    qe_product (&l->z, g->wide + net.z, g->ld_wide),
    qe_product (&l->beta, g->wide + net.beta, g->ld_wide),
    qe_product (&l->alpha, g->wide + net.alpha, g->ld_wide),
  };
  const QeProduct out = qe_product (&l->ssm_out, g->h, c->n_embd);
  qe_matmul (g->matmul, w, in, 4, g->h, c->n_embd, c->n_embd, net.n);
  convolve (&net, w);
  qe_worker_barrier (w);
  if (net.n < QE_DELTA_CHUNK_MIN)
    step_heads (&net, w);
  else
    chunk_heads (&net, w);
  qe_matmul (g->matmul, w, &out, 1, g->narrow, g->ld_narrow, (size_t) c->n_value_heads * c->state_size, net.n);
}

/* ---- deferred batches ------------------------------------------------------------------------------------------ */

/* The first n steps again, bit for bit, now over the state itself. */
static void
commit_head (const Net *net, QeWorker *w, uint32_t head)
{
  const Head h = find_head (net, head, net->deferred->convolved);
  const float *gates = net->deferred->gates + (size_t) head * QE_DEFER_MAX * 2;
  float *o = qe_graph_scratch (net->g, w);
  for (size_t t = 0; t < net->n; t++) {
    const size_t at = t * net->channels;
    net->g->ops->delta_step (h.state, o, h.q + at, h.k + at, h.v + at, gates[2 * t], gates[2 * t + 1], net->s, net->s);
  }
}

static void
commit_history (const Net *net)
{
  const size_t n_history = net->g->config->conv_kernel - 1, n = net->n;
  for (size_t i = 0; i < n_history; i++) {
    const float *from = n + i < n_history ? net->history + (n + i) * net->channels
                                          : net->deferred->inputs + (n + i - n_history) * net->channels;
    memmove (net->history + i * net->channels, from, net->channels * sizeof (float));
  }
}

static void
commit_worker (QeWorker *w, void *data)
{
  QeGraph *g = data;
  const uint32_t n_heads = g->config->n_value_heads;
  for (size_t i = qe_worker_next (w); i < (size_t) g->cache->n_state_layers * n_heads; i = qe_worker_next (w)) {
    const Net net = find_net (g, NULL, (uint32_t) (i / n_heads));
    commit_head (&net, w, (uint32_t) (i % n_heads));
    if (i % n_heads == 0)
      commit_history (&net);
  }
}

void
qe_graph_commit (QeGraph *graph, uint32_t n)
{
  const QeBatch batch = { .n = n, .defer = true };
  if (!n)
    return;
  graph->batch = &batch;
  qe_pool_run (graph->pool, commit_worker, graph);
  graph->batch = NULL;
}
