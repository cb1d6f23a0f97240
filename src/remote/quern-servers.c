/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-servers.h"

#include "quern-server-address.h"
#include "quern-server-private.h"
#include "quern-store-private.h"

#include <string.h>

struct _QuernServers {
  GObject parent_instance;

  QuernStore *store;
  GListStore *list; /* by name */
};

G_DEFINE_FINAL_TYPE (QuernServers, quern_servers, G_TYPE_OBJECT)

static void
quern_servers_finalize (GObject *object)
{
  QuernServers *self = QUERN_SERVERS (object);

  g_clear_object (&self->store);
  g_clear_object (&self->list);
  G_OBJECT_CLASS (quern_servers_parent_class)->finalize (object);
}

static void
quern_servers_class_init (QuernServersClass *class)
{
  G_OBJECT_CLASS (class)->finalize = quern_servers_finalize;
}

static void
quern_servers_init (QuernServers *self)
{
  self->list = g_list_store_new (QUERN_TYPE_SERVER);
}

/**
 * quern_servers_new:
 *
 * Returns: (transfer full): an empty list, until quern_servers_load_async() has read it
 */
QuernServers *
quern_servers_new (QuernStore *store)
{
  QuernServers *self;

  g_return_val_if_fail (QUERN_IS_STORE (store), NULL);
  self = g_object_new (QUERN_TYPE_SERVERS, NULL);
  self->store = g_object_ref (store);
  return self;
}

/**
 * quern_servers_get_list:
 *
 * Returns: (transfer none): a live list of #QuernServer, by name
 */
GListModel *
quern_servers_get_list (QuernServers *self)
{
  g_return_val_if_fail (QUERN_IS_SERVERS (self), NULL);
  return G_LIST_MODEL (self->list);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
  return g_utf8_collate (quern_server_get_name ((gpointer) a), quern_server_get_name ((gpointer) b));
}

static void
quern_servers_show (QuernServers *self, QuernServer *server)
{
  g_list_store_insert_sorted (self->list, server, compare_names, NULL);
}

static void
quern_servers_hide (QuernServers *self, QuernServer *server)
{
  guint position;

  if (g_list_store_find (self->list, server, &position))
    g_list_store_remove (self->list, position);
}

/**
 * quern_servers_find:
 * @text: a server's name, or its address in whatever form
 *
 * Returns: (transfer full) (nullable): the server
 */
QuernServer *
quern_servers_find (QuernServers *self, const char *text)
{
  g_auto (GStrv) addresses = NULL;

  g_return_val_if_fail (QUERN_IS_SERVERS (self) && text != NULL, NULL);
  addresses = quern_server_address_candidates (text, NULL);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->list)); i++) {
    QuernServer *server = g_list_model_get_item (G_LIST_MODEL (self->list), i);

    if (g_str_equal (quern_server_get_name (server), text)
        || (addresses != NULL && g_strv_contains ((const char *const *) addresses, quern_server_get_address (server))))
      return server;
    g_object_unref (server);
  }
  return NULL;
}

static QuernServer *
quern_servers_find_address (QuernServers *self, const char *address)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->list)); i++) {
    QuernServer *server = g_list_model_get_item (G_LIST_MODEL (self->list), i);

    if (g_str_equal (quern_server_get_address (server), address))
      return server;
    g_object_unref (server);
  }
  return NULL;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static QuernServer *
server_from_row (sqlite3_stmt *stmt)
{
  QuernServerFound *found = g_new0 (QuernServerFound, 1);
  g_autofree char *name = quern_sql_dup_text (stmt, 1), *kind = quern_sql_dup_text (stmt, 4);
  g_autofree char *models = quern_sql_dup_text (stmt, 6), *key_file = quern_sql_dup_text (stmt, 8);
  g_autoptr (JsonNode)
      node = _quern_server_parse_json (models != NULL ? models : "", models != NULL ? strlen (models) : 0);

  found->address = quern_sql_dup_text (stmt, 2);
  found->api = quern_sql_dup_text (stmt, 3);
  found->kind = quern_server_kind_from_name (kind);
  found->version = quern_sql_dup_text (stmt, 5);
  found->models = quern_server_models_read (node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node)
                                                                                         : NULL);
  return _quern_server_new (sqlite3_column_int64 (stmt, 0), name, found, sqlite3_column_int (stmt, 7) != 0, key_file,
                            sqlite3_column_int (stmt, 9) != 0);
}

