/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "quern-store-private.h"

/* Erasing for good. What was deleted is erased in steps of some thousand rows, each a transaction of its own, so that
 * others are served in between and a chain of messages may have any length: the messages that follow a deleted one are
 * marked first, without recursion, and go from the newest to the oldest, so that none is ever without the one it follows.
 * What is not done when Quern ends goes on when the store is opened the next time. */

#define STEP_ROWS 2000
/* What was deleted longer ago than an undo toast can last is erased when the store is opened. */
#define UNDO_SECONDS 60

typedef struct {
  GWeakRef store;
  GTask *task;     /* NULL: nobody waits for it */
  gint64 before;   /* what was deleted earlier is erased */
  gint64 limit;    /* rows in a step; -1: all that are left */
  gboolean marked; /* the messages that follow deleted ones */
  gboolean done;
} Erasure;

/* ---- a step, on the database's thread -------------------------------------------------------------------------- */

/* Deletes up to *left rows, of which it takes off those it deleted. */
static gboolean
delete_rows (sqlite3 *db, const char *sql, gint64 value, gint64 *left, GError **error)
{
  if (!quern_sql_run (db, error, sql, "ii", value, *left))
    return FALSE;
  if (*left >= 0)
    *left -= MIN (sqlite3_changes64 (db), *left);
  return TRUE;
}

static gint64
find_conversation (sqlite3 *db, const Erasure *self, GError **error)
{
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT id FROM conversation WHERE deleted < ?1 LIMIT 1", "i", self->before);

  return stmt && quern_sql_next (stmt, error) ? sqlite3_column_int64 (stmt, 0) : 0;
}

static gboolean
erase_conversations (sqlite3 *db, const Erasure *self, gint64 *left, GError **error)
{
  GError *failure = NULL;

  for (gint64 id; *left != 0 && (id = find_conversation (db, self, &failure));) {
    if (!delete_rows (db,
                      "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE conversation_id = ?1"
                      " ORDER BY id DESC LIMIT ?2)",
                      id, left, error))
      return FALSE;
    if (*left != 0 && !delete_rows (db, "DELETE FROM conversation WHERE id = ?1 AND ?2 <> 0", id, left, error))
      return FALSE;
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static gboolean
erase_step (sqlite3 *db, gpointer data, GError **error)
{
  Erasure *self = data;
  gint64 left = self->limit;

  if (!self->marked
      && !quern_sql_run (db, error,
                         "UPDATE message SET deleted = 0 WHERE deleted IS NOT 0 AND id IN ("
                         " WITH RECURSIVE doomed (id) AS (SELECT id FROM message WHERE deleted < ?1"
                         "  UNION SELECT message.id FROM message JOIN doomed ON message.parent_id = doomed.id)"
                         " SELECT id FROM doomed)",
                         "i", self->before))
    return FALSE;
  if (!delete_rows (db,
                    "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE deleted = ?1"
                    " ORDER BY id DESC LIMIT ?2)",
                    0, &left, error)
      || !erase_conversations (db, self, &left, error))
    return FALSE;
  self->marked = TRUE;
  self->done = left != 0;
  return !self->done
         || (quern_sql_run (db, error, "DELETE FROM comparison WHERE deleted < ?1", "i", self->before)
             && quern_sql_exec (db, "DELETE FROM blob WHERE hash NOT IN (SELECT hash FROM attachment)", error));
}

/* Deleted rows were overwritten with zeros (secure_delete); what is left of them is in the log. */
static gboolean
truncate_log (sqlite3 *db, gpointer data, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error, "PRAGMA wal_checkpoint (TRUNCATE)", "");
  GError *failure = NULL;
  gboolean busy;

  if (!stmt)
    return FALSE;
  busy = quern_sql_next (stmt, &failure) && sqlite3_column_int (stmt, 0) != 0;
  if (busy)
    g_set_error (&failure, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_BUSY,
                 _("Another application is using the database of conversations. Close it and try again."));
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* ---- one step after another ------------------------------------------------------------------------------------ */

/* Takes over the erasure and the error. */
static void
erasure_finish (Erasure *self, GError *error)
{
  g_autoptr (QuernStore) store = g_weak_ref_get (&self->store);

  if (self->task && error)
    g_task_return_error (self->task, g_steal_pointer (&error));
  else if (self->task)
    g_task_return_boolean (self->task, TRUE);
  else if (store && error && !g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_CLOSED))
    _quern_store_tell (store, g_strdup_printf (_("Deleted data is still on the disk: %s It will be erased when Quern "
                                                 "is started again."),
                                               error->message));
  g_clear_error (&error);
  g_weak_ref_clear (&self->store);
  g_clear_object (&self->task);
  g_free (self);
}

static void
quern_store_erase_truncated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  quern_database_call_finish (QUERN_DATABASE (source), result, &error);
  erasure_finish (user_data, error);
}

