/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The codebooks of IQ3 are looked up with VBMI when panels are made; tiles are those of VNNI. */

#include "cpu/x86/qe-codebooks-512.h"
#include "cpu/x86/qe-tile-512.h"

PACK (iq3_xxs, IQ3_XXS)
PACK (iq3_s, IQ3_S)

void
qe_tile_init_avx512_vbmi (QeKernels *k)
{
  k->tiling[QE_TYPE_IQ3_XXS].pack = pack_iq3_xxs;
  k->tiling[QE_TYPE_IQ3_S].pack = pack_iq3_s;
}
