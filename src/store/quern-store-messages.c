/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

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
  char *content, *reasoning, *failure, *model_id, *model_title, *effort;
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
  row->effort = g_strdup (quern_message_get_effort (message));
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
  g_free (row->effort);
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
                        " model_id = ?7, model_title = ?8, thinking = ?9, seed = ?10, effort = ?11 WHERE id = ?1",
                        "isssisssiis", row->id, row->content, row->reasoning,
                        enum_nick (QUERN_TYPE_MESSAGE_STATE, row->state), row->owner, row->failure, row->model_id,
                        row->model_title, (gint64) row->thinking, (gint64) s->seed, row->effort)
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
quern_store_choose (sqlite3 *db, gint64 conversation_id, gint64 parent_id, gint64 id, GError **error)
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
  for (guint i = 0; ok && i < row->attachments->len; i++) {
    QuernAttachment *attachment = row->attachments->pdata[i];
    GBytes *bytes = quern_attachment_get_bytes (attachment);
    const char *hash = quern_attachment_get_hash (attachment);

    ok = (!bytes
          || quern_sql_run (db, error, "INSERT OR IGNORE INTO blob (hash, data) VALUES (?1, ?2)", "sb", hash, bytes))
         && quern_sql_run (db, error,
                           "INSERT INTO attachment (message_id, position, hash, name, mime, size)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                           "iisssi", row->id, (gint64) i, hash, quern_attachment_get_name (attachment),
                           quern_attachment_get_mime (attachment), (gint64) quern_attachment_get_size (attachment));
  }
  return ok && quern_store_choose (db, row->conversation_id, row->parent_id, row->id, error);
}

static Row *
new_row_new (QuernStore *store, QuernConversation *conversation, QuernMessage *message)
{
  GListModel *attachments = quern_message_get_attachments (message);
  Row *row = row_new (store, message);

  row->conversation_id = quern_conversation_get_id (conversation);
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++)
    g_ptr_array_add (row->attachments, g_list_model_get_item (attachments, i));
  return row;
}

gboolean
_quern_store_insert_message (sqlite3 *db, QuernStore *store, QuernConversation *conversation, QuernMessage *message,
                             GError **error)
{
  Row *row = new_row_new (store, conversation, message);
  gboolean ok = insert_row (db, row, error);

  row_free (row);
  return ok;
}

