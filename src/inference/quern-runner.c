/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quern-candidates.h"
#include "quern-generation-private.h"
#include "quern-local-private.h"
#include "quern-stops.h"
#include "quern-turns.h"
#include "quern-vision.h"

/* Carries out what a context is asked, on its thread: the pictures, then the prompt, then token by token; or the rows of
 * a given text. */

/* Encoded pictures are kept for the next turns of a conversation; 4096 tokens of a big model take 40 MB each. */
#define MAX_IMAGES 8

typedef struct {
  char *hash;
  QeImage *image;
} EncodedImage;

/* A generation that is being carried out. */
typedef struct {
  QuernRunner *runner;
  QuernGeneration *generation;
  QuernRequest *request;
  QuernSeat seat;         /* in the runner's stepper */
  QeControl control;      /* of all but steps: it may wait */
  QeControl step_control; /* of steps: it never waits */
  QeOutputParser *parser; /* NULL if the request is raw: then there is a decoder */
  QeDecoder *decoder;
  QeGrammar *grammar;  /* that the answer follows, or NULL */
  gboolean after_call; /* the grammar waits for a call, not for the end of the reasoning */
  QuernStops stops;    /* texts that end the answer; held is NULL without any */
  gboolean has_ended;  /* nothing that comes is given out any more: see stop */
  QuernStatistics statistics;
  gint64 asked_at, decode_began, reasoning_began; /* monotonic, microseconds */
  gint64 aside; /* microseconds that looking at probabilities took, which do not count as decoding */
  gboolean in_reasoning;
  guint n_images, images_done;
  QuernStop stop;
  GError *error;
} QuernRun;

static double
seconds_since (gint64 time)
{
  return (double) (g_get_monotonic_time () - time) / G_USEC_PER_SEC;
}

static gboolean
quern_run_is_stopped (gpointer data)
{
  return _quern_generation_wants_stop (((QuernRun *) data)->generation);
}

/* Waits while the window's requests go before this one. Until then no other context waits for it. */
static void
quern_run_wait_turn (QuernRun *run)
{
  if (!run->request->background || !_quern_turns_are_taken ())
    return;
  _quern_stepper_rest (run->runner->stepper, &run->seat);
  _quern_turns_wait (quern_run_is_stopped, run);
}

/* The engine asks this where it may be held up, between quern_run_begin_work () and quern_run_end_work (). */
static bool
quern_run_cancelled_cb (void *data)
{
  QuernRun *run = data;

  if (run->request->background && _quern_turns_are_taken ()) {
    _quern_stepper_end (run->runner->stepper, &run->seat);
    quern_run_wait_turn (run);
    _quern_stepper_begin (run->runner->stepper, &run->seat);
  } else {
    _quern_stepper_give_way (run->runner->stepper, &run->seat);
  }
  return quern_run_is_stopped (data);
}

static bool
quern_run_step_cancelled_cb (void *data)
{
  return quern_run_is_stopped (data);
}

/* What the engine does in between is done for this context alone. */
static void
quern_run_begin_work (QuernRun *run)
{
  _quern_stepper_begin (run->runner->stepper, &run->seat);
}

static void
quern_run_end_work (QuernRun *run)
{
  _quern_stepper_end (run->runner->stepper, &run->seat);
}

