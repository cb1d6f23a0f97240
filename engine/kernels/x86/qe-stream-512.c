/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Decoding with AVX-512 and VNNI: rows of the formats that most files are made of, times a few tokens. Here memory is
 * to be the only limit, so everything serves the stream of weights. Rows are read one after the other, one run of
 * addresses that the processor's own prefetcher follows; two rows at a time, and prefetch instructions, were half as
 * fast (engine/README.md). A block takes few instructions, so that those in flight span many lines of memory.
 *
 * What a token gives does not depend on how many tokens go together: drafts are verified with the same bits. */

#include "qe-stream-512.h"

#include "qe-unpack-512.h"

#define MAX_TOKENS 5 /* as many as a draft has, with the token before it */

/* What goes into a sum of 16 lanes, and what is taken from it: the same for all formats. */
typedef struct {
  __m512 sum[MAX_TOKENS];  /* of scale * q * p */
  __m512 less[MAX_TOKENS]; /* of what is to be taken off, in units of the format */
} Sums;

typedef void (*AddBlock) (Sums *s, const uint8_t *src, const QeX8 *x, const int T);

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
  const __m512i p0 = product (q[0], x, 0), p1 = product (q[1], x, 1), p2 = product (q[2], x, 2), p3 = product (q[3], x, 3);
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

/* The same 32 bytes below and above. */
QE_INLINE __m512i
both_halves (const uint8_t *src)
{
  return _mm512_broadcast_i64x4 (_mm256_loadu_si256 ((const __m256i *) src));
}

/* Scales and minima of Q4_K and Q5_K. */
QE_INLINE void
k4_scales_8 (const uint8_t *src, __m256 *a, __m256 *b)
{
  const __m128i head = _mm_loadu_si128 ((const __m128i *) src), six = qe_k4_six_bits (head);
  const __m128 d = _mm_cvtph_ps (head); /* d, dmin */
  *a = _mm256_mul_ps (_mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (six)), _mm256_broadcastss_ps (d));
  *b = _mm256_mul_ps (_mm256_cvtepi32_ps (_mm256_cvtepu8_epi32 (_mm_unpackhi_epi64 (six, six))),
                      _mm256_broadcastss_ps (_mm_movehdup_ps (d)));
}

QE_INLINE void
add_k4 (Sums *s, const __m512i q[4], __m256 a, __m256 b, const QeX8 *x, const int T)
{
#pragma GCC unroll 5
  for (int t = 0; t < T; t++) {
    s->sum[t] = add_scaled_32 (s->sum[t], q, a, x + t);
    s->less[t] = eight (_mm256_fmadd_ps (b, _mm256_load_ps (x[t].s32), _mm512_castps512_ps256 (s->less[t])));
  }
}

/* Upper nibbles stay where they are: 16 times too large, and so is nothing when their scales are a sixteenth. */
QE_INLINE void
add_q4_k (Sums *s, const uint8_t *src, const QeX8 *x, const int T)
{
  const __m512i nibbles = _mm512_inserti64x4 (_mm512_set1_epi8 (15), _mm256_set1_epi8 ((char) 0xf0), 1);
  const __m256 sixteenth = _mm256_setr_ps (1, 0.0625f, 1, 0.0625f, 1, 0.0625f, 1, 0.0625f);
  __m512i q[4];
  __m256 a, b;
  k4_scales_8 (src, &a, &b);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    q[i] = _mm512_and_si512 (both_halves (src + 16 + 32 * i), nibbles);
  add_k4 (s, q, _mm256_mul_ps (a, sixteenth), b, x, T);
}

QE_INLINE void
add_q5_k (Sums *s, const uint8_t *src, const QeX8 *x, const int T)
{
  const W512 w = unpack_q5_k (src);
  __m256 a, b;
  k4_scales_8 (src, &a, &b);
  add_k4 (s, w.q, a, b, x, T);
}

/* q is 0 … 63 and stands for q - 32: less holds a thirty-second of what that takes off. */
QE_INLINE void
add_q6_k (Sums *s, const uint8_t *src, const QeX8 *x, const int T)
{
  const W512 w = unpack_q6_k (src);
#pragma GCC unroll 5
  for (int t = 0; t < T; t++) {
    s->sum[t] = add_scaled_16 (s->sum[t], w.q, w.a, x + t);
    s->less[t] = _mm512_fmadd_ps (w.a, _mm512_load_ps (x[t].s16), s->less[t]);
  }
}

