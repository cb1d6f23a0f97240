/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a context evaluates and what it reuses, and that the results do not depend on it. */
#include "qe-test.h"

typedef struct {
  QeModel *model;
  QeContext *context;
  size_t n_vocab;
} Fixture;

static bool
open_fixture (Fixture *f, const char *name, QeContextParams params)
{
  char path[64];
  QeError err = { 0 };

  *f = (Fixture) { 0 };
  snprintf (path, sizeof path, "goldens/%s-F16.gguf", name);
  if (params.n_threads == 0)
    params.n_threads = 2;
  if (!QE_CHECK_OK (qe_model_open (&f->model, qe_test_data (path), NULL, &err), err)
      || !QE_CHECK_OK (qe_context_new (&f->context, f->model, &params, &err), err))
    return false;
  f->n_vocab = qe_model_info (f->model)->n_vocab;
  return true;
}

static void
close_fixture (Fixture *f)
{
  qe_context_free (f->context);
  qe_model_free (f->model);
}

/* Tokens [0, n) of a fixed text, with other ones from `differs` on; marks where asked (0: none). */
static QePrompt *
text (size_t n, size_t differs, size_t mark_a, size_t mark_b)
{
  QePrompt *prompt = qe_prompt_new ();
  QeError err = { 0 };

  for (size_t i = 0; i < n; i++) {
    const int32_t token = (int32_t) ((i * 131 + (i >= differs ? 7 : 0)) % 4001);

    QE_CHECK_OK (qe_prompt_add_tokens (prompt, &token, 1, &err), err);
    if (i + 1 == mark_a || i + 1 == mark_b)
      qe_prompt_mark (prompt);
  }
  return prompt;
}

static QePrefillStats
prefill (QeContext *context, QePrompt *prompt)
{
  QePrefillStats stats = { 0 };
  QeError err = { 0 };

  QE_CHECK_OK (qe_context_prefill (context, prompt, NULL, &stats, &err), err);
  QE_CHECK_INT (stats.evaluated + stats.reused, ==, stats.prompt_rows);
  QE_CHECK_INT (qe_context_length (context), ==, qe_prompt_length (prompt));
  qe_prompt_free (prompt);
  return stats;
}

/* The logits after a prompt, from a context that has seen nothing else. */
static float *
fresh_logits (const char *name, QePrompt *prompt, QeContextParams params)
{
  Fixture f;
  float *copy = NULL;

  if (open_fixture (&f, name, params)) {
    prefill (f.context, prompt);
    copy = malloc (f.n_vocab * sizeof *copy);
    memcpy (copy, qe_context_logits (f.context), f.n_vocab * sizeof *copy);
  }
  close_fixture (&f);
  return copy;
}

#define CACHE { .n_ctx = 1024, .kv_type = QE_KV_F32 }

static const size_t never = SIZE_MAX;

QE_TEST (follow_up_evaluates_the_new_part)
{
  Fixture f;
  QePrefillStats stats;
  float *want = fresh_logits ("a-dense", text (300, never, 0, 0), (QeContextParams) CACHE);

  QE_REQUIRE (open_fixture (&f, "a-dense", (QeContextParams) CACHE));
  stats = prefill (f.context, text (200, never, 0, 0));
  QE_CHECK_INT (stats.evaluated, ==, 200);
  stats = prefill (f.context, text (300, never, 0, 0));
  QE_CHECK_INT (stats.reused, ==, 200);
  QE_CHECK_CLOSE (qe_context_logits (f.context), want, f.n_vocab, 3e-4);
  free (want);
  close_fixture (&f);
}

QE_TEST (same_prompt_evaluates_nothing)
{
  Fixture f;
  QePrefillStats stats;
  const int32_t answer[] = { 5, 6, 7 };
  QeError err = { 0 };
  float *want = fresh_logits ("a-dense", text (200, never, 0, 0), (QeContextParams) CACHE);

  QE_REQUIRE (open_fixture (&f, "a-dense", (QeContextParams) CACHE));
  prefill (f.context, text (200, never, 0, 0));
  stats = prefill (f.context, text (200, never, 0, 0));
  QE_CHECK_INT (stats.evaluated, ==, 0);
  QE_CHECK_OK (qe_context_append (f.context, answer, 3, NULL, &err), err);
  QE_CHECK_INT (qe_context_length (f.context), ==, 203);
  stats = prefill (f.context, text (200, never, 0, 0)); /* ask again */
  QE_CHECK_INT (stats.evaluated, ==, 0);
  QE_CHECK_CLOSE (qe_context_logits (f.context), want, f.n_vocab, 3e-4);
  free (want);
  close_fixture (&f);
}

