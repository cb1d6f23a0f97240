/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with weights that are plain numbers, in plain C. */

#include "cpu/qe-kernels.h"
#include "format/quant/qe-half.h"

/* Sums are kept in eight parts, which lets the compiler use vectors and loses fewer bits. */
static float
sum8 (const float s[8])
{
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static float
dot_f32 (const float *a, const float *b, size_t n)
{
  float s[8] = { 0 };
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; k++)
      s[k] += a[i + k] * b[i + k];
  for (; i < n; i++)
    s[i & 7] += a[i] * b[i];
  return sum8 (s);
}

static float
dot_f16 (const uint16_t *h, const float *x, size_t n)
{
  float s[8] = { 0 };
  for (size_t i = 0; i < n; i++)
    s[i & 7] += qe_f16_to_f32 (h[i]) * x[i];
  return sum8 (s);
}

static float
dot_bf16 (const uint16_t *h, const float *x, size_t n)
{
  float s[8] = { 0 };
  for (size_t i = 0; i < n; i++)
    s[i & 7] += qe_bf16_to_f32 (h[i]) * x[i];
  return sum8 (s);
}

#define DOT_ROWS(name, Type)                                                                                           \
  static void rows_##name (const QeDotArgs *a)                                                                         \
  {                                                                                                                    \
    for (size_t r = 0; r < a->n_rows; r++)                                                                             \
      for (size_t t = 0; t < a->n_tokens; t++)                                                                         \
        a->y[t * a->ldy + r] = dot_##name ((const Type *) ((const char *) a->w + r * a->row_bytes), a->x + t * a->ldx, \
                                           a->columns);                                                                \
  }
DOT_ROWS (f32, float)
DOT_ROWS (f16, uint16_t)
DOT_ROWS (bf16, uint16_t)

static void
dequantise_f16 (const uint16_t *src, float *dst, size_t n)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = qe_f16_to_f32 (src[i]);
}

void
qe_dot_float_init_generic (QeKernels *k)
{
  k->dot[QE_TYPE_F32] = rows_f32;
  k->dot[QE_TYPE_F16] = rows_f16;
  k->dot[QE_TYPE_BF16] = rows_bf16;
  k->dequantise_f16 = dequantise_f16;
  k->dot_f32 = dot_f32;
}
