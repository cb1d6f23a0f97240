/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Decoding with AVX2: rows of Q4_K, Q5_K and Q6_K times up to three tokens. Neighbouring products have 16 bits: sums of four
 * fit too, those of two groups of 32 in one register, which one vpmaddwd scales. */

#include "cpu/x86/qe-stream.h"

#include "cpu/x86/qe-heads-k4.h"
#include "cpu/x86/qe-unpack-256.h"

#define MAX_TOKENS 3 /* as the sixteen registers allow */

typedef __m256 Lanes;

typedef struct {
  __m256 sum[MAX_TOKENS];  /* of scale * q * p */
  __m256 less[MAX_TOKENS]; /* of what is to be taken off, in units of the format */
} Sums;

QE_INLINE __m256
lanes_of (const Sums *s, int t, float lift)
{
  return _mm256_fnmadd_ps (_mm256_set1_ps (lift), s->less[t], s->sum[t]);
}

/* ---- activations ------------------------------------------------------------------------------------------------ */

/* Where the groups of 32 of a block are in QeX8Pair.p. */
QE_INLINE int
place_in_pair (int group)
{
  return (group & 4) + (group & 1) * 2 + (group >> 1 & 1);
}

QE_INLINE __m128i
to_16_bits (__m256 v)
{
  const __m256i n = _mm256_cvtps_epi32 (v);
  return _mm_packs_epi32 (_mm256_castsi256_si128 (n), _mm256_extracti128_si256 (n, 1));
}

/* e and sums of a block, found again from what QeX8 has: d / unit, s32 / d, s16 / d. */
QE_INLINE void
set_pair_scales (QeX8Pair *out, int second, const QeX8 *x)
{
  const __m256 d = _mm256_load_ps (x->d), some = _mm256_cmp_ps (d, _mm256_setzero_ps (), _CMP_GT_OQ);
  const __m256 firsts = _mm256_shuffle_ps (_mm256_load_ps (x->s16), _mm256_load_ps (x->s16 + 8), 0x88);
  const __m256 first = _mm256_castpd_ps (_mm256_permute4x64_pd (_mm256_castps_pd (firsts), 0xd8));
  const float unit = largest8 (d) / QE_X8_UNITS;
  _mm_store_si128 ((__m128i *) out->e + second, to_16_bits (_mm256_mul_ps (d, _mm256_set1_ps (qe_x8_inverse (unit)))));
  _mm_store_si128 ((__m128i *) out->sum + second,
                   to_16_bits (_mm256_and_ps (_mm256_div_ps (_mm256_load_ps (x->s32), d), some)));
  _mm_store_si128 ((__m128i *) out->first + second, to_16_bits (_mm256_and_ps (_mm256_div_ps (first, d), some)));
  out->unit[second][0] = out->unit[second][1] = unit;
}

