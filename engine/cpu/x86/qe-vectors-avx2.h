/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-kernels.h"

/* Fills in products with F32, F16 and BF16 weights. */
void qe_vectors_init_avx2 (QeKernels *k);
