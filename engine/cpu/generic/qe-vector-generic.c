/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/generic/qe-floats-generic.h"

#define VECTOR_INIT qe_vector_init_generic
#include "cpu/qe-vector-template.h"
