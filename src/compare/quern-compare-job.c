/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "quern-compare-answer-private.h"
#include "quern-measured.h"
#include "quern-local-private.h"
#include "quern-request.h"
#include "quern-vision.h"

/* Runs the columns of a comparison. Unlike a chat, it reads each token's probabilities before the token is drawn, and
 * it never drafts, so that the speeds compare the models alone. All jobs that use one file share its weights. */

#define MEMORY_TOKENS 16 /* tokens generated between two readings of the process's memory */

typedef struct {
  GMutex lock;
  GHashTable *open; /* path -> QeModel */
  gsize base;       /* resident bytes of the process before anything was loaded */
  GCancellable *cancellable;
} Shared;

typedef struct {
  Shared *shared;
  const QuernCompareJob *job;
  const QuernCompareItem *item;
  QeModel *model;
  QeContext *context;
  QeVision *vision;
  QeControl control;
  gsize n_vocab;
  float *logits; /* [n_vocab]: copy of the logits that the next token is drawn from */

  /* These fields belong to the current item. */
  QeOutputParser *parser;
  QuernStatistics statistics;
  gint64 began, reasoning_began;
  gboolean in_reasoning;
  double load_seconds;
  gsize peak;
  QuernCompareState state;
  char *failure;
} Worker;

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

static void
item_free (gpointer data)
{
  QuernCompareItem *item = data;

  quern_request_unref (item->request);
  g_object_unref (item->answer);
  g_free (item);
}

/* Returns the bytes of a context that decodes token by token and has no checkpoints. */
guint64
_quern_compare_plan (QuernModel *model, QuernKvType kv_type, guint n_ctx, guint n_threads, gboolean pictures,
                     guint64 *weights)
{
  QePlanParams params = {
    .n_ctx = n_ctx, .kv_type = (QeKvType) kv_type, .n_threads = n_threads, .checkpoint_bytes = UINT64_MAX
  };
  QuernMemoryPlan plan;

  if (pictures) {
    params.vision = quern_model_get_vision_info (model);
    params.vision_pixels = QUERN_VISION_MAX_PIXELS;
  }
  qe_plan_memory (quern_model_get_info (model), &params, &plan);
  *weights = plan.weights;
  return plan.total;
}

QuernCompareJob *
_quern_compare_job_new (QuernModel *model, QuernKvType kv_type, guint n_ctx, guint n_threads, gboolean together,
                        gboolean pictures)
{
  QuernCompareJob *job = g_new0 (QuernCompareJob, 1);
  guint64 weights;

  *job = (QuernCompareJob) {
    g_object_ref (model), kv_type, n_ctx, n_threads, together, 0, g_ptr_array_new_with_free_func (item_free)
  };
  job->planned = _quern_compare_plan (model, kv_type, n_ctx, n_threads, pictures, &weights);
  return job;
}

void
_quern_compare_job_add (QuernCompareJob *job, QuernRequest *request, gboolean thinking,
                        const QuernSamplerValues *sampler, guint max_tokens, QuernCompareAnswer *answer)
{
  QuernCompareItem *item = g_new (QuernCompareItem, 1);
  const QuernAnswerSettings settings = {
    .thinking = thinking,
    .kv_type = job->kv_type,
    .n_ctx = job->n_ctx,
    .n_threads = job->n_threads > 0 ? job->n_threads : qe_cpu_default_threads (),
    .max_tokens = max_tokens,
    .sampler = *sampler,
  };

  *item = (QuernCompareItem) { quern_request_ref (request), thinking, *sampler, max_tokens, g_object_ref (answer) };
  _quern_compare_answer_set_settings (answer, &settings);
  g_ptr_array_add (job->items, item);
}

void
_quern_compare_job_free (gpointer data)
{
  QuernCompareJob *job = data;

  g_object_unref (job->model);
  g_ptr_array_unref (job->items);
  g_free (job);
}

/* ---- failing --------------------------------------------------------------------------------------------------- */

