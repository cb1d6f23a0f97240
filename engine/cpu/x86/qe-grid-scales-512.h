/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Scales of the codebook formats in AVX-512 registers. */

#include "cpu/x86/qe-grids.h"
#include "cpu/x86/qe-unpack-512.h"

/* d (n + 1/2), for weights lifted by 64. */
QE_INLINE void
halved_scales (__m512i n, float d, W512 *w)
{
  w->a = _mm512_mul_ps (_mm512_add_ps (_mm512_cvtepi32_ps (n), _mm512_set1_ps (0.5f)), _mm512_set1_ps (d));
  w->b = _mm512_mul_ps (w->a, _mm512_set1_ps (64));
}

/* Sixteen nibbles to scales of groups of 16 (IQ2_XS, IQ2_S). */
QE_INLINE void
iq2_scales (const uint8_t scales[8], uint16_t d, W512 *w)
{
  __m128i s = _mm_loadl_epi64 ((const __m128i *) scales);
  s = _mm_and_si128 (_mm_unpacklo_epi8 (s, _mm_srli_epi16 (s, 4)), _mm_set1_epi8 (15));
  halved_scales (_mm512_cvtepu8_epi32 (s), half (d) * 0.25f, w);
}

QE_INLINE __m512i
wide_epi32 (__m256i v)
{
  return _mm512_zextsi256_si512 (v);
}

QE_INLINE void
iq2_xxs_scales (const QeBlockIQ2_XXS *b, W512 *w)
{
  halved_scales (wide_epi32 (_mm256_srli_epi32 (iq2_xxs_words (b), 28)), half (b->d) * 0.25f, w);
}

QE_INLINE void
iq3_xxs_scales (const QeBlockIQ3_XXS *b, W512 *w)
{
  __m256i words = _mm256_loadu_si256 ((const __m256i *) b->words);
  halved_scales (wide_epi32 (_mm256_srli_epi32 (words, 28)), half (b->d) * 0.5f, w);
}

QE_INLINE void
iq3_s_scales (const QeBlockIQ3_S *b, W512 *w)
{
  uint32_t s;
  memcpy (&s, b->scales, 4);
  __m256i n = _mm256_srlv_epi32 (_mm256_set1_epi32 ((int) s), _mm256_setr_epi32 (0, 4, 8, 12, 16, 20, 24, 28));
  n = _mm256_or_si256 (_mm256_and_si256 (_mm256_slli_epi32 (n, 1), _mm256_set1_epi32 (30)), _mm256_set1_epi32 (1));
  w->a = wide (_mm256_mul_ps (_mm256_cvtepi32_ps (n), _mm256_set1_ps (half (b->d))));
  w->b = _mm512_mul_ps (w->a, _mm512_set1_ps (16));
}
