/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A sketch of a matrix: three bits for each weight, which tell roughly what its rows' products are. Where only the largest of
 * many products are wanted, the others need not be read in full.
 *
 * Of weights w[c] of a row, u[c] = (w[c] - mean[c]) / column[c] is what its column's mean and magnitude do not tell, and is near
 * scale * (2 code - 7), with codes 0 … 7. The scale is such that the error is at a right angle to u:
 *
 *   scale = |u|^2 / sum_c u[c] (2 code[c] - 7)
 *
 * so that activations which resemble a row, as those of a likely token do, are not told too small (Gao and Long, "RaBitQ",
 * SIGMOD 2024, section 3.2). Activations x[c] column[c] are d p[c], with 8-bit p. */

#define QE_SKETCH_COLUMNS 512

/* Byte i: the codes of columns i (bits 0 to 2), 64 + i (3 to 5) and the two low bits of that of 128 + i in parts[0], of
 * 192 + i, 256 + i and 320 + i in parts[1]; of 384 + i and 448 + i in parts[2], whose bits 6 and 7 are the high ones of 128 + i and
 * 320 + i. */
typedef struct {
  _Alignas (64) uint8_t parts[3][64];
} QeSketchBlock;

static inline size_t
qe_sketch_blocks (size_t columns)
{
  return (columns + QE_SKETCH_COLUMNS - 1) / QE_SKETCH_COLUMNS;
}

/* One token's activations as a sketch wants them. */
typedef struct {
  float d;          /* not a number if the activations are not */
  float base;       /* sum of mean x */
  int32_t sum;      /* of p */
  float norm, loss; /* lengths of x magnitude, and of what rounding took off it */
} QeSketchInput;

/* Of the columns of a matrix, for its sketch; each [n]. inverse is 1 / magnitude. */
typedef struct {
  float *mean, *magnitude, *inverse;
} QeSketchColumns;

/* What is told of a row of a sketch, besides its codes. */
typedef struct {
  float scale;
  float error;     /* root mean square of scale * (2 code - 7) - u */
  float magnitude; /* of scale * (2 code - 7) */
} QeSketchRow;

/* y[t * ldy + r] = base + scales[r] * d * (sum over columns of (2 code - 7) p). */
typedef struct {
  const QeSketchBlock *blocks; /* [n_rows][n_blocks] */
  const float *scales;         /* [n_rows] */
  size_t n_rows, n_blocks, n_tokens;
  const int8_t *p;            /* [n_tokens][n_blocks * QE_SKETCH_COLUMNS], 64-byte aligned; 0 beyond the last column */
  const QeSketchInput *input; /* [n_tokens] */
  float *y;
  size_t ldy;
} QeSketchArgs;
typedef void (*QeSketchFunc) (const QeSketchArgs *args);

/* That function for any instruction set: dot() gives the sum over columns of code * p of one row and token. It is inlined. */
static inline __attribute__ ((always_inline)) void
qe_sketch_products (const QeSketchArgs *a, int32_t (*dot) (const QeSketchBlock *b, const int8_t *p, size_t n_blocks))
{
  const size_t columns = a->n_blocks * QE_SKETCH_COLUMNS;
  for (size_t r = 0; r < a->n_rows; r++)
    for (size_t t = 0; t < a->n_tokens; t++) {
      const int32_t sum = dot (a->blocks + r * a->n_blocks, a->p + t * columns, a->n_blocks);
      a->y[t * a->ldy + r] = a->input[t].base
                             + a->scales[r] * (a->input[t].d * (float) (2 * sum - 7 * a->input[t].sum));
    }
}