gboolean
_quern_store_choose_message (sqlite3 *db, QuernConversation *conversation, QuernMessage *message, GError **error)
{
  return quern_store_choose (db, quern_conversation_get_id (conversation), quern_message_get_parent_id (message),
                             quern_message_get_id (message), error);
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
  gint64 created;
  Row *row;

  quern_store_add_conversation (self, conversation);
  created = quern_message_get_created (message);
  quern_message_set_ids (message, quern_store_new_id (), parent ? quern_message_get_id (parent) : 0,
                         created ? created : g_get_real_time ());
  row = new_row_new (self, conversation, message);
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
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error,
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
  return quern_store_choose (db, change->conversation_id, change->parent_id, sqlite3_column_int64 (stmt, 0), error);
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

  return quern_store_choose (db, change->conversation_id, change->parent_id, change->id, error);
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
  static const char branch[] =
      "WITH RECURSIVE branch (id, parent_id) AS ("
      " SELECT id, parent_id FROM message WHERE id = ?1 AND conversation_id = ?2"
      " UNION SELECT message.id, message.parent_id FROM message JOIN branch ON message.id = branch.parent_id)";
  g_autofree char *below =
      g_strconcat (branch, "UPDATE message SET chosen_id = branch.id FROM branch WHERE message.id = branch.parent_id",
                   NULL);
  g_autofree char *first = g_strconcat (branch,
                                        "UPDATE conversation SET chosen_id = branch.id FROM branch"
                                        " WHERE conversation.id = ?2 AND branch.parent_id IS NULL",
                                        NULL);

  return quern_sql_run (db, error, below, "ii", change->id, change->conversation_id)
         && quern_sql_run (db, error, first, "ii", change->id, change->conversation_id);
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

/* A message in the tree: which of how many siblings it is, and whether its branch is shown. */
typedef struct {
  gint64 id;
  guint index, count;
  gboolean shown;
} Place;

typedef struct {
  QuernDatabase *database; /* of the store whose call this is */
  gint64 conversation_id, chosen;
  GHashTable *children; /* parent id (gint64 *) -> GArray of Node, by id */
  GArray *places;       /* of Place */
  GPtrArray *path;      /* of QuernMessage */
} Path;

static void
path_free (gpointer data)
{
  Path *path = data;

  g_hash_table_unref (path->children);
  g_array_unref (path->places);
  g_ptr_array_unref (path->path);
  g_free (path);
}

static gboolean
read_tree (sqlite3 *db, Path *path, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error, "SELECT chosen_id FROM conversation WHERE id = ?1", "i",
                                                   path->conversation_id);

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
  while (stmt && quern_sql_next (stmt, &failure)) {
    gint64 parent = sqlite3_column_int64 (stmt, 1);
    Node node = { sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 2) };
    GArray *nodes = g_hash_table_lookup (path->children, &parent);

    if (!nodes) {
      nodes = g_array_new (FALSE, FALSE, sizeof (Node));
      g_hash_table_insert (path->children, g_memdup2 (&parent, sizeof parent), nodes);
    }
    g_array_append_val (nodes, node);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* What reads messages one after another: statements that are used again. */
typedef struct {
  QuernDatabase *database;
  sqlite3_stmt *message, *attachments;
} Reader;

static gboolean
reader_init (Reader *self, QuernDatabase *database, sqlite3 *db, GError **error)
{
  *self = (Reader) { database, NULL, NULL };
  self->message =
      quern_sql_query (db, error,
                       "SELECT id, parent_id, created, role, content, reasoning, state, failure, model_id, model_title,"
                       " thinking, seed, prompt_tokens, reused_tokens, evaluated_tokens, answer_tokens,"
                       " reasoning_tokens, load_seconds, first_token_seconds, prefill_seconds, decode_seconds,"
                       " reasoning_seconds, n_threads, n_passes, owner, effort FROM message WHERE id = ?1",
                       "");
  if (self->message)
    self->attachments =
        quern_sql_query (db, error,
                         "SELECT hash, name, mime, size FROM attachment WHERE message_id = ?1 ORDER BY position", "");
  return self->attachments != NULL;
}

static void
reader_clear (Reader *self)
{
  sqlite3_finalize (self->message);
  sqlite3_finalize (self->attachments);
}

/* Adds the message of a place to the list, unless it is gone. */
static gboolean
read_message (Reader *self, const Place *place, GPtrArray *list, GError **error)
{
  GError *failure = NULL;
  QuernMessage *message;

  sqlite3_reset (self->message);
  sqlite3_bind_int64 (self->message, 1, place->id);
  if (!quern_sql_next (self->message, &failure)) {
    if (failure)
      g_propagate_error (error, failure);
    return failure == NULL;
  }
  sqlite3_stmt *stmt = self->message;
  int role = enum_value (QUERN_TYPE_ROLE, (const char *) sqlite3_column_text (stmt, 3), QUERN_ROLE_USER);
  QuernMessageState state = enum_value (QUERN_TYPE_MESSAGE_STATE, (const char *) sqlite3_column_text (stmt, 6),
                                        QUERN_MESSAGE_INTERRUPTED);
  QuernStatistics statistics;

  /* An answer whose writer is gone was cut off, even if that could not be written. */
  if (state == QUERN_MESSAGE_STREAMING
      && !quern_database_instance_alive (self->database, sqlite3_column_int64 (stmt, 24)))
    state = QUERN_MESSAGE_INTERRUPTED;
  message = quern_message_new (role, "");

  quern_message_set_ids (message, sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 1),
                         sqlite3_column_int64 (stmt, 2));
  quern_message_set_text (message, (const char *) sqlite3_column_text (stmt, 4),
                          (const char *) sqlite3_column_text (stmt, 5));
  quern_message_set_state (message, state, (const char *) sqlite3_column_text (stmt, 7));
  quern_message_set_model (message, (const char *) sqlite3_column_text (stmt, 8),
                           (const char *) sqlite3_column_text (stmt, 9));
  quern_message_set_thinking (message, sqlite3_column_int (stmt, 10));
  statistics.seed = (guint64) sqlite3_column_int64 (stmt, 11);
  statistics.prompt_tokens = (guint) sqlite3_column_int (stmt, 12);
  statistics.reused_tokens = (guint) sqlite3_column_int (stmt, 13);
  statistics.evaluated_tokens = (guint) sqlite3_column_int (stmt, 14);
  statistics.answer_tokens = (guint) sqlite3_column_int (stmt, 15);
  statistics.reasoning_tokens = (guint) sqlite3_column_int (stmt, 16);
  statistics.load_seconds = sqlite3_column_double (stmt, 17);
  statistics.first_token_seconds = sqlite3_column_double (stmt, 18);
  statistics.prefill_seconds = sqlite3_column_double (stmt, 19);
  statistics.decode_seconds = sqlite3_column_double (stmt, 20);
  statistics.reasoning_seconds = sqlite3_column_double (stmt, 21);
  statistics.n_threads = (guint) sqlite3_column_int (stmt, 22);
  statistics.n_passes = (guint) sqlite3_column_int (stmt, 23);
  quern_message_set_effort (message, (const char *) sqlite3_column_text (stmt, 25));
  quern_message_set_statistics (message, &statistics);
  quern_message_set_siblings (message, place->index, place->count);
  g_ptr_array_add (list, message);
  sqlite3_reset (self->attachments);
  sqlite3_bind_int64 (self->attachments, 1, place->id);
  while (quern_sql_next (self->attachments, &failure)) {
    g_autoptr (QuernAttachment)
        attachment = quern_attachment_new_stored ((const char *) sqlite3_column_text (self->attachments, 0),
                                                  (const char *) sqlite3_column_text (self->attachments, 1),
                                                  (const char *) sqlite3_column_text (self->attachments, 2),
                                                  (guint64) sqlite3_column_int64 (self->attachments, 3));
    quern_message_add_attachment (message, attachment);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* Fills in the places of the branch that is shown. */
static void
find_shown (Path *path)
{
  gint64 parent = 0, chosen = path->chosen;

  for (GArray *nodes; (nodes = g_hash_table_lookup (path->children, &parent));) {
    Place place = { .index = nodes->len - 1,
                    .count = nodes->len,
                    .shown = TRUE }; /* the newest, unless another was chosen */
    for (guint i = 0; i < nodes->len; i++)
      if (g_array_index (nodes, Node, i).id == chosen)
        place.index = i;
    place.id = parent = g_array_index (nodes, Node, place.index).id;
    chosen = g_array_index (nodes, Node, place.index).chosen;
    g_array_append_val (path->places, place);
  }
}

static gboolean
read_path (sqlite3 *db, gpointer data, GError **error)
{
  Path *path = data;
  Reader reader;
  gboolean ok;

  if (!read_tree (db, path, error))
    return FALSE;
  find_shown (path);
  ok = reader_init (&reader, path->database, db, error);
  for (guint i = 0; ok && i < path->places->len; i++)
    ok = read_message (&reader, &g_array_index (path->places, Place, i), path->path, error);
  reader_clear (&reader);
  return ok;
}

static Path *
path_new (QuernStore *store, gint64 conversation_id)
{
  Path *path = g_new0 (Path, 1);

  path->database = quern_store_get_database (store);
  path->conversation_id = conversation_id;
  path->children = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
  path->places = g_array_new (FALSE, FALSE, sizeof (Place));
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
  Path *path = path_new (self, quern_conversation_get_id (conversation));

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
  const Path *path = _quern_store_get_data (result);

  return _quern_store_finish (self, result, error) ? g_ptr_array_ref (path->path) : NULL;
}

/* ---- all branches, for threads of their own --------------------------------------------------------------------- */

/* Read at a time, so that a long conversation takes no more memory than a short one. */
#define BATCH_MESSAGES 200
#define BATCH_BYTES (1u << 20)

static int
compare_places (gconstpointer a, gconstpointer b)
{
  const Place *left = a, *right = b;

  return left->id < right->id ? -1 : left->id > right->id;
}

static gboolean
read_places (sqlite3 *db, gpointer data, GError **error)
{
  Path *path = data;
  g_autoptr (GHashTable) shown = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autofree Place *branch = NULL;
  GHashTableIter iter;
  gpointer value;

  if (!read_tree (db, path, error))
    return FALSE;
  find_shown (path);
  /* The places that are not on the branch are added, and all of them put in the order of their ids. */
  branch = g_memdup2 (path->places->data, path->places->len * sizeof (Place));
  for (guint i = 0; i < path->places->len; i++)
    g_hash_table_add (shown, &branch[i].id);
  g_hash_table_iter_init (&iter, path->children);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const GArray *nodes = value;
    for (guint i = 0; i < nodes->len; i++) {
      Place place = { g_array_index (nodes, Node, i).id, i, nodes->len, FALSE };
      if (!g_hash_table_contains (shown, &place.id))
        g_array_append_val (path->places, place);
    }
  }
  g_array_sort (path->places, compare_places);
  g_hash_table_remove_all (path->children);
  return TRUE;
}

typedef struct {
  Path *path;
  guint next; /* index of a place */
} Batch;

static gboolean
read_batch (sqlite3 *db, gpointer data, GError **error)
{
  Batch *batch = data;
  GPtrArray *messages = batch->path->path;
  gsize size = 0;
  Reader reader;
  gboolean ok = reader_init (&reader, batch->path->database, db, error);

  while (ok && batch->next < batch->path->places->len && messages->len < BATCH_MESSAGES && size < BATCH_BYTES) {
    ok = read_message (&reader, &g_array_index (batch->path->places, Place, batch->next++), messages, error);
    if (ok && messages->len > 0)
      size += quern_message_get_content_length (messages->pdata[messages->len - 1])
              + strlen (quern_message_get_reasoning (messages->pdata[messages->len - 1]));
  }
  reader_clear (&reader);
  return ok;
}

/**
 * quern_store_read_tree:
 * @func: (scope call): gets each message and whether it is on the branch that is shown; returns %FALSE to end
 *
 * Reads all messages of a conversation, parents before children, some at a time; blocks. Those that are deleted
 * meanwhile are left out.
 *
 * Returns: whether all were read and taken
 */
gboolean
quern_store_read_tree (QuernStore *self, gint64 conversation_id, QuernStoreMessageFunc func, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  QuernDatabase *database = quern_store_get_database (self);
  Batch batch = { path_new (self, conversation_id), 0 };
  GPtrArray *messages = batch.path->path;
  gboolean ok = quern_database_read (database, read_places, batch.path, error);

  while (ok && batch.next < batch.path->places->len) {
    guint at = batch.next;

    ok = !g_cancellable_set_error_if_cancelled (cancellable, error)
         && quern_database_read (database, read_batch, &batch, error);
    for (guint i = 0; ok && i < messages->len; i++) {
      const Place *place = &g_array_index (batch.path->places, Place, at);
      while (place->id != quern_message_get_id (messages->pdata[i])) /* one that is gone */
        place = &g_array_index (batch.path->places, Place, ++at);
      ok = func (messages->pdata[i], place->shown, data, error);
    }
    g_ptr_array_set_size (messages, 0);
  }
  path_free (batch.path);
  return ok;
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
                 _("The attachment “%s” no longer exists."), quern_attachment_get_name (blob->attachment));
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
  Blob *blob = _quern_store_get_data (result);

  if (!_quern_store_finish (self, result, error))
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
