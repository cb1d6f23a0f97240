/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How integer products in 256-bit registers read a format, for AVX2 and, with QE_VNNI 1, for AVX-VNNI, whose vpdpbusd multiplies
 * and adds four bytes a lane at once. Plain AVX2 makes do with vpmaddubsw, which adds pairs into 16 bits and saturates: unsigned
 * weights up to 126 are safe with activations of ±127; for signed ones the sign moves to the activation. */

#include "cpu/x86/qe-grids-256.h"

typedef __m256i (*Bytes256) (const void *src, int i);
typedef Scales256 (*Scale256) (const void *src);
typedef void (*Prepare256) (const void *src, Grid *g);

/* How to read a format; every use is inlined with constants. */
typedef struct {
  Bytes256 q;
  Scale256 scales;
  QeType type;
  size_t bytes; /* of 256 weights */
  int group;
  bool is_signed;
  int max_q;
  Prepare256 prepare; /* NULL, or: q reads what this one made of the block */
} Format256;

/* Formats of codebooks are prepared, others read as they are. */
#define PREPARE_BITS(name) NULL
#define PREPARE_GRID(name) grid_##name

#define FORMAT_256(name, NAME, number, elements, bytes, is_signed, max_q, group, source)                               \
  static const Format256 format_##name = {                                                                             \
    q_##name, scales_##name, QE_TYPE_##NAME, QE_BYTES_##NAME, group, is_signed, max_q, PREPARE_##source (name),        \
  };
QE_FORMATS (FORMAT_256)

/* Products of 32 weights and activations as 16 sums of 2, without VNNI. */
QE_INLINE __m256i
pairs32 (__m256i q, __m256i p, const bool is_signed)
{
  if (is_signed) {
    p = _mm256_sign_epi8 (p, q);
    q = _mm256_sign_epi8 (q, q); /* -128 stays, which is 128 without sign */
  }
  return _mm256_maddubs_epi16 (q, p);
}

/* The same as 8 sums of 4. */
QE_INLINE __m256i
dot32 (__m256i q, __m256i p, const bool is_signed)
{
#if QE_VNNI
  if (is_signed) /* lifted by 128, which min_of() takes back */
    q = _mm256_xor_si256 (q, _mm256_set1_epi8 (-128));
  return _mm256_dpbusd_avx_epi32 (_mm256_setzero_si256 (), q, p);
#else
  return _mm256_madd_epi16 (pairs32 (q, p, is_signed), _mm256_set1_epi16 (1));
#endif
}

QE_INLINE __m256
min_of (__m256 a, __m256 b, const bool is_signed)
{
  return QE_VNNI && is_signed ? _mm256_fmadd_ps (a, _mm256_set1_ps (128), b) : b;
}
