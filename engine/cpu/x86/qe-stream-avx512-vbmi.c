/* SPDX-License-Identifier: GPL-3.0-or-later */

/* With GFNI, which processors with VBMI have: moved_bits() is one instruction. */

#define STREAM_INIT qe_stream_init_avx512_vbmi
#include "cpu/x86/qe-stream-512.h"
