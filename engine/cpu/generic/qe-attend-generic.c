/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/generic/qe-floats-generic.h"

#define ATTEND_INIT qe_attend_init_generic
#include "cpu/qe-attend-template.h"
