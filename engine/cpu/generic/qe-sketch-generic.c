/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with a sketch, in plain C. */

#include "cpu/qe-kernels.h"

static inline int32_t
dot_sketch (const QeSketchBlock *b, const int8_t *p, size_t n_blocks)
{
  int32_t sum = 0;
  for (size_t k = 0; k < n_blocks; k++, p += QE_SKETCH_COLUMNS)
    for (int i = 0; i < 64; i++) {
      const int v0 = b[k].parts[0][i], v1 = b[k].parts[1][i], v2 = b[k].parts[2][i];
      sum += (v0 & 7) * p[i] + (v0 >> 3 & 7) * p[64 + i] + (v0 >> 6 | (v2 >> 4 & 4)) * p[128 + i];
      sum += (v1 & 7) * p[192 + i] + (v1 >> 3 & 7) * p[256 + i] + (v1 >> 6 | (v2 >> 5 & 4)) * p[320 + i];
      sum += (v2 & 7) * p[384 + i] + (v2 >> 3 & 7) * p[448 + i];
    }
  return sum;
}

static void
sketch_products (const QeSketchArgs *args)
{
  qe_sketch_products (args, dot_sketch);
}

void
qe_sketch_init_generic (QeKernels *k)
{
  k->sketch = sketch_products;
}
