/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Rows of weights times a few tokens in 256-bit registers, compiled for AVX2 and, with QE_VNNI 1, for AVX-VNNI. */

#include "cpu/x86/qe-format-256.h"

/* What one token gives: 8 lanes of two sums each, as every addition to a sum waits for the one before. */
typedef struct {
  __m256 even, odd;
} Sums256;

/* Sums of neighbours, of 16 bits: a and b take turns. */
QE_INLINE __m256i
pair_up (__m256i a, __m256i b)
{
  return _mm256_add_epi16 (_mm256_unpacklo_epi16 (a, b), _mm256_unpackhi_epi16 (a, b));
}

/* The same of a block whose weights are 0 … 15: 16 products have 16 bits, so that all eight groups of 32 can be brought into
 * one register and scaled together. */
QE_INLINE void
dot_block_of_nibbles (Sums256 *acc, const void *src, const QeX8 *x, const int T, const Format256 f)
{
  const Scales256 s = f.scales (src);
  __m256i fours[3][2], eights[3];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m256i q0 = f.q (src, 2 * i), q1 = f.q (src, 2 * i + 1);
#pragma GCC unroll 3
    for (int t = 0; t < T; t++) {
      const __m256i *p = (const __m256i *) (x[t].p + 64 * i);
      fours[t][i % 2] = pair_up (_mm256_maddubs_epi16 (q0, p[0]), _mm256_maddubs_epi16 (q1, p[1]));
      if (i % 2 == 0)
        continue;
      const __m256i a = fours[t][0], b = fours[t][1];
      const __m256i both = _mm256_add_epi16 (_mm256_unpacklo_epi32 (a, b), _mm256_unpackhi_epi32 (a, b));
      eights[t] = i == 1 ? both
                         : _mm256_add_epi16 (_mm256_unpacklo_epi64 (eights[t], both),
                                             _mm256_unpackhi_epi64 (eights[t], both));
    }
  }
#pragma GCC unroll 3
  for (int t = 0; t < T; t++) {
    const __m256 scale = _mm256_mul_ps (s.a[0], _mm256_load_ps (x[t].d));
    const __m256i low = _mm256_cvtepi16_epi32 (_mm256_castsi256_si128 (eights[t]));
    const __m256i high = _mm256_cvtepi16_epi32 (_mm256_extracti128_si256 (eights[t], 1));
    acc[t].even = _mm256_fmadd_ps (_mm256_cvtepi32_ps (low), scale, acc[t].even);
    acc[t].odd = _mm256_fmadd_ps (_mm256_cvtepi32_ps (high), scale, acc[t].odd);
    acc[t].even = _mm256_fnmadd_ps (s.b[0], _mm256_load_ps (x[t].s32), acc[t].even);
  }
}

/* One block of a row times T blocks of activations. */
QE_INLINE void
dot_block (Sums256 *acc, const void *src, const QeX8 *x, const int T, const Format256 f)
{
  Scales256 s = f.scales (src);
  __m256 scale[4][2];
  Grid grid;
  if (f.prepare)
    f.prepare (src, &grid);
#pragma GCC unroll 4
  for (int t = 0; t < T; t++)
    if (f.group == 32) {
      scale[t][0] = _mm256_mul_ps (s.a[0], _mm256_load_ps (x[t].d));
      acc[t].even = _mm256_fnmadd_ps (min_of (s.a[0], s.b[0], f.is_signed), _mm256_load_ps (x[t].s32), acc[t].even);
    } else {
      __m256 d = _mm256_load_ps (x[t].d), low = _mm256_unpacklo_ps (d, d), high = _mm256_unpackhi_ps (d, d);
      scale[t][0] = _mm256_mul_ps (s.a[0], _mm256_permute2f128_ps (low, high, 0x20));
      scale[t][1] = _mm256_mul_ps (s.a[1], _mm256_permute2f128_ps (low, high, 0x31));
      acc[t].even = _mm256_fnmadd_ps (s.b[0], _mm256_load_ps (x[t].s16), acc[t].even);
      acc[t].odd = _mm256_fnmadd_ps (s.b[1], _mm256_load_ps (x[t].s16 + 8), acc[t].odd);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    const __m256i lane = f.group == 32 ? _mm256_set1_epi32 (i)
                                       : _mm256_add_epi32 (_mm256_setr_epi32 (0, 0, 0, 0, 1, 1, 1, 1),
                                                           _mm256_set1_epi32 (2 * i % 8));
    __m256i q = f.q (f.prepare ? &grid : src, i);
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
      __m256i dot = dot32 (q, _mm256_load_si256 ((const __m256i *) (x[t].p + 32 * i)), f.is_signed);
      __m256 spread = _mm256_permutevar8x32_ps (scale[t][f.group == 32 ? 0 : i / 4], lane);
      __m256 *sum = i % 2 ? &acc[t].odd : &acc[t].even;
      *sum = _mm256_fmadd_ps (_mm256_cvtepi32_ps (dot), spread, *sum);
    }
  }
}

