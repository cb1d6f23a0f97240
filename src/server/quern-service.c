/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service.h"

#include <glib/gi18n-lib.h>

#include "quern-server-private.h"
#include "quern-server.h"
#include "quern-service-client-private.h"
#include "quern-service-core.h"

/* Under which the key stands in the keyring, where those of other servers stand under their origins. */
#define KEY_ORIGIN "quern-service"

struct _QuernService {
  GObject parent_instance;

  QuernBackend *backend;
  QuernLibrary *library;
  QuernModel *usual; /* which those get that name none; NULL: the library's */
  GSettings *settings;
  QuernServiceCore *core; /* NULL while it does not run */
  GListStore *clients;    /* of QuernServiceClient */
  char *address, *error, *key;
  gboolean key_known; /* the keyring was asked */
  guint port, n_waiting, apply_source;
};

enum { PROP_0, PROP_RUNNING, PROP_ADDRESS, PROP_PORT, PROP_ERROR, PROP_KEY, PROP_N_WAITING, N_PROPS };
enum { SIGNAL_LOGGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernService, quern_service, G_TYPE_OBJECT)

/* ---- what the thread tells ------------------------------------------------------------------------------------- */

static void
quern_service_log_cb (gpointer data, const char *line)
{
  g_signal_emit (data, signals[SIGNAL_LOGGED], 0, line);
}

static QuernServiceClient *
quern_service_find_client (QuernService *self, const char *id)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->clients));

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernServiceClient) client = g_list_model_get_item (G_LIST_MODEL (self->clients), i);
    if (g_str_equal (_quern_service_client_get_id (client), id))
      return client; /* the list holds it */
  }
  return NULL;
}

static gboolean
has_facts (GPtrArray *facts, const char *id)
{
  for (guint i = 0; i < facts->len; i++)
    if (g_str_equal (((const QuernServiceClientFacts *) facts->pdata[i])->id, id))
      return TRUE;
  return FALSE;
}

static void
quern_service_changed_cb (gpointer data, GPtrArray *all, guint n_waiting)
{
  QuernService *self = data;

  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->clients)); i > 0; i--) {
    g_autoptr (QuernServiceClient) client = g_list_model_get_item (G_LIST_MODEL (self->clients), i - 1);
    if (!has_facts (all, _quern_service_client_get_id (client)))
      g_list_store_remove (self->clients, i - 1);
  }
  for (guint i = 0; i < all->len; i++) {
    const QuernServiceClientFacts *facts = all->pdata[i];
    QuernServiceClient *client = quern_service_find_client (self, facts->id);
    QuernModel *model = facts->model ? quern_library_find (self->library, facts->model) : NULL;
    if (!client) {
      g_autoptr (QuernServiceClient) new_client = _quern_service_client_new (facts);
      g_list_store_append (self->clients, new_client);
      client = new_client; /* the list holds it */
    }
    if (_quern_service_client_update (client, facts) && model)
      quern_library_mark_used (self->library, model);
  }
  if (self->n_waiting == n_waiting)
    return;
  self->n_waiting = n_waiting;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WAITING]);
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

static void
quern_service_models_changed_cb (QuernService *self)
{
  GListModel *list = G_LIST_MODEL (self->library);
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_object_unref);
  QuernModel *usual = self->usual ? self->usual : quern_library_get_default (self->library);

  if (!self->core)
    return;
  for (guint i = 0; i < g_list_model_get_n_items (list); i++) {
    QuernModel *model = g_list_model_get_item (list, i);
    if (quern_model_get_state (model) == QUERN_MODEL_OK && quern_model_get_path (model)) /* a file of this computer */
      g_ptr_array_add (models, model);
    else
      g_object_unref (model);
  }
  if (usual && !g_ptr_array_find (models, usual, NULL))
    g_ptr_array_insert (models, 0, g_object_ref (usual));
  quern_service_core_set_models (self->core, models, usual);
}

/**
 * quern_service_set_usual:
 * @model: (nullable): which those get that name no model; %NULL for the library's default
 */
void
quern_service_set_usual (QuernService *self, QuernModel *model)
{
  g_return_if_fail (QUERN_IS_SERVICE (self));

  if (g_set_object (&self->usual, model))
    quern_service_models_changed_cb (self);
}

/* ---- starting and stopping ------------------------------------------------------------------------------------- */

