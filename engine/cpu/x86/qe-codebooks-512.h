/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Blocks whose codebook is small enough to be looked up in registers, with VBMI. Two tables hold, for every entry of four
 * values, a byte with the codes of two; 64 of these are taken apart into vectors of values, which are then woven into the
 * order of the weights. */

#include "cpu/x86/qe-grid-scales-512.h"

/* 64 indices of 8 bits. */
QE_INLINE __m512i
look_up_256 (const uint8_t table[256], __m512i index)
{
  __m512i low = _mm512_permutex2var_epi8 (_mm512_load_si512 (table), index, _mm512_load_si512 (table + 64));
  __m512i high = _mm512_permutex2var_epi8 (_mm512_load_si512 (table + 128), index, _mm512_load_si512 (table + 192));
  return _mm512_mask_blend_epi8 (_mm512_movepi8_mask (index), low, high);
}

/* Nine bits. */
QE_INLINE __m512i
look_up_512 (const uint8_t table[512], __m512i index, uint64_t ninth)
{
  return _mm512_mask_blend_epi8 (ninth, look_up_256 (table, index), look_up_256 (table + 256, index));
}

/* Values of the codes in bits shift … shift + 3 of each byte, lifted. */
QE_INLINE __m512i
values_of (__m512i codes, int shift, __m128i values)
{
  __m512i code = _mm512_and_si512 (_mm512_srli_epi16 (codes, (unsigned) shift), _mm512_set1_epi8 (15));
  return _mm512_shuffle_epi8 (_mm512_broadcast_i32x4 (values), code);
}

/* Words such that weave() puts every one where it belongs. */
QE_INLINE __m512i
spread_words (__m512i v)
{
  return _mm512_permutexvar_epi32 (_mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

/* Byte k of v[j] is weight 4k + j but for spread_words(); negative where the sign is set: `twice` is two times the lift. */
QE_INLINE void
weave (const __m512i v[4], const void *signs, char twice_lift, W512 *w)
{
  __m512i low0 = _mm512_unpacklo_epi8 (v[0], v[1]), high0 = _mm512_unpackhi_epi8 (v[0], v[1]);
  __m512i low1 = _mm512_unpacklo_epi8 (v[2], v[3]), high1 = _mm512_unpackhi_epi8 (v[2], v[3]);
  w->q[0] = _mm512_unpacklo_epi16 (low0, low1);
  w->q[1] = _mm512_unpackhi_epi16 (low0, low1);
  w->q[2] = _mm512_unpacklo_epi16 (high0, high1);
  w->q[3] = _mm512_unpackhi_epi16 (high0, high1);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    uint64_t minus;
    memcpy (&minus, (const uint8_t *) signs + 8 * i, 8);
    w->q[i] = _mm512_mask_sub_epi8 (w->q[i], minus, _mm512_set1_epi8 (twice_lift), w->q[i]);
  }
}

QE_INLINE void
weave_iq3 (__m512i low, __m512i high, __m128i values, const void *signs, char twice_lift, W512 *w)
{
  low = spread_words (low);
  high = spread_words (high);
  const __m512i v[4] = { values_of (low, 0, values), values_of (low, 4, values), values_of (high, 0, values),
                         values_of (high, 4, values) };
  weave (v, signs, twice_lift, w);
}

QE_INLINE W512
unpack_iq3_xxs (const void *src)
{
  const QeBlockIQ3_XXS *b = src;
  const __m128i values = _mm_setr_epi8 (68, 76, 84, 92, 100, 108, 116, 126, 0, 0, 0, 0, 0, 0, 0, 0);
  __m512i index = _mm512_loadu_si512 (b->qs);
  Grid g;
  W512 w;
  signs_of_words (_mm256_loadu_si256 ((const __m256i *) b->words), &g);
  weave_iq3 (look_up_256 (qe_iq3xxs_codes[0], index), look_up_256 (qe_iq3xxs_codes[1], index), values, g.signs, -128,
             &w);
  iq3_xxs_scales (b, &w);
  return w;
}

QE_INLINE W512
unpack_iq3_s (const void *src)
{
  const QeBlockIQ3_S *b = src;
  const __m128i values = _mm_setr_epi8 (17, 19, 21, 23, 25, 27, 29, 31, 0, 0, 0, 0, 0, 0, 0, 0);
  __m512i index = _mm512_loadu_si512 (b->qs);
  uint64_t ninth;
  W512 w;
  memcpy (&ninth, b->qh, 8);
  weave_iq3 (look_up_512 (qe_iq3s_codes[0], index, ninth), look_up_512 (qe_iq3s_codes[1], index, ninth), values,
             b->signs, 32, &w);
  iq3_s_scales (b, &w);
  return w;
}
