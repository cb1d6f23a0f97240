/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Elementwise functions, written so that compilers turn loops of QE_LANES of them into vector code for any processor. */

#define QE_LANES 16

/* e^x to about 2 units in the last place; 0 towards -inf, for x at most 88. x = n ln 2 + r, where n comes from rounding by
 * adding a large number, e^r from a polynomial, and 2^n is built as bits. */
static inline float
qe_exp (float x)
{
  const float round = 12582912.0f; /* 1.5 * 2^23 */
  float shifted, n, r, y;
  uint32_t bits, power;

  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  shifted = x * 1.44269504f + round;
  n = shifted - round;
  r = x - n * 0.693359375f + n * 2.12194440e-4f;
  y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * r * r + r + 1.0f;
  memcpy (&bits, &shifted, sizeof bits);
  power = (bits + 127) << 23;
  memcpy (&n, &power, sizeof n);
  return y * n;
}

/* GELU by its tanh approximation: x (1 + tanh u) / 2 = x / (1 + e^-2u), u = sqrt (2 / pi) (x + 0.044715 x^3) */
static inline float
qe_gelu_tanh (float x)
{
  return x / (1.0f + qe_exp (-1.5957691216f * (x + 0.044715f * x * x * x)));
}

static inline float
qe_gelu_erf (float x)
{
  return 0.5f * x * (1.0f + erff (x * 0.70710678f));
}
