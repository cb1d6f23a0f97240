/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How qe-stream-512.h reads a block, or two, and adds what some tokens make of it. A block takes few instructions, so that
 * those in flight span many lines of memory. */

#include "cpu/x86/qe-heads-k4.h"
#include "cpu/x86/qe-unpack-512.h"

#define MAX_TOKENS QE_TOKENS_APART

/* What goes into a sum of 16 lanes, and what is taken from it: the same for all formats. */
typedef struct {
  __m512 sum[MAX_TOKENS];  /* of scale * q * p */
  __m512 less[MAX_TOKENS]; /* of what is to be taken off, in units of the format */
} Sums;

QE_INLINE __m512i
product (__m512i q, const QeX8 *x, int i)
{
  return _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), q, _mm512_load_si512 (x->p + 64 * i));
}

/* The products of 256 weights as 16 sums: lane 4k + i is the k-th quarter of q[i]. It takes less to add them up here than
 * to scale them all. */
QE_INLINE __m512
products (const __m512i q[4], const QeX8 *x)
{
  const __m512i p0 = product (q[0], x, 0), p1 = product (q[1], x, 1), p2 = product (q[2], x, 2),
                p3 = product (q[3], x, 3);
  const __m512i p01 = _mm512_add_epi32 (_mm512_unpacklo_epi32 (p0, p1), _mm512_unpackhi_epi32 (p0, p1));
  const __m512i p23 = _mm512_add_epi32 (_mm512_unpacklo_epi32 (p2, p3), _mm512_unpackhi_epi32 (p2, p3));
  return _mm512_cvtepi32_ps (_mm512_add_epi32 (_mm512_unpacklo_epi64 (p01, p23), _mm512_unpackhi_epi64 (p01, p23)));
}

/* Numbers of 32 weights each to the lanes of products(). */
QE_INLINE __m512
spread_8 (__m512 v)
{
  return _mm512_permutexvar_ps (_mm512_setr_epi32 (0, 2, 4, 6, 0, 2, 4, 6, 1, 3, 5, 7, 1, 3, 5, 7), v);
}

/* Numbers of 16 weights each. */
QE_INLINE __m512
spread_16 (__m512 v)
{
  return _mm512_permutexvar_ps (_mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

QE_INLINE __m512
eight (__m256 v)
{
  return _mm512_castps256_ps512 (v);
}

/* a: scales of 32 weights each. */
QE_INLINE __m512
add_scaled_32 (__m512 sum, const __m512i q[4], __m256 a, const QeX8 *x)
{
  return _mm512_fmadd_ps (products (q, x), spread_8 (eight (_mm256_mul_ps (a, _mm256_load_ps (x->d)))), sum);
}

/* a: scales of 16 weights each. */
QE_INLINE __m512
add_scaled_16 (__m512 sum, const __m512i q[4], __m512 a, const QeX8 *x)
{
  return _mm512_fmadd_ps (products (q, x), spread_16 (_mm512_mul_ps (a, twice (_mm256_load_ps (x->d)))), sum);
}

/* ---- Q4_K and Q5_K ---------------------------------------------------------------------------------------------- */

/* Nothing overflows: 4 * (31 * 127 * 4) * (63 * 256) < 2^30. */

/* 128 weights as they lie in half 0 or 1 of a block: low has the groups 0 and 2 of four, high 1 and 3. */
typedef struct {
  __m512i low, high;
} Pairs;
typedef Pairs (*ReadPairs) (const uint8_t *src, int half);

QE_INLINE Pairs
pairs_q4_k (const uint8_t *src, int half)
{
  const __m512i w = _mm512_loadu_si512 (src + 16 + 64 * half), low4 = _mm512_set1_epi8 (15);
  return (Pairs) { _mm512_and_si512 (w, low4), high_nibbles (w) };
}

QE_INLINE Pairs
pairs_q5_k (const uint8_t *src, int half)
{
  const __m512i w = _mm512_loadu_si512 (src + 48 + 64 * half), fifth = both_halves (src + 16);
  const int bit = 4 * half;
  return (Pairs) { _mm512_ternarylogic_epi64 (w, _mm512_set1_epi8 (15), moved_bits (fifth, bit, bit + 2, 4, 1), AND_OR),
                   _mm512_or_si512 (high_nibbles (w), moved_bits (fifth, bit + 1, bit + 3, 4, 1)) };
}

/* One block: the sum of its scaled products, in 16 lanes. Scales are words 8 * second … of `scales`. */
QE_INLINE __m512
scaled_pairs (const Pairs w[2], const QeX8Pair *x, __m256i scales, const int second)
{
  __m512i sum = _mm512_setzero_si512 ();
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    const long long ones = 0x0001000100010001;
    const long long a = (8 * second + 4 * i) * ones, b = a + ones, c = b + ones, d = c + ones;
    const __m512i *p = (const __m512i *) x->p[second] + 2 * i;
    const __m512i low = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w[i].low, p[0]);
    const __m512i high = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w[i].high, p[1]);
    sum = _mm512_dpwssd_epi32 (sum, _mm512_packs_epi32 (low, high),
                               _mm512_permutexvar_epi16 (_mm512_setr_epi64 (a, b, a, b, c, d, c, d),
                                                         _mm512_castsi256_si512 (scales)));
  }
  return _mm512_cvtepi32_ps (sum);
}

