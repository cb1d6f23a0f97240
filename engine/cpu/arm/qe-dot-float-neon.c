/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with weights that are plain numbers, with NEON. */

#include <arm_neon.h>

#include "cpu/qe-kernels.h"
#include "format/quant/qe-half.h"

/* Products with binary16, converted four at a time. */
static float
dot_f16 (const uint16_t *h, const float *x, size_t n)
{
  float32x4_t sum[2] = { vdupq_n_f32 (0), vdupq_n_f32 (0) };
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    float16x8_t v = vreinterpretq_f16_u16 (vld1q_u16 (h + i));
    sum[0] = vfmaq_f32 (sum[0], vcvt_f32_f16 (vget_low_f16 (v)), vld1q_f32 (x + i));
    sum[1] = vfmaq_f32 (sum[1], vcvt_high_f32_f16 (v), vld1q_f32 (x + i + 4));
  }
  float rest = 0;
  for (; i < n; i++)
    rest += qe_f16_to_f32 (h[i]) * x[i];
  return vaddvq_f32 (vaddq_f32 (sum[0], sum[1])) + rest;
}

static float
dot_f32 (const float *a, const float *b, size_t n)
{
  float32x4_t sum[2] = { vdupq_n_f32 (0), vdupq_n_f32 (0) };
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    sum[0] = vfmaq_f32 (sum[0], vld1q_f32 (a + i), vld1q_f32 (b + i));
    sum[1] = vfmaq_f32 (sum[1], vld1q_f32 (a + i + 4), vld1q_f32 (b + i + 4));
  }
  float rest = 0;
  for (; i < n; i++)
    rest += a[i] * b[i];
  return vaddvq_f32 (vaddq_f32 (sum[0], sum[1])) + rest;
}

static void
rows_f32 (const QeDotArgs *a)
{
  for (size_t r = 0; r < a->n_rows; r++)
    for (size_t t = 0; t < a->n_tokens; t++)
      a->y[t * a->ldy + r] = dot_f32 ((const float *) (const void *) ((const char *) a->w + r * a->row_bytes),
                                      a->x + t * a->ldx, a->columns);
}

static void
rows_f16 (const QeDotArgs *a)
{
  for (size_t r = 0; r < a->n_rows; r++)
    for (size_t t = 0; t < a->n_tokens; t++)
      a->y[t * a->ldy + r] = dot_f16 ((const uint16_t *) (const void *) ((const char *) a->w + r * a->row_bytes),
                                      a->x + t * a->ldx, a->columns);
}

static void
dequantise_f16 (const uint16_t *src, float *dst, size_t n)
{
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    vst1q_f32 (dst + i, vcvt_f32_f16 (vreinterpret_f16_u16 (vld1_u16 (src + i))));
  for (; i < n; i++)
    dst[i] = qe_f16_to_f32 (src[i]);
}

void
qe_dot_float_init_neon (QeKernels *k)
{
  k->dot[QE_TYPE_F32] = rows_f32;
  k->dot[QE_TYPE_F16] = rows_f16;
  k->dot_f32 = dot_f32;
  k->dequantise_f16 = dequantise_f16;
}
