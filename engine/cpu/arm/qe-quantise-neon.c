/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Activations to 8 bits with NEON. */

#include <arm_neon.h>

#include "cpu/qe-kernels.h"

#define QE_INLINE static inline __attribute__ ((always_inline))

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

void
qe_quantise_init_neon (QeKernels *k)
{
  k->quantise_x8 = quantise_x8;
}
