/* SPDX-License-Identifier: GPL-3.0-or-later */

#define STREAM_INIT qe_stream_init_avx512
#include "qe-stream-template-512.h"
