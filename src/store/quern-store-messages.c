/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-store-private.h"

/* Messages of a store: the tree (see quern-schema.c) and the path through it that is shown. */

/* ---- names in the database ------------------------------------------------------------------------------------- */

static const char *
enum_nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

static int
enum_value (GType type, const char *nick, int fallback)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  const GEnumValue *value = nick ? g_enum_get_value_by_nick (klass, nick) : NULL;

  return value ? value->value : fallback;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* What is written of a message; its own copy, for the database's thread. */
typedef struct {
  gint64 id, conversation_id, parent_id, created, owner;
  QuernRole role;
  QuernMessageState state;
  char *content, *reasoning, *failure, *model_id, *model_title;
  gboolean thinking;
  QuernStatistics s;
  GPtrArray *attachments; /* of QuernAttachment; only written with a new message */
} Row;

static Row *
row_new (QuernStore *store, QuernMessage *message)
{
  Row *row = g_new0 (Row, 1);

  row->id = quern_message_get_id (message);
  row->parent_id = quern_message_get_parent_id (message);
  row->created = quern_message_get_created (message);
  row->role = quern_message_get_role (message);
  row->state = quern_message_get_state (message);
  if (row->state == QUERN_MESSAGE_STREAMING)
    row->owner = quern_database_get_instance (quern_store_get_database (store));
  row->content = g_strdup (quern_message_get_content (message));
  row->reasoning = g_strdup (quern_message_get_reasoning (message));
  row->failure = g_strdup (quern_message_get_failure (message));
  row->model_id = g_strdup (quern_message_get_model_id (message));
  row->model_title = g_strdup (quern_message_get_model_title (message));
  row->thinking = quern_message_get_thinking (message);
  row->s = *quern_message_get_statistics (message);
  row->attachments = g_ptr_array_new_with_free_func (g_object_unref);
  return row;
}

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->content);
  g_free (row->reasoning);
  g_free (row->failure);
  g_free (row->model_id);
  g_free (row->model_title);
  g_ptr_array_unref (row->attachments);
  g_free (row);
}

/* The columns that change while an answer is made. */
static gboolean
update_row (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  const QuernStatistics *s = &row->s;

  return quern_sql_run (db, error,
                        "UPDATE message SET content = ?2, reasoning = ?3, state = ?4, owner = ?5, failure = ?6,"
                        " model_id = ?7, model_title = ?8, thinking = ?9, seed = ?10 WHERE id = ?1",
                        "isssisssii", row->id, row->content, row->reasoning,
                        enum_nick (QUERN_TYPE_MESSAGE_STATE, row->state), row->owner, row->failure, row->model_id,
                        row->model_title, (gint64) row->thinking, (gint64) s->seed)
         && quern_sql_run (db, error,
                           "UPDATE message SET prompt_tokens = ?2, reused_tokens = ?3, evaluated_tokens = ?4,"
                           " answer_tokens = ?5, reasoning_tokens = ?6, load_seconds = ?7, first_token_seconds = ?8,"
                           " prefill_seconds = ?9, decode_seconds = ?10, reasoning_seconds = ?11, n_threads = ?12,"
                           " n_passes = ?13 WHERE id = ?1",
                           "iiiiiidddddii", row->id, (gint64) s->prompt_tokens, (gint64) s->reused_tokens,
                           (gint64) s->evaluated_tokens, (gint64) s->answer_tokens, (gint64) s->reasoning_tokens,
                           s->load_seconds, s->first_token_seconds, s->prefill_seconds, s->decode_seconds,
                           s->reasoning_seconds, (gint64) s->n_threads, (gint64) s->n_passes);
}

static gboolean
insert_attachment (sqlite3 *db, gint64 message_id, gint64 position, QuernAttachment *attachment, GError **error)
{
  GBytes *bytes = quern_attachment_get_bytes (attachment);
  const char *hash = quern_attachment_get_hash (attachment);

  if (bytes && !quern_sql_run (db, error, "INSERT OR IGNORE INTO blob (hash, data) VALUES (?1, ?2)", "sb", hash, bytes))
    return FALSE;
  return quern_sql_run (db, error,
                        "INSERT INTO attachment (message_id, position, hash, name, mime, size)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        "iisssi", message_id, position, hash, quern_attachment_get_name (attachment),
                        quern_attachment_get_mime (attachment), (gint64) quern_attachment_get_size (attachment));
}

