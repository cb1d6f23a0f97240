/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-backend.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#include "quern-local-private.h"
#include "quern-state-files.h"
#include "quern-model-private.h"
#include "quern-vision.h"

/* Models are loaded one after another, each on a thread of its own, so that each load sees the memory that the one
 * before it took. Apart from the table of weights, everything here belongs to the thread that made the engine. */

#define KEEP_ALIVE_SECONDS 600
#define KEEP_ALIVE_CHECK_SECONDS 5

typedef struct {
  char *path;
  GWeakRef weights;
} OpenFile;

struct _QuernEngine {
  GObject parent_instance;

  GPtrArray *contexts; /* array of QuernContext, without private ones */
  GQueue loads;        /* queue of waiting GTasks, each with a Load */
  gboolean loading;
  int keep_alive;
  gboolean keep_state;
  guint keep_alive_source;

  GMutex lock;                    /* guards the fields below */
  GPtrArray *files;               /* of OpenFile */
  QuernWeights *counting_weights; /* weights for counting tokens, kept because no context may be using them */
};

typedef struct {
  QuernModel *model;
  QuernLoadParams params;
  QuernProgressFunc progress;
  gpointer progress_data;
  GMainContext *context;
  GPtrArray *victims;    /* contexts that the worker frees first */
  gint permille, queued; /* atomic: share of the file that was read; whether a source is queued to report it */
  gboolean keep_state;
  gboolean sketch; /* there is memory for a sketch of the head */
  gboolean done;   /* the caller has its result, so no more progress is reported */
} Load;            /* in an atomic rc box */

enum { SIGNAL_USED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernEngine, quern_engine, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-engine-error-quark, quern_engine_error)

static void start_next_load (QuernEngine *self);

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/**
 * quern_engine_set_error:
 *
 * The one place where the engine's failures become #GError.
 *
 * Returns: %FALSE, always
 */
gboolean
quern_engine_set_error (GError **error, const QeError *engine_error)
{
  const char *message = engine_error->message;

  switch (engine_error->status) {
  case QE_ERROR_CANCELLED: g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled.")); break;
  case QE_ERROR_MEMORY:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_MEMORY,
                 _("Not enough memory. Close other applications, or choose a smaller model or context length."));
    break;
  case QE_ERROR_CONTEXT_FULL:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_CONTEXT_FULL, "%s", message);
    break;
  case QE_ERROR_UNSUPPORTED:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_UNSUPPORTED, _("Quern cannot run this model: %s"),
                 message);
    break;
  case QE_ERROR_CHANGED:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_DAMAGED,
                 _("The model’s file was changed while it was in use: %s Try again, or download it again."), message);
    break;
  case QE_ERROR_FORMAT:
  case QE_ERROR_IO:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_DAMAGED,
                 _("The model’s file cannot be used: %s Download it again, or choose another model."), message);
    break;
  default:
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_FAILED, _("The engine could not continue: %s"),
                 message);
  }
  return FALSE;
}

/* ---- weights --------------------------------------------------------------------------------------------------- */

static void
open_file_free (gpointer data)
{
  OpenFile *file = data;

  g_free (file->path);
  g_weak_ref_clear (&file->weights);
  g_free (file);
}

/* The caller holds the lock. Entries of files that nobody uses any more are removed on the way. */
static QuernWeights *
find_weights (QuernEngine *self, const char *path)
{
  QuernWeights *found = NULL;

  for (guint i = self->files->len; i > 0; i--) {
    OpenFile *file = self->files->pdata[i - 1];
    g_autoptr (QuernWeights) weights = g_weak_ref_get (&file->weights);
    if (!weights)
      g_ptr_array_remove_index_fast (self->files, i - 1);
    else if (g_str_equal (file->path, path))
      found = g_steal_pointer (&weights);
  }
  return found;
}

