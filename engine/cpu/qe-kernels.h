/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/qe-sketch.h"
#include "cpu/qe-x8.h"
#include "format/quant/qe-quant.h"

/* The table of everything that depends on the instruction set. Generic C fills every slot; each instruction set then
 * overwrites what it does faster. Chosen once, at first use.
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

typedef struct {
  const char *name;

  /* Activations: `columns` (a multiple of 32) values to blocks out[0], out[stride], …; the last one filled with 0. */
  void (*quantise_x8) (const float *x, size_t columns, QeX8 *out, size_t stride);
  /* From n_pairs times two blocks x[0], x[stride], … to out[0], out[stride], …; NULL: no kernel wants them. */
  void (*pair_x8) (const QeX8 *x, size_t n_pairs, QeX8Pair *out, size_t stride);
  QeDotFunc dot[QE_N_TYPES]; /* quantised formats: x8; F32, F16, BF16: x */
  QeTiling tiling[QE_N_TYPES];
  size_t tile_rows; /* 0: no tiles */
  void (*dequantise_f16) (const uint16_t *src, float *dst, size_t n);
  float (*dot_f32) (const float *a, const float *b, size_t n);
  QeSketchFunc sketch;
} QeKernels;

/* Bits of the processor's features, named after what the kernels need, not after the feature itself. */
typedef enum {
  QE_CPU_AVX2 = 1 << 0, /* with FMA and F16C */
  QE_CPU_AVX_VNNI = 1 << 1,
  QE_CPU_AVX512 = 1 << 2, /* F, BW, DQ, VL, VNNI */
  QE_CPU_NEON = 1 << 3,
  QE_CPU_DOTPROD = 1 << 4,
  QE_CPU_AVX512_VBMI = 1 << 5, /* and GFNI */
  QE_CPU_I8MM = 1 << 6,
} QeCpuFlags;

unsigned qe_cpu_flags (void); /* of this processor and system */

/* The kernels in use: those of the processor, lowered by QE_KERNELS (generic, avx2, avx-vnni, avx512-vnni,
 * avx512-vbmi, neon, neon-dotprod, neon-i8mm). Any thread. */
const QeKernels *qe_kernels (void);
/* Fills *k for given flags, for tests. */
void qe_kernels_init (QeKernels *k, unsigned flags);

void qe_kernels_init_generic (QeKernels *k);
void qe_kernels_init_sketch (QeKernels *k); /* generic */
void qe_kernels_init_avx2 (QeKernels *k);
void qe_kernels_init_avx_vnni (QeKernels *k);
void qe_kernels_init_avx512 (QeKernels *k);
void qe_kernels_init_avx512_vbmi (QeKernels *k);
void qe_kernels_init_neon (QeKernels *k);
void qe_kernels_init_dotprod (QeKernels *k);
void qe_kernels_init_i8mm (QeKernels *k);
