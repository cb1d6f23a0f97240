/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Endpoint, token and settings of the hub. Calls are in quern-hub-call.c, the listings' cache in
 * quern-hub-cache.c. Everything may be used from several threads: libsoup lets them send through one session. */

#include "config.h"

#include "quern-hub-private.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>
#include <string.h>

enum { PROP_0, PROP_ENDPOINT, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernHub, quern_hub, G_TYPE_OBJECT)

static const SecretSchema token_schema = {
  "io.github.quern.Quern.Token",
  SECRET_SCHEMA_NONE,
  { { "endpoint", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static void
quern_hub_finalize (GObject *object)
{
  QuernHub *self = QUERN_HUB (object);

  g_clear_object (&self->session);
  g_clear_pointer (&self->cache, quern_hub_cache_free);
  g_free (self->endpoint);
  g_free (self->endpoint_error);
  g_free (self->token);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (quern_hub_parent_class)->finalize (object);
}

static void
quern_hub_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ENDPOINT)
    g_value_take_string (value, quern_hub_dup_endpoint (QUERN_HUB (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_hub_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ENDPOINT)
    quern_hub_set_endpoint (QUERN_HUB (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_hub_class_init (QuernHubClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->finalize = quern_hub_finalize;
  object_class->get_property = quern_hub_get_property;
  object_class->set_property = quern_hub_set_property;
  properties[PROP_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL,
                                                   G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY
                                                       | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_hub_init (QuernHub *self)
{
  g_mutex_init (&self->lock);
  /* The session follows the system's proxies by itself (GProxyResolver). */
  self->session = soup_session_new_with_options ("user-agent", "quern/" QUERN_VERSION " ", "timeout", 60u,
                                                 "idle-timeout", 60u, "max-conns", 32, "max-conns-per-host", 16, NULL);
  self->cache = quern_hub_cache_new ();
  quern_hub_set_endpoint (self, NULL);
}

QuernHub *
quern_hub_new (void)
{
  return g_object_new (QUERN_TYPE_HUB, NULL);
}

char *
quern_hub_dup_endpoint (QuernHub *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (QUERN_IS_HUB (self), NULL);
  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->endpoint);
}

/* "hub.example/" becomes "https://hub.example"; NULL for what is no address of a hub. */
static char *
normalize_endpoint (const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text)), *url = NULL;
  g_autoptr (GUri) uri = NULL;
  const char *host;
  gsize length;

  if (strstr (stripped, "://") == NULL && strstr (stripped, ":/") != NULL)
    return NULL; /* half a scheme */
  url = strstr (stripped, "://") != NULL ? g_strdup (stripped) : g_strconcat ("https://", stripped, NULL);
  for (length = strlen (url); length > 0 && url[length - 1] == '/'; length--)
    url[length - 1] = '\0';
  uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  /* "hub.example", "[::1]": what a name server or a socket could make something of. */
  host = uri != NULL ? g_uri_get_host (uri) : NULL;
  for (const char *p = host; p != NULL && *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._:", *p) == NULL && (guchar) *p < 0x80)
      return NULL;
  if (host == NULL || *host == '\0' || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL
      || (!g_str_equal (g_uri_get_scheme (uri), "https") && !g_str_equal (g_uri_get_scheme (uri), "http")))
    return NULL;
  return g_steal_pointer (&url);
}

/* The environment's hub: that of HF_ENDPOINT, or the usual one. NULL when HF_ENDPOINT is no address. */
static char *
environment_endpoint (void)
{
  const char *variable = g_getenv ("HF_ENDPOINT");

  return variable != NULL && *variable != '\0' ? normalize_endpoint (variable) : g_strdup (QUERN_HUB_DEFAULT_ENDPOINT);
}

/**
 * quern_hub_set_endpoint:
 * @endpoint: (nullable): address of the hub or of a mirror; %NULL or "" for the environment's HF_ENDPOINT or the default
 *
 * What is no http or https address is no reason to ask another hub: then every request fails (quern_hub_check_endpoint()).
 * A token belongs to an endpoint: it is looked up anew.
 */
void
quern_hub_set_endpoint (QuernHub *self, const char *endpoint)
{
  gboolean own = endpoint != NULL && *endpoint != '\0';
  g_autofree char *url = NULL, *problem = NULL;

  g_return_if_fail (QUERN_IS_HUB (self));
  url = own ? normalize_endpoint (endpoint) : environment_endpoint ();
  if (url == NULL) {
    url = g_strdup (own ? endpoint : g_getenv ("HF_ENDPOINT"));
    problem = g_strdup_printf (own ? _("“%s” is not the web address of a hub. Correct the address of the mirror in "
                                       "Preferences; it begins with https:// or http://.")
                                   : _("HF_ENDPOINT is “%s”, which is not the web address of a hub. An address begins "
                                       "with https:// or http://; without HF_ENDPOINT, huggingface.co is used."),
                               url);
  }
  g_mutex_lock (&self->lock);
  g_set_str (&self->endpoint_error, problem);
  if (g_strcmp0 (url, self->endpoint) == 0) {
    g_mutex_unlock (&self->lock);
    return;
  }
  g_free (self->endpoint);
  self->endpoint = g_steal_pointer (&url);
  g_clear_pointer (&self->token, g_free);
  self->token_known = FALSE;
  g_mutex_unlock (&self->lock);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENDPOINT]);
}

/* Returns: whether there is a hub to ask; else @error says what is wrong with its address */
gboolean
quern_hub_check_endpoint (QuernHub *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (QUERN_IS_HUB (self), FALSE);
  locker = g_mutex_locker_new (&self->lock);
  if (self->endpoint_error == NULL)
    return TRUE;
  g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ADDRESS, self->endpoint_error);
  return FALSE;
}

/* How long a connection may stay silent. To be called before any request, from the thread that made the hub. */
void
quern_hub_set_timeout (QuernHub *self, guint seconds)
{
  g_return_if_fail (QUERN_IS_HUB (self));
  soup_session_set_timeout (self->session, seconds);
}

/* ---- token ----------------------------------------------------------------------------------------------------- */

/* The environment, then the keyring, then the file that the hub's own tools write. What the environment and that file
 * say is meant for the environment's hub and for no mirror of Preferences; the keyring has a token for each. A token with
 * a character that does not belong into a header is no token. */
static char *
find_token (const char *endpoint)
{
  g_autofree char *environment = environment_endpoint ();
  gboolean usual = g_strcmp0 (environment, endpoint) == 0;
  g_autofree char *token = usual ? g_strdup (g_getenv ("HF_TOKEN")) : NULL;

  if ((token == NULL || *token == '\0') && g_getenv ("DBUS_SESSION_BUS_ADDRESS") != NULL) {
    g_autofree char *secret = secret_password_lookup_sync (&token_schema, NULL, NULL, "endpoint", endpoint, NULL);

    g_free (token);
    token = g_steal_pointer (&secret);
  }
  if (usual && (token == NULL || *token == '\0')) {
    const char *home = g_getenv ("HF_HOME");
    g_autofree char *path = home != NULL && *home != '\0'
                                ? g_build_filename (home, "token", NULL)
                                : g_build_filename (g_get_home_dir (), ".cache", "huggingface", "token", NULL);

    g_clear_pointer (&token, g_free);
    if (g_file_get_contents (path, &token, NULL, NULL))
      g_strstrip (token);
  }
  if (token == NULL || *token == '\0')
    return NULL;
  for (const char *p = token; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return NULL;
  return g_steal_pointer (&token);
}

/**
 * quern_hub_dup_token:
 *
 * Blocks when the keyring is asked for the first time: for worker threads.
 *
 * Returns: (transfer full) (nullable): the token for this endpoint
 */
char *
quern_hub_dup_token (QuernHub *self)
{
  g_autofree char *endpoint = NULL, *token = NULL;

  g_return_val_if_fail (QUERN_IS_HUB (self), NULL);
  g_mutex_lock (&self->lock);
  if (self->token_known) {
    token = g_strdup (self->token);
    g_mutex_unlock (&self->lock);
    return g_steal_pointer (&token);
  }
  endpoint = g_strdup (self->endpoint);
  g_mutex_unlock (&self->lock);
  token = find_token (endpoint);
  g_mutex_lock (&self->lock);
  if (!self->token_known && g_str_equal (endpoint, self->endpoint)) {
    self->token = g_strdup (token);
    self->token_known = TRUE;
  }
  g_mutex_unlock (&self->lock);
  return g_steal_pointer (&token);
}

/* For this process only; NULL: none. */
void
quern_hub_set_token (QuernHub *self, const char *token)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_if_fail (QUERN_IS_HUB (self));
  locker = g_mutex_locker_new (&self->lock);
  g_free (self->token);
  self->token = g_strdup (token);
  self->token_known = TRUE;
}

static void
store_token_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernHub *self = source;
  const char *token = data;
  g_autofree char *endpoint = quern_hub_dup_endpoint (self);
  g_autoptr (GError) error = NULL;
  gboolean ok = TRUE;

  if (token != NULL && *token != '\0')
    ok = secret_password_store_sync (&token_schema, SECRET_COLLECTION_DEFAULT, _("Hugging Face token for Quern"),
                                     token, cancellable, &error, "endpoint", endpoint, NULL);
  else
    secret_password_clear_sync (&token_schema, cancellable, &error, "endpoint", endpoint, NULL);
  if (!ok || error != NULL) {
    g_task_return_error (task, g_steal_pointer (&error));
    return;
  }
  g_mutex_lock (&self->lock);
  if (g_str_equal (endpoint, self->endpoint)) { /* else it goes by another one by now, whose token is another */
    g_free (self->token);
    self->token = token != NULL && *token != '\0' ? g_strdup (token) : NULL;
    self->token_known = TRUE;
  }
  g_mutex_unlock (&self->lock);
  g_task_return_boolean (task, TRUE);
}

/**
 * quern_hub_store_token_async:
 * @token: (nullable): the token to keep in the keyring for this endpoint; %NULL or "" forgets it
 */
void
quern_hub_store_token_async (QuernHub *self, const char *token, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_HUB (self));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_hub_store_token_async);
  g_task_set_task_data (task, g_strdup (token), g_free);
  g_task_run_in_thread (task, store_token_thread);
}

gboolean
quern_hub_store_token_finish (QuernHub *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