/* Any thread may call this. If the file was replaced since the library looked at it, it is opened again. */
static QuernWeights *
get_weights (QuernEngine *self, QuernModel *model, gboolean prefetch, const QeControl *control, GError **error)
{
  const char *path = quern_model_get_path (model);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  QuernWeights *weights = _quern_model_is_current (model) ? find_weights (self, path) : NULL;
  OpenFile *file;

  if (weights)
    return weights;
  weights = _quern_weights_open (path, prefetch, control, error);
  if (!weights)
    return NULL;
  file = g_new0 (OpenFile, 1);
  file->path = g_strdup (path);
  g_weak_ref_init (&file->weights, weights);
  g_ptr_array_add (self->files, file);
  return weights;
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static guint64
plan_total (QuernModel *model, const QuernLoadParams *params, guint64 *weights)
{
  QeMemoryPlan plan;

  quern_model_plan (model, _quern_context_default_size (model, params), params->kv_type, &plan);
  *weights = plan.weights;
  return plan.total;
}

static gboolean
uses_file (QuernContext *context, QuernModel *model)
{
  return g_str_equal (quern_model_get_path (quern_context_get_model (context)), quern_model_get_path (model));
}

/* The kernel counts mapped weights as available, because it could drop them. Those of loaded contexts will stay, so
 * they are subtracted. */
static guint64
memory_budget (QuernEngine *self, QuernModel *model, gboolean *shared)
{
  guint64 available = quern_memory_available ();
  guint64 taken = 0;

  *shared = FALSE;
  for (guint i = 0; i < self->contexts->len; i++) {
    QuernModel *other = quern_context_get_model (self->contexts->pdata[i]);
    gboolean counted = FALSE;
    for (guint j = 0; j < i; j++)
      counted |= uses_file (self->contexts->pdata[j], other);
    taken += counted ? 0 : quern_model_get_info (other)->resident_bytes;
    *shared |= uses_file (self->contexts->pdata[i], model);
  }
  return available > taken ? available - taken : 0;
}

/* Returns the context that has been idle for the longest time, or NULL if all are at work. */
static QuernContext *
oldest_idle (QuernEngine *self)
{
  QuernContext *oldest = NULL;
  gint64 oldest_since = G_MAXINT64;

  for (guint i = 0; i < self->contexts->len; i++) {
    gint64 since;
    if (_quern_context_is_idle (self->contexts->pdata[i], &since) && since < oldest_since) {
      oldest = self->contexts->pdata[i];
      oldest_since = since;
    }
  }
  return oldest;
}

static gboolean
refuse (QuernModel *model, const QuernLoadParams *params, guint64 need, guint64 budget, GError **error)
{
  guint size = _quern_context_default_size (model, params);
  guint fits = MIN (qe_plan_largest_context (quern_model_get_info (model),
                                             &(QePlanParams) { .kv_type = params->kv_type,
                                                               .vision = quern_model_get_vision_info (model),
                                                               .vision_pixels = QUERN_VISION_MAX_PIXELS,
                                                               .speculative = true },
                                             budget),
                    quern_model_get_info (model)->n_ctx_train);
  g_autofree char *needed = g_format_size (need);
  g_autofree char *free = g_format_size (budget);

  if (fits > 0 && fits < size)
    g_set_error (
        error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_MEMORY,
        _("“%s” needs %s of memory for a context length of %u tokens, but %s are free. A context length of %u "
          "tokens would fit."),
        quern_model_get_title (model), needed, size, free, fits);
  else
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_MEMORY,
                 _("“%s” needs %s of memory, but %s are free. Close other applications, or choose a smaller model or "
                   "quantisation."),
                 quern_model_get_title (model), needed, free);
  return FALSE;
}

/* Moves idle contexts to load->victims until the new one fits. If it only fits without a sketch of the head, it goes
 * without: it is slower then, but it runs. */
static gboolean
make_room (QuernEngine *self, Load *load, GError **error)
{
  for (;;) {
    guint64 weights;
    guint64 need = plan_total (load->model, &load->params, &weights);
    guint64 sketch = quern_model_get_info (load->model)->sketch_bytes;
    gboolean shared;
    guint64 budget = memory_budget (self, load->model, &shared);
    QuernContext *victim;

    for (guint i = 0; i < load->victims->len; i++) { /* victims are still in memory, but the worker frees them first */
      QuernContext *gone = load->victims->pdata[i];
      QuernLoadParams params = { .context_size = quern_context_get_size (gone) };
      guint64 gone_weights;
      guint64 gone_total = plan_total (quern_context_get_model (gone), &params, &gone_weights);
      budget += gone_total - gone_weights;
    }
    need -= shared ? weights : 0;
    load->sketch = need <= budget;
    if (load->sketch || load->params.force)
      return TRUE;
    victim = oldest_idle (self);
    if (!victim && !shared)
      need -= sketch;
    if (!victim)
      return need <= budget || refuse (load->model, &load->params, need, budget, error);
    g_ptr_array_add (load->victims, g_object_ref (victim));
    g_ptr_array_remove (self->contexts, victim);
  }
}

