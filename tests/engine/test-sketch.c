/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sketch of the head: how near its scores are, that a choice from them is the choice from the right logits, and that texts
 * stay the same, token for token. */
#include <pthread.h>

#include "qe-test.h"
#include "qe-test-variants.h"
#include "context/qe-context-private.h"
#include "cpu/qe-kernels.h"
#include "model/qe-head-sketch.h"
#include "sampler/qe-sampler.h"

/* Nearly. */
static float
normal (uint64_t *seed)
{
  float sum = 0;

  for (int i = 0; i < 4; i++)
    sum += qe_test_random_float (seed);
  return sum * 0.866f;
}

/* ---- scores ---- */

enum { ROWS = 2000, COLUMNS = 544 }; /* more than a block, and not a whole number of them */

typedef struct {
  float *w; /* [ROWS][COLUMNS] */
  QeWeight head;
  QeHeadSketch *sketch;
  QePool *pool;
} Matrix;

/* With rows and columns of very different magnitude, and columns whose weights are all on one side. */
static void
make_matrix (Matrix *m)
{
  uint64_t seed = 5;
  QeError err = { 0 };

  m->w = malloc (ROWS * COLUMNS * sizeof (float));
  for (size_t r = 0; r < ROWS; r++)
    for (size_t c = 0; c < COLUMNS; c++)
      m->w[r * COLUMNS + c] = (normal (&seed) + (c % 5 == 0 ? 3 : 0)) * (c % 64 == 7 ? 40 : 1) * (float) (r % 7 + 1)
                              * 0.01f;
  m->head = (QeWeight) { .data = m->w, .type = QE_TYPE_F32, .columns = COLUMNS, .rows = ROWS };
  QE_CHECK_OK (qe_pool_new (&m->pool, 2, &err), err);
  m->sketch = qe_head_sketch_new (ROWS, COLUMNS);
}

static void
clear_matrix (Matrix *m)
{
  qe_head_sketch_free (m->sketch);
  qe_pool_free (m->pool);
  free (m->w);
}

static void
make_sketch (const Matrix *m)
{
  for (int i = 0; i < 1000 && !qe_head_sketch_is_ready (m->sketch) && !atomic_load (&m->sketch->failed); i++)
    qe_head_sketch_advance (m->sketch, &m->head, m->pool);
}

static void
score (const Matrix *m, const float *x, float *scores, QeSketchInput *input)
{
  const QeHeadSketch *s = m->sketch;
  int8_t *p = aligned_alloc (64, s->n_blocks * QE_SKETCH_COLUMNS);

  memset (p, 0, s->n_blocks * QE_SKETCH_COLUMNS);
  qe_kernels ()->sketch_input (p, input, x, &s->columns, COLUMNS);
  qe_kernels ()->sketch (&(QeSketchArgs) { s->blocks, s->scales, ROWS, s->n_blocks, 1, p, input, scores, ROWS });
  free (p);
}

static double
product (const float *a, const float *b)
{
  double sum = 0;

  for (size_t c = 0; c < COLUMNS; c++)
    sum += (double) a[c] * b[c];
  return sum;
}

/* Errors in standard deviations, as the sketch expects them. */
QE_TEST (scores_are_as_near_as_they_claim)
{
  Matrix m;
  static float x[COLUMNS], scores[ROWS];
  uint64_t seed = 9;
  double sum = 0, squares = 0, most = 0;

  make_matrix (&m);
  QE_CHECK (!qe_head_sketch_is_ready (m.sketch));
  make_sketch (&m);
  QE_REQUIRE (qe_head_sketch_is_ready (m.sketch));
  for (int t = 0; t < 8; t++) {
    QeSketchInput input;

    for (size_t c = 0; c < COLUMNS; c++)
      x[c] = normal (&seed) + (c == 33 ? 20 : 0);
    score (&m, x, scores, &input);
    for (size_t r = 0; r < ROWS; r++) {
      const double z = (scores[r] - product (m.w + r * COLUMNS, x))
                       / qe_head_sketch_deviation (m.sketch, &input, r / QE_ROUGH_GROUP);

      sum += z / (8 * ROWS);
      squares += z * z / (8 * ROWS);
      most = fmax (most, fabs (z));
    }
  }
  qe_test_note ("errors: mean %.3f, root mean square %.3f, at most %.2f deviations", sum, sqrt (squares), most);
  QE_CHECK_FLOAT (sum, 0, 0.1);
  /* deviations are those of the worst row of 64, here with seven times the weights of the least */
  QE_CHECK (sqrt (squares) > 0.4 && sqrt (squares) < 1.1);
  QE_CHECK (most < 5);
  clear_matrix (&m);
}

