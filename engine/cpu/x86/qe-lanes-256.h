/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What eight lanes have in one number. */

#include <immintrin.h>

#ifndef QE_INLINE
#define QE_INLINE static inline __attribute__ ((always_inline))
#endif

QE_INLINE float
sum8 (__m256 v)
{
  __m128 s = _mm_add_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  s = _mm_add_ps (s, _mm_movehl_ps (s, s));
  return _mm_cvtss_f32 (_mm_add_ss (s, _mm_movehdup_ps (s)));
}

QE_INLINE float
largest8 (__m256 v)
{
  __m128 m = _mm_max_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  m = _mm_max_ps (m, _mm_movehl_ps (m, m));
  return _mm_cvtss_f32 (_mm_max_ss (m, _mm_movehdup_ps (m)));
}
