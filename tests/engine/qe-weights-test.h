/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe-test.h"
#include "format/quant/qe-quant.h"

/* Weights of every format for tests of products: blocks drawn from the goldens, which are sound and varied. */

#define TEST_TYPE(name, NAME, ...) QE_TYPE_##NAME,
static const QeType test_types[] = { QE_NUMBER_FORMATS (TEST_TYPE) QE_FORMATS (TEST_TYPE) };
#define N_TEST_TYPES (sizeof test_types / sizeof *test_types)

typedef struct {
  QeType type;
  size_t rows, columns, row_bytes;
  uint8_t *raw;
  float *f32; /* [rows][columns] */
} TestWeights;

static inline void
test_weights_clear (TestWeights *w)
{
  free (w->raw);
  free (w->f32);
}

static inline bool
test_weights_make (TestWeights *w, QeType type, size_t rows, size_t columns, uint64_t seed)
{
  const QeTypeTraits *t = qe_type_traits (type);
  char name[64];
  size_t size = 0;
  snprintf (name, sizeof name, "goldens/quant/%s", type == QE_TYPE_F32 ? "F16.f32" : t->name);
  if (type != QE_TYPE_F32)
    strcat (name, ".bin");
  uint8_t *golden = qe_test_read (qe_test_data (name), &size);
  *w = (TestWeights) { type, rows, columns, qe_row_bytes (t, columns), NULL, malloc (rows * columns * sizeof (float)) };
  w->raw = malloc (rows * w->row_bytes);
  if (!golden || !w->raw || !w->f32) {
    free (golden);
    return false;
  }
  for (size_t i = 0; i < rows * w->row_bytes / t->block_bytes; i++)
    memcpy (w->raw + i * t->block_bytes, golden + qe_test_random (&seed) % (size / t->block_bytes) * t->block_bytes,
            t->block_bytes);
  for (size_t r = 0; r < rows; r++)
    qe_dequantise (type, w->raw + r * w->row_bytes, w->f32 + r * columns, columns);
  free (golden);
  return true;
}

/* Activations with some outliers; row 1 is zero. */
static inline float *
test_activations (size_t n, size_t columns, uint64_t seed)
{
  float *x = malloc (n * columns * sizeof *x);
  for (size_t i = 0; x && i < n * columns; i++) {
    x[i] = qe_test_random_float (&seed) + qe_test_random_float (&seed) + qe_test_random_float (&seed);
    if (qe_test_random (&seed) % 100 == 0)
      x[i] *= 8;
    if (i / columns == 1)
      x[i] = 0;
  }
  return x;
}

/* Root mean square of got - want, divided by that of want. NaN counts as infinite. */
static inline double
test_relative_error (const float *got, const float *want, size_t n)
{
  double error = 0, norm = 1e-30;
  for (size_t i = 0; i < n; i++) {
    double d = (double) got[i] - want[i];
    if (isnan (d))
      return INFINITY;
    error += d * d;
    norm += (double) want[i] * want[i];
  }
  return sqrt (error / norm);
}

/* y[t][r] in double precision. */
static inline float *
test_product (const TestWeights *w, const float *x, size_t ldx, size_t n_tokens)
{
  float *y = malloc (n_tokens * w->rows * sizeof *y);
  for (size_t t = 0; y && t < n_tokens; t++)
    for (size_t r = 0; r < w->rows; r++) {
      double sum = 0;
      for (size_t c = 0; c < w->columns; c++)
        sum += (double) w->f32[r * w->columns + c] * x[t * ldx + c];
      y[t * w->rows + r] = (float) sum;
    }
  return y;
}