static gboolean
read_servers (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *servers = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error,
                              "SELECT id, name, address, api, kind, version, models, has_key, key_file, plain_key"
                              " FROM server ORDER BY id",
                              "");

  if (stmt == NULL)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    g_autofree char *address = quern_sql_dup_text (stmt, 2);
    g_auto (GStrv) candidates = quern_server_address_candidates (address, NULL);

    if (candidates != NULL && g_str_equal (candidates[0], address)) /* a restored backup may hold anything */
      g_ptr_array_add (servers, server_from_row (stmt));
  }
  if (failure != NULL)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/**
 * quern_servers_load_async:
 *
 * Reads the list, also anew after a backup was restored.
 */
void
quern_servers_load_async (QuernServers *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (QUERN_IS_SERVERS (self));
  _quern_store_call (self->store, FALSE, read_servers, g_ptr_array_new_with_free_func (g_object_unref),
                     (GDestroyNotify) g_ptr_array_unref, cancellable, callback, user_data);
}

/**
 * quern_servers_load_finish:
 *
 * Returns: whether it could be read; servers that are known already stay the same objects
 */
gboolean
quern_servers_load_finish (QuernServers *self, GAsyncResult *result, GError **error)
{
  const GPtrArray *servers = _quern_store_get_data (result);

  g_return_val_if_fail (QUERN_IS_SERVERS (self), FALSE);
  if (!_quern_store_finish (self->store, result, error))
    return FALSE;
  for (guint i = 0; i < servers->len; i++) {
    g_autoptr (QuernServer) known = quern_servers_find_address (self, quern_server_get_address (servers->pdata[i]));

    if (known == NULL)
      quern_servers_show (self, servers->pdata[i]);
  }
  return TRUE;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 id;
  char *name, *address, *api, *version, *models, *key_file;
  const char *kind;
  gboolean has_key, plain_key;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->name);
  g_free (row->address);
  g_free (row->api);
  g_free (row->version);
  g_free (row->models);
  g_free (row->key_file);
  g_free (row);
}

static gboolean
save_row (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;

  return quern_sql_run (
      db, error,
      "INSERT OR REPLACE INTO server (id, name, address, api, kind, version, models, has_key, key_file,"
      " plain_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      "issssssisi", row->id, row->name, row->address, row->api, row->kind, row->version, row->models,
      (gint64) row->has_key, row->key_file, (gint64) row->plain_key);
}

/**
 * quern_servers_save:
 * @server: one of the list, whose name or models changed
 */
void
quern_servers_save (QuernServers *self, QuernServer *server)
{
  Row *row;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) models = NULL;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server) && quern_server_get_id (server) != 0);
  quern_server_models_write (quern_server_get_models (server), builder);
  models = json_builder_get_root (builder);
  row = g_new (Row, 1);
  *row = (Row) { quern_server_get_id (server),
                 g_strdup (quern_server_get_name (server)),
                 g_strdup (quern_server_get_address (server)),
                 g_strdup (_quern_server_get_api (server)),
                 g_strdup (quern_server_get_version (server)),
                 json_to_string (models, FALSE),
                 g_strdup (quern_server_get_key_file (server)),
                 quern_server_get_traits (server)->name,
                 quern_server_get_has_key (server),
                 quern_server_get_plain_key (server) };
  _quern_store_write (self->store, save_row, row, row_free);
}

/* A key on its way into the keyring, or out of it. */
typedef struct {
  QuernServer *server;
  char *origin, *key;
  gboolean has_file; /* the key can be read from there, where there is no keyring */
  gboolean in_keyring;
} Keeping;

static void
keeping_free (gpointer data)
{
  Keeping *keeping = data;

  g_clear_object (&keeping->server);
  g_free (keeping->origin);
  g_free (keeping->key);
  g_free (keeping);
}

static void
keep_key_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Keeping *keeping = data;
  g_autoptr (GError) error = NULL;

  keeping->in_keyring = _quern_server_key_store (keeping->origin, keeping->key, cancellable, &error);
  if (keeping->in_keyring || keeping->has_file)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * quern_servers_add_async:
 * @server: one that quern_server_find_async() found
 *
 * Keeps it, and its key in the keyring; where there is none, the file from which the key came is read each time. Another server of
 * the same address is replaced.
 */
