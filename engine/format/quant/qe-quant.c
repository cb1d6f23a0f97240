/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The table of formats, and the formats that are numbers as they stand. */

#include "qe-quant-internal.h"

#include <math.h>

static void
dequantise_f32 (const void *src, float *dst, size_t n)
{
  memcpy (dst, src, n * sizeof *dst);
}

static void
dequantise_f16 (const void *src, float *dst, size_t n)
{
  const uint16_t *h = src;
  for (size_t i = 0; i < n; i++)
    dst[i] = qe_f16_to_f32 (h[i]);
}

static void
dequantise_bf16 (const void *src, float *dst, size_t n)
{
  const uint16_t *h = src;
  for (size_t i = 0; i < n; i++)
    dst[i] = qe_bf16_to_f32 (h[i]);
}

typedef struct {
  QeTypeTraits traits;
  QeDequantiseFunc dequantise; /* NULL where block_bytes is 0 */
} TypeEntry;

#define NUMBERS(name, NAME, number, bytes) [number] = { { #NAME, 1, bytes }, dequantise_##name },
#define BLOCKS(name, NAME, number, elements, bytes, ...)                                                               \
  [number] = { { #NAME, elements, bytes }, qe_dequantise_##name },
#define KNOWN(NAME, number) [number] = { { #NAME, 1, 0 }, NULL },
static const TypeEntry types[QE_N_TYPES] = { QE_NUMBER_FORMATS (NUMBERS) QE_FORMATS (BLOCKS) QE_KNOWN_TYPES (KNOWN) };
static const QeTypeTraits no_type = { NULL, 1, 0 };

const QeTypeTraits *
qe_type_traits (uint32_t type)
{
  return type < QE_N_TYPES ? &types[type].traits : &no_type;
}

static const struct {
  uint16_t first, last;
  const char *name, *program;
} types_of_others[] = {
  { 43, 47, "TurboQuant", "llama-cpp-turboquant" },
  { 100, 107, "ROCmFP", "ROCmFPX" },
  { 133, 133, "Q6_0", "ik_llama.cpp" },
  { 134, 134, "IQ1_BN", "ik_llama.cpp" },
  { 135, 135, "IQ2_BN", "ik_llama.cpp" },
  { 137, 137, "IQ2_K", "ik_llama.cpp" },
  { 138, 138, "IQ3_K", "ik_llama.cpp" },
  { 139, 139, "IQ4_K", "ik_llama.cpp" },
  { 140, 140, "IQ5_K", "ik_llama.cpp" },
  { 141, 141, "IQ6_K", "ik_llama.cpp" },
  { 142, 142, "PQ2_0", "PrismML" },
  { 143, 143, "PTQ1_0", "PrismML" },
  { 144, 144, "IQ4_KS", "ik_llama.cpp" },
  { 145, 145, "IQ2_KS", "ik_llama.cpp" },
  { 146, 146, "IQ4_KSS", "ik_llama.cpp" },
  { 151, 151, "Q8_KV", "ik_llama.cpp" },
  { 152, 152, "IQ5_KS", "ik_llama.cpp" },
  { 153, 153, "IQ2_KT", "ik_llama.cpp" },
  { 154, 154, "IQ3_KT", "ik_llama.cpp" },
  { 155, 155, "IQ4_KT", "ik_llama.cpp" },
  { 156, 156, "IQ3_KS", "ik_llama.cpp" },
  { 157, 157, "IQ2_KL", "ik_llama.cpp" },
  { 158, 158, "IQ1_KT", "ik_llama.cpp" },
  { 202, 399, "interleaved rows (R4, R8)", "ik_llama.cpp" },
};

const char *
qe_type_of_others (uint32_t type, const char **program)
{
  for (size_t i = 0; i < sizeof types_of_others / sizeof *types_of_others; i++)
    if (type >= types_of_others[i].first && type <= types_of_others[i].last) {
      *program = types_of_others[i].program;
      return types_of_others[i].name;
    }
  return NULL;
}

const char *
qe_file_type_name (uint32_t number)
{
#define NAME_OF(number, name) [number] = name,
  static const char *const names[] = { QE_FILE_TYPES (NAME_OF) };
  return number < sizeof names / sizeof *names ? names[number] : NULL;
}

void
qe_dequantise (QeType type, const void *src, float *dst, size_t n)
{
  if (type < QE_N_TYPES && types[type].dequantise)
    types[type].dequantise (src, dst, n);
}

void
qe_quantise (QeType type, const float *src, void *dst, size_t n)
{
  uint16_t *h = dst;
  switch ((int) type) {
  case QE_TYPE_F16:
    for (size_t i = 0; i < n; i++)
      h[i] = qe_f32_to_f16 (src[i]);
    break;
  case QE_TYPE_BF16:
    for (size_t i = 0; i < n; i++)
      h[i] = qe_f32_to_bf16 (src[i]);
    break;
  case QE_TYPE_Q8_0: {
    QeBlockQ8_0 *b = dst;
    for (; n >= 32; n -= 32, b++, src += 32) {
      uint32_t most = 0; /* bits of the largest magnitude: those of NaN and infinity are above those of all numbers */
      for (int j = 0; j < 32; j++) {
        const uint32_t bits = qe_f32_bits (src[j]) & 0x7fffffff;
        most = bits > most ? bits : most;
      }
      if (most >= 0x7f800000) {
        *b = (QeBlockQ8_0) { .d = 0x7e00 }; /* NaN, which 8 bits would hide */
        continue;
      }
      float d = qe_f32_from_bits (most) / 127.0f, id = d != 0 ? 1.0f / d : 0;
      b->d = qe_f32_to_f16 (d);
      for (int j = 0; j < 32; j++)
        b->qs[j] = (int8_t) roundf (src[j] * id);
    }
  } break;
  }
}