static void
quern_store_erase_step_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Erasure *self = user_data;
  QuernDatabase *database = QUERN_DATABASE (source);
  GCancellable *cancellable = self->task ? g_task_get_cancellable (self->task) : NULL;
  g_autoptr (GError) error = NULL;

  if (!quern_database_call_finish (database, result, &error)) {
    /* A clock that was set back leaves messages that are older than the one they follow, which only go together. */
    if (self->limit < 0 || !g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED)) {
      erasure_finish (self, g_steal_pointer (&error));
      return;
    }
    self->limit = -1;
    self->marked = self->done = FALSE;
  }
  if (self->done)
    quern_database_read_async (database, truncate_log, NULL, NULL, cancellable, quern_store_erase_truncated_cb, self);
  else
    quern_database_write_async (database, erase_step, self, NULL, cancellable, quern_store_erase_step_cb, self);
}

/* Takes over the task. */
static void
quern_store_erase (QuernStore *store, gint64 before, GTask *task)
{
  Erasure *self = g_new0 (Erasure, 1);

  g_weak_ref_init (&self->store, store);
  self->task = task;
  self->before = before;
  self->limit = STEP_ROWS;
  quern_database_write_async (quern_store_get_database (store), erase_step, self, NULL,
                              task ? g_task_get_cancellable (task) : NULL, quern_store_erase_step_cb, self);
}

/**
 * quern_store_erase_deleted_async:
 * @callback: (nullable): without one, the "notice" signal tells when it fails
 *
 * Really erases what was deleted: overwritten in the file, and gone from its log.
 */
void
quern_store_erase_deleted_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_signal_emit_by_name (self, "erased");
  quern_store_erase (self, QUERN_STORE_FIRST_IMPORTING,
                     callback ? g_task_new (self, cancellable, callback, user_data) : NULL);
}

/**
 * quern_store_erase_deleted_finish:
 *
 * Returns: whether all of it was erased
 */
gboolean
quern_store_erase_deleted_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
count_old (sqlite3 *db, gpointer data, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error,
                                                   "SELECT EXISTS (SELECT 1 FROM conversation WHERE deleted < ?1)"
                                                   " OR EXISTS (SELECT 1 FROM message WHERE deleted < ?1)"
                                                   " OR EXISTS (SELECT 1 FROM comparison WHERE deleted < ?1)",
                                                   "i", *(gint64 *) data);

  *(gint64 *) data = stmt && quern_sql_next (stmt, error) && sqlite3_column_int (stmt, 0);
  return TRUE;
}

void
_quern_store_erase_before (QuernStore *self, gint64 time)
{
  quern_store_erase (self, time, NULL);
}

void
_quern_store_erase_old (QuernStore *self)
{
  gint64 before = g_get_real_time () - UNDO_SECONDS * G_USEC_PER_SEC;
  gint64 any = before;

  if (quern_database_read (quern_store_get_database (self), count_old, &any, NULL) && any)
    quern_store_erase (self, before, NULL);
}

/* ---- everything ------------------------------------------------------------------------------------------------ */

/* What was taken out of the lists and comes back where erasing fails. */
typedef struct {
  GPtrArray *conversations, *folders;
} Hidden;

static void
hidden_free (gpointer data)
{
  Hidden *hidden = data;

  g_ptr_array_unref (hidden->conversations);
  g_ptr_array_unref (hidden->folders);
  g_free (hidden);
}

