/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Formats of one or two bits (Q1_0, Q2_0, TQ1_0, TQ2_0), and the four-bit floats of NVFP4. */

#include "qe-quant-internal.h"

void
qe_dequantise_nvfp4 (const void *src, float *dst, size_t n)
{
  const QeBlockNVFP4 *b = src;
  for (; n >= 64; n -= 64, b++)
    for (int s = 0; s < 4; s++, dst += 16) { /* 16 weights and their scale: the low nibbles of 8 bytes, then the high */
      const float d = qe_nvfp4_scale (b->d[s]);
      for (int j = 0; j < 8; j++) {
        dst[j] = d * (float) qe_e2m1_values[b->qs[8 * s + j] & 15];
        dst[j + 8] = d * (float) qe_e2m1_values[b->qs[8 * s + j] >> 4];
      }
    }
}

void
qe_dequantise_q1_0 (const void *src, float *dst, size_t n)
{
  const QeBlockQ1_0 *b = src;
  for (; n >= 128; n -= 128, b++, dst += 128) {
    const float d = qe_f16_to_f32 (b->d);
    for (int j = 0; j < 128; j++)
      dst[j] = b->qs[j / 8] >> (j % 8) & 1 ? d : -d;
  }
}

void
qe_dequantise_q2_0 (const void *src, float *dst, size_t n)
{
  const QeBlockQ2_0 *b = src;
  for (; n >= 64; n -= 64, b++, dst += 64) {
    const float d = qe_f16_to_f32 (b->d);
    for (int j = 0; j < 64; j++)
      dst[j] = d * (float) ((b->qs[j / 4] >> (2 * (j % 4)) & 3) - 1);
  }
}

static float *
expand_trits (const uint8_t *bytes, int n_bytes, int n_digits, float d, float *dst)
{
  for (int digit = 0; digit < n_digits; digit++)
    for (int j = 0; j < n_bytes; j++)
      *dst++ = d * (float) (qe_tq1_0_trit (bytes[j], digit) - 1);
  return dst;
}

void
qe_dequantise_tq1_0 (const void *src, float *dst, size_t n)
{
  const QeBlockTQ1_0 *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    const float d = qe_f16_to_f32 (b->d);
    dst = expand_trits (b->qs, 32, 5, d, dst);
    dst = expand_trits (b->qs + 32, 16, 5, d, dst);
    dst = expand_trits (b->qh, 4, 4, d, dst);
  }
}

void
qe_dequantise_tq2_0 (const void *src, float *dst, size_t n)
{
  const QeBlockTQ2_0 *b = src;
  for (; n >= QE_K; n -= QE_K, b++) {
    const float d = qe_f16_to_f32 (b->d);
    for (int i = 0; i < 8; i++, dst += 32) /* 32 bytes hold four times 32 weights */
      for (int j = 0; j < 32; j++)
        dst[j] = d * (float) ((b->qs[32 * (i / 4) + j] >> (2 * (i % 4)) & 3) - 1);
  }
}
