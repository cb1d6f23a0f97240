/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-local-backend.h"

#include <glib/gi18n-lib.h>

#include "quern-local-private.h"
#include "quern-state-files.h"

/* Models are loaded one after another on one thread, so that each load sees the memory that the one before it took. */

#define KEEP_ALIVE_SECONDS 600
#define KEEP_ALIVE_CHECK_SECONDS 5

struct _QuernLocalBackend {
  GObject parent_instance;

  GThreadPool *loader; /* of GTasks, each with a QuernLoad */

  GMutex lock;       /* guards the fields below */
  GPtrArray *loaded; /* of QuernLocalModel, without private ones */
  int keep_alive;
  gboolean keep_state;
  guint keep_alive_source;
  QuernOpenFile *recent_file; /* the file that was loaded or counted with last, because it will be asked for again */
};

static void quern_local_backend_iface_init (QuernBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernLocalBackend, quern_local_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (QUERN_TYPE_BACKEND, quern_local_backend_iface_init))

/* ---- errors ---------------------------------------------------------------------------------------------------- */

gboolean
_quern_inference_set_error (GError **error, const QeError *engine_error)
{
  const char *message = engine_error->message;

  switch (engine_error->status) {
  case QE_ERROR_CANCELLED: g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled.")); break;
  case QE_ERROR_MEMORY:
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY,
                 _("Not enough memory. Close other applications, or choose a smaller model or context length."));
    break;
  case QE_ERROR_CONTEXT_FULL:
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_CONTEXT_FULL, "%s", message);
    break;
  case QE_ERROR_UNSUPPORTED:
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED, _("Quern cannot run this model: %s"),
                 message);
    break;
  case QE_ERROR_CHANGED:
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_DAMAGED,
                 _("The model’s file was changed while it was in use: %s Try again, or download it again."), message);
    break;
  case QE_ERROR_FORMAT:
  case QE_ERROR_IO:
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_DAMAGED,
                 _("The model’s file cannot be used: %s Download it again, or choose another model."), message);
    break;
  default:
    g_set_error (error, QUERN_INFERENCE_ERROR,
                 engine_error->status == QE_ERROR_ARGUMENT ? QUERN_INFERENCE_ERROR_REQUEST
                                                           : QUERN_INFERENCE_ERROR_FAILED,
                 _("The engine could not continue: %s"), message);
  }
  return FALSE;
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static QuernModel *
model_at (QuernLocalBackend *self, guint i)
{
  return quern_loaded_model_get_model (self->loaded->pdata[i]);
}

/* Returns the model that has been idle for the longest time, or NULL if all are at work. The caller holds the lock. */
static QuernLocalModel *
oldest_idle (QuernLocalBackend *self)
{
  QuernLocalModel *oldest = NULL;
  gint64 oldest_since = G_MAXINT64;

  for (guint i = 0; i < self->loaded->len; i++) {
    gint64 since;
    if (_quern_local_model_is_idle (self->loaded->pdata[i], &since) && since < oldest_since) {
      oldest = self->loaded->pdata[i];
      oldest_since = since;
    }
  }
  return oldest;
}

/* Moves idle models to @victims until the new one fits. If it only fits without a sketch of the head, it goes without: it
 * is slower then, but it runs. The caller holds the lock. */
