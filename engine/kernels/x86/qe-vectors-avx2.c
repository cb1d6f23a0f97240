/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Vectors of floats and halves with AVX2, FMA and F16C. Also what AVX-512 processors use here: these loops wait for
 * memory, not for arithmetic. */

#include "qe-vectors-avx2.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define QE_INLINE static inline __attribute__ ((always_inline))

/* ---- the last few of a vector ---------------------------------------------------------------------------------- */

QE_INLINE __m256i
first_lanes (size_t n)
{
  return _mm256_cmpgt_epi32 (_mm256_set1_epi32 ((int) n), _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7));
}

QE_INLINE __m256
load_f32 (const float *x, size_t n)
{
  return n >= 8 ? _mm256_loadu_ps (x) : _mm256_maskload_ps (x, first_lanes (n));
}

QE_INLINE void
store_f32 (float *y, __m256 v, size_t n)
{
  if (n >= 8)
    _mm256_storeu_ps (y, v);
  else
    _mm256_maskstore_ps (y, first_lanes (n), v);
}

QE_INLINE __m128i
load_halves (const uint16_t *h, size_t n)
{
  uint16_t some[8] = { 0 };
  if (n >= 8)
    return _mm_loadu_si128 ((const __m128i *) h);
  memcpy (some, h, n * sizeof *h);
  return _mm_loadu_si128 ((const __m128i *) some);
}

QE_INLINE __m256
load_f16 (const uint16_t *h, size_t n)
{
  return _mm256_cvtph_ps (load_halves (h, n));
}

QE_INLINE __m256
load_bf16 (const uint16_t *h, size_t n)
{
  return _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_cvtepu16_epi32 (load_halves (h, n)), 16));
}

QE_INLINE float
sum8 (__m256 v)
{
  __m128 s = _mm_add_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  s = _mm_add_ps (s, _mm_movehl_ps (s, s));
  return _mm_cvtss_f32 (_mm_add_ss (s, _mm_movehdup_ps (s)));
}

/* ---- products --------------------------------------------------------------------------------------------------- */

#define DOT(name, Type, load)                                                                                         \
  static float dot_##name (const Type *w, const float *x, size_t n)                                                   \
  {                                                                                                                   \
    __m256 s[4] = { _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps () };         \
    size_t i = 0;                                                                                                     \
    for (; i + 32 <= n; i += 32)                                                                                      \
      for (size_t k = 0; k < 4; k++)                                                                                  \
        s[k] = _mm256_fmadd_ps (load (w + i + 8 * k, 8), _mm256_loadu_ps (x + i + 8 * k), s[k]);                      \
    for (; i < n; i += 8)                                                                                             \
      s[0] = _mm256_fmadd_ps (load (w + i, n - i), load_f32 (x + i, n - i), s[0]);                                    \
    return sum8 (_mm256_add_ps (_mm256_add_ps (s[0], s[1]), _mm256_add_ps (s[2], s[3])));                             \
  }                                                                                                                   \
  static void rows_##name (const QeDotArgs *a)                                                                        \
  {                                                                                                                   \
    for (size_t r = 0; r < a->n_rows; r++) {                                                                          \
      const Type *w = (const Type *) ((const char *) a->w + r * a->row_bytes);                                        \
      for (size_t t = 0; t < a->n_tokens; t++)                                                                        \
        a->y[t * a->ldy + r] = dot_##name (w, a->x + t * a->ldx, a->columns);                                         \
    }                                                                                                                 \
  }
DOT (f32, float, load_f32)
DOT (f16, uint16_t, load_f16)
DOT (bf16, uint16_t, load_bf16)

static void
dequantise_f16 (const uint16_t *src, float *dst, size_t n)
{
  for (size_t i = 0; i < n; i += 8)
    store_f32 (dst + i, load_f16 (src + i, n - i), n - i);
}

/* ---- element by element ------------------------------------------------------------------------------------------ */

static void
axpy_f32 (float *y, float s, const float *x, size_t n)
{
  for (size_t i = 0; i < n; i += 8)
    store_f32 (y + i, _mm256_fmadd_ps (_mm256_set1_ps (s), load_f32 (x + i, n - i), load_f32 (y + i, n - i)), n - i);
}

static void
axpy_f16 (float *y, float s, const uint16_t *h, size_t n)
{
  for (size_t i = 0; i < n; i += 8)
    store_f32 (y + i, _mm256_fmadd_ps (_mm256_set1_ps (s), load_f16 (h + i, n - i), load_f32 (y + i, n - i)), n - i);
}

static void
scale_f32 (float *y, float s, size_t n)
{
  for (size_t i = 0; i < n; i += 8)
    store_f32 (y + i, _mm256_mul_ps (_mm256_set1_ps (s), load_f32 (y + i, n - i)), n - i);
}

static void
rms_norm (float *y, const float *x, const float *w, size_t n, float eps)
{
  __m256 scale = _mm256_set1_ps (1.0f / sqrtf (dot_f32 (x, x, n) / (float) n + eps));
  for (size_t i = 0; i < n; i += 8) {
    __m256 v = _mm256_mul_ps (load_f32 (x + i, n - i), scale);
    store_f32 (y + i, w ? _mm256_mul_ps (v, load_f32 (w + i, n - i)) : v, n - i);
  }
}

/* e^x: 2^n times the Taylor series of e^r, |r| <= ln 2 / 2, to the seventh power (relative error below 1e-8 before
 * rounding). Below -87.3 it gives the smallest normal number; NaN stays NaN. */
