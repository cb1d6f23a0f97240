/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Formats whose weights come from codebooks with AVX2, as in qe-unpack-256.h; q_FORMAT (g, i) reads what grid_FORMAT ()
 * made of the block. */

#include "cpu/x86/qe-grids.h"
#include "cpu/x86/qe-unpack-256.h"

/* 32 bytes, negative where the sign is set, and lifted. */
QE_INLINE __m256i
signed_and_lifted (__m256i v, uint32_t signs, char plus)
{
  __m256i minus = bits_to_bytes ((const uint8_t *) &signs, -1);
  return _mm256_add_epi8 (_mm256_xor_si256 (v, minus), _mm256_sub_epi8 (_mm256_set1_epi8 (plus), minus));
}

QE_INLINE __m256i
entries8 (const uint64_t *grid, unsigned i0, unsigned i1, unsigned i2, unsigned i3)
{
  __m128i low = two_entries8 (grid, i0, i1);
  return _mm256_setr_m128i (low, two_entries8 (grid, i2, i3));
}

QE_INLINE __m256i
entries8_at (const uint64_t *grid, const uint16_t *index)
{
  return entries8 (grid, index[0], index[1], index[2], index[3]);
}

/* ---- IQ2 -------------------------------------------------------------------------------------------------------- */

/* d (n + 1/2), for weights lifted by 64. */
QE_INLINE Scales256
halved_scales (__m256i n, float d)
{
  __m256 a = _mm256_add_ps (_mm256_cvtepi32_ps (n), _mm256_set1_ps (0.5f));
  return centred (_mm256_mul_ps (a, _mm256_set1_ps (d)), 64);
}

/* Sixteen nibbles to scales of groups of 16 (IQ2_XS, IQ2_S). */
QE_INLINE Scales256
iq2_scales (const uint8_t scales[8], uint16_t d)
{
  __m128i s = _mm_loadl_epi64 ((const __m128i *) scales);
  s = _mm_and_si128 (_mm_unpacklo_epi8 (s, _mm_srli_epi16 (s, 4)), _mm_set1_epi8 (15));
  Scales256 low = halved_scales (_mm256_cvtepu8_epi32 (s), half (d) * 0.25f);
  Scales256 high = halved_scales (_mm256_cvtepu8_epi32 (_mm_srli_si128 (s, 8)), half (d) * 0.25f);
  return (Scales256) { { low.a[0], high.a[0] }, { low.b[0], high.b[0] } };
}

