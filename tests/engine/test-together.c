/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of several contexts in one pass: each gets what it gets alone, bit for bit, whoever its neighbours are. */
#include "qe-test.h"
#include "qe-test-variants.h"
#include "context/qe-context-private.h"

#define N 8
#define LENGTH 40 /* steps of each text */

/* One context and what it is to make. No two are alike. */
typedef struct {
  QeContext *context;
  QeSampler *sampler;
  int32_t tokens[LENGTH + QE_STEP_MAX];
  size_t n;
  float *logits; /* [LENGTH][n_vocab], after each step; only of those that make a token at a time */
  QeStatus status;
} Voice;

static QeContextParams
params_of (const QeModel *model, size_t i, bool speculative)
{
  const uint32_t trained = qe_model_info (model)->n_ctx_train;
  static const QeKvType kv_types[] = { QE_KV_F16, QE_KV_Q8_0, QE_KV_F32 };
  static const uint32_t sizes[] = { 128, 512, 300 };

  return (QeContextParams) { .n_ctx = sizes[i % 3] < trained ? sizes[i % 3] : trained,
                             .n_threads = 1 + (unsigned) i % 2,
                             .kv_type = kv_types[i / 2 % 3],
                             .speculative = speculative && i % 2,
                             .sketch = speculative && i % 4 };
}

/* A context with a prompt of its own, read. */
static void
begin (Voice *v, QeModel *model, size_t i, bool speculative)
{
  const QeContextParams params = params_of (model, i, speculative);
  const QeSamplerParams sampler = {
    .temperature = i % 3 ? 0.9f : 0, .top_k = i % 2 ? 40 : 0, .top_p = 0.95f, .repetition_penalty = 1.1f, .seed = i + 1
  };
  const int32_t n_prompt = 3 + 9 * (int32_t) i;
  QePrompt *prompt = qe_prompt_new ();
  QeError err = { 0 };

  *v = (Voice) { 0 };
  QE_REQUIRE_OK (qe_context_new (&v->context, model, &params, &err), err);
  QE_REQUIRE_OK (qe_sampler_new (&v->sampler, &sampler, &err), err);
  for (int32_t t = 0; t < n_prompt; t++)
    QE_CHECK_OK (qe_prompt_add_tokens (prompt, &(int32_t) { 7 + (t % 11 + (int32_t) i) * 5 }, 1, &err), err);
  QE_CHECK_OK (qe_context_prefill (v->context, prompt, NULL, NULL, &err), err);
  if (!speculative)
    v->logits = calloc ((size_t) LENGTH * model->weights.n_vocab, sizeof *v->logits);
  qe_prompt_free (prompt);
}

static void
end (Voice *v)
{
  qe_sampler_free (v->sampler);
  qe_context_free (v->context);
  free (v->logits);
}

/* Takes over what a step made. */
static void
take (Voice *v, const int32_t *tokens, size_t n, QeStatus status)
{
  const size_t n_vocab = v->context->model->weights.n_vocab;

  memcpy (v->tokens + v->n, tokens, n * sizeof *tokens);
  if (v->logits && status == QE_OK)
    memcpy (v->logits + v->n * n_vocab, qe_context_logits (v->context), n_vocab * sizeof *v->logits);
  v->n += n;
  v->status = status;
}

static bool
goes_on (const Voice *v)
{
  return v->n < LENGTH && v->status == QE_OK;
}

static void
speak_alone (Voice *v)
{
  while (goes_on (v)) {
    int32_t tokens[QE_STEP_MAX];
    size_t n;
    QeError err = { 0 };
    const QeStatus status = qe_context_step (v->context, v->sampler, NULL, tokens, &n, &err);

    qe_test_check (status == QE_OK || status == QE_END, __FILE__, __LINE__, "step: %s", err.message);
    take (v, tokens, n, status);
  }
}

/* Voice i joins when `round` is i. In every fifth round every second one rests. Returns false when all are done. */
static bool
speak_together (Voice *voices, size_t round)
{
  QeContextStep steps[N];
  Voice *of[N];
  size_t n = 0;
  bool more = false;

  for (size_t i = 0; i < N; i++) {
    more |= goes_on (&voices[i]);
    if (!goes_on (&voices[i]) || i > round || (round % 5 == 4 && i % 2))
      continue;
    steps[n] = (QeContextStep) { .context = voices[i].context, .sampler = voices[i].sampler };
    of[n++] = &voices[i];
  }
  qe_contexts_step (steps, n);
  for (size_t i = 0; i < n; i++) {
    qe_test_check (steps[i].status == QE_OK || steps[i].status == QE_END, __FILE__, __LINE__, "step: %s",
                   steps[i].error.message);
    take (of[i], steps[i].tokens, steps[i].n, steps[i].status);
  }
  return more;
}

static void
check_same (const Voice *alone, const Voice *together, size_t i, bool exact_length)
{
  const size_t n_vocab = alone->context->model->weights.n_vocab;
  const size_t n = alone->n < together->n ? alone->n : together->n;

  if (exact_length)
    QE_CHECK_INT (together->n, ==, alone->n);
  QE_CHECK (n >= LENGTH || (alone->status == QE_END && together->status == QE_END));
  for (size_t t = 0; t < n && t < LENGTH; t++)
    if (!qe_test_check (alone->tokens[t] == together->tokens[t], __FILE__, __LINE__,
                        "context %zu: token %zu is %d together, %d alone", i, t, together->tokens[t], alone->tokens[t]))
      return;
  for (size_t t = 0; alone->logits && t < n && t < LENGTH; t++)
    if (!qe_test_check (memcmp (alone->logits + t * n_vocab, together->logits + t * n_vocab, n_vocab * sizeof (float))
                            == 0,
                        __FILE__, __LINE__, "context %zu: logits after token %zu differ", i, t))
      return;
}