static gboolean
fail_error (Worker *w, GError *error)
{
  w->state = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? QUERN_COMPARE_STOPPED : QUERN_COMPARE_FAILED;
  if (w->state == QUERN_COMPARE_FAILED)
    g_set_str (&w->failure, error->message);
  g_error_free (error);
  return FALSE;
}

static gboolean
fail (Worker *w, const QeError *engine_error)
{
  GError *error = NULL;

  _quern_inference_set_error (&error, engine_error);
  return fail_error (w, error);
}

static bool
cancelled_cb (void *data)
{
  return g_cancellable_is_cancelled (((Worker *) data)->shared->cancellable);
}

static void
progress_cb (void *data, uint64_t done, uint64_t total)
{
  Worker *w = data;

  _quern_compare_answer_set_progress (w->item->answer, total > 0 ? (double) done / (double) total : 1);
}

static double
seconds_since (gint64 time)
{
  return (double) (g_get_monotonic_time () - time) / G_USEC_PER_SEC;
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static gsize
resident_bytes (void)
{
  g_autofree char *text = NULL;
  const char *second;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) || !(second = strchr (text, ' ')))
    return 0;
  return (gsize) g_ascii_strtoull (second, NULL, 10) * (gsize) sysconf (_SC_PAGESIZE);
}

static void
note_memory (Worker *w)
{
  w->peak = MAX (w->peak, resident_bytes ());
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

/* Jobs that run one after another keep only the weights of the next one open. */
static void
drop_others (Shared *shared, const char *path)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, shared->open);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_str_equal (key, path))
      g_hash_table_iter_remove (&iter);
}

static gboolean
open_weights (Worker *w)
{
  const char *path = quern_model_get_path (w->job->model);
  QeModelParams params = { .control = &w->control };
  QeError error = { 0 };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&w->shared->lock);

  if (!w->job->together)
    drop_others (w->shared, path);
  w->model = g_hash_table_lookup (w->shared->open, path);
  if (w->model) {
    qe_model_ref (w->model);
    return TRUE;
  }
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return fail_error (w, g_error_new (QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
                                       _("“%s” no longer exists. Choose another model for this column."), path));
  if (qe_model_open (&w->model, path, &params, &error) != QE_OK)
    return fail (w, &error);
  g_hash_table_insert (w->shared->open, g_strdup (path), qe_model_ref (w->model));
  return TRUE;
}

static gboolean
load (Worker *w)
{
  QeContextParams params = { .n_ctx = w->job->n_ctx,
                             .n_threads = w->job->n_threads,
                             .kv_type = (QeKvType) w->job->kv_type,
                             .checkpoint_bytes = UINT64_MAX };
  QeError error = { 0 };
  gint64 began = g_get_monotonic_time ();

  w->control.progress = NULL;
  if (!open_weights (w))
    return FALSE;
  if (qe_context_new (&w->context, w->model, &params, &error) != QE_OK)
    return fail (w, &error);
  w->n_vocab = qe_model_info (w->model)->n_vocab;
  w->logits = g_new (float, w->n_vocab);
  w->load_seconds = seconds_since (began);
  w->control.progress = progress_cb;
  note_memory (w);
  return TRUE;
}

/* ---- prompt ---------------------------------------------------------------------------------------------------- */

static gboolean
encode_pictures (Worker *w, GPtrArray *images)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (w->item->request);
  QeError error = { 0 };
  GError *failure = NULL;

  if (pictures->len == 0)
    return TRUE;
  if (!w->vision && !_quern_vision_open (w->job->model, w->model, &w->vision, &failure))
    return fail_error (w, failure);
  for (guint i = 0; i < pictures->len; i++) {
    const QuernPixels *pixels = pictures->pdata[i];
    QeImage *image = NULL;
    if (qe_vision_encode (w->vision, g_bytes_get_data (pixels->pixels, NULL), pixels->width, pixels->height,
                          pixels->stride, w->job->n_threads, &w->control, &image, &error)
        != QE_OK)
      return fail (w, &error);
    g_ptr_array_add (images, image);
    note_memory (w);
  }
  return TRUE;
}

