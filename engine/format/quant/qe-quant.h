/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Block formats of GGUF: layouts, sizes, dequantisation. Formulas: engine/doc/qwen35.md §3. */

typedef enum { /* ggml's type numbers, as stored in files */
               QE_TYPE_F32 = 0,
               QE_TYPE_F16 = 1,
               QE_TYPE_Q4_0 = 2,
               QE_TYPE_Q4_1 = 3,
               QE_TYPE_Q5_0 = 6,
               QE_TYPE_Q5_1 = 7,
               QE_TYPE_Q8_0 = 8,
               QE_TYPE_Q2_K = 10,
               QE_TYPE_Q3_K = 11,
               QE_TYPE_Q4_K = 12,
               QE_TYPE_Q5_K = 13,
               QE_TYPE_Q6_K = 14,
               QE_TYPE_IQ2_XXS = 16,
               QE_TYPE_IQ2_XS = 17,
               QE_TYPE_IQ3_XXS = 18,
               QE_TYPE_IQ1_S = 19,
               QE_TYPE_IQ4_NL = 20,
               QE_TYPE_IQ3_S = 21,
               QE_TYPE_IQ2_S = 22,
               QE_TYPE_IQ4_XS = 23,
               QE_TYPE_I8 = 24,
               QE_TYPE_I16 = 25,
               QE_TYPE_I32 = 26,
               QE_TYPE_I64 = 27,
               QE_TYPE_F64 = 28,
               QE_TYPE_IQ1_M = 29,
               QE_TYPE_BF16 = 30,
               QE_TYPE_TQ1_0 = 34,
               QE_TYPE_TQ2_0 = 35,
               QE_TYPE_MXFP4 = 39,
               QE_TYPE_NVFP4 = 40,
               QE_TYPE_Q1_0 = 41,
               QE_TYPE_Q2_0 = 42,
} QeType;

typedef struct {
  const char *name; /* "Q4_K"; NULL for numbers that no type has */
  uint32_t block_elements;
  uint32_t block_bytes; /* 0: known by name, but not run by this engine (say so when opening a file) */
} QeTypeTraits;

const QeTypeTraits *qe_type_traits (uint32_t type); /* never NULL */
static inline size_t
qe_row_bytes (const QeTypeTraits *t, uint64_t n)
{
  return n / t->block_elements * t->block_bytes;
}

/* What another program means by a type number that qe_type_traits() does not know. *program: whose it is; of a family whose
 * members are not told apart the name is the family's. NULL when nobody is known to use the number. */
const char *qe_type_of_others (uint32_t type, const char **program);

/* n elements (a multiple of the block) of a row to f32. Bit for bit what ggml's reference gives. */
void qe_dequantise (QeType type, const void *src, float *dst, size_t n);
/* The other way, for the KV cache and for tests: F16, BF16 and Q8_0 only. */
void qe_quantise (QeType type, const float *src, void *dst, size_t n);