static void
check_file (const char *path, bool speculative)
{
  Voice alone[N], together[N];
  QeModel *model = NULL;
  QeError err = { 0 };

  QE_REQUIRE_OK (qe_model_open (&model, path, NULL, &err), err);
  for (size_t i = 0; i < N; i++) {
    begin (&alone[i], model, i, speculative);
    begin (&together[i], model, i, speculative);
    speak_alone (&alone[i]);
  }
  for (size_t round = 0; speak_together (together, round); round++)
    ;
  for (size_t i = 0; i < N; i++) {
    check_same (&alone[i], &together[i], i, !speculative);
    end (&alone[i]);
    end (&together[i]);
  }
  qe_model_free (model);
}

QE_TEST (f16)
{
  check_file (qe_test_tiny ("quern-tiny-F16.gguf"), false);
}
QE_TEST (q8_0)
{
  check_file (qe_test_tiny ("quern-tiny-Q8_0.gguf"), false);
}
QE_TEST (q4_k_m)
{
  check_file (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), false);
}
QE_TEST (iq4_xs)
{
  check_file (qe_test_tiny ("quern-tiny-IQ4_XS.gguf"), false);
}
QE_TEST (tied_head)
{
  check_file (qe_test_data ("goldens/b-tied-F16.gguf"), false);
}
QE_TEST (mixture)
{
  check_file (qe_test_data ("goldens/c-moe-F16.gguf"), false);
}
QE_TEST (scaled_positions)
{
  check_file (qe_test_data ("goldens/e-yarn-F16.gguf"), false);
}

/* Some draft when they are alone and some have a sketch, so that steps of all kinds follow each other. */
QE_TEST (drafts_and_sketches)
{
  check_file (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), true);
  check_file (qe_test_data ("goldens/c-moe-F16.gguf"), true);
}
QE_TEST (prediction_blocks)
{
  static const char *const names[] = { "mtp-perfect", "mtp-mixture" };
  const char *folder = qe_test_variants ("mtp-perfect mtp-mixture");
  char path[600];

  QE_REQUIRE (folder != NULL);
  for (size_t i = 0; i < 2; i++) {
    snprintf (path, sizeof path, "%s/%s.gguf", folder, names[i]);
    check_file (path, true);
  }
}

/* ---- failures -------------------------------------------------------------------------------------------------- */

static bool
always (void *data)
{
  return true;
}

/* Context 1 is cancelled, 2 is full, 3 was never asked, 4 is of another model, 5 is there twice, and of 6 the state is no
 * number. All that changes for 0 and 7 is who goes along. */
QE_TEST (each_fails_alone)
{
  static const QeControl stop = { .cancelled = always };
  Voice alone[N], v[N];
  QeModel *model = NULL, *other = NULL;
  QeContextStep steps[N + 1];
  QeError err = { 0 };
  static const int32_t filler[1] = { 9 };

  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny ("quern-tiny-Q8_0.gguf"), NULL, &err), err);
  QE_REQUIRE_OK (qe_model_open (&other, qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), NULL, &err), err);
  for (size_t i = 0; i < N; i++) {
    begin (&alone[i], model, i, false);
    begin (&v[i], i == 4 ? other : model, i, false);
    speak_alone (&alone[i]);
  }
  while (qe_context_length (v[2].context) < qe_context_size (v[2].context))
    QE_REQUIRE_OK (qe_context_append (v[2].context, filler, 1, NULL, &err), err);
  qe_context_empty (v[3].context);
  qe_graph_settle (v[6].context->graph);
  v[6].context->cache.state[0] = NAN;
  for (size_t round = 0; round < 3; round++) {
    static const size_t order[] = { 0, 1, 2, 3, 4, 5, 6, 7, 5 }, good[] = { 0, 5, 7 };

    for (size_t i = 0; i < 8; i++)
      steps[i] = (QeContextStep) { .context = v[order[i]].context,
                                   .sampler = v[order[i]].sampler,
                                   .control = i == 1 ? &stop : NULL };
    if (round == 1)
      steps[3] = (QeContextStep) { .context = v[order[8]].context, .sampler = v[order[8]].sampler };
    qe_contexts_step (steps, 8);
    QE_CHECK_INT (steps[1].status, ==, QE_ERROR_CANCELLED);
    QE_CHECK_INT (steps[2].status, ==, QE_ERROR_CONTEXT_FULL);
    if (round == 1) { /* the one that came first made the step */
      QE_CHECK_INT (steps[5].status, ==, QE_ERROR_ARGUMENT);
      steps[5] = steps[3];
    } else
      QE_CHECK_INT (steps[3].status, ==, QE_ERROR_ARGUMENT);
    QE_CHECK_INT (steps[4].status, ==, QE_ERROR_ARGUMENT);
    if (round == 0)
      QE_CHECK_INT (steps[6].status, ==, QE_ERROR_NUMERIC);
    for (size_t i = 1; i < 7; i++)
      QE_CHECK (steps[i].status == QE_OK || steps[i].status == QE_END || steps[i].n == 0);
    for (size_t i = 0; i < 3; i++)
      if (goes_on (&v[good[i]]))
        take (&v[good[i]], steps[good[i]].tokens, steps[good[i]].n, steps[good[i]].status);
  }
  for (size_t i = 0; i < N; i += 1 + (i == 0) * 4 + (i == 5)) { /* 0, 5, 7 */
    speak_alone (&v[i]);
    check_same (&alone[i], &v[i], i, true);
  }
  for (size_t i = 0; i < N; i++) {
    end (&alone[i]);
    end (&v[i]);
  }
  qe_model_free (model);
  qe_model_free (other);
}