/**
 * quern_engine_largest_context:
 *
 * Returns: the largest context in tokens that fits into memory now, if other idle models were unloaded; 0: none
 */
guint
quern_engine_largest_context (QuernEngine *self, QuernModel *model, QeKvType kv_type)
{
  QePlanParams params = { .kv_type = kv_type,
                          .vision = quern_model_get_vision_info (model),
                          .vision_pixels = QUERN_VISION_MAX_PIXELS,
                          .speculative = true };
  const QeModelInfo *info = quern_model_get_info (model);

  return MIN (qe_plan_largest_context (info, &params, quern_memory_available ()), info->n_ctx_train);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static void
load_clear (gpointer data)
{
  Load *load = data;

  g_object_unref (load->model);
  g_main_context_unref (load->context);
  g_ptr_array_unref (load->victims);
}

static void
load_release (gpointer load)
{
  g_atomic_rc_box_release_full (load, load_clear);
}

static gboolean
show_progress_cb (gpointer data)
{
  Load *load = data;

  g_atomic_int_set (&load->queued, FALSE);
  if (!load->done)
    load->progress (g_atomic_int_get (&load->permille) / 1000.0, load->progress_data);
  return G_SOURCE_REMOVE;
}

static bool
load_cancelled_cb (void *data)
{
  return g_cancellable_is_cancelled (g_task_get_cancellable (data));
}

static void
load_progress_cb (void *data, uint64_t done, uint64_t total)
{
  Load *load = g_task_get_task_data (data);
  GSource *source;

  g_atomic_int_set (&load->permille, total > 0 ? (gint) (done * 1000.0 / total) : 1000);
  if (!load->progress || !g_atomic_int_compare_and_exchange (&load->queued, FALSE, TRUE))
    return;
  source = g_idle_source_new ();
  g_source_set_callback (source, show_progress_cb, g_atomic_rc_box_acquire (load), load_release);
  g_source_attach (source, load->context);
  g_source_unref (source);
}

static void
load_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Load *load = data;
  QeControl control = { load_cancelled_cb, load_progress_cb, task };
  GError *error = NULL;
  g_autoptr (QuernWeights) weights = NULL;
  QuernContext *context = NULL;

  g_ptr_array_set_size (load->victims, 0); /* dropping the last references waits for the threads and frees the memory */
  weights = get_weights (source, load->model, TRUE, &control, &error);
  if (weights)
    context = _quern_context_new (load->model, weights, &load->params, load->keep_state, load->sketch, &error);
  if (context)
    g_task_return_pointer (task, context, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
drop_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_ptr_array_set_size (data, 0);
  g_task_return_boolean (task, TRUE);
}

/* Frees contexts on a thread, because returning gigabytes to the system takes a while. Takes ownership of the array. */
static void
drop_contexts (GPtrArray *contexts)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, contexts, (GDestroyNotify) g_ptr_array_unref);
  g_task_run_in_thread (task, drop_worker);
}

static gboolean
keep_alive_cb (gpointer data)
{
  QuernEngine *self = data;
  GPtrArray *old = g_ptr_array_new_with_free_func (g_object_unref);
  gint64 deadline = g_get_monotonic_time () - self->keep_alive * G_USEC_PER_SEC;

  for (guint i = self->contexts->len; self->keep_alive >= 0 && i > 0; i--) {
    QuernContext *context = self->contexts->pdata[i - 1];
    gint64 since;
    if (_quern_context_is_idle (context, &since) && since <= deadline) {
      g_ptr_array_add (old, g_object_ref (context));
      g_ptr_array_remove_index (self->contexts, i - 1);
    }
  }
  drop_contexts (old);
  if (self->contexts->len > 0)
    return G_SOURCE_CONTINUE;
  self->keep_alive_source = 0;
  return G_SOURCE_REMOVE;
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernEngine *self = QUERN_ENGINE (source);
  g_autoptr (GTask) task = user_data;
  Load *load = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  QuernContext *context = g_task_propagate_pointer (G_TASK (result), &error);

  self->loading = FALSE;
  load->done = TRUE;
  if (context && !load->params.private_context) {
    g_ptr_array_add (self->contexts, g_object_ref (context));
    if (self->keep_alive_source == 0)
      self->keep_alive_source = g_timeout_add_seconds (KEEP_ALIVE_CHECK_SECONDS, keep_alive_cb, self);
  }
  if (context)
    g_task_return_pointer (task, context, g_object_unref);
  else
    g_task_return_error (task, error);
  start_next_load (self);
}

