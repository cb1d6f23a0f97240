/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_VNNI 0
#define TILE_INIT qe_tile_init_avx2
#include "cpu/x86/qe-tile-256.h"
