/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Decoding with AVX-512 and VNNI: rows of the formats that most files are made of, times a few tokens. A file for each
 * instruction set includes this once, with STREAM_INIT to name the function that fills in the table. Here memory is
 * to be the only limit, so everything serves the stream of weights. Rows are read one after the other, one run of
 * addresses that the processor's own prefetcher follows; two rows at a time were half as fast. Prefetch instructions help
 * where the format or the number of tokens makes rows take longer (engine/README.md).
 *
 * What a token gives does not depend on how many tokens go together: drafts are verified with the same bits. */

#include "qe-stream-512.h"

#include "qe-stream-blocks-512.h"

#define AHEAD_BYTES 1024 /* of weights, asked for in advance */
#define ROWS_TOGETHER 8
#define CACHED_BYTES 32768 /* so much of activations is read from cache for each row */
#define PART_BYTES 24576   /* where there is more, they are taken in parts */

/* ---- activations ------------------------------------------------------------------------------------------------ */

/* e and sums of a block, found again from what QeX8 has: d / unit and s32 / d. */
QE_INLINE void
set_pair_scales (QeX8Pair *out, int second, const QeX8 *x)
{
  const __m256 d = _mm256_load_ps (x->d);
  const float unit = _mm512_reduce_max_ps (_mm512_zextps256_ps512 (d)) / QE_X8_UNITS;
  const __m256 e = _mm256_mul_ps (d, _mm256_set1_ps (qe_x8_inverse (unit)));
  const __m256 sum =
      _mm256_maskz_div_ps (_mm256_cmp_ps_mask (d, _mm256_setzero_ps (), _CMP_GT_OQ), _mm256_load_ps (x->s32), d);
  _mm_store_si128 ((__m128i *) out->e + second, _mm256_cvtsepi32_epi16 (_mm256_cvtps_epi32 (e)));
  _mm_store_si128 ((__m128i *) out->sum + second, _mm256_cvtsepi32_epi16 (_mm256_cvtps_epi32 (sum)));
  out->unit[second][0] = out->unit[second][1] = unit;
}

