/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/generic/qe-floats-generic.h"

#define SKETCH_MAKE_INIT qe_sketch_make_init_generic
#include "cpu/qe-sketch-make-template.h"
