/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Formats of 32 elements with a scale and perhaps a minimum: low nibbles are elements 0 … 15, high ones 16 … 31.
 * Formulas: engine/doc/qwen35.md §3.2, §3.6. */

#include "qe-quant-internal.h"

const int8_t qe_e2m1_values[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

void
qe_dequantise_q4_0 (const void *src, float *dst, size_t n)
{
  const QeBlockQ4_0 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_f16_to_f32 (b->d);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float) ((b->qs[j] & 15) - 8) * d;
      dst[j + 16] = (float) ((b->qs[j] >> 4) - 8) * d;
    }
  }
}

void
qe_dequantise_q4_1 (const void *src, float *dst, size_t n)
{
  const QeBlockQ4_1 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_f16_to_f32 (b->d), m = qe_f16_to_f32 (b->m);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float) (b->qs[j] & 15) * d + m;
      dst[j + 16] = (float) (b->qs[j] >> 4) * d + m;
    }
  }
}

/* Bit j of the 32-bit word qh is the fifth bit of element j. */
static inline int
fifth_bit (const uint8_t qh[4], int j)
{
  return (qh[j / 8] >> (j % 8) & 1) << 4;
}

void
qe_dequantise_q5_0 (const void *src, float *dst, size_t n)
{
  const QeBlockQ5_0 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_f16_to_f32 (b->d);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float) (((b->qs[j] & 15) | fifth_bit (b->qh, j)) - 16) * d;
      dst[j + 16] = (float) (((b->qs[j] >> 4) | fifth_bit (b->qh, j + 16)) - 16) * d;
    }
  }
}

void
qe_dequantise_q5_1 (const void *src, float *dst, size_t n)
{
  const QeBlockQ5_1 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_f16_to_f32 (b->d), m = qe_f16_to_f32 (b->m);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float) ((b->qs[j] & 15) | fifth_bit (b->qh, j)) * d + m;
      dst[j + 16] = (float) ((b->qs[j] >> 4) | fifth_bit (b->qh, j + 16)) * d + m;
    }
  }
}

void
qe_dequantise_q8_0 (const void *src, float *dst, size_t n)
{
  const QeBlockQ8_0 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_f16_to_f32 (b->d);
    for (int j = 0; j < 32; j++)
      dst[j] = (float) b->qs[j] * d;
  }
}

void
qe_dequantise_mxfp4 (const void *src, float *dst, size_t n)
{
  const QeBlockMXFP4 *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32) {
    float d = qe_e8m0_scale (b->e);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float) qe_e2m1_values[b->qs[j] & 15] * d;
      dst[j + 16] = (float) qe_e2m1_values[b->qs[j] >> 4] * d;
    }
  }
}
