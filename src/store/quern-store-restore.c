/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-schema.h"
#include "quern-store-private.h"

/* What a backup holds and is no longer here comes back; what is here stays as it is. The backup itself is not touched: a
 * copy beside the database is brought to this schema, checked, and read. */

typedef struct {
  GFile *file;
  char *path, *name; /* of the copy; of the backup, for people */
  guint n_conversations, n_others;
  GHashTable *ids;          /* of conversations that came back: gint64 */
  GPtrArray *conversations; /* all there are now */
  GListStore *folders, *personas;
} Restoring;

static void
restoring_free (gpointer data)
{
  Restoring *r = data;

  g_object_unref (r->file);
  _quern_store_remove_beside (r->path, "", NULL, NULL);
  g_free (r->path);
  g_free (r->name);
  g_hash_table_unref (r->ids);
  g_ptr_array_unref (r->conversations);
  g_object_unref (r->folders);
  g_object_unref (r->personas);
  g_free (r);
}

/* ---- the copy, on a thread ------------------------------------------------------------------------------------- */

static gboolean
quern_store_fail_as_damaged (const Restoring *r, GError **error)
{
  g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED,
               _("“%s” is damaged, so nothing was restored. Try another copy."), r->name);
  return FALSE;
}

static void
quern_store_prepare_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Restoring *r = data;
  g_autoptr (GFile) copy = g_file_new_for_path (r->path);
  g_autoptr (QuernStore) store = NULL;
  GError *error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (r->file, cancellable, &error);
  guint8 header[100];
  guint32 mark;
  gsize n;

  if (!stream || !g_input_stream_read_all (G_INPUT_STREAM (stream), header, sizeof header, &n, cancellable, &error)) {
    g_task_return_error (task, error);
    return;
  }
  /* SQLite would take an empty file for a new database, and another program's for one that it may change. */
  memcpy (&mark, header + 68, sizeof mark);
  if (n != sizeof header || memcmp (header, "SQLite format 3", 16) != 0
      || GUINT32_FROM_BE (mark) != QUERN_SCHEMA_APPLICATION_ID) {
    g_task_return_new_error (task, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED,
                             _("“%s” is not a backup of Quern. Choose a file that was saved with “Back Up…”."),
                             r->name);
    return;
  }
  if (!g_file_copy (r->file, copy, G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS, cancellable, NULL, NULL,
                    &error)) {
    g_task_return_error (task, error);
    return;
  }
  /* Opening it does what opening does: old schemas become new, answers that were being written are interrupted. */
  store = quern_store_open (r->path, &error);
  if (store) {
    quern_store_close (store);
    g_task_return_boolean (task, TRUE);
    return;
  }
  if (g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED)) {
    g_clear_error (&error);
    quern_store_fail_as_damaged (r, &error);
  }
  g_task_return_error (task, error);
}

/* ---- merging, on the database's thread ------------------------------------------------------------------------- */

/* Whole conversations: in one that is here still, messages may be missing on purpose. What was deleted a moment ago counts as
 * gone. Folders go by their names, too: those of a new installation are others. */
static const char begin_sql[] =
    "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;"
    "DELETE FROM conversation WHERE deleted IS NOT NULL"
    "  AND id IN (SELECT id FROM restoring.conversation WHERE deleted IS NULL);"
    "DELETE FROM comparison WHERE deleted IS NOT NULL"
    "  AND id IN (SELECT id FROM restoring.comparison WHERE deleted IS NULL);"
    "CREATE TEMP TABLE restored AS SELECT id FROM restoring.conversation WHERE deleted IS NULL"
    "  AND id NOT IN (SELECT id FROM main.conversation);";
static const char folders_sql[] =
    "INSERT INTO folder SELECT * FROM restoring.folder AS old"
    "  WHERE NOT EXISTS (SELECT 1 FROM main.folder AS f WHERE f.id = old.id OR f.name = old.name)";
static const char conversations_sql[] =
    "INSERT INTO conversation SELECT * FROM restoring.conversation WHERE id IN restored;"
    "UPDATE conversation SET folder_id = (SELECT f.id FROM main.folder AS f JOIN restoring.folder AS old USING (name)"
    "  WHERE old.id = conversation.folder_id)"
    "  WHERE folder_id IS NOT NULL AND folder_id NOT IN (SELECT id FROM main.folder);"
    "INSERT INTO message SELECT * FROM restoring.message WHERE conversation_id IN restored;"
    "INSERT OR IGNORE INTO blob SELECT * FROM restoring.blob WHERE hash IN (SELECT hash FROM restoring.attachment"
    "  JOIN restoring.message ON message.id = message_id WHERE conversation_id IN restored);"
    "INSERT INTO attachment SELECT attachment.* FROM restoring.attachment"
    "  JOIN restoring.message ON message.id = message_id WHERE conversation_id IN restored;";
static const char comparisons_sql[] = "INSERT INTO comparison SELECT * FROM restoring.comparison"
                                      "  WHERE deleted IS NULL AND id NOT IN (SELECT id FROM main.comparison)";
static const char personas_sql[] =
    "INSERT INTO persona SELECT * FROM restoring.persona AS old WHERE NOT EXISTS (SELECT 1 FROM main.persona AS p"
    "  WHERE p.id = old.id OR (p.name = old.name AND p.system_prompt = old.system_prompt))";

/* A file names what is read from this computer and where it goes: neither comes out of a backup, which anybody may have made. */
static const char servers_sql[] =
    "INSERT INTO server (id, name, address, api, kind, version, models, has_key)"
    "  SELECT id, name, address, api, kind, version, models, has_key AND key_file IS NULL FROM restoring.server AS old"
    "  WHERE NOT EXISTS (SELECT 1 FROM main.server AS s WHERE s.id = old.id OR s.address = old.address)";