static QePrompt *
build_prompt (Worker *w)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) qe_image_free);
  QeChatText text = { 0 };
  QePrompt *prompt = NULL;
  QeError error = { 0 };
  GError *failure = NULL;

  if (!encode_pictures (w, images))
    return NULL;
  if (!_quern_request_render (w->item->request, w->model, &text, &w->in_reasoning, &failure))
    fail_error (w, failure);
  else if (qe_chat_prompt (&prompt, w->model, &text, (QeImage *const *) images->pdata, images->len, &error) != QE_OK)
    fail (w, &error);
  qe_chat_text_clear (&text);
  return prompt;
}

static gboolean
prefill (Worker *w)
{
  QePrompt *prompt = build_prompt (w);
  QePrefillStats stats = { 0 };
  QeError error = { 0 };

  if (!prompt)
    return FALSE;
  gsize length = qe_prompt_length (prompt);
  gboolean fits = length < qe_context_size (w->context), ok = FALSE;
  if (!fits)
    fail_error (w, g_error_new (QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_CONTEXT_FULL,
                                _("The conversation has %zu tokens, but the context holds %u. Increase the context "
                                  "length or start a new comparison."),
                                length, qe_context_size (w->context)));
  else
    ok = qe_context_prefill (w->context, prompt, &w->control, &stats, &error) == QE_OK || fail (w, &error);
  w->statistics.prompt_tokens = (guint) length;
  w->statistics.evaluated_tokens = (guint) stats.evaluated;
  w->statistics.reused_tokens = (guint) stats.reused;
  w->statistics.prefill_seconds = stats.seconds;
  qe_prompt_free (prompt);
  note_memory (w);
  return ok;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static void
output_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  Worker *w = data;

  _quern_compare_answer_add_text (w->item->answer, kind == QE_OUT_REASONING, text, length);
}

/* Pushes the token through the parser, then records it with the text that came out. */
static void
take_token (Worker *w, gint32 token)
{
  QuernCandidate top[QUERN_MAX_CANDIDATES];
  double log_sum = quern_log_sum_exp (w->logits, w->n_vocab);
  gboolean ends = qe_token_ends_generation (w->model, token), reasoning = w->in_reasoning;

  if (!ends) {
    w->statistics.answer_tokens++;
    w->statistics.reasoning_tokens += reasoning;
    qe_output_parser_push (w->parser, token);
    w->in_reasoning = qe_output_parser_in_reasoning (w->parser);
  }
  if (reasoning && !w->in_reasoning)
    w->statistics.reasoning_seconds = seconds_since (w->reasoning_began);
  if (isnan (log_sum))
    memset (top, 0xff, sizeof top);
  else
    quern_top_candidates (w->logits, w->n_vocab, log_sum, top, QUERN_MAX_CANDIDATES);
  _quern_compare_answer_add_token (w->item->answer, w->model, token,
                                   isnan (log_sum) ? 0 : exp (w->logits[token] - log_sum), top,
                                   isnan (log_sum) ? 0 : QUERN_MAX_CANDIDATES, reasoning);
}

/* Returns FALSE when the answer has ended, after recording how. */
static gboolean
step (Worker *w, QeSampler *sampler)
{
  int32_t tokens[QE_STEP_MAX];
  size_t n = 0;
  QeError error = { 0 };

  if (w->item->max_tokens > 0 && w->statistics.answer_tokens >= w->item->max_tokens) {
    w->state = QUERN_COMPARE_CUT;
    return FALSE;
  }
  memcpy (w->logits, qe_context_logits (w->context), w->n_vocab * sizeof *w->logits);
  gint64 began = g_get_monotonic_time ();
  QeStatus status = qe_context_step (w->context, sampler, &w->control, tokens, &n, &error);
  w->statistics.decode_seconds += seconds_since (began);
  if (w->statistics.answer_tokens == 0)
    w->statistics.first_token_seconds = seconds_since (w->began);
  if (n > 0) /* n is at most 1, because nothing is drafted */
    take_token (w, tokens[0]);
  if (w->statistics.answer_tokens % MEMORY_TOKENS == 1)
    note_memory (w);
  if (status == QE_OK)
    return TRUE;
  if (status == QE_END || status == QE_ERROR_CONTEXT_FULL)
    w->state = status == QE_END ? QUERN_COMPARE_DONE : QUERN_COMPARE_CUT;
  else
    fail (w, &error);
  return FALSE;
}

