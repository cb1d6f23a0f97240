/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Activations as integers, 256 at a time: the right-hand side of the form in qe-kernels.h. */

#define QE_X8 256

/* That the scales of a block are multiples of one unit costs next to nothing in accuracy (the largest is exact, a smaller one
 * is rounded up by less than a 256th of it), and lets kernels scale sums as integers. */
#define QE_X8_UNITS 256

typedef struct {
  _Alignas (64) int8_t p[QE_X8];
  float d[8];
  float s32[8];  /* d * sum of p, of each 32 */
  float s16[16]; /* the same of each 16 */
  int16_t e[8];
  int16_t sum[8]; /* of p, of each 32 */
  float unit[2];  /* twice the same, as d and dmin of a block go together */
  /* p, the groups of 32 at qe_x8_place(). Plain C and 512 bits fill it, what else there is leaves it. */
  _Alignas (64) int8_t in_pairs[QE_X8];
} QeX8;
_Static_assert (sizeof (QeX8) == 704, "a whole number of cache lines");

static inline size_t
qe_x8_blocks (size_t columns)
{
  return (columns + QE_X8 - 1) / QE_X8;
}

/* Where group g is in in_pairs: the middle two of four change places. */
static inline size_t
qe_x8_place (size_t g)
{
  return (g & 4) | (g & 1) << 1 | (g >> 1 & 1);
}

/* Chooses a block's unit, e and d, from the largest magnitudes of each 32 activations. */
static inline void
qe_x8_choose_scales (QeX8 *x, const float most[8])
{
  float top = 0;
  for (int g = 0; g < 8; g++)
    top = most[g] > top ? most[g] : top;
  const float ratio = top > 0 ? QE_X8_UNITS / top : 0;
  x->unit[0] = x->unit[1] = top / (127.0f * QE_X8_UNITS);
  for (int g = 0; g < 8; g++) {
    float units = most[g] * ratio; /* NaN, as of infinite activations, must become a number */
    int e = units > 0 ? (units < QE_X8_UNITS ? (int) units + ((float) (int) units < units) : QE_X8_UNITS) : 0;
    x->e[g] = (int16_t) e;
    x->d[g] = x->unit[0] * (float) e;
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
  x->sum[g] = (int16_t) (low + high);
  x->s16[2 * g] = x->d[g] * (float) low;
  x->s16[2 * g + 1] = x->d[g] * (float) high;
  x->s32[g] = x->s16[2 * g] + x->s16[2 * g + 1];
}

/* QeKernels.quantise_x8() for any instruction set: largest() magnitude of 32 values, and fill(), which makes p and the sums of
 * a block whose scales are chosen. Both are inlined. */
static inline __attribute__ ((always_inline)) void
qe_x8_quantise (const float *x, size_t columns, QeX8 *out, size_t stride, float (*largest) (const float *x),
                void (*fill) (const float *x, size_t n_groups, QeX8 *out))
{
  for (size_t c = 0; c < columns; c += QE_X8, out += stride) {
    const size_t n_groups = (columns - c < QE_X8 ? columns - c : QE_X8) / 32;
    float most[8] = { 0 };
    if (n_groups < 8)
      memset (out, 0, sizeof *out);
    for (size_t g = 0; g < n_groups; g++)
      most[g] = largest (x + c + 32 * g);
    qe_x8_choose_scales (out, most);
    fill (x + c, n_groups, out);
  }
}