void
quern_servers_add_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  QuernServerAccess *access;
  Keeping *keeping;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_servers_add_async);
  access = _quern_server_get_access (server);
  keeping = g_new0 (Keeping, 1);
  keeping->server = g_object_ref (server);
  keeping->origin = g_strdup (access->origin);
  keeping->key = quern_server_get_has_key (server) ? _quern_server_access_dup_key (access) : NULL;
  keeping->has_file = access->key_file != NULL;
  g_task_set_task_data (task, keeping, keeping_free);
  if (keeping->key == NULL)
    g_task_return_boolean (task, TRUE); /* none to be kept */
  else
    g_task_run_in_thread (task, keep_key_worker);
}

/**
 * quern_servers_add_finish:
 *
 * Returns: (transfer full) (nullable): the server, which is in the list; %NULL with %QUERN_SERVER_ERROR_KEYRING set where its key
 * cannot be kept, and then nothing is
 */
QuernServer *
quern_servers_add_finish (QuernServers *self, GAsyncResult *result, GError **error)
{
  const Keeping *keeping = g_task_get_task_data (G_TASK (result));
  QuernServer *server = keeping->server;
  g_autoptr (QuernServer) known = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  if (keeping->in_keyring)
    g_clear_pointer (&_quern_server_get_access (server)->key_file, g_free);
  known = quern_servers_find_address (self, quern_server_get_address (server));
  _quern_server_set_id (server, known != NULL ? quern_server_get_id (known) : quern_store_new_id ());
  if (known != NULL)
    quern_servers_hide (self, known);
  quern_servers_show (self, server);
  quern_servers_save (self, server);
  return g_object_ref (server);
}

static gboolean
erase_row (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_run (db, error, "DELETE FROM server WHERE id = ?1", "i", *(const gint64 *) data);
}

/**
 * quern_servers_remove:
 *
 * Takes it off the list; quern_servers_restore() brings it back as long as its key was not forgotten. Conversations stay.
 */
void
quern_servers_remove (QuernServers *self, QuernServer *server)
{
  gint64 id;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server));
  id = quern_server_get_id (server);
  _quern_store_write (self->store, erase_row, g_memdup2 (&id, sizeof id), g_free);
  quern_servers_hide (self, server);
}

/* Undoes quern_servers_remove(), unless another one of its address was added meanwhile. */
void
quern_servers_restore (QuernServers *self, QuernServer *server)
{
  g_autoptr (QuernServer) known = NULL;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server));
  known = quern_servers_find_address (self, quern_server_get_address (server));
  if (known != NULL)
    return;
  quern_servers_show (self, server);
  quern_servers_save (self, server);
}

/* Whether a server other than this one needs what the keyring has for their common origin. */
static gboolean
is_shared (QuernServers *self, QuernServer *server)
{
  gboolean shared = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->list)) && !shared; i++) {
    g_autoptr (QuernServer) other = g_list_model_get_item (G_LIST_MODEL (self->list), i);

    shared = other != server
             && g_str_equal (_quern_server_get_access (other)->origin, _quern_server_get_access (server)->origin);
  }
  return shared;
}

/* Erases the key of a server from the keyring, unless it is not there, or another server needs it. */
static void
forget_key (QuernServers *self, QuernServer *server, GTask *task)
{
  Keeping *keeping = g_new0 (Keeping, 1);

  keeping->server = g_object_ref (server);
  keeping->origin = g_strdup (_quern_server_get_access (server)->origin);
  g_task_set_task_data (task, keeping, keeping_free);
  if (!quern_server_get_has_key (server) || quern_server_get_key_file (server) != NULL || is_shared (self, server))
    g_task_return_boolean (task, TRUE);
  else
    g_task_run_in_thread (task, keep_key_worker);
}

/**
 * quern_servers_forget_key_async:
 * @server: one that was removed, which nobody will bring back
 *
 * Erases its key from the keyring, unless another server of the list has the same origin.
 */
void
quern_servers_forget_key_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_servers_forget_key_async);
  forget_key (self, server, task);
}

gboolean
quern_servers_forget_key_finish (QuernServers *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_servers_drop_key_async:
 * @server: one of the list, which stays there
 *
 * Erases its key as quern_servers_forget_key_async() does, and asks the server without one from then on.
 */
void
quern_servers_drop_key_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_SERVERS (self) && QUERN_IS_SERVER (server));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_servers_drop_key_async);
  forget_key (self, server, task);
}

/* Returns: whether the key is gone; else all is as it was */
gboolean
quern_servers_drop_key_finish (QuernServers *self, GAsyncResult *result, GError **error)
{
  const Keeping *keeping;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  keeping = g_task_get_task_data (G_TASK (result));
  _quern_server_drop_key (keeping->server);
  quern_servers_save (self, keeping->server);
  return TRUE;
}
