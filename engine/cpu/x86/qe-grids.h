/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Formats whose weights come from codebooks (IQ1, IQ2, IQ3): what has to be taken apart by bits, indices and signs, is so
 * for a whole block at once, grid_FORMAT (src, g). Then entries are loaded one by one (vpgatherdd is no faster on any
 * processor and much slower on most). */

#include <immintrin.h>
#include <string.h>

#include "format/quant/qe-quant-internal.h"

#define QE_INLINE static inline __attribute__ ((always_inline))

typedef struct {
  _Alignas (64) uint16_t index[64];
  _Alignas (32) uint32_t signs[8]; /* bit j of word i: weight 32i + j is negative */
  const uint8_t *bytes;            /* indices that the block has as they are */
} Grid;

/* Entries a and b of a codebook. In assembler, as compilers fetch indices far ahead, run out of registers and park them in
 * vector registers, which takes longer than all the rest. */
QE_INLINE __m128i
two_entries8 (const uint64_t *grid, uint64_t a, uint64_t b)
{
  __m128i v;
  __asm__ volatile ("vmovq (%1,%2,8), %0\n\tvpinsrq $1, (%1,%3,8), %0, %0" : "=&x"(v) : "r"(grid), "r"(a), "r"(b));
  return v;
}

QE_INLINE __m128i
four_entries4 (const uint32_t *grid, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
  __m128i v;
  __asm__ volatile ("vmovd (%1,%2,4), %0\n\tvpinsrd $1, (%1,%3,4), %0, %0\n\t"
                    "vpinsrd $2, (%1,%4,4), %0, %0\n\tvpinsrd $3, (%1,%5,4), %0, %0"
                    : "=&x"(v)
                    : "r"(grid), "r"(a), "r"(b), "r"(c), "r"(d));
  return v;
}

/* Makes the compiler read what was stored, where it would rather take indices out of vector registers one by one; that
 * costs more when they are many or hard to come by. */
QE_INLINE void
settle (Grid *g)
{
  __asm__ volatile ("" : "+m"(g->index));
}

/* 7-bit sign indices to 8 signs, in each byte: qe_iq_signs(). */
QE_INLINE __m256i
with_parity (__m256i v)
{
  const __m256i odd = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
  __m256i folded = _mm256_and_si256 (_mm256_xor_si256 (v, _mm256_srli_epi16 (v, 4)), _mm256_set1_epi8 (15));
  return _mm256_or_si256 (v, _mm256_shuffle_epi8 (odd, folded));
}

/* Eight words of four 7-bit sign indices (IQ2_XXS, IQ3_XXS). */
QE_INLINE void
signs_of_words (__m256i w, Grid *g)
{
  __m256i v = _mm256_and_si256 (w, _mm256_set1_epi32 (0x7f));
  for (int l = 1; l < 4; l++)
    v = _mm256_or_si256 (v, _mm256_and_si256 (_mm256_slli_epi32 (w, l), _mm256_set1_epi32 (0x7f << 8 * l)));
  _mm256_store_si256 ((__m256i *) g->signs, with_parity (v));
}

QE_INLINE void
signs_of_bytes (const uint8_t signs[32], Grid *g)
{
  _mm256_store_si256 ((__m256i *) g->signs, _mm256_loadu_si256 ((const __m256i *) signs));
}

/* 16 indices from 8 bits each and those above them, which are `mask` of `high` times `shift`. */
QE_INLINE void
indices (const uint8_t *low, __m256i high, __m256i shift, int mask, uint16_t *out)
{
  __m256i v = _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) low));
  high = _mm256_and_si256 (_mm256_mullo_epi16 (high, shift), _mm256_set1_epi16 ((short) mask));
  _mm256_store_si256 ((__m256i *) out, _mm256_or_si256 (v, high));
}

QE_INLINE __m256i
iq2_xxs_words (const QeBlockIQ2_XXS *b)
{
  __m256 low = _mm256_loadu_ps ((const float *) (const void *) b->qs);
  __m256 high = _mm256_loadu_ps ((const float *) (const void *) (b->qs + 16));
  return _mm256_permute4x64_epi64 (_mm256_castps_si256 (_mm256_shuffle_ps (low, high, 0xdd)), 0xd8);
}

