/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_DOTPROD 0
#define SKETCH_INIT qe_sketch_init_neon
#include "cpu/arm/qe-sketch-128.h"