static gboolean
choose (sqlite3 *db, gint64 conversation_id, gint64 parent_id, gint64 id, GError **error)
{
  if (parent_id != 0)
    return quern_sql_run (db, error, "UPDATE message SET chosen_id = ?2 WHERE id = ?1", "ii", parent_id, id);
  return quern_sql_run (db, error, "UPDATE conversation SET chosen_id = ?2 WHERE id = ?1", "ii", conversation_id, id);
}

static gboolean
insert_row (sqlite3 *db, gpointer data, GError **error)
{
  Row *row = data;
  gboolean ok = quern_sql_run (db, error,
                               "INSERT INTO message (id, conversation_id, parent_id, role, state, created)"
                               " VALUES (?1, ?2, NULLIF (?3, 0), ?4, 'streaming', ?5)",
                               "iiisi", row->id, row->conversation_id, row->parent_id,
                               enum_nick (QUERN_TYPE_ROLE, row->role), row->created);

  ok = ok && update_row (db, row, error);
  for (guint i = 0; ok && i < row->attachments->len; i++)
    ok = insert_attachment (db, row->id, i, g_ptr_array_index (row->attachments, i), error);
  return ok && choose (db, row->conversation_id, row->parent_id, row->id, error);
}

/**
 * quern_store_append_message:
 * @parent: (nullable): the message it follows, %NULL for a first one
 * @message: a new message; it gets its id here, and its time unless it has one
 *
 * Adds it to the tree as the chosen child of @parent, and @conversation to the store if it is new. Settings that changed
 * before are written before it: after a crash no message is without the context and the instructions it was made with.
 */
void
quern_store_append_message (QuernStore *self, QuernConversation *conversation, QuernMessage *parent,
                            QuernMessage *message)
{
  GListModel *attachments = quern_message_get_attachments (message);
  gint64 created;
  Row *row;

  quern_store_add_conversation (self, conversation);
  created = quern_message_get_created (message);
  quern_message_set_ids (message, quern_store_new_id (), parent ? quern_message_get_id (parent) : 0,
                         created ? created : g_get_real_time ());
  row = row_new (self, message);
  row->conversation_id = quern_conversation_get_id (conversation);
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++)
    g_ptr_array_add (row->attachments, g_list_model_get_item (attachments, i));
  _quern_store_save_settings (self);
  _quern_store_write (self, insert_row, row, row_free);
  _quern_store_touch (self, conversation);
}

/**
 * quern_store_save_message:
 *
 * Writes text, state and statistics of a message as they are now.
 */
void
quern_store_save_message (QuernStore *self, QuernMessage *message)
{
  g_return_if_fail (quern_message_get_id (message) != 0);
  _quern_store_save_settings (self);
  _quern_store_write (self, update_row, row_new (self, message), row_free);
}

typedef struct {
  gint64 conversation_id, parent_id, id;
  gint64 value; /* step to take among siblings; time of deletion */
} Change;

static Change *
change_new (QuernConversation *conversation, QuernMessage *message, gint64 value)
{
  Change *change = g_new (Change, 1);

  *change = (Change) { quern_conversation_get_id (conversation), quern_message_get_parent_id (message),
                       quern_message_get_id (message), value };
  return change;
}

static gboolean
choose_sibling (sqlite3 *db, gpointer data, GError **error)
{
  const Change *change = data;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       change->value > 0
                           ? "SELECT id FROM message WHERE conversation_id = ?1 AND parent_id IS NULLIF (?2, 0)"
                             " AND deleted IS NULL AND id > ?3 ORDER BY id LIMIT 1"
                           : "SELECT id FROM message WHERE conversation_id = ?1 AND parent_id IS NULLIF (?2, 0)"
                             " AND deleted IS NULL AND id < ?3 ORDER BY id DESC LIMIT 1",
                       "iii", change->conversation_id, change->parent_id, change->id);

  if (!stmt)
    return FALSE;
  if (!quern_sql_next (stmt, error))
    return TRUE; /* none on that side */
  return choose (db, change->conversation_id, change->parent_id, sqlite3_column_int64 (stmt, 0), error);
}

/**
 * quern_store_choose_sibling:
 * @step: 1 for the next sibling, -1 for the one before
 *
 * Shows another branch from now on; load the path again to see it.
 */
void
quern_store_choose_sibling (QuernStore *self, QuernConversation *conversation, QuernMessage *message, int step)
{
  _quern_store_write (self, choose_sibling, change_new (conversation, message, step), g_free);
}

static gboolean
choose_this (sqlite3 *db, gpointer data, GError **error)
{
  const Change *change = data;

  return choose (db, change->conversation_id, change->parent_id, change->id, error);
}

/**
 * quern_store_choose_message:
 *
 * Shows @message rather than its siblings; load the path again to see it.
 */
