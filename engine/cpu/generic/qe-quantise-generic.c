/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Activations to 8 bits in plain C. */

#include <math.h>

#include "cpu/qe-kernels.h"

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

void
qe_quantise_init_generic (QeKernels *k)
{
  k->quantise_x8 = quantise_x8;
}
