/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the 256-bit and the 512-bit kernels share. */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* The beginnings of two Q4_K or Q5_K blocks (d, dmin, 12 bytes of scales), one in each half, as 16 bytes each: eight 6-bit
 * scales, eight minima. The formula is qe_k4_scale()'s, for all at once: words 0 and 2 are the lower six bits of a byte,
 * words 1 and 3 a nibble with two bits of another byte above it. */
static inline __attribute__ ((always_inline)) __m256i
qe_k4_six_bits_of_two (__m256i heads)
{
  const __m256i low_from = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m256i high_from = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (-1, -1, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1, 8, 9, 10, 11));
  const __m256i low_mask = _mm256_broadcastsi128_si256 (
      _mm_setr_epi32 (0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
  __m256i low = _mm256_srlv_epi32 (_mm256_shuffle_epi8 (heads, low_from), _mm256_setr_epi32 (0, 0, 0, 4, 0, 0, 0, 4));
  __m256i high = _mm256_srli_epi32 (_mm256_shuffle_epi8 (heads, high_from), 2);
  return _mm256_or_si256 (_mm256_and_si256 (low, low_mask), _mm256_and_si256 (high, _mm256_set1_epi8 (0x30)));
}

/* The same of one. */
static inline __attribute__ ((always_inline)) __m128i
qe_k4_six_bits (__m128i head)
{
  return _mm256_castsi256_si128 (qe_k4_six_bits_of_two (_mm256_castsi128_si256 (head)));
}

/* qe_e8m0_scale() of eight exponents. */
static inline __attribute__ ((always_inline)) __m256
qe_e8m0_scales (__m256i e)
{
  __m256i normal = _mm256_slli_epi32 (_mm256_sub_epi32 (e, _mm256_set1_epi32 (1)), 23);
  __m256i small = _mm256_sllv_epi32 (_mm256_set1_epi32 (0x00200000), e);
  return _mm256_castsi256_ps (_mm256_blendv_epi8 (normal, small, _mm256_cmpgt_epi32 (_mm256_set1_epi32 (2), e)));
}

static inline __attribute__ ((always_inline)) uint64_t
qe_four_halves (const uint8_t *src, size_t step)
{
  uint16_t h[4];
  memcpy (&h[0], src, 2);
  memcpy (&h[1], src + step, 2);
  memcpy (&h[2], src + 2 * step, 2);
  memcpy (&h[3], src + 3 * step, 2);
  return h[0] | (uint64_t) h[1] << 16 | (uint64_t) h[2] << 32 | (uint64_t) h[3] << 48;
}

/* The binary16 numbers at src, src + step, … They are brought together by integer instructions, which have units to
 * spare here. */
static inline __attribute__ ((always_inline)) __m256
qe_half_scales (const void *src, size_t step)
{
  const uint8_t *first = src;
  return _mm256_cvtph_ps (
      _mm_set_epi64x ((long long) qe_four_halves (first + 4 * step, step), (long long) qe_four_halves (first, step)));
}
