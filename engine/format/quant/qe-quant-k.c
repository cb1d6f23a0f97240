/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Super-blocks of 256 elements with quantised scales (Q2_K … Q6_K). Formulas: engine/doc/qwen35.md §3.3. */

#include "qe-quant-internal.h"

void
qe_dequantise_q2_k (const void *src, float *dst, size_t n)
{
  const QeBlockQ2_K *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
    for (int i = 0; i < 16; i++, dst += 16) { /* group i: half i/8, shift 2*((i%8)/2), bytes 16*(i%2) … */
      const uint8_t *q = b->qs + 32 * (i / 8) + 16 * (i % 2);
      int shift = i % 8 / 2 * 2;
      float scale = d * (float) (b->scales[i] & 15), min = dmin * (float) (b->scales[i] >> 4);
      for (int l = 0; l < 16; l++)
        dst[l] = scale * (float) (q[l] >> shift & 3) - min;
    }
  }
}

void
qe_dequantise_q3_k (const void *src, float *dst, size_t n)
{
  const QeBlockQ3_K *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    float d = qe_f16_to_f32 (b->d);
    for (int i = 0; i < 16; i++, dst += 16) { /* the groups as in Q2_K; hmask bit i/2 adds 4 */
      const uint8_t *q = b->qs + 32 * (i / 8) + 16 * (i % 2), *h = b->hmask + 16 * (i % 2);
      int shift = i % 8 / 2 * 2;
      float scale = d * (float) qe_q3_k_scale (b->scales, i);
      for (int l = 0; l < 16; l++)
        dst[l] = scale * (float) ((q[l] >> shift & 3) - (h[l] >> (i / 2) & 1 ? 0 : 4));
    }
  }
}

void
qe_dequantise_q4_k (const void *src, float *dst, size_t n)
{
  const QeBlockQ4_K *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
    for (int s = 0; s < 8; s++, dst += 32) { /* sub-blocks 2p and 2p+1 share 32 bytes: low and high nibbles */
      const uint8_t *q = b->qs + 32 * (s / 2);
      uint8_t sc, mn;
      qe_k4_scale (b->scales, s, &sc, &mn);
      float scale = d * (float) sc, min = dmin * (float) mn;
      for (int l = 0; l < 32; l++)
        dst[l] = scale * (float) (q[l] >> (4 * (s & 1)) & 15) - min;
    }
  }
}

void
qe_dequantise_q5_k (const void *src, float *dst, size_t n)
{
  const QeBlockQ5_K *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
    for (int s = 0; s < 8; s++, dst += 32) { /* as Q4_K; bit s of qh[l] is the fifth bit */
      const uint8_t *q = b->qs + 32 * (s / 2);
      uint8_t sc, mn;
      qe_k4_scale (b->scales, s, &sc, &mn);
      float scale = d * (float) sc, min = dmin * (float) mn;
      for (int l = 0; l < 32; l++)
        dst[l] = scale * (float) ((q[l] >> (4 * (s & 1)) & 15) | (b->qh[l] >> s & 1) << 4) - min;
    }
  }
}

void
qe_dequantise_q6_k (const void *src, float *dst, size_t n)
{
  const QeBlockQ6_K *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    float d = qe_f16_to_f32 (b->d);
    for (int i = 0; i < 16; i++, dst += 16) { /* half h, quarter m of 32 elements, 16 of them from l0 */
      int h = i / 8, m = i % 8 / 2, l0 = 16 * (i % 2);
      const uint8_t *ql = b->ql + 64 * h + 32 * (m & 1) + l0, *qh = b->qh + 32 * h + l0;
      float scale = d * (float) b->scales[i];
      for (int l = 0; l < 16; l++)
        dst[l] = scale * (float) ((int) ((ql[l] >> (4 * (m / 2)) & 15) | (qh[l] >> (2 * m) & 3) << 4) - 32);
    }
  }
}
