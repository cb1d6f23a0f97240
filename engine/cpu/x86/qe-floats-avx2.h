/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Processors with AVX2, FMA and F16C. */
#include <immintrin.h>
#include <stdint.h>

#define LANES 8
typedef float Vec __attribute__ ((vector_size (32)));

#include "cpu/qe-floats.h"

static inline Vec
load_f16 (const uint8_t *p)
{
  return (Vec) _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) p));
}

static inline Vec
load_i8 (const uint8_t *p)
{
  return (Vec) _mm256_cvtepi32_ps (_mm256_cvtepi8_epi32 (_mm_loadl_epi64 ((const __m128i *) p)));
}
