/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#include "quern-local-private.h"
#include "quern-generation-private.h"
#include "quern-vision.h"

/* Carries out one request on a context's thread: the pictures, then the prompt, then token by token. */

/* Encoded pictures are kept for the next turns of a conversation; 4096 tokens of a big model take 40 MB each. */
#define MAX_IMAGES 8

typedef struct {
  char *hash;
  QeImage *image;
} EncodedImage;

typedef struct {
  QuernRunner *runner;
  QuernGeneration *generation;
  const QuernRequest *request;
  QeControl control;
  QeOutputParser *parser;
  QuernStatistics statistics;
  gint64 asked_at, decode_began, reasoning_began; /* monotonic, microseconds */
  gboolean in_reasoning;
  guint n_images, images_done;
  QuernStop stop;
  GError *error;
} Run;

static double
seconds_since (gint64 time)
{
  return (double) (g_get_monotonic_time () - time) / G_USEC_PER_SEC;
}

static bool
cancelled_cb (void *data)
{
  return _quern_generation_wants_stop (((Run *) data)->generation);
}

static void
progress_cb (void *data, uint64_t done, uint64_t total)
{
  Run *run = data;
  double fraction = total > 0 ? (double) done / (double) total : 1;

  /* Pictures take the first half of the progress, because encoding them costs about as much as evaluating them. */
  if (run->images_done < run->n_images)
    fraction = (run->images_done + fraction) / run->n_images / 2;
  else if (run->n_images > 0)
    fraction = 0.5 + fraction / 2;
  _quern_generation_set_progress (run->generation, fraction);
}

/* Records how the generation ended and returns FALSE. */
static gboolean
fail (Run *run, const QeError *error)
{
  if (error->status == QE_ERROR_CANCELLED) {
    run->stop = QUERN_STOP_USER;
  } else {
    run->stop = QUERN_STOP_FAILED;
    quern_engine_set_error (&run->error, error);
  }
  return FALSE;
}

/* ---- pictures -------------------------------------------------------------------------------------------------- */

static void
encoded_image_free (gpointer data)
{
  EncodedImage *encoded = data;

  g_free (encoded->hash);
  qe_image_free (encoded->image);
  g_free (encoded);
}

static gboolean
open_vision (Run *run)
{
  QuernRunner *runner = run->runner;
  const char *path = quern_model_get_vision_path (runner->model);
  QeError error = { 0 };

  if (runner->vision)
    return TRUE;
  if (!path) {
    run->stop = QUERN_STOP_FAILED;
    g_set_error (
        &run->error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_NO_VISION,
        _("“%s” has no vision file, so it cannot see pictures. Download its vision file or choose another model."),
        quern_model_get_title (runner->model));
    return FALSE;
  }
  return _quern_vision_open (&runner->vision, path, runner->weights, &error) == QE_OK || fail (run, &error);
}

static QeImage *
find_image (QuernRunner *runner, const char *hash)
{
  for (GList *l = runner->images->head; l; l = l->next) {
    EncodedImage *encoded = l->data;
    if (g_str_equal (encoded->hash, hash)) {
      g_queue_unlink (runner->images, l);
      g_queue_push_head_link (runner->images, l);
      return encoded->image;
    }
  }
  return NULL;
}

static QeImage *
encode_image (Run *run, const QuernPixels *pixels)
{
  QuernRunner *runner = run->runner;
  g_autofree char *bytes_hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, pixels->pixels);
  g_autofree char *hash = g_strdup_printf ("%s-%u", bytes_hash, pixels->width);
  QeImage *image = find_image (runner, hash);
  QeError error = { 0 };
  EncodedImage *encoded;

  if (image)
    return image;
  if (!open_vision (run))
    return NULL;
  if (qe_vision_encode (runner->vision, g_bytes_get_data (pixels->pixels, NULL), pixels->width, pixels->height,
                        pixels->stride, runner->n_threads, &run->control, &image, &error)
      != QE_OK) {
    fail (run, &error);
    return NULL;
  }
  encoded = g_new (EncodedImage, 1);
  *encoded = (EncodedImage) { g_steal_pointer (&hash), image };
  g_queue_push_head (runner->images, encoded);
  return image;
}