QE_TEST (edit_goes_back_to_a_mark)
{
  Fixture f;
  QePrefillStats stats;
  float *want = fresh_logits ("c-moe", text (260, 210, 0, 0), (QeContextParams) CACHE);

  QE_REQUIRE (open_fixture (&f, "c-moe", (QeContextParams) CACHE));
  prefill (f.context, text (300, never, 50, 200));
  stats = prefill (f.context, text (260, 210, 50, 200));
  QE_CHECK_INT (stats.reused, ==, 200);
  QE_CHECK_CLOSE (qe_context_logits (f.context), want, f.n_vocab, 3e-4);
  stats = prefill (f.context, text (260, 120, 50, 0)); /* before the second mark */
  QE_CHECK_INT (stats.reused, ==, 50);
  stats = prefill (f.context, text (260, 20, 0, 0)); /* before the first */
  QE_CHECK_INT (stats.reused, ==, 0);
  free (want);
  close_fixture (&f);
}

/* Chat: the answer's reasoning is gone from the next prompt, so everything from the end of the question is new. */
QE_TEST (turns_of_a_conversation)
{
  Fixture f;
  QeError err = { 0 };
  int32_t answer[40];

  QE_REQUIRE (open_fixture (&f, "a-dense", (QeContextParams) CACHE));
  for (int i = 0; i < 40; i++)
    answer[i] = i + 100;
  for (size_t turn = 1; turn <= 6; turn++) {
    const QePrefillStats stats = prefill (f.context, text (100 * turn + 8, never, 20, 100 * turn));

    QE_CHECK_INT (stats.reused, ==, turn == 1 ? 0 : 100 * (turn - 1));
    QE_CHECK_OK (qe_context_append (f.context, answer, 40, NULL, &err), err);
  }
  close_fixture (&f);
}

QE_TEST (long_prompts_have_places_to_return_to)
{
  Fixture f;
  QePrefillStats stats;

  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 4096 }));
  prefill (f.context, text (3000, never, 0, 0));
  stats = prefill (f.context, text (3000, 2500, 0, 0));
  QE_CHECK (stats.reused >= 1024 && stats.reused <= 2500);
  close_fixture (&f);
}

QE_TEST (no_checkpoints_when_none_are_wanted)
{
  Fixture f;
  QePrefillStats stats;

  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 512, .checkpoint_bytes = UINT64_MAX }));
  prefill (f.context, text (300, never, 100, 200));
  stats = prefill (f.context, text (300, 250, 100, 200));
  QE_CHECK_INT (stats.reused, ==, 0);
  stats = prefill (f.context, text (310, 250, 0, 0));
  QE_CHECK_INT (stats.reused, ==, 300);
  close_fixture (&f);
}

/* One by one, in one batch, in pieces; one thread or several; whichever kernels: the same logits. */
QE_TEST (batches_do_not_matter)
{
  Fixture f;
  QeError err = { 0 };
  static const size_t pieces[] = { 1, 3, 7, 8, 9, 16, 63, 64, 65, 100 };
  size_t done = 10;
  float *want = fresh_logits ("a-dense", text (10 + 336, never, 0, 0), (QeContextParams) CACHE);

  QE_REQUIRE (open_fixture (&f, "a-dense", (QeContextParams) CACHE));
  prefill (f.context, text (10, never, 0, 0));
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    int32_t tokens[100];

    for (size_t j = 0; j < pieces[i]; j++)
      tokens[j] = (int32_t) ((done + j) * 131 % 4001);
    QE_CHECK_OK (qe_context_append (f.context, tokens, pieces[i], NULL, &err), err);
    done += pieces[i];
  }
  QE_CHECK_INT (done, ==, 346);
  QE_CHECK_CLOSE (qe_context_logits (f.context), want, f.n_vocab, 3e-4);
  free (want);
  close_fixture (&f);
}

static void
check_threads (const char *name)
{
  float *want = fresh_logits (name, text (150, never, 0, 0), (QeContextParams) { .n_ctx = 512, .n_threads = 1 });

  for (unsigned n = 2; n <= 5; n++) {
    float *got = fresh_logits (name, text (150, never, 0, 0), (QeContextParams) { .n_ctx = 512, .n_threads = n });

    QE_CHECK_CLOSE (got, want, 4096, 0);
    free (got);
  }
  free (want);
}

QE_TEST (threads_do_not_matter)
{
  check_threads ("a-dense");
}
QE_TEST (threads_do_not_matter_for_experts)
{
  check_threads ("c-moe");
}

QE_TEST (context_full)
{
  Fixture f;
  QePrefillStats stats;
  QePrompt *prompt = text (70, never, 0, 0);
  const int32_t tokens[2] = { 1, 2 };
  QeError err = { 0 };

  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 64 }));
  QE_CHECK_INT (qe_context_prefill (f.context, prompt, NULL, &stats, &err), ==, QE_ERROR_CONTEXT_FULL);
  QE_CHECK_CONTAINS (err.message, "6 more");
  qe_prompt_free (prompt);
  prefill (f.context, text (63, never, 0, 0));
  QE_CHECK_INT (qe_context_append (f.context, tokens, 2, NULL, &err), ==, QE_ERROR_CONTEXT_FULL);
  QE_CHECK_OK (qe_context_append (f.context, tokens, 1, NULL, &err), err);
  QE_CHECK_INT (qe_context_length (f.context), ==, 64);
  QE_CHECK_INT (qe_context_append (f.context, tokens, 1, NULL, &err), ==, QE_ERROR_CONTEXT_FULL);
  close_fixture (&f);
}

