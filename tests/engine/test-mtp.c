/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Speculative decoding: whatever is drafted, by lookup or by the prediction block, the text stays the same. */
#include "qe-test.h"
#include "qe-test-variants.h"
#include "context/qe-context-private.h"
#include "context/qe-draft.h"

#define LENGTH 160

typedef struct {
  int32_t tokens[LENGTH + QE_STEP_MAX];
  size_t n;
  QeDecodeStats stats;
} Text;

static void
generate (const char *path, bool speculative, QeSamplerParams params, Text *out)
{
  const QeContextParams context_params = { .n_ctx = 512, .n_threads = 2, .speculative = speculative };
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeSampler *sampler = NULL;
  QePrompt *prompt = qe_prompt_new ();
  QeError err = { 0 };
  QeStatus status = QE_OK;

  *out = (Text) { 0 };
  QE_REQUIRE_OK (qe_model_open (&model, path, NULL, &err), err);
  QE_REQUIRE_OK (qe_context_new (&context, model, &context_params, &err), err);
  QE_REQUIRE_OK (qe_sampler_new (&sampler, &params, &err), err);
  for (int32_t i = 0; i < 60; i++) /* the second half repeats the first */
    QE_CHECK_OK (qe_prompt_add_tokens (prompt, &(int32_t) { i % 30 * 11 + 5 }, 1, &err), err);
  QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, NULL, &err), err);
  while (out->n < LENGTH && status == QE_OK) {
    size_t n;

    status = qe_context_step (context, sampler, NULL, out->tokens + out->n, &n, &err);
    qe_test_check (status == QE_OK || status == QE_END, __FILE__, __LINE__, "step: %s", err.message);
    QE_CHECK (n >= 1 && n <= QE_STEP_MAX);
    out->n += n;
  }
  QE_CHECK (status == QE_END || qe_context_length (context) == 60 + out->n);
  qe_context_decode_stats (context, &out->stats);
  qe_sampler_free (sampler);
  qe_prompt_free (prompt);
  qe_context_free (context);
  qe_model_free (model);
}

/* Greedy, and drawn with a fixed seed and penalties. Returns how many drafted tokens were right. */
static uint64_t
check_same_text (const char *path)
{
  static const QeSamplerParams samplers[] = {
    { .temperature = 0, .top_p = 1, .repetition_penalty = 1 },
    { .temperature = 0.2f, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1, .seed = 9 },
    { .temperature = 1, .top_k = 3, .top_p = 1, .repetition_penalty = 1.1f, .presence_penalty = 0.5f, .seed = 4 },
  };
  uint64_t accepted = 0;

  for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
    Text plain, drafted;

    generate (path, false, samplers[i], &plain);
    generate (path, true, samplers[i], &drafted);
    QE_CHECK_INT (plain.stats.drafted, ==, 0);
    QE_CHECK (drafted.stats.accepted <= drafted.stats.drafted);
    for (size_t t = 0; t < plain.n && t < drafted.n && t < LENGTH; t++)
      if (!qe_test_check (plain.tokens[t] == drafted.tokens[t], __FILE__, __LINE__,
                          "sampler %zu: token %zu is %d with drafts, %d without", i, t, drafted.tokens[t],
                          plain.tokens[t]))
        break;
    QE_CHECK (drafted.n >= (plain.n < LENGTH ? plain.n : LENGTH));
    qe_test_note ("sampler %zu: %zu tokens in %llu steps, %llu of %llu drafted ones right", i, drafted.n,
                  (unsigned long long) drafted.stats.steps, (unsigned long long) drafted.stats.accepted,
                  (unsigned long long) drafted.stats.drafted);
    accepted += drafted.stats.accepted;
  }
  return accepted;
}