/* Returns: (element-type QeImage): references to the encoded pictures, or NULL after recording how it ended */
static GPtrArray *
encode_images (Run *run)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (run->request);
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) qe_image_free);

  run->n_images = pictures->len;
  for (run->images_done = 0; run->images_done < pictures->len; run->images_done++) {
    QeImage *image = encode_image (run, pictures->pdata[run->images_done]);
    if (!image)
      return NULL;
    g_ptr_array_add (images, qe_image_ref (image));
  }
  while (run->runner->images->length > MAX_IMAGES)
    encoded_image_free (g_queue_pop_tail (run->runner->images));
  return g_steal_pointer (&images);
}

/* ---- prompt ---------------------------------------------------------------------------------------------------- */

static QePrompt *
build_prompt (Run *run)
{
  QeChatText text = { 0 };
  QeError error = { 0 };
  QePrompt *prompt = NULL;
  g_autoptr (GPtrArray) images = encode_images (run);

  if (!images)
    return NULL;
  if (!_quern_request_render (run->request, run->runner->weights, &text, &run->in_reasoning, &error)
      || qe_chat_prompt (&prompt, run->runner->weights, &text, (QeImage *const *) images->pdata, images->len, &error)
             != QE_OK)
    fail (run, &error);
  qe_chat_text_clear (&text);
  return prompt;
}

static gboolean
check_length (Run *run, const QePrompt *prompt)
{
  size_t length = qe_prompt_length (prompt);
  uint32_t size = qe_context_size (run->runner->context);

  if (length < size)
    return TRUE;
  run->stop = QUERN_STOP_FAILED;
  g_set_error (&run->error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_CONTEXT_FULL,
               _("The conversation has %'zu tokens, but the context holds %'u. Shorten it, start a new one, or "
                 "increase the context length."),
               length, size);
  return FALSE;
}

static gboolean
prefill (Run *run)
{
  QePrefillStats stats = { 0 };
  QeError error = { 0 };
  QePrompt *prompt = build_prompt (run);
  gboolean ok = prompt && check_length (run, prompt);

  if (ok)
    ok = qe_context_prefill (run->runner->context, prompt, &run->control, &stats, &error) == QE_OK
         || fail (run, &error);
  run->statistics.prompt_tokens = prompt ? (guint) qe_prompt_length (prompt) : 0;
  run->statistics.evaluated_tokens = (guint) stats.evaluated;
  run->statistics.reused_tokens = (guint) stats.reused;
  run->statistics.prefill_seconds = stats.seconds;
  run->statistics.n_threads = qe_context_threads (run->runner->context);
  qe_prompt_free (prompt);
  return ok;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static void
output_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Run *run = data;

  _quern_generation_add_text (run->generation, kind == QE_OUT_REASONING, text, length);
}

static void
note_reasoning (Run *run)
{
  gboolean now = qe_output_parser_in_reasoning (run->parser);

  if (run->in_reasoning && !now)
    run->statistics.reasoning_seconds = seconds_since (run->reasoning_began);
  run->in_reasoning = now;
  _quern_generation_set_in_reasoning (run->generation, now);
}

static void
take_tokens (Run *run, const int32_t *tokens, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (run->statistics.answer_tokens == 0)
      run->statistics.first_token_seconds = seconds_since (run->asked_at);
    if (qe_token_ends_generation (run->runner->weights, tokens[i]))
      break;
    run->statistics.answer_tokens++;
    run->statistics.reasoning_tokens += run->in_reasoning;
    qe_output_parser_push (run->parser, tokens[i]);
    note_reasoning (run);
  }
  run->statistics.n_passes++;
  run->statistics.decode_seconds = seconds_since (run->decode_began);
  if (run->in_reasoning)
    run->statistics.reasoning_seconds = seconds_since (run->reasoning_began);
  _quern_generation_set_statistics (run->generation, &run->statistics);
}

