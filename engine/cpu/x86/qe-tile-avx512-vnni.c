/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-grids-512.h"
#include "cpu/x86/qe-tile-512.h"

static void
tile_16 (const QeTileArgs *a)
{
  tile (a, 16);
}

static void
tile_32 (const QeTileArgs *a)
{
  tile (a, 32);
}

QE_FORMATS (PACK)

#define TILE_SLOT(name, NAME, ...)                                                                                     \
  k->tiling[QE_TYPE_##NAME] = (QeTiling) { pack_##name, QE_GROUP_##NAME == 32 ? tile_32 : tile_16,                     \
                                           PANEL_BYTES (QE_GROUP_##NAME), QE_TOKENS_APART + 1 };

void
qe_tile_init_avx512_vnni (QeKernels *k)
{
  QE_FORMATS (TILE_SLOT)
  k->tile_rows = ROWS;
}
