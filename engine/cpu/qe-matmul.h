/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-pool.h"
#include "format/quant/qe-quant.h"
#include "qe.h"

/* Products of stored weights with f32 activations: y[t][r] = sum_c w[r][c] * x[t][c]. */

typedef struct {
  const void *w; /* rows of `type`, row r at w + r * qe_row_bytes */
  QeType type;
  size_t rows;
  float *y; /* [n_tokens][ldy] */
  size_t ldy;
  const float *scale; /* one number that multiplies all of w; NULL: none */
} QeProduct;

/* Per-context scratch: packed activations, dequantised panels. */
typedef struct QeMatmul QeMatmul;
/* max_columns: widest input; max_tokens: largest batch. */
QeStatus qe_matmul_new (QeMatmul **out, unsigned n_threads, size_t max_columns, size_t max_tokens, QeError *err);
void qe_matmul_free (QeMatmul *m);
size_t qe_matmul_scratch_bytes (unsigned n_threads, size_t max_columns, size_t max_tokens); /* for the memory plan */

/* Called by every thread of a region with the same arguments. All products share x [n_tokens][ldx] with `columns`
 * columns. Begins and ends with a barrier. The result of each element does not depend on the number of threads. */
void qe_matmul (QeMatmul *m, QeWorker *worker, const QeProduct *products, size_t n_products, const float *x, size_t ldx,
                size_t columns, size_t n_tokens);

/* Of one product with one token only some rows: y[rows[i]] for i < n, what qe_matmul() puts there. */
void qe_matmul_rows (QeMatmul *m, QeWorker *worker, const QeProduct *product, const int32_t *rows, size_t n,
                     const float *x, size_t columns);

/* Mixture of experts: product p uses only the rows of x listed in rows[p][0 … n_rows[p]) and writes rows of its y in
 * that order (compact). Each expert's weights are read once. */
typedef struct {
  QeProduct product;
  const uint32_t *token_rows;
  size_t n_token_rows;
} QeGroupedProduct;
void qe_matmul_grouped (QeMatmul *m, QeWorker *worker, const QeGroupedProduct *products, size_t n_products,
                        const float *x, size_t ldx, size_t columns);