void
quern_store_choose_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message)
{
  _quern_store_write (self, choose_this, change_new (conversation, message, 0), g_free);
}

/* From the message up to the first one. */
static gboolean
choose_branch (sqlite3 *db, gpointer data, GError **error)
{
  const Change *change = data;
  gint64 id = change->id;

  while (id != 0) {
    g_autoptr (sqlite3_stmt) stmt =
        quern_sql_query (db, error, "SELECT parent_id FROM message WHERE id = ?1 AND conversation_id = ?2", "ii", id,
                         change->conversation_id);
    gint64 parent;
    if (!stmt)
      return FALSE;
    if (!quern_sql_next (stmt, error))
      return TRUE; /* it is gone */
    parent = sqlite3_column_int64 (stmt, 0);
    if (!choose (db, change->conversation_id, parent, id, error))
      return FALSE;
    id = parent;
  }
  return TRUE;
}

/**
 * quern_store_choose_branch:
 * @message_id: a message of @conversation, perhaps one that is not shown
 *
 * Shows the branch that it is on; load the path again to see it.
 */
void
quern_store_choose_branch (QuernStore *self, QuernConversation *conversation, gint64 message_id)
{
  Change *change = g_new (Change, 1);

  *change = (Change) { quern_conversation_get_id (conversation), 0, message_id, 0 };
  _quern_store_write (self, choose_branch, change, g_free);
}

static gboolean
mark_deleted (sqlite3 *db, gpointer data, GError **error)
{
  const Change *change = data;

  return quern_sql_run (db, error, "UPDATE message SET deleted = NULLIF (?2, 0) WHERE id = ?1", "ii", change->id,
                        change->value);
}

/**
 * quern_store_delete_message:
 *
 * Hides a message and all that follows it; load the path again. quern_store_restore_message() undoes it until it is
 * erased.
 */
void
quern_store_delete_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message)
{
  _quern_store_write (self, mark_deleted, change_new (conversation, message, g_get_real_time ()), g_free);
}

void
quern_store_restore_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message)
{
  _quern_store_write (self, mark_deleted, change_new (conversation, message, 0), g_free);
}

/* ---- reading the path ------------------------------------------------------------------------------------------ */

typedef struct {
  gint64 id, chosen;
} Node;

typedef struct {
  gint64 conversation_id, chosen;
  GHashTable *children; /* parent id (gint64 *) -> GArray of Node, by id */
  GPtrArray *path;      /* of QuernMessage */
} Path;

static void
path_free (gpointer data)
{
  Path *path = data;

  g_hash_table_unref (path->children);
  g_ptr_array_unref (path->path);
  g_free (path);
}

static void
add_node (Path *path, gint64 parent, Node node)
{
  GArray *nodes = g_hash_table_lookup (path->children, &parent);

  if (!nodes) {
    nodes = g_array_new (FALSE, FALSE, sizeof (Node));
    g_hash_table_insert (path->children, g_memdup2 (&parent, sizeof parent), nodes);
  }
  g_array_append_val (nodes, node);
}

static gboolean
read_tree (sqlite3 *db, Path *path, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error, "SELECT chosen_id FROM conversation WHERE id = ?1", "i", path->conversation_id);

  if (!stmt)
    return FALSE;
  if (quern_sql_next (stmt, &failure))
    path->chosen = sqlite3_column_int64 (stmt, 0);
  g_clear_pointer (&stmt, sqlite3_finalize);
  if (!failure)
    stmt = quern_sql_query (db, &failure,
                            "SELECT id, parent_id, chosen_id FROM message WHERE conversation_id = ?1"
                            " AND deleted IS NULL ORDER BY id",
                            "i", path->conversation_id);
  while (stmt && quern_sql_next (stmt, &failure))
    add_node (path, sqlite3_column_int64 (stmt, 1),
              (Node) { sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 2) });
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static void
statistics_from_row (QuernStatistics *s, sqlite3_stmt *stmt, int column)
{
  s->seed = (guint64) sqlite3_column_int64 (stmt, column);
  s->prompt_tokens = (guint) sqlite3_column_int (stmt, column + 1);
  s->reused_tokens = (guint) sqlite3_column_int (stmt, column + 2);
  s->evaluated_tokens = (guint) sqlite3_column_int (stmt, column + 3);
  s->answer_tokens = (guint) sqlite3_column_int (stmt, column + 4);
  s->reasoning_tokens = (guint) sqlite3_column_int (stmt, column + 5);
  s->load_seconds = sqlite3_column_double (stmt, column + 6);
  s->first_token_seconds = sqlite3_column_double (stmt, column + 7);
  s->prefill_seconds = sqlite3_column_double (stmt, column + 8);
  s->decode_seconds = sqlite3_column_double (stmt, column + 9);
  s->reasoning_seconds = sqlite3_column_double (stmt, column + 10);
  s->n_threads = (guint) sqlite3_column_int (stmt, column + 11);
  s->n_passes = (guint) sqlite3_column_int (stmt, column + 12);
}