QE_INLINE void
grid_iq2_xxs (const void *src, Grid *g)
{
  g->bytes = (const uint8_t *) ((const QeBlockIQ2_XXS *) src)->qs;
  signs_of_words (iq2_xxs_words (src), g);
}

QE_INLINE void
grid_iq2_xs (const void *src, Grid *g)
{
  const QeBlockIQ2_XS *b = src;
  __m256i low = _mm256_loadu_si256 ((const __m256i *) b->qs);
  __m256i high = _mm256_loadu_si256 ((const __m256i *) (b->qs + 16));
  _mm256_store_si256 ((__m256i *) g->index, _mm256_and_si256 (low, _mm256_set1_epi16 (511)));
  _mm256_store_si256 ((__m256i *) (g->index + 16), _mm256_and_si256 (high, _mm256_set1_epi16 (511)));
  __m256i s = _mm256_packus_epi16 (_mm256_srli_epi16 (low, 9), _mm256_srli_epi16 (high, 9));
  _mm256_store_si256 ((__m256i *) g->signs, with_parity (_mm256_permute4x64_epi64 (s, 0xd8)));
}

QE_INLINE void
grid_iq2_s (const void *src, Grid *g)
{
  const QeBlockIQ2_S *b = src;
  const __m256i shift = _mm256_set1_epi64x (0x0004001000400100);
  __m256i high = _mm256_cvtepu8_epi64 (_mm_loadl_epi64 ((const __m128i *) b->qh));
  const __m256i spread = _mm256_setr_epi8 (0, -1, 0, -1, 0, -1, 0, -1, 8, -1, 8, -1, 8, -1, 8, -1, 0, -1, 0, -1, 0, -1,
                                           0, -1, 8, -1, 8, -1, 8, -1, 8, -1);
  __m256i last = _mm256_cvtepu8_epi64 (_mm_loadl_epi64 ((const __m128i *) (b->qh + 4)));
  indices (b->qs, _mm256_shuffle_epi8 (high, spread), shift, 0x300, g->index);
  indices (b->qs + 16, _mm256_shuffle_epi8 (last, spread), shift, 0x300, g->index + 16);
  signs_of_bytes (b->signs, g);
  settle (g);
}

QE_INLINE void
grid_iq3_xxs (const void *src, Grid *g)
{
  const QeBlockIQ3_XXS *b = src;
  g->bytes = b->qs;
  signs_of_words (_mm256_loadu_si256 ((const __m256i *) b->words), g);
}

QE_INLINE void
grid_iq3_s (const void *src, Grid *g)
{
  const QeBlockIQ3_S *b = src;
  const __m256i shift = _mm256_setr_epi16 (256, 128, 64, 32, 16, 8, 4, 2, 256, 128, 64, 32, 16, 8, 4, 2);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    __m256i high = _mm256_setr_m128i (_mm_set1_epi16 (b->qh[2 * i]), _mm_set1_epi16 (b->qh[2 * i + 1]));
    indices (b->qs + 16 * i, high, shift, 0x100, g->index + 16 * i);
  }
  signs_of_bytes (b->signs, g);
  settle (g);
}

QE_INLINE void
grid_iq1_s (const void *src, Grid *g)
{
  const QeBlockIQ1_S *b = src;
  const __m256i shift = _mm256_set1_epi64x (0x0000000400200100), fourth = _mm256_set1_epi64x (0x0700000000000000);
  const __m256i spread = _mm256_setr_epi8 (0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5, 6, 7,
                                           6, 7, 6, 7, 6, 7);
#pragma GCC unroll 2
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

/* `signs`: 2 for each 8 weights that are moved up. */
QE_INLINE void
grid_iq1_m (const void *src, Grid *g)
{
  const QeBlockIQ1_M *b = src;
  __m256i up[2];
#pragma GCC unroll 2
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
