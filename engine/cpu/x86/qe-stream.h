/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-ahead.h"

/* QeKernels.pair_x8 of all streams; needs AVX2. */
void qe_pair_x8 (const QeX8 *x, size_t n_pairs, QeX8Pair *out, size_t stride);
