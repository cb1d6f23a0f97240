/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Blocks of 256 weights in AVX-512 registers, in the form of qe-kernels.h: unsigned bytes q and, for each group of 16,
 * scale a and minimum b. Signed formats are lifted by 128, as vpdpbusd wants unsigned weights. */

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-block-scales.h"
#include "cpu/x86/qe-small-bits-256.h"
#include "format/quant/qe-quant-internal.h"

typedef struct {
  __m512i q[4]; /* 64 weights each, in order */
  __m512 a, b;  /* [16]; formats of groups of 32 use the lower eight */
} W512;

typedef W512 (*Unpack512) (const void *src);

#define AND_OR 0xea /* for ternary logic: (a & b) | c */

QE_INLINE float
half (uint16_t h)
{
  return _cvtsh_ss (h);
}

/* Any format, through the generic code, with 16 scales for groups of 32 too; n may be less than 256. */
QE_INLINE W512
unpack_any (QeType type, const void *src, size_t n)
{
  QeW8 g;
  W512 w;
  const QeW8Format *format = qe_w8_format (type);
  format->unpack (src, n, &g);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = _mm512_load_si512 (g.q + 64 * i);
  w.a = _mm512_loadu_ps (g.a);
  w.b = _mm512_loadu_ps (g.b);
  if (format->is_signed) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
      w.q[i] = _mm512_xor_si512 (w.q[i], _mm512_set1_epi8 (-128));
    w.b = _mm512_fmadd_ps (w.a, _mm512_set1_ps (128), w.b);
  }
  return w;
}

/* Each of 8 floats twice. */
QE_INLINE __m512
twice (__m256 v)
{
  const __m512i index = _mm512_set_epi32 (7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  return _mm512_permutexvar_ps (index, _mm512_castps256_ps512 (v));
}

QE_INLINE __m512
wide (__m256 v)
{
  return _mm512_zextps256_ps512 (v);
}

/* The same 32 bytes below and above. */
QE_INLINE __m512i
both_halves (const uint8_t *src)
{
  return _mm512_broadcast_i64x4 (_mm256_loadu_si256 ((const __m256i *) src));
}

/* n bits of each byte, from bit `low` on in the lower 32 bytes and from `high` on in the upper, go to bit `to`; the others
 * become 0. Both go the same way. */
QE_INLINE __m512i
moved_bits (__m512i v, const int low, const int high, const int to, const int n)
{
#ifdef __GFNI__
  unsigned long long a = 0, b = 0; /* matrices of 8 by 8 bits: byte 7 - i has the bits that make bit i */
#pragma GCC unroll 8
  for (int i = 0; i < n; i++) {
    a |= 1ull << (8 * (7 - to - i) + low + i);
    b |= 1ull << (8 * (7 - to - i) + high + i);
  }
  const __m512i matrices = _mm512_inserti64x4 (_mm512_set1_epi64 ((long long) a), _mm256_set1_epi64x ((long long) b),
                                               1);
  return _mm512_gf2p8affine_epi64_epi8 (v, matrices, 0);
#else
  const bool left = low < to || high < to;
  const __m512i by = _mm512_inserti64x4 (_mm512_set1_epi16 ((short) abs (to - low)),
                                         _mm256_set1_epi16 ((short) abs (to - high)), 1);
  return _mm512_and_si512 (left ? _mm512_sllv_epi16 (v, by) : _mm512_srlv_epi16 (v, by),
                           _mm512_set1_epi8 ((char) (((1 << n) - 1) << to)));
#endif
}

QE_INLINE __m512i
high_nibbles (__m512i v)
{
  return moved_bits (v, 4, 4, 0, 4);
}

/* Scales and minima of Q4_K and Q5_K, which begin alike. */
QE_INLINE void
k4_scales (const void *block, W512 *w)
{
  __m128i head = _mm_loadu_si128 (block), six = qe_k4_six_bits (head);
  __m128 d = _mm_cvtph_ps (head); /* d, dmin */
  __m256 a = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (six));
  __m256 b = _mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_srli_si128 (six, 8)));
  w->a = wide (_mm256_mul_ps (a, _mm256_broadcastss_ps (d)));
  w->b = wide (_mm256_mul_ps (b, _mm256_broadcastss_ps (_mm_movehdup_ps (d))));
}

