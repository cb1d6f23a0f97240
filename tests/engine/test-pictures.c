/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-prompt.h"
#include "qe-test-picture.h"
#include "qe-test.h"

/* Pictures in a prompt, from pixels to logits, against the goldens of d-vision (tests/data/goldens/README.md): positions of
 * every row, logits of text rows and of every 16th picture row, and the greedy continuation. */

#define IMAGE_PAD "<|image_pad|>"

typedef struct {
  QeModel *model;
  QeVision *vision;
  QeContext *context;
  QePrompt *prompt;
  QeTestPicture picture;
  QeImage *image;
  QeNpy ids, positions, rows, logits, greedy;
} Case;

static bool
load (QeNpy *out, const char *name, const char *part)
{
  char path[100];

  snprintf (path, sizeof path, "goldens/d-vision/%s_%s.npy", name, part);
  return qe_npy_load (out, qe_test_data (path));
}

static bool
case_open (Case *c, const char *name, unsigned n_threads)
{
  const QeContextParams params = { .n_ctx = 512, .n_threads = n_threads, .kv_type = QE_KV_F32 };
  char path[100];
  QeError err = { 0 };

  snprintf (path, sizeof path, "goldens/d-vision/%s.png", name);
  return load (&c->ids, name, "ids") && load (&c->positions, name, "position_ids") && load (&c->rows, name, "rows")
         && load (&c->logits, name, "logits") && load (&c->greedy, name, "greedy")
         && qe_test_picture_load (&c->picture, qe_test_data (path))
         && QE_CHECK_OK (qe_model_open (&c->model, qe_test_data ("goldens/d-vision-F16.gguf"), NULL, &err), err)
         && QE_CHECK_OK (qe_vision_open (&c->vision, qe_test_data ("goldens/mmproj-d-vision-F32.gguf"), c->model, &err),
                         err)
         && QE_CHECK_OK (qe_context_new (&c->context, c->model, &params, &err), err)
         && QE_CHECK_OK (qe_vision_encode (c->vision, c->picture.rgb, c->picture.width, c->picture.height,
                                           c->picture.width * 3, n_threads, NULL, &c->image, &err),
                         err);
}

static void
case_close (Case *c)
{
  qe_prompt_free (c->prompt);
  qe_image_free (c->image);
  qe_context_free (c->context);
  qe_vision_free (c->vision);
  qe_model_free (c->model);
  qe_test_picture_clear (&c->picture);
  qe_npy_clear (&c->ids);
  qe_npy_clear (&c->positions);
  qe_npy_clear (&c->rows);
  qe_npy_clear (&c->logits);
  qe_npy_clear (&c->greedy);
}

/* The golden's ids, with the picture for its run of placeholders. */
static QePrompt *
make_prompt (const Case *c)
{
  QePrompt *prompt = qe_prompt_new ();
  int32_t pad = qe_token_by_text (c->model, IMAGE_PAD);
  size_t first = 0, end;
  QeError err = { 0 };

  while (first < c->ids.n && c->ids.i32[first] != pad)
    first++;
  for (end = first; end < c->ids.n && c->ids.i32[end] == pad;)
    end++;
  QE_CHECK_INT (end - first, ==, qe_image_plan (c->image)->n_tokens);
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, c->ids.i32, first, &err), err);
  QE_CHECK_OK (qe_prompt_add_image (prompt, c->image, &err), err);
  QE_CHECK_OK (qe_prompt_add_tokens (prompt, c->ids.i32 + end, c->ids.n - end, &err), err);
  QE_CHECK_INT (qe_prompt_length (prompt), ==, c->ids.n);
  return prompt;
}

