/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-server-private.h"

#include <glib/gi18n-lib.h>

struct _QuernServer {
  GObject parent_instance;

  gint64 id; /* in the database */
  char *name;
  QuernServerFound *found;
  QuernServerAccess *access;
  gboolean has_key;
  SoupSession *session; /* made when the first question is asked, so that connections are used again */
};

enum { PROP_0, PROP_NAME, PROP_ADDRESS, PROP_VERSION, PROP_HAS_KEY, N_PROPS };
enum { SIGNAL_CHANGED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernServer, quern_server, G_TYPE_OBJECT)

static void
quern_server_finalize (GObject *object)
{
  QuernServer *self = QUERN_SERVER (object);

  g_free (self->name);
  _quern_server_found_free (self->found);
  _quern_server_access_unref (self->access);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (quern_server_parent_class)->finalize (object);
}

static void
quern_server_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernServer *self = QUERN_SERVER (object);

  switch (id) {
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_ADDRESS: g_value_set_string (value, self->found->address); break;
  case PROP_VERSION: g_value_set_string (value, self->found->version); break;
  case PROP_HAS_KEY: g_value_set_boolean (value, self->has_key); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_server_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_NAME)
    quern_server_set_name (QUERN_SERVER (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_server_class_init (QuernServerClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = quern_server_finalize;
  object_class->get_property = quern_server_get_property;
  object_class->set_property = quern_server_set_property;
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "", flags | G_PARAM_WRITABLE);
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, "", flags);
  properties[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, "", flags);
  properties[PROP_HAS_KEY] = g_param_spec_boolean ("has-key", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", QUERN_TYPE_SERVER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
}

static void
quern_server_init (QuernServer *self)
{
}

void
_quern_server_found_free (QuernServerFound *found)
{
  g_free (found->address);
  g_free (found->api);
  g_free (found->version);
  g_ptr_array_unref (found->models);
  g_free (found);
}

/* Takes what was found over. */
QuernServer *
_quern_server_new (gint64 id, const char *name, QuernServerFound *found, gboolean has_key, const char *key_file,
                   gboolean plain_key)
{
  QuernServer *self = g_object_new (QUERN_TYPE_SERVER, NULL);

  self->id = id;
  self->found = found;
  self->access = _quern_server_access_new (found->address);
  self->access->key_file = g_strdup (key_file);
  self->access->plain_key = plain_key;
  self->access->key_known = !has_key; /* else it is looked up when it is needed */
  self->has_key = has_key;
  self->name = g_strdup (name != NULL ? name : self->access->host);
  return self;
}

QuernServerAccess *
_quern_server_get_access (QuernServer *self)
{
  return self->access;
}

SoupSession *
_quern_server_get_session (QuernServer *self)
{
  if (self->session == NULL)
    self->session = _quern_server_make_session (0);
  return self->session;
}

const char *
_quern_server_get_api (QuernServer *self)
{
  return self->found->api;
}

/* It is asked without a key from now on. */
void
_quern_server_drop_key (QuernServer *self)
{
  _quern_server_access_set_key (self->access, NULL);
  g_clear_pointer (&self->access->key_file, g_free);
  self->has_key = FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HAS_KEY]);
}

void
_quern_server_set_id (QuernServer *self, gint64 id)
{
  self->id = id;
}

void
_quern_server_take_found (QuernServer *self, QuernServerFound *found)
{
  gboolean same_version = g_str_equal (self->found->version, found->version);

  g_assert (g_str_equal (self->found->address, found->address)); /* else the key would go elsewhere */
  _quern_server_found_free (self->found);
  self->found = found;
  if (!same_version)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VERSION]);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* Returns: by which the database knows it; 0: it is in none */
gint64
quern_server_get_id (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), 0);
  return self->id;
}

const char *
quern_server_get_name (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  return self->name;
}

/**
 * quern_server_set_name:
 * @name: for people; "" for host and port
 */
void
quern_server_set_name (QuernServer *self, const char *name)
{
  g_return_if_fail (QUERN_IS_SERVER (self) && name != NULL);
  if (g_set_str (&self->name, *name != '\0' ? name : self->access->host))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
}

/* Returns: (transfer none): scheme, host, port and path, without the path of an interface and without a slash at the end */
const char *
quern_server_get_address (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  return self->found->address;
}

QuernServerKind
quern_server_get_kind (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), QUERN_SERVER_OTHER);
  return self->found->kind;
}

/* Returns: (transfer none): what servers of its kind understand */
const QuernServerTraits *
quern_server_get_traits (QuernServer *self)
{
  return quern_server_kind_get_traits (quern_server_get_kind (self));
}

/* Returns: (transfer none): as the server told it at the last probe; "" when it did not */
const char *
quern_server_get_version (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  return self->found->version;
}

/* Returns: whether a key is kept for it, in the keyring or in a file */
gboolean
quern_server_get_has_key (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), FALSE);
  return self->has_key;
}

/* Returns: (transfer none) (nullable): the file in which its key is; %NULL: in the keyring, or it has none */
const char *
quern_server_get_key_file (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  return self->access->key_file;
}

/* Returns: whether the key may go there though the connection is not encrypted */
gboolean
quern_server_get_plain_key (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), FALSE);
  return self->access->plain_key;
}

/* Returns: (transfer none) (element-type QuernServerModel): as of the last probe */
const GPtrArray *
quern_server_get_models (QuernServer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  return self->found->models;
}

/**
 * quern_server_find_model:
 * @id: by which the server knows it, or its title; %NULL for the one that is loaded, or the first
 *
 * Returns: (transfer full) (nullable): the model
 */
QuernServerModel *
quern_server_find_model (QuernServer *self, const char *id)
{
  QuernServerModel *first = NULL;

  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  for (guint i = 0; i < self->found->models->len; i++) {
    QuernServerModel *model = self->found->models->pdata[i];

    if (id != NULL ? g_str_equal (model->id, id) || g_str_equal (model->title, id)
                   : model->state == QUERN_SERVER_MODEL_LOADED)
      return quern_server_model_ref (model);
    if (id == NULL && first == NULL)
      first = model;
  }
  return first != NULL ? quern_server_model_ref (first) : NULL;
}

/**
 * quern_server_describe:
 *
 * Returns: (transfer full): in a line, what answered: the program, its version and how many models it has
 */
char *
quern_server_describe (QuernServer *self)
{
  guint n;

  g_return_val_if_fail (QUERN_IS_SERVER (self), NULL);
  n = self->found->models->len;
  if (*self->found->version == '\0')
    return g_strdup_printf (ngettext ("%s with %u model", "%s with %u models", n),
                            quern_server_get_traits (self)->title, n);
  return g_strdup_printf (ngettext ("%s %s with %u model", "%s %s with %u models", n),
                          quern_server_get_traits (self)->title, self->found->version, n);
}