QE_INLINE W512
unpack_q4_k (const void *src)
{
  const QeBlockQ4_K *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++)
    w.q[p] = moved_bits (both_halves (b->qs + 32 * p), 0, 4, 0, 4);
  k4_scales (b, &w);
  return w;
}

QE_INLINE W512
unpack_q5_k (const void *src)
{
  const QeBlockQ5_K *b = src;
  const __m512i bit4 = _mm512_set1_epi8 (16);
  __m512i high = both_halves (b->qh);
  W512 w;
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    __m512i bits = _mm512_inserti64x4 (_mm512_set1_epi8 ((char) (1 << 2 * p)),
                                       _mm256_set1_epi8 ((char) (1 << (2 * p + 1))), 1);
    __mmask64 fifth = _mm512_test_epi8_mask (high, bits);
    __m512i q = moved_bits (both_halves (b->qs + 32 * p), 0, 4, 0, 4);
    w.q[p] = _mm512_mask_add_epi8 (q, fifth, q, bit4);
  }
  k4_scales (b, &w);
  return w;
}

QE_INLINE W512
unpack_q6_k (const void *src)
{
  const QeBlockQ6_K *b = src;
  const __m512i low4 = _mm512_set1_epi8 (15);
  W512 w;
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    __m512i ql = _mm512_loadu_si512 (b->ql + 64 * h);
    __m512i qh = both_halves (b->qh + 32 * h);
    w.q[2 * h] = _mm512_ternarylogic_epi64 (ql, low4, moved_bits (qh, 0, 2, 4, 2), AND_OR);
    w.q[2 * h + 1] = _mm512_or_si512 (high_nibbles (ql), moved_bits (qh, 4, 6, 4, 2));
  }
  w.a = _mm512_mul_ps (_mm512_cvtepi32_ps (_mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *) b->scales))),
                       _mm512_set1_ps (half (b->d)));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (32));
  return w;
}

QE_INLINE __m512i
two_halves (const void *low, const void *high)
{
  return _mm512_inserti64x4 (_mm512_castsi256_si512 (_mm256_loadu_si256 (low)), _mm256_loadu_si256 (high), 1);
}

QE_INLINE W512
unpack_q8_0 (const void *src)
{
  const QeBlockQ8_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = _mm512_xor_si512 (two_halves (b[2 * i].qs, b[2 * i + 1].qs), _mm512_set1_epi8 (-128));
  w.a = wide (qe_half_scales (b, sizeof *b));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (128));
  return w;
}

/* Two blocks' 16 bytes of nibbles as 64 values: [low of 0 | high of 0 | low of 1 | high of 1]. */
QE_INLINE __m512i
nibbles_of_two (const uint8_t *first, const uint8_t *second)
{
  __m256i a = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) first));
  __m256i b = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) second));
  __m512i v = _mm512_inserti64x4 (_mm512_castsi256_si512 (a), b, 1);
  const __m512i shift = _mm512_set_epi64 (0x0004000400040004, 0x0004000400040004, 0, 0, 0x0004000400040004,
                                          0x0004000400040004, 0, 0);
  return _mm512_and_si512 (_mm512_srlv_epi16 (v, shift), _mm512_set1_epi8 (15));
}

QE_INLINE W512
unpack_q4_0 (const void *src)
{
  const QeBlockQ4_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs);
  w.a = wide (qe_half_scales (b, sizeof *b));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (8));
  return w;
}

QE_INLINE W512
unpack_q4_1 (const void *src)
{
  const QeBlockQ4_1 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs);
  w.a = wide (qe_half_scales (&b->d, sizeof *b));
  w.b = _mm512_sub_ps (_mm512_setzero_ps (), wide (qe_half_scales (&b->m, sizeof *b)));
  return w;
}

/* Adds 16 where the 64 bits of two words are set. */
QE_INLINE __m512i
add_fifth_bits (__m512i q, const uint8_t *first, const uint8_t *second)
{
  uint32_t low, high;
  memcpy (&low, first, 4);
  memcpy (&high, second, 4);
  return _mm512_mask_add_epi8 (q, (uint64_t) high << 32 | low, q, _mm512_set1_epi8 (16));
}

