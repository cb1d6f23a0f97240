/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is special to DeltaNet: the convolution and the gated delta rule (engine/doc/qwen35.md §4.3). */

static inline __attribute__ ((always_inline)) void
convolve (float *y, float *kept, const float *const *rows, size_t n_rows, const float *taps, size_t ld_taps, size_t n)
{
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++) {
    const float x = rows[n_rows - 1][i];
    float s = 0;
    for (size_t j = 0; j < n_rows; j++)
      s += rows[j][i] * taps[j * ld_taps + i];
    kept[i] = x;
    y[i] = s * sigmoid (s);
  }
}

static void
conv_silu (float *y, float *kept, const float *const *rows, size_t n_rows, const float *taps, size_t ld_taps, size_t n)
{
  const float *four[4];
  if (n_rows == 4) /* what every published model has */
    convolve (y, kept, memcpy (four, rows, sizeof four), 4, taps, ld_taps, n);
  else
    convolve (y, kept, rows, n_rows, taps, ld_taps, n);
}

#define TILE_VECS (64 / LANES < 4 ? 64 / LANES : 4)
#define TILE (TILE_VECS * LANES)

/* Rows and vectors of a row that are written together, so that corrections are loaded less often. */
#define WRITE_ROWS 4
#define WRITE_VECS 2

/* With so many columns in registers, whole rows of the usual state are read one after the other. */
#define STEP_VECS (LANES == 16 ? 8 : TILE_VECS)

static inline float
dot (const float *x, const float *y, size_t n)
{
  float s = 0;
  for (size_t i = 0; i < n; i++)
    s += x[i] * y[i];
  return s;
}

/* Adds to r and o what k and q make of some rows of a state. */
static inline __attribute__ ((always_inline)) void
read_columns (float *r, float *o, const float *s, const float *k, const float *q, size_t n_rows, size_t dv,
              const int n_vecs)
{
  Vec predicted[STEP_VECS], attended[STEP_VECS];
  for (int i = 0; i < n_vecs; i++) {
    predicted[i] = load (r + i * LANES);
    attended[i] = load (o + i * LANES);
  }
  for (size_t m = 0; m < n_rows; m++)
    for (int i = 0; i < n_vecs; i++) {
      const Vec x = load (s + m * dv + i * LANES);
      predicted[i] += x * k[m];
      attended[i] += x * q[m];
    }
  for (int i = 0; i < n_vecs; i++) {
    store (r + i * LANES, predicted[i]);
    store (o + i * LANES, attended[i]);
  }
}

/* r = s^T k, o = s^T q; some rows after the other, so that memory is read from one end to the other. */
static void
read_state (float *r, float *o, const float *s, const float *k, const float *q, size_t dk, size_t dv)
{
  memset (r, 0, dv * sizeof *r);
  memset (o, 0, dv * sizeof *o);
  for (size_t m = 0; m < dk; m += 16) {
    size_t j = 0;
    for (; j + STEP_VECS * LANES <= dv; j += STEP_VECS * LANES)
      read_columns (r + j, o + j, s + m * dv + j, k + m, q + m, 16, dv, STEP_VECS);
    for (; j < dv; j += LANES)
      read_columns (r + j, o + j, s + m * dv + j, k + m, q + m, 16, dv, 1);
  }
}

static void
delta_step (float *restrict o, float *restrict r, const float *s, const QeWrites *writes, const float *q,
            const float *k, const float *v, float beta, float decay, size_t dk, size_t dv)
{
  const float kq = dot (k, q, dk);
  read_state (r, o, s, k, q, dk, dv);
  scale (r, writes->decay, dv);
  scale (o, writes->decay, dv);
  for (size_t i = 0; i < writes->n; i++) {
    add_scaled (r, writes->correction[i], writes->weight[i] * dot (writes->key[i], k, dk), dv);
    add_scaled (o, writes->correction[i], writes->weight[i] * dot (writes->key[i], q, dk), dv);
  }
  for (size_t i = 0; i < dv; i++) {
    r[i] = beta * (v[i] - decay * r[i]);
    o[i] = decay * o[i] + kq * r[i];
  }
}

