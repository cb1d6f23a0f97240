/* SPDX-License-Identifier: GPL-3.0-or-later */

/* AVX2 with the VEX-coded vpdpbusd of recent client processors. */

#define QE_VNNI 1
#include "qe-kernels-256.h"

void
qe_kernels_init_avx_vnni (QeKernels *k)
{
  k->name = "avx-vnni";
  k->pair_x8 = NULL; /* only streams read pairs */
  k->sketch = sketch_products;
  register_formats (k);
}
