/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Blocks of 256 weights with NEON, in the form of cpu/qe-kernels.h: signed bytes, which all kernels for Arm multiply as they are. */

#include <arm_neon.h>
#include <string.h>

#include "cpu/arm/qe-dot16.h"
#include "cpu/qe-kernels.h"
#include "format/quant/qe-quant-internal.h"

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