static void
check_positions (const Case *c)
{
  size_t n_wrong = 0;

  for (size_t i = 0; i < c->ids.n; i++)
    for (size_t axis = 0; axis < 3; axis++)
      n_wrong += c->prompt->rows[i].position[axis] != (uint32_t) c->positions.i32[axis * c->ids.n + i];
  QE_CHECK_INT (n_wrong, ==, 0);
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

/* Evaluates the prompt up to each of the golden's rows, so that a picture is cut in many places. */
static void
check_logits (Case *c, const char *name)
{
  size_t n = c->prompt->n, n_vocab = qe_model_info (c->model)->n_vocab;
  double worst = 0;
  QeError err = { 0 };

  for (size_t i = 0; i < c->rows.n; i++) {
    c->prompt->n = (size_t) c->rows.i32[i] + 1;
    QE_REQUIRE_OK (qe_context_prefill (c->context, c->prompt, NULL, NULL, &err), err);
    worst = fmax (worst,
                  qe_test_max_abs_diff (qe_context_logits (c->context), c->logits.f32 + i * n_vocab, n_vocab, NULL));
  }
  c->prompt->n = n;
  qe_test_note ("%s: logits of %zu rows differ by at most %g", name, c->rows.n, worst);
  QE_CHECK (worst < 5e-4);
}

static void
check_greedy (Case *c)
{
  size_t n_vocab = qe_model_info (c->model)->n_vocab;
  QeError err = { 0 };

  for (size_t i = 0; i < c->greedy.n; i++) {
    QE_REQUIRE (qe_context_logits (c->context));
    QE_CHECK_INT (largest (qe_context_logits (c->context), n_vocab), ==, c->greedy.i32[i]);
    QE_REQUIRE_OK (qe_context_append (c->context, &c->greedy.i32[i], 1, NULL, &err), err);
  }
}

/* The same prompt again, all at once and in pieces: the cache knows the picture by its content. */
static void
check_reuse (Case *c)
{
  const QeContextParams params = { .n_ctx = 512, .n_threads = 1, .kv_type = QE_KV_F32, .checkpoint_bytes = UINT64_MAX };
  size_t n_vocab = qe_model_info (c->model)->n_vocab, last = (c->logits.shape[0] - 1) * n_vocab;
  QePrefillStats stats;
  QeContext *context;
  QeError err = { 0 };

  QE_REQUIRE_OK (qe_context_new (&context, c->model, &params, &err), err);
  QE_CHECK_OK (qe_context_prefill (context, c->prompt, NULL, &stats, &err), err);
  QE_CHECK_INT (stats.evaluated, ==, c->ids.n);
  QE_CHECK_CLOSE (qe_context_logits (context), c->logits.f32 + last, n_vocab, 5e-4);
  QE_CHECK_OK (qe_prompt_add_tokens (c->prompt, c->greedy.i32, 3, &err), err);
  QE_CHECK_OK (qe_context_prefill (context, c->prompt, NULL, &stats, &err), err);
  QE_CHECK_INT (stats.evaluated, ==, 3);
  QE_CHECK_INT (stats.reused, ==, c->ids.n);
  QE_CHECK_INT (largest (qe_context_logits (context), n_vocab), ==, c->greedy.i32[3]);
  qe_context_free (context);
}

static void
check_picture (const char *name, unsigned n_threads)
{
  Case c = { 0 };

  if (case_open (&c, name, n_threads)) {
    c.prompt = make_prompt (&c);
    check_positions (&c);
    check_logits (&c, name);
    check_greedy (&c);
    check_reuse (&c);
  }
  case_close (&c);
}

QE_TEST (picture_exact)
{
  check_picture ("exact", 1);
}
QE_TEST (picture_odd)
{
  check_picture ("odd", 2);
}
QE_TEST (picture_large)
{
  check_picture ("large", 2);
}

/* Two pictures: the second starts where the first one's larger side ends, not where its rows do. */
QE_TEST (positions_of_two_pictures)
{
  Case c = { 0 };
  QeError err = { 0 };
  int32_t text[2] = { 5, 6 };

  if (case_open (&c, "exact", 1)) {
    c.prompt = qe_prompt_new ();
    QE_CHECK_OK (qe_prompt_add_image (c.prompt, c.image, &err), err); /* 10 columns, 8 rows */
    QE_CHECK_OK (qe_prompt_add_tokens (c.prompt, text, 2, &err), err);
    QE_CHECK_OK (qe_prompt_add_image (c.prompt, c.image, &err), err);
    QE_CHECK_OK (qe_prompt_add_tokens (c.prompt, text, 1, &err), err);
    QE_CHECK_INT (qe_prompt_length (c.prompt), ==, 163);
    QE_CHECK_INT (c.prompt->rows[79].position[0], ==, 0);
    QE_CHECK_INT (c.prompt->rows[79].position[1], ==, 7);
    QE_CHECK_INT (c.prompt->rows[79].position[2], ==, 9);
    QE_CHECK_INT (c.prompt->rows[80].position[0], ==, 10);
    QE_CHECK_INT (c.prompt->rows[82].position[1], ==, 12);
    QE_CHECK_INT (c.prompt->rows[162].position[2], ==, 22);
    QE_CHECK_OK (qe_context_prefill (c.context, c.prompt, NULL, NULL, &err), err);
  }
  case_close (&c);
}

QE_TEST (vision_file_of_another_model_is_refused)
{
  QeModel *model = NULL;
  QeVision *vision = NULL;
  QeError err = { 0 };
  char path[300];
  size_t size;
  uint8_t *data = qe_test_read (qe_test_data ("goldens/mmproj-d-vision-F32.gguf"), &size), *key, *info;

  /* the same file with 128 as width of its embeddings: in the header, and in the shapes of the last product */
  QE_REQUIRE (data);
  key = memmem (data, size, "clip.vision.projection_dim", 26);
  QE_REQUIRE (key);
  key[26 + 4] = 128;
  key[26 + 5] = 0;
  info = memmem (data, size, "mm.2.bias", 9);
  QE_REQUIRE (info);
  info[9 + 4] = 128;
  info[9 + 5] = 0;
  info = memmem (data, size, "mm.2.weight", 11);
  QE_REQUIRE (info);
  info[11 + 4 + 8] = 128;
  info[11 + 4 + 9] = 0;
  snprintf (path, sizeof path, "%s/mmproj.gguf", qe_test_folder ());
  QE_REQUIRE (qe_test_write (path, data, size));
  QE_REQUIRE_OK (qe_model_open (&model, qe_test_data ("goldens/d-vision-F16.gguf"), NULL, &err), err);
  QE_CHECK_INT (qe_vision_open (&vision, path, model, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "another model");
  QE_CHECK (!vision);
  qe_model_free (model);
  free (data);
}