QE_INLINE __m256
exp8 (__m256 x)
{
  static const float series[] = { 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1 };
  x = _mm256_min_ps (_mm256_set1_ps (88.37f), _mm256_max_ps (_mm256_set1_ps (-87.33f), x));
  __m256 n = _mm256_round_ps (_mm256_mul_ps (x, _mm256_set1_ps (0x1.715476p+0f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps (n, _mm256_set1_ps (0x1.62e4p-1f), x); /* ln 2 in two parts */
  r = _mm256_fnmadd_ps (n, _mm256_set1_ps (0x1.7f7d1cp-20f), r);
  __m256 p = _mm256_set1_ps (series[0]);
  for (int i = 1; i < 8; i++)
    p = _mm256_fmadd_ps (p, r, _mm256_set1_ps (series[i]));
  __m256i power = _mm256_slli_epi32 (_mm256_add_epi32 (_mm256_cvtps_epi32 (n), _mm256_set1_epi32 (127)), 23);
  return _mm256_mul_ps (p, _mm256_castsi256_ps (power));
}

QE_INLINE __m256
sigmoid8 (__m256 x)
{
  const __m256 one = _mm256_set1_ps (1);
  return _mm256_div_ps (one, _mm256_add_ps (one, exp8 (_mm256_sub_ps (_mm256_setzero_ps (), x))));
}

static void
silu_mul (float *y, const float *gate, const float *up, size_t n)
{
  for (size_t i = 0; i < n; i += 8) {
    __m256 g = load_f32 (gate + i, n - i);
    store_f32 (y + i, _mm256_mul_ps (_mm256_mul_ps (g, sigmoid8 (g)), load_f32 (up + i, n - i)), n - i);
  }
}

static void
sigmoid_mul (float *y, const float *gate, const float *x, size_t n)
{
  for (size_t i = 0; i < n; i += 8)
    store_f32 (y + i, _mm256_mul_ps (sigmoid8 (load_f32 (gate + i, n - i)), load_f32 (x + i, n - i)), n - i);
}

static void
silu (float *y, const float *x, size_t n)
{
  for (size_t i = 0; i < n; i += 8) {
    __m256 v = load_f32 (x + i, n - i);
    store_f32 (y + i, _mm256_mul_ps (v, sigmoid8 (v)), n - i);
  }
}

static float
max_f32 (const float *x, size_t n)
{
  float max = -INFINITY, lanes[8];
  size_t i = 0;
  if (n >= 8) {
    __m256 m = _mm256_loadu_ps (x);
    for (i = 8; i + 8 <= n; i += 8)
      m = _mm256_max_ps (m, _mm256_loadu_ps (x + i));
    _mm256_storeu_ps (lanes, m);
    for (int k = 0; k < 8; k++)
      max = lanes[k] > max ? lanes[k] : max;
  }
  for (; i < n; i++)
    max = x[i] > max ? x[i] : max;
  return max;
}

static float
exp_sum (float *y, const float *x, float shift, size_t n)
{
  __m256 sum = _mm256_setzero_ps (), s = _mm256_set1_ps (shift);
  for (size_t i = 0; i < n; i += 8) {
    __m256 e = exp8 (_mm256_sub_ps (load_f32 (x + i, n - i), s));
    if (n - i < 8)
      e = _mm256_and_ps (e, _mm256_castsi256_ps (first_lanes (n - i)));
    store_f32 (y + i, e, n - i);
    sum = _mm256_add_ps (sum, e);
  }
  return sum8 (sum);
}

/* Two passes over a row of the state: the decayed row times k, then the correction and the product with q. n is a
 * multiple of 8 in every model; the rest is done like any tail. */
static void
delta_step (float *S, const float *k, const float *q, const float *v, float *out, float decay, float beta,
            size_t n_rows, size_t n)
{
  for (size_t r = 0; r < n_rows; r++, S += n) {
    __m256 e = _mm256_set1_ps (beta * (v[r] - decay * dot_f32 (S, k, n))), g = _mm256_set1_ps (decay);
    __m256 sum[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
    for (size_t i = 0; i < n; i += 8) {
      __m256 s = _mm256_fmadd_ps (e, load_f32 (k + i, n - i), _mm256_mul_ps (g, load_f32 (S + i, n - i)));
      store_f32 (S + i, s, n - i);
      sum[i / 8 % 2] = _mm256_fmadd_ps (s, load_f32 (q + i, n - i), sum[i / 8 % 2]);
    }
    out[r] = sum8 (_mm256_add_ps (sum[0], sum[1]));
  }
}

void
qe_vectors_init_avx2 (QeKernels *k)
{
  k->dot[QE_TYPE_F32] = rows_f32;
  k->dot[QE_TYPE_F16] = rows_f16;
  k->dot[QE_TYPE_BF16] = rows_bf16;
  k->dequantise_f16 = dequantise_f16;
  k->dot_f32 = dot_f32;
  k->dot_f16 = dot_f16;
  k->axpy_f32 = axpy_f32;
  k->axpy_f16 = axpy_f16;
  k->scale_f32 = scale_f32;
  k->rms_norm = rms_norm;
  k->silu_mul = silu_mul;
  k->sigmoid_mul = sigmoid_mul;
  k->silu = silu;
  k->max_f32 = max_f32;
  k->exp_sum = exp_sum;
  k->delta_step = delta_step;
}
