/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <immintrin.h>
#include <stddef.h>

/* How far ahead weights are asked for with one token, into the second-level cache: the first is too small for what is under way
 * then. Zen 4: from 5 to 7 KiB it is nearly the same, from 8 on worse, and Q8_0 does 5 % better without. Zen 5: without, Q8_0 gets
 * half of what memory gives (engine/doc/measurements-2026-12.md). Hence it is measured (cpu/qe-tuning.h); this is what counts
 * before. */
#define QE_AHEAD_BYTES 6656

static inline __attribute__ ((always_inline)) void
qe_ask_ahead (const void *weights, size_t bytes)
{
#pragma GCC unroll 8
  for (size_t line = 0; line < bytes; line += 64)
    _mm_prefetch ((const char *) weights + QE_AHEAD_BYTES + line, _MM_HINT_T1);
}