QE_INLINE W512
unpack_q5_0 (const void *src)
{
  const QeBlockQ5_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = add_fifth_bits (nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs), b[2 * i].qh, b[2 * i + 1].qh);
  w.a = wide (qe_half_scales (b, sizeof *b));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (16));
  return w;
}

QE_INLINE W512
unpack_q5_1 (const void *src)
{
  const QeBlockQ5_1 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = add_fifth_bits (nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs), b[2 * i].qh, b[2 * i + 1].qh);
  w.a = wide (qe_half_scales (&b->d, sizeof *b));
  w.b = _mm512_sub_ps (_mm512_setzero_ps (), wide (qe_half_scales (&b->m, sizeof *b)));
  return w;
}

/* A table of 16 bytes plus `plus`, looked up for each nibble. */
QE_INLINE __m512i
look_up (const int8_t table[16], int plus, __m512i index)
{
  __m512i t = _mm512_broadcast_i32x4 (_mm_loadu_si128 ((const __m128i *) table));
  return _mm512_shuffle_epi8 (_mm512_add_epi8 (t, _mm512_set1_epi8 ((char) plus)), index);
}

QE_INLINE W512
unpack_iq4_nl (const void *src)
{
  const QeBlockIQ4_NL *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = look_up (qe_iq4_values, 128, nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs));
  w.a = wide (qe_half_scales (b, sizeof *b));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (128));
  return w;
}

QE_INLINE W512
unpack_iq4_xs (const void *src)
{
  const QeBlockIQ4_XS *b = src;
  uint32_t low;
  W512 w;
  memcpy (&low, b->scales_l, 4);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = look_up (qe_iq4_values, 128, nibbles_of_two (b->qs + 32 * i, b->qs + 32 * i + 16));
  __m256i shift = _mm256_setr_epi32 (0, 4, 8, 12, 16, 20, 24, 28),
          shift2 = _mm256_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14);
  __m256i l = _mm256_and_si256 (_mm256_srlv_epi32 (_mm256_set1_epi32 ((int) low), shift), _mm256_set1_epi32 (15));
  __m256i h = _mm256_and_si256 (_mm256_srlv_epi32 (_mm256_set1_epi32 (b->scales_h), shift2), _mm256_set1_epi32 (3));
  __m256i s = _mm256_sub_epi32 (_mm256_or_si256 (l, _mm256_slli_epi32 (h, 4)), _mm256_set1_epi32 (32));
  w.a = wide (_mm256_mul_ps (_mm256_cvtepi32_ps (s), _mm256_set1_ps (half (b->d))));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (128));
  return w;
}

QE_INLINE W512
unpack_mxfp4 (const void *src)
{
  const QeBlockMXFP4 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = look_up (qe_e2m1_values, 12, nibbles_of_two (b[2 * i].qs, b[2 * i + 1].qs));
  __m256i e = _mm256_setr_epi32 (b[0].e, b[1].e, b[2].e, b[3].e, b[4].e, b[5].e, b[6].e, b[7].e);
  w.a = wide (qe_e8m0_scales (e));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (12));
  return w;
}

/* Q2_K and Q3_K: bits 2t and 2t+1 of 32 bytes are 32 weights; register i of a half holds t = 2i and 2i+1. */
QE_INLINE __m512i
two_bits (const uint8_t *qs, int i)
{
  return moved_bits (both_halves (qs), 4 * i, 4 * i + 2, 0, 2);
}

QE_INLINE W512
unpack_q2_k (const void *src)
{
  const QeBlockQ2_K *b = src;
  const __m128i low4 = _mm_set1_epi8 (15);
  __m128i s = _mm_loadu_si128 ((const __m128i *) b->scales);
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = two_bits (b->qs + 32 * (i / 2), i % 2);
  w.a = _mm512_mul_ps (_mm512_cvtepi32_ps (_mm512_cvtepu8_epi32 (_mm_and_si128 (s, low4))),
                       _mm512_set1_ps (half (b->d)));
  w.b = _mm512_mul_ps (_mm512_cvtepi32_ps (_mm512_cvtepu8_epi32 (_mm_and_si128 (_mm_srli_epi16 (s, 4), low4))),
                       _mm512_set1_ps (half (b->dmin)));
  return w;
}

