/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model and a context hold in memory, from the numbers of a header: the same functions that allocate it, asked
 * for sizes. */
#include "context/qe-cache-memory.h"
#include "context/qe-checkpoints.h"
#include "context/qe-prediction.h"
#include "context/qe-rough.h"

/* Measured with tests/bench/bench-memory.c: what the program and its threads hold besides what is counted here. */
#define BASE_BYTES (UINT64_C (640) << 10)
#define THREAD_BYTES (UINT64_C (64) << 10)
#define TOKEN_BYTES 44 /* of the tokenizer's tables for each token, with its merges */

void
qe_plan_memory (const QeModelInfo *info, const QePlanParams *params, QeMemoryPlan *out)
{
  const unsigned n_threads = params->n_threads ? params->n_threads : qe_cpu_default_threads ();
  const bool with_sketch = params->sketch && info->sketch_bytes;
  const QeGraphParams graph = { n_threads, params->speculative };
  const bool with_mtp = params->speculative && info->n_mtp_layers;
  QeCache cache;
  QeConfig c = { /* the part of it that sizes depend on */
                 .moe = info->n_experts > 0,
                 .n_layers = info->n_layers,
                 .n_mtp = info->n_mtp_layers,
                 .n_embd = info->n_embd,
                 .n_ff = info->n_ff,
                 .n_heads = info->n_heads,
                 .n_kv_heads = info->n_kv_heads,
                 .head_size = info->head_size,
                 .rope_dims = info->head_size,
                 .n_key_heads = info->n_key_heads,
                 .n_value_heads = info->n_value_heads,
                 .state_size = info->state_size,
                 .conv_kernel = info->conv_kernel,
                 .n_experts = info->n_experts,
                 .n_experts_used = info->n_experts_used,
                 .n_ff_expert = info->n_ff_expert,
                 .n_ff_shared = info->n_ff_shared
  };
  for (uint32_t i = 0; i < info->n_layers - info->n_full_layers && i < QE_MAX_LAYERS; i++)
    c.recurrent[i] = true;
  qe_cache_measure (&cache, &c, params->n_ctx, params->kv_type, with_mtp);
  *out = (QeMemoryPlan) { 0 };
  out->weights = info->resident_bytes + (with_mtp ? info->mtp_bytes : 0) + (with_sketch ? info->sketch_bytes : 0);
  out->kv_cache = 2 * cache.kv_bytes + params->n_ctx * sizeof (uint64_t); /* an id for each row */
  out->recurrent_state = cache.recurrent_bytes;
  out->compute = BASE_BYTES + n_threads * THREAD_BYTES + qe_graph_bytes (&c, info->n_vocab, &graph, params->n_ctx)
                 + cache.writes_bytes + (with_sketch ? qe_rough_bytes (c.n_embd, info->n_vocab) : 0);
  if (with_mtp)
    out->compute += qe_prediction_bytes (c.n_embd, qe_graph_choose_batch_size (&c, params->n_ctx));
  out->checkpoints = qe_checkpoints_count (out->recurrent_state, info->n_vocab, params->checkpoint_bytes)
                     * (out->recurrent_state + info->n_vocab * sizeof (float));
  if (params->vision)
    out->vision = qe_vision_memory (params->vision, params->vision_pixels, n_threads);
  out->tokenizer = info->n_vocab * (uint64_t) TOKEN_BYTES
                   + (info->file_bytes - info->tensor_bytes - info->foreign_bytes);
  out->total = out->weights + out->kv_cache + out->recurrent_state + out->compute + out->checkpoints + out->vision
               + out->tokenizer;
}

uint32_t
qe_plan_largest_context (const QeModelInfo *info, const QePlanParams *params, uint64_t available)
{
  uint32_t low = 0, high = info->n_ctx_train / 256; /* in units of 256 rows; `low` fits */
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    QePlanParams p = *params;
    QeMemoryPlan plan;
    p.n_ctx = middle * 256;
    qe_plan_memory (info, &p, &plan);
    if (plan.total <= available)
      low = middle;
    else
      high = middle - 1;
  }
  return low * 256;
}
