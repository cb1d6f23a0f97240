/* SPDX-License-Identifier: GPL-3.0-or-later */

/* NEON with sdot and smmla: Arm v8.6 and later, Neoverse V1 and N2, Apple M2. */

#define QE_DOTPROD 1
#define QE_I8MM 1
#include "qe-kernels-128.h"

void
qe_kernels_init_i8mm (QeKernels *k)
{
  k->name = "neon-i8mm";
  register_formats (k);
}
