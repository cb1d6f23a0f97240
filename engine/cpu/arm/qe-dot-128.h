/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Rows of weights times a few tokens with NEON; with QE_DOTPROD 1 for processors that have sdot. */

#include "cpu/arm/qe-unpack-128.h"

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

#define DOT(name, NAME, ...)                                                                                           \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_rows (a, QE_TYPE_##NAME);                                                                                      \
  }
QE_FORMATS (DOT)

#define DOT_SLOT(name, NAME, ...) k->dot[QE_TYPE_##NAME] = dot_##name;

void
DOT_INIT (QeKernels *k)
{
  QE_FORMATS (DOT_SLOT)
}
