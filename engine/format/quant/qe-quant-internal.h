/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe-half.h"
#include "qe-quant.h"

/* One function per format: n elements (a multiple of the block) from src to dst. */
typedef void (*QeDequantiseFunc) (const void *src, float *dst, size_t n);

#define QE_DECLARE(name, ...) void qe_dequantise_##name (const void *src, float *dst, size_t n);
QE_FORMATS (QE_DECLARE)
#undef QE_DECLARE

/* Values of the 4-bit codes. */
extern const int8_t qe_iq4_values[16];  /* IQ4_NL, IQ4_XS */
extern const int8_t qe_e2m1_values[16]; /* MXFP4, NVFP4: twice the value of E2M1 */

/* Codebooks (iq_grids/, generated into C at build time): byte b of a word is element b of the entry. */
extern const uint64_t qe_iq2xxs_grid[256];
extern const uint64_t qe_iq2xs_grid[512];
extern const uint64_t qe_iq2s_grid[1024];
extern const uint32_t qe_iq3xxs_grid[256];
extern const uint32_t qe_iq3s_grid[512];
extern const uint64_t qe_iq1s_grid[2048];
/* Those of IQ3 once more, as numbers of the values in rising order: elements 0 and 1 of an entry in the nibbles of [0],
 * 2 and 3 in those of [1]. */
extern const uint8_t qe_iq3xxs_codes[2][256];
extern const uint8_t qe_iq3s_codes[2][512];

/* Sub-block s (of 8) of Q4_K and Q5_K: 6-bit scale and minimum, packed into 12 bytes. */
static inline void
qe_k4_scale (const uint8_t b[12], int s, uint8_t *scale, uint8_t *min)
{
  if (s < 4) {
    *scale = b[s] & 63;
    *min = b[s + 4] & 63;
  } else {
    *scale = (b[s + 4] & 15) | (uint8_t) ((b[s - 4] >> 6) << 4);
    *min = (b[s + 4] >> 4) | (uint8_t) ((b[s] >> 6) << 4);
  }
}

/* Scale i (of 16) of Q3_K, already centred: -32 … 31. */
static inline int
qe_q3_k_scale (const uint8_t b[12], int i)
{
  int low = i < 8 ? b[i] & 15 : b[i - 8] >> 4;
  int high = (b[8 + (i & 3)] >> (2 * (i >> 2))) & 3;
  return (low | high << 4) - 32;
}

/* Scale of sub-block s (of 8) of IQ4_XS, centred. */
static inline int
qe_iq4_xs_scale (const QeBlockIQ4_XS *b, int s)
{
  int low = (b->scales_l[s / 2] >> (4 * (s & 1))) & 15;
  int high = (b->scales_h >> (2 * s)) & 3;
  return (low | high << 4) - 32;
}

/* 7-bit sign index to 8 signs: the eighth makes the number of minus signs even. */
static inline uint8_t
qe_iq_signs (unsigned index)
{
  return (uint8_t) (index | (unsigned) __builtin_parity (index) << 7);
}

/* 2^(e-128), half the value of an E8M0 scale; subnormal for e < 2. */
static inline float
qe_e8m0_scale (uint8_t e)
{
  return qe_f32_from_bits (e < 2 ? 0x00200000u << e : (uint32_t) (e - 1) << 23);
}

/* The binary16 scale of IQ1_M: its nibbles are the top nibbles of the four scale words. */
static inline uint16_t
qe_iq1_m_d (const uint16_t sc[4])
{
  return (uint16_t) (sc[0] >> 12 | (sc[1] >> 8 & 0xf0) | (sc[2] >> 4 & 0xf00) | (sc[3] & 0xf000));
}

/* Half the value of an UE4M3 scale: four bits of exponent, three of mantissa; subnormal without an exponent, NaN counts as
 * nothing. */
static inline float
qe_nvfp4_scale (uint8_t e)
{
  return e == 0x7f ? 0 : qe_f16_to_f32 ((uint16_t) ((e & 0x7f) << 7)) * 128; /* the bias of binary16 is 8 more */
}

/* Digit number `digit`, from the front, of a number in base 3: 0 … 2. A byte is the fraction of 256 that the digits are of a
 * power of 3, so a digit is what a product with 3 carries over. */
static inline uint8_t
qe_tq1_0_trit (uint8_t byte, int digit)
{
  static const uint8_t powers[] = { 1, 3, 9, 27, 81 };
  return (uint8_t) ((uint8_t) (byte * powers[digit]) * 3 >> 8);
}
