/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Processors with AVX-512 F, BW, DQ and VL. */
#include <immintrin.h>
#include <stdint.h>

#define LANES 16
typedef float Vec __attribute__ ((vector_size (64)));

#include "cpu/qe-floats.h"

static inline Vec
load_f16 (const uint8_t *p)
{
  return (Vec) _mm512_cvtph_ps (_mm256_loadu_si256 ((const __m256i *) p));
}

static inline Vec
load_i8 (const uint8_t *p)
{
  return (Vec) _mm512_cvtepi32_ps (_mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *) p)));
}
