/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-loaded-model.h"

typedef struct {
  QuernModel *model;
  guint context_size, n_threads;
} QuernLoadedModelPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (QuernLoadedModel, quern_loaded_model, G_TYPE_OBJECT)

void
_quern_loaded_model_set_facts (QuernLoadedModel *self, QuernModel *model, guint context_size, guint n_threads)
{
  QuernLoadedModelPrivate *priv = quern_loaded_model_get_instance_private (self);

  *priv = (QuernLoadedModelPrivate) { g_object_ref (model), context_size, n_threads };
}

/**
 * quern_loaded_model_generate:
 * @request: what to answer; not changed any more from now on
 *
 * Queues a request. Its signals come on the default main context of the calling thread.
 *
 * Returns: (transfer full): the generation, queued
 */
QuernGeneration *
quern_loaded_model_generate (QuernLoadedModel *self, QuernRequest *request)
{
  g_return_val_if_fail (QUERN_IS_LOADED_MODEL (self) && request, NULL);

  return QUERN_LOADED_MODEL_GET_CLASS (self)->generate (self, request);
}

/**
 * quern_loaded_model_score_async:
 * @scoring: the text; it and its tokens must stay until @callback
 *
 * Queues the evaluation of a given text, row by row.
 */
void
quern_loaded_model_score_async (QuernLoadedModel *self, const QuernScoring *scoring, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (QUERN_IS_LOADED_MODEL (self) && scoring);

  QUERN_LOADED_MODEL_GET_CLASS (self)->score (self, scoring, g_task_new (self, NULL, callback, user_data));
}

/**
 * quern_loaded_model_score_finish:
 *
 * Returns: %TRUE when all rows were evaluated, or when the row function ended the scoring; %FALSE with
 *   %G_IO_ERROR_CANCELLED when @stopped said so, or with what went wrong
 */
gboolean
quern_loaded_model_score_finish (QuernLoadedModel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_loaded_model_score_sync:
 *
 * As quern_loaded_model_score_async(), for threads that have nothing else to do: it blocks.
 */
gboolean
quern_loaded_model_score_sync (QuernLoadedModel *self, const QuernScoring *scoring, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  quern_loaded_model_score_async (self, scoring, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return quern_loaded_model_score_finish (self, result, error);
}

/**
 * quern_loaded_model_get_model:
 *
 * Returns: (transfer none): the model that is loaded
 */
QuernModel *
quern_loaded_model_get_model (QuernLoadedModel *self)
{
  QuernLoadedModelPrivate *priv = quern_loaded_model_get_instance_private (self);

  g_return_val_if_fail (QUERN_IS_LOADED_MODEL (self), NULL);
  return priv->model;
}

/**
 * quern_loaded_model_get_context_size:
 *
 * Returns: tokens that its context holds
 */
guint
quern_loaded_model_get_context_size (QuernLoadedModel *self)
{
  QuernLoadedModelPrivate *priv = quern_loaded_model_get_instance_private (self);

  g_return_val_if_fail (QUERN_IS_LOADED_MODEL (self), 0);
  return priv->context_size;
}

/**
 * quern_loaded_model_get_threads:
 *
 * Returns: threads that compute for it
 */
guint
quern_loaded_model_get_threads (QuernLoadedModel *self)
{
  QuernLoadedModelPrivate *priv = quern_loaded_model_get_instance_private (self);

  g_return_val_if_fail (QUERN_IS_LOADED_MODEL (self), 0);
  return priv->n_threads;
}

static void
quern_loaded_model_finalize (GObject *object)
{
  QuernLoadedModelPrivate *priv = quern_loaded_model_get_instance_private (QUERN_LOADED_MODEL (object));

  g_clear_object (&priv->model);
  G_OBJECT_CLASS (quern_loaded_model_parent_class)->finalize (object);
}

static void
quern_loaded_model_class_init (QuernLoadedModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_loaded_model_finalize;
}

static void
quern_loaded_model_init (QuernLoadedModel *self)
{
}
