/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Integer products with NEON, compiled three times: plain, with QE_DOTPROD 1 for processors that have sdot, and with
 * QE_I8MM 1 too for those that have smmla. Weights are signed bytes as in QeW8, which all multiply as they are. */

#include <arm_neon.h>
#include <string.h>

#include "cpu/qe-kernels.h"
#include "format/quant/qe-quant-internal.h"

#define QE_INLINE static inline __attribute__ ((always_inline))

/* Adds to each lane of acc the four products of its bytes. */
QE_INLINE int32x4_t
dot16 (int32x4_t acc, int8x16_t a, int8x16_t b)
{
#if QE_DOTPROD
  return vdotq_s32 (acc, a, b);
#else
  int16x8_t low = vmull_s8 (vget_low_s8 (a), vget_low_s8 (b)), high = vmull_high_s8 (a, b);
  return vpadalq_s16 (acc, vpaddq_s16 (low, high)); /* two products of at most 128 * 127 fit 16 bits */
#endif
}

#include "qe-sketch-128.h"

/* ---- activations ----------------------------------------------------------------------------------------------- */

QE_INLINE uint32_t
largest_of_32 (const float *x)
{
  uint32x4_t most = vdupq_n_u32 (0);
  for (int i = 0; i < 8; i++)
    most = vmaxq_u32 (most, vreinterpretq_u32_f32 (vabsq_f32 (vld1q_f32 (x + 4 * i))));
  return vmaxvq_u32 (most);
}

QE_INLINE void
quantise_32 (const float *x, float d, int8_t *p)
{
  const float inverse = qe_x8_inverse (d);
  for (int i = 0; i < 8; i += 4) {
    int16x4_t n[4];
    for (int k = 0; k < 4; k++)
      n[k] = vqmovn_s32 (vcvtnq_s32_f32 (vmulq_n_f32 (vld1q_f32 (x + 4 * (i + k)), inverse)));
    vst1q_s8 (p + 4 * i, vcombine_s8 (vqmovn_s16 (vcombine_s16 (n[0], n[1])), vqmovn_s16 (vcombine_s16 (n[2], n[3]))));
  }
}

QE_INLINE void
fill_x8 (const float *x, size_t n_groups, QeX8 *out)
{
  for (size_t g = 0; g < n_groups; g++) {
    int8_t *p = out->p + 32 * g;
    quantise_32 (x + 32 * g, out->d[g], p);
    qe_x8_set_sums (out, g, vaddlvq_s8 (vld1q_s8 (p)), vaddlvq_s8 (vld1q_s8 (p + 16)));
  }
}

static void
quantise_x8 (const float *x, size_t columns, QeX8 *out, size_t stride)
{
  qe_x8_quantise (x, columns, out, stride, largest_of_32, fill_x8);
}

/* ---- formats ---------------------------------------------------------------------------------------------------- */

/* 32 bytes of nibbles: the low ones to q[0 … 31], the high ones to q[32 … 63]. */
QE_INLINE void
nibbles_of_32 (const uint8_t *qs, int8_t *q)
{
  for (int i = 0; i < 2; i++) {
    uint8x16_t v = vld1q_u8 (qs + 16 * i);
    vst1q_s8 (q + 16 * i, vreinterpretq_s8_u8 (vandq_u8 (v, vdupq_n_u8 (15))));
    vst1q_s8 (q + 32 + 16 * i, vreinterpretq_s8_u8 (vshrq_n_u8 (v, 4)));
  }
}

QE_INLINE void
k4_scales (const uint8_t *scales, float d, float dmin, QeW8 *w)
{
  for (int s = 0; s < 8; s++) {
    uint8_t scale, min;
    qe_k4_scale (scales, s, &scale, &min);
    w->a[2 * s] = w->a[2 * s + 1] = d * (float) scale;
    w->b[2 * s] = w->b[2 * s + 1] = dmin * (float) min;
  }
}

