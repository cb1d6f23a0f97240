/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Integer products in 256-bit registers, compiled twice: for AVX2, and with QE_VNNI 1 for AVX-VNNI, whose vpdpbusd
 * multiplies and adds four bytes a lane at once. Plain AVX2 makes do with vpmaddubsw, which adds pairs into 16 bits and
 * saturates: unsigned weights up to 126 are safe with activations of ±127; for signed ones the sign moves to the
 * activation. */

#include "qe-grids-256.h"
#include "qe-sketch-256.h"

/* Products of 32 weights and activations as 16 sums of 2, without VNNI. */
QE_INLINE __m256i
pairs32 (__m256i q, __m256i p, const bool is_signed)
{
  if (is_signed) {
    p = _mm256_sign_epi8 (p, q);
    q = _mm256_sign_epi8 (q, q); /* -128 stays, which is 128 without sign */
  }
  return _mm256_maddubs_epi16 (q, p);
}

/* The same as 8 sums of 4. */
QE_INLINE __m256i
dot32 (__m256i q, __m256i p, const bool is_signed)
{
#if QE_VNNI
  if (is_signed) /* lifted by 128, which min_of() takes back */
    q = _mm256_xor_si256 (q, _mm256_set1_epi8 (-128));
  return _mm256_dpbusd_avx_epi32 (_mm256_setzero_si256 (), q, p);
#else
  return _mm256_madd_epi16 (pairs32 (q, p, is_signed), _mm256_set1_epi16 (1));
#endif
}

QE_INLINE __m256
min_of (__m256 a, __m256 b, const bool is_signed)
{
  return QE_VNNI && is_signed ? _mm256_fmadd_ps (a, _mm256_set1_ps (128), b) : b;
}

/* ---- few tokens ------------------------------------------------------------------------------------------------ */

typedef __m256i (*Bytes256) (const void *src, int i);
typedef Scales256 (*Scale256) (const void *src);
typedef void (*Prepare256) (const void *src, Grid *g);

/* How to read a format; every use is inlined with constants. */
typedef struct {
  Bytes256 q;
  Scale256 scales;
  QeType type;
  size_t bytes; /* of 256 weights */
  int group;
  bool is_signed;
  int max_q;
  Prepare256 prepare; /* NULL, or: q reads what this one made of the block */
} Format256;

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

/* ---- tiles ----------------------------------------------------------------------------------------------------- */

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

/* ---- formats --------------------------------------------------------------------------------------------------- */

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
tile_for (const QeW8Format *format)
{
#if !QE_VNNI
  if (format->is_signed)
    return tile_32_true_1;
  if (format->group == 16 && format->max_q <= 63)
    return format->max_q > 31 ? tile_16_false_2 : tile_16_false_4;
  if (format->group == 32 && format->max_q <= 31)
    return format->max_q > 15 ? tile_32_false_4 : tile_32_false_8;
#endif
  return format->group == 16 ? tile_16_false_1 : tile_32_false_1;
}

/* Formats of codebooks are prepared, others read as they are. */
#define PREPARE_BITS(name) NULL
#define PREPARE_GRID(name) grid_##name

#define FORMAT(name, NAME, number, elements, bytes, is_signed, max_q, group, source)                                   \
  static const Format256 format_##name = {                                                                             \
    q_##name, scales_##name, QE_TYPE_##NAME, QE_BYTES_##NAME, group, is_signed, max_q, PREPARE_##source (name),        \
  };                                                                                                                   \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, format_##name);                                                                                       \
  }                                                                                                                    \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, format_##name);                                                 \
  }
QE_FORMATS (FORMAT)

#define REGISTER(name, NAME, ...)                                                                                      \
  k->dot[QE_TYPE_##NAME] = dot_##name;                                                                                 \
  k->tiling[QE_TYPE_##NAME] = (QeTiling) { pack_##name, tile_for (qe_w8_format (QE_TYPE_##NAME)),                      \
                                           PANEL_BYTES (QE_GROUP_##NAME), QE_TOKENS_APART + 1 };

static void
register_formats (QeKernels *k)
{
  QE_FORMATS (REGISTER)
  k->tile_rows = ROWS;
}
