/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/qe-sketch.h"
#include "cpu/qe-x8.h"
#include "format/quant/qe-quant.h"
#include "qe.h"

/* The table of everything that depends on the instruction set: products with weights, attention over the cache, the delta rule,
 * norms and gates. Plain C fills every slot, then each instruction set that the processor has overwrites what it does faster
 * (qe-kernels.c). Chosen once, at first use. Nothing in it allocates.
 *
 * Products with quantised weights are made of integers. Both sides are brought into one form, whatever the block format:
 *
 *   weights, 256 at a time      w[c] = a[c/16] * q[c] - b[c/16]      q: 8 bits, a and b: f32   (QeW8)
 *   activations, 256 at a time  x[c] = d[c/32] * p[c]                p: -127 … 127, d: f32     (QeX8)
 *
 *   sum_c w[c] x[c]  =  sum over groups g of  a[g] * d[g] * (sum of q*p in g)  -  b[g] * s[g],    s[g] = sum of x in g
 *
 * Formats with a scale for each 32 weights have equal neighbours in a and b. */

/* So many tokens together give the same results bit for bit as each alone: dot[] keeps them apart. Drafts rely on it. */
#define QE_TOKENS_APART 8

typedef struct {
  _Alignas (64) int8_t q[QE_X8];
  float a[16], b[16];
} QeW8;

/* Of each format, for code that is made for one: bytes of 256 weights, and weights that share a and b. */
#define QE_CONSTANTS(name, NAME, number, elements, bytes, is_signed, max_q, group, source)                             \
  QE_BYTES_##NAME = QE_X8 / (elements) * (bytes), QE_GROUP_##NAME = group,
enum { QE_FORMATS (QE_CONSTANTS) };
#undef QE_CONSTANTS

/* The next n (a multiple of 32, at most 256) weights of a row; the rest of *out becomes zero. */
typedef void (*QeUnpackFunc) (const void *src, size_t n, QeW8 *out);

typedef struct {
  QeUnpackFunc unpack; /* NULL: not an integer format */
  bool is_signed;      /* q is -128 … 127; otherwise 0 … max_q */
  uint8_t max_q;
  uint8_t group; /* weights that share a and b: 16 or 32 */
} QeW8Format;

const QeW8Format *qe_w8_format (QeType type); /* never NULL */

/* Rows of weights times a few tokens: y[t * ldy + r] = sum_c w[r][c] x[t][c] for r < n_rows, t < n_tokens. */
typedef struct {
  const void *w;
  size_t row_bytes, n_rows, columns, n_tokens;
  const QeX8 *x8;           /* block k of token t: x8[k * ldx8 + t]; integer kernels */
  const QeX8Pair *x8_pairs; /* blocks 2k and 2k + 1: x8_pairs[k * ldx8 + t]; only with QeKernels.pair_x8 */
  size_t ldx8;
  const float *x; /* [n_tokens][ldx]; float kernels */
  size_t ldx;
  float *y;
  size_t ldy;
} QeDotArgs;
typedef void (*QeDotFunc) (const QeDotArgs *args);

/* Many tokens: `tile_rows` rows of weights are unpacked into a panel in the order that tile() reads, 256 columns at a
 * time, and multiplied with all tokens. n_rows <= tile_rows; rows beyond it are zero in the panel and not written. */
typedef void (*QePackFunc) (const void *w, size_t row_bytes, size_t n_rows, size_t n_columns, void *panel);
typedef struct {
  const void *panel; /* n_blocks blocks */
  size_t n_blocks, n_rows, n_tokens;
  const QeX8 *x8; /* block k of token t: x8[k * ldx8 + t] */
  size_t ldx8;
  float *y; /* y[t * ldy + r] */
  size_t ldy;
  bool add; /* to what y holds; otherwise y is written */
} QeTileArgs;
typedef void (*QeTileFunc) (const QeTileArgs *args);

/* A format's way through the tiles; pack NULL: none. */
typedef struct {
  QePackFunc pack;
  QeTileFunc tile;
  size_t block_bytes; /* of a panel, for each 256 columns */
  size_t min_tokens;  /* from so many on, this is the faster way; above QE_TOKENS_APART */
} QeTiling;

/* Attention over the rows of a cache that are stored in one format. Sizes of heads (d) are multiples of 16. */
typedef struct {
  /* products[h][p] = factor * q[h].k[p] for heads h < n_heads that share keys, rows p < n. */
  void (*dot_keys) (float *products, size_t ld_products, const float *q, size_t ld_q, size_t n_heads, const void *k,
                    size_t n, size_t d, float factor);
  /* o[h] = sum_p weights[h][p] * v[p] */
  void (*mix_values) (float *o, size_t ld_o, const float *weights, size_t ld_weights, size_t n_heads, const void *v,
                      size_t n, size_t d);
  void (*widen) (float *y, const void *x, size_t n); /* to f32 */
} QeAttentionKernels;

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