QE_TEST (lookup_dense)
{
  check_same_text (qe_test_data ("goldens/a-dense-F16.gguf"));
}
QE_TEST (lookup_mixture)
{
  check_same_text (qe_test_data ("goldens/c-moe-F16.gguf"));
}
QE_TEST (lookup_quantised)
{
  check_same_text (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"));
}

static void
check_variant (const char *name, bool right)
{
  const char *folder = qe_test_variants (name);
  char path[600];

  QE_REQUIRE (folder != NULL);
  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  QE_CHECK (check_same_text (path) > 0 || !right);
}

QE_TEST (prediction_that_is_wrong)
{
  check_variant ("mtp", false);
}
QE_TEST (prediction_in_a_mixture)
{
  check_variant ("mtp-mixture", false);
}
QE_TEST (prediction_that_is_right)
{
  check_variant ("mtp-perfect", true);
}

QE_TEST (prediction_with_routers_in_bf16)
{
  check_variant ("mtp-mixture-bf16", false);
}

/* ---- where the block is ---- */

static void
probe (const char *folder, const char *name, QeModelInfo *info)
{
  char path[600];
  QeError err = { 0 };

  *info = (QeModelInfo) { 0 };
  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  QE_CHECK_OK (qe_model_probe (path, info, &err), err);
}

/* The converter announces what a fine-tune's configuration names, whether its weights have it or not. */
QE_TEST (prediction_that_is_announced_only)
{
  const char *folder = qe_test_variants ("announced");
  QeModelInfo info;
  char path[600];

  QE_REQUIRE (folder != NULL);
  probe (folder, "announced", &info);
  QE_CHECK_INT (info.n_layers, ==, 8);
  QE_CHECK_INT (info.n_mtp_layers, ==, 0);
  QE_CHECK_INT (info.mtp_bytes, ==, 0);
  snprintf (path, sizeof path, "%s/announced.gguf", folder);
  check_same_text (path);
}

QE_TEST (prediction_from_a_companion)
{
  const char *folder = qe_test_variants ("alone mtp-other mtp-companion");
  QeModelInfo info, whole;
  char path[600];

  QE_REQUIRE (folder != NULL);
  probe (folder, "alone", &info);
  QE_CHECK_INT (info.n_mtp_layers, ==, 1);
  QE_CHECK_STR (info.companion, "mtp-companion.gguf");
  probe (qe_test_variants ("mtp-perfect"), "mtp-perfect", &whole);
  QE_CHECK_STR (whole.companion, "");
  QE_CHECK_INT (info.mtp_bytes, ==, whole.mtp_bytes);
  QE_CHECK_INT (info.tensor_bytes, ==, whole.tensor_bytes - whole.mtp_bytes);
  QE_CHECK_INT (info.parameters, ==, whole.parameters);
  snprintf (path, sizeof path, "%s/alone.gguf", folder);
  QE_CHECK (check_same_text (path) > 0);
}

/* Another model's block, or one that is not whole, leaves the model as it is. */
QE_TEST (companions_that_do_not_fit)
{
  static const char *const names[] = { "alone", "alone mtp-other", "alone mtp-broken" };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *folder = qe_test_variants (names[i]);
    QeModelInfo info;
    QeModel *model = NULL;
    QeError err = { 0 };
    char path[600];

    QE_REQUIRE (folder != NULL);
    probe (folder, "alone", &info);
    QE_CHECK_INT (info.n_mtp_layers, ==, 0);
    QE_CHECK_STR (info.companion, "");
    QE_CHECK_INT (info.mtp_bytes, ==, 0);
    snprintf (path, sizeof path, "%s/alone.gguf", folder);
    QE_CHECK_OK (qe_model_open (&model, path, NULL, &err), err);
    qe_model_free (model);
  }
}

/* ---- scores ---- */

typedef struct {
  float *logits; /* [20][n_vocab] */
  size_t n_vocab;
} Rows;

static bool
keep_row (void *data, size_t row, const float *logits)
{
  Rows *rows = data;

  memcpy (rows->logits + row * rows->n_vocab, logits, rows->n_vocab * sizeof *logits);
  return true;
}

/* The block learns from every batch but those that are scored, whose vectors are still needed. */
QE_TEST (prediction_leaves_scores_alone)
{
  const char *folder = qe_test_variants ("mtp");
  char path[600];
  int32_t tokens[20];
  Rows rows[2] = { { 0 } };
  QeModel *model = NULL;
  QeError err = { 0 };

  QE_REQUIRE (folder != NULL);
  snprintf (path, sizeof path, "%s/mtp.gguf", folder);
  QE_REQUIRE_OK (qe_model_open (&model, path, NULL, &err), err);
  for (int32_t i = 0; i < 20; i++)
    tokens[i] = i * 91;
  for (int i = 0; i < 2; i++) {
    QeContext *context = NULL;

    rows[i].n_vocab = qe_model_info (model)->n_vocab;
    rows[i].logits = calloc (20 * rows[i].n_vocab, sizeof (float));
    QE_REQUIRE_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 64, .speculative = i }, &err), err);
    QE_CHECK_OK (qe_context_score (context, tokens, 20, 0, keep_row, &rows[i], NULL, &err), err);
    qe_context_free (context);
  }
  QE_CHECK_CLOSE (rows[1].logits, rows[0].logits, 20 * rows[0].n_vocab, 0);
  free (rows[0].logits);
  free (rows[1].logits);
  qe_model_free (model);
}

/* ---- parts ---- */

/* Rows of a deferred batch, taken over in part, one after the other or not at all, and rows that are evaluated together:
 * bit for bit what single rows give. */