/* Ends the thinking as the model would, with the tokens that close the think block. */
static gboolean
close_thinking (Run *run)
{
  static const char closing[] = "\n</think>\n\n";
  int32_t *tokens = NULL;
  size_t n = 0;
  QeError error = { 0 };
  gboolean ok = qe_tokenize (run->runner->weights, closing, strlen (closing), NULL, 0, &tokens, &n, &error) == QE_OK
                && qe_context_append (run->runner->context, tokens, n, &run->control, &error) == QE_OK;

  for (size_t i = 0; ok && i < n; i++)
    qe_output_parser_push (run->parser, tokens[i]);
  free (tokens);
  if (!ok)
    return fail (run, &error);
  note_reasoning (run);
  return TRUE;
}

static gboolean
wants_answer (Run *run)
{
  guint budget = run->request->thinking_budget;
  gboolean asked = _quern_generation_take_answer_now (run->generation);

  return run->in_reasoning && (asked || (budget > 0 && run->statistics.reasoning_tokens >= budget));
}

/* Makes one step. Returns FALSE when the generation has ended, after recording how. */
static gboolean
step (Run *run, QeSampler *sampler)
{
  int32_t tokens[QE_STEP_MAX];
  size_t n = 0;
  QeError error = { 0 };
  guint limit = run->request->max_tokens;
  QeStatus status;

  if (limit > 0 && run->statistics.answer_tokens >= limit) {
    run->stop = QUERN_STOP_LENGTH;
    return FALSE;
  }
  if (wants_answer (run) && !close_thinking (run))
    return FALSE;
  status = qe_context_step (run->runner->context, sampler, &run->control, tokens, &n, &error);
  if (limit > 0)
    n = MIN (n, limit - run->statistics.answer_tokens);
  take_tokens (run, tokens, n);
  if (status == QE_OK)
    return TRUE;
  if (status == QE_END)
    run->stop = QUERN_STOP_END;
  else if (status == QE_ERROR_CONTEXT_FULL)
    run->stop = QUERN_STOP_CONTEXT;
  else
    fail (run, &error);
  return FALSE;
}

static void
decode (Run *run, QeSampler *sampler)
{
  run->decode_began = run->reasoning_began = g_get_monotonic_time ();
  _quern_generation_set_phase (run->generation, QUERN_GENERATION_DECODE);
  note_reasoning (run);
  while (step (run, sampler))
    ;
  qe_output_parser_finish (run->parser);
  if (run->in_reasoning)
    run->statistics.reasoning_seconds = seconds_since (run->reasoning_began);
  run->statistics.decode_seconds = seconds_since (run->decode_began);
}

static void
run_request (Run *run)
{
  QeSamplerParams params = run->request->sampler;
  QeSampler *sampler = NULL;
  QeError error = { 0 };

  if (!run->request->has_sampler)
    qe_sampler_defaults (quern_model_get_info (run->runner->model), run->request->thinking, run->n_images > 0, &params);
  run->statistics.seed = params.seed;
  if (!prefill (run))
    return;
  if (qe_sampler_new (&sampler, &params, &error) != QE_OK) {
    fail (run, &error);
    return;
  }
  run->parser = qe_output_parser_new (run->runner->weights, run->in_reasoning, output_cb, run);
  if (run->parser) {
    decode (run, sampler);
  } else {
    error.status = QE_ERROR_MEMORY;
    fail (run, &error);
  }
  qe_output_parser_free (run->parser);
  qe_sampler_free (sampler);
}

/* Call it on the context's thread. asked_at is the monotonic time of quern_context_generate() in microseconds. */
void
_quern_runner_run (QuernRunner *runner, QuernGeneration *generation, const QuernRequest *request, gint64 asked_at)
{
  Run run = { .runner = runner, .generation = generation, .request = request, .asked_at = asked_at };

  run.control = (QeControl) { cancelled_cb, progress_cb, &run };
  _quern_generation_set_phase (generation, QUERN_GENERATION_PREFILL);
  run_request (&run);
  _quern_generation_finish (generation, run.stop, &run.statistics, run.error);
}

void
_quern_runner_clear (QuernRunner *runner)
{
  g_queue_free_full (runner->images, encoded_image_free);
  qe_context_free (runner->context);
  qe_vision_free (runner->vision);
}