/* Activations that look like a row, as those of a likely token: a plain fit would tell them too small. */
QE_TEST (likely_rows_are_not_told_too_small)
{
  Matrix m;
  static float x[COLUMNS], scores[ROWS];
  double mean = 0;

  make_matrix (&m);
  make_sketch (&m);
  QE_REQUIRE (qe_head_sketch_is_ready (m.sketch));
  for (size_t r = 0; r < ROWS; r += 20) {
    const QeSketchColumns *k = &m.sketch->columns;
    QeSketchInput input;

    for (size_t c = 0; c < COLUMNS; c++)
      x[c] = (m.w[r * COLUMNS + c] - k->mean[c]) * k->inverse[c] * k->inverse[c];
    score (&m, x, scores, &input);
    mean += (scores[r] - product (m.w + r * COLUMNS, x)) / product (m.w + r * COLUMNS, x) / (ROWS / 20);
  }
  QE_CHECK_FLOAT (mean, 0, 0.01);
  clear_matrix (&m);
}

QE_TEST (weights_that_are_not_numbers)
{
  Matrix m;

  make_matrix (&m);
  m.w[1500 * COLUMNS + 3] = NAN;
  make_sketch (&m);
  QE_CHECK (!qe_head_sketch_is_ready (m.sketch));
  QE_CHECK (atomic_load (&m.sketch->failed));
  clear_matrix (&m);
}

QE_TEST (activations_that_are_not_numbers)
{
  Matrix m;
  static float x[COLUMNS], scores[ROWS];
  QeSketchInput input;

  make_matrix (&m);
  make_sketch (&m);
  x[100] = NAN;
  score (&m, x, scores, &input);
  QE_CHECK (!isfinite (scores[0]) && !isfinite (scores[ROWS - 1]));
  clear_matrix (&m);
}

/* ---- choices ---- */

enum { VOCAB = 20000 + 37, GROUPS = (VOCAB + QE_ROUGH_GROUP - 1) / QE_ROUGH_GROUP };

typedef struct {
  float exact[VOCAB], rough[VOCAB], margins[GROUPS];
  uint8_t allowed[VOCAB];
  size_t asked;
  bool believable;
} Logits;

static bool
refine (void *data, const int32_t *tokens, size_t n)
{
  Logits *l = data;

  for (size_t i = 0; i < n; i++)
    l->rough[tokens[i]] = l->exact[tokens[i]];
  l->asked += n;
  return l->believable;
}

static void
fill (Logits *l, uint64_t seed, float margin)
{
  for (size_t i = 0; i < VOCAB; i++) {
    l->exact[i] = 2 * normal (&seed);
    if (i % 3000 == 11)
      l->exact[i] += 8;
    l->rough[i] = l->exact[i] + margin * qe_test_random_float (&seed);
    l->allowed[i] = i % 997 != 11 && i < VOCAB - 20;
  }
  for (size_t g = 0; g < GROUPS; g++)
    l->margins[g] = margin;
  l->asked = 0;
  l->believable = true;
}

static QeSampler *
sampler (QeSamplerParams params)
{
  QeSampler *s = NULL;
  QeError err = { 0 };

  QE_CHECK_OK (qe_sampler_new (&s, &params, &err), err);
  return s;
}

static void
check_choices (QeSamplerParams params, const char *what)
{
  static Logits l;
  QeSampler *a = sampler (params), *b = sampler (params);
  size_t asked = 0;

  QE_CHECK (qe_sampler_wants_few (a));
  for (uint64_t i = 0; i < 120; i++) {
    const QeRoughLogits rough = { l.rough, l.margins, refine, &l };
    const uint8_t *allowed = i % 2 ? l.allowed : NULL;
    int32_t got = -1, want;

    fill (&l, 100 + i / 8, 0.8f); /* the same logits a few times, so that penalties count */
    want = qe_sampler_pick (b, l.exact, VOCAB, allowed);
    QE_CHECK (qe_sampler_pick_rough (a, &rough, VOCAB, allowed, &got));
    if (!qe_test_check (got == want, __FILE__, __LINE__, "%s, draw %d: %d, not %d", what, (int) i, got, want))
      break;
    asked += l.asked;
    qe_sampler_accept (a, got);
    qe_sampler_accept (b, want);
  }
  qe_test_note ("%s: %zu of %d logits asked for", what, asked / 120, VOCAB);
  QE_CHECK_INT (asked / 120, <, VOCAB / 16);
  qe_sampler_free (a);
  qe_sampler_free (b);
}

