/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Blocks of 256 weights with AVX2, in the form of qe-kernels.h, 32 at a time: q_FORMAT (src, i) are the bytes of
 * weights 32i … 32i+31, and scales_FORMAT (src) scale and minimum of each group of 32 (eight in a[0], b[0]) or of 16
 * (sixteen, in a[0], a[1]). Sixteen registers are too few to hold a whole block; the compiler shares what neighbours
 * have in common. */

#include <immintrin.h>
#include <string.h>

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-block-scales.h"
#include "cpu/x86/qe-lanes-256.h"
#include "cpu/x86/qe-small-bits-256.h"
#include "format/quant/qe-quant-internal.h"

typedef struct {
  __m256 a[2], b[2];
} Scales256;

QE_INLINE float
half (uint16_t h)
{
  return _cvtsh_ss (h);
}

QE_INLINE __m256i
load32 (const void *src)
{
  return _mm256_loadu_si256 (src);
}

QE_INLINE __m256i
low_nibbles (__m256i v)
{
  return _mm256_and_si256 (v, _mm256_set1_epi8 (15));
}

/* 16 bytes of nibbles to 32 values, low ones first. */
QE_INLINE __m256i
nibbles (const uint8_t *qs)
{
  __m128i v = _mm_loadu_si128 ((const __m128i *) qs);
  return low_nibbles (_mm256_inserti128_si256 (_mm256_castsi128_si256 (v), _mm_srli_epi16 (v, 4), 1));
}

/* The 32 low (i even) or high nibbles of 32 bytes. */
QE_INLINE __m256i
nibbles_of_pair (const uint8_t *qs, int i)
{
  __m256i v = load32 (qs);
  return low_nibbles (i & 1 ? _mm256_srli_epi16 (v, 4) : v);
}

/* 32 bits to 32 bytes: `value` where the bit is set. */
QE_INLINE __m256i
bits_to_bytes (const uint8_t *bits, char value)
{
  uint32_t word;
  memcpy (&word, bits, 4);
  const __m256i spread = _mm256_setr_epi64x (0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x ((long long) 0x8040201008040201);
  __m256i v = _mm256_shuffle_epi8 (_mm256_set1_epi32 ((int) word), spread);
  return _mm256_and_si256 (_mm256_cmpeq_epi8 (_mm256_and_si256 (v, bit), bit), _mm256_set1_epi8 (value));
}

/* Bit `from` of each byte, as bit `to`. */
QE_INLINE __m256i
moved_bit (__m256i bytes, int from, int to)
{
  const __m256i moved = from < to ? _mm256_slli_epi16 (bytes, to - from) : _mm256_srli_epi16 (bytes, from - to);
  return _mm256_and_si256 (moved, _mm256_set1_epi8 ((char) (1 << to)));
}

QE_INLINE __m256i
look_up (const int8_t table[16], __m256i index)
{
  return _mm256_shuffle_epi8 (_mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) table)), index);
}

/* Groups of 32 whose minimum is a multiple of the scale. */
QE_INLINE Scales256
centred (__m256 a, float offset)
{
  return (Scales256) { { a, a }, { _mm256_mul_ps (a, _mm256_set1_ps (offset)), a } };
}

/* 16 bytes, signed or not, as 16 floats times d. */
QE_INLINE __m256
scaled_bytes (__m128i bytes, float d)
{
  return _mm256_mul_ps (_mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (bytes)), _mm256_set1_ps (d));
}

/* ---- formats of 32 ---------------------------------------------------------------------------------------------- */

QE_INLINE __m256i
q_q4_0 (const void *src, int i)
{
  return nibbles (((const QeBlockQ4_0 *) src)[i].qs);
}

QE_INLINE Scales256
scales_q4_0 (const void *src)
{
  return centred (qe_half_scales (src, sizeof (QeBlockQ4_0)), 8);
}

QE_INLINE __m256i
q_q4_1 (const void *src, int i)
{
  return nibbles (((const QeBlockQ4_1 *) src)[i].qs);
}

