/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening models: what a header says, dialects of it, and files that are wrong. */
#include "qe-test.h"
#include "qe-test-variants.h"

static const char *
in_folder (const char *folder, const char *name)
{
  static char path[600];

  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  return path;
}

static void
get_info (const char *path, QeModelInfo *info)
{
  QeError err = { 0 };

  *info = (QeModelInfo) { 0 };
  QE_CHECK_OK (qe_model_probe (path, info, &err), err);
}

QE_TEST (facts_of_a_dense_model)
{
  QeModelInfo info;

  get_info (qe_test_data ("goldens/a-dense-F16.gguf"), &info);
  QE_CHECK_STR (info.architecture, "qwen35");
  QE_CHECK_STR (info.quantisation, "F16");
  QE_CHECK_INT (info.n_layers, ==, 8);
  QE_CHECK_INT (info.n_full_layers, ==, 2);
  QE_CHECK_INT (info.n_mtp_layers, ==, 0);
  QE_CHECK_INT (info.n_embd, ==, 256);
  QE_CHECK_INT (info.n_vocab, ==, 4096);
  QE_CHECK_INT (info.head_size, ==, 64);
  QE_CHECK_INT (info.n_key_heads, ==, 2);
  QE_CHECK_INT (info.n_value_heads, ==, 4);
  QE_CHECK_INT (info.parameters, ==, info.active_parameters + 4096 * 256); /* all but the embedding table */
  QE_CHECK (info.decode_bytes < info.tensor_bytes && info.tensor_bytes < info.file_bytes);
  QE_CHECK_FLOAT (info.bits_per_weight, 16, 0.5);
}

QE_TEST (facts_of_a_mixture)
{
  QeModelInfo info;

  get_info (qe_test_data ("goldens/c-moe-F16.gguf"), &info);
  QE_CHECK_STR (info.architecture, "qwen35moe");
  QE_CHECK_INT (info.n_experts, ==, 8);
  QE_CHECK_INT (info.n_experts_used, ==, 2);
  /* 6 of 8 experts stay idle: 4 layers, 3 matrices of 256 x 64 */
  QE_CHECK_INT (info.parameters - info.active_parameters, ==, 6 * 4 * 3 * 256 * 64);
  QE_CHECK_CONTAINS (info.size_label, "-A");
}

QE_TEST (facts_of_quern_tiny)
{
  QeModelInfo info;

  get_info (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), &info);
  QE_CHECK_STR (info.name, "Quern Tiny");
  QE_CHECK_STR (info.quantisation, "Q4_K_M");
  QE_CHECK_STR (info.size_label, "3M");
  QE_CHECK (info.has_chat_template);
  QE_CHECK (info.bits_per_weight > 4 && info.bits_per_weight < 6);
}

/* What others decide by: names, the type that most weights have, advice on sampling. */
QE_TEST (facts_that_a_file_gives)
{
  const char *folder = qe_test_variants ("facts");
  QeModelInfo info;
  QeModel *model = NULL;
  QeError err = { 0 };

  QE_REQUIRE (folder != NULL);
  get_info (in_folder (folder, "facts"), &info);
  QE_CHECK_STR (info.name, "A fine-tune");
  QE_CHECK_STR (info.names.base_model, "Qwen3.5 9B");
  QE_CHECK_STR (info.names.basename, "Qwen3.5");
  QE_CHECK_STR (info.names.size_label, "9B");
  QE_CHECK_STR (info.names.finetune, "Instruct");
  QE_CHECK_STR (info.names.type, "model");
  QE_CHECK_INT (strlen (info.names.version), ==, 30); /* cut to 31 bytes, which would be half a character */
  QE_CHECK_INT (info.file_type, ==, 128);
  QE_CHECK_STR (info.quantisation, "F16"); /* as nobody knows 128 */
  QE_CHECK_STR (info.main_type, "F16");
  QE_CHECK (info.sampling.has_temperature && info.sampling.has_top_k && info.sampling.has_min_p);
  QE_CHECK_FLOAT (info.sampling.temperature, 0.6, 1e-6);
  QE_CHECK_INT (info.sampling.top_k, ==, 40);
  QE_CHECK_FLOAT (info.sampling.min_p, 0, 0);
  QE_CHECK_FLOAT (info.sampling.repetition_penalty, 1.05, 1e-6);
  QE_CHECK (!info.sampling.has_top_p && !info.sampling.has_presence_penalty); /* no such values exist */
  QE_REQUIRE_OK (qe_model_open (&model, in_folder (folder, "facts"), NULL, &err), err);
  QE_CHECK (qe_token_ends_generation (model, 77) && qe_token_ends_generation (model, 4095));
  QE_CHECK (!qe_token_ends_generation (model, 78));
  qe_model_free (model);
  get_info (qe_test_data ("goldens/a-dense-F16.gguf"), &info);
  QE_CHECK (!info.sampling.has_temperature && !info.sampling.has_top_k);
}

