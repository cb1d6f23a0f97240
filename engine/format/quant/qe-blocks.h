/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

/* On-disk layouts of the block formats (little-endian, no padding). QE_K elements share one super-block. A `d` is the
 * bits of a binary16 number. */

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

#define QE_BLOCK_SIZE(Type, bytes) _Static_assert (sizeof (Type) == (bytes), "on-disk layout")
QE_BLOCK_SIZE (QeBlockQ4_0, 18);
QE_BLOCK_SIZE (QeBlockQ4_1, 20);
QE_BLOCK_SIZE (QeBlockQ5_0, 22);
QE_BLOCK_SIZE (QeBlockQ5_1, 24);
QE_BLOCK_SIZE (QeBlockQ8_0, 34);
QE_BLOCK_SIZE (QeBlockQ2_K, 84);
QE_BLOCK_SIZE (QeBlockQ3_K, 110);
QE_BLOCK_SIZE (QeBlockQ4_K, 144);
QE_BLOCK_SIZE (QeBlockQ5_K, 176);
QE_BLOCK_SIZE (QeBlockQ6_K, 210);
QE_BLOCK_SIZE (QeBlockIQ4_NL, 18);
QE_BLOCK_SIZE (QeBlockIQ4_XS, 136);
QE_BLOCK_SIZE (QeBlockIQ2_XXS, 66);
QE_BLOCK_SIZE (QeBlockIQ2_XS, 74);
QE_BLOCK_SIZE (QeBlockIQ2_S, 82);
QE_BLOCK_SIZE (QeBlockIQ3_XXS, 98);
QE_BLOCK_SIZE (QeBlockIQ3_S, 110);
QE_BLOCK_SIZE (QeBlockIQ1_S, 50);
QE_BLOCK_SIZE (QeBlockIQ1_M, 56);
QE_BLOCK_SIZE (QeBlockMXFP4, 17);
QE_BLOCK_SIZE (QeBlockNVFP4, 36); /* 64 weights */
QE_BLOCK_SIZE (QeBlockQ1_0, 18);  /* 128 */
QE_BLOCK_SIZE (QeBlockQ2_0, 18);  /* 64 */
QE_BLOCK_SIZE (QeBlockTQ1_0, 54);
QE_BLOCK_SIZE (QeBlockTQ2_0, 66);