static void
quern_service_set_state (QuernService *self, char *address, guint port, const char *error)
{
  g_free (self->address);
  self->address = address;
  self->port = port;
  g_set_str (&self->error, error);
  for (guint i = PROP_RUNNING; i <= PROP_ERROR; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

static void
quern_service_end (QuernService *self, gboolean wait)
{
  if (!self->core)
    return;
  quern_service_core_stop (g_steal_pointer (&self->core), wait);
  g_list_store_remove_all (self->clients);
  quern_service_set_state (self, NULL, 0, NULL);
}

/**
 * quern_service_stop:
 *
 * Lets nobody in any more. Generations of the service end soon after.
 */
void
quern_service_stop (QuernService *self)
{
  g_return_if_fail (QUERN_IS_SERVICE (self));

  quern_service_end (self, FALSE);
}

/**
 * quern_service_stop_and_wait:
 *
 * The same, for programs that end: when it returns nothing runs any more.
 */
void
quern_service_stop_and_wait (QuernService *self)
{
  g_return_if_fail (QUERN_IS_SERVICE (self));

  quern_service_end (self, TRUE);
}

/**
 * quern_service_start:
 * @setup: how
 *
 * Starts the service, or starts it again with another setup.
 *
 * Returns: whether it runs; if not, @error is a sentence that says why
 */
gboolean
quern_service_start (QuernService *self, const QuernServiceSetup *setup, GError **error)
{
  const QuernServiceOwner owner = { quern_service_log_cb, quern_service_changed_cb, self };
  guint16 port;

  g_return_val_if_fail (QUERN_IS_SERVICE (self) && setup, FALSE);

  quern_service_stop (self);
  if (setup->address && !(setup->key && *setup->key)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                         _("Other computers may only use the models with a key. Make one first."));
    return FALSE;
  }
  self->core = quern_service_core_start (self->backend, setup, &owner, &port, error);
  if (!self->core)
    return FALSE;
  quern_service_models_changed_cb (self);
  quern_service_set_state (self, g_strdup_printf ("http://127.0.0.1:%u/v1", port), port, NULL);
  return TRUE;
}

/* ---- settings -------------------------------------------------------------------------------------------------- */

static void quern_service_apply (QuernService *self);

static void
lookup_key_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, _quern_server_key_lookup (KEY_ORIGIN), g_free);
}

static void
quern_service_take_key (QuernService *self, char *key)
{
  self->key_known = TRUE;
  g_free (self->key);
  self->key = key;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KEY]);
  if (self->settings)
    quern_service_apply (self);
}

static void
key_found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  char *key = g_task_propagate_pointer (G_TASK (result), NULL);

  if (QUERN_SERVICE (source)->key_known)
    g_free (key); /* another was set meanwhile */
  else
    quern_service_take_key (QUERN_SERVICE (source), key);
}

static void
quern_service_lookup_key (QuernService *self)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, key_found_cb, NULL);

  g_task_run_in_thread (task, lookup_key_thread);
}

/* Makes what runs what the settings say. */
static void
quern_service_apply (QuernService *self)
{
  g_auto (GStrv) hosts = g_settings_get_strv (self->settings, "server-hosts");
  g_auto (GStrv) origins = g_settings_get_strv (self->settings, "server-origins");
  const QuernServiceSetup setup = {
    .port = (guint16) g_settings_get_uint (self->settings, "server-port"),
    .address = g_settings_get_boolean (self->settings, "server-network") ? "0.0.0.0" : NULL,
    .key = self->key,
    .hosts = (const char *const *) hosts,
    .origins = (const char *const *) origins,
    .context_size = g_settings_get_uint (self->settings, "server-context"),
    .most_contexts = g_settings_get_uint (self->settings, "server-contexts"),
  };
  g_autoptr (GError) error = NULL;

  quern_service_stop (self);
  if (!g_settings_get_boolean (self->settings, "server-enabled"))
    quern_service_set_state (self, NULL, 0, NULL);
  else if (!quern_service_start (self, &setup, &error))
    quern_service_set_state (self, NULL, 0, error->message);
}

static gboolean
quern_service_apply_cb (gpointer data)
{
  QuernService *self = data;

  self->apply_source = 0;
  if (self->key_known)
    quern_service_apply (self);
  return G_SOURCE_REMOVE;
}

/* Several settings may change together. */
static void
quern_service_setting_changed_cb (QuernService *self, const char *name)
{
  if (g_str_has_prefix (name, "server-") && self->apply_source == 0)
    self->apply_source = g_idle_add (quern_service_apply_cb, self);
}

/**
 * quern_service_follow_settings:
 * @settings: those of the application
 *
 * Starts and stops by the settings whose names begin with "server-", with the key in the keyring, from now on. Call it once.
 */
void
quern_service_follow_settings (QuernService *self, GSettings *settings)
{
  g_return_if_fail (QUERN_IS_SERVICE (self) && !self->settings);

  self->settings = g_object_ref (settings);
  g_signal_connect_object (settings, "changed", G_CALLBACK (quern_service_setting_changed_cb), self, G_CONNECT_SWAPPED);
  quern_service_lookup_key (self);
}

/* ---- the key --------------------------------------------------------------------------------------------------- */

/**
 * quern_service_make_key:
 *
 * Returns: (transfer full): a new key, which nobody can guess
 */
