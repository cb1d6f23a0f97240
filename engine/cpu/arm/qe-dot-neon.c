/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_DOTPROD 0
#define DOT_INIT qe_dot_init_neon
#include "cpu/arm/qe-dot-128.h"
