/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The beginnings of Q4_K and Q5_K blocks, in the streams of AVX2 and AVX-512. */

#include <immintrin.h>
#include <string.h>

#include "cpu/qe-x8.h"
#include "cpu/x86/qe-block-scales.h"

#ifndef QE_INLINE
#define QE_INLINE static inline __attribute__ ((always_inline))
#endif

/* Two neighbours of a row at a time. Their scales have 6 bits, those of activations are whole numbers of units (QeX8Pair),
 * and four products of weights of 4 or 5 bits have 15: so sums are scaled as integers, two of 16
 * bits at once. */
typedef struct {
  __m256i scales, minima; /* 16 bits each, eight of the one block and eight of the other */
  __m128 d;               /* d and dmin of the one, then of the other */
} HeadsK4;

QE_INLINE __m256i
two_16 (const void *first, const void *second)
{
  return _mm256_inserti128_si256 (_mm256_castsi128_si256 (_mm_loadu_si128 (first)), _mm_loadu_si128 (second), 1);
}

QE_INLINE HeadsK4
read_heads (const uint8_t *src, size_t bytes)
{
  const __m256i heads = two_16 (src, src + bytes), six = qe_k4_six_bits_of_two (heads), zero = _mm256_setzero_si256 ();
  int second;
  memcpy (&second, src + bytes, sizeof second);
  return (HeadsK4) { _mm256_unpacklo_epi8 (six, zero), _mm256_unpackhi_epi8 (six, zero),
                     _mm_cvtph_ps (_mm_insert_epi32 (_mm256_castsi256_si128 (heads), second, 1)) };
}

/* What a token makes of the heads of two blocks. */
typedef struct {
  __m256i scales; /* as in HeadsK4 */
  float d[4];
} TokenScales;

/* Returns `less` and what the minima add to it. */
QE_INLINE __m256
scale_heads (TokenScales *out, const HeadsK4 *h, const QeX8Pair *x, __m256 less)
{
  const __m256i e = _mm256_load_si256 ((const __m256i *) x->e);
  const __m256i minima = _mm256_madd_epi16 (_mm256_mullo_epi16 (h->minima, e),
                                            _mm256_load_si256 ((const __m256i *) x->sum));
  const __m128 d = _mm_mul_ps (h->d, _mm_load_ps (x->unit[0]));
  const __m256 dmin = _mm256_permutevar8x32_ps (_mm256_castps128_ps256 (d), _mm256_setr_epi32 (1, 1, 1, 1, 3, 3, 3, 3));
  out->scales = _mm256_mullo_epi16 (h->scales, e);
  _mm_storeu_ps (out->d, d);
  __asm__ ("" : "+m"(out->d)); /* broadcasting from memory costs no shuffle */
  return _mm256_fmadd_ps (_mm256_cvtepi32_ps (minima), dmin, less);
}