char *
quern_service_make_key (void)
{
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
  GString *key = g_string_new ("qn-");
  g_autofree guint8 *bytes = g_malloc (32);
  g_autoptr (GFile) file = g_file_new_for_path ("/dev/urandom");
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);

  /* g_random_int() is not made for secrets. */
  if (!stream || !g_input_stream_read_all (G_INPUT_STREAM (stream), bytes, 32, NULL, NULL, NULL))
    for (guint i = 0; i < 32; i++)
      bytes[i] = (guint8) g_random_int_range (0, 256);
  for (guint i = 0; i < 32; i++)
    g_string_append_c (key, letters[bytes[i] % 32]);
  return g_string_free (key, FALSE);
}

static void
store_key_thread (GTask *task, gpointer source, gpointer key, GCancellable *cancellable)
{
  GError *error = NULL;

  if (_quern_server_key_store (KEY_ORIGIN, key, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_service_set_key_async:
 * @key: (nullable): that requests must have from now on; %NULL: any will do
 *
 * Keeps a key in the keyring, and starts the service again with it.
 */
void
quern_service_set_key_async (QuernService *self, const char *key, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_return_if_fail (QUERN_IS_SERVICE (self));

  if (key && !quern_server_key_check (key, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_task_set_task_data (task, g_strdup (key), g_free);
  g_task_run_in_thread (task, store_key_thread);
}

/**
 * quern_service_set_key_finish:
 *
 * Returns: whether the key is kept
 */
gboolean
quern_service_set_key_finish (QuernService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  quern_service_take_key (self, g_strdup (g_task_get_task_data (G_TASK (result))));
  return TRUE;
}

/* ---- facts ----------------------------------------------------------------------------------------------------- */

gboolean
quern_service_get_running (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), FALSE);
  return self->core != NULL;
}

/**
 * quern_service_get_address:
 *
 * Returns: (nullable): what is given to other programs, while it runs
 */
const char *
quern_service_get_address (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), NULL);
  return self->address;
}

guint
quern_service_get_port (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), 0);
  return self->port;
}

/**
 * quern_service_get_error:
 *
 * Returns: (nullable): why it does not run although the settings say so
 */
const char *
quern_service_get_error (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), NULL);
  return self->error;
}

/**
 * quern_service_get_key:
 *
 * Returns: (nullable): the key in the keyring
 */
const char *
quern_service_get_key (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), NULL);
  return self->key;
}

guint
quern_service_get_n_waiting (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), 0);
  return self->n_waiting;
}

/**
 * quern_service_get_clients:
 *
 * Returns: (transfer none): a list of #QuernServiceClient: programs that asked since it started
 */
GListModel *
quern_service_get_clients (QuernService *self)
{
  g_return_val_if_fail (QUERN_IS_SERVICE (self), NULL);
  return G_LIST_MODEL (self->clients);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_service_new:
 * @backend: where the models run
 * @library: the models
 *
 * Returns: (transfer full): a service that does not run
 */
QuernService *
quern_service_new (QuernBackend *backend, QuernLibrary *library)
{
  QuernService *self = g_object_new (QUERN_TYPE_SERVICE, NULL);

  self->backend = g_object_ref (backend);
  self->library = g_object_ref (library);
  g_signal_connect_object (library, "items-changed", G_CALLBACK (quern_service_models_changed_cb), self,
                           G_CONNECT_SWAPPED);
  return self;
}

static void
quern_service_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernService *self = QUERN_SERVICE (object);

  switch (prop_id) {
  case PROP_RUNNING: g_value_set_boolean (value, self->core != NULL); break;
  case PROP_ADDRESS: g_value_set_string (value, self->address); break;
  case PROP_PORT: g_value_set_uint (value, self->port); break;
  case PROP_ERROR: g_value_set_string (value, self->error); break;
  case PROP_KEY: g_value_set_string (value, self->key); break;
  case PROP_N_WAITING: g_value_set_uint (value, self->n_waiting); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_service_dispose (GObject *object)
{
  QuernService *self = QUERN_SERVICE (object);

  g_clear_handle_id (&self->apply_source, g_source_remove);
  if (self->core)
    quern_service_core_stop (g_steal_pointer (&self->core), TRUE);
  g_clear_object (&self->settings);
  g_clear_object (&self->usual);
  g_clear_object (&self->backend);
  g_clear_object (&self->library);
  G_OBJECT_CLASS (quern_service_parent_class)->dispose (object);
}

static void
quern_service_finalize (GObject *object)
{
  QuernService *self = QUERN_SERVICE (object);

  g_object_unref (self->clients);
  g_free (self->address);
  g_free (self->error);
  g_free (self->key);
  G_OBJECT_CLASS (quern_service_parent_class)->finalize (object);
}

static void
quern_service_class_init (QuernServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_service_get_property;
  object_class->dispose = quern_service_dispose;
  object_class->finalize = quern_service_finalize;
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, flags);
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);
  properties[PROP_PORT] = g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  properties[PROP_KEY] = g_param_spec_string ("key", NULL, NULL, NULL, flags);
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_LOGGED] = g_signal_new ("logged", QUERN_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
quern_service_init (QuernService *self)
{
  self->clients = g_list_store_new (QUERN_TYPE_SERVICE_CLIENT);
}
