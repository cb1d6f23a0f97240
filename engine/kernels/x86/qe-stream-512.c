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

/* Adds one block, or two neighbours: x and x + ldx have their activations. */
typedef void (*AddBlocks) (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T);

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

/* The same 32 bytes below and above. */
QE_INLINE __m512i
both_halves (const uint8_t *src)
{
  return _mm512_broadcast_i64x4 (_mm256_loadu_si256 ((const __m256i *) src));
}

/* ---- Q4_K and Q5_K ---------------------------------------------------------------------------------------------- */

/* Two neighbours of a row at a time. Their scales have 6 bits, those of activations are whole numbers of units (QeX8), and
 * four products of weights of 4 or 5 bits have 15: so sums are scaled as integers, two of 16 bits by one vpdpwssd. Nothing
 * overflows: 4 * (31 * 127 * 4) * (63 * 256) < 2^30. */
typedef struct {
  __m256i scales, minima; /* 16 bits each, eight of the one block and eight of the other */
  __m128 d;               /* d and dmin of the one, then of the other */
} HeadsK4;

QE_INLINE __m256i
two_16 (const void *first, const void *second)
{
  return _mm256_inserti128_si256 (_mm256_castsi128_si256 (_mm_loadu_si128 (first)), _mm_loadu_si128 (second), 1);
}

QE_INLINE HeadsK4
read_heads (const uint8_t *src, size_t bytes)
{
  const __m256i heads = two_16 (src, src + bytes), six = qe_k4_six_bits_of_two (heads), zero = _mm256_setzero_si256 ();
  int second;
  memcpy (&second, src + bytes, sizeof second);
  return (HeadsK4) { _mm256_unpacklo_epi8 (six, zero), _mm256_unpackhi_epi8 (six, zero),
                     _mm_cvtph_ps (_mm_insert_epi32 (_mm256_castsi256_si128 (heads), second, 1)) };
}

/* 128 weights as they lie in half 0 or 1 of a block: low has the groups 0 and 2 of four, high 1 and 3. */
typedef struct {
  __m512i low, high;
} Pairs;
typedef Pairs (*ReadPairs) (const uint8_t *src, int half);

/* Upper nibbles stay where they are, 16 times too large. */
QE_INLINE Pairs
pairs_q4_k (const uint8_t *src, int half)
{
  const __m512i w = _mm512_loadu_si512 (src + 16 + 64 * half);
  return (Pairs) { _mm512_and_si512 (w, _mm512_set1_epi8 (15)), _mm512_and_si512 (w, _mm512_set1_epi8 ((char) 0xf0)) };
}

QE_INLINE Pairs
pairs_q5_k (const uint8_t *src, int half)
{
  const __m512i w = _mm512_loadu_si512 (src + 48 + 64 * half), low4 = _mm512_set1_epi8 (15),
                bit4 = _mm512_set1_epi8 (16);
  const __m512i fifth = both_halves (src + 16);
  const __m512i bits =
      _mm512_inserti64x4 (_mm512_set1_epi8 ((char) (1 << 4 * half)), _mm256_set1_epi8 ((char) (4 << 4 * half)), 1);
  const __m512i low = _mm512_and_si512 (w, low4), high = _mm512_and_si512 (_mm512_srli_epi16 (w, 4), low4);
  return (
      Pairs) { _mm512_mask_add_epi8 (low, _mm512_test_epi8_mask (fifth, bits), low, bit4),
               _mm512_mask_add_epi8 (high, _mm512_test_epi8_mask (fifth, _mm512_add_epi8 (bits, bits)), high, bit4) };
}

/* One block: the sum of its scaled products, in 16 lanes. Scales are lanes 4 * second … of `scales`, two in each. */
QE_INLINE __m512
scaled_pairs (const Pairs w[2], const QeX8 *x, __m512i scales, const int second, const int shift)
{
  __m512i sum = _mm512_setzero_si512 ();
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    const int a = 4 * second + 2 * i, b = a + 1;
    const __m512i *p = (const __m512i *) x->in_pairs + 2 * i;
    const __m512i low = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w[i].low, p[0]);
    const __m512i high = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w[i].high, p[1]);
    const __m512i both = _mm512_mask_blend_epi16 (0xaaaaaaaa, low, _mm512_slli_epi32 (high, (unsigned) shift));
    const __m512i to = _mm512_setr_epi32 (a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b);
    sum = _mm512_dpwssd_epi32 (sum, both, _mm512_permutexvar_epi32 (to, scales));
  }
  return _mm512_cvtepi32_ps (sum);
}

/* What a token makes of the heads of two blocks. */
typedef struct {
  __m512i scales;
  __m128 d;
} TokenScales;

