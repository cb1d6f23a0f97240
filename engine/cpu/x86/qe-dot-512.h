/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Integer products with AVX-512 and its vpdpbusd (VNNI). Registers hold 64 weights of one row (few tokens), or 4 weights
 * of each of 16 rows (tiles). */

#include "qe-unpack-512.h"

/* ---- few tokens ------------------------------------------------------------------------------------------------ */

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

typedef W512 (*Unpack512) (const void *src);

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

/* ---- tiles ----------------------------------------------------------------------------------------------------- */

#define ROWS 16

/* A panel block: q[64][16 rows][4], a[groups][16 rows], b[groups][16 rows]; groups: 16, or 8 where pairs are equal. */
#define PANEL_BYTES(group) (QE_X8 * ROWS + 2 * (QE_X8 / (group)) * ROWS * sizeof (float))

/* 16 x 16 words: rows in v become columns. */
QE_INLINE void
transpose (__m512i v[16])
{
  __m512i u[16];
  for (int i = 0; i < 16; i += 2) {
    u[i] = _mm512_unpacklo_epi32 (v[i], v[i + 1]);
    u[i + 1] = _mm512_unpackhi_epi32 (v[i], v[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    v[i] = _mm512_unpacklo_epi64 (u[i], u[i + 2]);
    v[i + 1] = _mm512_unpackhi_epi64 (u[i], u[i + 2]);
    v[i + 2] = _mm512_unpacklo_epi64 (u[i + 1], u[i + 3]);
    v[i + 3] = _mm512_unpackhi_epi64 (u[i + 1], u[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) { /* v[4k+i]: words i, i+4, i+8, i+12 of rows 4k … 4k+3 */
    __m512i a = _mm512_shuffle_i32x4 (v[i], v[i + 4], 0x44), b = _mm512_shuffle_i32x4 (v[i + 8], v[i + 12], 0x44);
    __m512i c = _mm512_shuffle_i32x4 (v[i], v[i + 4], 0xee), d = _mm512_shuffle_i32x4 (v[i + 8], v[i + 12], 0xee);
    u[i] = _mm512_shuffle_i32x4 (a, b, 0x88);
    u[i + 4] = _mm512_shuffle_i32x4 (a, b, 0xdd);
    u[i + 8] = _mm512_shuffle_i32x4 (c, d, 0x88);
    u[i + 12] = _mm512_shuffle_i32x4 (c, d, 0xdd);
  }
  for (int i = 0; i < 16; i++)
    v[i] = u[i];
}

/* Rows as unpacked, one block each, to a panel block. */
static void
arrange_panel (const uint8_t q[ROWS][QE_X8], const float ab[2][ROWS][16], const int group, uint8_t *panel)
{
  __m512i v[16];
  for (int part = 0; part < 4; part++) {
    for (int r = 0; r < ROWS; r++)
      v[r] = _mm512_load_si512 (q[r] + 64 * part);
    transpose (v);
    for (int i = 0; i < 16; i++)
      _mm512_store_si512 (panel + (16 * part + i) * 64, v[i]);
  }
  panel += QE_X8 * ROWS;
#pragma GCC unroll 2
  for (int k = 0; k < 2; k++) {
    for (int r = 0; r < ROWS; r++)
      v[r] = _mm512_load_si512 (ab[k][r]);
    transpose (v);
    for (int i = 0; i < QE_X8 / group; i++, panel += 64)
      _mm512_store_si512 (panel, v[i]);
  }
}

static __attribute__ ((noinline)) W512
unpack_rest (QeType type, const void *src, size_t n, int group)
{
  const __m512i even = _mm512_setr_epi32 (0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0);
  W512 w = unpack_any (type, src, n);
  if (group == 32) {
    w.a = _mm512_permutexvar_ps (even, w.a);
    w.b = _mm512_permutexvar_ps (even, w.b);
  }
  return w;
}

QE_INLINE void
pack_rows (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, uint8_t *panel, Unpack512 unpack,
           QeType type, size_t bytes, const int group)
{
  _Alignas (64) uint8_t q[ROWS][QE_X8];
  _Alignas (64) float ab[2][ROWS][16];
  if (n_rows < ROWS) {
    memset (q, 0, sizeof q);
    memset (ab, 0, sizeof ab);
  }
  for (size_t c = 0; c < n_columns; c += QE_X8, panel += PANEL_BYTES (group)) {
    const uint8_t *src = (const uint8_t *) w + c / QE_X8 * bytes;
    for (size_t r = 0; r < n_rows; r++, src += row_bytes) {
      W512 block = n_columns - c >= QE_X8 ? unpack (src) : unpack_rest (type, src, n_columns - c, group);
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++)
        _mm512_store_si512 (q[r] + 64 * i, block.q[i]);
      _mm512_store_ps (ab[0][r], block.a);
      _mm512_store_ps (ab[1][r], block.b);
    }
    arrange_panel (q, ab, group, panel);
  }
}

/* One group of weights (16 or 32 columns) of 16 rows times T tokens, onto acc. */
QE_INLINE void
tile_group (__m512 *acc, const uint8_t *q, __m512 a, __m512 b, const QeX8 *x, int g, const int T, const int group)
{
  __m512i dot[12];
#pragma GCC unroll 12
  for (int t = 0; t < T; t++)
    dot[t] = _mm512_setzero_si512 ();
#pragma GCC unroll 8
  for (int j = 0; j < group / 4; j++) {
    __m512i w = _mm512_load_si512 (q + 64 * j);
#pragma GCC unroll 12
    for (int t = 0; t < T; t++) {
      int32_t four;
      memcpy (&four, x[t].p + g * group + 4 * j, 4);
      dot[t] = _mm512_dpbusd_epi32 (dot[t], w, _mm512_set1_epi32 (four));
    }
  }
#pragma GCC unroll 12
  for (int t = 0; t < T; t++) {
    __m512 scale = _mm512_mul_ps (a, _mm512_set1_ps (x[t].d[g * group / 32]));
    acc[t] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (dot[t]), scale, acc[t]);
    acc[t] = _mm512_fnmadd_ps (b, _mm512_set1_ps (group == 32 ? x[t].s32[g] : x[t].s16[g]), acc[t]);
  }
}

QE_INLINE void
tile_tokens (const QeTileArgs *a, size_t first, const int T, const int group)
{
  const uint8_t *panel = a->panel;
  const QeX8 *x = a->x8 + first;
  float *y = a->y + first * a->ldy;
  __mmask16 rows = (__mmask16) ((1u << a->n_rows) - 1);
  __m512 acc[12];
#pragma GCC unroll 12
  for (int t = 0; t < T; t++)
    acc[t] = a->add ? _mm512_maskz_loadu_ps (rows, y + (size_t) t * a->ldy) : _mm512_setzero_ps ();
  for (size_t k = 0; k < a->n_blocks; k++, panel += PANEL_BYTES (group), x += a->ldx8) {
    const float *scale = (const float *) (const void *) (panel + QE_X8 * ROWS), *min = scale + QE_X8 / group * ROWS;
    for (int g = 0; g < QE_X8 / group; g++)
      tile_group (acc, panel + g * group * ROWS, _mm512_load_ps (scale + g * ROWS), _mm512_load_ps (min + g * ROWS), x,
                  g, T, group);
  }
#pragma GCC unroll 12
  for (int t = 0; t < T; t++)
    _mm512_mask_storeu_ps (y + (size_t) t * a->ldy, rows, acc[t]);
}

QE_INLINE void
tile (const QeTileArgs *a, const int group)
{
  size_t t = 0;
  for (; t + 12 <= a->n_tokens; t += 12)
    tile_tokens (a, t, 12, group);
  for (; t + 8 <= a->n_tokens; t += 8)
    tile_tokens (a, t, 8, group);
  for (; t + 4 <= a->n_tokens; t += 4)
    tile_tokens (a, t, 4, group);
  for (; t + 2 <= a->n_tokens; t += 2)
    tile_tokens (a, t, 2, group);
  if (t < a->n_tokens)
    tile_tokens (a, t, 1, group);
}

/* ---- formats --------------------------------------------------------------------------------------------------- */

#define FUNCTIONS(name, NAME, ...)                                                                                     \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, unpack_##name, QE_TYPE_##NAME, QE_BYTES_##NAME, QE_GROUP_##NAME);                                     \
  }                                                                                                                    \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, unpack_##name, QE_TYPE_##NAME, QE_BYTES_##NAME,                 \
               QE_GROUP_##NAME);                                                                                       \
  }