/* An encoder inside the file is no part of the language model; what is said tells what pictures need. */
QE_TEST (vision_inside_the_file)
{
  const char *folder = qe_test_variants ("ollama");
  QeModelInfo info, plain;
  QeVisionInfo vision;
  QeMemoryPlan plan, plain_plan;
  QeError err = { 0 };

  QE_REQUIRE (folder != NULL);
  get_info (in_folder (folder, "ollama"), &info);
  get_info (qe_test_data ("goldens/a-dense-F16.gguf"), &plain);
  QE_CHECK (info.has_vision_inside && !plain.has_vision_inside);
  QE_CHECK_INT (info.foreign_bytes, ==, 512); /* with what Ollama calls mtp */
  QE_CHECK_INT (info.tensor_bytes, ==, plain.tensor_bytes);
  info.foreign_bytes += 1 << 30;
  info.file_bytes += 1 << 30; /* a large one */
  qe_plan_memory (&info, &(QePlanParams) { .n_ctx = 256 }, &plan);
  qe_plan_memory (&plain, &(QePlanParams) { .n_ctx = 256 }, &plain_plan);
  QE_CHECK (plan.total < plain_plan.total + (1 << 20));
  QE_CHECK_INT (qe_vision_probe (in_folder (folder, "ollama"), &vision, &err), ==, QE_ERROR_UNSUPPORTED);
  QE_CHECK_CONTAINS (err.message,
                     "stored in Ollama's way, which Quern cannot read. For pictures, put the model's vision file");
}

/* Fetched piece by piece, a header says the same, and never before it is whole. */
QE_TEST (header_from_a_buffer)
{
  QeModelInfo want, got;
  size_t size = 0, first = 0;
  uint8_t *file = qe_test_read (qe_test_tiny ("quern-tiny-Q8_0.gguf"), &size);
  QeError err = { 0 };

  get_info (qe_test_tiny ("quern-tiny-Q8_0.gguf"), &want);
  for (size_t n = 64; n < size && !first; n += 997) {
    const QeStatus status = qe_model_probe_bytes (file, n, size, &got, &err);

    if (status == QE_OK)
      first = n;
    else
      QE_CHECK_INT (status, ==, QE_ERROR_MORE);
  }
  QE_CHECK (first > 1000 && first < size / 4);
  QE_CHECK (memcmp (&want, &got, sizeof want) == 0);
  free (file);
}

QE_TEST (shared)
{
  QeModel *model = NULL, *other;
  QeContext *context = NULL;
  QeError err = { 0 };
  const int32_t token = 1;

  QE_REQUIRE_OK (qe_model_open (&model, qe_test_data ("goldens/b-tied-F16.gguf"), NULL, &err), err);
  other = qe_model_ref (model);
  QE_CHECK (other == model);
  QE_REQUIRE_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 32 }, &err), err);
  qe_model_free (model);
  qe_model_free (other); /* the context has the last reference */
  QE_CHECK_OK (qe_context_append (context, &token, 1, NULL, &err), err);
  qe_context_free (context);
  qe_model_free (NULL);
  qe_context_free (NULL);
}

/* ---- the same model, told otherwise ---- */

static float *
logits_of (const char *path, size_t *n)
{
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeError err = { 0 };
  float *copy = NULL;
  int32_t tokens[30];

  for (int i = 0; i < 30; i++)
    tokens[i] = i * 97;
  if (QE_CHECK_OK (qe_model_open (&model, path, NULL, &err), err)
      && QE_CHECK_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 64 }, &err), err)
      && QE_CHECK_OK (qe_context_append (context, tokens, 30, NULL, &err), err)) {
    *n = qe_model_info (model)->n_vocab;
    copy = malloc (*n * sizeof *copy);
    memcpy (copy, qe_context_logits (context), *n * sizeof *copy);
  }
  qe_context_free (context);
  qe_model_free (model);
  return copy;
}

static void
check_same (const char *variant, const char *golden)
{
  const char *folder = qe_test_variants (variant);
  size_t n = 0, n_want = 0;
  float *want, *got;

  QE_REQUIRE (folder != NULL);
  want = logits_of (qe_test_data (golden), &n_want);
  got = logits_of (in_folder (folder, variant), &n);
  QE_REQUIRE (want != NULL && got != NULL && n == n_want);
  QE_CHECK_CLOSE (got, want, n, 1e-3);
  free (want);
  free (got);
}

QE_TEST (dialect_of_ollama)
{
  check_same ("ollama", "goldens/a-dense-F16.gguf");
}
QE_TEST (grouped_value_heads)
{
  check_same ("grouped", "goldens/a-dense-F16.gguf");
}
QE_TEST (scales_of_matrices)
{
  check_same ("scaled", "goldens/a-dense-F16.gguf");
}
QE_TEST (scales_of_experts)
{
  check_same ("scaled-mixture", "goldens/c-moe-F16.gguf");
}
QE_TEST (scales_of_fused_experts)
{
  check_same ("scaled-fused", "goldens/c-moe-F16.gguf");
}
QE_TEST (fused_experts)
{
  check_same ("fused", "goldens/c-moe-F16.gguf");
}