QE_TEST (choices_are_those_of_the_right_logits)
{
  const QeSamplerParams plain = { .temperature = 1, .top_k = 20, .top_p = 1, .repetition_penalty = 1, .seed = 3 };
  QeSamplerParams p = plain;

  check_choices (p, "top-k");
  p.top_p = 0.9f;
  p.presence_penalty = 1.5f;
  check_choices (p, "top-p, presence");
  p.presence_penalty = -2;
  p.temperature = 3;
  p.top_k = 50;
  check_choices (p, "bonus, hot");
  p = plain;
  p.repetition_penalty = 1.5f;
  p.min_p = 0.02f;
  check_choices (p, "repetition, min-p");
  p.temperature = 0;
  p.top_k = 0;
  check_choices (p, "greedy");
}

QE_TEST (when_all_logits_are_needed)
{
  static Logits l;
  const QeRoughLogits rough = { l.rough, l.margins, refine, &l };
  QeSamplerParams p = { .temperature = 1, .top_k = 0, .top_p = 0.9f, .repetition_penalty = 1 };
  QeSampler *s = sampler (p);
  int32_t token;

  fill (&l, 1, 0.5f);
  QE_CHECK (!qe_sampler_wants_few (s)); /* a nucleus of the whole distribution */
  QE_CHECK (!qe_sampler_pick_rough (s, &rough, VOCAB, NULL, &token));
  qe_sampler_free (s);
  p.top_k = 20;
  s = sampler (p);
  QE_CHECK (qe_sampler_pick_rough (s, &rough, VOCAB, NULL, &token));
  fill (&l, 1, 50); /* nothing can be told apart */
  QE_CHECK (!qe_sampler_pick_rough (s, &rough, VOCAB, NULL, &token));
  fill (&l, 1, 0.5f);
  l.believable = false;
  QE_CHECK (!qe_sampler_pick_rough (s, &rough, VOCAB, NULL, &token));
  fill (&l, 1, 0.5f);
  QE_CHECK (!qe_sampler_pick_rough (s, &rough, 30, NULL, &token)); /* hardly more than top-k */
  memset (l.allowed, 0, sizeof l.allowed);
  QE_CHECK (!qe_sampler_pick_rough (s, &rough, VOCAB, l.allowed, &token));
  qe_sampler_free (s);
}

/* ---- texts ---- */

enum { LENGTH = 400, SHORT = 160 };

typedef struct {
  QeModel *model;
  QeContext *context;
  QeSampler *sampler;
  int32_t text[LENGTH + QE_STEP_MAX];
  size_t n;
} Writer;

/* 60 tokens, of which the second half repeats the first. */
static bool
read_prompt (Writer *w)
{
  QePrompt *prompt = qe_prompt_new ();
  QeError err = { 0 };
  bool ok;

  for (int32_t i = 0; i < 60; i++)
    QE_CHECK_OK (qe_prompt_add_tokens (prompt, &(int32_t) { i % 30 * 11 + 5 }, 1, &err), err);
  ok = QE_CHECK_OK (qe_context_prefill (w->context, prompt, NULL, NULL, &err), err);
  qe_prompt_free (prompt);
  return ok;
}

static bool
open_writer (Writer *w, const char *path, QeContextParams params, QeSamplerParams sampling)
{
  QeError err = { 0 };

  *w = (Writer) { .sampler = sampler (sampling) };
  params.n_ctx = 1024;
  params.n_threads = 2;
  return QE_CHECK_OK (qe_model_open (&w->model, path, NULL, &err), err)
         && QE_CHECK_OK (qe_context_new (&w->context, w->model, &params, &err), err) && read_prompt (w);
}

static void
close_writer (Writer *w)
{
  qe_sampler_free (w->sampler);
  qe_context_free (w->context);
  qe_model_free (w->model);
}

static void
write_text (Writer *w, size_t length)
{
  QeError err = { 0 };

  while (w->n < length) {
    size_t n = 0;
    const QeStatus status = qe_context_step (w->context, w->sampler, NULL, w->text + w->n, &n, &err);

    if (!qe_test_check (status == QE_OK || status == QE_END, __FILE__, __LINE__, "step: %s", err.message))
      return;
    w->n += n;
    if (status == QE_END && !QE_CHECK_OK (qe_context_append (w->context, &w->text[w->n - 1], 1, NULL, &err), err))
      return;
  }
}

/* At least one more token. */
static void
write_until_rough (Writer *w)
{
  do
    write_text (w, w->n + 1);
  while (!w->context->is_rough && w->n < LENGTH);
  QE_CHECK (w->context->is_rough);
}

