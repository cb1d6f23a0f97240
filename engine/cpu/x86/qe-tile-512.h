/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Many tokens: tiles of 16 rows with AVX-512 and its vpdpbusd (VNNI). A register holds 4 weights of each row. */

#include "cpu/x86/qe-unpack-512.h"

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

#define PACK(name, NAME, ...)                                                                                          \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, unpack_##name, QE_TYPE_##NAME, QE_BYTES_##NAME,                 \
               QE_GROUP_##NAME);                                                                                       \
  }
