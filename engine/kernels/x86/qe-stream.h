/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "kernels/qe-kernels.h"

/* Fills in products of few tokens with the formats that most files are made of. */
void qe_stream_init_avx2 (QeKernels *k); /* and activations in pairs, for the others too */
void qe_stream_init_avx512 (QeKernels *k);
void qe_stream_init_avx512_vbmi (QeKernels *k);