static gboolean
quern_local_backend_make_room (QuernLocalBackend *self, QuernModel *model, const QuernLoadParams *params,
                               GPtrArray *victims, gboolean *sketch, GError **error)
{
  guint size = _quern_local_model_default_size (model, params);

  for (;;) {
    g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
    guint64 need, taken = 0, budget = quern_memory_available ();
    QuernMemoryPlan plan;
    QuernLocalModel *victim;
    gboolean shared;

    /* The kernel counts mapped weights as available, because it could drop them. Those of loaded models will stay, so
     * they are subtracted, those of one file once. */
    for (guint i = 0; i < self->loaded->len; i++)
      if (g_hash_table_add (files, (gpointer) quern_model_get_path (model_at (self, i))))
        taken += quern_model_get_info (model_at (self, i))->resident_bytes;
    shared = g_hash_table_contains (files, quern_model_get_path (model));
    budget -= MIN (budget, taken);
    for (guint i = 0; i < victims->len; i++) { /* they are still in memory, but will be freed first */
      QuernLoadedModel *gone = victims->pdata[i];
      quern_model_plan (quern_loaded_model_get_model (gone), quern_loaded_model_get_context_size (gone), QUERN_KV_F16,
                        &plan);
      budget += plan.total - plan.weights;
    }
    quern_model_plan (model, size, params->kv_type, &plan);
    need = plan.total - (shared ? plan.weights : 0);
    *sketch = need <= budget;
    if (*sketch || params->force)
      return TRUE;
    victim = params->modest ? NULL : oldest_idle (self);
    if (!victim && !shared)
      need -= quern_model_get_info (model)->sketch_bytes;
    if (!victim)
      return need <= budget || quern_inference_refuse_memory (model, size, params->kv_type, need, budget, error);
    g_ptr_array_add (victims, g_object_ref (victim));
    g_ptr_array_remove (self->loaded, victim);
  }
}

static guint
quern_local_backend_get_largest_context (QuernBackend *backend, QuernModel *model, QuernKvType kv_type)
{
  return quern_model_largest_context (model, kv_type, quern_memory_available ());
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernModel *model;
  QuernLoadParams params;
  QuernProgressFunc progress;
  gpointer progress_data;
  gint permille, queued; /* atomic: share of the file that was read; whether a source is queued to report it */
} QuernLoad;

static void
quern_load_free (gpointer data)
{
  QuernLoad *load = data;

  g_object_unref (load->model);
  g_free (load);
}

static gboolean
quern_load_show_progress_cb (gpointer task)
{
  QuernLoad *load = g_task_get_task_data (task);

  g_atomic_int_set (&load->queued, FALSE);
  if (!g_task_get_completed (task)) /* else nobody waits for it any more */
    load->progress (g_atomic_int_get (&load->permille) / 1000.0, load->progress_data);
  return G_SOURCE_REMOVE;
}

static bool
quern_load_cancelled_cb (void *task)
{
  return g_cancellable_is_cancelled (g_task_get_cancellable (task));
}

static void
quern_load_progress_cb (void *task, uint64_t done, uint64_t total)
{
  QuernLoad *load = g_task_get_task_data (task);
  GSource *source;

  g_atomic_int_set (&load->permille, total > 0 ? (gint) (done * 1000.0 / total) : 1000);
  if (!load->progress || !g_atomic_int_compare_and_exchange (&load->queued, FALSE, TRUE))
    return;
  source = g_idle_source_new ();
  g_source_set_callback (source, quern_load_show_progress_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, g_task_get_context (task));
  g_source_unref (source);
}

/* Lets go of models that were not used for a while. */
static gboolean
quern_local_backend_keep_alive_cb (gpointer weak)
{
  g_autoptr (QuernLocalBackend) self = g_weak_ref_get (weak);
  gboolean again;

  if (!self)
    return G_SOURCE_REMOVE;
  g_mutex_lock (&self->lock);
  for (guint i = self->loaded->len; self->keep_alive >= 0 && i > 0; i--) {
    gint64 since;
    if (_quern_local_model_is_idle (self->loaded->pdata[i - 1], &since)
        && since <= g_get_monotonic_time () - self->keep_alive * G_USEC_PER_SEC)
      g_ptr_array_remove_index (self->loaded, i - 1);
  }
  again = self->loaded->len > 0;
  if (!again)
    self->keep_alive_source = 0;
  g_mutex_unlock (&self->lock);
  return again;
}

static void
quern_weak_ref_free (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static QuernLoadedModel *
quern_local_backend_find_loaded (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params)
{
  QuernLocalBackend *self = QUERN_LOCAL_BACKEND (backend);
  QuernLoadedModel *found = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->loaded->len && !found; i++)
    if (_quern_local_model_matches (self->loaded->pdata[i], model, params))
      found = g_object_ref (self->loaded->pdata[i]);
  g_mutex_unlock (&self->lock);
  return found;
}

