/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Attention over the cache, for each format in which rows are stored. */

#include "cpu/qe-kv-rows.h"

#define STORED(name) name##_f32
#define ROW_BYTES(n) ((n) * sizeof (float))
#define LOAD_ROW(row, i) load_row_f32 (row, i)
#include "cpu/qe-attention-rows-template.h"

#define STORED(name) name##_f16
#define ROW_BYTES(n) ((n) * 2)
#define LOAD_ROW(row, i) load_row_f16 (row, i)
#include "cpu/qe-attention-rows-template.h"

#define STORED(name) name##_q8
#define ROW_BYTES(n) ((n) / Q8_BLOCK * Q8_BYTES)
#define LOAD_ROW(row, i) load_row_q8 (row, i)
#include "cpu/qe-attention-rows-template.h"

void
ATTENTION_INIT (QeKernels *k)
{
  k->attention[QE_KV_F16] = (QeAttentionKernels) { dot_keys_f16, mix_values_f16 };
  k->attention[QE_KV_Q8_0] = (QeAttentionKernels) { dot_keys_q8, mix_values_q8 };
  k->attention[QE_KV_F32] = (QeAttentionKernels) { dot_keys_f32, mix_values_f32 };
}