/* @task is the caller's. The Load is shared with the worker's task. */
static void
start_load (QuernEngine *self, GTask *task)
{
  Load *load = g_task_get_task_data (task);
  QuernContext *ready = load->params.private_context ? NULL : quern_engine_peek (self, load->model, &load->params);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task)) {
    g_object_unref (task);
  } else if (ready) {
    g_task_return_pointer (task, g_object_ref (ready), g_object_unref);
    g_object_unref (task);
  } else if (!make_room (self, load, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
  } else {
    self->loading = TRUE;
    load->keep_state = self->keep_state && !load->params.private_context;
    worker = g_task_new (self, g_task_get_cancellable (task), loaded_cb, task);
    g_task_set_task_data (worker, g_atomic_rc_box_acquire (load), load_release);
    g_task_run_in_thread (worker, load_worker);
  }
}

static void
start_next_load (QuernEngine *self)
{
  while (!self->loading && !g_queue_is_empty (&self->loads))
    start_load (self, g_queue_pop_head (&self->loads));
}

/**
 * quern_engine_load_async:
 * @progress: (nullable): told how much of the file was read, on the caller's main context
 *
 * Loads a model, or hands out the context that has it already. Fails with %QUERN_ENGINE_ERROR_MEMORY, saying which
 * context would fit, when the plan exceeds the memory that is free once idle models are unloaded.
 */
void
quern_engine_load_async (QuernEngine *self, QuernModel *model, const QuernLoadParams *params,
                         QuernProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Load *load = g_atomic_rc_box_new0 (Load);

  load->model = g_object_ref (model);
  load->params = *params;
  load->progress = progress;
  load->progress_data = progress_data;
  load->context = g_main_context_ref_thread_default ();
  load->victims = g_ptr_array_new_with_free_func (g_object_unref);
  g_task_set_task_data (task, load, load_release);
  g_queue_push_tail (&self->loads, task);
  g_signal_emit (self, signals[SIGNAL_USED], 0, model);
  start_next_load (self);
}

/**
 * quern_engine_load_finish:
 *
 * Returns: (transfer full) (nullable): the context; keep it only as long as it generates
 */
QuernContext *
quern_engine_load_finish (QuernEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * quern_engine_peek:
 *
 * Returns: (transfer none) (nullable): the context that is loaded already with these parameters
 */
QuernContext *
quern_engine_peek (QuernEngine *self, QuernModel *model, const QuernLoadParams *params)
{
  for (guint i = 0; i < self->contexts->len; i++)
    if (_quern_context_matches (self->contexts->pdata[i], model, params))
      return self->contexts->pdata[i];
  return NULL;
}

/**
 * quern_engine_unload_all:
 *
 * Lets go of every context that does not generate.
 */
void
quern_engine_unload_all (QuernEngine *self)
{
  GPtrArray *idle = g_ptr_array_new_with_free_func (g_object_unref);

  for (QuernContext *context; (context = oldest_idle (self));) {
    g_ptr_array_add (idle, g_object_ref (context));
    g_ptr_array_remove (self->contexts, context);
  }
  drop_contexts (idle);
  g_mutex_lock (&self->lock);
  g_clear_object (&self->counting_weights);
  g_mutex_unlock (&self->lock);
}

/**
 * quern_engine_set_keep_alive:
 * @seconds: how long a model stays loaded without use; -1: until its memory is needed
 */
void
quern_engine_set_keep_alive (QuernEngine *self, int seconds)
{
  self->keep_alive = seconds;
}

/**
 * quern_engine_set_keep_state:
 *
 * Whether what a model had read is saved when it is unloaded, and used again when it is next loaded; off at first.
 * Concerns models that are loaded from now on.
 */
void
quern_engine_set_keep_state (QuernEngine *self, gboolean keep_state)
{
  self->keep_state = keep_state;
}

/**
 * quern_engine_forget_states:
 *
 * Erases all saved states, and does not save what was read until now: for when conversations are erased.
 */
void
quern_engine_forget_states (QuernEngine *self)
{
  for (guint i = 0; i < self->contexts->len; i++)
    _quern_context_forget_state (self->contexts->pdata[i]);
  _quern_states_erase ();
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernModel *model;
  QuernRequest *request;
} Count;

static void
count_free (gpointer data)
{
  Count *count = data;

  g_object_unref (count->model);
  quern_request_unref (count->request);
  g_free (count);
}

/* Returns how many rows the pictures take beyond their placeholders, or -1 with @error set. */
static gssize
count_pictures (const Count *count, QeModel *weights, QeError *error)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (count->request);
  const char *path = quern_model_get_vision_path (count->model);
  QeVision *vision = NULL;
  gssize total = 0;

  if (pictures->len == 0 || !path)
    return 0;
  if (_quern_vision_open (&vision, path, weights, error) != QE_OK)
    return -1;
  for (guint i = 0; i < pictures->len && total >= 0; i++) {
    const QuernPixels *pixels = pictures->pdata[i];
    QeImagePlan plan = { 0 };
    total = qe_vision_plan (vision, pixels->width, pixels->height, &plan, error) == QE_OK ? total + plan.n_tokens - 1
                                                                                          : -1;
  }
  qe_vision_free (vision);
  return total;
}

