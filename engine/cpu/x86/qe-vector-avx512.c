/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-floats-avx512.h"

#define VECTOR_INIT qe_vector_init_avx512
#include "cpu/qe-vector-template.h"