static void
quern_run_progress_cb (void *data, uint64_t done, uint64_t total)
{
  QuernRun *run = data;
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
quern_run_fail (QuernRun *run, const QeError *error)
{
  run->stop = error->status == QE_ERROR_CANCELLED ? QUERN_STOP_USER : QUERN_STOP_FAILED;
  if (run->stop == QUERN_STOP_FAILED)
    _quern_inference_set_error (&run->error, error);
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

/* Returns the picture as the model sees it, which the runner keeps, or NULL after recording how the generation ended. */
static QeImage *
encode_image (QuernRun *run, const QuernPixels *pixels)
{
  QuernRunner *runner = run->runner;
  g_autofree char *bytes_hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, pixels->pixels);
  g_autofree char *hash = g_strdup_printf ("%s-%u", bytes_hash, pixels->width);
  QeImage *image = NULL;
  QeError error = { 0 };
  EncodedImage *encoded;

  for (GList *l = runner->images.head; l; l = l->next) {
    encoded = l->data;
    if (g_str_equal (encoded->hash, hash)) {
      g_queue_unlink (&runner->images, l);
      g_queue_push_head_link (&runner->images, l);
      return encoded->image;
    }
  }
  if (!runner->vision && !_quern_vision_open (runner->model, runner->opened, &runner->vision, &run->error))
    return NULL;
  if (qe_vision_encode (runner->vision, g_bytes_get_data (pixels->pixels, NULL), pixels->width, pixels->height,
                        pixels->stride, runner->n_threads, &run->control, &image, &error)
      != QE_OK) {
    quern_run_fail (run, &error);
    return NULL;
  }
  encoded = g_new (EncodedImage, 1);
  *encoded = (EncodedImage) { g_steal_pointer (&hash), image };
  g_queue_push_head (&runner->images, encoded);
  return image;
}

/* ---- prompt ---------------------------------------------------------------------------------------------------- */

static gboolean
quern_run_prefill (QuernRun *run)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (run->request);
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) qe_image_free);
  QeContext *context = run->runner->context;
  QePrefillStats stats = { 0 };
  QeError error = { 0 };
  QePrompt *prompt;
  gboolean ok = FALSE;

  run->n_images = pictures->len;
  for (run->images_done = 0; run->images_done < pictures->len; run->images_done++) {
    QeImage *image = encode_image (run, pictures->pdata[run->images_done]);
    if (!image)
      return FALSE;
    g_ptr_array_add (images, qe_image_ref (image));
  }
  while (run->runner->images.length > MAX_IMAGES)
    encoded_image_free (g_queue_pop_tail (&run->runner->images));
  prompt = _quern_request_make_prompt (run->request, run->runner->file, images, &run->in_reasoning, &run->error);
  if (!prompt)
    return FALSE;
  if (qe_prompt_length (prompt) >= qe_context_size (context))
    g_set_error (&run->error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_CONTEXT_FULL,
                 _("The conversation has %'zu tokens, but the context holds %'u. Shorten it, start a new one, or "
                   "increase the context length."),
                 qe_prompt_length (prompt), qe_context_size (context));
  else
    ok = qe_context_prefill (context, prompt, &run->control, &stats, &error) == QE_OK || quern_run_fail (run, &error);
  run->statistics.prompt_tokens = (guint) qe_prompt_length (prompt);
  run->statistics.evaluated_tokens = (guint) stats.evaluated;
  run->statistics.reused_tokens = (guint) stats.reused;
  run->statistics.prefill_seconds = stats.seconds;
  run->statistics.n_threads = qe_context_threads (context);
  qe_prompt_free (prompt);
  return ok;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

/* Gives out text of the answer, up to a text that the request names as its end. */
static void
quern_run_add_answer (QuernRun *run, const char *text, size_t length)
{
  g_autoptr (GString) certain = NULL;
  gint met;

  if (!run->stops.held) {
    _quern_generation_add_text (run->generation, FALSE, text, length);
    return;
  }
  certain = g_string_new (NULL);
  met = _quern_stops_push (&run->stops, text, length, certain);
  if (certain->len > 0)
    _quern_generation_add_text (run->generation, FALSE, certain->str, certain->len);
  if (met < 0 || run->error)
    return;
  run->has_ended = TRUE;
  run->stop = QUERN_STOP_TEXT;
  _quern_generation_set_stop_text (run->generation, run->request->stops[met]);
}

/* Gives out what was held back as the beginning of such a text. */
static void
quern_run_flush_answer (QuernRun *run)
{
  g_autoptr (GString) rest = g_string_new (NULL);

  if (run->has_ended || !run->stops.held)
    return;
  _quern_stops_flush (&run->stops, rest);
  if (rest->len > 0)
    _quern_generation_add_text (run->generation, FALSE, rest->str, rest->len);
}

