/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A context on disk: what comes back goes on as if nothing had happened, and what is damaged does no harm. */
#include "qe-test.h"

#include <sys/stat.h>
#include <unistd.h>

static QeModel *
open_model (const char *name)
{
  char path[64];
  QeModel *model = NULL;
  QeError err = { 0 };

  snprintf (path, sizeof path, "goldens/%s-F16.gguf", name);
  QE_CHECK_OK (qe_model_open (&model, qe_test_data (path), NULL, &err), err);
  return model;
}

static QeContext *
new_context (QeModel *model, uint32_t n_ctx, QeKvType kv_type)
{
  QeContext *context = NULL;
  QeError err = { 0 };

  QE_CHECK_OK (qe_context_new (&context, model,
                               &(QeContextParams) { .n_ctx = n_ctx, .n_threads = 2, .kv_type = kv_type }, &err),
               err);
  return context;
}

static void
prefill (QeContext *context, size_t n, size_t mark, size_t *evaluated)
{
  QePrompt *prompt = qe_prompt_new ();
  QePrefillStats stats = { 0 };
  QeError err = { 0 };

  for (size_t i = 0; i < n; i++) {
    const int32_t token = (int32_t) (i * 37 % 4000);

    QE_CHECK_OK (qe_prompt_add_tokens (prompt, &token, 1, &err), err);
    if (i + 1 == mark)
      qe_prompt_mark (prompt);
  }
  QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, &stats, &err), err);
  if (evaluated)
    *evaluated = stats.evaluated;
  qe_prompt_free (prompt);
}

static void
append (QeContext *context, int32_t token)
{
  QeError err = { 0 };

  QE_CHECK_OK (qe_context_append (context, &token, 1, NULL, &err), err);
}

/* The saved file of a context of 100 rows with a mark at 60. */
static const char *
save (QeContext *context)
{
  static char path[300];
  QeError err = { 0 };

  snprintf (path, sizeof path, "%s/state", qe_test_folder ());
  prefill (context, 100, 60, NULL);
  QE_CHECK_OK (qe_context_save (context, path, &err), err);
  return path;
}

static void
check_round_trip (const char *name, QeKvType kv_type)
{
  QeModel *model = open_model (name);
  QeContext *a = new_context (model, 256, kv_type), *b = new_context (model, 128, kv_type);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  const char *path = save (a);
  QeError err = { 0 };
  size_t evaluated = 0;
  char part[400];

  snprintf (part, sizeof part, "%s.part", path);
  QE_CHECK (access (part, F_OK) != 0);
  append (b, 1); /* something to be replaced */
  QE_CHECK_OK (qe_context_restore (b, path, &err), err);
  QE_CHECK_INT (qe_context_length (b), ==, 100);
  QE_CHECK_CLOSE (qe_context_logits (b), qe_context_logits (a), n_vocab, 0);
  append (a, 7);
  append (b, 7);
  QE_CHECK_CLOSE (qe_context_logits (b), qe_context_logits (a), n_vocab, 0);
  prefill (b, 80, 60, &evaluated); /* the checkpoint at 60 came along */
  QE_CHECK_INT (evaluated, ==, 20);
  prefill (a, 80, 60, &evaluated);
  QE_CHECK_CLOSE (qe_context_logits (b), qe_context_logits (a), n_vocab, 0);
  qe_context_free (a);
  qe_context_free (b);
  qe_model_free (model);
}

QE_TEST (round_trip)
{
  check_round_trip ("a-dense", QE_KV_F16);
}
QE_TEST (round_trip_q8)
{
  check_round_trip ("a-dense", QE_KV_Q8_0);
}
QE_TEST (round_trip_mixture)
{
  check_round_trip ("c-moe", QE_KV_F32);
}

static void
append_some (QeContext *context, int32_t n)
{
  for (int32_t i = 0; i < n; i++)
    append (context, 11 + i * 13);
}

