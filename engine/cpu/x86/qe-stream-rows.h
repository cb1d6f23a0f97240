/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Decoding: rows of weights times a few tokens, where memory is to be the only limit, so that everything serves the stream of
 * weights. Rows are read one after the other, one run of addresses that the processor's own prefetcher follows; two rows
 * at a time were half as fast. How far ahead prefetch instructions help depends on the processor (cpu/qe-tuning.h).
 *
 * What a token gives does not depend on how many tokens go together: drafts are verified with the same bits.
 *
 * Who includes this has defined, for its instruction set: MAX_TOKENS, 3 or 8, of which sums stay in registers; Lanes, a register of
 * floats; Sums, what goes into a sum and what is taken from it (Lanes sum[MAX_TOKENS], less[MAX_TOKENS]); lanes_of(), eight lanes
 * of sum - lift * less, still to be added up; and add_rests(), for the end of rows that AddBlocks do not take. */

_Static_assert (MAX_TOKENS == 3 || MAX_TOKENS == 8,
                "loops over tokens are unrolled, and dot_rows() knows what can be left");

#define NEAR_BYTES 1024 /* so far ahead weights are asked for with several tokens */
#define ROWS_TOGETHER 8
#define CACHED_BYTES 32768 /* so much of activations is read from cache for each row */
#define PART_BYTES 24576   /* where there is more, they are taken in parts */

/* Adds one block, or two neighbours; x: T QeX8 or T QeX8Pair. */
typedef void (*AddBlocks) (Sums *s, const uint8_t *src, const void *x, const int T);

/* How to read a format; every use is inlined with constants. */
typedef struct {
  AddBlocks add;
  QeType type;
  size_t blocks; /* that add() takes */
  size_t bytes;  /* of 256 weights */
  float lift;    /* units of Sums.less */
} Stream;

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
    s->sum[t] = s->less[t] = (Lanes) { 0 };
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

/* Of one token far ahead, of several near. */
QE_INLINE void
ask_for (const char *line, const int T)
{
  if (T == 1)
    _mm_prefetch (line, _MM_HINT_T1);
  else
    _mm_prefetch (line, _MM_HINT_NTA);
}

/* ahead: bytes from here to what is to be asked for now; what is being read itself costs next to nothing to ask for. */
QE_INLINE void
add_steps (Sums *s, Walk p, size_t n_steps, const int T, const Stream f, size_t ahead)
{
  for (; n_steps > 0; n_steps--, p.w += p.w_step, p.x += p.x_step) {
#pragma GCC unroll 8
    for (size_t line = 0; line < f.blocks * f.bytes; line += 64)
      ask_for ((const char *) p.w + ahead + line, T);
    f.add (s, p.w, p.x, T);
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

QE_INLINE __m256
dot_row (const QeDotArgs *a, size_t r, size_t t, size_t n_steps, const Stream f)
{
  Sums s;
  clear_sums (&s, 1);
  add_steps (&s, walk_from (a, r, t, 0, f), n_steps, 1, f, a->ahead);
  return lanes_of (&s, 0, f.lift);
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
  __m256 lanes[8] = { 0 };
  _Alignas (16) float y[8];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++)
    lanes[t] = lanes_of (s, t, f.lift);
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
                   n_parts > 1 ? below : NEAR_BYTES);
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
#if MAX_TOKENS > 4
  case 7: dot_tokens (a, t, 7, n_steps, f); break;
  case 6: dot_tokens (a, t, 6, n_steps, f); break;
  case 5: dot_tokens (a, t, 5, n_steps, f); break;
  case 4: dot_tokens (a, t, 4, n_steps, f); break;
  case 3: dot_tokens (a, t, 3, n_steps, f); break;
#endif
  case 2: dot_tokens (a, t, 2, n_steps, f); break;
  case 1: dot_token (a, t, n_steps, f); break;
  default: break;
  }
  if (a->columns % (f.blocks * QE_X8))
    add_rests (a, f.type, f.bytes, a->columns % (f.blocks * QE_X8));
}
