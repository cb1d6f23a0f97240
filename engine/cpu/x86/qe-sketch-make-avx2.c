/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-floats-avx2.h"

#define SKETCH_MAKE_INIT qe_sketch_make_init_avx2
#include "cpu/qe-sketch-make-template.h"