QE_INLINE Scales256
scales_q4_1 (const void *src)
{
  const QeBlockQ4_1 *b = src;
  return (Scales256) { { qe_half_scales (&b->d, sizeof *b) },
                       { _mm256_sub_ps (_mm256_setzero_ps (), qe_half_scales (&b->m, sizeof *b)) } };
}

QE_INLINE __m256i
q_q5_0 (const void *src, int i)
{
  const QeBlockQ5_0 *b = (const QeBlockQ5_0 *) src + i;
  return _mm256_or_si256 (nibbles (b->qs), bits_to_bytes (b->qh, 16));
}

QE_INLINE Scales256
scales_q5_0 (const void *src)
{
  return centred (qe_half_scales (src, sizeof (QeBlockQ5_0)), 16);
}

QE_INLINE __m256i
q_q5_1 (const void *src, int i)
{
  const QeBlockQ5_1 *b = (const QeBlockQ5_1 *) src + i;
  return _mm256_or_si256 (nibbles (b->qs), bits_to_bytes (b->qh, 16));
}

QE_INLINE Scales256
scales_q5_1 (const void *src)
{
  const QeBlockQ5_1 *b = src;
  return (Scales256) { { qe_half_scales (&b->d, sizeof *b) },
                       { _mm256_sub_ps (_mm256_setzero_ps (), qe_half_scales (&b->m, sizeof *b)) } };
}

QE_INLINE __m256i
q_q8_0 (const void *src, int i)
{
  return load32 (((const QeBlockQ8_0 *) src)[i].qs);
}

QE_INLINE Scales256
scales_q8_0 (const void *src)
{
  return centred (qe_half_scales (src, sizeof (QeBlockQ8_0)), 0);
}

QE_INLINE __m256i
q_iq4_nl (const void *src, int i)
{
  return look_up (qe_iq4_values, nibbles (((const QeBlockIQ4_NL *) src)[i].qs));
}

QE_INLINE Scales256
scales_iq4_nl (const void *src)
{
  return centred (qe_half_scales (src, sizeof (QeBlockIQ4_NL)), 0);
}

QE_INLINE __m256i
q_mxfp4 (const void *src, int i)
{
  return _mm256_add_epi8 (look_up (qe_e2m1_values, nibbles (((const QeBlockMXFP4 *) src)[i].qs)),
                          _mm256_set1_epi8 (12));
}

QE_INLINE Scales256
scales_mxfp4 (const void *src)
{
  const QeBlockMXFP4 *b = src;
  __m256i e = _mm256_setr_epi32 (b[0].e, b[1].e, b[2].e, b[3].e, b[4].e, b[5].e, b[6].e, b[7].e);
  return centred (qe_e8m0_scales (e), 12);
}

/* ---- formats of 256 --------------------------------------------------------------------------------------------- */

/* Scales and minima of Q4_K and Q5_K, which begin alike. */
QE_INLINE Scales256
k4_scales (const void *block)
{
  __m128i head = _mm_loadu_si128 (block), six = qe_k4_six_bits (head);
  __m128 d = _mm_cvtph_ps (head); /* d, dmin */
  __m256 a = _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (six));
  __m256 b = _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (_mm_srli_si128 (six, 8)));
  return (Scales256) { { _mm256_mul_ps (a, _mm256_broadcastss_ps (d)) },
                       { _mm256_mul_ps (b, _mm256_broadcastss_ps (_mm_movehdup_ps (d))) } };
}

QE_INLINE __m256i
q_q4_k (const void *src, int i)
{
  return nibbles_of_pair (((const QeBlockQ4_K *) src)->qs + 32 * (i / 2), i);
}

QE_INLINE Scales256
scales_q4_k (const void *src)
{
  return k4_scales (src);
}

QE_INLINE __m256i
q_q5_k (const void *src, int i)
{
  const QeBlockQ5_K *b = src;
  return _mm256_or_si256 (nibbles_of_pair (b->qs + 32 * (i / 2), i), moved_bit (load32 (b->qh), i, 4));
}