static gboolean
count_rows (sqlite3 *db, const char *sql, guint *n, GError **error)
{
  if (!quern_sql_exec (db, sql, error))
    return FALSE;
  *n += (guint) sqlite3_changes (db);
  return TRUE;
}

static gboolean
read_ids (sqlite3 *db, Restoring *r, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error, "SELECT id FROM restored", "");

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    gint64 id = sqlite3_column_int64 (stmt, 0);
    g_hash_table_add (r->ids, g_memdup2 (&id, sizeof id));
  }
  if (failure)
    g_propagate_error (error, failure);
  r->n_conversations = g_hash_table_size (r->ids);
  return failure == NULL;
}

static gboolean
merge_attached (sqlite3 *db, Restoring *r, GError **error)
{
  if (!quern_sql_is_intact (db, "restoring"))
    return quern_store_fail_as_damaged (r, error);
  if (quern_sql_exec (db, begin_sql, error) && count_rows (db, folders_sql, &r->n_others, error)
      && quern_sql_exec (db, conversations_sql, error) && count_rows (db, comparisons_sql, &r->n_others, error)
      && count_rows (db, personas_sql, &r->n_others, error) && count_rows (db, servers_sql, &r->n_others, error)
      && read_ids (db, r, error) && quern_sql_exec (db, "DROP TABLE restored; COMMIT", error))
    return TRUE;
  quern_sql_rollback (db);
  return FALSE;
}

/* A transaction of its own, because a database cannot be attached in one. */
static gboolean
quern_store_merge (sqlite3 *db, gpointer data, GError **error)
{
  Restoring *r = data;
  gboolean ok = quern_sql_run (db, error, "ATTACH ?1 AS restoring", "s", r->path);

  if (!ok)
    return FALSE;
  ok = merge_attached (db, r, error);
  sqlite3_exec (db, "DETACH restoring", NULL, NULL, NULL);
  return ok && _quern_store_load_conversations (db, r->conversations, error)
         && _quern_folder_load (db, r->folders, error) && _quern_persona_load (db, r->personas, error);
}

/* ---- the lists, on the caller's thread ------------------------------------------------------------------------- */

static void
quern_store_merged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernStore *self = QUERN_STORE (source);
  GError *error = NULL;

  if (!_quern_store_finish (self, result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  const Restoring *r = g_task_get_task_data (task);
  /* Undo may have been faster. */
  GListModel *conversations = quern_store_get_conversations (self);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    gint64 id = quern_conversation_get_id (conversation);
    g_hash_table_remove (r->ids, &id);
  }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (r->folders)); i++) {
    g_autoptr (QuernFolder) folder = g_list_model_get_item (G_LIST_MODEL (r->folders), i);
    _quern_folder_show (self, folder);
  }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (r->personas)); i++) {
    g_autoptr (QuernPersona) persona = g_list_model_get_item (G_LIST_MODEL (r->personas), i);
    _quern_persona_show (self, persona);
  }
  for (guint i = 0; i < r->conversations->len; i++) {
    gint64 id = quern_conversation_get_id (r->conversations->pdata[i]);
    if (g_hash_table_contains (r->ids, &id))
      _quern_store_show_conversation (self, r->conversations->pdata[i]);
  }
  g_task_return_boolean (task, TRUE);
}

static void
quern_store_prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    _quern_store_call (QUERN_STORE (source), FALSE, quern_store_merge, g_task_get_task_data (task), NULL,
                       g_task_get_cancellable (task), quern_store_merged_cb, task);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

/**
 * quern_store_restore_async:
 * @file: what quern_store_backup_async() wrote, of this or an older version of Quern
 *
 * Adds the conversations, comparisons, folders, personas and servers that are in a backup and not here. All of them or, where that
 * fails, none: %QUERN_DATABASE_ERROR says why.
 */
void
quern_store_restore_async (QuernStore *self, GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GTask) preparing = g_task_new (self, cancellable, quern_store_prepared_cb, task);
  Restoring *r = g_new0 (Restoring, 1);
  QuernDatabase *database = quern_store_get_database (self);
  const char *path = quern_database_get_path (database);
  g_autofree char *fallback = g_str_equal (path, ":memory:") ? quern_database_default_path () : NULL;

  r->file = g_object_ref (file);
  r->path = g_strdup_printf ("%s" QUERN_STORE_RESTORING "%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
                             fallback ? fallback : path, quern_database_get_instance (database), quern_store_new_id ());
  r->name = g_file_get_parse_name (file);
  r->ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  r->conversations = g_ptr_array_new_with_free_func (g_object_unref);
  r->folders = g_list_store_new (QUERN_TYPE_FOLDER);
  r->personas = g_list_store_new (QUERN_TYPE_PERSONA);

  g_task_set_task_data (task, r, restoring_free);
  g_task_set_task_data (preparing, r, NULL);
  g_task_run_in_thread (preparing, quern_store_prepare_worker);
}

/**
 * quern_store_restore_finish:
 * @n_conversations: (out): conversations that came back
 * @n_others: (out): comparisons, folders, personas and servers
 *
 * Returns: whether everything that was missing came back
 */
gboolean
quern_store_restore_finish (QuernStore *self, GAsyncResult *result, guint *n_conversations, guint *n_others,
                            GError **error)
{
  const Restoring *r = g_task_get_task_data (G_TASK (result));

  *n_conversations = r->n_conversations;
  *n_others = r->n_others;
  return g_task_propagate_boolean (G_TASK (result), error);
}