/* A call where no tool was offered: it is shown as the JSON that it is. */
static void
quern_run_show_call (QuernRun *run, QeOutputKind kind, const char *text, size_t length)
{
  g_autoptr (JsonNode) name = NULL;
  g_autofree char *valid = NULL, *quoted = NULL, *head = NULL;

  if (kind == QE_OUT_ARGUMENTS) {
    quern_run_add_answer (run, text, length);
  } else if (kind == QE_OUT_CALL_END) {
    quern_run_add_answer (run, "}", 1);
  } else {
    valid = g_utf8_make_valid (text, (gssize) length);
    name = json_node_init_string (json_node_alloc (), valid);
    quoted = json_to_string (name, FALSE);
    head = g_strdup_printf ("{\"name\": %s, \"arguments\": ", quoted);
    quern_run_add_answer (run, head, strlen (head));
  }
}

/* A call of a tool that was offered. */
static void
quern_run_add_call (QuernRun *run, QeOutputKind kind, const char *text, size_t length)
{
  quern_run_flush_answer (run);
  if (kind == QE_OUT_CALL)
    _quern_generation_begin_call (run->generation, text, length);
  else if (kind == QE_OUT_ARGUMENTS)
    _quern_generation_add_arguments (run->generation, text, length);
  else
    _quern_generation_end_call (run->generation);
  if (kind != QE_OUT_CALL_END || !run->request->one_call)
    return;
  run->has_ended = TRUE;
  run->stop = QUERN_STOP_END;
}

static void
quern_run_output_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  QuernRun *run = data;

  if (run->has_ended)
    return;
  if (kind == QE_OUT_REASONING)
    _quern_generation_add_text (run->generation, TRUE, text, length);
  else if (kind == QE_OUT_ANSWER)
    quern_run_add_answer (run, text, length);
  else if (_quern_request_offers_tools (run->request))
    quern_run_add_call (run, kind, text, length);
  else
    quern_run_show_call (run, kind, text, length);
}

/* Takes a token's text out of it. */
static void
quern_run_push (QuernRun *run, gint32 id)
{
  size_t length;
  const char *text;

  if (run->parser) {
    qe_output_parser_push (run->parser, id);
    return;
  }
  text = qe_decoder_push (run->decoder, id, &length);
  quern_run_output_cb (run, QE_OUT_ANSWER, text, length);
}

static void
quern_run_finish_text (QuernRun *run)
{
  if (run->parser)
    qe_output_parser_finish (run->parser);
  else {
    size_t length;
    const char *rest = qe_decoder_finish (run->decoder, &length);
    quern_run_output_cb (run, QE_OUT_ANSWER, rest, length);
  }
  quern_run_flush_answer (run);
}

static void
note_reasoning (QuernRun *run)
{
  gboolean now = run->parser && qe_output_parser_in_reasoning (run->parser);

  if (run->in_reasoning && !now)
    run->statistics.reasoning_seconds = seconds_since (run->reasoning_began);
  run->in_reasoning = now;
  _quern_generation_set_in_reasoning (run->generation, now);
}

/* Looks at the probabilities that the next token will be drawn from: the model's own, before temperature and penalties.
 * Returns FALSE if they are not numbers. */
static gboolean
look_at_candidates (QuernRun *run, double *log_sum, QuernCandidate *top)
{
  const gsize n_vocab = qe_model_info (run->runner->opened)->n_vocab;
  const float *logits = qe_context_logits (run->runner->context);

  if (!run->runner->logits)
    run->runner->logits = g_new (float, n_vocab);
  *log_sum = logits ? quern_log_sum_exp (logits, n_vocab) : NAN;
  if (isnan (*log_sum))
    return FALSE;
  memcpy (run->runner->logits, logits, n_vocab * sizeof *logits); /* the step overwrites them */
  quern_top_candidates (logits, n_vocab, *log_sum, top, run->request->n_candidates);
  return TRUE;
}

/* Call it after the text of the token was added. logits: that it was drawn from; NULL if they are not known. */
static void
record_token (QuernRun *run, gint32 id, QuernGeneratedToken token, const float *logits, double log_sum,
              const QuernCandidate *top)
{
  g_autofree char *text = quern_open_file_dup_token_text (run->runner->file, id);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  token.chosen = (QuernTokenChoice) { id, logits ? exp (logits[id] - log_sum) : 0, text };
  for (guint i = 0; logits && i < run->request->n_candidates && top[i].id >= 0; i++) {
    g_ptr_array_add (texts, quern_open_file_dup_token_text (run->runner->file, top[i].id));
    token.top[token.n_top++] = (QuernTokenChoice) { top[i].id, top[i].p, texts->pdata[i] };
  }
  _quern_generation_add_token (run->generation, &token);
}

