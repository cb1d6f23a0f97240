/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_VNNI 1
#define SKETCH_INIT qe_sketch_init_avx_vnni
#include "cpu/x86/qe-sketch-256.h"
