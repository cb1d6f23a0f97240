/* SPDX-License-Identifier: GPL-3.0-or-later */

#define STREAM_INIT qe_stream_init_avx512_vnni
#include "cpu/x86/qe-stream-512.h"
