/* SPDX-License-Identifier: GPL-3.0-or-later */

/* VBMI's vpermi2b looks up 64 bytes in 128 at once: the codebooks of IQ3. (For IQ2 loading entries is as fast.) */

#include "cpu/x86/qe-codebooks-512.h"
#include "cpu/x86/qe-dot-512.h"

DOT (iq3_xxs, IQ3_XXS)
DOT (iq3_s, IQ3_S)

void
qe_dot_init_avx512_vbmi (QeKernels *k)
{
  k->dot[QE_TYPE_IQ3_XXS] = dot_iq3_xxs;
  k->dot[QE_TYPE_IQ3_S] = dot_iq3_s;
}
