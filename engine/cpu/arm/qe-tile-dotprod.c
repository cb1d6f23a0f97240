/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_DOTPROD 1
#define QE_I8MM 0
#define TILE_INIT qe_tile_init_dotprod
#include "cpu/arm/qe-tile-128.h"