QE_TEST (senseless_arguments)
{
  Fixture f;
  QeError err = { 0 };
  QeContext *other = NULL;
  QePrompt *prompt = qe_prompt_new ();
  const int32_t tokens[] = { 1, 4096, -1 };

  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 64 }));
  QE_CHECK_INT (qe_context_prefill (f.context, prompt, NULL, NULL, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, tokens, 2, &err), err);
  QE_CHECK_INT (qe_context_prefill (f.context, prompt, NULL, NULL, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_INT (qe_context_append (f.context, tokens + 2, 1, NULL, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_INT (qe_context_score (f.context, tokens, 3, 0, NULL, NULL, NULL, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK (qe_context_logits (f.context) == NULL);
  QE_CHECK_INT (qe_context_new (&other, f.model, &(QeContextParams) { .n_ctx = 1u << 30 }, &err), ==,
                QE_ERROR_ARGUMENT);
  QE_CHECK (other == NULL);
  QE_CHECK_INT (qe_context_new (&other, f.model, &(QeContextParams) { .n_threads = 5000 }, &err), ==,
                QE_ERROR_ARGUMENT);
  qe_prompt_free (prompt);
  close_fixture (&f);
}

typedef struct {
  int polls, limit;
  uint64_t done, total;
} Watch;

static bool
watch_cancelled (void *data)
{
  Watch *w = data;

  return ++w->polls > w->limit;
}

static void
watch_progress (void *data, uint64_t done, uint64_t total)
{
  Watch *w = data;

  QE_CHECK (done > w->done);
  w->done = done;
  w->total = total;
}

/* Wherever it is stopped, what is left is a beginning of the prompt, and going on gives what it should. */
QE_TEST (cancelled_anywhere)
{
  Fixture f;
  QePrefillStats stats;
  QeError err = { 0 };
  float *want = fresh_logits ("a-dense", text (700, never, 0, 0), (QeContextParams) CACHE);

  QE_REQUIRE (open_fixture (&f, "a-dense", (QeContextParams) CACHE));
  for (int limit = 0; limit < 22; limit += 3) {
    Watch watch = { .limit = limit };
    const QeControl control = { watch_cancelled, watch_progress, &watch };
    QePrompt *prompt = text (700, never, 300, 0), *other = text (30, 10, 0, 0);
    const QeStatus status = qe_context_prefill (f.context, prompt, &control, &stats, &err);

    if (status == QE_OK)
      QE_CHECK_INT (watch.done, ==, watch.total);
    else
      QE_CHECK_INT (status, ==, QE_ERROR_CANCELLED);
    QE_CHECK (qe_context_length (f.context) <= 700);
    prefill (f.context, text (700, never, 0, 0));
    QE_CHECK_CLOSE (qe_context_logits (f.context), want, f.n_vocab, 3e-4);
    QE_CHECK_OK (qe_context_prefill (f.context, other, NULL, &stats, &err), err);
    qe_prompt_free (prompt);
    qe_prompt_free (other);
  }
  free (want);
  close_fixture (&f);
}

/* At least one poll for each 64 rows' worth of work. */
QE_TEST (polled_often)
{
  Fixture f;
  Watch watch = { .limit = 1 << 30 };
  const QeControl control = { watch_cancelled, NULL, &watch };
  QePrompt *prompt = text (1000, never, 0, 0);
  QeError err = { 0 };

  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 1024 }));
  QE_CHECK_OK (qe_context_prefill (f.context, prompt, &control, NULL, &err), err);
  QE_CHECK (watch.polls >= 1000 / 64);
  qe_prompt_free (prompt);
  close_fixture (&f);
}

static bool
count_rows (void *data, size_t row, const float *logits)
{
  size_t *next = data;

  QE_CHECK_INT (row, ==, *next);
  (*next)++;
  return *next < 350;
}

QE_TEST (scores_the_rows_asked_for)
{
  Fixture f;
  QeError err = { 0 };
  int32_t tokens[600];
  size_t next = 100;

  for (int i = 0; i < 600; i++)
    tokens[i] = i * 131 % 4001;
  QE_REQUIRE (open_fixture (&f, "b-tied", (QeContextParams) { .n_ctx = 1024 }));
  QE_CHECK_OK (qe_context_score (f.context, tokens, 600, 100, count_rows, &next, NULL, &err), err);
  QE_CHECK_INT (next, ==, 350);
  QE_CHECK (qe_context_logits (f.context) == NULL);
  close_fixture (&f);
}