static gssize
count_rows (const Count *count, QeModel *weights, QeError *error)
{
  QeChatText text = { 0 };
  int32_t *ids = NULL;
  size_t n = 0;
  gboolean in_reasoning;
  gssize pictures = count_pictures (count, weights, error);
  gboolean ok;

  if (pictures < 0 || !_quern_request_render (count->request, weights, &text, &in_reasoning, error))
    return -1;
  ok = qe_tokenize (weights, text.text, text.length, text.plain, text.n_plain, &ids, &n, error) == QE_OK;
  free (ids);
  qe_chat_text_clear (&text);
  return ok ? pictures + (gssize) n : -1;
}

static void
count_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernEngine *self = source;
  Count *count = data;
  GError *error = NULL;
  QeError engine_error = { 0 };
  g_autoptr (QuernWeights) weights = get_weights (self, count->model, FALSE, NULL, &error);
  gssize rows = weights ? count_rows (count, _quern_weights_get_model (weights), &engine_error) : 0;

  if (rows < 0)
    quern_engine_set_error (&error, &engine_error);
  if (weights) {
    g_mutex_lock (&self->lock);
    g_set_object (&self->counting_weights, weights);
    g_mutex_unlock (&self->lock);
  }
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, rows);
}

/**
 * quern_engine_count_async:
 *
 * Counts the tokens of a request as the model would get it. Needs no loaded context.
 */
void
quern_engine_count_async (QuernEngine *self, QuernModel *model, QuernRequest *request, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Count *count = g_new (Count, 1);

  *count = (Count) { g_object_ref (model), quern_request_ref (request) };
  g_task_set_task_data (task, count, count_free);
  g_task_run_in_thread (task, count_worker);
}

/**
 * quern_engine_count_finish:
 *
 * Returns: tokens, or -1 with @error set
 */
gssize
quern_engine_count_finish (QuernEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_engine_new:
 *
 * Returns: (transfer full): an engine with nothing loaded
 */
QuernEngine *
quern_engine_new (void)
{
  return g_object_new (QUERN_TYPE_ENGINE, NULL);
}

static void
quern_engine_finalize (GObject *object)
{
  QuernEngine *self = QUERN_ENGINE (object);

  g_clear_handle_id (&self->keep_alive_source, g_source_remove);
  g_ptr_array_unref (self->contexts);
  g_clear_object (&self->counting_weights);
  g_ptr_array_unref (self->files);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (quern_engine_parent_class)->finalize (object);
}

static void
quern_engine_class_init (QuernEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_engine_finalize;
  /* Emitted when a model is asked for, whether it is loaded already or not. */
  signals[SIGNAL_USED] = g_signal_new ("used", QUERN_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                       1, QUERN_TYPE_MODEL);
}

static void
quern_engine_init (QuernEngine *self)
{
  self->contexts = g_ptr_array_new_with_free_func (g_object_unref);
  self->files = g_ptr_array_new_with_free_func (open_file_free);
  self->keep_alive = KEEP_ALIVE_SECONDS;
  g_queue_init (&self->loads);
  g_mutex_init (&self->lock);
}