/* ---- wrong files ---- */

QE_TEST (wrong_files)
{
  static const struct {
    const char *name;
    QeStatus status;
    const char *says;
  } files[] = {
    { "bad-architecture", QE_ERROR_UNSUPPORTED, "llama" },
    { "bad-vision", QE_ERROR_UNSUPPORTED, "vision part" },
    { "bad-nan-eps", QE_ERROR_FORMAT, "layer_norm_rms_epsilon" },
    { "bad-infinite-base", QE_ERROR_FORMAT, "freq_base" },
    { "bad-no-blocks", QE_ERROR_FORMAT, "block_count" },
    { "bad-many-blocks", QE_ERROR_FORMAT, "block_count" },
    { "bad-one-block-more", QE_ERROR_FORMAT, "blk.8." },
    { "bad-layers", QE_ERROR_FORMAT, "recurrent_layers" },
    { "bad-heads", QE_ERROR_FORMAT, "heads" },
    { "bad-head-size", QE_ERROR_FORMAT, "" },
    { "bad-state-size", QE_ERROR_FORMAT, "inner_size" },
    { "bad-kernel", QE_ERROR_FORMAT, "conv_kernel" },
    { "bad-sections", QE_ERROR_FORMAT, "dimension_sections" },
    { "bad-no-sections", QE_ERROR_FORMAT, "dimension_sections" },
    { "bad-rope", QE_ERROR_FORMAT, "rotated" },
    { "bad-rope-kind", QE_ERROR_UNSUPPORTED, "“longrope”" },
    { "bad-rope-factor", QE_ERROR_FORMAT, "rope.scaling.factor" },
    { "bad-rope-beta", QE_ERROR_FORMAT, "rope.scaling.yarn_beta_fast" },
    { "bad-embedding", QE_ERROR_FORMAT, "token_embd.weight" },
    { "bad-no-embedding", QE_ERROR_FORMAT, "token_embd.weight" },
    { "bad-no-norm", QE_ERROR_FORMAT, "output_norm.weight" },
    { "bad-no-tensor", QE_ERROR_FORMAT, "blk.5.ssm_conv1d.weight" },
    { "bad-shape", QE_ERROR_FORMAT, "blk.3.attn_k.weight" },
    { "bad-scale", QE_ERROR_FORMAT, "blk.3.attn_k.scale" },
    { "bad-prism", QE_ERROR_UNSUPPORTED, "PrismML (“prism.hadamard”), which Quern cannot run. Take a Q4_K_M" },
    { "bad-ik", QE_ERROR_UNSUPPORTED,
      "weights in IQ4_KS, a format of ik_llama.cpp that Quern cannot run. Take a Q4_K_M" },
    { "bad-rocm", QE_ERROR_UNSUPPORTED, "weights in ROCmFP, a format of ROCmFPX that" },
    { "bad-nobody", QE_ERROR_UNSUPPORTED, "does not know (type number 999). Take" },
    { "bad-mtp", QE_ERROR_FORMAT, "nextn" },
    { "bad-incomplete-mtp", QE_ERROR_FORMAT,
      "lacks “blk.8.attn_k_norm.weight”, “blk.8.ffn_up.weight”, “blk.8.nextn.enorm.weight”." },
    { "bad-lonely-mtp", QE_ERROR_UNSUPPORTED, "holds only the prediction block of a model. Open the model itself" },
    { "bad-interval", QE_ERROR_FORMAT, "is missing" },
    { "bad-experts", QE_ERROR_FORMAT, "expert" },
  };
  const char *folder = qe_test_variants ("");

  QE_REQUIRE (folder != NULL);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const char *path = in_folder (folder, files[i].name);
    QeModel *model = NULL;
    QeModelInfo info;
    QeError err = { 0 };

    qe_test_note ("%s", files[i].name);
    QE_CHECK_INT (qe_model_open (&model, path, NULL, &err), ==, files[i].status);
    QE_CHECK (model == NULL);
    QE_CHECK_CONTAINS (err.message, files[i].says);
    QE_CHECK_INT (qe_model_probe (path, &info, NULL), ==, files[i].status);
  }
}

QE_TEST (results_that_are_no_numbers)
{
  const char *folder = qe_test_variants ("bad-numbers");
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeError err = { 0 };
  const int32_t token = 1;

  QE_REQUIRE (folder != NULL);
  QE_REQUIRE_OK (qe_model_open (&model, in_folder (folder, "bad-numbers"), NULL, &err), err);
  QE_REQUIRE_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 32 }, &err), err);
  QE_CHECK_INT (qe_context_append (context, &token, 1, NULL, &err), ==, QE_ERROR_NUMERIC);
  QE_CHECK (qe_context_logits (context) == NULL);
  QE_CHECK_INT (qe_context_length (context), ==, 0);
  qe_context_free (context);
  qe_model_free (model);
}