QE_INLINE __m256i
q_iq2_xxs (const void *grid, int i)
{
  const Grid *g = grid;
  const uint8_t *n = g->bytes + 8 * i;
  return signed_and_lifted (entries8 (qe_iq2xxs_grid, n[0], n[1], n[2], n[3]), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_xxs (const void *src)
{
  const QeBlockIQ2_XXS *b = src;
  return halved_scales (_mm256_srli_epi32 (iq2_xxs_words (b), 28), half (b->d) * 0.25f);
}

QE_INLINE __m256i
q_iq2_xs (const void *grid, int i)
{
  const Grid *g = grid;
  return signed_and_lifted (entries8_at (qe_iq2xs_grid, g->index + 4 * i), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_xs (const void *src)
{
  const QeBlockIQ2_XS *b = src;
  return iq2_scales (b->scales, b->d);
}

QE_INLINE __m256i
q_iq2_s (const void *grid, int i)
{
  const Grid *g = grid;
  return signed_and_lifted (entries8_at (qe_iq2s_grid, g->index + 4 * i), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_s (const void *src)
{
  const QeBlockIQ2_S *b = src;
  return iq2_scales (b->scales, b->d);
}

/* ---- IQ3 -------------------------------------------------------------------------------------------------------- */

QE_INLINE __m256i
q_iq3_xxs (const void *grid, int i)
{
  const Grid *g = grid;
  const uint8_t *n = g->bytes + 8 * i;
  __m128i low = four_entries4 (qe_iq3xxs_grid, n[0], n[1], n[2], n[3]);
  __m128i high = four_entries4 (qe_iq3xxs_grid, n[4], n[5], n[6], n[7]);
  return signed_and_lifted (_mm256_setr_m128i (low, high), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq3_xxs (const void *src)
{
  const QeBlockIQ3_XXS *b = src;
  return halved_scales (_mm256_srli_epi32 (load32 (b->words), 28), half (b->d) * 0.5f);
}

QE_INLINE __m256i
q_iq3_s (const void *grid, int i)
{
  const Grid *g = grid;
  const uint16_t *n = g->index + 8 * i;
  __m128i low = four_entries4 (qe_iq3s_grid, n[0], n[1], n[2], n[3]);
  __m128i high = four_entries4 (qe_iq3s_grid, n[4], n[5], n[6], n[7]);
  return signed_and_lifted (_mm256_setr_m128i (low, high), g->signs[i], 16);
}

QE_INLINE Scales256
scales_iq3_s (const void *src)
{
  const QeBlockIQ3_S *b = src;
  uint32_t s;
  memcpy (&s, b->scales, 4);
  __m256i n = _mm256_srlv_epi32 (_mm256_set1_epi32 ((int) s), _mm256_setr_epi32 (0, 4, 8, 12, 16, 20, 24, 28));
  n = _mm256_or_si256 (_mm256_and_si256 (_mm256_slli_epi32 (n, 1), _mm256_set1_epi32 (30)), _mm256_set1_epi32 (1));
  return centred (_mm256_mul_ps (_mm256_cvtepi32_ps (n), _mm256_set1_ps (half (b->d))), 16);
}

/* ---- IQ1: entries are -1, 0, 1, moved by an eighth up or down ---------------------------------------------------- */

QE_INLINE __m256i
q_iq1_s (const void *grid, int i)
{
  return _mm256_add_epi8 (entries8_at (qe_iq1s_grid, ((const Grid *) grid)->index + 4 * i), _mm256_set1_epi8 (1));
}

/* The eighth, the same for 32 weights, is part of the minimum. */
QE_INLINE Scales256
scales_iq1_s (const void *src)
{
  const QeBlockIQ1_S *b = src;
  __m256i h = _mm256_cvtepu16_epi32 (_mm_loadu_si128 ((const __m128i *) b->qh));
  __m256i n = _mm256_or_si256 (_mm256_and_si256 (_mm256_srli_epi32 (h, 11), _mm256_set1_epi32 (14)),
                               _mm256_set1_epi32 (1));
  __m256 a = _mm256_mul_ps (_mm256_cvtepi32_ps (n), _mm256_set1_ps (half (b->d)));
  __m256 down = _mm256_castsi256_ps (_mm256_slli_epi32 (h, 16)); /* the sign that says so is h's */
  __m256 lift = _mm256_blendv_ps (_mm256_set1_ps (0.875f), _mm256_set1_ps (1.125f), down);
  return (Scales256) { { a, a }, { _mm256_mul_ps (a, lift), a } };
}

QE_INLINE __m256i
q_iq1_m (const void *grid, int i)
{
  const Grid *g = grid;
  const __m256i spread = _mm256_setr_epi64x (0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  __m256i v = _mm256_add_epi8 (entries8_at (qe_iq1s_grid, g->index + 4 * i), _mm256_set1_epi8 (1));
  __m256i up = _mm256_shuffle_epi8 (_mm256_set1_epi32 ((int) g->signs[i]), spread);
  return _mm256_or_si256 (_mm256_slli_epi16 (v, 3), up); /* 0, 8, 16 */
}

QE_INLINE Scales256
scales_iq1_m (const void *src)
{
  const QeBlockIQ1_M *b = src;
  const __m256i shift = _mm256_setr_epi32 (0, 3, 6, 9, 0, 3, 6, 9);
  float d = half (qe_iq1_m_d (b->scales)) * 0.125f;
  Scales256 out;
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    __m256i s = _mm256_setr_m128i (_mm_set1_epi32 (b->scales[2 * i]), _mm_set1_epi32 (b->scales[2 * i + 1]));
    s = _mm256_and_si256 (_mm256_slli_epi32 (_mm256_srlv_epi32 (s, shift), 1), _mm256_set1_epi32 (14));
    s = _mm256_or_si256 (s, _mm256_set1_epi32 (1));
    out.a[i] = _mm256_mul_ps (_mm256_cvtepi32_ps (s), _mm256_set1_ps (d));
    out.b[i] = _mm256_mul_ps (out.a[i], _mm256_set1_ps (9));
  }
  return out;
}
