/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Attention of many queries, as products of blocks. Keys are taken QE_ATTEND_KEYS at a time; what the queries have mixed of the
 * keys so far is kept with the largest product and the sum of weights, and scaled down when a larger product comes ("flash
 * attention"). Products stand with a row for each key and a column for each query, so that largest products, weights and sums
 * are vectors of queries, and nothing but the queries is ever transposed.
 *
 * A word is what one lane multiplies at a time: a float, or with TOGETHER 2 a pair of numbers that follow each other along what
 * is summed. Who includes this for pairs has defined TOGETHER, multiply_add(), join_columns() and join_rows(). */

#include "cpu/qe-kv-rows.h"

#define PANEL (2 * LANES)            /* columns of a block of products */
#define BLOCK (LANES >= 16 ? 12 : 6) /* its rows: with the columns they fill the registers */
#define UNROLLED _Pragma ("GCC unroll 12")

#ifndef TOGETHER
#define TOGETHER 1

static inline Vec
multiply_add (Vec sum, Vec x, const float *word)
{
  return sum + x * *word;
}

static inline Vec
join_columns (const Vec v[TOGETHER])
{
  return v[0];
}

static inline Vec
join_rows (const Vec v[TOGETHER])
{
  return v[0];
}
#endif

/* Words that are multiplied: (row, step) is at w + row * ld_row + step * ld_step. */
typedef struct {
  const float *w;
  size_t ld_row, ld_step;
} Words;

/* c [n_rows][PANEL] = words [n_rows][n_steps] times panel [n_steps][PANEL]; `add`: to what c holds. */
static inline __attribute__ ((always_inline)) void
multiply_block (float *c, size_t ld_c, const Words a, const float *panel, size_t n_steps, bool add, const int n_rows)
{
  const float *third[(BLOCK + 2) / 3]; /* three rows are reached from each of these without an addition */
  Vec sum[BLOCK][2];
  UNROLLED
  for (int r = 0; r < n_rows; r++)
    for (int i = 0; i < 2; i++)
      sum[r][i] = add ? load (c + (size_t) r * ld_c + i * LANES) : splat (0);
  UNROLLED
  for (int r = 0; r < n_rows; r += 3)
    third[r / 3] = a.w + (size_t) r * a.ld_row;
  for (; n_steps > 0; n_steps--, panel += PANEL) {
    const Vec x0 = load (panel), x1 = load (panel + LANES);
    UNROLLED
    for (int r = 0; r < n_rows; r++) {
      const float *word = third[r / 3] + (size_t) (r % 3) * a.ld_row;
      sum[r][0] = multiply_add (sum[r][0], x0, word);
      sum[r][1] = multiply_add (sum[r][1], x1, word);
    }
    UNROLLED
    for (int r = 0; r < n_rows; r += 3)
      third[r / 3] += a.ld_step;
  }
  UNROLLED
  for (int r = 0; r < n_rows; r++)
    for (int i = 0; i < 2; i++)
      store (c + (size_t) r * ld_c + i * LANES, sum[r][i]);
}

static inline __attribute__ ((always_inline)) void
multiply (float *c, size_t ld_c, Words a, const float *panel, size_t n_rows, size_t n_steps, bool add)
{
  size_t r = 0;
  for (; r + BLOCK <= n_rows; r += BLOCK, a.w += BLOCK * a.ld_row)
    multiply_block (c + r * ld_c, ld_c, a, panel, n_steps, add, BLOCK);
  for (; r + BLOCK / 3 <= n_rows; r += BLOCK / 3, a.w += BLOCK / 3 * a.ld_row)
    multiply_block (c + r * ld_c, ld_c, a, panel, n_steps, add, BLOCK / 3);
  for (; r < n_rows; r++, a.w += a.ld_row)
    multiply_block (c + r * ld_c, ld_c, a, panel, n_steps, add, 1);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static inline __attribute__ ((always_inline)) Vec
load_row (const QeKvType type, const uint8_t *row, size_t i)
{
  return type == QE_KV_F16 ? load_row_f16 (row, i) : type == QE_KV_Q8_0 ? load_row_q8 (row, i) : load_row_f32 (row, i);
}

/* Vector i of a row of d numbers, with zeros behind its end. Only rows of f32 end within a vector. */
static inline __attribute__ ((always_inline)) Vec
load_part (const QeKvType type, const uint8_t *row, size_t i, size_t d)
{
  Vec v = { 0 };
  if ((i + 1) * LANES <= d)
    return load_row (type, row, i);
  if (i * LANES < d)
    memcpy (&v, row + i * LANES * sizeof (float), (d - i * LANES) * sizeof (float));
  return v;
}

/* A row's words along its columns, to the end of the last vector. */
static inline __attribute__ ((always_inline)) void
words_of_row (float *out, const QeKvType type, const uint8_t *row, size_t d)
{
  for (size_t i = 0; i * LANES * TOGETHER < d; i++) {
    Vec v[TOGETHER];
    for (int j = 0; j < TOGETHER; j++)
      v[j] = load_part (type, row, i * TOGETHER + (size_t) j, d);
    store (out + i * LANES, join_columns (v));
  }
}

/* Panels of values: words along the rows. Where rows end within a word, zeros stand for more. */
static inline __attribute__ ((always_inline)) void
words_of_values (float *out, const QeKvType type, const uint8_t *rows, size_t stride, size_t n, size_t d)
{
  const size_t n_steps = (n + TOGETHER - 1) / TOGETHER, n_vectors = (d + PANEL - 1) / PANEL * 2;
  for (size_t step = 0; step < n_steps; step++)
    for (size_t i = 0; i < n_vectors; i++) {
      Vec v[TOGETHER] = { 0 };
      for (size_t j = 0; j < TOGETHER && step * TOGETHER + j < n; j++)
        v[j] = load_part (type, rows + (step * TOGETHER + j) * stride, i, d);
      store (out + (i / 2 * n_steps + step) * PANEL + i % 2 * LANES, join_rows (v));
    }
}

/* ---- a tile ------------------------------------------------------------------------------------------------------ */

typedef struct {
  size_t n, ld;                /* queries; rounded up to whole panels */
  size_t n_words, ld_words;    /* of a query or key; rounded up to whole vectors */
  size_t columns;              /* of values, rounded up to whole panels */
  float *q;                    /* [ld / PANEL][n_words][PANEL] words */
  float *mixed;                /* [n][columns] */
  float *kv;                   /* keys' words [QE_ATTEND_KEYS][ld_words], then panels of values */
  float *weights;              /* [QE_ATTEND_KEYS][ld]: products, then weights, then words of them */
  float *largest, *sum, *kept; /* [ld]: the last is what earlier weights are multiplied with */
} Tile;

static Tile
lay_out (const QeAttend *a)
{
  Tile t = { .n = a->n_rows * a->n_heads };
  t.ld = (t.n + PANEL - 1) / PANEL * PANEL;
  t.n_words = (a->d + TOGETHER - 1) / TOGETHER;
  t.ld_words = (t.n_words + LANES - 1) / LANES * LANES;
  t.columns = (a->d + PANEL - 1) / PANEL * PANEL;
  t.q = a->scratch;
  t.mixed = t.q + t.ld * t.ld_words;
  t.kv = t.mixed + t.ld * t.columns;
  t.weights = t.kv + QE_ATTEND_KEYS * t.columns;
  t.largest = t.weights + QE_ATTEND_KEYS * t.ld;
  t.sum = t.largest + t.ld;
  t.kept = t.sum + t.ld;
  return t;
}

static void
take_queries (const QeAttend *a, const Tile *t)
{
  memset (t->q, 0, t->ld * t->n_words * sizeof *t->q);
  for (size_t i = 0; i < t->n; i++) {
    const float *q = a->q + i / a->n_heads * a->ld_q + i % a->n_heads * a->ld_q_head;
    float *to = t->q + i / PANEL * t->n_words * PANEL + i % PANEL;
    words_of_row (t->kv, QE_KV_F32, (const uint8_t *) q, a->d);
    for (size_t w = 0; w < t->n_words; w++)
      memcpy (to + w * PANEL, t->kv + w, sizeof *to);
  }
  for (size_t i = 0; i < t->ld; i++) {
    t->largest[i] = -INFINITY;
    t->sum[i] = 0;
  }
}

static void
take_keys (const QeAttend *a, const Tile *t, size_t first, size_t n)
{
  const uint8_t *row = (const uint8_t *) a->k + first * a->kv_stride;
  for (size_t i = 0; i < n; i++, row += a->kv_stride)
    switch (a->kv_type) {
    case QE_KV_F16: words_of_row (t->kv + i * t->ld_words, QE_KV_F16, row, a->d); break;
    case QE_KV_Q8_0: words_of_row (t->kv + i * t->ld_words, QE_KV_Q8_0, row, a->d); break;
    default: words_of_row (t->kv + i * t->ld_words, QE_KV_F32, row, a->d); break;
    }
}

static void
take_values (const QeAttend *a, const Tile *t, size_t first, size_t n)
{
  const uint8_t *rows = (const uint8_t *) a->v + first * a->kv_stride;
  switch (a->kv_type) {
  case QE_KV_F16: words_of_values (t->kv, QE_KV_F16, rows, a->kv_stride, n, a->d); break;
  case QE_KV_Q8_0: words_of_values (t->kv, QE_KV_Q8_0, rows, a->kv_stride, n, a->d); break;
  default: words_of_values (t->kv, QE_KV_F32, rows, a->kv_stride, n, a->d); break;
  }
}

/* Products of the keys [first, first + n) with all queries; -infinity where a query does not see a key. */
static void
make_products (const QeAttend *a, const Tile *t, size_t first, size_t n)
{
  for (size_t p = 0; p < t->ld; p += PANEL)
    multiply (t->weights + p, t->ld, (Words) { t->kv, t->ld_words, 1 }, t->q + p * t->n_words, n, t->n_words, false);
  for (size_t k = 0; a->causal && k < n; k++)
    if (first + k + a->n_rows > a->n_keys) {
      const size_t unseen = (first + k + a->n_rows - a->n_keys) * a->n_heads;
      for (size_t i = 0; i < unseen; i++)
        t->weights[k * t->ld + i] = -INFINITY;
    }
}

/* Products of n keys become weights relative to the largest so far, and the words of them. */
static void
make_weights (const QeAttend *a, const Tile *t, size_t n)
{
  float *restrict largest = t->largest, *restrict sum = t->sum, *restrict kept = t->kept;
  for (size_t i = 0; i < t->ld; i++)
    kept[i] = largest[i];
  for (size_t k = 0; k < n; k++) {
    const float *restrict s = t->weights + k * t->ld;
    for (size_t i = 0; i < t->ld; i++)
      largest[i] = s[i] > largest[i] ? s[i] : largest[i];
  }
  for (size_t i = 0; i < t->ld; i++) {
    kept[i] = exp_approx (a->factor * (kept[i] - largest[i]));
    sum[i] *= kept[i];
  }
  for (size_t k = 0; k < n; k++) {
    float *restrict s = t->weights + k * t->ld;
    for (size_t i = 0; i < t->ld; i++) {
      s[i] = exp_approx (a->factor * (s[i] - largest[i]));
      sum[i] += s[i];
    }
  }
  for (size_t step = 0; TOGETHER > 1 && step * TOGETHER < n; step++)
    for (size_t i = 0; i < t->ld; i += LANES) {
      Vec v[TOGETHER] = { 0 };
      for (size_t j = 0; j < TOGETHER && step * TOGETHER + j < n; j++)
        v[j] = load (t->weights + (step * TOGETHER + j) * t->ld + i);
      store (t->weights + step * t->ld + i, join_rows (v));
    }
}

static void
mix (const Tile *t, size_t n, bool add)
{
  const size_t n_steps = (n + TOGETHER - 1) / TOGETHER;
  for (size_t i = 0; add && i < t->n; i++)
    if (t->kept[i] != 1)
      scale (t->mixed + i * t->columns, t->kept[i], t->columns);
  for (size_t c = 0; c < t->columns; c += PANEL)
    multiply (t->mixed + c, t->columns, (Words) { t->weights, 1, t->ld }, t->kv + c * n_steps, t->n, n_steps, add);
}

static void
attend (const QeAttend *a)
{
  const Tile t = lay_out (a);
  take_queries (a, &t);
  for (size_t first = 0; first < a->n_keys; first += QE_ATTEND_KEYS) {
    const size_t n = a->n_keys - first < QE_ATTEND_KEYS ? a->n_keys - first : QE_ATTEND_KEYS;
    take_keys (a, &t, first, n);
    make_products (a, &t, first, n);
    make_weights (a, &t, n);
    take_values (a, &t, first, n);
    mix (&t, n, first > 0);
  }
  for (size_t i = 0; i < t.n; i++) {
    float *o = a->o + i / a->n_heads * a->ld_o + i % a->n_heads * a->ld_o_head;
    memcpy (o, t.mixed + i * t.columns, a->d * sizeof *o);
    scale (o, 1.0f / t.sum[i], a->d);
  }
}

void
ATTEND_INIT (QeKernels *k)
{
#if TOGETHER == 1
  k->attend = attend;
#endif
  k->attend_rounded = attend;
}