QE_INLINE TokenScales
scale_heads (const HeadsK4 *h, const QeX8 *x0, const QeX8 *x1, __m512 *less)
{
  const __m256i e = two_16 (x0->e, x1->e);
  const __m256i minima = _mm256_madd_epi16 (_mm256_mullo_epi16 (h->minima, e), two_16 (x0->sum, x1->sum));
  const __m128d units = _mm_loadh_pd (_mm_load_sd ((const double *) (const void *) x0->unit), (const void *) x1->unit);
  const __m128 d = _mm_mul_ps (h->d, _mm_castpd_ps (units));
  const __m256 dmin = _mm256_permutevar8x32_ps (_mm256_castps128_ps256 (d), _mm256_setr_epi32 (1, 1, 1, 1, 3, 3, 3, 3));
  *less = eight (_mm256_fmadd_ps (_mm256_cvtepi32_ps (minima), dmin, _mm512_castps512_ps256 (*less)));
  return (TokenScales) { _mm512_castsi256_si512 (_mm256_mullo_epi16 (h->scales, e)), d };
}

/* Two blocks times T tokens; shift: what brings high products to the upper half of their lanes. */
QE_INLINE void
add_two_k4 (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T, size_t bytes, ReadPairs read,
            const int shift)
{
  const HeadsK4 h = read_heads (src, bytes);
  TokenScales k[MAX_TOKENS];
#pragma GCC unroll 5
  for (int t = 0; t < T; t++)
    k[t] = scale_heads (&h, x + t, x + ldx + t, &s->less[t]);
#pragma GCC unroll 2
  for (int block = 0; block < 2; block++, src += bytes, x += ldx) {
    const Pairs w[2] = { read (src, 0), read (src, 1) };
    const __m512i lane = _mm512_set1_epi32 (2 * block);
#pragma GCC unroll 5
    for (int t = 0; t < T; t++)
      s->sum[t] = _mm512_fmadd_ps (scaled_pairs (w, x + t, k[t].scales, block, shift),
                                   _mm512_permutexvar_ps (lane, _mm512_castps128_ps512 (k[t].d)), s->sum[t]);
  }
}

QE_INLINE void
add_q4_k (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T)
{
  add_two_k4 (s, src, x, ldx, T, 144, pairs_q4_k, 12);
}

QE_INLINE void
add_q5_k (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T)
{
  add_two_k4 (s, src, x, ldx, T, 176, pairs_q5_k, 16);
}

/* ---- Q6_K and Q8_0 ---------------------------------------------------------------------------------------------- */

/* q is 0 … 63 and stands for q - 32: less holds a thirty-second of what that takes off. */
QE_INLINE void
add_q6_k (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T)
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
add_q8_0 (Sums *s, const uint8_t *src, const QeX8 *x, size_t ldx, const int T)
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
  AddBlocks add;
  QeType type;
  size_t blocks; /* that add() takes */
  size_t bytes;  /* of 256 weights */
  float lift;    /* units of Sums.less */
} Stream;

/* At most 256 weights; a whole block is the last of an odd number of them. */
QE_INLINE W512
unpack_rest (QeType type, const uint8_t *src, size_t n)
{
  if (n < QE_X8)
    return unpack_any (type, src, n);
  W512 w = type == QE_TYPE_Q4_K ? unpack_q4_k (src) : unpack_q5_k (src);
  w.a = twice (_mm512_castps512_ps256 (w.a));
  w.b = twice (_mm512_castps512_ps256 (w.b));
  return w;
}

/* What is left of a row after its last whole pair of blocks or whole block: less than 512 weights. Seldom needed, hence a
 * pass of its own: a call would keep constants of the loops below out of registers. */
static __attribute__ ((noinline)) void
add_rests (const QeDotArgs *a, QeType type, size_t bytes, size_t rest)
{
  const size_t first = (a->columns - rest) / QE_X8;
  for (size_t r = 0; r < a->n_rows; r++) {
    const uint8_t *row = (const uint8_t *) a->w + r * a->row_bytes;
    for (size_t k = first; k * QE_X8 < a->columns; k++) {
      const size_t left = a->columns - k * QE_X8;
      const W512 w = unpack_rest (type, row + k * bytes, left < QE_X8 ? left : QE_X8);
      const QeX8 *x = a->x8 + k * a->ldx8;
      for (size_t t = 0; t < a->n_tokens; t++) {
        const __m512 sum = add_scaled_16 (_mm512_setzero_ps (), w.q, w.a, x + t);
        a->y[t * a->ldy + r] += _mm512_reduce_add_ps (_mm512_fnmadd_ps (w.b, _mm512_load_ps (x[t].s16), sum));
      }
    }
  }
}

