/* SPDX-License-Identifier: GPL-3.0-or-later */

/* AVX-512 with VBMI, whose vpermi2b looks up 64 bytes in 128 at once: the codebooks of IQ3. (For IQ2 loading entries
 * is as fast.) And with GFNI, for decoding. Intel since Ice Lake, AMD since Zen 4. */

#include "qe-codebooks-512.h"
#include "qe-kernels-512.h"
#include "qe-stream.h"

#define FORMATS(X)                                                                                                     \
  X (iq3_xxs, QE_TYPE_IQ3_XXS, 98, 32)                                                                                 \
  X (iq3_s, QE_TYPE_IQ3_S, 110, 32)

FORMATS (FUNCTIONS)

#define REGISTER(name, TYPE, bytes, group)                                                                             \
  k->dot[TYPE] = dot_##name;                                                                                           \
  k->tiling[TYPE].pack = pack_##name;

void
qe_kernels_init_avx512_vbmi (QeKernels *k)
{
  k->name = "avx512-vbmi";
  FORMATS (REGISTER)
  qe_stream_init_avx512_vbmi (k);
}
