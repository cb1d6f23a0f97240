/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Formats of one and two bits, 32 weights at a time, for the 256-bit and the 512-bit kernels. */

#include <immintrin.h>
#include <string.h>

#include "cpu/x86/qe-lanes-256.h"
#include "format/quant/qe-quant-internal.h"

/* Each byte times 3, without its carry. */
QE_INLINE __m256i
qe_thrice (__m256i v)
{
  return _mm256_add_epi8 (v, _mm256_add_epi8 (v, v));
}

/* Each byte times a power of 3. */
QE_INLINE __m256i
qe_times_power_of_3 (__m256i v, const int power)
{
#pragma GCC unroll 4
  for (int i = 0; i < power; i++)
    v = qe_thrice (v);
  return v;
}

/* The digit in front of each byte: what a product with 3 carries over, 1 from 86 on and 2 from 171 on. */
QE_INLINE __m256i
qe_first_digit (__m256i v)
{
  const __m256i one = _mm256_set1_epi8 (86), two = _mm256_set1_epi8 ((char) 171);
  const __m256i carries = _mm256_add_epi8 (_mm256_cmpeq_epi8 (_mm256_max_epu8 (v, one), v),
                                           _mm256_cmpeq_epi8 (_mm256_max_epu8 (v, two), v));
  return _mm256_abs_epi8 (carries); /* -1 for each */
}

/* Weights 32i … 32i+31 of a TQ1_0 block as 0 … 2. Digit n of 32 bytes makes the first five; then come the digits of 16
 * bytes, two by two, and at the end the four of four bytes. */
QE_INLINE __m256i
qe_tq1_0_digits (const QeBlockTQ1_0 *b, const int i)
{
  if (i < 5)
    return qe_first_digit (qe_times_power_of_3 (_mm256_loadu_si256 ((const __m256i *) b->qs), i));
  const __m256i both = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) (b->qs + 32)));
  const __m256i low = qe_times_power_of_3 (both, i == 5 ? 0 : i == 6 ? 2 : 4);
  __m256i high = qe_thrice (low);
  if (i == 7) {
    uint32_t four;
    memcpy (&four, b->qh, 4);
    const __m128i one = _mm_set1_epi32 ((int) four), three = _mm_add_epi8 (one, _mm_add_epi8 (one, one));
    const __m128i nine = _mm_add_epi8 (three, _mm_add_epi8 (three, three));
    const __m128i last = _mm_add_epi8 (nine, _mm_add_epi8 (nine, nine));
    high = _mm256_broadcastsi128_si256 (
        _mm_blend_epi32 (_mm_blend_epi32 (one, three, 2), _mm_blend_epi32 (nine, last, 8), 12));
  }
  return qe_first_digit (_mm256_blend_epi32 (low, high, 0xf0));
}

/* 8 bytes of four weights each, in order, as 32 bytes 0 … 3. */
QE_INLINE __m256i
qe_four_in_a_byte (const uint8_t *qs)
{
  const __m256i v = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) qs));
  const __m256i two = _mm256_or_si256 (v, _mm256_slli_epi32 (v, 6));
  return _mm256_and_si256 (_mm256_or_si256 (two, _mm256_slli_epi32 (two, 12)), _mm256_set1_epi8 (3));
}

/* The 32 nibbles of two groups of NVFP4: of each, the low ones of 8 bytes, then the high ones. */
QE_INLINE __m256i
qe_nvfp4_nibbles (const uint8_t *qs)
{
  const __m128i v = _mm_loadu_si128 ((const __m128i *) qs), low4 = _mm_set1_epi8 (15);
  const __m128i low = _mm_and_si128 (v, low4), high = _mm_and_si128 (_mm_srli_epi16 (v, 4), low4);
  return _mm256_set_m128i (_mm_unpackhi_epi64 (low, high), _mm_unpacklo_epi64 (low, high));
}

/* qe_nvfp4_scale() of the 8 scales of two blocks. */
QE_INLINE __m256
qe_nvfp4_scales (const QeBlockNVFP4 *b)
{
  uint32_t first, second;
  memcpy (&first, b[0].d, 4);
  memcpy (&second, b[1].d, 4);
  const __m128i e = _mm_cvtsi64_si128 ((long long) (first | (uint64_t) second << 32));
  const __m128i sound = _mm_andnot_si128 (_mm_cmpeq_epi8 (e, _mm_set1_epi8 (0x7f)),
                                          _mm_and_si128 (e, _mm_set1_epi8 (0x7f)));
  return _mm256_mul_ps (_mm256_cvtph_ps (_mm_slli_epi16 (_mm_cvtepu8_epi16 (sound), 7)), _mm256_set1_ps (128));
}

/* One scale for each 32 weights, from blocks of 64 and 128. */
QE_INLINE __m256
qe_scales_of_64 (const QeBlockQ2_0 *b)
{
  const uint64_t four = b[0].d | (uint64_t) b[1].d << 16 | (uint64_t) b[2].d << 32 | (uint64_t) b[3].d << 48;
  const __m128 d = _mm_cvtph_ps (_mm_cvtsi64_si128 ((long long) four));
  return _mm256_permutevar8x32_ps (_mm256_castps128_ps256 (d), _mm256_setr_epi32 (0, 0, 1, 1, 2, 2, 3, 3));
}

QE_INLINE __m256
qe_scales_of_128 (const QeBlockQ1_0 *b)
{
  return _mm256_set_m128 (_mm_set1_ps (_cvtsh_ss (b[1].d)), _mm_set1_ps (_cvtsh_ss (b[0].d)));
}
