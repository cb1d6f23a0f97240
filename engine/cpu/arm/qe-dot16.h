/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The integer product that all kernels for Arm are made of; with QE_DOTPROD 1 for processors that have sdot. */

#include <arm_neon.h>

#define QE_INLINE static inline __attribute__ ((always_inline))

/* Adds to each lane of acc the four products of its bytes. */
QE_INLINE int32x4_t
dot16 (int32x4_t acc, int8x16_t a, int8x16_t b)
{
#if QE_DOTPROD
  return vdotq_s32 (acc, a, b);
#else
  int16x8_t low = vmull_s8 (vget_low_s8 (a), vget_low_s8 (b)), high = vmull_high_s8 (a, b);
  return vpadalq_s16 (acc, vpaddq_s16 (low, high)); /* two products of at most 128 * 127 fit 16 bits */
#endif
}
