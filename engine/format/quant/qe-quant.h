/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/quant/qe-formats.h"

/* Block formats of GGUF: layouts, sizes, dequantisation. Formulas: engine/doc/qwen35.md §3. */

/* ggml's type numbers, as stored in files. */
#define QE_NUMBER_TYPE(name, NAME, number, ...) QE_TYPE_##NAME = number,
#define QE_KNOWN_TYPE(NAME, number) QE_TYPE_##NAME = number,
typedef enum {
  QE_NUMBER_FORMATS (QE_NUMBER_TYPE) QE_KNOWN_TYPES (QE_KNOWN_TYPE) QE_FORMATS (QE_NUMBER_TYPE)
      QE_N_TYPES, /* above the largest, which is the last of QE_FORMATS */
} QeType;
#undef QE_NUMBER_TYPE
#undef QE_KNOWN_TYPE

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

/* The name of a mixture of formats ("Q4_K_M") by its number in general.file_type; NULL if nobody is known to use the number. */
const char *qe_file_type_name (uint32_t number);

/* n elements (a multiple of the block) of a row to f32. Bit for bit what ggml's reference gives. */
void qe_dequantise (QeType type, const void *src, float *dst, size_t n);
/* The other way, for the KV cache and for tests: F16, BF16 and Q8_0 only. */
void qe_quantise (QeType type, const float *src, void *dst, size_t n);
