/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with weights that are plain numbers, with AVX2, FMA and F16C. Also what AVX-512 processors use here: these
 * loops wait for memory, not for arithmetic. */

#include <string.h>

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-lanes-256.h"

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

/* ---- products --------------------------------------------------------------------------------------------------- */

#define DOT(name, Type, load)                                                                                          \
  static float dot_##name (const Type *w, const float *x, size_t n)                                                    \
  {                                                                                                                    \
    __m256 s[4] = { _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps (), _mm256_setzero_ps () };          \
    size_t i = 0;                                                                                                      \
    for (; i + 32 <= n; i += 32)                                                                                       \
      _Pragma ("GCC unroll 4") for (size_t k = 0; k < 4; k++)                                                          \
          s[k] = _mm256_fmadd_ps (load (w + i + 8 * k, 8), _mm256_loadu_ps (x + i + 8 * k), s[k]);                     \
    for (; i < n; i += 8)                                                                                              \
      s[0] = _mm256_fmadd_ps (load (w + i, n - i), load_f32 (x + i, n - i), s[0]);                                     \
    return sum8 (_mm256_add_ps (_mm256_add_ps (s[0], s[1]), _mm256_add_ps (s[2], s[3])));                              \
  }                                                                                                                    \
  static void rows_##name (const QeDotArgs *a)                                                                         \
  {                                                                                                                    \
    for (size_t r = 0; r < a->n_rows; r++) {                                                                           \
      const Type *w = (const Type *) ((const char *) a->w + r * a->row_bytes);                                         \
      for (size_t t = 0; t < a->n_tokens; t++)                                                                         \
        a->y[t * a->ldy + r] = dot_##name (w, a->x + t * a->ldx, a->columns);                                          \
    }                                                                                                                  \
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

void
qe_dot_float_init_avx2 (QeKernels *k)
{
  k->dot[QE_TYPE_F32] = rows_f32;
  k->dot[QE_TYPE_F16] = rows_f16;
  k->dot[QE_TYPE_BF16] = rows_bf16;
  k->dequantise_f16 = dequantise_f16;
  k->dot_f32 = dot_f32;
}
