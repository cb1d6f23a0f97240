/* SPDX-License-Identifier: GPL-3.0-or-later */

/* NEON with sdot: Arm v8.2 and later, Apple silicon, Raspberry Pi 5. */

#define QE_DOTPROD 1
#define QE_I8MM 0
#include "qe-kernels-128.h"

void
qe_kernels_init_dotprod (QeKernels *k)
{
  k->name = "neon-dotprod";
  register_formats (k);
}