static void
check_deferred (const char *path, QeKvType kv_type)
{
  const QeContextParams params = { .n_ctx = 600, .n_threads = 2, .kv_type = kv_type, .speculative = true };
  QeModel *model = NULL;
  QeContext *a = NULL, *b = NULL, *c = NULL;
  QeError err = { 0 };
  int32_t tokens[400];

  for (int32_t i = 0; i < 400; i++)
    tokens[i] = i * 53 % 2000;
  QE_REQUIRE_OK (qe_model_open (&model, path, NULL, &err), err);
  QE_REQUIRE_OK (qe_context_new (&a, model, &params, &err), err);
  QE_REQUIRE_OK (qe_context_new (&b, model, &params, &err), err);
  QE_REQUIRE_OK (qe_context_new (&c, model, &params, &err), err);
  QE_CHECK_OK (qe_context_append (a, tokens, 250, NULL, &err), err);
  QE_CHECK_OK (qe_context_append (b, tokens, 250, NULL, &err), err);
  QE_CHECK_OK (qe_context_append (c, tokens, 250, NULL, &err), err);
  for (uint32_t step = 0, at = 250; step < 20; step++) {
    const uint32_t n = step % QE_DEFER_MAX + 1, keep = step * 7 % (n + 1);
    const QeBatch batch = {
      .n = n, .start = at, .n_logits = n, .defer = true, .rows = (QeRow[QE_DEFER_MAX]) { { 0 } }
    };

    for (uint32_t i = 0; i < n; i++)
      ((QeRow *) batch.rows)[i] = qe_row_of_token (tokens[at + i], at + i);
    QE_CHECK_OK (qe_graph_run (a->graph, &batch, &err), err);
    for (uint32_t i = 0; i < keep; i++) {
      QE_CHECK_OK (qe_context_append (b, tokens + at + i, 1, NULL, &err), err);
      QE_CHECK_CLOSE (qe_graph_logits (a->graph, i), qe_context_logits (b), model->weights.n_vocab, 0);
    }
    qe_graph_commit (a->graph, keep);
    QE_CHECK_OK (qe_context_append (c, tokens + at, keep, NULL, &err), err);
    QE_CHECK_CLOSE (qe_context_logits (c), qe_context_logits (b), model->weights.n_vocab, 0);
    at += keep;
  }
  qe_graph_settle (a->graph);
  qe_graph_settle (b->graph);
  qe_graph_settle (c->graph);
  QE_CHECK (memcmp (a->cache.state, b->cache.state, a->cache.recurrent_bytes) == 0);
  QE_CHECK (memcmp (a->cache.state, c->cache.state, a->cache.recurrent_bytes) == 0);
  qe_context_free (a);
  qe_context_free (c);
  qe_context_free (b);
  qe_model_free (model);
}

QE_TEST (deferred_dense)
{
  check_deferred (qe_test_data ("goldens/a-dense-F16.gguf"), QE_KV_F16);
}
QE_TEST (deferred_mixture)
{
  check_deferred (qe_test_data ("goldens/c-moe-F16.gguf"), QE_KV_Q8_0);
}
QE_TEST (deferred_q4)
{
  check_deferred (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), QE_KV_F16);
}
QE_TEST (deferred_q2)
{
  check_deferred (qe_test_tiny ("quern-tiny-Q2_K.gguf"), QE_KV_F32);
}
QE_TEST (deferred_iq4)
{
  check_deferred (qe_test_tiny ("quern-tiny-IQ4_XS.gguf"), QE_KV_F16);
}

QE_TEST (lookup_takes_the_longest_match)
{
  const uint64_t keys[] = { 1, 2, 3, 4, 50, 9, 2, 3, 4, 60, 7, 8, 1, 2, 3 };
  int32_t out[4] = { 0 };

  QE_CHECK_INT (qe_draft_lookup (keys, 15, 4, 100, out, 4), ==, 4);
  QE_CHECK_INT (out[0], ==, 50); /* 1 2 3 4, not the newer 2 3 4 */
  QE_CHECK_INT (out[3], ==, 3);
  QE_CHECK_INT (qe_draft_lookup (keys, 15, 5, 100, out, 4), ==, 0);
  QE_CHECK_INT (qe_draft_lookup (keys, 15, 4, 40, out, 4), ==, 0); /* 50 is no token */
  QE_CHECK_INT (qe_draft_lookup (keys, 0, 4, 100, out, 4), ==, 0);
}

QE_TEST (drafter_stops_what_does_not_pay)
{
  QeDrafter drafter;
  double seconds = 0;
  int drafts = 0;

  qe_drafter_reset (&drafter);
  for (int step = 0; step < 2000; step++) {
    const bool drafted = qe_drafter_length (&drafter, 4) > 0;

    drafts += drafted;
    seconds += drafted ? 2 : 1;
    if (drafted)
      qe_drafter_report (&drafter, 1, 2, 0); /* twice the time, nothing right */
  }
  QE_CHECK (drafts > 1 && seconds < 1.015 * 2000);
}

QE_TEST (drafter_bears_a_miss_between_hits)
{
  QeDrafter drafter;

  qe_drafter_reset (&drafter);
  for (int step = 0; step < 100; step++) {
    const size_t n = qe_drafter_length (&drafter, 4);

    QE_CHECK (n > 0 && n <= 4);
    qe_drafter_report (&drafter, 1, 1 + 0.4 * (double) n, step % 7 == 6 ? 0 : n);
  }
}
