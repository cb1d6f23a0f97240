/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with a sketch, compiled for AVX2 and, with QE_VNNI 1, for AVX-VNNI. Codes are so small that eight products of two
 * have 16 bits. */

#include <immintrin.h>

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-ahead.h"

/* Half of a block: columns 64 m + i of i < 32, or from 32 on. */
static inline __attribute__ ((always_inline)) __m256i
dot_half_sketch (__m256i acc, const uint8_t *parts, const int8_t *p)
{
  const __m256i seven = _mm256_set1_epi8 (7), three = _mm256_set1_epi8 (3), four = _mm256_set1_epi8 (4);
  const __m256i v0 = _mm256_load_si256 ((const __m256i *) parts),
                v1 = _mm256_load_si256 ((const __m256i *) (parts + 64));
  const __m256i v2 = _mm256_load_si256 ((const __m256i *) (parts + 128));
  const __m256i q[8] = {
    _mm256_and_si256 (v0, seven),
    _mm256_and_si256 (_mm256_srli_epi16 (v0, 3), seven),
    _mm256_or_si256 (_mm256_and_si256 (_mm256_srli_epi16 (v0, 6), three),
                     _mm256_and_si256 (_mm256_srli_epi16 (v2, 4), four)),
    _mm256_and_si256 (v1, seven),
    _mm256_and_si256 (_mm256_srli_epi16 (v1, 3), seven),
    _mm256_or_si256 (_mm256_and_si256 (_mm256_srli_epi16 (v1, 6), three),
                     _mm256_and_si256 (_mm256_srli_epi16 (v2, 5), four)),
    _mm256_and_si256 (v2, seven),
    _mm256_and_si256 (_mm256_srli_epi16 (v2, 3), seven),
  };
#if QE_VNNI
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    acc = _mm256_dpbusd_avx_epi32 (acc, q[i], _mm256_load_si256 ((const __m256i *) (p + 64 * i)));
  return acc;
#else
  __m256i sum = _mm256_maddubs_epi16 (q[0], _mm256_load_si256 ((const __m256i *) p));
#pragma GCC unroll 8
  for (int i = 1; i < 8; i++)
    sum = _mm256_add_epi16 (sum, _mm256_maddubs_epi16 (q[i], _mm256_load_si256 ((const __m256i *) (p + 64 * i))));
  return _mm256_add_epi32 (acc, _mm256_madd_epi16 (sum, _mm256_set1_epi16 (1)));
#endif
}

static inline int32_t
dot_sketch (const QeSketchBlock *b, const int8_t *p, size_t n_blocks)
{
  __m256i acc[2] = { _mm256_setzero_si256 (), _mm256_setzero_si256 () };
  for (size_t k = 0; k < n_blocks; k++, p += QE_SKETCH_COLUMNS) {
    qe_ask_ahead (b + k, sizeof *b);
    for (int half = 0; half < 2; half++)
      acc[half] = dot_half_sketch (acc[half], b[k].parts[0] + 32 * half, p + 32 * half);
  }
  acc[0] = _mm256_add_epi32 (acc[0], acc[1]);
  __m128i sum = _mm_add_epi32 (_mm256_castsi256_si128 (acc[0]), _mm256_extracti128_si256 (acc[0], 1));
  sum = _mm_add_epi32 (sum, _mm_unpackhi_epi64 (sum, sum));
  return _mm_cvtsi128_si32 (_mm_add_epi32 (sum, _mm_shuffle_epi32 (sum, 1)));
}

static void
sketch_products (const QeSketchArgs *args)
{
  qe_sketch_products (args, dot_sketch);
}

void
SKETCH_INIT (QeKernels *k)
{
  k->sketch = sketch_products;
}
