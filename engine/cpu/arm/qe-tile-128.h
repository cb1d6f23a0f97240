/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Many tokens: tiles of 8 rows with NEON; with QE_DOTPROD 1 for processors that have sdot, and with QE_I8MM 1 for those that have
 * smmla. */

#include "cpu/arm/qe-unpack-128.h"

#define ROWS 8
#define TILE_TOKENS 6

/* A panel block: q[64][8 rows][4] (for smmla q[32][8 rows][8]), a[16][8 rows], b[16][8 rows]. */
#define PANEL_RUN (QE_I8MM ? 8 : 4)
#define PANEL_BYTES (QE_X8 * ROWS + 2 * 16 * ROWS * sizeof (float))

static void
pack_rows (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, uint8_t *panel, QeType type)
{
  size_t step = qe_row_bytes (qe_type_traits (type), QE_X8);
  for (size_t c = 0; c < n_columns; c += QE_X8, panel += PANEL_BYTES) {
    float *scales = (float *) (void *) (panel + QE_X8 * ROWS);
    size_t n = n_columns - c < QE_X8 ? n_columns - c : QE_X8;
    if (n_rows < ROWS)
      memset (panel, 0, PANEL_BYTES);
    for (size_t r = 0; r < n_rows; r++) {
      QeW8 block;
      unpack_for (type, n) ((const uint8_t *) w + r * row_bytes + c / QE_X8 * step, n, &block);
      for (size_t k = 0; k < QE_X8 / PANEL_RUN; k++)
        memcpy (panel + (k * ROWS + r) * PANEL_RUN, block.q + PANEL_RUN * k, PANEL_RUN);
      for (size_t g = 0; g < 16; g++) {
        scales[g * ROWS + r] = block.a[g];
        scales[(16 + g) * ROWS + r] = block.b[g];
      }
    }
  }
}

/* Sums over one group of 16 columns of 8 rows times T tokens. */
QE_INLINE void
sums_of_group (int32x4_t dot[TILE_TOKENS][2], const int8_t *q, const QeX8 *x, size_t g, const int T)
{
#if QE_I8MM
  for (int t = 0; t < T; t += 2) { /* two tokens times two rows at a time; an odd one out is both */
    int u = t + 1 < T ? t + 1 : t;
    int32x4_t two[4] = { vdupq_n_s32 (0), vdupq_n_s32 (0), vdupq_n_s32 (0), vdupq_n_s32 (0) };
    for (int j = 0; j < 2; j++) {
      int8x16_t p = vcombine_s8 (vld1_s8 (x[t].p + 16 * g + 8 * j), vld1_s8 (x[u].p + 16 * g + 8 * j));
      for (int i = 0; i < 4; i++)
        two[i] = vmmlaq_s32 (two[i], p, vld1q_s8 (q + 64 * j + 16 * i));
    }
    for (int i = 0; i < 2; i++) {
      int64x2_t a = vreinterpretq_s64_s32 (two[2 * i]), b = vreinterpretq_s64_s32 (two[2 * i + 1]);
      dot[t][i] = vreinterpretq_s32_s64 (vzip1q_s64 (a, b));
      dot[u][i] = vreinterpretq_s32_s64 (u == t ? vzip1q_s64 (a, b) : vzip2q_s64 (a, b));
    }
  }
#else
  for (int t = 0; t < T; t++)
    dot[t][0] = dot[t][1] = vdupq_n_s32 (0);
  for (int j = 0; j < 4; j++) {
    int8x16_t w0 = vld1q_s8 (q + 32 * j), w1 = vld1q_s8 (q + 32 * j + 16);
    for (int t = 0; t < T; t++) {
      int8x16_t p = vreinterpretq_s8_s32 (vld1q_dup_s32 ((const int32_t *) (const void *) (x[t].p + 16 * g) + j));
      dot[t][0] = dot16 (dot[t][0], w0, p);
      dot[t][1] = dot16 (dot[t][1], w1, p);
    }
  }
#endif
}

/* The same, scaled, onto acc. */
QE_INLINE void
tile_group (float32x4_t acc[][2], const int8_t *q, const float *a, const float *b, const QeX8 *x, size_t g, const int T)
{
  int32x4_t dot[TILE_TOKENS][2];
  sums_of_group (dot, q, x, g, T);
  for (int t = 0; t < T; t++)
    for (int i = 0; i < 2; i++) {
      float32x4_t scale = vmulq_n_f32 (vld1q_f32 (a + 4 * i), x[t].d[g / 2]);
      acc[t][i] = vfmaq_f32 (acc[t][i], vcvtq_f32_s32 (dot[t][i]), scale);
      acc[t][i] = vfmsq_n_f32 (acc[t][i], vld1q_f32 (b + 4 * i), x[t].s16[g]);
    }
}

QE_INLINE void
tile_tokens (const QeTileArgs *args, size_t first, const int T)
{
  const uint8_t *panel = args->panel;
  const QeX8 *x = args->x8 + first;
  float32x4_t acc[TILE_TOKENS][2];
  float part[8];
  for (int t = 0; t < T; t++) {
    memset (part, 0, sizeof part);
    if (args->add)
      memcpy (part, args->y + (first + (size_t) t) * args->ldy, args->n_rows * sizeof *part);
    acc[t][0] = vld1q_f32 (part);
    acc[t][1] = vld1q_f32 (part + 4);
  }
  for (size_t k = 0; k < args->n_blocks; k++, panel += PANEL_BYTES, x += args->ldx8) {
    const float *scales = (const float *) (const void *) (panel + QE_X8 * ROWS);
    for (size_t g = 0; g < 16; g++)
      tile_group (acc, (const int8_t *) panel + g * 16 * ROWS, scales + g * ROWS, scales + (16 + g) * ROWS, x, g, T);
  }
  for (int t = 0; t < T; t++) {
    vst1q_f32 (part, acc[t][0]);
    vst1q_f32 (part + 4, acc[t][1]);
    memcpy (args->y + (first + (size_t) t) * args->ldy, part, args->n_rows * sizeof *part);
  }
}

static void
tile (const QeTileArgs *a)
{
  size_t t = 0;
  for (; t + TILE_TOKENS <= a->n_tokens; t += TILE_TOKENS)
    tile_tokens (a, t, TILE_TOKENS);
  for (; t < a->n_tokens; t++)
    tile_tokens (a, t, 1);
}

#define PACK(name, NAME, ...)                                                                                          \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, QE_TYPE_##NAME);                                                \
  }
QE_FORMATS (PACK)

#define TILE_SLOT(name, NAME, ...)                                                                                     \
  k->tiling[QE_TYPE_##NAME] = (QeTiling) { pack_##name, tile, PANEL_BYTES, QE_TOKENS_APART + 1 };

void
TILE_INIT (QeKernels *k)
{
  QE_FORMATS (TILE_SLOT)
  k->tile_rows = ROWS;
}
