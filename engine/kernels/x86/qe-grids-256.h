/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Formats whose weights come from codebooks (IQ1, IQ2, IQ3) with AVX2, as in qe-unpack-256.h. What has to be taken apart
 * by bits, indices and signs, is so for a whole block at once: grid_FORMAT (src, g). Then q_FORMAT (g, i) loads entries
 * one by one; vpgatherdq is no faster on any processor and much slower on most. */

#include "qe-unpack-256.h"

typedef struct {
  _Alignas (32) uint16_t index[64];
  _Alignas (32) uint32_t signs[8]; /* bit j of word i: weight 32i + j is negative */
  const uint8_t *bytes;            /* indices that the block has as they are */
} Grid256;

/* ---- indices and signs ------------------------------------------------------------------------------------------ */

/* 7-bit sign indices to 8 signs, in each byte: qe_iq_signs(). */
QE_INLINE __m256i
with_parity (__m256i v)
{
  const __m256i odd = _mm256_broadcastsi128_si256 (
    _mm_setr_epi8 (0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
  __m256i folded = low_nibbles (_mm256_xor_si256 (v, _mm256_srli_epi16 (v, 4)));
  return _mm256_or_si256 (v, _mm256_shuffle_epi8 (odd, folded));
}

/* Eight words of four 7-bit sign indices (IQ2_XXS, IQ3_XXS). */
QE_INLINE void
signs_of_words (__m256i w, Grid256 *g)
{
  __m256i v = _mm256_and_si256 (w, _mm256_set1_epi32 (0x7f));
  for (int l = 1; l < 4; l++)
    v = _mm256_or_si256 (v, _mm256_and_si256 (_mm256_slli_epi32 (w, l), _mm256_set1_epi32 (0x7f << 8 * l)));
  _mm256_store_si256 ((__m256i *) g->signs, with_parity (v));
}

QE_INLINE void
signs_of_bytes (const uint8_t signs[32], Grid256 *g)
{
  _mm256_store_si256 ((__m256i *) g->signs, load32 (signs));
}

/* 16 indices from 8 bits each and those above them, which are `mask` of `high` times `shift`. */
QE_INLINE void
indices (const uint8_t *low, __m256i high, __m256i shift, int mask, uint16_t *out)
{
  __m256i v = _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) low));
  high = _mm256_and_si256 (_mm256_mullo_epi16 (high, shift), _mm256_set1_epi16 ((short) mask));
  _mm256_store_si256 ((__m256i *) out, _mm256_or_si256 (v, high));
}

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
  return _mm256_setr_epi64x ((long long) grid[i0], (long long) grid[i1], (long long) grid[i2], (long long) grid[i3]);
}

QE_INLINE __m256i
entries8_at (const uint64_t *grid, const uint16_t *index)
{
  return entries8 (grid, index[0], index[1], index[2], index[3]);
}

QE_INLINE __m128i
four_entries4 (const uint32_t *grid, unsigned i0, unsigned i1, unsigned i2, unsigned i3)
{
  return _mm_setr_epi32 ((int) grid[i0], (int) grid[i1], (int) grid[i2], (int) grid[i3]);
}

/* ---- IQ2 -------------------------------------------------------------------------------------------------------- */

QE_INLINE __m256i
iq2_xxs_words (const QeBlockIQ2_XXS *b)
{
  __m256 low = _mm256_castsi256_ps (load32 (b->qs)), high = _mm256_castsi256_ps (load32 (b->qs + 16));
  return _mm256_permute4x64_epi64 (_mm256_castps_si256 (_mm256_shuffle_ps (low, high, 0xdd)), 0xd8);
}

/* d (n + 1/2) times `most`, lifted by 64. */
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

QE_INLINE void
grid_iq2_xxs (const void *src, Grid256 *g)
{
  g->bytes = (const uint8_t *) ((const QeBlockIQ2_XXS *) src)->qs;
  signs_of_words (iq2_xxs_words (src), g);
}