static void
pair_x8 (const QeX8 *x, size_t n_pairs, QeX8Pair *out, size_t stride)
{
  for (; n_pairs > 0; n_pairs--, out += stride)
    for (int second = 0; second < 2; second++, x += stride) {
      for (int half = 0; half < 2; half++) {
        const __m512i first = _mm512_load_si512 (x->p + 128 * half), last = _mm512_load_si512 (x->p + 128 * half + 64);
        _mm512_store_si512 (out->p[second] + 128 * half, _mm512_shuffle_i64x2 (first, last, 0x44));
        _mm512_store_si512 (out->p[second] + 128 * half + 64, _mm512_shuffle_i64x2 (first, last, 0xee));
      }
      set_pair_scales (out, second, x);
    }
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* How to read a format; every use is inlined with constants. */
typedef struct {
  AddBlocks add;
  QeType type;
  size_t blocks; /* that add() takes */
  size_t bytes;  /* of 256 weights */
  float lift;    /* units of Sums.less */
  size_t ahead;  /* bytes to ask for in advance with one token; 0: the processor does better by itself */
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

/* What a loop over the columns of a row goes through. */
typedef struct {
  const uint8_t *w, *x;
  size_t w_step, x_step; /* bytes from one AddBlocks to the next */
} Walk;

QE_INLINE size_t
x_bytes (const Stream f)
{
  return f.blocks == 2 ? sizeof (QeX8Pair) : sizeof (QeX8);
}

QE_INLINE Walk
walk_from (const QeDotArgs *a, size_t r, size_t first, size_t step, const Stream f)
{
  const uint8_t *x = f.blocks == 2 ? (const uint8_t *) a->x8_pairs : (const uint8_t *) a->x8;
  return (Walk) { (const uint8_t *) a->w + r * a->row_bytes + step * f.blocks * f.bytes,
                  x + (step * a->ldx8 + first) * x_bytes (f), f.blocks * f.bytes, a->ldx8 * x_bytes (f) };
}

QE_INLINE void
clear_sums (Sums *s, const int T)
{
#pragma GCC unroll 8
  for (int t = 0; t < T; t++)
    s->sum[t] = s->less[t] = _mm512_setzero_ps ();
}

QE_INLINE void
copy_sums (Sums *to, const Sums *from, const int T)
{
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
    to->sum[t] = from->sum[t];
    to->less[t] = from->less[t];
  }
}

/* With one token into the second-level cache: the first is too small for what is under way then. */
QE_INLINE void
ask_for (const char *line, const int T)
{
  if (T == 1)
    _mm_prefetch (line, _MM_HINT_T1);
  else
    _mm_prefetch (line, _MM_HINT_NTA);
}

/* ahead: bytes from here to what is to be asked for now; 0: nothing. */
QE_INLINE void
add_steps (Sums *s, Walk p, size_t n_steps, const int T, const Stream f, size_t ahead)
{
  for (; n_steps > 0; n_steps--, p.w += p.w_step, p.x += p.x_step) {
    if (ahead)
#pragma GCC unroll 8
      for (size_t line = 0; line < f.blocks * f.bytes; line += 64)
        ask_for ((const char *) p.w + ahead + line, T);
    f.add (s, p.w, p.x, T);
  }
}

/* Eight lanes, which are still to be added up. */
QE_INLINE __m256
lanes_of (const Sums *s, int t, const Stream f)
{
  const __m512 sum = _mm512_fnmadd_ps (_mm512_set1_ps (f.lift), s->less[t], s->sum[t]);
  return _mm256_add_ps (_mm512_castps512_ps256 (sum), _mm512_extractf32x8_ps (sum, 1));
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

QE_INLINE __m256
dot_row (const QeDotArgs *a, size_t r, size_t t, size_t n_steps, const Stream f)
{
  Sums s;
  clear_sums (&s, 1);
  add_steps (&s, walk_from (a, r, t, 0, f), n_steps, 1, f, f.ahead);
  return lanes_of (&s, 0, f);
}

QE_INLINE void
dot_one_token (const QeDotArgs *a, size_t t, size_t n_steps, const Stream f)
{
  float *y = a->y + t * a->ldy;
  __m256 lanes[4] = { 0 };
  size_t r = 0;
  for (; r + 4 <= a->n_rows; r += 4) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
      lanes[i] = dot_row (a, r + i, t, n_steps, f);
    _mm_storeu_ps (y + r, add_lanes (lanes));
  }
  for (; r < a->n_rows; r++) {
    lanes[0] = dot_row (a, r, t, n_steps, f);
    y[r] = _mm_cvtss_f32 (add_lanes (lanes));
  }
}

/* A short row is over before a loop over its blocks has paid for its branches: for the lengths that small models have, the
 * number of steps is a constant. */
QE_INLINE void
dot_token (const QeDotArgs *a, size_t t, size_t n_steps, const Stream f)
{
  if (a->columns == 1024)
    dot_one_token (a, t, 4 / f.blocks, f);
  else if (a->columns == 2048)
    dot_one_token (a, t, 8 / f.blocks, f);
  else if (a->columns == 2560)
    dot_one_token (a, t, 10 / f.blocks, f);
  else
    dot_one_token (a, t, n_steps, f);
}

QE_INLINE void
store_results (const QeDotArgs *a, size_t r, size_t first, const Sums *s, const int T, const Stream f)
{
  __m256 lanes[MAX_TOKENS] = { 0 };
  _Alignas (16) float y[MAX_TOKENS];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++)
    lanes[t] = lanes_of (s, t, f);
  _mm_store_ps (y, add_lanes (lanes));
  if (T > 4)
    _mm_store_ps (y + 4, add_lanes (lanes + 4));
#pragma GCC unroll 8
  for (int t = 0; t < T; t++)
    a->y[(first + (size_t) t) * a->ldy + r] = y[t];
}

