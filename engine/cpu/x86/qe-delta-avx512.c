/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-floats-avx512.h"

#define DELTA_INIT qe_delta_init_avx512
#include "cpu/qe-delta-template.h"