/* What decoding has written beside the recurrent state by then goes into the file and into checkpoints too. */
QE_TEST (while_decoding)
{
  QeModel *model = open_model ("a-dense");
  QeContext *a = new_context (model, 256, QE_KV_F16), *b = new_context (model, 256, QE_KV_F16);
  QeContext *undisturbed = new_context (model, 256, QE_KV_F16);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  const char *path = save (a);
  float *logits = calloc (n_vocab, sizeof *logits);
  QeError err = { 0 };
  size_t evaluated = 0;

  QE_REQUIRE (logits);
  append_some (a, 13);
  QE_CHECK_OK (qe_context_save (a, path, &err), err);
  QE_CHECK_OK (qe_context_restore (b, path, &err), err);
  append_some (a, 5);
  append_some (b, 5);
  QE_CHECK_CLOSE (qe_context_logits (b), qe_context_logits (a), n_vocab, 0);
  prefill (undisturbed, 100, 60, NULL);
  append_some (undisturbed, 13);
  append_some (undisturbed, 5);
  QE_CHECK_CLOSE (qe_context_logits (a), qe_context_logits (undisturbed), n_vocab, 1e-3);

  prefill (a, 100, 60, NULL);
  prefill (a, 104, 104, &evaluated); /* so few rows that they go step by step */
  QE_CHECK_INT (evaluated, ==, 4);
  append_some (a, 3);
  memcpy (logits, qe_context_logits (a), n_vocab * sizeof *logits);
  prefill (a, 104, 104, &evaluated);
  QE_CHECK_INT (evaluated, ==, 0);
  append_some (a, 3);
  QE_CHECK_CLOSE (qe_context_logits (a), logits, n_vocab, 0);
  free (logits);
  qe_context_free (a);
  qe_context_free (b);
  qe_context_free (undisturbed);
  qe_model_free (model);
}

QE_TEST (belongs_elsewhere)
{
  QeModel *model = open_model ("b-tied"), *other = open_model ("a-dense");
  QeContext *context = new_context (model, 128, QE_KV_F16), *wrong = new_context (other, 128, QE_KV_F16);
  QeContext *q8 = new_context (model, 128, QE_KV_Q8_0), *small = new_context (model, 64, QE_KV_F16);
  const char *path = save (context);
  QeError err = { 0 };

  QE_CHECK_INT (qe_context_restore (wrong, path, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "another model");
  QE_CHECK_INT (qe_context_restore (q8, path, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_INT (qe_context_restore (small, path, &err), ==, QE_ERROR_CONTEXT_FULL);
  QE_CHECK_INT (qe_context_restore (context, "/nowhere/at/all", &err), ==, QE_ERROR_IO);
  QE_CHECK_INT (qe_context_length (context), ==, 0);
  prefill (context, 100, 60, NULL);
  QE_CHECK_INT (qe_context_save (context, "/nowhere/at/all", &err), ==, QE_ERROR_IO);
  QE_CHECK_INT (qe_context_length (context), ==, 100);
  qe_context_free (context);
  qe_context_free (wrong);
  qe_context_free (q8);
  qe_context_free (small);
  qe_model_free (model);
  qe_model_free (other);
}

/* Whatever byte is wrong, wherever the file ends: refused, and the context works afterwards. */
QE_TEST (damaged)
{
  QeModel *model = open_model ("b-tied");
  QeContext *context = new_context (model, 128, QE_KV_F16);
  const size_t n_vocab = qe_model_info (model)->n_vocab;
  const char *path = save (context);
  char bad[400];
  size_t size = 0;
  uint8_t *file = qe_test_read (path, &size);
  float *want = malloc (n_vocab * sizeof *want);
  uint64_t seed = 1;
  QeError err = { 0 };

  QE_REQUIRE (file != NULL && want != NULL);
  memcpy (want, qe_context_logits (context), n_vocab * sizeof *want);
  snprintf (bad, sizeof bad, "%s-bad", path);
  for (int i = 0; i < 120; i++) {
    const size_t at = i < 80 ? (size_t) i : qe_test_random (&seed) % size;

    file[at] ^= 0x41;
    QE_REQUIRE (qe_test_write (bad, file, size));
    file[at] ^= 0x41;
    QE_CHECK (qe_context_restore (context, bad, &err) != QE_OK);
    QE_CHECK_INT (qe_context_length (context), ==, 0);
    QE_CHECK (qe_context_logits (context) == NULL);
  }
  for (int i = 0; i < 40; i++) {
    QE_REQUIRE (qe_test_write (bad, file, i < 20 ? (size_t) i * 5 : qe_test_random (&seed) % size));
    QE_CHECK_INT (qe_context_restore (context, bad, &err), ==, QE_ERROR_FORMAT);
  }
  prefill (context, 100, 60, NULL);
  QE_CHECK_CLOSE (qe_context_logits (context), want, n_vocab, 0);
  free (file);
  free (want);
  qe_context_free (context);
  qe_model_free (model);
}