static void
check_same (const Writer *a, const Writer *b, const char *what)
{
  for (size_t i = 0; i < a->n && i < b->n; i++)
    if (!qe_test_check (a->text[i] == b->text[i], __FILE__, __LINE__, "%s: token %zu is %d with a sketch, %d without",
                        what, i, a->text[i], b->text[i]))
      return;
}

static const QeSamplerParams samplers[] = {
  { .temperature = 0, .top_p = 1, .repetition_penalty = 1 },
  { .temperature = 1, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1, .presence_penalty = 1.5f, .seed = 9 },
  { .temperature = 0.7f, .top_k = 5, .top_p = 1, .repetition_penalty = 1.1f, .seed = 4 },
};

static void
check_text (const char *path, bool speculative, size_t length)
{
  for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
    Writer plain, sketched;
    QeDecodeStats stats;

    if (!open_writer (&plain, path, (QeContextParams) { 0 }, samplers[i])
        || !open_writer (&sketched, path, (QeContextParams) { .sketch = true, .speculative = speculative },
                         samplers[i]))
      return;
    write_text (&plain, length);
    write_text (&sketched, length);
    check_same (&sketched, &plain, path);
    QE_CHECK_CLOSE (qe_context_logits (sketched.context), qe_context_logits (plain.context),
                    speculative ? 0 : qe_model_info (plain.model)->n_vocab, 0);
    qe_context_decode_stats (plain.context, &stats);
    QE_CHECK_INT (stats.sketched, ==, 0);
    qe_context_decode_stats (sketched.context, &stats);
    qe_test_note ("%s, sampler %zu: %llu of %llu steps by the sketch", strrchr (path, '/') + 1, i,
                  (unsigned long long) stats.sketched, (unsigned long long) stats.steps);
    QE_CHECK_INT (stats.sketched, >, 0);
    close_writer (&plain);
    close_writer (&sketched);
  }
}

QE_TEST (texts_of_a_dense_model)
{
  check_text (qe_test_data ("goldens/a-dense-F16.gguf"), false, SHORT);
}
QE_TEST (texts_of_a_tied_model)
{
  check_text (qe_test_data ("goldens/b-tied-F16.gguf"), false, SHORT);
}
QE_TEST (texts_of_a_mixture)
{
  check_text (qe_test_data ("goldens/c-moe-F16.gguf"), false, SHORT);
}
QE_TEST (texts_with_drafts)
{
  check_text (qe_test_data ("goldens/a-dense-F16.gguf"), true, SHORT);
}

/* The prediction block guesses what it guesses without a sketch. */
QE_TEST (predictions_stay_the_same)
{
  const char *folder = qe_test_variants ("mtp-perfect");
  char path[600];
  int32_t guesses[2][7];
  Writer w;
  QeError err = { 0 };

  QE_REQUIRE (folder != NULL);
  snprintf (path, sizeof path, "%s/mtp-perfect.gguf", folder);
  check_text (path, true, LENGTH);
  QE_REQUIRE (open_writer (&w, path, (QeContextParams) { .sketch = true }, samplers[0]));
  write_text (&w, 100);
  for (size_t i = 0; i < 2; i++) {
    QeContext *context = NULL;

    QE_CHECK_OK (qe_context_new (&context, w.model,
                                 &(QeContextParams) { .n_ctx = 256, .n_threads = 2, .sketch = i, .speculative = true },
                                 &err),
                 err);
    QE_CHECK_INT (qe_rough_rows (&context->rough) != NULL, ==, i); /* it belongs to the model */
    QE_CHECK_OK (qe_context_append (context, w.text, 100, NULL, &err), err);
    QE_CHECK_OK (qe_prediction_draft (&context->prediction, w.text[1], context->length, guesses[i], 7, &err), err);
    qe_context_free (context);
  }
  for (size_t i = 0; i < 7; i++)
    QE_CHECK_INT (guesses[1][i], ==, guesses[0][i]);
  close_writer (&w);
}