QE_INLINE __m256i
q_iq2_xxs (const void *grid, int i)
{
  const Grid256 *g = grid;
  const uint8_t *n = g->bytes + 8 * i;
  return signed_and_lifted (entries8 (qe_iq2xxs_grid, n[0], n[1], n[2], n[3]), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_xxs (const void *src)
{
  const QeBlockIQ2_XXS *b = src;
  return halved_scales (_mm256_srli_epi32 (iq2_xxs_words (b), 28), half (b->d) * 0.25f);
}

QE_INLINE void
grid_iq2_xs (const void *src, Grid256 *g)
{
  const QeBlockIQ2_XS *b = src;
  __m256i low = load32 (b->qs), high = load32 (b->qs + 16);
  _mm256_store_si256 ((__m256i *) g->index, _mm256_and_si256 (low, _mm256_set1_epi16 (511)));
  _mm256_store_si256 ((__m256i *) (g->index + 16), _mm256_and_si256 (high, _mm256_set1_epi16 (511)));
  __m256i s = _mm256_packus_epi16 (_mm256_srli_epi16 (low, 9), _mm256_srli_epi16 (high, 9));
  _mm256_store_si256 ((__m256i *) g->signs, with_parity (_mm256_permute4x64_epi64 (s, 0xd8)));
}

QE_INLINE __m256i
q_iq2_xs (const void *grid, int i)
{
  const Grid256 *g = grid;
  return signed_and_lifted (entries8_at (qe_iq2xs_grid, g->index + 4 * i), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_xs (const void *src)
{
  const QeBlockIQ2_XS *b = src;
  return iq2_scales (b->scales, b->d);
}

QE_INLINE void
grid_iq2_s (const void *src, Grid256 *g)
{
  const QeBlockIQ2_S *b = src;
  const __m256i shift = _mm256_set1_epi64x (0x0004001000400100);
  __m256i high = _mm256_cvtepu8_epi64 (_mm_loadl_epi64 ((const __m128i *) b->qh));
  const __m256i spread = _mm256_setr_epi8 (0, -1, 0, -1, 0, -1, 0, -1, 8, -1, 8, -1, 8, -1, 8, -1,
                                           0, -1, 0, -1, 0, -1, 0, -1, 8, -1, 8, -1, 8, -1, 8, -1);
  __m256i last = _mm256_cvtepu8_epi64 (_mm_loadl_epi64 ((const __m128i *) (b->qh + 4)));
  indices (b->qs, _mm256_shuffle_epi8 (high, spread), shift, 0x300, g->index);
  indices (b->qs + 16, _mm256_shuffle_epi8 (last, spread), shift, 0x300, g->index + 16);
  signs_of_bytes (b->signs, g);
}

QE_INLINE __m256i
q_iq2_s (const void *grid, int i)
{
  const Grid256 *g = grid;
  return signed_and_lifted (entries8_at (qe_iq2s_grid, g->index + 4 * i), g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq2_s (const void *src)
{
  const QeBlockIQ2_S *b = src;
  return iq2_scales (b->scales, b->d);
}

/* ---- IQ3 -------------------------------------------------------------------------------------------------------- */

QE_INLINE void
grid_iq3_xxs (const void *src, Grid256 *g)
{
  const QeBlockIQ3_XXS *b = src;
  g->bytes = b->qs;
  signs_of_words (load32 (b->words), g);
}

QE_INLINE __m256i
q_iq3_xxs (const void *grid, int i)
{
  const Grid256 *g = grid;
  const uint8_t *n = g->bytes + 8 * i;
  __m256i v = _mm256_setr_m128i (four_entries4 (qe_iq3xxs_grid, n[0], n[1], n[2], n[3]),
                                 four_entries4 (qe_iq3xxs_grid, n[4], n[5], n[6], n[7]));
  return signed_and_lifted (v, g->signs[i], 64);
}

QE_INLINE Scales256
scales_iq3_xxs (const void *src)
{
  const QeBlockIQ3_XXS *b = src;
  return halved_scales (_mm256_srli_epi32 (load32 (b->words), 28), half (b->d) * 0.5f);
}

QE_INLINE void
grid_iq3_s (const void *src, Grid256 *g)
{
  const QeBlockIQ3_S *b = src;
  const __m256i shift = _mm256_setr_epi16 (256, 128, 64, 32, 16, 8, 4, 2, 256, 128, 64, 32, 16, 8, 4, 2);
  for (int i = 0; i < 4; i++) {
    __m256i high = _mm256_setr_m128i (_mm_set1_epi16 (b->qh[2 * i]), _mm_set1_epi16 (b->qh[2 * i + 1]));
    indices (b->qs + 16 * i, high, shift, 0x100, g->index + 16 * i);
  }
  signs_of_bytes (b->signs, g);
}

QE_INLINE __m256i
q_iq3_s (const void *grid, int i)
{
  const Grid256 *g = grid;
  const uint16_t *n = g->index + 8 * i;
  __m256i v = _mm256_setr_m128i (four_entries4 (qe_iq3s_grid, n[0], n[1], n[2], n[3]),
                                 four_entries4 (qe_iq3s_grid, n[4], n[5], n[6], n[7]));
  return signed_and_lifted (v, g->signs[i], 16);
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

QE_INLINE void
grid_iq1_s (const void *src, Grid256 *g)
{
  const QeBlockIQ1_S *b = src;
  const __m256i shift = _mm256_set1_epi64x (0x0000000400200100), fourth = _mm256_set1_epi64x (0x0700000000000000);
  const __m256i spread = _mm256_setr_epi8 (0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3,
                                           4, 5, 4, 5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7);
  for (int i = 0; i < 2; i++) {
    uint64_t four;
    memcpy (&four, b->qh + 4 * i, 8);
    __m256i h = _mm256_shuffle_epi8 (_mm256_set1_epi64x ((long long) four), spread);
    __m256i low = _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) (b->qs + 16 * i)));
    __m256i high = _mm256_and_si256 (_mm256_mullo_epi16 (h, shift), _mm256_set1_epi16 (0x700));
    high = _mm256_or_si256 (high, _mm256_and_si256 (_mm256_srli_epi16 (h, 1), fourth));
    _mm256_store_si256 ((__m256i *) (g->index + 16 * i), _mm256_or_si256 (low, high));
  }
}

QE_INLINE __m256i
q_iq1_s (const void *grid, int i)
{
  return _mm256_add_epi8 (entries8_at (qe_iq1s_grid, ((const Grid256 *) grid)->index + 4 * i), _mm256_set1_epi8 (1));
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

/* `signs`: 2 for each 8 weights that are moved up. */
QE_INLINE void
grid_iq1_m (const void *src, Grid256 *g)
{
  const QeBlockIQ1_M *b = src;
  __m256i up[2];
  for (int i = 0; i < 2; i++) { /* a byte for two indices */
    __m256i h = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) (b->qh + 8 * i)));
    h = _mm256_or_si256 (_mm256_slli_epi32 (h, 8), _mm256_slli_epi32 (h, 20));
    __m256i low = _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) (b->qs + 16 * i)));
    __m256i high = _mm256_and_si256 (h, _mm256_set1_epi16 (0x700));
    _mm256_store_si256 ((__m256i *) (g->index + 16 * i), _mm256_or_si256 (low, high));
    up[i] = _mm256_andnot_si256 (_mm256_srli_epi16 (h, 10), _mm256_set1_epi16 (2));
  }
  __m256i bytes = _mm256_permute4x64_epi64 (_mm256_packus_epi16 (up[0], up[1]), 0xd8);
  _mm256_store_si256 ((__m256i *) g->signs, bytes);
}

QE_INLINE __m256i
q_iq1_m (const void *grid, int i)
{
  const Grid256 *g = grid;
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
  for (int i = 0; i < 2; i++) {
    __m256i s = _mm256_setr_m128i (_mm_set1_epi32 (b->scales[2 * i]), _mm_set1_epi32 (b->scales[2 * i + 1]));
    s = _mm256_and_si256 (_mm256_slli_epi32 (_mm256_srlv_epi32 (s, shift), 1), _mm256_set1_epi32 (14));
    s = _mm256_or_si256 (s, _mm256_set1_epi32 (1));
    out.a[i] = _mm256_mul_ps (_mm256_cvtepi32_ps (s), _mm256_set1_ps (d));
    out.b[i] = _mm256_mul_ps (out.a[i], _mm256_set1_ps (9));
  }
  return out;
}
