/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Two bf16 in each word: twice the products of an instruction. What is lost is at most 2^-9 of each query, key, value and weight,
 * less than the 8 bits of the activations around it lose. Sums stay in f32. */

#include "cpu/x86/qe-floats-avx512.h"

#define TOGETHER 2

static inline Vec
multiply_add (Vec sum, Vec x, const float *word)
{
  int32_t bits;
  memcpy (&bits, word, sizeof bits);
  return (Vec) _mm512_dpbf16_ps ((__m512) sum, (__m512bh) x, (__m512bh) _mm512_set1_epi32 (bits));
}

/* Columns 2j and 2j + 1 of one row to word j. */
static inline Vec
join_columns (const Vec v[TOGETHER])
{
  return (Vec) _mm512_cvtne2ps_pbh ((__m512) v[1], (__m512) v[0]);
}

/* Column j of two rows to word j. */
static inline Vec
join_rows (const Vec v[TOGETHER])
{
  const __m512i in_turn = _mm512_set_epi16 (31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return (Vec) _mm512_permutexvar_epi16 (in_turn, (__m512i) join_columns (v));
}

#define ATTEND_INIT qe_attend_init_avx512_bf16
#include "cpu/qe-attend-template.h"