static bool
quern_run_echo_row_cb (void *data, size_t row, const float *logits)
{
  QuernRun *run = data;
  const GArray *tokens = run->request->tokens;
  const gsize n_vocab = qe_model_info (run->runner->opened)->n_vocab;
  QuernCandidate top[QUERN_MAX_CANDIDATES];
  double log_sum;

  if (row + 1 >= tokens->len) /* what follows is the answer's */
    return true;
  log_sum = quern_log_sum_exp (logits, n_vocab);
  if (isnan (log_sum))
    return false;
  quern_top_candidates (logits, n_vocab, log_sum, top, run->request->n_candidates);
  record_token (run, g_array_index (tokens, gint32, row + 1), (QuernGeneratedToken) { .given = TRUE }, logits, log_sum,
                top);
  return true;
}

/* Tells how probable the tokens of the prompt are. Returns FALSE if the generation has ended. */
static gboolean
quern_run_echo (QuernRun *run)
{
  const GArray *tokens = run->request->tokens;
  const gint64 began = g_get_monotonic_time ();
  QeError error = { 0 };

  if (run->request->echo == QUERN_ECHO_NONE || !tokens || tokens->len == 0)
    return TRUE;
  if (run->request->n_candidates > 0) {
    record_token (run, g_array_index (tokens, gint32, 0), (QuernGeneratedToken) { .given = TRUE }, NULL, 0, NULL);
    if (qe_context_score (run->runner->context, &g_array_index (tokens, gint32, 0), tokens->len, 0,
                          quern_run_echo_row_cb, run, &run->control, &error)
        != QE_OK)
      return quern_run_fail (run, &error);
  }
  if (run->request->echo == QUERN_ECHO_AND_ANSWER)
    return TRUE;
  run->statistics.prompt_tokens = run->statistics.evaluated_tokens = tokens->len;
  run->statistics.prefill_seconds = seconds_since (began);
  run->statistics.n_threads = qe_context_threads (run->runner->context);
  run->stop = QUERN_STOP_LENGTH;
  return FALSE;
}

static void
take_token (QuernRun *run, gint32 id)
{
  if (run->statistics.answer_tokens == 0)
    run->statistics.first_token_seconds = seconds_since (run->asked_at);
  if (qe_token_ends_generation (run->runner->opened, id))
    return;
  run->statistics.answer_tokens++;
  run->statistics.reasoning_tokens += run->in_reasoning;
  quern_run_push (run, id);
  note_reasoning (run);
}

static gboolean
quern_run_append (QuernRun *run, const int32_t *tokens, size_t n, QeError *error)
{
  QeStatus status;

  quern_run_begin_work (run);
  status = qe_context_append (run->runner->context, tokens, n, &run->control, error);
  quern_run_end_work (run);
  return status == QE_OK;
}

/* Ends the thinking as the model would, with the tokens that close the think block. */
static gboolean
close_thinking (QuernRun *run)
{
  static const char closing[] = "\n</think>\n\n";
  int32_t *tokens = NULL;
  size_t n = 0;
  QeError error = { 0 };
  gboolean ok = qe_tokenize (run->runner->opened, closing, strlen (closing), NULL, 0, &tokens, &n, &error) == QE_OK
                && quern_run_append (run, tokens, n, &error);

  for (size_t i = 0; ok && i < n; i++)
    quern_run_push (run, tokens[i]);
  free (tokens);
  if (!ok)
    return quern_run_fail (run, &error);
  note_reasoning (run);
  return TRUE;
}