/* Whole logits after a step that spared them, and the cache on disk with them. */
QE_TEST (logits_when_they_are_wanted)
{
  const char *path = qe_test_data ("goldens/a-dense-F16.gguf");
  Writer plain, sketched, restored;
  char state[600];
  QeError err = { 0 };
  size_t n_vocab;

  QE_REQUIRE (open_writer (&plain, path, (QeContextParams) { 0 }, samplers[0]));
  QE_REQUIRE (open_writer (&sketched, path, (QeContextParams) { .sketch = true }, samplers[0]));
  QE_REQUIRE (open_writer (&restored, path, (QeContextParams) { 0 }, samplers[0]));
  n_vocab = qe_model_info (plain.model)->n_vocab;
  write_until_rough (&sketched);
  write_text (&plain, sketched.n);
  snprintf (state, sizeof state, "%s/state", qe_test_folder ());
  QE_CHECK_OK (qe_context_save (sketched.context, state, &err), err);
  QE_CHECK_OK (qe_context_restore (restored.context, state, &err), err);
  QE_CHECK_OK (qe_context_save (plain.context, state, &err), err); /* which brings the recurrent state together */
  QE_CHECK_CLOSE (qe_context_logits (restored.context), qe_context_logits (plain.context), n_vocab, 0);
  write_until_rough (&sketched);
  write_text (&plain, sketched.n);
  QE_CHECK_CLOSE (qe_context_logits (sketched.context), qe_context_logits (plain.context), n_vocab, 0);
  write_until_rough (&sketched);
  QE_CHECK_OK (qe_context_restore (sketched.context, state, &err), err); /* whole ones in the place of rough ones */
  QE_CHECK (!sketched.context->is_rough);
  QE_CHECK_CLOSE (qe_context_logits (sketched.context), qe_context_logits (restored.context), n_vocab, 0);
  close_writer (&plain);
  close_writer (&sketched);
  close_writer (&restored);
}

/* Those that a checkpoint kept, after rough ones. */
QE_TEST (logits_of_a_checkpoint)
{
  const char *path = qe_test_data ("goldens/a-dense-F16.gguf");
  Writer fresh, sketched;

  QE_REQUIRE (open_writer (&fresh, path, (QeContextParams) { 0 }, samplers[0]));
  QE_REQUIRE (open_writer (&sketched, path, (QeContextParams) { .sketch = true }, samplers[0]));
  write_until_rough (&sketched);
  QE_REQUIRE (read_prompt (&sketched));
  QE_CHECK (!sketched.context->is_rough);
  QE_CHECK_CLOSE (qe_context_logits (sketched.context), qe_context_logits (fresh.context),
                  qe_model_info (fresh.model)->n_vocab, 0);
  close_writer (&fresh);
  close_writer (&sketched);
}

static void *
write_all (void *data)
{
  write_text (data, SHORT);
  return NULL;
}

/* Conversations with one model, at the same time. */
QE_TEST (two_contexts_make_one_sketch)
{
  const char *path = qe_test_data ("goldens/b-tied-F16.gguf");
  const QeContextParams params = { .n_ctx = 1024, .n_threads = 1, .sketch = true };
  Writer plain, a, b;
  pthread_t thread;
  QeError err = { 0 };

  QE_REQUIRE (open_writer (&plain, path, (QeContextParams) { 0 }, samplers[0]));
  QE_REQUIRE (open_writer (&a, path, params, samplers[0]));
  b = (Writer) { .model = qe_model_ref (a.model), .sampler = sampler (samplers[0]) };
  QE_REQUIRE_OK (qe_context_new (&b.context, b.model, &params, &err), err);
  QE_REQUIRE (read_prompt (&b));
  write_text (&plain, SHORT);
  QE_REQUIRE (pthread_create (&thread, NULL, write_all, &a) == 0);
  write_text (&b, SHORT);
  pthread_join (thread, NULL);
  check_same (&a, &plain, "first");
  check_same (&b, &plain, "second");
  QE_CHECK (a.context->stats.sketched > 0 && b.context->stats.sketched > 0);
  close_writer (&plain);
  close_writer (&a);
  close_writer (&b);
}

/* Top-k beyond what a sketch can tell apart in so small a vocabulary: nearly all steps do without it. */
QE_TEST (a_sketch_that_does_not_help_is_left_alone)
{
  const QeSamplerParams wide = { .temperature = 1, .top_k = 256, .top_p = 1, .repetition_penalty = 1, .seed = 2 };
  const char *path = qe_test_data ("goldens/a-dense-F16.gguf");
  Writer plain, sketched;
  QeDecodeStats stats;

  QE_REQUIRE (open_writer (&plain, path, (QeContextParams) { 0 }, wide));
  QE_REQUIRE (open_writer (&sketched, path, (QeContextParams) { .sketch = true }, wide));
  write_text (&plain, SHORT);
  write_text (&sketched, SHORT);
  check_same (&sketched, &plain, "wide");
  qe_context_decode_stats (sketched.context, &stats);
  QE_CHECK_INT (stats.sketched, >, 0);
  QE_CHECK_INT (stats.sketched, <, SHORT / 16);
  close_writer (&plain);
  close_writer (&sketched);
}