/* Two blocks times T tokens. */
QE_INLINE void
add_two_k4 (Sums *s, const uint8_t *src, const QeX8Pair *x, const int T, size_t bytes, ReadPairs read)
{
  const HeadsK4 h = read_heads (src, bytes);
  TokenScales k[MAX_TOKENS];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++)
    s->less[t] = eight (scale_heads (&k[t], &h, x + t, _mm512_castps512_ps256 (s->less[t])));
#pragma GCC unroll 2
  for (int block = 0; block < 2; block++, src += bytes) {
    const Pairs w[2] = { read (src, 0), read (src, 1) };
#pragma GCC unroll 8
    for (int t = 0; t < T; t++)
      s->sum[t] = _mm512_fmadd_ps (scaled_pairs (w, x + t, k[t].scales, block), _mm512_set1_ps (k[t].d[2 * block]),
                                   s->sum[t]);
  }
}

QE_INLINE void
add_q4_k (Sums *s, const uint8_t *src, const void *x, const int T)
{
  add_two_k4 (s, src, x, T, QE_BYTES_Q4_K, pairs_q4_k);
}

QE_INLINE void
add_q5_k (Sums *s, const uint8_t *src, const void *x, const int T)
{
  add_two_k4 (s, src, x, T, QE_BYTES_Q5_K, pairs_q5_k);
}

/* ---- Q6_K and Q8_0 ---------------------------------------------------------------------------------------------- */

/* q is 0 … 63 and stands for q - 32: less holds a thirty-second of what that takes off. */
QE_INLINE void
add_q6_k (Sums *s, const uint8_t *src, const void *x8, const int T)
{
  const QeX8 *x = x8;
  const W512 w = unpack_q6_k (src);
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
    s->sum[t] = add_scaled_16 (s->sum[t], w.q, w.a, x + t);
    s->less[t] = _mm512_fmadd_ps (w.a, _mm512_load_ps (x[t].s16), s->less[t]);
  }
}

/* q is lifted by 128: less holds a 128th of what that adds. */
QE_INLINE void
add_q8_0 (Sums *s, const uint8_t *src, const void *x8, const int T)
{
  const QeX8 *x = x8;
  __m512i q[4];
  uint16_t h[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    memcpy (&h[i], src + 34 * i, 2);
  const __m256 a = _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) h));
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    q[i] = _mm512_xor_si512 (two_halves (src + 68 * i + 2, src + 68 * i + 36), _mm512_set1_epi8 (-128));
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
    s->sum[t] = add_scaled_32 (s->sum[t], q, a, x + t);
    s->less[t] = eight (_mm256_fmadd_ps (a, _mm256_load_ps (x[t].s32), _mm512_castps512_ps256 (s->less[t])));
  }
}