/* Makes one step. Returns FALSE when the generation has ended, after recording how. */
static gboolean
quern_run_step (QuernRun *run, QeSampler *sampler)
{
  QuernCandidate top[QUERN_MAX_CANDIDATES];
  double log_sum = 0;
  QeContextStep step = { .context = run->runner->context, .sampler = sampler, .control = &run->step_control };
  size_t n;
  guint limit = run->request->max_tokens;
  gboolean looks = run->request->n_candidates > 0, known = FALSE, answers;
  gint64 began;

  if (limit > 0 && run->statistics.answer_tokens >= limit) {
    run->stop = QUERN_STOP_LENGTH;
    return FALSE;
  }
  /* The thread always takes the wish for an answer, so that it does not count for a later think block. */
  answers = _quern_generation_take_answer_now (run->generation)
            || (run->request->thinking_budget > 0 && run->statistics.reasoning_tokens >= run->request->thinking_budget);
  if (answers && run->in_reasoning) {
    if (!close_thinking (run))
      return FALSE;
    if (!run->after_call)
      qe_sampler_set_grammar (sampler, run->grammar, -1);
  }
  began = g_get_monotonic_time ();
  if (looks)
    known = look_at_candidates (run, &log_sum, top);
  run->aside += g_get_monotonic_time () - began;
  quern_run_wait_turn (run);
  _quern_stepper_step (run->runner->stepper, &run->seat, &step);
  n = step.n;
  if (limit > 0)
    n = MIN (n, limit - run->statistics.answer_tokens);
  for (size_t i = 0; i < n && !run->has_ended; i++) {
    gboolean reasoning = run->in_reasoning;
    take_token (run, step.tokens[i]);
    began = g_get_monotonic_time ();
    if (looks)
      record_token (run, step.tokens[i], (QuernGeneratedToken) { .reasoning = reasoning },
                    known && i == 0 ? run->runner->logits : NULL, log_sum, top);
    run->aside += g_get_monotonic_time () - began;
  }
  run->statistics.n_passes++;
  run->statistics.decode_seconds = seconds_since (run->decode_began + run->aside);
  if (run->in_reasoning)
    run->statistics.reasoning_seconds = seconds_since (run->reasoning_began);
  _quern_generation_set_statistics (run->generation, &run->statistics);
  if (run->has_ended)
    return FALSE;
  if (step.status == QE_OK)
    return TRUE;
  if (step.status == QE_END && run->request->filler >= 0) {
    /* A token goes where the model wanted to end: the work is the same. */
    take_token (run, run->request->filler);
    return quern_run_append (run, &run->request->filler, 1, &step.error) || quern_run_fail (run, &step.error);
  }
  if (step.status == QE_END)
    run->stop = QUERN_STOP_END;
  else if (step.status == QE_ERROR_CONTEXT_FULL)
    run->stop = QUERN_STOP_CONTEXT;
  else
    quern_run_fail (run, &step.error);
  return FALSE;
}

/* Makes what chooses tokens, before the prompt is evaluated, because the request may ask for what cannot be had. Returns FALSE
 * after recording how the generation ended. */
static gboolean
quern_run_prepare (QuernRun *run, QeSampler **sampler)
{
  QuernRunner *runner = run->runner;
  QuernRequest *request = run->request;
  QuernSamplerValues values = request->sampler;
  QeError error = { 0 };
  QeSamplerParams params;

  if (!request->has_sampler)
    quern_sampler_values_init (&values, runner->model, request->thinking, quern_request_has_pictures (request));
  params = (QeSamplerParams) { .temperature = values.temperature,
                               .top_k = values.top_k,
                               .top_p = values.top_p,
                               .min_p = values.min_p,
                               .presence_penalty = values.presence_penalty,
                               .frequency_penalty = values.frequency_penalty,
                               .repetition_penalty = values.repetition_penalty,
                               .seed = values.seed };
  if (request->biases) {
    params.biases = (const QeLogitBias *) request->biases->data;
    params.n_biases = request->biases->len;
  }
  run->statistics.seed = params.seed;
  if (request->stops)
    _quern_stops_init (&run->stops, request->stops);
  if (!_quern_request_make_grammar (request, runner->opened, &run->grammar, &run->after_call, &run->error))
    return FALSE;
  qe_context_set_one_by_one (runner->context, request->n_candidates > 0);
  return qe_sampler_new (sampler, &params, &error) == QE_OK || quern_run_fail (run, &error);
}

/* Evaluates the prompt. Returns FALSE if the generation has ended. */
static gboolean
quern_run_read (QuernRun *run)
{
  gboolean goes_on;

  quern_run_begin_work (run);
  goes_on = quern_run_echo (run) && quern_run_prefill (run);
  quern_run_end_work (run);
  return goes_on;
}

