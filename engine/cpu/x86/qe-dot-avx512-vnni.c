/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-dot-512.h"
#include "cpu/x86/qe-grids-512.h"

QE_FORMATS (DOT)

#define DOT_SLOT(name, NAME, ...) k->dot[QE_TYPE_##NAME] = dot_##name;

void
qe_dot_init_avx512_vnni (QeKernels *k)
{
  QeDotFunc iq2_s = k->dot[QE_TYPE_IQ2_S], iq3_s = k->dot[QE_TYPE_IQ3_S];
  QE_FORMATS (DOT_SLOT)
  k->dot[QE_TYPE_IQ2_S] = iq2_s; /* these two are faster in 256 bits (Zen 4) */
  k->dot[QE_TYPE_IQ3_S] = iq3_s;
}