static QuernLocalModel *
quern_local_backend_open (QuernLocalBackend *self, GTask *task, GError **error)
{
  const QuernLoad *load = g_task_get_task_data (task);
  const QeControl control = { quern_load_cancelled_cb, quern_load_progress_cb, task };
  g_autoptr (GPtrArray) victims = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (QuernOpenFile) file = NULL;
  gboolean sketch, keep_state, fits;

  _quern_local_models_wait (); /* their memory counts as free, and their states are saved */
  g_mutex_lock (&self->lock);
  fits = quern_local_backend_make_room (self, load->model, &load->params, victims, &sketch, error);
  keep_state = self->keep_state && !load->params.private_context && load->params.lane == 0;
  if (fits && self->recent_file && !_quern_open_file_is_of (self->recent_file, load->model))
    g_clear_object (&self->recent_file); /* only one file more than those in use is kept open */
  g_mutex_unlock (&self->lock);
  if (!fits)
    return NULL;
  g_ptr_array_set_size (victims, 0);
  _quern_local_models_wait ();
  file = _quern_open_file_get (load->model, TRUE, &control, error);
  if (!file)
    return NULL;
  g_mutex_lock (&self->lock);
  g_set_object (&self->recent_file, file);
  g_mutex_unlock (&self->lock);
  return _quern_local_model_new (load->model, file, &load->params, keep_state, sketch, error);
}

static void
quern_local_backend_load_worker (gpointer data, gpointer unused)
{
  g_autoptr (GTask) task = data;
  QuernLocalBackend *self = g_task_get_source_object (task);
  const QuernLoad *load = g_task_get_task_data (task);
  gpointer loaded = NULL;
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (!load->params.private_context)
    loaded = quern_local_backend_find_loaded (QUERN_BACKEND (self), load->model, &load->params);
  if (!loaded) {
    loaded = quern_local_backend_open (self, task, &error);
    if (loaded && !load->params.private_context) {
      g_mutex_lock (&self->lock);
      g_ptr_array_add (self->loaded, g_object_ref (loaded));
      if (self->keep_alive_source == 0) {
        GWeakRef *weak = g_new0 (GWeakRef, 1);
        g_weak_ref_init (weak, self);
        self->keep_alive_source = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, KEEP_ALIVE_CHECK_SECONDS,
                                                              quern_local_backend_keep_alive_cb, weak,
                                                              quern_weak_ref_free);
      }
      g_mutex_unlock (&self->lock);
    }
  }
  if (loaded)
    g_task_return_pointer (task, loaded, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
quern_local_backend_load (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params,
                          QuernProgressFunc progress, gpointer progress_data, GTask *task)
{
  QuernLoad *load = g_new0 (QuernLoad, 1);

  *load = (QuernLoad) { g_object_ref (model), *params, progress, progress_data };
  g_task_set_task_data (task, load, quern_load_free);
  g_thread_pool_push (QUERN_LOCAL_BACKEND (backend)->loader, task, NULL);
}

/**
 * quern_local_backend_unload_all:
 *
 * Lets go of every model that does not generate.
 */
void
quern_local_backend_unload_all (QuernLocalBackend *self)
{
  g_return_if_fail (QUERN_IS_LOCAL_BACKEND (self));

  g_mutex_lock (&self->lock);
  for (QuernLocalModel *idle; (idle = oldest_idle (self));)
    g_ptr_array_remove (self->loaded, idle);
  g_clear_object (&self->recent_file);
  g_mutex_unlock (&self->lock);
}

/**
 * quern_local_backend_set_keep_alive:
 * @seconds: how long a model stays loaded without use; -1: until its memory is needed
 */
void
quern_local_backend_set_keep_alive (QuernLocalBackend *self, int seconds)
{
  g_return_if_fail (QUERN_IS_LOCAL_BACKEND (self));

  g_mutex_lock (&self->lock);
  self->keep_alive = seconds;
  g_mutex_unlock (&self->lock);
}

/**
 * quern_local_backend_set_keep_state:
 *
 * Whether what a model had read is saved when it is unloaded, and used again when it is next loaded; off at first.
 * Concerns models that are loaded from now on.
 */
void
quern_local_backend_set_keep_state (QuernLocalBackend *self, gboolean keep_state)
{
  g_return_if_fail (QUERN_IS_LOCAL_BACKEND (self));

  g_mutex_lock (&self->lock);
  self->keep_state = keep_state;
  g_mutex_unlock (&self->lock);
}

/**
 * quern_local_backend_forget_states:
 *
 * Erases all saved states, and does not save what was read until now: for when conversations are erased.
 */
void
quern_local_backend_forget_states (QuernLocalBackend *self)
{
  g_return_if_fail (QUERN_IS_LOCAL_BACKEND (self));

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->loaded->len; i++)
    _quern_local_model_forget_state (self->loaded->pdata[i]);
  g_mutex_unlock (&self->lock);
  _quern_states_erase ();
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernModel *model;
  QuernRequest *request;
} QuernCount;

