/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>
#include <string.h>

/* binary16 and bfloat16 in plain C; exact, subnormal numbers included. */

static inline float
qe_f32_from_bits (uint32_t bits)
{
  float f;
  memcpy (&f, &bits, sizeof f);
  return f;
}

static inline uint32_t
qe_f32_bits (float f)
{
  uint32_t bits;
  memcpy (&bits, &f, sizeof bits);
  return bits;
}

/* The fields move to their places in binary32 and a product with 2^112 corrects the exponent's bias; that is right for
 * subnormal numbers too. Infinities and NaN keep the largest exponent. */
static inline float
qe_f16_to_f32 (uint16_t h)
{
  uint32_t sign = (uint32_t) (h & 0x8000) << 16;
  uint32_t rest = (uint32_t) (h & 0x7fff) << 13;
  if ((h & 0x7c00) == 0x7c00)
    return qe_f32_from_bits (sign | 0x7f800000 | rest);
  return qe_f32_from_bits (sign | qe_f32_bits (qe_f32_from_bits (rest) * 0x1p112f));
}

/* Rounds to nearest, ties to even. */
static inline uint16_t
qe_f32_to_f16 (float f)
{
  uint32_t bits = qe_f32_bits (f);
  uint16_t sign = (uint16_t) ((bits >> 16) & 0x8000);
  uint32_t abs = bits & 0x7fffffff;
  if (abs > 0x7f800000)
    return sign | 0x7e00;
  if (abs >= 0x477ff000) /* 65520 and above */
    return sign | 0x7c00;
  if (abs < 0x38800000) /* below 2^-14: adding 0.5 rounds to multiples of 2^-24 */
    return sign | (uint16_t) (qe_f32_bits (qe_f32_from_bits (abs) + 0.5f) - 0x3f000000);
  return sign | (uint16_t) ((abs - 0x38000000 + 0xfff + ((abs >> 13) & 1)) >> 13);
}

static inline float
qe_bf16_to_f32 (uint16_t h)
{
  return qe_f32_from_bits ((uint32_t) h << 16);
}

static inline uint16_t
qe_f32_to_bf16 (float f)
{
  uint32_t bits = qe_f32_bits (f);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (uint16_t) (bits >> 16) | 0x40;
  return (uint16_t) ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