QE_INLINE Scales256
scales_q5_k (const void *src)
{
  return k4_scales (src);
}

/* Bits 2m and 2m+1 of 32 bytes, moved to bits 4 and 5. */
QE_INLINE __m256i
high_bits (__m256i v, int m)
{
  v = m == 0 ? _mm256_slli_epi16 (v, 4) : m == 1 ? _mm256_slli_epi16 (v, 2) : m == 2 ? v : _mm256_srli_epi16 (v, 2);
  return _mm256_and_si256 (v, _mm256_set1_epi8 (0x30));
}

QE_INLINE __m256i
q_q6_k (const void *src, int i)
{
  const QeBlockQ6_K *b = src;
  int h = i / 4, m = i % 4;
  __m256i low = load32 (b->ql + 64 * h + 32 * (m & 1));
  return _mm256_or_si256 (low_nibbles (m < 2 ? low : _mm256_srli_epi16 (low, 4)),
                          high_bits (load32 (b->qh + 32 * h), m));
}

QE_INLINE Scales256
scales_q6_k (const void *src)
{
  const QeBlockQ6_K *b = src;
  __m128i s = _mm_loadu_si128 ((const __m128i *) b->scales);
  Scales256 out = { { scaled_bytes (s, half (b->d)), scaled_bytes (_mm_srli_si128 (s, 8), half (b->d)) } };
  for (int i = 0; i < 2; i++)
    out.b[i] = _mm256_mul_ps (out.a[i], _mm256_set1_ps (32));
  return out;
}

QE_INLINE __m256i
two_bits (const uint8_t *qs, int t)
{
  __m256i v = load32 (qs);
  v = t == 0 ? v : t == 1 ? _mm256_srli_epi16 (v, 2) : t == 2 ? _mm256_srli_epi16 (v, 4) : _mm256_srli_epi16 (v, 6);
  return _mm256_and_si256 (v, _mm256_set1_epi8 (3));
}

QE_INLINE __m256i
q_q2_k (const void *src, int i)
{
  return two_bits (((const QeBlockQ2_K *) src)->qs + 32 * (i / 4), i % 4);
}

QE_INLINE Scales256
scales_q2_k (const void *src)
{
  const QeBlockQ2_K *b = src;
  const __m128i low4 = _mm_set1_epi8 (15);
  __m128i s = _mm_loadu_si128 ((const __m128i *) b->scales);
  __m128i low = _mm_and_si128 (s, low4), high = _mm_and_si128 (_mm_srli_epi16 (s, 4), low4);
  float d = half (b->d), dmin = half (b->dmin);
  return (Scales256) { { scaled_bytes (low, d), scaled_bytes (_mm_srli_si128 (low, 8), d) },
                       { scaled_bytes (high, dmin), scaled_bytes (_mm_srli_si128 (high, 8), dmin) } };
}

QE_INLINE __m256i
q_q3_k (const void *src, int i)
{
  const QeBlockQ3_K *b = src;
  return _mm256_or_si256 (two_bits (b->qs + 32 * (i / 4), i % 4), moved_bit (load32 (b->hmask), i, 2));
}

QE_INLINE Scales256
scales_q3_k (const void *src)
{
  const QeBlockQ3_K *b = src;
  uint32_t u[3];
  memcpy (u, b->scales, 12);
  __m128i low = _mm_setr_epi32 ((int) (u[0] & 0x0f0f0f0f), (int) (u[1] & 0x0f0f0f0f), (int) (u[0] >> 4 & 0x0f0f0f0f),
                                (int) (u[1] >> 4 & 0x0f0f0f0f));
  __m128i high = _mm_setr_epi32 ((int) (u[2] << 4 & 0x30303030), (int) (u[2] << 2 & 0x30303030),
                                 (int) (u[2] & 0x30303030), (int) (u[2] >> 2 & 0x30303030));
  __m128i s = _mm_sub_epi8 (_mm_or_si128 (low, high), _mm_set1_epi8 (32));
  Scales256 out = { { scaled_bytes (s, half (b->d)), scaled_bytes (_mm_srli_si128 (s, 8), half (b->d)) } };
  for (int i = 0; i < 2; i++)
    out.b[i] = _mm256_mul_ps (out.a[i], _mm256_set1_ps (4));
  return out;
}