typedef struct {
  const char *name; /* of the newest instruction set that products use */

  /* ---- products with weights ---- */

  /* Activations: `columns` (a multiple of 32) values to blocks out[0], out[stride], …; the last one filled with 0. */
  void (*quantise_x8) (const float *x, size_t columns, QeX8 *out, size_t stride);
  /* From n_pairs times two blocks x[0], x[stride], … to out[0], out[stride], …; NULL: no kernel wants them. */
  void (*pair_x8) (const QeX8 *x, size_t n_pairs, QeX8Pair *out, size_t stride);
  QeDotFunc dot[QE_N_TYPES]; /* quantised formats: x8; F32, F16, BF16: x */
  QeTiling tiling[QE_N_TYPES];
  size_t tile_rows; /* 0: no tiles */
  void (*dequantise_f16) (const uint16_t *src, float *dst, size_t n);
  float (*dot_f32) (const float *a, const float *b, size_t n);

  /* ---- sketches of weights ---- */

  QeSketchFunc sketch;
  /* One row w [n] of weights; u [n] is scratch. 0 if they are not finite. */
  int (*sketch_row) (QeSketchBlock *out, QeSketchRow *row, float *u, const float *w, const QeSketchColumns *columns,
                     size_t n);
  /* p [n] and the rest of QeSketchInput, of x [n]. */
  void (*sketch_input) (int8_t *p, QeSketchInput *out, const float *x, const QeSketchColumns *columns, size_t n);

  /* ---- attention ---- */

  QeAttentionKernels attention[3]; /* by QeKvType */

  /* ---- DeltaNet; sizes of heads (dk, dv) are multiples of 16 ---- */

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

  /* ---- vectors of any length ---- */

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
  /* In double precision, with a = p - max_p and b = q - max_q: the sums of e^a, of e^b and of e^a (a - b). */
  void (*compare_rows) (const float *p, const float *q, size_t n, float max_p, float max_q, double sums[3]);
  void (*rope) (float *x, const float *cosine, const float *sine, size_t n_pairs); /* pairs (i, i + n_pairs) */
} QeKernels;

/* What the processor has and the system saves at a thread switch. */
typedef enum {
  QE_CPU_AVX2 = 1 << 0, /* with FMA and F16C */
  QE_CPU_AVX_VNNI = 1 << 1,
  QE_CPU_AVX512 = 1 << 2, /* F, BW, DQ, VL */
  QE_CPU_AVX512_VNNI = 1 << 3,
  QE_CPU_AVX512_VBMI = 1 << 4, /* and GFNI */
  QE_CPU_NEON = 1 << 5,
  QE_CPU_DOTPROD = 1 << 6,
  QE_CPU_I8MM = 1 << 7,
} QeCpuFlags;

unsigned qe_cpu_flags (void); /* of this processor and system */

/* The kernels in use: those of the processor, lowered by QE_KERNELS (generic, avx2, avx-vnni, avx512-vnni,
 * avx512-vbmi, neon, neon-dotprod, neon-i8mm; another value lowers nothing). Any thread. */
const QeKernels *qe_kernels (void);
/* Fills *k for given flags, for tests. */
void qe_kernels_init (QeKernels *k, unsigned flags);

/* What qe_kernels_init() calls: task and instruction set, as files are named. Each fills its task's slots. */
typedef void QeKernelsInit (QeKernels *k);
extern QeKernelsInit qe_quantise_init_generic, qe_dot_init_generic, qe_dot_float_init_generic, qe_sketch_init_generic,
    qe_sketch_make_init_generic, qe_attention_init_generic, qe_delta_init_generic, qe_vector_init_generic;
extern QeKernelsInit qe_quantise_init_avx2, qe_dot_init_avx2, qe_tile_init_avx2, qe_stream_init_avx2,
    qe_dot_float_init_avx2, qe_sketch_init_avx2, qe_sketch_make_init_avx2, qe_attention_init_avx2, qe_delta_init_avx2,
    qe_vector_init_avx2;
extern QeKernelsInit qe_dot_init_avx_vnni, qe_tile_init_avx_vnni, qe_sketch_init_avx_vnni;
extern QeKernelsInit qe_sketch_make_init_avx512, qe_attention_init_avx512, qe_delta_init_avx512, qe_vector_init_avx512;
extern QeKernelsInit qe_quantise_init_avx512_vnni, qe_dot_init_avx512_vnni, qe_tile_init_avx512_vnni,
    qe_stream_init_avx512_vnni, qe_sketch_init_avx512_vnni;
extern QeKernelsInit qe_dot_init_avx512_vbmi, qe_tile_init_avx512_vbmi, qe_stream_init_avx512_vbmi;
extern QeKernelsInit qe_quantise_init_neon, qe_dot_init_neon, qe_tile_init_neon, qe_dot_float_init_neon,
    qe_sketch_init_neon;
extern QeKernelsInit qe_dot_init_dotprod, qe_tile_init_dotprod, qe_sketch_init_dotprod;
extern QeKernelsInit qe_tile_init_i8mm;