void
qe_pair_x8 (const QeX8 *x, size_t n_pairs, QeX8Pair *out, size_t stride)
{
  for (; n_pairs > 0; n_pairs--, out += stride)
    for (int second = 0; second < 2; second++, x += stride) {
#pragma GCC unroll 8
      for (int g = 0; g < 8; g++)
        _mm256_store_si256 ((__m256i *) out->p[second] + place_in_pair (g),
                            _mm256_load_si256 ((const __m256i *) x->p + g));
      set_pair_scales (out, second, x);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

typedef __m256i (*ReadGroup) (const void *src, int i);

/* Products of groups 2i and 2i + 1, in turn: sums of four, of 16 bits. */
QE_INLINE __m256i
products (__m256i q0, __m256i q1, const QeX8Pair *x, int second, int i)
{
  const __m256i *p = (const __m256i *) x->p[second];
  const __m256i a = _mm256_maddubs_epi16 (q0, p[place_in_pair (2 * i)]);
  const __m256i b = _mm256_maddubs_epi16 (q1, p[place_in_pair (2 * i + 1)]);
  return _mm256_add_epi16 (_mm256_unpacklo_epi16 (a, b), _mm256_unpackhi_epi16 (a, b));
}

/* Word i of each half of v, everywhere in that half. */
QE_INLINE __m256i
spread_word (__m256i v, int i)
{
  return i == 0   ? _mm256_shuffle_epi32 (v, 0x00)
         : i == 1 ? _mm256_shuffle_epi32 (v, 0x55)
         : i == 2 ? _mm256_shuffle_epi32 (v, 0xaa)
                  : _mm256_shuffle_epi32 (v, 0xff);
}

/* Two blocks times T tokens. Nothing overflows: 4 * 2 * (31 * 127 * 4) * (63 * 256) < 2^31. */
QE_INLINE void
add_two_k4 (Sums *s, const uint8_t *src, const QeX8Pair *x, const int T, size_t bytes, ReadGroup q)
{
  const HeadsK4 h = read_heads (src, bytes);
  TokenScales k[MAX_TOKENS];
#pragma GCC unroll 3
  for (int t = 0; t < T; t++)
    s->less[t] = scale_heads (&k[t], &h, x + t, s->less[t]);
#pragma GCC unroll 2
  for (int block = 0; block < 2; block++, src += bytes) {
    __m256i scales[MAX_TOKENS], sum[MAX_TOKENS];
#pragma GCC unroll 3
    for (int t = 0; t < T; t++)
      scales[t] = block == 0 ? _mm256_permute2x128_si256 (k[t].scales, k[t].scales, 0x00)
                             : _mm256_permute2x128_si256 (k[t].scales, k[t].scales, 0x11);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      const __m256i q0 = q (src, 2 * i), q1 = q (src, 2 * i + 1);
#pragma GCC unroll 3
      for (int t = 0; t < T; t++) {
        const __m256i scaled = _mm256_madd_epi16 (products (q0, q1, x + t, block, i), spread_word (scales[t], i));
        sum[t] = i == 0 ? scaled : _mm256_add_epi32 (sum[t], scaled);
      }
    }
#pragma GCC unroll 3
    for (int t = 0; t < T; t++)
      s->sum[t] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (sum[t]), _mm256_broadcast_ss (&k[t].d[2 * block]), s->sum[t]);
  }
}

QE_INLINE void
add_q4_k (Sums *s, const uint8_t *src, const void *x, const int T)
{
  add_two_k4 (s, src, x, T, QE_BYTES_Q4_K, q_q4_k);
}

QE_INLINE void
add_q5_k (Sums *s, const uint8_t *src, const void *x, const int T)
{
  add_two_k4 (s, src, x, T, QE_BYTES_Q5_K, q_q5_k);
}

/* Scales of the first and of the second 16 of each group of 32, each in its half, as 16 bits. */
QE_INLINE __m256i
scales_of_halves (const int8_t scales[16])
{
  return _mm256_cvtepi8_epi16 (_mm_shuffle_epi8 (_mm_loadu_si128 ((const __m128i *) scales),
                                                 _mm_setr_epi8 (0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)));
}

/* The sums of the first and of the second 16 of each group, likewise. */
QE_INLINE __m256i
sums_of_halves (const QeX8Pair *x, int second)
{
  const __m128i first = _mm_load_si128 ((const __m128i *) x->first + second);
  return _mm256_inserti128_si256 (_mm256_castsi128_si256 (first),
                                  _mm_sub_epi16 (_mm_load_si128 ((const __m128i *) x->sum + second), first), 1);
}

/* One block times one token, but for what it has in common with other tokens. d: of block and activations. */
QE_INLINE void
scale_q6_k (__m256 *less, __m256i *out, __m256i scales, const QeX8Pair *x, int second, __m256 d)
{
  *out = _mm256_mullo_epi16 (scales, _mm256_broadcastsi128_si256 (_mm_load_si128 ((const __m128i *) x->e + second)));
  *less = _mm256_fmadd_ps (_mm256_cvtepi32_ps (_mm256_madd_epi16 (*out, sums_of_halves (x, second))), d, *less);
}

/* Two blocks. q is 0 … 63 and stands for q - 32: less holds a thirty-second of what that takes off. Scaled sums have 31 bits:
 * 2 * (63 * 127 * 4) * (128 * 256) < 2^31, so that they become floats before they are added up. */