QE_INLINE __m256i
q_iq4_xs (const void *src, int i)
{
  return look_up (qe_iq4_values, nibbles (((const QeBlockIQ4_XS *) src)->qs + 16 * i));
}

QE_INLINE Scales256
scales_iq4_xs (const void *src)
{
  const QeBlockIQ4_XS *b = src;
  uint32_t low;
  memcpy (&low, b->scales_l, 4);
  __m256i l = _mm256_srlv_epi32 (_mm256_set1_epi32 ((int) low), _mm256_setr_epi32 (0, 4, 8, 12, 16, 20, 24, 28));
  __m256i h = _mm256_srlv_epi32 (_mm256_set1_epi32 (b->scales_h), _mm256_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14));
  __m256i s = _mm256_or_si256 (_mm256_and_si256 (l, _mm256_set1_epi32 (15)),
                               _mm256_slli_epi32 (_mm256_and_si256 (h, _mm256_set1_epi32 (3)), 4));
  s = _mm256_sub_epi32 (s, _mm256_set1_epi32 (32));
  return centred (_mm256_mul_ps (_mm256_cvtepi32_ps (s), _mm256_set1_ps (half (b->d))), 0);
}

/* ---- one and two bits, and NVFP4 -------------------------------------------------------------------------------- */

QE_INLINE __m256i
q_nvfp4 (const void *src, int i)
{
  const QeBlockNVFP4 *b = (const QeBlockNVFP4 *) src + i / 2;
  return _mm256_add_epi8 (look_up (qe_e2m1_values, qe_nvfp4_nibbles (b->qs + 16 * (i % 2))), _mm256_set1_epi8 (12));
}

QE_INLINE Scales256
scales_nvfp4 (const void *src)
{
  const QeBlockNVFP4 *b = src;
  Scales256 out = { { qe_nvfp4_scales (b), qe_nvfp4_scales (b + 2) } };
  for (int i = 0; i < 2; i++)
    out.b[i] = _mm256_mul_ps (out.a[i], _mm256_set1_ps (12));
  return out;
}

QE_INLINE __m256i
q_q1_0 (const void *src, int i)
{
  return bits_to_bytes (((const QeBlockQ1_0 *) src)[i / 4].qs + 4 * (i % 4), 1);
}

QE_INLINE Scales256
scales_q1_0 (const void *src)
{
  const __m256 d = qe_scales_of_128 (src);
  return (Scales256) { { _mm256_add_ps (d, d) }, { d } };
}

QE_INLINE __m256i
q_q2_0 (const void *src, int i)
{
  return qe_four_in_a_byte (((const QeBlockQ2_0 *) src)[i / 2].qs + 8 * (i % 2));
}

QE_INLINE Scales256
scales_q2_0 (const void *src)
{
  return centred (qe_scales_of_64 (src), 1);
}

QE_INLINE __m256i
q_tq1_0 (const void *src, int i)
{
  return qe_tq1_0_digits (src, i);
}

QE_INLINE Scales256
scales_tq1_0 (const void *src)
{
  return centred (_mm256_set1_ps (half (((const QeBlockTQ1_0 *) src)->d)), 1);
}

QE_INLINE __m256i
q_tq2_0 (const void *src, int i)
{
  return two_bits (((const QeBlockTQ2_0 *) src)->qs + 32 * (i / 4), i % 4);
}

QE_INLINE Scales256
scales_tq2_0 (const void *src)
{
  return centred (_mm256_set1_ps (half (((const QeBlockTQ2_0 *) src)->d)), 1);
}
