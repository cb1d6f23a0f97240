/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is measured about the processor changes no result, and what was written about it is read again. */
#include "qe-weights-test.h"

#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"
#include "cpu/qe-tuning.h"
#include "qe.h"

/* A format whose kernels ask ahead on this processor; QE_N_TYPES: none. */
static uint32_t
some_type (void)
{
  uint32_t type = 0;
  while (type < QE_N_TYPES && !qe_kernels ()->ahead[type])
    type++;
  return type;
}

QE_TEST (text_and_back)
{
  const uint32_t type = some_type ();
  char text[200], again[200];
  qe_tuning_reset ();
  QE_CHECK (qe_tuning_write (text, sizeof text) == 0);
  QE_CHECK_STR (text, "");
  QE_CHECK (qe_tuning_read (""));
  if (type == QE_N_TYPES) {
    qe_test_note ("no kernels here ask ahead");
    return;
  }
  qe_tuning_set_ahead (type, 12288);
  QE_CHECK (qe_tuning_write (text, sizeof text) < sizeof text);
  QE_CHECK (qe_tuning_write (NULL, 0) == strlen (text));
  qe_tuning_reset ();
  QE_CHECK (qe_tuning_ahead (type) == qe_kernels ()->ahead[type] && !qe_tuning_is_measured (type));
  QE_CHECK (qe_tuning_read (text));
  QE_CHECK (qe_tuning_ahead (type) == 12288 && qe_tuning_is_measured (type));
  qe_tuning_write (again, sizeof again);
  QE_CHECK_STR (again, text);
  qe_tuning_reset ();
}

/* A file in the cache folder may hold anything. */
QE_TEST (other_texts_are_refused)
{
  const uint32_t type = some_type ();
  const char *name = type < QE_N_TYPES ? qe_type_traits (type)->name : "Q4_K";
  static const char *const patterns[] = { "%s",     "%s ",     "%s x",          "%s -1",   "%s 99999999",
                                          "%s 64k", "%s 64 ",  "%s 64 %s 64",   " %s 64",  "%s  64",
                                          "X%s 64", "%s 64\n", "%s 64 NONE 64", "NONE 64", "%s 18446744073709551616",
                                          "F32 64", "%s +64",  "%s 64 ?" };
  qe_tuning_reset ();
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    char text[200];
    snprintf (text, sizeof text, patterns[i], name, name);
    qe_test_check (!qe_tuning_read (text), __FILE__, __LINE__, "\"%s\" was taken", text);
    QE_CHECK (type == QE_N_TYPES || !qe_tuning_is_measured (type));
  }
}

typedef struct {
  QeMatmul *m;
  QeProduct product;
  const float *x;
  size_t columns, n_tokens;
} Job;

static void
run_job (QeWorker *worker, void *data)
{
  const Job *j = data;
  qe_matmul (j->m, worker, &j->product, 1, j->x, j->columns, j->columns, j->n_tokens);
}

/* The same bits, however far ahead. */
QE_TEST (distances_change_nothing)
{
  enum { ROWS = 301, COLUMNS = 1280, TOKENS = 9 };
  static const size_t distances[] = { 0, 64, 1024, 6656, QE_AHEAD_MOST };
  float *x = test_activations (TOKENS, COLUMNS, 3), *first = malloc (TOKENS * ROWS * sizeof *first);
  float *y = malloc (TOKENS * ROWS * sizeof *y);
  QePool *pool = NULL;
  QeError err;
  QE_REQUIRE (x && y && first && QE_CHECK_OK (qe_pool_new (&pool, 2, &err), err));
  for (size_t i = 0; i < N_TEST_TYPES; i++) {
    TestWeights w;
    Job job = { .x = x, .columns = COLUMNS };
    QE_REQUIRE (test_weights_make (&w, test_types[i], ROWS, COLUMNS, i));
    QE_REQUIRE (QE_CHECK_OK (qe_matmul_new (&job.m, 2, COLUMNS, TOKENS, &err), err));
    job.product = (QeProduct) { w.raw, test_types[i], ROWS, y, ROWS, NULL };
    for (job.n_tokens = 1; job.n_tokens <= TOKENS; job.n_tokens += 4)
      for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
        memset (y, 0xff, TOKENS * ROWS * sizeof *y);
        qe_tuning_set_ahead (test_types[i], distances[d]);
        qe_pool_run (pool, run_job, &job);
        if (d == 0)
          memcpy (first, y, TOKENS * ROWS * sizeof *y);
        QE_CHECK (memcmp (first, y, TOKENS * ROWS * sizeof *y) == 0);
      }
    qe_matmul_free (job.m);
    test_weights_clear (&w);
  }
  qe_tuning_reset ();
  qe_pool_free (pool);
  free (x);
  free (y);
  free (first);
}

/* Logits after 150 tokens read at once and one more alone; NULL on failure. */
static float *
make_logits (QeModel *model, unsigned n_threads)
{
  QeContext *context = NULL;
  QeError err = { 0 };
  QePrompt *prompt = qe_prompt_new ();
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  float *copy = NULL;
  int32_t tokens[151];
  for (int32_t i = 0; i < 151; i++)
    tokens[i] = 300 + i * 37 % 1000;
  if (QE_CHECK_OK (qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 256, .n_threads = n_threads }, &err),
                   err)
      && QE_CHECK_OK (qe_prompt_add_tokens (prompt, tokens, 150, &err), err)
      && QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, NULL, &err), err)
      && QE_CHECK_OK (qe_context_append (context, tokens + 150, 1, NULL, &err), err)) {
    copy = malloc (n_vocab * sizeof *copy);
    memcpy (copy, qe_context_logits (context), n_vocab * sizeof *copy);
  }
  qe_prompt_free (prompt);
  qe_context_free (context);
  return copy;
}

/* A quantised model, of which attention may round: the same bits with any number of threads, however far ahead. */
QE_TEST (a_whole_model_stays_the_same)
{
  static const char *const files[] = { "quern-tiny-Q8_0.gguf", "quern-tiny-Q4_K_M.gguf" };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    QeModel *model = NULL;
    QeError err = { 0 };
    QE_REQUIRE (QE_CHECK_OK (qe_model_open (&model, qe_test_tiny (files[i]), NULL, &err), err));
    qe_tuning_reset ();
    float *want = make_logits (model, 1);
    for (unsigned n = 2; n <= 4; n++) {
      for (uint32_t type = 0; type < QE_N_TYPES; type++)
        qe_tuning_set_ahead ((QeType) type, n * 4096);
      float *got = make_logits (model, n);
      QE_CHECK (want && got && memcmp (want, got, qe_model_info (model)->n_vocab * sizeof *want) == 0);
      free (got);
    }
    free (want);
    qe_model_free (model);
  }
  qe_tuning_reset ();
}
