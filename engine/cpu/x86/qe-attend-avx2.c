/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-floats-avx2.h"

#define ATTEND_INIT qe_attend_init_avx2
#include "cpu/qe-attend-template.h"