static QuernMessage *
message_from_row (sqlite3_stmt *stmt)
{
  int role = enum_value (QUERN_TYPE_ROLE, (const char *) sqlite3_column_text (stmt, 3), QUERN_ROLE_USER);
  int state =
      enum_value (QUERN_TYPE_MESSAGE_STATE, (const char *) sqlite3_column_text (stmt, 6), QUERN_MESSAGE_INTERRUPTED);
  QuernMessage *message = quern_message_new (role, "");
  QuernStatistics statistics;

  quern_message_set_ids (message, sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 1),
                         sqlite3_column_int64 (stmt, 2));
  quern_message_set_text (message, (const char *) sqlite3_column_text (stmt, 4),
                          (const char *) sqlite3_column_text (stmt, 5));
  quern_message_set_state (message, state, (const char *) sqlite3_column_text (stmt, 7));
  quern_message_set_model (message, (const char *) sqlite3_column_text (stmt, 8),
                           (const char *) sqlite3_column_text (stmt, 9));
  quern_message_set_thinking (message, sqlite3_column_int (stmt, 10));
  statistics_from_row (&statistics, stmt, 11);
  quern_message_set_statistics (message, &statistics);
  return message;
}

static gboolean
read_attachments (sqlite3 *db, QuernMessage *message, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error, "SELECT hash, name, mime, size FROM attachment WHERE message_id = ?1 ORDER BY position",
                       "i", quern_message_get_id (message));

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    g_autoptr (QuernAttachment) attachment = quern_attachment_new_stored (
        (const char *) sqlite3_column_text (stmt, 0), (const char *) sqlite3_column_text (stmt, 1),
        (const char *) sqlite3_column_text (stmt, 2), (guint64) sqlite3_column_int64 (stmt, 3));
    quern_message_add_attachment (message, attachment);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static gboolean
read_message (sqlite3 *db, Path *path, gint64 id, guint index, guint count, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT id, parent_id, created, role, content, reasoning, state, failure, model_id, model_title,"
                       " thinking, seed, prompt_tokens, reused_tokens, evaluated_tokens, answer_tokens,"
                       " reasoning_tokens, load_seconds, first_token_seconds, prefill_seconds, decode_seconds,"
                       " reasoning_seconds, n_threads, n_passes FROM message WHERE id = ?1",
                       "i", id);
  QuernMessage *message;

  if (!stmt || !quern_sql_next (stmt, error))
    return FALSE;
  message = message_from_row (stmt);
  quern_message_set_siblings (message, index, count);
  g_ptr_array_add (path->path, message);
  return read_attachments (db, message, error);
}

static gboolean
read_path (sqlite3 *db, gpointer data, GError **error)
{
  Path *path = data;
  gint64 parent = 0;
  gint64 chosen;

  if (!read_tree (db, path, error))
    return FALSE;
  chosen = path->chosen;
  for (GArray *nodes; (nodes = g_hash_table_lookup (path->children, &parent));) {
    guint index = nodes->len - 1; /* the newest, unless another one was chosen */
    for (guint i = 0; i < nodes->len; i++)
      if (g_array_index (nodes, Node, i).id == chosen)
        index = i;
    parent = g_array_index (nodes, Node, index).id;
    chosen = g_array_index (nodes, Node, index).chosen;
    if (!read_message (db, path, parent, index, nodes->len, error))
      return FALSE;
  }
  return TRUE;
}

static Path *
path_new (gint64 conversation_id)
{
  Path *path = g_new0 (Path, 1);

  path->conversation_id = conversation_id;
  path->children = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
  path->path = g_ptr_array_new_with_free_func (g_object_unref);
  return path;
}

/**
 * quern_store_load_path_async:
 *
 * Reads the messages of the branch that is shown, first to last.
 */
void
quern_store_load_path_async (QuernStore *self, QuernConversation *conversation, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  Path *path = path_new (quern_conversation_get_id (conversation));

  _quern_store_call (self, FALSE, read_path, path, path_free, cancellable, callback, user_data);
}

/**
 * quern_store_load_path_finish:
 *
 * Returns: (transfer full) (element-type QuernMessage) (nullable): new objects for the messages
 */
