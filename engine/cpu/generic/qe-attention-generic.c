/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cpu/generic/qe-floats-generic.h"

#define ATTENTION_INIT qe_attention_init_generic
#include "cpu/qe-attention-template.h"
