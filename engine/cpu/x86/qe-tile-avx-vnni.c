/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_VNNI 1
#define TILE_INIT qe_tile_init_avx_vnni
#include "cpu/x86/qe-tile-256.h"
