/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The formats of weights, every one of them once: all tables of the engine and of its tests are made from these lists. How to add
 * a format: engine/README.md. */

/* Formats of blocks: X (name, NAME, number, elements, bytes, is_signed, max_q, group, source)
 *   number           ggml's type number, as stored in files; ascending
 *   elements, bytes  of a block: QeBlockNAME
 *   is_signed …      the same weights as integers, as cpu/qe-kernels.h has them (QeW8): q is -128 … 127, or 0 … max_q; so many
 *                    weights (16 or 32) share a scale and a minimum
 *   source           BITS: every weight has its own bits; GRID: some bits are the index of an entry of four or eight weights in a
 *                    codebook
 * Functions are called after the format: qe_dequantise_NAME (), unpack_NAME (), and in cpu/x86 also q_NAME (), scales_NAME () and,
 * for GRID, grid_NAME (). */
#define QE_FORMATS(X)                                                                                                  \
  X (q4_0, Q4_0, 2, 32, 18, false, 15, 32, BITS)                                                                       \
  X (q4_1, Q4_1, 3, 32, 20, false, 15, 32, BITS)                                                                       \
  X (q5_0, Q5_0, 6, 32, 22, false, 31, 32, BITS)                                                                       \
  X (q5_1, Q5_1, 7, 32, 24, false, 31, 32, BITS)                                                                       \
  X (q8_0, Q8_0, 8, 32, 34, true, 127, 32, BITS)                                                                       \
  X (q2_k, Q2_K, 10, 256, 84, false, 3, 16, BITS)                                                                      \
  X (q3_k, Q3_K, 11, 256, 110, false, 7, 16, BITS)                                                                     \
  X (q4_k, Q4_K, 12, 256, 144, false, 15, 32, BITS)                                                                    \
  X (q5_k, Q5_K, 13, 256, 176, false, 31, 32, BITS)                                                                    \
  X (q6_k, Q6_K, 14, 256, 210, false, 63, 16, BITS)                                                                    \
  X (iq2_xxs, IQ2_XXS, 16, 256, 66, false, 107, 32, GRID)                                                              \
  X (iq2_xs, IQ2_XS, 17, 256, 74, false, 107, 16, GRID)                                                                \
  X (iq3_xxs, IQ3_XXS, 18, 256, 98, false, 126, 32, GRID)                                                              \
  X (iq1_s, IQ1_S, 19, 256, 50, false, 18, 32, GRID)                                                                   \
  X (iq4_nl, IQ4_NL, 20, 32, 18, true, 127, 32, BITS)                                                                  \
  X (iq3_s, IQ3_S, 21, 256, 110, false, 31, 32, GRID)                                                                  \
  X (iq2_s, IQ2_S, 22, 256, 82, false, 107, 16, GRID)                                                                  \
  X (iq4_xs, IQ4_XS, 23, 256, 136, true, 127, 32, BITS)                                                                \
  X (iq1_m, IQ1_M, 29, 256, 56, false, 18, 16, GRID)                                                                   \
  X (tq1_0, TQ1_0, 34, 256, 54, false, 2, 32, BITS)                                                                    \
  X (tq2_0, TQ2_0, 35, 256, 66, false, 3, 32, BITS)                                                                    \
  X (mxfp4, MXFP4, 39, 32, 17, false, 24, 32, BITS)                                                                    \
  X (nvfp4, NVFP4, 40, 64, 36, false, 24, 16, BITS)                                                                    \
  X (q1_0, Q1_0, 41, 128, 18, false, 1, 32, BITS)                                                                      \
  X (q2_0, Q2_0, 42, 64, 18, false, 3, 32, BITS)

/* Weights that are numbers as they stand: X (name, NAME, number, bytes) */
#define QE_NUMBER_FORMATS(X)                                                                                           \
  X (f32, F32, 0, 4)                                                                                                   \
  X (f16, F16, 1, 2)                                                                                                   \
  X (bf16, BF16, 30, 2)

/* Types that files may name and the engine does not run: X (NAME, number) */
#define QE_KNOWN_TYPES(X)                                                                                              \
  X (Q4_2, 4)                                                                                                          \
  X (Q4_3, 5)                                                                                                          \
  X (Q8_1, 9)                                                                                                          \
  X (Q8_K, 15)                                                                                                         \
  X (I8, 24)                                                                                                           \
  X (I16, 25)                                                                                                          \
  X (I32, 26)                                                                                                          \
  X (I64, 27)                                                                                                          \
  X (F64, 28)                                                                                                          \
  X (Q4_0_4_4, 31)                                                                                                     \
  X (Q4_0_4_8, 32)                                                                                                     \
  X (Q4_0_8_8, 33)                                                                                                     \
  X (IQ4_NL_4_4, 36)                                                                                                   \
  X (IQ4_NL_4_8, 37)                                                                                                   \
  X (IQ4_NL_8_8, 38)