/* Makes what takes the answer out of tokens, once it is known whether the model is thinking. */
static gboolean
quern_run_begin_text (QuernRun *run, QeSampler *sampler)
{
  QuernRunner *runner = run->runner;
  QuernRequest *request = run->request;
  QeError error = { .status = QE_ERROR_MEMORY };
  gint32 after = -1;

  if (request->raw)
    run->decoder = qe_decoder_new (runner->opened);
  else
    run->parser = qe_output_parser_new (runner->opened, run->in_reasoning, quern_run_output_cb, run);
  if (!run->decoder && !run->parser)
    return quern_run_fail (run, &error);
  if (run->parser && request->tools
      && qe_output_parser_set_tools (run->parser, (const char *const *) request->tools, g_strv_length (request->tools),
                                     &error)
             != QE_OK)
    return quern_run_fail (run, &error);
  /* Thinking is free; the grammar begins to hold behind the token that ends it, or behind the one that opens a call. */
  if (run->after_call)
    after = qe_token_by_text (runner->opened, "<tool_call>");
  else if (run->in_reasoning)
    after = qe_token_by_text (runner->opened, "</think>");
  qe_sampler_set_grammar (sampler, run->grammar, after);
  return TRUE;
}

/* Call it on the context's thread. asked_at is the monotonic time of quern_loaded_model_generate() in microseconds. */
void
_quern_runner_generate (QuernRunner *runner, QuernGeneration *generation, QuernRequest *request, gint64 asked_at)
{
  QuernRun run = {
    .runner = runner, .generation = generation, .request = request, .asked_at = asked_at, .stop = QUERN_STOP_FAILED
  };
  QeSampler *sampler = NULL;

  run.control = (QeControl) { quern_run_cancelled_cb, quern_run_progress_cb, &run };
  run.step_control = (QeControl) { .cancelled = quern_run_step_cancelled_cb, .data = &run };
  _quern_stepper_join (runner->stepper, &run.seat);
  _quern_generation_set_phase (generation, QUERN_GENERATION_PREFILL);
  if (quern_run_prepare (&run, &sampler) && quern_run_read (&run) && quern_run_begin_text (&run, sampler)) {
    run.decode_began = run.reasoning_began = g_get_monotonic_time ();
    _quern_generation_set_phase (generation, QUERN_GENERATION_DECODE);
    note_reasoning (&run);
    while (quern_run_step (&run, sampler))
      ;
    quern_run_finish_text (&run);
    if (run.in_reasoning)
      run.statistics.reasoning_seconds = seconds_since (run.reasoning_began);
    run.statistics.decode_seconds = seconds_since (run.decode_began + run.aside);
  }
  _quern_stepper_leave (runner->stepper, &run.seat);
  qe_output_parser_free (run.parser);
  qe_decoder_free (run.decoder);
  qe_sampler_free (sampler);
  qe_grammar_free (run.grammar);
  _quern_stops_clear (&run.stops);
  _quern_generation_finish (generation, run.stop, &run.statistics, run.error);
}

/* ---- scores ---------------------------------------------------------------------------------------------------- */

static bool
quern_scoring_row_cb (void *data, size_t row, const float *logits)
{
  const QuernScoring *scoring = data;

  return scoring->row (scoring->data, (guint) row, logits);
}

static bool
quern_scoring_stopped_cb (void *data)
{
  const QuernScoring *scoring = data;

  return scoring->stopped && scoring->stopped (scoring->data);
}

/* Call it on the context's thread. */
gboolean
_quern_runner_score (QuernRunner *runner, const QuernScoring *scoring, GError **error)
{
  const QeControl control = { quern_scoring_stopped_cb, NULL, (void *) scoring };
  QeError engine_error = { 0 };

  return qe_context_score (runner->context, scoring->tokens, scoring->n, scoring->first, quern_scoring_row_cb,
                           (void *) scoring, &control, &engine_error)
             == QE_OK
         || _quern_inference_set_error (error, &engine_error);
}

void
_quern_runner_clear (QuernRunner *runner)
{
  g_queue_clear_full (&runner->images, encoded_image_free);
  qe_context_free (runner->context);
  qe_vision_free (runner->vision);
  g_free (runner->logits);
  g_clear_object (&runner->file);
  g_clear_object (&runner->model);
}
