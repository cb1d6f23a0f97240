/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Activations to 8 bits with AVX2. */

#include "cpu/x86/qe-unpack-256.h"

QE_INLINE uint32_t
largest_of_32 (const float *x)
{
  const __m256i magnitude = _mm256_set1_epi32 (0x7fffffff);
  __m256i most = _mm256_setzero_si256 ();
  for (int i = 0; i < 4; i++)
    most = _mm256_max_epi32 (most, _mm256_and_si256 (_mm256_loadu_si256 ((const __m256i *) (x + 8 * i)), magnitude));
  __m128i m = _mm_max_epi32 (_mm256_castsi256_si128 (most), _mm256_extracti128_si256 (most, 1));
  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0x4e));
  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0xb1));
  return (uint32_t) _mm_cvtsi128_si32 (m);
}

/* 32 values to bytes. */
QE_INLINE void
quantise_32 (const float *x, float d, int8_t *p)
{
  const __m256 inverse = _mm256_set1_ps (qe_x8_inverse (d));
  __m256i n[4];
  for (int i = 0; i < 4; i++)
    n[i] = _mm256_cvtps_epi32 (_mm256_mul_ps (_mm256_loadu_ps (x + 8 * i), inverse));
  __m256i bytes = _mm256_packs_epi16 (_mm256_packs_epi32 (n[0], n[1]), _mm256_packs_epi32 (n[2], n[3]));
  bytes = _mm256_permutevar8x32_epi32 (bytes, _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256 ((__m256i *) p, bytes);
}

/* Sums of the two halves of 32 bytes. */
QE_INLINE void
two_sums (const int8_t *p, int *low, int *high)
{
  __m256i s = _mm256_madd_epi16 (_mm256_maddubs_epi16 (_mm256_set1_epi8 (1), load32 (p)), _mm256_set1_epi16 (1));
  s = _mm256_add_epi32 (s, _mm256_shuffle_epi32 (s, 0x4e));
  s = _mm256_add_epi32 (s, _mm256_shuffle_epi32 (s, 0xb1));
  *low = _mm256_cvtsi256_si32 (s);
  *high = _mm_cvtsi128_si32 (_mm256_extracti128_si256 (s, 1));
}

QE_INLINE void
fill_x8 (const float *x, size_t n_groups, QeX8 *out)
{
  for (size_t g = 0; g < n_groups; g++) {
    int low, high;
    quantise_32 (x + 32 * g, out->d[g], out->p + 32 * g);
    two_sums (out->p + 32 * g, &low, &high);
    qe_x8_set_sums (out, g, low, high);
  }
}

static void
quantise_x8 (const float *x, size_t columns, QeX8 *out, size_t stride)
{
  qe_x8_quantise (x, columns, out, stride, largest_of_32, fill_x8);
}

void
qe_quantise_init_avx2 (QeKernels *k)
{
  k->quantise_x8 = quantise_x8;
}
