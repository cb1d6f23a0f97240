/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Activations to 8 bits with AVX-512, and sums of them with its vpdpbusd. */

#include "cpu/x86/qe-unpack-512.h"

QE_INLINE uint32_t
largest_of_32 (const float *x)
{
  const __m512i magnitude = _mm512_set1_epi32 (0x7fffffff);
  return (uint32_t) _mm512_reduce_max_epi32 (
      _mm512_max_epi32 (_mm512_and_si512 (_mm512_loadu_si512 (x), magnitude),
                        _mm512_and_si512 (_mm512_loadu_si512 (x + 16), magnitude)));
}

/* 32 values to bytes. */
QE_INLINE __m256i
quantise_32 (const float *x, float d)
{
  const __m512 inverse = _mm512_set1_ps (qe_x8_inverse (d));
  const __m512 lo = _mm512_mul_ps (_mm512_loadu_ps (x), inverse),
               hi = _mm512_mul_ps (_mm512_loadu_ps (x + 16), inverse);
  return _mm256_set_m128i (_mm512_cvtsepi32_epi8 (_mm512_cvtps_epi32 (hi)),
                           _mm512_cvtsepi32_epi8 (_mm512_cvtps_epi32 (lo)));
}

/* Sums of each 16 bytes of 256. */
QE_INLINE __m512i
sums_of_16 (const int8_t *p)
{
  const __m512i ones = _mm512_set1_epi8 (1);
  __m512i s[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* lanes of 4 bytes, then pairs, then fours */
    s[i] = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), ones, _mm512_load_si512 (p + 64 * i));
    s[i] = _mm512_add_epi32 (s[i], _mm512_shuffle_epi32 (s[i], _MM_PERM_CDAB));
    s[i] = _mm512_add_epi32 (s[i], _mm512_shuffle_epi32 (s[i], _MM_PERM_BADC));
  }
  const __m512i every4 = _mm512_setr_epi32 (0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  __m512i low = _mm512_permutex2var_epi32 (s[0], every4, s[1]), high = _mm512_permutex2var_epi32 (s[2], every4, s[3]);
  return _mm512_mask_blend_epi32 (0xff00, low, high);
}

QE_INLINE void
store_sums (QeX8 *x)
{
  const __m512i evens = _mm512_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0), sums = sums_of_16 (x->p);
  const __m512 s16 = _mm512_mul_ps (_mm512_cvtepi32_ps (sums), twice (_mm256_load_ps (x->d)));
  const __m512 s32 = _mm512_add_ps (s16, _mm512_permute_ps (s16, 0xb1));
  _mm512_store_ps (x->s16, s16);
  _mm256_store_ps (x->s32, _mm512_castps512_ps256 (_mm512_permutexvar_ps (evens, s32)));
}

QE_INLINE void
fill_x8 (const float *x, size_t n_groups, QeX8 *out)
{
  for (size_t g = 0; g < n_groups; g++)
    _mm256_store_si256 ((__m256i *) (out->p + 32 * g), quantise_32 (x + 32 * g, out->d[g]));
  store_sums (out);
}

static void
quantise_x8 (const float *x, size_t columns, QeX8 *out, size_t stride)
{
  qe_x8_quantise (x, columns, out, stride, largest_of_32, fill_x8);
}

void
qe_quantise_init_avx512_vnni (QeKernels *k)
{
  k->quantise_x8 = quantise_x8;
}