GPtrArray *
quern_store_load_path_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  Path *path = _quern_store_finish (self, result, error);

  return path ? g_ptr_array_ref (path->path) : NULL;
}

/* ---- all branches, for threads of their own --------------------------------------------------------------------- */

/* After read_path(): the messages of the path, and those that are not on it. */
static gboolean
read_others (sqlite3 *db, Path *path, GHashTable *shown, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, path->children);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    const GArray *nodes = value;
    for (guint i = 0; i < nodes->len; i++) {
      gint64 id = g_array_index (nodes, Node, i).id;
      if (!g_hash_table_contains (shown, &id) && !read_message (db, path, id, i, nodes->len, error))
        return FALSE;
    }
  }
  return TRUE;
}

typedef struct {
  Path *path;
  GHashTable *shown;
} Tree;

static gboolean
read_tree_messages (sqlite3 *db, gpointer data, GError **error)
{
  Tree *tree = data;

  if (!read_path (db, tree->path, error))
    return FALSE;
  for (guint i = 0; i < tree->path->path->len; i++) {
    gint64 id = quern_message_get_id (tree->path->path->pdata[i]);
    g_hash_table_add (tree->shown, g_memdup2 (&id, sizeof id));
  }
  return read_others (db, tree->path, tree->shown, error);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  gint64 left = quern_message_get_id (*(QuernMessage **) a);
  gint64 right = quern_message_get_id (*(QuernMessage **) b);

  return left < right ? -1 : left > right;
}

/**
 * quern_store_read_tree:
 * @shown: (out): the ids (gint64 *) of those on the branch that is shown
 *
 * Reads all messages of a conversation, parents before children; blocks.
 *
 * Returns: (transfer full) (element-type QuernMessage) (nullable): new objects for the messages
 */
GPtrArray *
quern_store_read_tree (QuernStore *self, gint64 conversation_id, GHashTable **shown, GError **error)
{
  Tree tree = { path_new (conversation_id), g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL) };
  GPtrArray *messages = NULL;

  if (quern_database_read (quern_store_get_database (self), read_tree_messages, &tree, error)) {
    messages = g_ptr_array_ref (tree.path->path);
    g_ptr_array_sort (messages, compare_ids);
    *shown = g_hash_table_ref (tree.shown);
  }
  g_hash_table_unref (tree.shown);
  path_free (tree.path);
  return messages;
}

/* ---- attachments ----------------------------------------------------------------------------------------------- */

typedef struct {
  QuernAttachment *attachment;
  GBytes *bytes;
} Blob;

static void
blob_free (gpointer data)
{
  Blob *blob = data;

  g_object_unref (blob->attachment);
  g_clear_pointer (&blob->bytes, g_bytes_unref);
  g_free (blob);
}

static gboolean
read_blob (sqlite3 *db, gpointer data, GError **error)
{
  Blob *blob = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error, "SELECT data FROM blob WHERE hash = ?1", "s",
                                                   quern_attachment_get_hash (blob->attachment));

  if (!stmt)
    return FALSE;
  if (quern_sql_next (stmt, &failure))
    blob->bytes = quern_sql_dup_bytes (stmt, 0);
  else if (!failure)
    g_set_error (&failure, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED,
                 _("The attachment “%s” is no longer stored."), quern_attachment_get_name (blob->attachment));
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/**
 * quern_store_load_attachment_async:
 *
 * Reads an attachment's bytes; the object keeps them from then on.
 */
void
quern_store_load_attachment_async (QuernStore *self, QuernAttachment *attachment, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  Blob *blob = g_new0 (Blob, 1);

  blob->attachment = g_object_ref (attachment);
  _quern_store_call (self, FALSE, read_blob, blob, blob_free, cancellable, callback, user_data);
}

/**
 * quern_store_load_attachment_finish:
 *
 * Returns: (transfer full) (nullable): the bytes
 */
GBytes *
quern_store_load_attachment_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  Blob *blob = _quern_store_finish (self, result, error);

  if (!blob)
    return NULL;
  quern_attachment_set_bytes (blob->attachment, blob->bytes);
  return g_bytes_ref (blob->bytes);
}

/**
 * quern_store_read_attachment:
 *
 * The same at once; blocks.
 */
GBytes *
quern_store_read_attachment (QuernStore *self, QuernAttachment *attachment, GError **error)
{
  Blob blob = { attachment, NULL };

  if (quern_attachment_get_bytes (attachment))
    return g_bytes_ref (quern_attachment_get_bytes (attachment));
  return quern_database_read (quern_store_get_database (self), read_blob, &blob, error) ? blob.bytes : NULL;
}