/* What files call their mixture of formats, general.file_type as llama.cpp numbers it: X (number, name) */
#define QE_FILE_TYPES(X)                                                                                               \
  X (0, "F32")                                                                                                         \
  X (1, "F16")                                                                                                         \
  X (2, "Q4_0")                                                                                                        \
  X (3, "Q4_1")                                                                                                        \
  X (7, "Q8_0")                                                                                                        \
  X (8, "Q5_0")                                                                                                        \
  X (9, "Q5_1")                                                                                                        \
  X (10, "Q2_K")                                                                                                       \
  X (11, "Q3_K_S")                                                                                                     \
  X (12, "Q3_K_M")                                                                                                     \
  X (13, "Q3_K_L")                                                                                                     \
  X (14, "Q4_K_S")                                                                                                     \
  X (15, "Q4_K_M")                                                                                                     \
  X (16, "Q5_K_S")                                                                                                     \
  X (17, "Q5_K_M")                                                                                                     \
  X (18, "Q6_K")                                                                                                       \
  X (19, "IQ2_XXS")                                                                                                    \
  X (20, "IQ2_XS")                                                                                                     \
  X (21, "Q2_K_S")                                                                                                     \
  X (22, "IQ3_XS")                                                                                                     \
  X (23, "IQ3_XXS")                                                                                                    \
  X (24, "IQ1_S")                                                                                                      \
  X (25, "IQ4_NL")                                                                                                     \
  X (26, "IQ3_S")                                                                                                      \
  X (27, "IQ3_M")                                                                                                      \
  X (28, "IQ2_S")                                                                                                      \
  X (29, "IQ2_M")                                                                                                      \
  X (30, "IQ4_XS")                                                                                                     \
  X (31, "IQ1_M")                                                                                                      \
  X (32, "BF16")                                                                                                       \
  X (36, "TQ1_0")                                                                                                      \
  X (37, "TQ2_0")                                                                                                      \
  X (38, "MXFP4")                                                                                                      \
  X (39, "NVFP4")                                                                                                      \
  X (40, "Q1_0")

/* On-disk layouts of the blocks (little-endian, no padding). QE_K elements share one super-block. A `d` is the bits of a binary16
 * number. */

#define QE_K 256

typedef struct {
  uint16_t d;
  uint8_t qs[16];
} QeBlockQ4_0;
typedef struct {
  uint16_t d, m;
  uint8_t qs[16];
} QeBlockQ4_1;
typedef struct {
  uint16_t d;
  uint8_t qh[4], qs[16];
} QeBlockQ5_0;
typedef struct {
  uint16_t d, m;
  uint8_t qh[4], qs[16];
} QeBlockQ5_1;
typedef struct {
  uint16_t d;
  int8_t qs[32];
} QeBlockQ8_0;
typedef struct {
  uint8_t scales[16], qs[64];
  uint16_t d, dmin;
} QeBlockQ2_K;
typedef struct {
  uint8_t hmask[32], qs[64], scales[12];
  uint16_t d;
} QeBlockQ3_K;
typedef struct {
  uint16_t d, dmin;
  uint8_t scales[12], qs[128];
} QeBlockQ4_K;
typedef struct {
  uint16_t d, dmin;
  uint8_t scales[12], qh[32], qs[128];
} QeBlockQ5_K;
typedef struct {
  uint8_t ql[128], qh[64];
  int8_t scales[16];
  uint16_t d;
} QeBlockQ6_K;
typedef struct {
  uint16_t d;
  uint8_t qs[16];
} QeBlockIQ4_NL;
typedef struct {
  uint16_t d, scales_h;
  uint8_t scales_l[4], qs[128];
} QeBlockIQ4_XS;
typedef struct {
  uint16_t d, qs[32];
} QeBlockIQ2_XXS;
typedef struct {
  uint16_t d, qs[32];
  uint8_t scales[8];
} QeBlockIQ2_XS;
typedef struct {
  uint16_t d;
  uint8_t qs[32], signs[32], qh[8], scales[8];
} QeBlockIQ2_S;
typedef struct {
  uint16_t d;
  uint8_t qs[64], words[32];
} QeBlockIQ3_XXS;
typedef struct {
  uint16_t d;
  uint8_t qs[64], qh[8], signs[32], scales[4];
} QeBlockIQ3_S;
typedef struct {
  uint16_t d;
  uint8_t qs[32];
  uint16_t qh[8];
} QeBlockIQ1_S;
typedef struct {
  uint8_t qs[32], qh[16];
  uint16_t scales[4];
} QeBlockIQ1_M;
typedef struct {
  uint8_t e, qs[16];
} QeBlockMXFP4;
typedef struct {
  uint8_t d[4], qs[32];
} QeBlockNVFP4;
typedef struct {
  uint16_t d;
  uint8_t qs[16];
} QeBlockQ1_0;
typedef struct {
  uint16_t d;
  uint8_t qs[16];
} QeBlockQ2_0;
typedef struct {
  uint8_t qs[48], qh[4];
  uint16_t d;
} QeBlockTQ1_0;
typedef struct {
  uint8_t qs[64];
  uint16_t d;
} QeBlockTQ2_0;

#define QE_CHECK_BLOCK(name, NAME, number, elements, bytes, ...)                                                       \
  _Static_assert (sizeof (QeBlock##NAME) == (bytes), "on-disk layout");
QE_FORMATS (QE_CHECK_BLOCK)
#undef QE_CHECK_BLOCK