static gboolean
erase_all (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_exec (db, "DELETE FROM conversation; DELETE FROM comparison; DELETE FROM folder; DELETE FROM blob;",
                         error);
}

gboolean
_quern_store_remove_beside (const char *path, const char *suffix, QuernDatabase *living, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path), *name = g_path_get_basename (path);
  g_autofree char *prefix = g_strconcat (name, suffix, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  gboolean ok = dir != NULL;

  for (const char *entry = dir ? g_dir_read_name (dir) : NULL; entry; entry = g_dir_read_name (dir)) {
    g_autofree char *victim = g_build_filename (folder, entry, NULL);
    gint64 instance;
    char *end;

    if (!g_str_has_prefix (entry, prefix))
      continue;
    /* The name of a backup's copy goes on with the number of the instance, which may be reading it. */
    instance = g_ascii_strtoll (entry + strlen (prefix), &end, 10);
    if ((living && *end == '-' && quern_database_instance_alive (living, instance)) || g_unlink (victim) == 0
        || errno == ENOENT)
      continue;
    if (ok)
      g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED, _("“%s” could not be erased: %s."),
                   victim, g_strerror (errno));
    ok = FALSE;
  }
  return ok;
}

/* Backups from before migrations hold conversations as well, and so does what a crash leaves of restoring. */
static gboolean
remove_backups (sqlite3 *db, gpointer data, GError **error)
{
  QuernDatabase *database = data;
  const char *path = quern_database_get_path (database);

  if (!g_str_equal (path, ":memory:")
      && (!_quern_store_remove_beside (path, ".before-", NULL, error)
          || !_quern_store_remove_beside (path, QUERN_STORE_RESTORING, database, error)))
    return FALSE;
  return truncate_log (db, NULL, error);
}

static void
backups_removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (quern_database_call_finish (QUERN_DATABASE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
all_erased_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  QuernDatabase *database = QUERN_DATABASE (source);
  GError *error = NULL;

  if (quern_database_call_finish (database, result, &error)) {
    quern_database_read_async (database, remove_backups, database, NULL, NULL, backups_removed_cb, task);
    return;
  }
  QuernStore *self = g_task_get_source_object (task);
  const Hidden *hidden = g_task_get_task_data (task);
  for (guint i = 0; i < hidden->folders->len; i++)
    _quern_folder_show (self, hidden->folders->pdata[i]);
  for (guint i = 0; i < hidden->conversations->len; i++)
    _quern_store_show_conversation (self, hidden->conversations->pdata[i]);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/**
 * quern_store_erase_all_async:
 *
 * Erases every conversation, message and attachment, and the backups that hold them. There is no undo. Where the
 * conversations cannot be erased, all of them are kept and listed again.
 */
void
quern_store_erase_all_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  _quern_store_save_settings (self);
  Hidden *hidden = g_new (Hidden, 1);
  GListModel *conversations = quern_store_get_conversations (self);
  GListStore *folders = _quern_store_get_folder_list (self);

  *hidden = (Hidden) { g_ptr_array_new_with_free_func (g_object_unref),
                       g_ptr_array_new_with_free_func (g_object_unref) };
  for (guint i = g_list_model_get_n_items (conversations); i > 0; i--) {
    QuernConversation *conversation = g_list_model_get_item (conversations, i - 1);
    g_ptr_array_add (hidden->conversations, conversation);
    _quern_store_hide_conversation (self, conversation);
  }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (folders)); i++)
    g_ptr_array_add (hidden->folders, g_list_model_get_item (G_LIST_MODEL (folders), i));
  g_list_store_remove_all (folders);
  g_task_set_task_data (task, hidden, hidden_free);
  g_signal_emit_by_name (self, "erased");
  quern_database_write_async (quern_store_get_database (self), erase_all, NULL, NULL, cancellable, all_erased_cb, task);
}

/**
 * quern_store_erase_all_finish:
 *
 * Returns: whether all of it was erased: from the file, from its log, and the backups
 */
gboolean
quern_store_erase_all_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