static void
quern_count_free (gpointer data)
{
  QuernCount *count = data;

  g_object_unref (count->model);
  quern_request_unref (count->request);
  g_free (count);
}

static void
quern_local_backend_count_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernLocalBackend *self = source;
  const QuernCount *count = data;
  GError *error = NULL;
  g_autoptr (QuernOpenFile) file = _quern_open_file_get (count->model, FALSE, NULL, &error);
  gssize rows = file ? _quern_request_count (count->request, count->model, file, &error) : -1;

  if (file) {
    g_mutex_lock (&self->lock);
    g_set_object (&self->recent_file, file);
    g_mutex_unlock (&self->lock);
  }
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, rows);
}

static void
quern_local_backend_count (QuernBackend *backend, QuernModel *model, QuernRequest *request, GTask *task)
{
  QuernCount *count = g_new (QuernCount, 1);

  *count = (QuernCount) { g_object_ref (model), quern_request_ref (request) };
  g_task_set_task_data (task, count, quern_count_free);
  g_task_run_in_thread (task, quern_local_backend_count_thread);
  g_object_unref (task);
}

static QuernCapabilities
quern_local_backend_get_capabilities (QuernBackend *backend, QuernModel *model)
{
  return QUERN_CAN_COUNT | QUERN_CAN_SCORE | QUERN_CAN_REPEAT_DRAWS
         | (quern_model_get_vision_path (model) ? QUERN_CAN_SEE : 0);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_local_backend_new:
 *
 * Returns: (transfer full): a backend with nothing loaded
 */
QuernLocalBackend *
quern_local_backend_new (void)
{
  return g_object_new (QUERN_TYPE_LOCAL_BACKEND, NULL);
}

/* The last reference may be that of a load, on the loader's own thread, so it does not wait for that. */
static void
quern_local_backend_finalize (GObject *object)
{
  QuernLocalBackend *self = QUERN_LOCAL_BACKEND (object);

  g_clear_handle_id (&self->keep_alive_source, g_source_remove);
  g_ptr_array_unref (self->loaded);
  g_clear_object (&self->recent_file);
  g_thread_pool_free (self->loader, FALSE, FALSE);
  g_mutex_clear (&self->lock);
  _quern_local_models_wait (); /* until their states are saved */
  G_OBJECT_CLASS (quern_local_backend_parent_class)->finalize (object);
}

static void
quern_local_backend_iface_init (QuernBackendInterface *iface)
{
  iface->load = quern_local_backend_load;
  iface->count = quern_local_backend_count;
  iface->find_loaded = quern_local_backend_find_loaded;
  iface->get_largest_context = quern_local_backend_get_largest_context;
  iface->get_capabilities = quern_local_backend_get_capabilities;
}

static void
quern_local_backend_class_init (QuernLocalBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_local_backend_finalize;
}

static void
quern_local_backend_init (QuernLocalBackend *self)
{
  self->loaded = g_ptr_array_new_with_free_func (g_object_unref);
  self->loader = g_thread_pool_new (quern_local_backend_load_worker, NULL, 1, FALSE, NULL);
  self->keep_alive = KEEP_ALIVE_SECONDS;
  g_mutex_init (&self->lock);
}
