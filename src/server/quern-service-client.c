/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-client-private.h"

struct _QuernServiceClient {
  GObject parent_instance;

  char *id, *name, *model;
  const char *state;
  guint n_requests;
  guint64 n_tokens;
};

enum { PROP_0, PROP_NAME, PROP_MODEL, PROP_STATE, PROP_N_REQUESTS, PROP_N_TOKENS, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernServiceClient, quern_service_client, G_TYPE_OBJECT)

const char *
quern_service_client_get_name (QuernServiceClient *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE_CLIENT (self), NULL);
  return self->name;
}

const char *
quern_service_client_get_model (QuernServiceClient *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE_CLIENT (self), NULL);
  return self->model;
}

const char *
quern_service_client_get_state (QuernServiceClient *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE_CLIENT (self), NULL);
  return self->state;
}

guint
quern_service_client_get_n_requests (QuernServiceClient *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE_CLIENT (self), 0);
  return self->n_requests;
}

guint64
quern_service_client_get_n_tokens (QuernServiceClient *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE_CLIENT (self), 0);
  return self->n_tokens;
}

const char *
_quern_service_client_get_id (QuernServiceClient *self)
{
  return self->id;
}

/* Returns whether it asked a model since the last time. */
gboolean
_quern_service_client_update (QuernServiceClient *self, const QuernServiceClientFacts *facts)
{
  gboolean asked = facts->n_requests > self->n_requests;

  g_object_freeze_notify (G_OBJECT (self));
  if (g_set_str (&self->model, facts->model))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL]);
  if (self->state != facts->state)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  if (self->n_requests != facts->n_requests)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_REQUESTS]);
  if (self->n_tokens != facts->n_tokens)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TOKENS]);
  self->state = facts->state;
  self->n_requests = facts->n_requests;
  self->n_tokens = facts->n_tokens;
  g_object_thaw_notify (G_OBJECT (self));
  return asked;
}

QuernServiceClient *
_quern_service_client_new (const QuernServiceClientFacts *facts)
{
  QuernServiceClient *self = g_object_new (QUERN_TYPE_SERVICE_CLIENT, NULL);

  self->id = g_strdup (facts->id);
  self->name = g_strdup (facts->name);
  return self;
}

static void
quern_service_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernServiceClient *self = QUERN_SERVICE_CLIENT (object);

  switch (prop_id) {
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_MODEL: g_value_set_string (value, self->model); break;
  case PROP_STATE: g_value_set_static_string (value, self->state); break;
  case PROP_N_REQUESTS: g_value_set_uint (value, self->n_requests); break;
  case PROP_N_TOKENS: g_value_set_uint64 (value, self->n_tokens); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_service_client_finalize (GObject *object)
{
  QuernServiceClient *self = QUERN_SERVICE_CLIENT (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->model);
  G_OBJECT_CLASS (quern_service_client_parent_class)->finalize (object);
}

static void
quern_service_client_class_init (QuernServiceClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_service_client_get_property;
  object_class->finalize = quern_service_client_finalize;
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_MODEL] = g_param_spec_string ("model", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_string ("state", NULL, NULL, NULL, flags);
  properties[PROP_N_REQUESTS] = g_param_spec_uint ("n-requests", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_N_TOKENS] = g_param_spec_uint64 ("n-tokens", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_service_client_init (QuernServiceClient *self)
{
  self->state = "idle";
}