/* Some columns of WRITE_ROWS rows. */
static inline __attribute__ ((always_inline)) void
write_tile (float *to, const float *s, const QeWrites *writes, const float *factors, size_t j, size_t dv,
            const int n_vecs)
{
  Vec x[WRITE_ROWS][WRITE_VECS];
  for (int m = 0; m < WRITE_ROWS; m++)
    for (int i = 0; i < n_vecs; i++)
      x[m][i] = load (s + m * dv + j + i * LANES) * writes->decay;
  for (size_t w = 0; w < writes->n; w++)
    for (int i = 0; i < n_vecs; i++) {
      const Vec c = load (writes->correction[w] + j + i * LANES);
      for (int m = 0; m < WRITE_ROWS; m++)
        x[m][i] += factors[w * WRITE_ROWS + m] * c;
    }
  for (int m = 0; m < WRITE_ROWS; m++)
    for (int i = 0; i < n_vecs; i++)
      store (to + m * dv + j + i * LANES, x[m][i]);
}

static void
delta_write (float *to, const float *s, const QeWrites *writes, size_t dk, size_t dv)
{
  for (size_t m = 0; m < dk; m += WRITE_ROWS, s += WRITE_ROWS * dv, to += WRITE_ROWS * dv) {
    float factors[QE_WRITES_TOGETHER * WRITE_ROWS];
    size_t j = 0;
    for (size_t w = 0; w < writes->n; w++)
      for (size_t r = 0; r < WRITE_ROWS; r++)
        factors[w * WRITE_ROWS + r] = writes->weight[w] * writes->key[w][m + r];
    for (; j + WRITE_VECS * LANES <= dv; j += WRITE_VECS * LANES)
      write_tile (to, s, writes, factors, j, dv, WRITE_VECS);
    for (; j < dv; j += LANES)
      write_tile (to, s, writes, factors, j, dv, 1);
  }
}

static void
delta_correct (float *restrict r, const float *restrict v, const float *restrict p, float beta, float fade, size_t dv)
{
  for (size_t i = 0; i < dv; i++)
    r[i] = beta * (v[i] - fade * p[i]);
}

static void
delta_mask (float *t, const float *g, const float *beta, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    float *keys = t + i * n, *queries = t + (n + i) * n;
    for (size_t j = 0; j <= i; j++) {
      const float fade = exp_approx (g[i] - g[j]);
      keys[j] *= beta[i] * fade;
      queries[j] *= fade;
    }
    for (size_t j = i; j < n; j++)
      keys[j] = 0;
    for (size_t j = i + 1; j < n; j++)
      queries[j] = 0;
  }
}

static inline __attribute__ ((always_inline)) void
solve_columns (float *r, const float *a, size_t n, size_t dv, const int n_vecs)
{
  for (size_t t = 1; t < n; t++) {
    Vec sum[TILE_VECS];
    for (int i = 0; i < n_vecs; i++)
      sum[i] = load (r + t * dv + i * LANES);
    for (size_t s = 0; s < t; s++)
      for (int i = 0; i < n_vecs; i++)
        sum[i] -= a[t * n + s] * load (r + s * dv + i * LANES);
    for (int i = 0; i < n_vecs; i++)
      store (r + t * dv + i * LANES, sum[i]);
  }
}

static void
delta_solve (float *r, const float *a, size_t n, size_t dv)
{
  size_t j = 0;
  for (; j + TILE <= dv; j += TILE)
    solve_columns (r + j, a, n, dv, TILE_VECS);
  for (; j < dv; j += LANES)
    solve_columns (r + j, a, n, dv, 1);
}

void
DELTA_INIT (QeKernels *k)
{
  k->conv_silu = conv_silu;
  k->delta_step = delta_step;
  k->delta_write = delta_write;
  k->delta_correct = delta_correct;
  k->delta_mask = delta_mask;
  k->delta_solve = delta_solve;
}