/* One row times T tokens: eight lanes, which are still to be added up, of each. */
QE_INLINE void
dot_row (const QeDotArgs *a, size_t r, const QeX8 *x, const int T, const Stream f, __m256 *sums)
{
  const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
  Sums s;
#pragma GCC unroll 5
  for (int t = 0; t < T; t++)
    s.sum[t] = s.less[t] = _mm512_setzero_ps ();
  for (size_t n = a->columns / QE_X8 / f.blocks; n > 0; n--, w += f.blocks * f.bytes, x += f.blocks * a->ldx8)
    f.add (&s, w, x, a->ldx8, T);
#pragma GCC unroll 5
  for (int t = 0; t < T; t++) {
    const __m512 sum = _mm512_fnmadd_ps (_mm512_set1_ps (f.lift), s.less[t], s.sum[t]);
    sums[t] = _mm256_add_ps (_mm512_castps512_ps256 (sum), _mm512_extractf32x8_ps (sum, 1));
  }
}

/* The lanes of each of four, added up: together that takes half of what it takes one by one. */
QE_INLINE __m128
add_lanes (const __m256 v[4])
{
  const __m256 a = _mm256_add_ps (_mm256_unpacklo_ps (v[0], v[1]), _mm256_unpackhi_ps (v[0], v[1]));
  const __m256 b = _mm256_add_ps (_mm256_unpacklo_ps (v[2], v[3]), _mm256_unpackhi_ps (v[2], v[3]));
  const __m256 c = _mm256_add_ps (_mm256_shuffle_ps (a, b, 0x44), _mm256_shuffle_ps (a, b, 0xee));
  return _mm_add_ps (_mm256_castps256_ps128 (c), _mm256_extractf128_ps (c, 1));
}

QE_INLINE void
dot_one_token (const QeDotArgs *a, size_t t, const Stream f)
{
  for (size_t r = 0; r < a->n_rows; r += 4) {
    const size_t n = a->n_rows - r < 4 ? a->n_rows - r : 4;
    __m256 sums[4] = { 0 };
    for (size_t i = 0; i < n; i++)
      dot_row (a, r + i, a->x8 + t, 1, f, sums + i);
    _mm_mask_storeu_ps (a->y + t * a->ldy + r, (__mmask8) ((1 << n) - 1), add_lanes (sums));
  }
}

/* T from 2 on. */
QE_INLINE void
dot_tokens (const QeDotArgs *a, size_t first, const int T, const Stream f)
{
  for (size_t r = 0; r < a->n_rows; r++) {
    __m256 sums[8] = { 0 };
    _Alignas (16) float y[8];
    dot_row (a, r, a->x8 + first, T, f, sums);
    _mm_store_ps (y, add_lanes (sums));
    if (T > 4)
      _mm_store_ps (y + 4, add_lanes (sums + 4));
#pragma GCC unroll 5
    for (int t = 0; t < T; t++)
      a->y[(first + (size_t) t) * a->ldy + r] = y[t];
  }
}

QE_INLINE void
dot_rows (const QeDotArgs *a, const Stream f)
{
  size_t t = 0;
  for (; t + 5 <= a->n_tokens; t += 5)
    dot_tokens (a, t, 5, f);
  switch (a->n_tokens - t) {
  case 4:
    dot_tokens (a, t, 4, f);
    break;
  case 3:
    dot_tokens (a, t, 3, f);
    break;
  case 2:
    dot_tokens (a, t, 2, f);
    break;
  case 1:
    dot_one_token (a, t, f);
    break;
  default:
    break;
  }
  if (a->columns % (f.blocks * QE_X8))
    add_rests (a, f.type, f.bytes, a->columns % (f.blocks * QE_X8));
}

#define STREAM(name, TYPE, blocks, bytes, lift)                                                                        \
  static void stream_##name (const QeDotArgs *a)                                                                       \
  {                                                                                                                    \
    dot_rows (a, (Stream) { add_##name, TYPE, blocks, bytes, lift });                                                  \
  }
STREAM (q8_0, QE_TYPE_Q8_0, 1, 8 * 34, 128)
STREAM (q4_k, QE_TYPE_Q4_K, 2, 144, 1)
STREAM (q5_k, QE_TYPE_Q5_K, 2, 176, 1)
STREAM (q6_k, QE_TYPE_Q6_K, 1, 210, 32)

void
qe_stream_init_avx512 (QeKernels *k)
{
  k->dot[QE_TYPE_Q8_0] = stream_q8_0;
  k->dot[QE_TYPE_Q4_K] = stream_q4_k;
  k->dot[QE_TYPE_Q5_K] = stream_q5_k;
  k->dot[QE_TYPE_Q6_K] = stream_q6_k;
  static const QeType types[] = { QE_TYPE_Q8_0, QE_TYPE_Q4_K, QE_TYPE_Q5_K, QE_TYPE_Q6_K };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    k->tiling[types[i]].min_tokens = 16;
}
