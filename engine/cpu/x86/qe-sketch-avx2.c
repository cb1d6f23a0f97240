/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_VNNI 0
#define SKETCH_INIT qe_sketch_init_avx2
#include "cpu/x86/qe-sketch-256.h"