QE_INLINE void
add_q6_k (Sums *s, const uint8_t *src, const void *x8, const int T)
{
  const QeX8Pair *x = x8;
  for (int block = 0; block < 2; block++, src += sizeof (QeBlockQ6_K)) {
    const QeBlockQ6_K *b = (const void *) src;
    const __m256i halves = scales_of_halves (b->scales);
    __m256i scales[MAX_TOKENS];
    __m256 d[MAX_TOKENS];
#pragma GCC unroll 3
    for (int t = 0; t < T; t++) {
      d[t] = _mm256_set1_ps (half (b->d) * x[t].unit[block][0]);
      scale_q6_k (&s->less[t], &scales[t], halves, x + t, block, d[t]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      const __m256i q0 = q_q6_k (src, 2 * i), q1 = q_q6_k (src, 2 * i + 1);
#pragma GCC unroll 3
      for (int t = 0; t < T; t++) {
        const __m256i scaled = _mm256_madd_epi16 (products (q0, q1, x + t, block, i), spread_word (scales[t], i));
        s->sum[t] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (scaled), d[t], s->sum[t]);
      }
    }
  }
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* 256 weights, as the generic code unpacks them, times a block of activations. */
QE_INLINE __m256
dot_unpacked (const QeW8 *w, const QeX8 *x)
{
  __m256 sum = _mm256_setzero_ps ();
  for (int g = 0; g < 8; g++) {
    const __m256i two = _mm256_maddubs_epi16 (load32 (w->q + 32 * g), load32 (x->p + 32 * g));
    const __m256 dot = _mm256_cvtepi32_ps (_mm256_madd_epi16 (two, _mm256_set1_epi16 (1)));
    const __m256 scale = _mm256_set_m128 (_mm_set1_ps (w->a[2 * g + 1] * x->d[g]), _mm_set1_ps (w->a[2 * g] * x->d[g]));
    sum = _mm256_fmadd_ps (dot, scale, sum);
  }
  sum = _mm256_fnmadd_ps (_mm256_loadu_ps (w->b), _mm256_load_ps (x->s16), sum);
  return _mm256_fnmadd_ps (_mm256_loadu_ps (w->b + 8), _mm256_load_ps (x->s16 + 8), sum);
}

/* What is left of a row after its last whole pair of blocks: less than 512 weights. Seldom needed. */
static __attribute__ ((noinline)) void
add_rests (const QeDotArgs *a, QeType type, size_t bytes, size_t rest)
{
  for (size_t r = 0; r < a->n_rows; r++)
    for (size_t k = (a->columns - rest) / QE_X8; k * QE_X8 < a->columns; k++) {
      const size_t left = a->columns - k * QE_X8;
      QeW8 w;
      qe_w8_format (type)->unpack ((const uint8_t *) a->w + r * a->row_bytes + k * bytes, left < QE_X8 ? left : QE_X8,
                                   &w);
      for (size_t t = 0; t < a->n_tokens; t++)
        a->y[t * a->ldy + r] += sum8 (dot_unpacked (&w, a->x8 + k * a->ldx8 + t));
    }
}

#include "cpu/x86/qe-stream-rows.h"

#define STREAM(name, NAME, lift)                                                                                       \
  static void stream_##name (const QeDotArgs *a)                                                                       \
  {                                                                                                                    \
    dot_rows (a, (Stream) { add_##name, QE_TYPE_##NAME, 2, QE_BYTES_##NAME, lift });                                   \
  }
STREAM (q4_k, Q4_K, 1)
STREAM (q5_k, Q5_K, 1)
STREAM (q6_k, Q6_K, 32)

void
qe_stream_init_avx2 (QeKernels *k)
{
  k->pair_x8 = qe_pair_x8;
  k->dot[QE_TYPE_Q4_K] = stream_q4_k;
  k->dot[QE_TYPE_Q5_K] = stream_q5_k;
  k->dot[QE_TYPE_Q6_K] = stream_q6_k;
  k->ahead[QE_TYPE_Q4_K] = k->ahead[QE_TYPE_Q5_K] = k->ahead[QE_TYPE_Q6_K] = QE_AHEAD_BYTES;
}
