/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Any processor: vectors of four floats, which every 64-bit one has. */
#include <stdint.h>

#define LANES 4
typedef float Vec __attribute__ ((vector_size (16)));

#include "cpu/qe-floats.h"

static inline Vec
load_f16 (const uint8_t *p)
{
#ifdef __aarch64__
  __fp16 h[LANES];
  memcpy (h, p, sizeof h);
  return (Vec) { h[0], h[1], h[2], h[3] };
#else
  return (Vec) { half_to_float (p), half_to_float (p + 2), half_to_float (p + 4), half_to_float (p + 6) };
#endif
}

static inline Vec
load_i8 (const uint8_t *p)
{
  int8_t x[LANES];
  memcpy (x, p, sizeof x);
  return (Vec) { x[0], x[1], x[2], x[3] };
}
