/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Every kernel in plain C: complete, readable, and what the others are tested against. */

#include <math.h>

#include "qe-kernels.h"
#include "format/quant/qe-half.h"

static inline uint32_t
largest_of_32 (const float *x)
{
  uint32_t most = 0;
  for (int i = 0; i < 32; i++) {
    const uint32_t magnitude = qe_x8_magnitude (x[i]);
    most = magnitude > most ? magnitude : most;
  }
  return most;
}

static inline void
fill_x8 (const float *x, size_t n_groups, QeX8 *out)
{
  for (size_t g = 0; g < n_groups; g++) {
    const float inverse = qe_x8_inverse (out->d[g]);
    int8_t *p = out->p + 32 * g;
    int sum[2] = { 0, 0 };
    for (int i = 0; i < 32; i++) {
      p[i] = (int8_t) lrintf (x[32 * g + (size_t) i] * inverse);
      sum[i / 16] += p[i];
    }
    qe_x8_set_sums (out, g, sum[0], sum[1]);
  }
}

static void
quantise_x8 (const float *x, size_t columns, QeX8 *out, size_t stride)
{
  qe_x8_quantise (x, columns, out, stride, largest_of_32, fill_x8);
}

static float
dot_w8_x8 (const QeW8 *w, const QeX8 *x)
{
  float sum = 0;
  for (int g = 0; g < 16; g++) {
    int dot = 0;
    for (int i = 0; i < 16; i++)
      dot += w->q[16 * g + i] * x->p[16 * g + i];
    sum += w->a[g] * x->d[g / 2] * (float) dot - w->b[g] * x->s16[g];
  }
  return sum;
}

static void
dot_by_unpacking (const QeDotArgs *a, QeType type)
{
  QeUnpackFunc unpack = qe_w8_format (type)->unpack;
  size_t step = qe_row_bytes (qe_type_traits (type), QE_X8);
  for (size_t r = 0; r < a->n_rows; r++) {
    const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
    for (size_t t = 0; t < a->n_tokens; t++)
      a->y[t * a->ldy + r] = 0;
    for (size_t c = 0, k = 0; c < a->columns; c += QE_X8, k++, w += step) {
      QeW8 block;
      unpack (w, a->columns - c < QE_X8 ? a->columns - c : QE_X8, &block);
      for (size_t t = 0; t < a->n_tokens; t++)
        a->y[t * a->ldy + r] += dot_w8_x8 (&block, &a->x8[k * a->ldx8 + t]);
    }
  }
}

#define DOT(name, NAME, ...)                                                                                           \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_by_unpacking (a, QE_TYPE_##NAME);                                                                              \
  }
QE_FORMATS (DOT)

/* ---- vectors --------------------------------------------------------------------------------------------------- */

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

#define ROWS_SLOT(name, NAME, ...) [QE_TYPE_##NAME] = rows_##name,
#define DOT_SLOT(name, NAME, ...) [QE_TYPE_##NAME] = dot_##name,

void
qe_kernels_init_generic (QeKernels *k)
{
  *k = (QeKernels) {
    .name = "generic",
    .quantise_x8 = quantise_x8,
    .dot = { QE_NUMBER_FORMATS (ROWS_SLOT) QE_FORMATS (DOT_SLOT) },
    .dequantise_f16 = dequantise_f16,
    .dot_f32 = dot_f32,
  };
}
