/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logits and greedy continuations against the reference implementation: tests/data/goldens/README.md. */
#include "qe-test.h"

/* The files' weights are F16 and the reference's arithmetic f32: with a cache of f32 what is left is the order of sums.
 * One of F16 rounds keys and values, which the reference does not do. */
static const double tolerances[] = { [QE_KV_F16] = 3e-3, [QE_KV_Q8_0] = 0.15, [QE_KV_F32] = 5e-4 };

typedef struct {
  const QeNpy *logits;
  const int32_t *rows; /* numbers of the rows in `logits`; NULL: all */
  size_t n_vocab, next;
  double worst;
} Compare;

static bool
compare_row (void *data, size_t row, const float *logits)
{
  Compare *c = data;
  double diff;

  if (c->next < c->logits->shape[0] && (c->rows == NULL || (size_t) c->rows[c->next] == row)) {
    diff = qe_test_max_abs_diff (logits, c->logits->f32 + c->next * c->n_vocab, c->n_vocab, NULL);
    if (diff > c->worst)
      c->worst = diff;
    c->next++;
  }
  return true;
}

static QeContext *
open_context (const char *file, unsigned n_threads, QeKvType kv_type, QeModel **model)
{
  QeError err = { 0 };
  QeContext *context = NULL;
  const QeContextParams params = { .n_ctx = 256, .n_threads = n_threads, .kv_type = kv_type };

  if (!QE_CHECK_OK (qe_model_open (model, qe_test_data (file), NULL, &err), err))
    return NULL;
  if (!QE_CHECK_OK (qe_context_new (&context, *model, &params, &err), err))
    qe_model_free (*model);
  return context;
}

static void
check_scores (QeContext *context, const char *name, const char *ids_name, const char *rows_name,
              const char *logits_name, double tolerance)
{
  char path[128];
  QeNpy ids = { 0 }, rows = { 0 }, logits = { 0 };
  QeError err = { 0 };
  Compare compare = { 0 };

  snprintf (path, sizeof path, "goldens/%s/%s.npy", name, ids_name);
  QE_REQUIRE (qe_npy_load (&ids, qe_test_data (path)));
  snprintf (path, sizeof path, "goldens/%s/%s.npy", name, logits_name);
  QE_REQUIRE (qe_npy_load (&logits, qe_test_data (path)));
  if (rows_name) {
    snprintf (path, sizeof path, "goldens/%s/%s.npy", name, rows_name);
    QE_REQUIRE (qe_npy_load (&rows, qe_test_data (path)));
  }
  compare.logits = &logits;
  compare.rows = rows.i32;
  compare.n_vocab = logits.shape[1];
  QE_CHECK_OK (qe_context_score (context, ids.i32, ids.n, 0, compare_row, &compare, NULL, &err), err);
  qe_test_note ("%s %s: largest difference %g", name, logits_name, compare.worst);
  QE_CHECK_INT (compare.next, ==, logits.shape[0]);
  QE_CHECK (compare.worst < tolerance);
  qe_npy_clear (&ids);
  qe_npy_clear (&rows);
  qe_npy_clear (&logits);
}

static int32_t
largest (const float *x, size_t n)
{
  size_t best = 0;

  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return (int32_t) best;
}

/* Continues the 40 tokens one by one, from the cache. */
static void
check_greedy (QeContext *context, size_t n_vocab, const char *name)
{
  char path[128];
  QeNpy ids = { 0 }, greedy = { 0 };
  QeError err = { 0 };
  QePrompt *prompt = qe_prompt_new ();

  snprintf (path, sizeof path, "goldens/%s/ids40.npy", name);
  QE_REQUIRE (qe_npy_load (&ids, qe_test_data (path)));
  snprintf (path, sizeof path, "goldens/%s/greedy40.npy", name);
  QE_REQUIRE (qe_npy_load (&greedy, qe_test_data (path)));
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, ids.i32, ids.n, &err), err);
  QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, NULL, &err), err);
  for (size_t i = 0; i < greedy.n; i++) {
    const float *logits = qe_context_logits (context);
    int32_t token;

    QE_REQUIRE (logits != NULL);
    token = largest (logits, n_vocab);
    QE_CHECK_INT (token, ==, greedy.i32[i]);
    QE_CHECK_OK (qe_context_append (context, &greedy.i32[i], 1, NULL, &err), err);
  }
  qe_prompt_free (prompt);
  qe_npy_clear (&ids);
  qe_npy_clear (&greedy);
}

static void
check_model (const char *name, unsigned n_threads, QeKvType kv_type)
{
  char file[128];
  QeModel *model = NULL;
  QeContext *context;

  snprintf (file, sizeof file, "goldens/%s-F16.gguf", name);
  context = open_context (file, n_threads, kv_type, &model);
  if (context == NULL)
    return;
  check_scores (context, name, "ids40", NULL, "logits40", tolerances[kv_type]);
  check_scores (context, name, "ids200", "rows200", "logits200", tolerances[kv_type]);
  check_greedy (context, qe_model_info (model)->n_vocab, name);
  qe_context_free (context);
  qe_model_free (model);
}

QE_TEST (dense)
{
  check_model ("a-dense", 2, QE_KV_F32);
}
QE_TEST (dense_one_thread)
{
  check_model ("a-dense", 1, QE_KV_F32);
}
QE_TEST (dense_cache_f16)
{
  check_model ("a-dense", 2, QE_KV_F16);
}
QE_TEST (dense_cache_q8)
{
  check_model ("a-dense", 2, QE_KV_Q8_0);
}
QE_TEST (tied)
{
  check_model ("b-tied", 2, QE_KV_F32);
}
QE_TEST (tied_cache_q8)
{
  check_model ("b-tied", 2, QE_KV_Q8_0);
}
QE_TEST (mixture)
{
  check_model ("c-moe", 2, QE_KV_F32);
}
QE_TEST (vision_text)
{
  check_model ("d-vision", 2, QE_KV_F32);
}
QE_TEST (yarn)
{
  check_model ("e-yarn", 2, QE_KV_F32);
}
QE_TEST (yarn_cache_f16)
{
  check_model ("e-yarn", 1, QE_KV_F16);
}