/* q is lifted by 128: less holds a 128th of what that adds. */
QE_INLINE void
add_q8_0 (Sums *s, const uint8_t *src, const QeX8 *x, const int T)
{
  __m512i q[4];
  uint16_t h[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    memcpy (&h[i], src + 34 * i, 2);
  const __m256 a = _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) h));
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    q[i] = _mm512_xor_si512 (two_halves (src + 68 * i + 2, src + 68 * i + 36), _mm512_set1_epi8 (-128));
#pragma GCC unroll 5
  for (int t = 0; t < T; t++) {
    s->sum[t] = add_scaled_32 (s->sum[t], q, a, x + t);
    s->less[t] = eight (_mm256_fmadd_ps (a, _mm256_load_ps (x[t].s32), _mm512_castps512_ps256 (s->less[t])));
  }
}

/* How to read a format; every use is inlined with constants. */
typedef struct {
  AddBlock add;
  QeType type;
  size_t bytes; /* of 256 weights */
  float lift;   /* units of Sums.less */
} Stream;

/* What is left of a row after its whole blocks. Not inlined, as it is seldom needed. */
static __attribute__ ((noinline)) void
add_rest (Sums *s, const uint8_t *src, size_t n, const QeX8 *x, int n_tokens, QeType type)
{
  const W512 w = unpack_any (type, src, n);
  for (int t = 0; t < n_tokens; t++) {
    s->sum[t] = add_scaled_16 (s->sum[t], w.q, w.a, x + t);
    s->sum[t] = _mm512_fnmadd_ps (w.b, _mm512_load_ps (x[t].s16), s->sum[t]);
  }
}

/* One row times T tokens. */
QE_INLINE void
dot_row (const QeDotArgs *a, size_t r, size_t first, const int T, const Stream f)
{
  const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
  const QeX8 *x = a->x8 + first;
  Sums s;
#pragma GCC unroll 5
  for (int t = 0; t < T; t++)
    s.sum[t] = s.less[t] = _mm512_setzero_ps ();
  for (size_t k = 0; k < a->columns / QE_X8; k++, w += f.bytes, x += a->ldx8)
    f.add (&s, w, x, T);
  if (a->columns % QE_X8)
    add_rest (&s, w, a->columns % QE_X8, x, T, f.type);
#pragma GCC unroll 5
  for (int t = 0; t < T; t++)
    a->y[(first + (size_t) t) * a->ldy + r]
        = _mm512_reduce_add_ps (_mm512_fnmadd_ps (_mm512_set1_ps (f.lift), s.less[t], s.sum[t]));
}

QE_INLINE void
dot_rows (const QeDotArgs *a, const Stream f)
{
  for (size_t r = 0; r < a->n_rows; r++) {
    size_t t = 0;
    for (; t + 5 <= a->n_tokens; t += 5)
      dot_row (a, r, t, 5, f);
    switch (a->n_tokens - t) {
    case 4: dot_row (a, r, t, 4, f); break;
    case 3: dot_row (a, r, t, 3, f); break;
    case 2: dot_row (a, r, t, 2, f); break;
    case 1: dot_row (a, r, t, 1, f); break;
    default: break;
    }
  }
}

#define STREAM(name, TYPE, bytes, lift)                                                                               \
  static void stream_##name (const QeDotArgs *a) { dot_rows (a, (Stream) { add_##name, TYPE, bytes, lift }); }
STREAM (q8_0, QE_TYPE_Q8_0, 8 * 34, 128)
STREAM (q4_k, QE_TYPE_Q4_K, 144, 1)
STREAM (q5_k, QE_TYPE_Q5_K, 176, 1)
STREAM (q6_k, QE_TYPE_Q6_K, 210, 32)

void
qe_stream_init_avx512 (QeKernels *k)
{
  k->dot[QE_TYPE_Q8_0] = stream_q8_0;
  k->dot[QE_TYPE_Q4_K] = stream_q4_k;
  k->dot[QE_TYPE_Q5_K] = stream_q5_k;
  k->dot[QE_TYPE_Q6_K] = stream_q6_k;
}
