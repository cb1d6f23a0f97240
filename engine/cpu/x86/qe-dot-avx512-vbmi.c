/* SPDX-License-Identifier: GPL-3.0-or-later */

/* AVX-512 with VBMI, whose vpermi2b looks up 64 bytes in 128 at once: the codebooks of IQ3. (For IQ2 loading entries
 * is as fast.) And with GFNI, for decoding. Intel since Ice Lake, AMD since Zen 4. */

#include "qe-codebooks-512.h"
#include "qe-kernels-512.h"
#include "qe-stream.h"

FUNCTIONS (iq3_xxs, IQ3_XXS)
FUNCTIONS (iq3_s, IQ3_S)

void
qe_kernels_init_avx512_vbmi (QeKernels *k)
{
  k->name = "avx512-vbmi";
  k->dot[QE_TYPE_IQ3_XXS] = dot_iq3_xxs;
  k->dot[QE_TYPE_IQ3_S] = dot_iq3_s;
  k->tiling[QE_TYPE_IQ3_XXS].pack = pack_iq3_xxs;
  k->tiling[QE_TYPE_IQ3_S].pack = pack_iq3_s;
  qe_stream_init_avx512_vbmi (k);
}
