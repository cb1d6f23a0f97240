/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/generic/qe-floats-generic.h"

#define DELTA_INIT qe_delta_init_generic
#include "cpu/qe-delta-template.h"