/* The generic unpacker's result, read like any format of groups of 16. */
QE_INLINE __m256i
q_unpacked (const void *src, int i)
{
  return _mm256_load_si256 ((const __m256i *) (((const QeW8 *) src)->q + 32 * i));
}

QE_INLINE Scales256
scales_unpacked (const void *src)
{
  const QeW8 *w = src;
  return (Scales256) { { _mm256_loadu_ps (w->a), _mm256_loadu_ps (w->a + 8) },
                       { _mm256_loadu_ps (w->b), _mm256_loadu_ps (w->b + 8) } };
}

/* What is left of a row after its whole blocks: from block k on, tokens from t on. Not inlined: code for every format would
 * be far too much. */
static __attribute__ ((noinline)) void
dot_rest (Sums256 *acc, const QeDotArgs *a, size_t r, size_t k, size_t t, int n_tokens, QeType type)
{
  const QeW8Format *format = qe_w8_format (type);
  const size_t bytes = qe_row_bytes (qe_type_traits (type), QE_X8);
  const uint8_t *src = (const uint8_t *) a->w + r * a->row_bytes + k * bytes;
  const QeX8 *x = a->x8 + k * a->ldx8 + t;
  QeW8 w;
  for (size_t c = k * QE_X8; c < a->columns; c += QE_X8, src += bytes, x += a->ldx8) {
    format->unpack (src, a->columns - c < QE_X8 ? a->columns - c : QE_X8, &w);
    for (int g = 0; g < 16 && format->is_signed && QE_VNNI; g++)
      w.b[g] += 128 * w.a[g];
    for (int i = 0; i < n_tokens; i++)
      if (format->is_signed)
        dot_block (&acc[i], &w, x + i, 1, (Format256) { q_unpacked, scales_unpacked, type, 0, 16, true, 127, NULL });
      else
        dot_block (&acc[i], &w, x + i, 1, (Format256) { q_unpacked, scales_unpacked, type, 0, 16, false, 127, NULL });
  }
}

/* One row times T tokens from t on. Rows are read one after the other: a run of addresses that the processor's own
 * prefetcher follows (engine/doc/measurements-2026-11.md). */
QE_INLINE void
dot_row (const QeDotArgs *a, size_t r, size_t t, const int T, const Format256 f)
{
  const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
  const QeX8 *x = a->x8 + t;
  const size_t n_blocks = a->columns / QE_X8;
  Sums256 acc[4];
#pragma GCC unroll 4
  for (int i = 0; i < T; i++)
    acc[i] = (Sums256) { _mm256_setzero_ps (), _mm256_setzero_ps () };
  for (size_t k = 0; k < n_blocks; k++, w += f.bytes, x += a->ldx8)
    if (!QE_VNNI && f.group == 32 && !f.is_signed && f.max_q <= 15)
      dot_block_of_nibbles (acc, w, x, T, f);
    else
      dot_block (acc, w, x, T, f);
  if (n_blocks * QE_X8 < a->columns)
    dot_rest (acc, a, r, n_blocks, t, T, f.type);
#pragma GCC unroll 4
  for (int i = 0; i < T; i++)
    a->y[(t + (size_t) i) * a->ldy + r] = sum8 (_mm256_add_ps (acc[i].even, acc[i].odd));
}

QE_INLINE void
dot_rows (const QeDotArgs *a, const Format256 f)
{
  for (size_t r = 0; r < a->n_rows; r++) {
    size_t t = 0;
    for (; t + 3 <= a->n_tokens; t += 3)
      dot_row (a, r, t, 3, f);
    for (; t < a->n_tokens; t++)
      dot_row (a, r, t, 1, f);
  }
}

#define DOT(name, ...)                                                                                                 \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, format_##name);                                                                                       \
  }
QE_FORMATS (DOT)

#define DOT_SLOT(name, NAME, ...) k->dot[QE_TYPE_##NAME] = dot_##name;

void
DOT_INIT (QeKernels *k)
{
  QE_FORMATS (DOT_SLOT)
}
