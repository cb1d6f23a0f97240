/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bodies of qe-ops.h, written once and compiled for each instruction set by a file that first defines LANES (floats
 * of a vector), Vec, load_f16() (LANES half floats) and load_i8() (LANES signed bytes), and the name of its table,
 * OPS_TABLE. Those files are compiled with -fassociative-math, so that plain loops over floats become vectors too. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/qe-ops.h"

#define Q8_BLOCK 32
#define Q8_BYTES 34

static inline Vec
load (const float *p)
{
  Vec v;
  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
store (float *p, Vec v)
{
  memcpy (p, &v, sizeof v);
}

static inline Vec
splat (float x)
{
  return x - (Vec) { 0 };
}

static inline float
sum_lanes (Vec v)
{
  float s = 0;
  for (int i = 0; i < LANES; i++)
    s += v[i];
  return s;
}

/* e^x to about 2e-7: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. Below -87 it is 0, above 88 it stays at e^88;
 * what is not a number stays that. */
static inline float
exp_approx (float x)
{
  const float clamped = x > 88.0f ? 88.0f : x < -87.0f ? -87.0f : x;
  const float scaled = clamped * 1.44269504088896341f;
  const int n = (int) (scaled + (scaled < 0 ? -0.5f : 0.5f));
  const float r = (clamped - (float) n * 0.693359375f) + (float) n * 2.12194440e-4f;
  float p = 1.9875691500e-4f, power;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (int32_t) ((uint32_t) (n + 127) << 23);
  memcpy (&power, &bits, sizeof power);
  return x < -87.0f ? 0.0f : p * power;
}

static inline float
sigmoid (float x)
{
  return 1.0f / (1.0f + exp_approx (-x));
}

/* ---- rows of numbers ------------------------------------------------------------------------------------------- */

static void
add (float *restrict y, const float *restrict x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] += x[i];
}

static void
scale (float *y, float factor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] *= factor;
}

static void
add_scaled (float *restrict y, const float *restrict x, float factor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] += factor * x[i];
}

static inline float
square_sum (const float *x, size_t n)
{
  float s = 0;
  for (size_t i = 0; i < n; i++)
    s += x[i] * x[i];
  return s;
}

static void
rms_norm (float *y, const float *x, const float *w, size_t n, float eps)
{
  const float factor = 1.0f / sqrtf (square_sum (x, n) / (float) n + eps);
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i];
}

static void
l2_norm (float *x, size_t n, float eps, float factor)
{
  scale (x, factor / sqrtf (square_sum (x, n) + eps), n);
}

static void
silu_mul (float *y, const float *gate, const float *up, size_t n)
{
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++)
    y[i] = gate[i] * sigmoid (gate[i]) * up[i];
}

/* An infinite gate must not look sound, as it would by a sigmoid of 0 or 1. */
static void
sigmoid_mul (float *restrict y, const float *restrict gate, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] *= fabsf (gate[i]) <= FLT_MAX ? sigmoid (gate[i]) : NAN;
}

/* gelu (x) = x (1 + tanh u) / 2 = x sigmoid (2u), u = sqrt (2 / pi) (x + 0.044715 x³) */
static void
gelu_bias (float *restrict y, const float *restrict bias, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const float x = y[i] + bias[i];
    y[i] = x * sigmoid (1.5957691216f * (x + 0.044715f * x * x * x));
  }
}

static void
gated_norm (float *restrict y, const float *restrict x, const float *restrict w, const float *restrict z, size_t n,
            float eps)
{
  const float factor = 1.0f / sqrtf (square_sum (x, n) / (float) n + eps);
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i] * z[i] * sigmoid (z[i]);
}

static float
max_of (const float *x, size_t n)
{
  float m = n ? x[0] : 0;
  for (size_t i = 1; i < n; i++)
    m = x[i] > m ? x[i] : m;
  return m;
}

static int
is_finite (const float *x, size_t n)
{
  uint32_t found = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy (&bits, x + i, sizeof bits);
    found |= (bits & 0x7f800000) == 0x7f800000;
  }
  return !found;
}

static float
exp_sum (float *x, size_t n, float max)
{
  float s = 0;
  for (size_t i = 0; i < n; i++) {
    x[i] = exp_approx (x[i] - max);
    s += x[i];
  }
  return s;
}

static void
rope (float *restrict x, const float *restrict cosine, const float *restrict sine, size_t n_pairs)
{
  float *restrict y = x + n_pairs;
  for (size_t i = 0; i < n_pairs; i++) {
    const float a = x[i], b = y[i];
    x[i] = a * cosine[i] - b * sine[i];
    y[i] = b * cosine[i] + a * sine[i];
  }
}

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

/* ---- gated delta rule ------------------------------------------------------------------------------------------ */

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

/* ---- attention over the cache ---------------------------------------------------------------------------------- */

static inline float
half_to_float (const uint8_t *p)
{
  uint16_t h;
  memcpy (&h, p, sizeof h);
  const uint32_t rest = (uint32_t) (h & 0x7fff) << 13;
  union {
    uint32_t bits;
    float f;
  } u = { rest + (112u << 23) };
  if (rest >= 0x1fu << 23) /* the exponent of infinities */
    u.bits += 112u << 23;
  else if (rest < 1u << 23) /* the exponent of subnormal numbers */
    u.f = (float) (rest >> 13) * 0x1p-24f;
  u.bits |= (uint32_t) (h & 0x8000) << 16;
  return u.f;
}

#define STORED(name) name##_f32
#define ROW_BYTES(n) ((n) * sizeof (float))
#define LOAD_ROW(row, i) load ((const float *) (const void *) (row) + (i) * LANES)
#include "cpu/qe-ops-rows-template.h"

#define STORED(name) name##_f16
#define ROW_BYTES(n) ((n) * 2)
#define LOAD_ROW(row, i) load_f16 ((row) + (i) * LANES * 2)
#include "cpu/qe-ops-rows-template.h"

static inline Vec
load_row_q8 (const uint8_t *row, size_t i)
{
  const uint8_t *block = row + i * LANES / Q8_BLOCK * Q8_BYTES;
  return load_i8 (block + 2 + i * LANES % Q8_BLOCK) * half_to_float (block);
}

#define STORED(name) name##_q8
#define ROW_BYTES(n) ((n) / Q8_BLOCK * Q8_BYTES)
#define LOAD_ROW(row, i) load_row_q8 (row, i)
#include "cpu/qe-ops-rows-template.h"

#include "cpu/qe-ops-sketch-template.h"

const QeOps OPS_TABLE = {
  .name = OPS_NAME,
  .add = add,
  .scale = scale,
  .add_scaled = add_scaled,
  .rms_norm = rms_norm,
  .l2_norm = l2_norm,
  .silu_mul = silu_mul,
  .sigmoid_mul = sigmoid_mul,
  .gelu_bias = gelu_bias,
  .gated_norm = gated_norm,
  .max = max_of,
  .is_finite = is_finite,
  .exp_sum = exp_sum,
  .conv_silu = conv_silu,
  .delta_step = delta_step,
  .delta_write = delta_write,
  .delta_correct = delta_correct,
  .delta_mask = delta_mask,
  .delta_solve = delta_solve,
  .rows = {
    [QE_ROWS_F16] = { scores_f16, mix_f16, widen_f16 },
    [QE_ROWS_Q8_0] = { scores_q8, mix_q8, widen_q8 },
    [QE_ROWS_F32] = { scores_f32, mix_f32, widen_f32 },
  },
  .sketch_row = sketch_row,
  .sketch_input = sketch_input,
  .rope = rope,
};