static void
unpack_q4_k (const void *src, size_t n, QeW8 *w)
{
  const QeBlockQ4_K *b = src;
  for (int p = 0; p < 4; p++)
    nibbles_of_32 (b->qs + 32 * p, w->q + 64 * p);
  k4_scales (b->scales, qe_f16_to_f32 (b->d), qe_f16_to_f32 (b->dmin), w);
}

static void
unpack_q5_k (const void *src, size_t n, QeW8 *w)
{
  const QeBlockQ5_K *b = src;
  for (int p = 0; p < 4; p++)
    nibbles_of_32 (b->qs + 32 * p, w->q + 64 * p);
  for (int s = 0; s < 8; s++)
    for (int i = 0; i < 2; i++) {
      uint8x16_t fifth = vandq_u8 (vtstq_u8 (vld1q_u8 (b->qh + 16 * i), vdupq_n_u8 ((uint8_t) (1 << s))),
                                   vdupq_n_u8 (16));
      int8_t *q = w->q + 32 * s + 16 * i;
      vst1q_s8 (q, vorrq_s8 (vld1q_s8 (q), vreinterpretq_s8_u8 (fifth)));
    }
  k4_scales (b->scales, qe_f16_to_f32 (b->d), qe_f16_to_f32 (b->dmin), w);
}

static void
unpack_q6_k (const void *src, size_t n, QeW8 *w)
{
  const QeBlockQ6_K *b = src;
  float d = qe_f16_to_f32 (b->d);
  for (int h = 0; h < 2; h++)
    for (int i = 0; i < 2; i++) { /* 16 of each of the four groups of 32 in this half */
      const uint8x16_t low4 = vdupq_n_u8 (15), two = vdupq_n_u8 (0x30);
      uint8x16_t a = vld1q_u8 (b->ql + 64 * h + 16 * i), c = vld1q_u8 (b->ql + 64 * h + 32 + 16 * i);
      uint8x16_t high = vld1q_u8 (b->qh + 32 * h + 16 * i);
      int8_t *q = w->q + 128 * h + 16 * i;
      uint8x16_t e[4] = {
        vorrq_u8 (vandq_u8 (a, low4), vandq_u8 (vshlq_n_u8 (high, 4), two)),
        vorrq_u8 (vandq_u8 (c, low4), vandq_u8 (vshlq_n_u8 (high, 2), two)),
        vorrq_u8 (vshrq_n_u8 (a, 4), vandq_u8 (high, two)),
        vorrq_u8 (vshrq_n_u8 (c, 4), vandq_u8 (vshrq_n_u8 (high, 2), two)),
      };
      for (int m = 0; m < 4; m++)
        vst1q_s8 (q + 32 * m, vreinterpretq_s8_u8 (e[m]));
    }
  for (int g = 0; g < 16; g++) {
    w->a[g] = d * (float) b->scales[g];
    w->b[g] = 32 * w->a[g];
  }
}

/* Groups of 16 weights: the low nibbles of 8 bytes, then the high ones. */
static void
unpack_nvfp4 (const void *src, size_t n, QeW8 *w)
{
  const QeBlockNVFP4 *b = src;
  const int8x16_t table = vaddq_s8 (vld1q_s8 (qe_e2m1_values), vdupq_n_s8 (12));
  for (int g = 0; g < 16; g++) {
    const uint8x8_t v = vld1_u8 (b[g / 4].qs + 8 * (g % 4));
    vst1q_s8 (w->q + 16 * g, vqtbl1q_s8 (table, vcombine_u8 (vand_u8 (v, vdup_n_u8 (15)), vshr_n_u8 (v, 4))));
    w->a[g] = qe_nvfp4_scale (b[g / 4].d[g % 4]);
    w->b[g] = 12 * w->a[g];
  }
}

/* The reader of whole blocks: a vector one where it pays, else the generic one. */
static QeUnpackFunc
unpack_for (QeType type, size_t n)
{
  if (n == QE_X8 && type == QE_TYPE_Q4_K)
    return unpack_q4_k;
  if (n == QE_X8 && type == QE_TYPE_Q5_K)
    return unpack_q5_k;
  if (n == QE_X8 && type == QE_TYPE_Q6_K)
    return unpack_q6_k;
  if (n == QE_X8 && type == QE_TYPE_NVFP4)
    return unpack_nvfp4;
  return qe_w8_format (type)->unpack;
}