static void
decode (Worker *w)
{
  QeSampler *sampler = NULL;
  QeError error = { 0 };

  if (qe_sampler_new (&sampler, (const QeSamplerParams *) &w->item->sampler, &error) != QE_OK) {
    fail (w, &error);
    return;
  }
  w->parser = qe_output_parser_new (w->model, w->in_reasoning, output_cb, w);
  if (w->parser) {
    w->reasoning_began = g_get_monotonic_time ();
    _quern_compare_answer_set_state (w->item->answer, QUERN_COMPARE_WRITING);
    while (step (w, sampler))
      ;
    qe_output_parser_finish (w->parser);
  } else {
    error.status = QE_ERROR_MEMORY;
    fail (w, &error);
  }
  qe_output_parser_free (g_steal_pointer (&w->parser));
  qe_sampler_free (sampler);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static void
finish_item (Worker *w)
{
  gsize base = w->shared->base;
  guint64 peak = !w->job->together && w->peak > base ? w->peak - base : 0;

  w->statistics.seed = w->item->sampler.seed;
  w->statistics.load_seconds = w->load_seconds;
  _quern_compare_answer_set_memory (w->item->answer, w->job->planned, peak, w->job->together);
  _quern_compare_answer_finish (w->item->answer, w->state, &w->statistics, w->failure);
  g_clear_pointer (&w->failure, g_free);
  w->statistics = (QuernStatistics) { 0 };
  w->load_seconds = 0;
}

static void
run_item (Worker *w)
{
  w->state = QUERN_COMPARE_FAILED;
  _quern_compare_answer_set_state (w->item->answer, w->context ? QUERN_COMPARE_READING : QUERN_COMPARE_LOADING);
  if (g_cancellable_is_cancelled (w->shared->cancellable)) {
    w->state = QUERN_COMPARE_STOPPED;
  } else if (w->context || load (w)) {
    _quern_compare_answer_set_state (w->item->answer, QUERN_COMPARE_READING);
    w->began = g_get_monotonic_time ();
    if (prefill (w))
      decode (w);
  }
  finish_item (w);
}

static void
run_job (Shared *shared, const QuernCompareJob *job)
{
  Worker w = { .shared = shared, .job = job };

  w.control = (QeControl) { cancelled_cb, progress_cb, &w };
  for (guint i = 0; i < job->items->len; i++) {
    w.item = job->items->pdata[i];
    run_item (&w);
  }
  qe_context_free (w.context);
  qe_vision_free (w.vision);
  qe_model_free (w.model);
  g_free (w.logits);
}

typedef struct {
  Shared *shared;
  const QuernCompareJob *job;
} Start;

static gpointer
job_thread (gpointer data)
{
  Start *start = data;

  run_job (start->shared, start->job);
  g_free (start);
  return NULL;
}

static void
run_together (Shared *shared, GPtrArray *jobs)
{
  g_autofree GThread **threads = g_new (GThread *, jobs->len);

  for (guint i = 0; i < jobs->len; i++) {
    Start *start = g_new (Start, 1);
    *start = (Start) { shared, jobs->pdata[i] };
    threads[i] = g_thread_new ("quern-compare", job_thread, start);
  }
  for (guint i = 0; i < jobs->len; i++)
    g_thread_join (threads[i]);
}

void
_quern_compare_jobs_run (GPtrArray *jobs, GCancellable *cancellable)
{
  Shared shared = { .cancellable = cancellable, .base = resident_bytes () };

  g_mutex_init (&shared.lock);
  shared.open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) qe_model_free);
  if (jobs->len > 0 && ((const QuernCompareJob *) jobs->pdata[0])->together)
    run_together (&shared, jobs);
  else
    for (guint i = 0; i < jobs->len; i++)
      run_job (&shared, jobs->pdata[i]);
  g_hash_table_unref (shared.open);
  g_mutex_clear (&shared.lock);
}
