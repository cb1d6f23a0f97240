/* SPDX-License-Identifier: GPL-3.0-or-later */

#define QE_VNNI 1
#define DOT_INIT qe_dot_init_avx_vnni
#include "cpu/x86/qe-dot-256.h"