/* ---- few tokens ------------------------------------------------------------------------------------------------ */

QE_INLINE float32x4_t
dot_block (float32x4_t acc, const QeW8 *w, const QeX8 *x)
{
  float32x4_t min = vdupq_n_f32 (0);
  for (int g = 0; g < 16; g += 4) {
    float32x4_t d = vld1q_f32 (x->d + g / 4 * 2); /* two scales of 32 are used */
    float32x4_t scale = vmulq_f32 (vld1q_f32 (w->a + g), vcombine_f32 (vdup_lane_f32 (vget_low_f32 (d), 0),
                                                                       vdup_lane_f32 (vget_low_f32 (d), 1)));
    int32x4_t dot[4];
    for (int i = 0; i < 4; i++)
      dot[i] = dot16 (vdupq_n_s32 (0), vld1q_s8 (w->q + 16 * (g + i)), vld1q_s8 (x->p + 16 * (g + i)));
    acc = vfmaq_laneq_f32 (acc, vcvtq_f32_s32 (dot[0]), scale, 0);
    acc = vfmaq_laneq_f32 (acc, vcvtq_f32_s32 (dot[1]), scale, 1);
    acc = vfmaq_laneq_f32 (acc, vcvtq_f32_s32 (dot[2]), scale, 2);
    acc = vfmaq_laneq_f32 (acc, vcvtq_f32_s32 (dot[3]), scale, 3);
    min = vfmaq_f32 (min, vld1q_f32 (w->b + g), vld1q_f32 (x->s16 + g));
  }
  return vsubq_f32 (acc, min);
}

#define DOT_TOKENS 4

static void
dot_rows (const QeDotArgs *a, QeType type)
{
  size_t step = qe_row_bytes (qe_type_traits (type), QE_X8);
  for (size_t r = 0; r < a->n_rows; r++)
    for (size_t t = 0; t < a->n_tokens; t += DOT_TOKENS) {
      size_t n_tokens = a->n_tokens - t < DOT_TOKENS ? a->n_tokens - t : DOT_TOKENS;
      const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
      float32x4_t acc[DOT_TOKENS] = { vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0), vdupq_n_f32 (0) };
      for (size_t c = 0, k = 0; c < a->columns; c += QE_X8, k++, w += step) {
        size_t n = a->columns - c < QE_X8 ? a->columns - c : QE_X8;
        QeW8 block;
        unpack_for (type, n) (w, n, &block);
        for (size_t i = 0; i < n_tokens; i++)
          acc[i] = dot_block (acc[i], &block, &a->x8[k * a->ldx8 + t + i]);
      }
      for (size_t i = 0; i < n_tokens; i++)
        a->y[(t + i) * a->ldy + r] = vaddvq_f32 (acc[i]);
    }
}

/* ---- tiles ----------------------------------------------------------------------------------------------------- */

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

/* ---- table ------------------------------------------------------------------------------------------------------- */

#define FORMAT(name, NAME, ...)                                                                                        \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, QE_TYPE_##NAME);                                                                                      \
  }                                                                                                                    \
  static void pack_##name (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel)              \
  {                                                                                                                    \
    pack_rows (w, row_bytes, n_rows, n_columns, panel, QE_TYPE_##NAME);                                                \
  }
QE_FORMATS (FORMAT)

#define REGISTER(name, NAME, ...)                                                                                      \
  k->dot[QE_TYPE_##NAME] = dot_##name;                                                                                 \
  k->tiling[QE_TYPE_##NAME] = (QeTiling) { pack_##name, tile, PANEL_BYTES, QE_TOKENS_APART + 1 };

static void
register_formats (QeKernels *k)
{
  QE_FORMATS (REGISTER)
  k->quantise_x8 = quantise_x8;
  k->tile_rows = ROWS;
  k->sketch = sketch_products;
}
