/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the kernels of floats share. They are written once, in qe-attention-template.h, qe-delta-template.h, qe-vector-template.h and
 * qe-sketch-make-template.h, and compiled for each instruction set. Its qe-floats-ISA.h defines LANES (floats of a vector) and Vec,
 * includes this, and adds load_f16() (LANES half floats) and load_i8() (LANES signed bytes). Plain loops over floats become vectors
 * too, as these files are compiled with -fassociative-math. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/qe-kernels.h"

static inline Vec
load (const float *p)
{
  Vec v;
  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
store (float *p, Vec v)
{
  memcpy (p, &v, sizeof v);
}

static inline Vec
splat (float x)
{
  return x - (Vec) { 0 };
}

static inline float
sum_lanes (Vec v)
{
  float s = 0;
  for (int i = 0; i < LANES; i++)
    s += v[i];
  return s;
}

/* e^x to about 2e-7: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. Below -87 it is 0, above 88 it stays at e^88;
 * what is not a number stays that. */
static inline float
exp_approx (float x)
{
  const float clamped = x > 88.0f ? 88.0f : x < -87.0f ? -87.0f : x;
  const float scaled = clamped * 1.44269504088896341f;
  const int n = (int) (scaled + (scaled < 0 ? -0.5f : 0.5f));
  const float r = (clamped - (float) n * 0.693359375f) + (float) n * 2.12194440e-4f;
  float p = 1.9875691500e-4f, power;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (int32_t) ((uint32_t) (n + 127) << 23);
  memcpy (&power, &bits, sizeof power);
  return x < -87.0f ? 0.0f : p * power;
}

/* e^x for x of 0 or less, to about 1e-13: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. Below -700 it stays at e^-700. */
static inline double
exp_double (double x)
{
  const double clamped = x < -700.0 ? -700.0 : x;
  const int32_t whole = (int32_t) (clamped * 1.4426950408889634074 - 0.5);
  const double n = whole;
  const double r = (clamped - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  double p = 1.0 / 39916800;
  uint64_t bits;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  memcpy (&bits, &p, sizeof bits);
  bits += (uint64_t) (int64_t) whole << 52;
  memcpy (&p, &bits, sizeof p);
  return p;
}

static inline float
sigmoid (float x)
{
  return 1.0f / (1.0f + exp_approx (-x));
}

static inline float
half_to_float (const uint8_t *p)
{
  uint16_t h;
  memcpy (&h, p, sizeof h);
  const uint32_t rest = (uint32_t) (h & 0x7fff) << 13;
  union {
    uint32_t bits;
    float f;
  } u = { rest + (112u << 23) };
  if (rest >= 0x1fu << 23) /* the exponent of infinities */
    u.bits += 112u << 23;
  else if (rest < 1u << 23) /* the exponent of subnormal numbers */
    u.f = (float) (rest >> 13) * 0x1p-24f;
  u.bits |= (uint32_t) (h & 0x8000) << 16;
  return u.f;
}

static inline void
scale (float *y, float factor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] *= factor;
}

static inline void
add_scaled (float *restrict y, const float *restrict x, float factor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] += factor * x[i];
}