/* The 16 six-bit scales of Q3_K as 16 bytes, not yet centred. */
QE_INLINE __m128i
q3_k_scales (const uint8_t *scales)
{
  uint32_t u[3];
  memcpy (u, scales, 12);
  __m128i low = _mm_setr_epi32 ((int) (u[0] & 0x0f0f0f0f), (int) (u[1] & 0x0f0f0f0f), (int) (u[0] >> 4 & 0x0f0f0f0f),
                                (int) (u[1] >> 4 & 0x0f0f0f0f));
  __m128i high = _mm_setr_epi32 ((int) (u[2] << 4 & 0x30303030), (int) (u[2] << 2 & 0x30303030),
                                 (int) (u[2] & 0x30303030), (int) (u[2] >> 2 & 0x30303030));
  return _mm_or_si128 (low, high);
}

QE_INLINE W512
unpack_q3_k (const void *src)
{
  const QeBlockQ3_K *b = src;
  __m512i mask = both_halves (b->hmask);
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* bit t of hmask belongs to the t-th 32 weights */
    __m512i bits = _mm512_inserti64x4 (_mm512_set1_epi8 ((char) (1 << 2 * i)),
                                       _mm256_set1_epi8 ((char) (1 << (2 * i + 1))), 1);
    __m512i q = two_bits (b->qs + 32 * (i / 2), i % 2);
    w.q[i] = _mm512_mask_add_epi8 (q, _mm512_test_epi8_mask (mask, bits), q, _mm512_set1_epi8 (4));
  }
  __m512i s = _mm512_sub_epi32 (_mm512_cvtepu8_epi32 (q3_k_scales (b->scales)), _mm512_set1_epi32 (32));
  w.a = _mm512_mul_ps (_mm512_cvtepi32_ps (s), _mm512_set1_ps (half (b->d)));
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (4));
  return w;
}

/* ---- one and two bits, and NVFP4 -------------------------------------------------------------------------------- */

QE_INLINE __m512i
joined (__m256i low, __m256i high)
{
  return _mm512_inserti64x4 (_mm512_castsi256_si512 (low), high, 1);
}

QE_INLINE W512
unpack_nvfp4 (const void *src)
{
  const QeBlockNVFP4 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = look_up (qe_e2m1_values, 12, joined (qe_nvfp4_nibbles (b[i].qs), qe_nvfp4_nibbles (b[i].qs + 16)));
  w.a = _mm512_insertf32x8 (_mm512_castps256_ps512 (qe_nvfp4_scales (b)), qe_nvfp4_scales (b + 2), 1);
  w.b = _mm512_mul_ps (w.a, _mm512_set1_ps (12));
  return w;
}

QE_INLINE W512
unpack_q1_0 (const void *src)
{
  const QeBlockQ1_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    uint64_t bits;
    memcpy (&bits, b[i / 2].qs + 8 * (i % 2), 8);
    w.q[i] = _mm512_maskz_set1_epi8 (bits, 1);
  }
  w.b = wide (qe_scales_of_128 (b));
  w.a = _mm512_add_ps (w.b, w.b);
  return w;
}

QE_INLINE W512
unpack_q2_0 (const void *src)
{
  const QeBlockQ2_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* four weights of a byte go to the four bytes of a lane */
    const __m512i v = _mm512_cvtepu8_epi32 (_mm_loadu_si128 ((const __m128i *) b[i].qs));
    const __m512i two = _mm512_or_si512 (v, _mm512_slli_epi32 (v, 6));
    w.q[i] = _mm512_and_si512 (_mm512_or_si512 (two, _mm512_slli_epi32 (two, 12)), _mm512_set1_epi8 (3));
  }
  w.a = w.b = wide (qe_scales_of_64 (b));
  return w;
}

QE_INLINE W512
unpack_tq1_0 (const void *src)
{
  const QeBlockTQ1_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = joined (qe_tq1_0_digits (b, 2 * i), qe_tq1_0_digits (b, 2 * i + 1));
  w.a = w.b = wide (_mm256_set1_ps (half (b->d)));
  return w;
}

QE_INLINE W512
unpack_tq2_0 (const void *src)
{
  const QeBlockTQ2_0 *b = src;
  W512 w;
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    w.q[i] = two_bits (b->qs + 32 * (i / 2), i % 2);
  w.a = w.b = wide (_mm256_set1_ps (half (b->d)));
  return w;
}
