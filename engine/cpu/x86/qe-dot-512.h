/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Rows of weights times a few tokens with AVX-512 and its vpdpbusd (VNNI). A register holds 64 weights of one row. */

#include "cpu/x86/qe-unpack-512.h"

/* One block of one row times one of one token, onto 16 partial sums. */
QE_INLINE __m512
dot_block (__m512 acc, const W512 *w, const QeX8 *x, const int group)
{
  __m256 d = _mm256_load_ps (x->d);
  __m512 scale = group == 32 ? wide (_mm256_mul_ps (_mm512_castps512_ps256 (w->a), d))
                             : _mm512_mul_ps (w->a, twice (d));
  acc = _mm512_fnmadd_ps (w->b, group == 32 ? wide (_mm256_load_ps (x->s32)) : _mm512_load_ps (x->s16), acc);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* four lanes each of groups 4i … 4i+3, or eight of 2i and 2i+1 */
    const __m512i four = _mm512_set_epi32 (3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    const __m512i eight = _mm512_set_epi32 (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i spread = group == 32 ? _mm512_add_epi32 (eight, _mm512_set1_epi32 (2 * i))
                                       : _mm512_add_epi32 (four, _mm512_set1_epi32 (4 * i));
    __m512i dot = _mm512_dpbusd_epi32 (_mm512_setzero_si512 (), w->q[i], _mm512_load_si512 (x->p + 64 * i));
    acc = _mm512_fmadd_ps (_mm512_cvtepi32_ps (dot), _mm512_permutexvar_ps (spread, scale), acc);
  }
  return acc;
}

/* Where to read and write: rows r and r + 1 (n_rows of them exist), tokens from t on. */
typedef struct {
  const QeDotArgs *args;
  size_t r, n_rows, t;
} Place512;

/* What is left of two rows after their whole blocks: from block k on. Not inlined, as it is seldom needed. */
static __attribute__ ((noinline)) void
dot_rest (__m512 acc[2][4], const Place512 *p, size_t k, int n_tokens, QeType type)
{
  const QeDotArgs *a = p->args;
  size_t bytes = qe_row_bytes (qe_type_traits (type), QE_X8);
  for (size_t c = k * QE_X8; c < a->columns; c += QE_X8, k++)
    for (size_t i = 0; i < p->n_rows; i++) {
      const uint8_t *src = (const uint8_t *) a->w + (p->r + i) * a->row_bytes + k * bytes;
      W512 block = unpack_any (type, src, a->columns - c < QE_X8 ? a->columns - c : QE_X8);
      for (int t = 0; t < n_tokens; t++)
        acc[i][t] = dot_block (acc[i][t], &block, a->x8 + k * a->ldx8 + p->t + (size_t) t, 16);
    }
}

/* Two rows times T tokens; where there is one row only, it is computed twice. */
QE_INLINE void
dot_two_rows (const Place512 *p, const int T, Unpack512 unpack, QeType type, const size_t bytes, const int group)
{
  const QeDotArgs *a = p->args;
  const uint8_t *w = (const uint8_t *) a->w + p->r * a->row_bytes;
  const QeX8 *x = a->x8 + p->t;
  size_t second = (p->n_rows - 1) * a->row_bytes, ahead = 2 * a->row_bytes, n_blocks = a->columns / QE_X8;
  __m512 acc[2][4];
#pragma GCC unroll 4
  for (int t = 0; t < T; t++)
    acc[0][t] = acc[1][t] = _mm512_setzero_ps ();
  for (size_t k = 0; k < n_blocks; k++, w += bytes, x += a->ldx8)
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      const uint8_t *src = w + (i ? second : 0);
#pragma GCC unroll 8
      for (size_t line = 0; line < bytes; line += 64)
        _mm_prefetch ((const char *) src + ahead + line, _MM_HINT_T0);
      W512 block = unpack (src);
#pragma GCC unroll 4
      for (int t = 0; t < T; t++)
        acc[i][t] = dot_block (acc[i][t], &block, x + t, group);
    }
  if (n_blocks * QE_X8 < a->columns)
    dot_rest (acc, p, n_blocks, T, type);
  for (size_t i = 0; i < p->n_rows; i++)
#pragma GCC unroll 4
    for (int t = 0; t < T; t++)
      a->y[(p->t + (size_t) t) * a->ldy + p->r + i] = _mm512_reduce_add_ps (acc[i][t]);
}

QE_INLINE void
dot_rows (const QeDotArgs *a, Unpack512 unpack, QeType type, const size_t bytes, const int group)
{
  for (size_t r = 0; r < a->n_rows; r += 2) {
    Place512 p = { a, r, a->n_rows - r < 2 ? 1 : 2, 0 };
#ifndef __SANITIZE_ADDRESS__ /* one instance less of everything: it would compile for minutes */
    for (; p.t + 4 <= a->n_tokens; p.t += 4)
      dot_two_rows (&p, 4, unpack, type, bytes, group);
#endif
    for (; p.t + 2 <= a->n_tokens; p.t += 2)
      dot_two_rows (&p, 2, unpack, type, bytes, group);
    if (p.t < a->n_tokens)
      dot_two_rows (&p, 1, unpack, type, bytes, group);
  }
}

#define DOT(name, NAME, ...)                                                                                           \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, unpack_##name, QE_TYPE_##NAME, QE_BYTES_##NAME, QE_GROUP_##NAME);                                     \
  }
