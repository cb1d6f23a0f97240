/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What integer products cost in accuracy: the distributions of Quern Tiny with activations rounded to 8 bits against
 * those with activations in f32. */
#include "cpu/qe-kernels.h"
#include "qe-divergence.h"
#include "qe-test.h"

#define N 400 /* tokens of text */

typedef struct {
  float *logits; /* [N][n_vocab] */
  size_t n_vocab;
} Scores;

static bool
keep (void *data, size_t row, const float *logits)
{
  Scores *s = data;
  memcpy (s->logits + row * s->n_vocab, logits, s->n_vocab * sizeof *logits);
  return true;
}

static bool
score (QeModel *model, const int32_t *ids, size_t n, Scores *out)
{
  QeContextParams params = { .n_ctx = N, .n_threads = 2 };
  QeContext *context = NULL;
  QeError err = { 0 };
  out->n_vocab = qe_model_info (model)->n_vocab;
  out->logits = calloc (n * out->n_vocab, sizeof *out->logits);
  bool ok = QE_CHECK_OK (qe_context_new (&context, model, &params, &err), err)
            && QE_CHECK_OK (qe_context_score (context, ids, n, 0, keep, out, NULL, &err), err);
  qe_context_free (context);
  return ok;
}

/* Texts of the kind that the model knows, from its own expected answers. */
static size_t
read_tokens (const QeModel *model, int32_t *out)
{
  size_t size = 0, n = 0;
  QeError err;
  int32_t *ids = NULL;
  char *text = qe_test_read (qe_test_tiny ("expected.json"), &size);
  if (text && QE_CHECK_OK (qe_tokenize (model, text, size < 4000 ? size : 4000, NULL, 0, &ids, &n, &err), err)) {
    n = n < N ? n : N;
    memcpy (out, ids, n * sizeof *out);
  }
  free (ids);
  free (text);
  return n;
}

static void
check_file (const char *name, double llama)
{
  QeModel *model = NULL;
  QeError err = { 0 };
  int32_t ids[N];
  Scores exact = { 0 }, rounded = { 0 };
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_tiny (name), NULL, &err), err);
  size_t n = read_tokens (model, ids);
  setenv ("QE_ACTIVATIONS", "f32", 1);
  bool ok = score (model, ids, n, &exact);
  unsetenv ("QE_ACTIVATIONS");
  ok = ok && score (model, ids, n, &rounded);
  double mean = ok ? qe_mean_divergence (exact.logits, rounded.logits, n, exact.n_vocab) : 0;
  qe_test_note ("%s: mean KL divergence %.2e over %zu tokens, llama.cpp's %.2e", name, mean, n, llama);
  qe_test_check (ok && n >= 200 && mean < llama && mean < 1e-3 && mean > 0, __FILE__, __LINE__,
                 "%s: mean divergence %g of %zu tokens", name, mean, n);
  free (exact.logits);
  free (rounded.logits);
  qe_model_free (model);
}

/* At most what llama.cpp 0.7.0 of Debian unstable loses on the same files and tokens (./dev bench accuracy). */
QE_TEST (rounding_activations_costs_little)
{
  if (!qe_kernels ()->tiling[QE_TYPE_Q8_0].pack) {
    qe_test_skip ("these kernels leave products with many tokens to sgemm, which rounds nothing");
    return;
  }
  check_file ("quern-tiny-Q8_0.gguf", 4.7e-4);
  check_file ("quern-tiny-Q4_K_M.gguf", 1.46e-3);
  check_file ("quern-tiny-Q2_K.gguf", 1.51e-3);
}
