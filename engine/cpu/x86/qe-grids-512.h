/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Formats whose weights come from codebooks with AVX-512, as in qe-unpack-512.h. */

#include "cpu/x86/qe-grid-scales-512.h"

QE_INLINE __m512i
four_parts (__m128i a, __m128i b, __m128i c, __m128i d)
{
  return _mm512_inserti64x4 (_mm512_castsi256_si512 (_mm256_setr_m128i (a, b)), _mm256_setr_m128i (c, d), 1);
}

/* The parts one after the other: see two_entries8(). */
#define ENTRIES8(grid, n, second)                                                                                      \
  ({                                                                                                                   \
    __m128i part0 = two_entries8 (grid, (n)[0], (n)[1]), part1 = two_entries8 (grid, (n)[2], (n)[3]);                  \
    __m128i part2 = two_entries8 (grid, (n)[second], (n)[second + 1]);                                                 \
    four_parts (part0, part1, part2, two_entries8 (grid, (n)[second + 2], (n)[second + 3]));                           \
  })
#define ENTRIES16(grid, n)                                                                                             \
  ({                                                                                                                   \
    __m128i part0 = four_entries4 (grid, (n)[0], (n)[1], (n)[2], (n)[3]);                                              \
    __m128i part1 = four_entries4 (grid, (n)[4], (n)[5], (n)[6], (n)[7]);                                              \
    __m128i part2 = four_entries4 (grid, (n)[8], (n)[9], (n)[10], (n)[11]);                                            \
    four_parts (part0, part1, part2, four_entries4 (grid, (n)[12], (n)[13], (n)[14], (n)[15]));                        \
  })

/* Weights from 64i on: lifted, negative where the sign is set. */
QE_INLINE __m512i
lift (__m512i v, const void *all_signs, int i, char plus)
{
  uint64_t signs;
  memcpy (&signs, (const uint8_t *) all_signs + 8 * i, 8);
  v = _mm512_add_epi8 (v, _mm512_set1_epi8 (plus));
  return _mm512_mask_sub_epi8 (v, signs, _mm512_set1_epi8 ((char) (2 * plus)), v);
}

QE_INLINE W512
unpack_iq2_xxs (const void *src)
{
  const QeBlockIQ2_XXS *b = src;
  Grid g;
  W512 w;
  grid_iq2_xxs (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) /* eight bytes in each sixteen are indices */
    w.q[i] = lift (ENTRIES8 (qe_iq2xxs_grid, g.bytes + 16 * i, 8), g.signs, i, 64);
  iq2_xxs_scales (b, &w);
  return w;
}

QE_INLINE W512
unpack_iq2_xs (const void *src)
{
  const QeBlockIQ2_XS *b = src;
  Grid g;
  W512 w;
  grid_iq2_xs (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = lift (ENTRIES8 (qe_iq2xs_grid, g.index + 8 * i, 4), g.signs, i, 64);
  iq2_scales (b->scales, b->d, &w);
  return w;
}

QE_INLINE W512
unpack_iq2_s (const void *src)
{
  const QeBlockIQ2_S *b = src;
  Grid g;
  W512 w;
  grid_iq2_s (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = lift (ENTRIES8 (qe_iq2s_grid, g.index + 8 * i, 4), b->signs, i, 64);
  iq2_scales (b->scales, b->d, &w);
  return w;
}

QE_INLINE W512
unpack_iq3_xxs (const void *src)
{
  const QeBlockIQ3_XXS *b = src;
  Grid g;
  W512 w;
  grid_iq3_xxs (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const uint8_t *n = b->qs + 16 * i;
    w.q[i] = lift (ENTRIES16 (qe_iq3xxs_grid, n), g.signs, i, 64);
  }
  iq3_xxs_scales (b, &w);
  return w;
}

QE_INLINE W512
unpack_iq3_s (const void *src)
{
  const QeBlockIQ3_S *b = src;
  Grid g;
  W512 w;
  grid_iq3_s (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const uint16_t *n = g.index + 16 * i;
    w.q[i] = lift (ENTRIES16 (qe_iq3s_grid, n), b->signs, i, 16);
  }
  iq3_s_scales (b, &w);
  return w;
}

/* The eighth by which weights are moved is the same for 32 of them and part of the minimum. */
QE_INLINE W512
unpack_iq1_s (const void *src)
{
  const QeBlockIQ1_S *b = src;
  Grid g;
  W512 w;
  grid_iq1_s (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = _mm512_add_epi8 (ENTRIES8 (qe_iq1s_grid, g.index + 8 * i, 4), _mm512_set1_epi8 (1));
  __m512i h = wide_epi32 (_mm256_cvtepu16_epi32 (_mm_loadu_si128 ((const __m128i *) b->qh)));
  __m512i n = _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi32 (h, 11), _mm512_set1_epi32 (14)),
                               _mm512_set1_epi32 (1));
  __mmask16 down = _mm512_test_epi32_mask (h, _mm512_set1_epi32 (0x8000));
  w.a = _mm512_mul_ps (_mm512_cvtepi32_ps (n), _mm512_set1_ps (half (b->d)));
  w.b = _mm512_mul_ps (w.a, _mm512_mask_blend_ps (down, _mm512_set1_ps (0.875f), _mm512_set1_ps (1.125f)));
  return w;
}

QE_INLINE W512
unpack_iq1_m (const void *src)
{
  const QeBlockIQ1_M *b = src;
  const __m512i each = _mm512_setr_epi64 (0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303,
                                          0x0404040404040404, 0x0505050505050505, 0x0606060606060606,
                                          0x0707070707070707);
  const __m512i shift = _mm512_setr_epi32 (0, 3, 6, 9, 16, 19, 22, 25, 0, 3, 6, 9, 16, 19, 22, 25);
  Grid g;
  W512 w;
  grid_iq1_m (b, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* 0, 8, 16, and 2 where moved up */
    uint64_t up;
    memcpy (&up, g.signs + 2 * i, 8);
    __m512i v = _mm512_add_epi8 (ENTRIES8 (qe_iq1s_grid, g.index + 8 * i, 4), _mm512_set1_epi8 (1));
    __m512i ups = _mm512_shuffle_epi8 (_mm512_set1_epi64 ((long long) up), each);
    w.q[i] = _mm512_or_si512 (_mm512_slli_epi16 (v, 3), ups);
  }
  uint32_t low, high;
  memcpy (&low, b->scales, 4);
  memcpy (&high, b->scales + 2, 4);
  __m512i s = _mm512_mask_blend_epi32 (0xff00, _mm512_set1_epi32 ((int) low), _mm512_set1_epi32 ((int) high));
  s = _mm512_and_si512 (_mm512_slli_epi32 (_mm512_srlv_epi32 (s, shift), 1), _mm512_set1_epi32 (14));
  s = _mm512_or_si512 (s, _mm512_set1_epi32 (1));
  w.a = _mm512_mul_ps (_mm512_cvtepi32_ps (s), _mm512_set1_ps (half (qe_iq1_m_d (b->scales)) * 0.125f));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (9));
  return w;
}
