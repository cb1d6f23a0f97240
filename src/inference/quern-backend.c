/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-backend.h"

#include <glib/gi18n-lib.h>

G_DEFINE_INTERFACE (QuernBackend, quern_backend, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-inference-error-quark, quern_inference_error)

static void
quern_backend_default_init (QuernBackendInterface *iface)
{
  /* Emitted when a model is asked for at the window, whether it is loaded already or not. */
  g_signal_new ("used", QUERN_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, QUERN_TYPE_MODEL);
}

/**
 * quern_inference_refuse_memory:
 * @context_size: in tokens, that was wanted
 * @needed: bytes
 * @available: bytes
 *
 * Sets the error that says that a model is too big for the memory that is free, and which context would fit.
 *
 * Returns: %FALSE, always
 */
gboolean
quern_inference_refuse_memory (QuernModel *model, guint context_size, QuernKvType kv_type, guint64 needed,
                               guint64 available, GError **error)
{
  guint fits = quern_model_largest_context (model, kv_type, available);
  g_autofree char *title = quern_model_dup_full_title (model);
  g_autofree char *need = g_format_size (needed);
  g_autofree char *free = g_format_size (available);

  if (fits > 0 && fits < context_size)
    g_set_error (
        error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY,
        _("“%s” needs %s of memory for a context length of %u tokens, but %s are free. A context length of %u "
          "tokens would fit."),
        title, need, context_size, free, fits);
  else
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_MEMORY,
                 _("“%s” needs %s of memory, but %s are free. Close other applications, or choose a smaller model or "
                   "quantisation."),
                 title, need, free);
  return FALSE;
}

/**
 * quern_inference_refuse_pictures:
 *
 * Sets the error that says that a model cannot see pictures, and what can be done about it.
 *
 * Returns: %FALSE, always
 */
gboolean
quern_inference_refuse_pictures (QuernModel *model, GError **error)
{
  if (quern_model_is_remote (model))
    g_set_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_NO_VISION,
                 _("“%s” on “%s” cannot see pictures. Choose another model, or remove the pictures."),
                 quern_model_get_title (model), quern_model_get_place (model));
  else
    g_set_error (
        error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_NO_VISION,
        _("“%s” cannot see pictures without its vision file. Download the vision file, choose another model, or "
          "remove the pictures."),
        quern_model_get_title (model));
  return FALSE;
}

/**
 * quern_inference_refuse_scores:
 *
 * Sets the error that says why a model on a server cannot be measured.
 *
 * Returns: %FALSE, always
 */
gboolean
quern_inference_refuse_scores (QuernModel *model, GError **error)
{
  g_set_error (
      error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED,
      _("“%s” is on “%s” and cannot be measured: that takes the probabilities of the tokens of a given text, which this "
        "server does not send. vLLM does; or measure a file on this computer."),
      quern_model_get_title (model), quern_model_get_place (model));
  return FALSE;
}

/**
 * quern_backend_load_async:
 * @progress: (nullable): told how much of the file was read, on the caller's main context
 *
 * Loads a model, or hands out the one that is loaded already, unless a private one is wanted. Fails with
 * %QUERN_INFERENCE_ERROR_MEMORY, saying which context would fit, when the plan exceeds the memory that is free once idle
 * models are unloaded.
 */
void
quern_backend_load_async (QuernBackend *self, QuernModel *model, const QuernLoadParams *params,
                          QuernProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_BACKEND (self) && QUERN_IS_MODEL (model) && params);

  if (!params->private_context && params->lane == 0)
    g_signal_emit_by_name (self, "used", model);
  QUERN_BACKEND_GET_IFACE (self)->load (self, model, params, progress, progress_data,
                                        g_task_new (self, cancellable, callback, user_data));
}

/**
 * quern_backend_load_finish:
 *
 * Returns: (transfer full) (nullable): the loaded model; keep it only as long as it is asked something
 */
QuernLoadedModel *
quern_backend_load_finish (QuernBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
quern_keep_result_cb (GObject *source, GAsyncResult *result, gpointer where)
{
  *(GAsyncResult **) where = g_object_ref (result);
}

/**
 * quern_backend_load_sync:
 *
 * As quern_backend_load_async(), for threads that have nothing else to do: it blocks.
 */
QuernLoadedModel *
quern_backend_load_sync (QuernBackend *self, QuernModel *model, const QuernLoadParams *params,
                         GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  quern_backend_load_async (self, model, params, NULL, NULL, cancellable, quern_keep_result_cb, &result);
  while (!result)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return quern_backend_load_finish (self, result, error);
}

/**
 * quern_backend_find_loaded:
 *
 * Returns: (transfer full) (nullable): what is loaded already with these parameters
 */
QuernLoadedModel *
quern_backend_find_loaded (QuernBackend *self, QuernModel *model, const QuernLoadParams *params)
{
  g_return_val_if_fail (QUERN_IS_BACKEND (self) && QUERN_IS_MODEL (model) && params, NULL);

  return QUERN_BACKEND_GET_IFACE (self)->find_loaded (self, model, params);
}

/**
 * quern_backend_count_async:
 *
 * Counts the tokens of a request as the model would get it, which needs no loaded model. The prompt that was made for it
 * stays with the request, so that it is not made again for the generation.
 */
void
quern_backend_count_async (QuernBackend *self, QuernModel *model, QuernRequest *request, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_BACKEND (self) && QUERN_IS_MODEL (model) && request);

  QUERN_BACKEND_GET_IFACE (self)->count (self, model, request, g_task_new (self, cancellable, callback, user_data));
}

static GQuark
estimated_quark (void)
{
  return g_quark_from_static_string ("quern-estimated");
}

/* Takes the task. */
void
_quern_backend_return_estimate (GTask *task, gssize n_tokens)
{
  g_object_set_qdata (G_OBJECT (task), estimated_quark (), task);
  g_task_return_int (task, n_tokens);
  g_object_unref (task);
}

/**
 * quern_backend_count_finish:
 * @estimated: (out) (optional): whether nobody could count, so that the result may be a quarter too large or too small
 *
 * Returns: tokens, or -1 with @error set
 */
gssize
quern_backend_count_finish (QuernBackend *self, GAsyncResult *result, gboolean *estimated, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), -1);

  if (estimated)
    *estimated = g_object_get_qdata (G_OBJECT (result), estimated_quark ()) != NULL;
  return g_task_propagate_int (G_TASK (result), error);
}

/**
 * quern_backend_get_largest_context:
 *
 * Returns: the largest context in tokens that can be had now, if other idle models were unloaded; 0: none
 */
guint
quern_backend_get_largest_context (QuernBackend *self, QuernModel *model, QuernKvType kv_type)
{
  g_return_val_if_fail (QUERN_IS_BACKEND (self) && QUERN_IS_MODEL (model), 0);

  return QUERN_BACKEND_GET_IFACE (self)->get_largest_context (self, model, kv_type);
}

QuernCapabilities
quern_backend_get_capabilities (QuernBackend *self, QuernModel *model)
{
  g_return_val_if_fail (QUERN_IS_BACKEND (self) && QUERN_IS_MODEL (model), 0);

  return QUERN_BACKEND_GET_IFACE (self)->get_capabilities (self, model);
}
