/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Activations as integers, 256 at a time: the right-hand side of the form in qe-kernels.h.
 *
 * A block in which any activation is infinite or no number has d, s32 and s16 that are no numbers, so that every product with
 * it is none either: a damaged weight comes out in the logits, where it is looked for. Eight bits alone would hide it. */

#define QE_X8 256

/* That the scales of a block are multiples of one unit costs next to nothing in accuracy (the largest is exact, a smaller one
 * is rounded up by less than a 256th of it), and lets kernels scale sums as integers: see QeX8Pair. */
#define QE_X8_UNITS 256

typedef struct {
  _Alignas (64) int8_t p[QE_X8];
  float d[8];
  float s32[8];  /* d * sum of p, of each 32 */
  float s16[16]; /* the same of each 16 */
} QeX8;
_Static_assert (sizeof (QeX8) == 384, "a whole number of cache lines");

/* Two blocks that follow each other in a row, as kernels want them that scale sums as integers: d = e * unit. */
typedef struct {
  _Alignas (64) int8_t p[2][QE_X8]; /* the middle two of four groups of 32 have changed places */
  int16_t e[16], sum[16];           /* sum: of p, of each 32 */
  int16_t first[16];                /* sum of the first 16 of each 32 */
  float unit[2][2];                 /* of each block, twice, as d and dmin of weights go together */
} QeX8Pair;
_Static_assert (sizeof (QeX8Pair) == 640, "a whole number of cache lines");

static inline size_t
qe_x8_blocks (size_t columns)
{
  return (columns + QE_X8 - 1) / QE_X8;
}

/* Magnitudes are compared by their bits: in that order NaN follows infinity and infinity every number, so that the largest
 * tells whether all are finite. Comparisons of floats would pass over NaN. */
static inline uint32_t
qe_x8_magnitude (float x)
{
  uint32_t bits;
  memcpy (&bits, &x, sizeof bits);
  return bits & 0x7fffffff;
}

static inline float
qe_x8_float (uint32_t bits)
{
  float x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

/* Chooses the scales of a block from the largest magnitudes of each 32 activations. */
static inline void
qe_x8_choose_scales (QeX8 *x, const uint32_t most[8])
{
  uint32_t top_bits = 0;
  for (int g = 0; g < 8; g++)
    top_bits = most[g] > top_bits ? most[g] : top_bits;
  const float top = qe_x8_float (top_bits);
  const float ratio = top > 0 ? QE_X8_UNITS / top : 0;
  const float unit = top / (127.0f * QE_X8_UNITS); /* NaN or infinite if one activation is; 0 of it is NaN */
  for (int g = 0; g < 8; g++) {
    float units = qe_x8_float (most[g]) * ratio; /* NaN must not become an integer: that is undefined */
    int e = units > 0 ? (units < QE_X8_UNITS ? (int) units + ((float) (int) units < units) : QE_X8_UNITS) : 0;
    x->d[g] = unit * (float) e;
  }
}

static inline float
qe_x8_inverse (float d)
{
  return d > 0 ? 1 / d : 0;
}

/* The sums of a group of 32, from those of its halves. */
static inline void
qe_x8_set_sums (QeX8 *x, size_t g, int low, int high)
{
  x->s16[2 * g] = x->d[g] * (float) low;
  x->s16[2 * g + 1] = x->d[g] * (float) high;
  x->s32[g] = x->s16[2 * g] + x->s16[2 * g + 1];
}

/* QeKernels.quantise_x8() for any instruction set: largest() gives the largest qe_x8_magnitude() of 32 values, and fill() makes
 * p and the sums of a block whose scales are chosen. Both are inlined. */
static inline __attribute__ ((always_inline)) void
qe_x8_quantise (const float *x, size_t columns, QeX8 *out, size_t stride, uint32_t (*largest) (const float *x),
                void (*fill) (const float *x, size_t n_groups, QeX8 *out))
{
  for (size_t c = 0; c < columns; c += QE_X8, out += stride) {
    const size_t n_groups = (columns - c < QE_X8 ? columns - c : QE_X8) / 32;
    uint32_t most[8] = { 0 };
    if (n_groups < 8)
      memset (out, 0, sizeof *out);
    for (size_t g = 0; g < n_groups; g++)
      most[g] = largest (x + c + 32 * g);
    qe_x8_choose_scales (out, most);
    fill (x + c, n_groups, out);
  }
}
