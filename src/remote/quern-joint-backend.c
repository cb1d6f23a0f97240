/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-joint-backend.h"

#include "quern-remote-backend.h"

struct _QuernJointBackend {
  GObject parent_instance;

  QuernBackend *local, *remote;
};

static void quern_joint_backend_iface_init (QuernBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernJointBackend, quern_joint_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (QUERN_TYPE_BACKEND, quern_joint_backend_iface_init))

static QuernBackend *
backend_of (QuernBackend *backend, QuernModel *model)
{
  QuernJointBackend *self = QUERN_JOINT_BACKEND (backend);

  return quern_model_is_remote (model) ? self->remote : self->local;
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (QuernLoadedModel) loaded = quern_backend_load_finish (QUERN_BACKEND (source), result, &error);

  if (loaded != NULL)
    g_task_return_pointer (task, g_steal_pointer (&loaded), g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
quern_joint_backend_load (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params,
                          QuernProgressFunc progress, gpointer progress_data, GTask *task)
{
  quern_backend_load_async (backend_of (backend, model), model, params, progress, progress_data,
                            g_task_get_cancellable (task), loaded_cb, task);
}

static QuernLoadedModel *
quern_joint_backend_find_loaded (QuernBackend *backend, QuernModel *model, const QuernLoadParams *params)
{
  return quern_backend_find_loaded (backend_of (backend, model), model, params);
}

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  gboolean estimated;
  gssize n = quern_backend_count_finish (QUERN_BACKEND (source), result, &estimated, &error);

  if (error == NULL && estimated) {
    _quern_backend_return_estimate (task, n);
    return;
  }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, n);
  g_object_unref (task);
}

static void
quern_joint_backend_count (QuernBackend *backend, QuernModel *model, QuernRequest *request, GTask *task)
{
  quern_backend_count_async (backend_of (backend, model), model, request, g_task_get_cancellable (task), counted_cb,
                             task);
}

static guint
quern_joint_backend_get_largest_context (QuernBackend *backend, QuernModel *model, QuernKvType kv_type)
{
  return quern_backend_get_largest_context (backend_of (backend, model), model, kv_type);
}

static QuernCapabilities
quern_joint_backend_get_capabilities (QuernBackend *backend, QuernModel *model)
{
  return quern_backend_get_capabilities (backend_of (backend, model), model);
}

/**
 * quern_joint_backend_new:
 * @local: (transfer none): runs the models on this computer
 *
 * Returns: (transfer full): a backend for all models
 */
QuernBackend *
quern_joint_backend_new (QuernBackend *local)
{
  QuernJointBackend *self;

  g_return_val_if_fail (QUERN_IS_BACKEND (local), NULL);
  self = g_object_new (QUERN_TYPE_JOINT_BACKEND, NULL);
  self->local = g_object_ref (local);
  self->remote = quern_remote_backend_new ();
  return QUERN_BACKEND (self);
}

/* Returns: (transfer none): what runs the models on this computer */
QuernBackend *
quern_joint_backend_get_local (QuernJointBackend *self)
{
  g_return_val_if_fail (QUERN_IS_JOINT_BACKEND (self), NULL);
  return self->local;
}

static void
quern_joint_backend_finalize (GObject *object)
{
  QuernJointBackend *self = QUERN_JOINT_BACKEND (object);

  g_clear_object (&self->local);
  g_clear_object (&self->remote);
  G_OBJECT_CLASS (quern_joint_backend_parent_class)->finalize (object);
}

static void
quern_joint_backend_iface_init (QuernBackendInterface *iface)
{
  iface->load = quern_joint_backend_load;
  iface->count = quern_joint_backend_count;
  iface->find_loaded = quern_joint_backend_find_loaded;
  iface->get_largest_context = quern_joint_backend_get_largest_context;
  iface->get_capabilities = quern_joint_backend_get_capabilities;
}

static void
quern_joint_backend_class_init (QuernJointBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_joint_backend_finalize;
}

static void
quern_joint_backend_init (QuernJointBackend *self)
{
}
