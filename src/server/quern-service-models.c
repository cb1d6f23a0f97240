/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-private.h"

/* The models that the service may ask, and how large their contexts are. */

/**
 * quern_service_core_set_models:
 * @models: (element-type QuernModel): that may be asked
 * @usual: (nullable): which those get that name none
 *
 * Any thread may call it.
 */
void
quern_service_core_set_models (QuernServiceCore *self, GPtrArray *models, QuernModel *usual)
{
  g_autoptr (GPtrArray) old = NULL;

  g_mutex_lock (&self->lock);
  old = self->models;
  self->models = g_ptr_array_ref (models);
  g_set_object (&self->usual, usual);
  g_mutex_unlock (&self->lock);
}

/**
 * quern_service_core_dup_models:
 *
 * Returns: (transfer full) (element-type QuernModel): those that may be asked, which does not change
 */
GPtrArray *
quern_service_core_dup_models (QuernServiceCore *self)
{
  GPtrArray *models;

  g_mutex_lock (&self->lock);
  models = g_ptr_array_ref (self->models);
  g_mutex_unlock (&self->lock);
  return models;
}

/**
 * quern_service_core_find_model:
 * @id: (nullable): as /v1/models tells it; nothing or "default" for the one that is in use
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with a refusal
 */
QuernModel *
quern_service_core_find_model (QuernServiceCore *self, const char *id, QuernRefusal **refusal)
{
  g_autoptr (GPtrArray) models = quern_service_core_dup_models (self);
  QuernModel *found = NULL;

  if (!id || !*id || g_str_equal (id, "default")) {
    g_mutex_lock (&self->lock);
    found = self->usual ? g_object_ref (self->usual) : NULL;
    g_mutex_unlock (&self->lock);
    if (!found)
      quern_refuse (refusal, 404, "model_not_found", "model",
                    "There is no model on this computer. Download one in Quern.");
    return found;
  }
  for (guint i = 0; i < models->len && !found; i++)
    if (g_str_equal (quern_model_get_id (models->pdata[i]), id))
      found = g_object_ref (models->pdata[i]);
  if (!found)
    quern_refuse (refusal, 404, "model_not_found", "model",
                  "There is no model “%s”. GET /v1/models lists those there are.", id);
  return found;
}

/* As set, or what the model was trained for, limited to 32768 tokens and to half of what memory allows now, so that there is
 * room for others; where that is little, to all of it. */
static guint
quern_service_core_choose_context_size (QuernServiceCore *self, QuernModel *model)
{
  guint trained = quern_model_get_info (model)->n_ctx_train;
  guint largest = quern_backend_get_largest_context (self->backend, model, QUERN_KV_F16);

  if (self->context_size > 0)
    return MIN (self->context_size, trained);
  return MIN (MIN (trained, 32768u), MAX (largest / 2, MIN (largest, 4096u)));
}

static void
quern_service_core_set_context_size (QuernServiceCore *self, QuernModel *model, guint size)
{
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->sizes, g_strdup (quern_model_get_path (model)), GUINT_TO_POINTER (size));
  g_mutex_unlock (&self->lock);
}

/**
 * quern_service_core_get_context_size:
 *
 * Returns: the tokens that a context of @model holds, chosen when it was first asked for: all lanes have the same. Any thread
 *   may call it.
 */
guint
quern_service_core_get_context_size (QuernServiceCore *self, QuernModel *model)
{
  guint size;

  g_mutex_lock (&self->lock);
  size = GPOINTER_TO_UINT (g_hash_table_lookup (self->sizes, quern_model_get_path (model)));
  g_mutex_unlock (&self->lock);
  if (size > 0)
    return size;
  size = quern_service_core_choose_context_size (self, model);
  quern_service_core_set_context_size (self, model, size);
  return size;
}

/**
 * quern_service_core_shrink_context:
 *
 * Chooses the size of @model's contexts again, because memory did not suffice for one.
 *
 * Returns: whether it is smaller now
 */
gboolean
quern_service_core_shrink_context (QuernServiceCore *self, QuernModel *model)
{
  guint size = quern_service_core_choose_context_size (self, model);

  if (size == 0 || size >= quern_service_core_get_context_size (self, model))
    return FALSE;
  quern_service_core_set_context_size (self, model, size);
  return TRUE;
}

/**
 * quern_service_core_is_loaded:
 *
 * Returns: whether a context of @model's is ready for the service. Any thread may call it.
 */
gboolean
quern_service_core_is_loaded (QuernServiceCore *self, QuernModel *model)
{
  guint size = quern_service_core_get_context_size (self, model);

  for (guint lane = 1; lane <= self->most_contexts; lane++) {
    const QuernLoadParams params = { .context_size = size, .lane = lane };
    g_autoptr (QuernLoadedModel) loaded = quern_backend_find_loaded (self->backend, model, &params);
    if (loaded)
      return TRUE;
  }
  return FALSE;
}

/**
 * quern_service_core_count:
 *
 * Returns: tokens of the request's prompt, or -1 with @error set. It blocks; for a worker thread.
 */
gssize
quern_service_core_count (QuernServiceCore *self, QuernModel *model, QuernRequest *request, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  quern_backend_count_async (self->backend, model, request, NULL, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return quern_backend_count_finish (self->backend, result, NULL, error);
}

/**
 * quern_service_core_describe:
 * @json: gets members of an object: what is computed and who waits
 */
void
quern_service_core_describe (QuernServiceCore *self, JsonBuilder *json)
{
  quern_service_queue_describe (self->queue, json);
}
