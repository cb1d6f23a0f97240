/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Rows of keys and values as they are stored: the i-th vector of a row. To be included after qe-floats-SET.h. */

#define Q8_BLOCK 32
#define Q8_BYTES 34

static inline Vec
load_row_f32 (const uint8_t *row, size_t i)
{
  return load ((const float *) (const void *) row + i * LANES);
}

static inline Vec
load_row_f16 (const uint8_t *row, size_t i)
{
  return load_f16 (row + i * LANES * 2);
}

static inline Vec
load_row_q8 (const uint8_t *row, size_t i)
{
  const uint8_t *block = row + i * LANES / Q8_BLOCK * Q8_BYTES;
  return load_i8 (block + 2 + i * LANES % Q8_BLOCK) * half_to_float (block);
}