/* T from 2 on. Where their activations outgrow the first-level cache, some rows together go through part of the columns, then
 * through the next. A row takes longer than with one token, and the processor does not look so far ahead. */
QE_INLINE void
dot_tokens (const QeDotArgs *a, size_t first, const int T, size_t n_steps, const Stream f)
{
  const size_t x_total = n_steps * (size_t) T * x_bytes (f);
  const size_t n_parts = x_total > CACHED_BYTES ? (x_total - 1) / PART_BYTES + 1 : 1,
               part = (n_steps + n_parts - 1) / n_parts;
  Sums sums[ROWS_TOGETHER];
  for (size_t r = 0, n; r < a->n_rows; r += n) {
    n = a->n_rows - r < ROWS_TOGETHER ? a->n_rows - r : ROWS_TOGETHER;
    for (size_t i = 0; i < n; i++)
      clear_sums (&sums[i], T);
    for (size_t step = 0; step < n_steps; step += part)
      for (size_t i = 0; i < n; i++) {
        const size_t below = i + 1 < n ? a->row_bytes : part * f.blocks * f.bytes - (n - 1) * a->row_bytes;
        Sums s;
        copy_sums (&s, &sums[i], T);
        add_steps (&s, walk_from (a, r + i, first, step, f), n_steps - step < part ? n_steps - step : part, T, f,
                   n_parts > 1 ? below : AHEAD_BYTES);
        copy_sums (&sums[i], &s, T);
      }
    for (size_t i = 0; i < n; i++)
      store_results (a, r + i, first, &sums[i], T, f);
  }
}

QE_INLINE void
dot_rows (const QeDotArgs *a, const Stream f)
{
  const size_t n_steps = a->columns / (f.blocks * QE_X8);
  size_t t = 0;
  for (; t + MAX_TOKENS <= a->n_tokens; t += MAX_TOKENS)
    dot_tokens (a, t, MAX_TOKENS, n_steps, f);
  switch (a->n_tokens - t) {
  case 7:
    dot_tokens (a, t, 7, n_steps, f);
    break;
  case 6:
    dot_tokens (a, t, 6, n_steps, f);
    break;
  case 5:
    dot_tokens (a, t, 5, n_steps, f);
    break;
  case 4:
    dot_tokens (a, t, 4, n_steps, f);
    break;
  case 3:
    dot_tokens (a, t, 3, n_steps, f);
    break;
  case 2:
    dot_tokens (a, t, 2, n_steps, f);
    break;
  case 1:
    dot_token (a, t, n_steps, f);
    break;
  default:
    break;
  }
  if (a->columns % (f.blocks * QE_X8))
    add_rests (a, f.type, f.bytes, a->columns % (f.blocks * QE_X8));
}

#define STREAM(name, TYPE, blocks, bytes, lift, ahead)                                                                 \
  static void stream_##name (const QeDotArgs *a)                                                                       \
  {                                                                                                                    \
    dot_rows (a, (Stream) { add_##name, TYPE, blocks, bytes, lift, ahead });                                           \
  }
STREAM (q8_0, QE_TYPE_Q8_0, 1, 8 * 34, 128, 0)
STREAM (q4_k, QE_TYPE_Q4_K, 2, 144, 1, 8192)
STREAM (q5_k, QE_TYPE_Q5_K, 2, 176, 1, 8192)
STREAM (q6_k, QE_TYPE_Q6_K, 1, 210, 32, 8192)

void
STREAM_INIT (QeKernels *k)
{
  k->pair_x8 = pair_x8;
  k->dot[QE_TYPE_Q8_0] = stream_q8_0;
  k->dot[QE_TYPE_Q4_K] = stream_q4_k;
  k->dot[QE_TYPE_Q5_K] = stream_q5_k;
  k->dot[QE_TYPE_Q6_K] = stream_q6_k;
  static const QeType types[] = { QE_TYPE_Q8_0, QE_TYPE_Q4_K, QE_TYPE_Q5_K, QE_TYPE_Q6_K };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    k->tiling[types[i]].min_tokens = 16;
}
