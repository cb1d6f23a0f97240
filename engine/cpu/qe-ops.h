/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cpu/qe-sketch.h"

/* What a forward pass computes besides products of weights: norms, gates, the delta rule, attention over the cache.
 * One table for each instruction set, all made from qe-ops-template.h; qe_ops_get() picks one when the program starts.
 *
 * Sizes of heads (d, dk, dv) are multiples of 16; n is any number. Nothing here allocates. */

/* Attention over rows of the cache, for each way to store them; the numbers are those of QeKvType. */
typedef enum { QE_ROWS_F16 = 0, QE_ROWS_Q8_0 = 1, QE_ROWS_F32 = 2 } QeRowKind;

typedef struct {
  /* scores[h][p] = factor * q[h].k[p] for heads h < n_heads that share keys, positions p < n. */
  void (*scores) (float *scores, size_t ld_scores, const float *q, size_t ld_q, size_t n_heads, const void *k, size_t n,
                  size_t d, float factor);
  /* o[h] = sum_p weights[h][p] * v[p] */
  void (*mix) (float *o, size_t ld_o, const float *weights, size_t ld_weights, size_t n_heads, const void *v, size_t n,
               size_t d);
  void (*widen) (float *y, const void *x, size_t n); /* to f32 */
} QeRowOps;

#define QE_WRITES_TOGETHER 8 /* 16 and 4 are as fast within 1 %: engine/doc/measurements-2026-11.md */

/* Writes of the delta rule that a state s [dk][dv] does not hold yet. What is meant is
 * decay * s + sum_i weight[i] * key[i] correction[i]^T. */
typedef struct {
  size_t n;
  float decay;
  float weight[QE_WRITES_TOGETHER];
  const float *key[QE_WRITES_TOGETHER];        /* [dk] */
  const float *correction[QE_WRITES_TOGETHER]; /* [dv] */
} QeWrites;

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

typedef struct {
  const char *name;
  void (*add) (float *y, const float *x, size_t n);                                 /* y += x */
  void (*scale) (float *y, float factor, size_t n);                                 /* y *= factor */
  void (*add_scaled) (float *y, const float *x, float factor, size_t n);            /* y += factor * x */
  void (*rms_norm) (float *y, const float *x, const float *w, size_t n, float eps); /* y may be x */
  void (*l2_norm) (float *x, size_t n, float eps, float factor);             /* x = factor * x / sqrt (x.x + eps) */
  void (*silu_mul) (float *y, const float *gate, const float *up, size_t n); /* y = silu (gate) * up; y may be either */
  void (*sigmoid_mul) (float *y, const float *gate,
                       size_t n); /* y *= sigmoid (gate); NaN for a gate that is not finite */
  void (*gelu_bias) (float *y, const float *bias, size_t n); /* y = gelu (y + bias), by its tanh form */
  void (*gated_norm) (float *y, const float *x, const float *w, const float *z, size_t n, float eps);
  /* y = norm (x) * w * silu (z) */
  float (*max) (const float *x, size_t n);
  int (*is_finite) (const float *x, size_t n);      /* no element is infinite or no number */
  float (*exp_sum) (float *x, size_t n, float max); /* x = exp (x - max); returns the sum */

  /* y[i] = silu (sum_j taps[j * ld_taps + i] * rows[j][i]), i < n: one token of a causal convolution. kept becomes a copy
   * of the last row. y may be the last row, kept the first. */
  void (*conv_silu) (float *y, float *kept, const float *const *rows, size_t n_rows, const float *taps, size_t ld_taps,
                     size_t n);

  /* One token of the gated delta rule (engine/doc/qwen35.md §4.3, step 8): o = attention of q to the state that comes of it, r = the
   * correction that is to be written with k. */
  void (*delta_step) (float *o, float *r, const float *s, const QeWrites *writes, const float *q, const float *k,
                      const float *v, float beta, float decay, size_t dk, size_t dv);
  /* to = what s and the writes mean; may be s. */
  void (*delta_write) (float *to, const float *s, const QeWrites *writes, size_t dk, size_t dv);
  /* r = beta * (v - fade * p) */
  void (*delta_correct) (float *r, const float *v, const float *p, float beta, float fade, size_t dv);
  /* From products t [2n][n] of keys (first n rows) and queries with keys, and running sums g [n] of log decay, makes the
   * strictly lower a[t][s] = beta[t] (k_t.k_s) exp (g_t - g_s) and the lower (q_t.k_s) exp (g_t - g_s), in place. */
  void (*delta_mask) (float *t, const float *g, const float *beta, size_t n);
  /* r = (I + a)^-1 r by forward substitution; a [n][n] strictly lower, r [n][dv]. */
  void (*delta_solve) (float *r, const float *a, size_t n, size_t dv);

  QeRowOps rows[3]; /* by QeRowKind */
  /* One row w [n] of weights; u [n] is scratch. 0 if they are not finite. */
  int (*sketch_row) (QeSketchBlock *out, QeSketchRow *row, float *u, const float *w, const QeSketchColumns *columns,
                     size_t n);
  /* p [n] and the rest of QeSketchInput, of x [n]. */
  void (*sketch_input) (int8_t *p, QeSketchInput *out, const float *x, const QeSketchColumns *columns, size_t n);
  void (*rope) (float *x, const float *cosine, const float *sine, size_t n_pairs); /* pairs (i, i + n_pairs) */
} QeOps;

extern const QeOps qe_ops_generic;
#ifdef __x86_64__
extern const QeOps qe_ops_avx2, qe_ops_avx512;
#endif

const QeOps *qe_ops_get (void);
