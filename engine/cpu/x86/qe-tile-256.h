/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Many tokens: tiles of 8 rows in 256-bit registers, compiled for AVX2 and, with QE_VNNI 1, for AVX-VNNI. */

#include "cpu/x86/qe-format-256.h"

#define ROWS 8

/* A panel block: q[64][8 rows][4], a[groups][8 rows], b[groups][8 rows]. Only VNNI wants signed weights lifted by 128;
 * where they stay signed their b is 0. */
#define LIFTED(is_signed) (QE_VNNI && (is_signed))
#define PANEL_Q (QE_X8 * ROWS)
#define PANEL_BYTES(group) (PANEL_Q + 2 * (QE_X8 / (group)) * ROWS * sizeof (float))

/* 8 x 8 words: rows become columns. */
QE_INLINE void
transpose (__m256i v[8])
{
  __m256i u[8];
  for (int i = 0; i < 8; i += 2) {
    u[i] = _mm256_unpacklo_epi32 (v[i], v[i + 1]);
    u[i + 1] = _mm256_unpackhi_epi32 (v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    v[i] = _mm256_unpacklo_epi64 (u[i], u[i + 2]);
    v[i + 1] = _mm256_unpackhi_epi64 (u[i], u[i + 2]);
    v[i + 2] = _mm256_unpacklo_epi64 (u[i + 1], u[i + 3]);
    v[i + 3] = _mm256_unpackhi_epi64 (u[i + 1], u[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    u[i] = _mm256_permute2x128_si256 (v[i], v[i + 4], 0x20);
    u[i + 4] = _mm256_permute2x128_si256 (v[i], v[i + 4], 0x31);
  }
  for (int i = 0; i < 8; i++)
    v[i] = u[i];
}

/* Rows as unpacked, one block each. */
typedef struct {
  _Alignas (32) uint8_t q[ROWS][QE_X8];
  _Alignas (32) float a[ROWS][16], b[ROWS][16];
} Rows256;

static void
arrange_bytes (const Rows256 *rows, uint8_t *panel)
{
  __m256i v[8];
  for (int part = 0; part < 8; part++) {
    for (int r = 0; r < ROWS; r++)
      v[r] = _mm256_load_si256 ((const __m256i *) (rows->q[r] + 32 * part));
    transpose (v);
    for (int i = 0; i < 8; i++, panel += 32)
      _mm256_store_si256 ((__m256i *) panel, v[i]);
  }
}

static void
arrange_scales (const float scales[ROWS][16], int group, float *out)
{
  __m256i v[8];
  for (int part = 0; part < (group == 32 ? 1 : 2); part++) {
    for (int r = 0; r < ROWS; r++)
      v[r] = _mm256_load_si256 ((const __m256i *) (scales[r] + 8 * part));
    transpose (v);
    for (int i = 0; i < 8; i++, out += 8)
      _mm256_store_si256 ((__m256i *) out, v[i]);
  }
}

/* One block of a row into rows->…[r]; groups of 32 use eight scales. */
QE_INLINE void
unpack_row (Rows256 *rows, size_t r, const void *src, const Format256 f)
{
  Scales256 s = f.scales (src);
  Grid grid;
  if (f.prepare)
    f.prepare (src, &grid);
  for (int i = 0; i < 8; i++) {
    __m256i q = f.q (f.prepare ? &grid : src, i);
    if (LIFTED (f.is_signed))
      q = _mm256_xor_si256 (q, _mm256_set1_epi8 (-128));
    _mm256_store_si256 ((__m256i *) (rows->q[r] + 32 * i), q);
  }
  for (int i = 0; i < (f.group == 32 ? 1 : 2); i++) {
    _mm256_store_ps (rows->a[r] + 8 * i, s.a[i]);
    _mm256_store_ps (rows->b[r] + 8 * i, min_of (s.a[i], s.b[i], f.is_signed));
  }
}

static __attribute__ ((noinline)) void
unpack_row_any (Rows256 *rows, size_t r, const void *src, size_t n, QeType type)
{
  const QeW8Format *format = qe_w8_format (type);
  QeW8 w;
  format->unpack (src, n, &w);
  for (int i = 0; i < QE_X8; i++)
    rows->q[r][i] = (uint8_t) (LIFTED (format->is_signed) ? w.q[i] ^ -128 : w.q[i]);
  int step = format->group / 16;
  for (int g = 0; g < 16 / step; g++) {
    rows->a[r][g] = w.a[g * step];
    rows->b[r][g] = w.b[g * step] + (LIFTED (format->is_signed) ? 128 * w.a[g * step] : 0);
  }
}

QE_INLINE void
pack_rows (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, uint8_t *panel, const Format256 f)
{
  Rows256 rows;
  if (n_rows < ROWS)
    memset (&rows, 0, sizeof rows);
  for (size_t c = 0; c < n_columns; c += QE_X8, panel += PANEL_BYTES (f.group)) {
    const uint8_t *src = (const uint8_t *) w + c / QE_X8 * f.bytes;
    for (size_t r = 0; r < n_rows; r++, src += row_bytes)
      if (n_columns - c >= QE_X8)
        unpack_row (&rows, r, src, f);
      else
        unpack_row_any (&rows, r, src, n_columns - c < QE_X8 ? n_columns - c : QE_X8, f.type);
    arrange_bytes (&rows, panel);
    float *scales = (float *) (void *) (panel + PANEL_Q);
    arrange_scales (rows.a, f.group, scales);
    arrange_scales (rows.b, f.group, scales + QE_X8 / f.group * ROWS);
  }
}

QE_INLINE __m256i
four_of (const QeX8 *x, int k)
{
  int32_t four;
  memcpy (&four, x->p + 4 * k, 4);
  return _mm256_set1_epi32 (four);
}

/* Sums over one group of columns, from word k on, of 8 rows times T tokens. `most`: products of a weight and an
 * activation that fit 16 bits, two at a time. */
QE_INLINE void
sums_of_group (__m256i *dot, const uint8_t *q, const QeX8 *x, int k, const int T, const int words, const bool is_signed,
               const int most)
{
#pragma GCC unroll 8
  for (int part = 0; part < words; part += QE_VNNI ? words : most) {
#if !QE_VNNI
    __m256i sum[6] = { 0 };
#endif
#pragma GCC unroll 8
    for (int j = 0; j < (QE_VNNI ? words : most); j++) {
      __m256i w = _mm256_load_si256 ((const __m256i *) (q + 32 * (part + j)));
#pragma GCC unroll 6
      for (int t = 0; t < T; t++) {
#if QE_VNNI
        dot[t] = _mm256_dpbusd_avx_epi32 (j == 0 ? _mm256_setzero_si256 () : dot[t], w, four_of (x + t, k + j));
#else
        __m256i product = pairs32 (w, four_of (x + t, k + part + j), is_signed);
        sum[t] = j == 0 ? product : _mm256_add_epi16 (sum[t], product);
#endif
      }
    }
#if !QE_VNNI
#pragma GCC unroll 6
    for (int t = 0; t < T; t++) {
      __m256i wide = _mm256_madd_epi16 (sum[t], _mm256_set1_epi16 (1));
      dot[t] = part == 0 ? wide : _mm256_add_epi32 (dot[t], wide);
    }
#endif
  }
  (void) is_signed; /* neither is of concern to VNNI */
  (void) most;
}

QE_INLINE void
tile_tokens (const QeTileArgs *a, size_t first, const int T, const int group, const bool is_signed, const int most)
{
  const uint8_t *panel = a->panel;
  const QeX8 *x = a->x8 + first;
  float *y = a->y + first * a->ldy;
  const __m256i lanes = _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7);
  __m256i rows = _mm256_cmpgt_epi32 (_mm256_set1_epi32 ((int) a->n_rows), lanes);
  __m256 acc[6];
#pragma GCC unroll 6
  for (int t = 0; t < T; t++)
    acc[t] = a->add ? _mm256_maskload_ps (y + (size_t) t * a->ldy, rows) : _mm256_setzero_ps ();
  for (size_t k = 0; k < a->n_blocks; k++, panel += PANEL_BYTES (group), x += a->ldx8) {
    const float *scale = (const float *) (const void *) (panel + PANEL_Q);
    const float *min = scale + QE_X8 / group * ROWS;
    for (int g = 0; g < QE_X8 / group; g++) {
      __m256i dot[6];
      sums_of_group (dot, panel + g * group * ROWS, x, g * group / 4, T, group / 4, is_signed, most);
      __m256 s = _mm256_load_ps (scale + g * ROWS), m = _mm256_load_ps (min + g * ROWS);
#pragma GCC unroll 6
      for (int t = 0; t < T; t++) {
        __m256 d = _mm256_mul_ps (s, _mm256_broadcast_ss (&x[t].d[g * group / 32]));
        acc[t] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (dot[t]), d, acc[t]);
        if (!is_signed || LIFTED (is_signed))
          acc[t] = _mm256_fnmadd_ps (m, _mm256_broadcast_ss (group == 32 ? &x[t].s32[g] : &x[t].s16[g]), acc[t]);
      }
    }
  }
#pragma GCC unroll 6
  for (int t = 0; t < T; t++)
    _mm256_maskstore_ps (y + (size_t) t * a->ldy, rows, acc[t]);
}

/* T: as many tokens as the sixteen registers allow. */
QE_INLINE void
tile (const QeTileArgs *a, const int T, const int group, const bool is_signed, const int most)
{
  size_t t = 0;
  for (; t + (size_t) T <= a->n_tokens; t += (size_t) T)
    tile_tokens (a, t, T, group, is_signed, most);
  for (; t + 2 <= a->n_tokens; t += 2)
    tile_tokens (a, t, 2, group, is_signed, most);
  if (t < a->n_tokens)
    tile_tokens (a, t, 1, group, is_signed, most);
}

#define TOKENS(is_signed) (QE_VNNI || (is_signed) ? 6 : 4)

#define TILE(groups, with_sign, most)                                                                                  \
  static void tile_##groups##_##with_sign##_##most (const QeTileArgs *a)                                               \
  {                                                                                                                    \
    tile (a, TOKENS (with_sign), groups, with_sign, most);                                                             \
  }
TILE (16, false, 1)
TILE (32, false, 1)
#if !QE_VNNI
TILE (16, false, 2)
TILE (16, false, 4)
TILE (32, false, 4)
TILE (32, false, 8)
TILE (32, true, 1)
#endif

static QeTileFunc
tile_for (int group, bool is_signed, int max_q)
{
#if !QE_VNNI
  if (is_signed)
    return tile_32_true_1;
  if (group == 16 && max_q <= 63)
    return max_q > 31 ? tile_16_false_2 : tile_16_false_4;
  if (group == 32 && max_q <= 31)
    return max_q > 15 ? tile_32_false_4 : tile_32_false_8;
#endif
  return group == 16 ? tile_16_false_1 : tile_32_false_1;
}

#define PACK(name, ...)                                                                                                \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, format_##name);                                                 \
  }
QE_FORMATS (PACK)

#define TILE_SLOT(name, NAME, number, elements, bytes, is_signed, max_q, group, ...)                                   \
  k->tiling[QE_TYPE_##NAME] = (QeTiling) { pack_##name, tile_for (group, is_signed, max_q), PANEL_BYTES (group),       \
                                           QE_TOKENS_APART + 1 };

void
TILE_INIT (QeKernels *k)
{
  QE_FORMATS (TILE_SLOT)
  k->tile_rows = ROWS;
}
