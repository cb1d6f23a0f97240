/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-remote-backend.h"

#include "quern-remote-private.h"
#include "quern-request.h"
#include "quern-served-models.h"
#include "quern-server-answer.h"

struct _QuernRemoteBackend {
  GObject parent_instance;
};

static void quern_remote_backend_iface_init (QuernBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernRemoteBackend, quern_remote_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (QUERN_TYPE_BACKEND, quern_remote_backend_iface_init))

/* ---- loading --------------------------------------------------------------------------------------------------- */

static QuernLoadedModel *
quern_remote_backend_find_loaded (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params)
{
  return QUERN_LOADED_MODEL (_quern_remote_model_new (model, quern_model_choose_context (model, params->context_size)));
}

static void
quern_remote_backend_load (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params,
                           QuernProgressFunc progress, gpointer progress_data, GTask *task)
{
  g_task_return_pointer (task, quern_remote_backend_find_loaded (backend, model, params), g_object_unref);
  g_object_unref (task);
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  guint pictures = GPOINTER_TO_UINT (g_task_get_task_data (task));
  GError *error = NULL;
  gboolean exact;
  gssize n = quern_server_count_finish (QUERN_SERVER (source), result, &exact, &error);

  if (n >= 0 && (!exact || pictures > 0)) {
    _quern_backend_return_estimate (task, n + pictures);
    return;
  }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, n);
  g_object_unref (task);
}

static void
quern_remote_backend_count (QuernBackend *backend, QuernModel *model, QuernRequest *request, GTask *task)
{
  g_autoptr (QuernServerModel) facts = quern_served_model_dup_facts (model);
  g_autoptr (QuernServerCall) call = NULL;

  if (facts == NULL) /* the server may have it again when it is asked */
    facts = quern_server_model_new (quern_model_get_name (model));
  call = _quern_remote_call_new (request, model, facts, 0, FALSE, NULL);
  if (request->unsent) {
    _quern_backend_return_estimate (task, quern_server_call_estimate (call)
                                              + _quern_remote_estimate_pictures (request, model));
    return;
  }
  g_task_set_task_data (task, GUINT_TO_POINTER (_quern_remote_estimate_pictures (request, model)), NULL);
  quern_server_count_async (quern_served_model_get_server (model), call, g_task_get_cancellable (task), counted_cb,
                            task);
}

/* ---- what it can do -------------------------------------------------------------------------------------------- */

static guint
quern_remote_backend_get_largest_context (QuernBackend *backend, QuernModel *model, QuernKvType kv_type)
{
  return quern_model_largest_context (model, kv_type, 0);
}

static QuernCapabilities
quern_remote_backend_get_capabilities (QuernBackend *backend, QuernModel *model)
{
  const QuernServerTraits *traits = quern_server_get_traits (quern_served_model_get_server (model));
  g_autoptr (QuernServerModel) facts = quern_served_model_dup_facts (model);
  gboolean loaded = facts != NULL && facts->state != QUERN_SERVER_MODEL_UNLOADED
                    && facts->state != QUERN_SERVER_MODEL_LOADING;

  return (quern_model_can_see (model) ? QUERN_CAN_SEE : 0) | (traits->counts && loaded ? QUERN_CAN_COUNT : 0)
         | (traits->continues ? QUERN_CAN_CONTINUE : 0) | (traits->schema ? QUERN_CAN_CONSTRAIN : 0)
         | (traits->ends_thinking ? QUERN_CAN_END_THINKING : 0) | (traits->prompt_scores ? QUERN_CAN_SCORE_TOP : 0);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_remote_backend_new:
 *
 * Returns: (transfer full): a backend for the models of QuernServedModels
 */
QuernBackend *
quern_remote_backend_new (void)
{
  return g_object_new (QUERN_TYPE_REMOTE_BACKEND, NULL);
}

static void
quern_remote_backend_iface_init (QuernBackendInterface *iface)
{
  iface->load = quern_remote_backend_load;
  iface->count = quern_remote_backend_count;
  iface->find_loaded = quern_remote_backend_find_loaded;
  iface->get_largest_context = quern_remote_backend_get_largest_context;
  iface->get_capabilities = quern_remote_backend_get_capabilities;
}

static void
quern_remote_backend_class_init (QuernRemoteBackendClass *klass)
{
}

static void
quern_remote_backend_init (QuernRemoteBackend *self)
{
}
