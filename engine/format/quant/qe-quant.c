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

#define KNOWN(name) { { name, 1, 0 }, NULL }
static const TypeEntry types[] = {
  [QE_TYPE_F32] = { { "F32", 1, 4 }, dequantise_f32 },
  [QE_TYPE_F16] = { { "F16", 1, 2 }, dequantise_f16 },
  [QE_TYPE_Q4_0] = { { "Q4_0", 32, sizeof (QeBlockQ4_0) }, qe_dequantise_q4_0 },
  [QE_TYPE_Q4_1] = { { "Q4_1", 32, sizeof (QeBlockQ4_1) }, qe_dequantise_q4_1 },
  [4] = KNOWN ("Q4_2"),
  [5] = KNOWN ("Q4_3"),
  [QE_TYPE_Q5_0] = { { "Q5_0", 32, sizeof (QeBlockQ5_0) }, qe_dequantise_q5_0 },
  [QE_TYPE_Q5_1] = { { "Q5_1", 32, sizeof (QeBlockQ5_1) }, qe_dequantise_q5_1 },
  [QE_TYPE_Q8_0] = { { "Q8_0", 32, sizeof (QeBlockQ8_0) }, qe_dequantise_q8_0 },
  [9] = KNOWN ("Q8_1"),
  [QE_TYPE_Q2_K] = { { "Q2_K", QE_K, sizeof (QeBlockQ2_K) }, qe_dequantise_q2_k },
  [QE_TYPE_Q3_K] = { { "Q3_K", QE_K, sizeof (QeBlockQ3_K) }, qe_dequantise_q3_k },
  [QE_TYPE_Q4_K] = { { "Q4_K", QE_K, sizeof (QeBlockQ4_K) }, qe_dequantise_q4_k },
  [QE_TYPE_Q5_K] = { { "Q5_K", QE_K, sizeof (QeBlockQ5_K) }, qe_dequantise_q5_k },
  [QE_TYPE_Q6_K] = { { "Q6_K", QE_K, sizeof (QeBlockQ6_K) }, qe_dequantise_q6_k },
  [15] = KNOWN ("Q8_K"),
  [QE_TYPE_IQ2_XXS] = { { "IQ2_XXS", QE_K, sizeof (QeBlockIQ2_XXS) }, qe_dequantise_iq2_xxs },
  [QE_TYPE_IQ2_XS] = { { "IQ2_XS", QE_K, sizeof (QeBlockIQ2_XS) }, qe_dequantise_iq2_xs },
  [QE_TYPE_IQ3_XXS] = { { "IQ3_XXS", QE_K, sizeof (QeBlockIQ3_XXS) }, qe_dequantise_iq3_xxs },
  [QE_TYPE_IQ1_S] = { { "IQ1_S", QE_K, sizeof (QeBlockIQ1_S) }, qe_dequantise_iq1_s },
  [QE_TYPE_IQ4_NL] = { { "IQ4_NL", 32, sizeof (QeBlockIQ4_NL) }, qe_dequantise_iq4_nl },
  [QE_TYPE_IQ3_S] = { { "IQ3_S", QE_K, sizeof (QeBlockIQ3_S) }, qe_dequantise_iq3_s },
  [QE_TYPE_IQ2_S] = { { "IQ2_S", QE_K, sizeof (QeBlockIQ2_S) }, qe_dequantise_iq2_s },
  [QE_TYPE_IQ4_XS] = { { "IQ4_XS", QE_K, sizeof (QeBlockIQ4_XS) }, qe_dequantise_iq4_xs },
  [QE_TYPE_I8] = KNOWN ("I8"),
  [QE_TYPE_I16] = KNOWN ("I16"),
  [QE_TYPE_I32] = KNOWN ("I32"),
  [QE_TYPE_I64] = KNOWN ("I64"),
  [QE_TYPE_F64] = KNOWN ("F64"),
  [QE_TYPE_IQ1_M] = { { "IQ1_M", QE_K, sizeof (QeBlockIQ1_M) }, qe_dequantise_iq1_m },
  [QE_TYPE_BF16] = { { "BF16", 1, 2 }, dequantise_bf16 },
  [31] = KNOWN ("Q4_0_4_4"),
  [32] = KNOWN ("Q4_0_4_8"),
  [33] = KNOWN ("Q4_0_8_8"),
  [QE_TYPE_TQ1_0] = { { "TQ1_0", QE_K, sizeof (QeBlockTQ1_0) }, qe_dequantise_tq1_0 },
  [QE_TYPE_TQ2_0] = { { "TQ2_0", QE_K, sizeof (QeBlockTQ2_0) }, qe_dequantise_tq2_0 },
  [36] = KNOWN ("IQ4_NL_4_4"),
  [37] = KNOWN ("IQ4_NL_4_8"),
  [38] = KNOWN ("IQ4_NL_8_8"),
  [QE_TYPE_MXFP4] = { { "MXFP4", 32, sizeof (QeBlockMXFP4) }, qe_dequantise_mxfp4 },
  [QE_TYPE_NVFP4] = { { "NVFP4", 64, sizeof (QeBlockNVFP4) }, qe_dequantise_nvfp4 },
  [QE_TYPE_Q1_0] = { { "Q1_0", 128, sizeof (QeBlockQ1_0) }, qe_dequantise_q1_0 },
  [QE_TYPE_Q2_0] = { { "Q2_0", 64, sizeof (QeBlockQ2_0) }, qe_dequantise_q2_0 },
};
static const QeTypeTraits no_type = { NULL, 1, 0 };
#define N_TYPES (sizeof types / sizeof *types)

const QeTypeTraits *
qe_type_traits (uint32_t type)
{
  return type < N_TYPES ? &types[type].traits : &no_type;
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

void
qe_dequantise (QeType type, const void *src, float *dst, size_t n)
{
  if (type < N_TYPES && types[type].dequantise)
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
