/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/x86/qe-floats-avx2.h"

#define ATTENTION_INIT qe_attention_init_avx2
#include "cpu/qe-attention-template.h"
