/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory plan: tests/bench/bench-memory.c holds it against measured peaks; here, that it behaves. */
#include "qe-test.h"

/* The published 4B, as a header would tell it. */
static QeModelInfo
four_billion (void)
{
  return (QeModelInfo) {
    .architecture = "qwen35",
    .parameters = 4206000000,
    .file_bytes = 2653000000,
    .tensor_bytes = 2640000000,
    .resident_bytes = 2640000000,
    .n_parts = 1,
    .n_layers = 32,
    .n_full_layers = 8,
    .n_embd = 2560,
    .n_ff = 9216,
    .n_vocab = 248320,
    .n_ctx_train = 262144,
    .n_heads = 16,
    .n_kv_heads = 4,
    .head_size = 256,
    .n_key_heads = 16,
    .n_value_heads = 32,
    .state_size = 128,
    .conv_kernel = 4,
  };
}

static QeMemoryPlan
plan (QePlanParams params)
{
  const QeModelInfo info = four_billion ();
  QeMemoryPlan out;

  if (params.n_threads == 0)
    params.n_threads = 2;
  qe_plan_memory (&info, &params, &out);
  QE_CHECK_INT (out.total, ==,
                out.weights + out.kv_cache + out.recurrent_state + out.compute + out.checkpoints + out.vision
                    + out.tokenizer);
  return out;
}

/* Figures of the reference's section 5: 128 MiB of keys and values at 4096 tokens, 50.2 MiB of state. */
QE_TEST (parts)
{
  const QeMemoryPlan p = plan ((QePlanParams) { .n_ctx = 4096 });

  QE_CHECK_FLOAT ((double) p.kv_cache / (1 << 20), 128, 0.1);
  QE_CHECK_FLOAT ((double) p.recurrent_state / (1 << 20), 50.25, 0.1);
  QE_CHECK_INT (p.weights, ==, 2640000000);
  QE_CHECK_INT (p.vision, ==, 0);
  QE_CHECK (p.checkpoints >= 4 * p.recurrent_state && p.checkpoints < 5 * p.recurrent_state);
}

QE_TEST (settings)
{
  const QeMemoryPlan p = plan ((QePlanParams) { .n_ctx = 8192 });

  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .kv_type = QE_KV_Q8_0 }).kv_cache, <, p.kv_cache * 54 / 100);
  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .kv_type = QE_KV_F32 }).kv_cache, >, p.kv_cache * 19 / 10);
  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .checkpoint_bytes = UINT64_MAX }).checkpoints, ==, 0);
  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .checkpoint_bytes = 120 << 20 }).checkpoints, <=, 120 << 20);
  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .n_threads = 16 }).compute, >, p.compute);
  QE_CHECK_INT (plan ((QePlanParams) { .n_ctx = 8192, .speculative = true }).total, >, p.total);
}

QE_TEST (largest_context)
{
  const QeModelInfo info = four_billion ();
  const QePlanParams params = { .n_threads = 2 };
  QePlanParams exact = params;
  QeMemoryPlan out;
  uint32_t last = 0;

  QE_CHECK_INT (qe_plan_largest_context (&info, &params, 1 << 30), ==, 0);
  QE_CHECK_INT (qe_plan_largest_context (&info, &params, UINT64_MAX), ==, 262144);
  for (uint64_t available = 3ull << 30; available <= 12ull << 30; available += 1ull << 30) {
    const uint32_t n = qe_plan_largest_context (&info, &params, available);

    QE_CHECK_INT (n % 256, ==, 0);
    QE_CHECK_INT (n, >=, last);
    last = exact.n_ctx = n;
    qe_plan_memory (&info, &exact, &out);
    QE_CHECK (n == 0 || out.total <= available);
    exact.n_ctx = n + 256;
    qe_plan_memory (&info, &exact, &out);
    QE_CHECK (n == 262144 || out.total > available);
  }
}
