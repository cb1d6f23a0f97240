/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Products with a sketch, with NEON; with QE_DOTPROD 1 for processors that have sdot. */

#include "cpu/arm/qe-dot16.h"
#include "cpu/qe-kernels.h"

/* A quarter of a block: 16 columns of each 64. */
QE_INLINE int32x4_t
dot_quarter_sketch (int32x4_t acc, const uint8_t *parts, const int8_t *p)
{
  const uint8x16_t seven = vdupq_n_u8 (7), four = vdupq_n_u8 (4);
  const uint8x16_t v0 = vld1q_u8 (parts), v1 = vld1q_u8 (parts + 64), v2 = vld1q_u8 (parts + 128);
  const uint8x16_t q[8] = {
    vandq_u8 (v0, seven),
    vandq_u8 (vshrq_n_u8 (v0, 3), seven),
    vorrq_u8 (vshrq_n_u8 (v0, 6), vandq_u8 (vshrq_n_u8 (v2, 4), four)),
    vandq_u8 (v1, seven),
    vandq_u8 (vshrq_n_u8 (v1, 3), seven),
    vorrq_u8 (vshrq_n_u8 (v1, 6), vandq_u8 (vshrq_n_u8 (v2, 5), four)),
    vandq_u8 (v2, seven),
    vandq_u8 (vshrq_n_u8 (v2, 3), seven),
  };
  for (int i = 0; i < 8; i++)
    acc = dot16 (acc, vreinterpretq_s8_u8 (q[i]), vld1q_s8 (p + 64 * i));
  return acc;
}

static inline int32_t
dot_sketch (const QeSketchBlock *b, const int8_t *p, size_t n_blocks)
{
  int32x4_t acc[4] = { vdupq_n_s32 (0), vdupq_n_s32 (0), vdupq_n_s32 (0), vdupq_n_s32 (0) };
  for (size_t k = 0; k < n_blocks; k++, p += QE_SKETCH_COLUMNS)
    for (int i = 0; i < 4; i++)
      acc[i] = dot_quarter_sketch (acc[i], b[k].parts[0] + 16 * i, p + 16 * i);
  return vaddvq_s32 (vaddq_s32 (vaddq_s32 (acc[0], acc[1]), vaddq_s32 (acc[2], acc[3])));
}

static void
sketch_products (const QeSketchArgs *args)
{
  qe_sketch_products (args, dot_sketch);
}

void
SKETCH_INIT (QeKernels *k)
{
  k->sketch = sketch_products;
}
