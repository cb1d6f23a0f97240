/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-store.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "quern-store-private.h"

/* Changed conversations are gathered for this long before they are written: what is not sent yet is typed letter by letter. */
#define SAVE_DELAY_MS 300

struct _QuernStore {
  GObject parent_instance;

  QuernDatabase *database;
  GListStore *conversations; /* newest first */
  GListStore *folders, *personas;
  GHashTable *dirty; /* set of QuernConversation * (owned): changed since they were written */
  guint save_source;
  char *notice;
};

enum { SIGNAL_PROBLEM, SIGNAL_RECOVERED, SIGNAL_NOTICE, SIGNAL_ERASED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernStore, quern_store, G_TYPE_OBJECT)

static gint64 last_id; /* guarded by the lock */
static GMutex last_id_lock;

/**
 * quern_store_new_id:
 *
 * Any thread.
 *
 * Returns: an id that grows with time and that no other instance makes: microseconds since 1970 with random low bits
 */
gint64
quern_store_new_id (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&last_id_lock);
  gint64 id = (g_get_real_time () << 10) | g_random_int_range (0, 1024);

  last_id = MAX (id, last_id + 1);
  return last_id;
}

/* New ids are larger than those of a store, also when the clock was set back: messages are older than what follows them. */
static gboolean
raise_last_id (sqlite3 *db, gpointer data, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&last_id_lock);

  last_id = MAX (last_id, MIN (quern_sql_int (db, "SELECT max (id) FROM message", 0), G_MAXINT64 / 2));
  return TRUE;
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void
write_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernStore) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_database_call_finish (QUERN_DATABASE (source), result, &error))
    g_signal_emit (self, signals[SIGNAL_PROBLEM], 0, error);
}

static void
quern_store_stalled_cb (QuernStore *self, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_PROBLEM], 0, error);
}

static void
quern_store_recovered_cb (QuernStore *self)
{
  g_signal_emit (self, signals[SIGNAL_RECOVERED], 0);
}

void
_quern_store_write (QuernStore *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy)
{
  quern_database_keep_async (self->database, func, data, destroy, write_done_cb, g_object_ref (self));
}

static void
call_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (quern_database_call_finish (QUERN_DATABASE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
_quern_store_call (QuernStore *self, gboolean write, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (destroy)
    g_task_set_task_data (task, data, destroy);
  (write ? quern_database_write_async : quern_database_read_async) (self->database, func, data, NULL, cancellable,
                                                                    call_done_cb, task);
}

gboolean
_quern_store_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gpointer
_quern_store_get_data (GAsyncResult *result)
{
  return g_task_get_task_data (G_TASK (result));
}

void
_quern_store_tell (QuernStore *self, char *sentence)
{
  g_free (self->notice);
  self->notice = sentence;
  g_signal_emit (self, signals[SIGNAL_NOTICE], 0, sentence);
}

/**
 * quern_store_get_notice:
 *
 * Returns: (transfer none) (nullable): the sentence of the last "notice", which may have come while the store was opened
 */
const char *
quern_store_get_notice (QuernStore *self)
{
  return self->notice;
}

/* ---- conversations --------------------------------------------------------------------------------------------- */

/* What is written of a conversation; its own copy, for the database's thread. */
typedef struct {
  gint64 id, created, updated, folder_id, context_start;
  char *title, *model_id, *sampling, *system_prompt, *unsent, *effort;
  gboolean title_given, pinned;
  int thinking;
  guint context_size;
} Row;

static Row *
row_new (QuernConversation *c)
{
  Row *row = g_new0 (Row, 1);

  row->id = quern_conversation_get_id (c);
  row->created = quern_conversation_get_created (c);
  row->updated = quern_conversation_get_updated (c);
  row->folder_id = quern_conversation_get_folder_id (c);
  row->title = g_strdup (quern_conversation_get_title (c));
  row->title_given = quern_conversation_get_title_given (c);
  row->pinned = quern_conversation_get_pinned (c);
  row->model_id = g_strdup (quern_conversation_get_model_id (c));
  row->thinking = quern_conversation_get_thinking (c);
  row->sampling = g_strdup (quern_conversation_get_sampling (c));
  row->context_size = quern_conversation_get_context_size (c);
  row->context_start = quern_conversation_get_context_start (c);
  row->system_prompt = g_strdup (quern_conversation_get_system_prompt (c));
  row->unsent = g_strdup (quern_conversation_get_unsent (c));
  row->effort = g_strdup (quern_conversation_get_effort (c));
  return row;
}

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->title);
  g_free (row->model_id);
  g_free (row->sampling);
  g_free (row->system_prompt);
  g_free (row->unsent);
  g_free (row->effort);
  g_free (row);
}

static gboolean
quern_store_save_row (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;

  return quern_sql_run (
      db, error,
      "INSERT INTO conversation (id, created, updated, title, title_given, pinned, folder_id, model_id,"
      " thinking, sampling, context_size, system_prompt, draft, context_start,"
      " effort)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULLIF (?7, 0), ?8, NULLIF (?9, -1), ?10, ?11, ?12, ?13, ?14, ?15)"
      " ON CONFLICT (id) DO UPDATE SET updated = ?3, title = ?4, title_given = ?5, pinned = ?6,"
      " folder_id = NULLIF (?7, 0), model_id = ?8, thinking = NULLIF (?9, -1), sampling = ?10,"
      " context_size = ?11, system_prompt = ?12, draft = ?13, context_start = ?14,"
      " effort = ?15",
      "iiisiiisisissis", row->id, row->created, row->updated, row->title, (gint64) row->title_given,
      (gint64) row->pinned, row->folder_id, row->model_id, (gint64) row->thinking, row->sampling,
      (gint64) row->context_size, row->system_prompt, row->unsent, row->context_start, row->effort);
}

gboolean
_quern_store_save_conversation (sqlite3 *db, QuernConversation *conversation, GError **error)
{
  Row *row = row_new (conversation);
  gboolean ok = quern_store_save_row (db, row, error);

  row_free (row);
  return ok;
}

void
_quern_store_save_settings (QuernStore *self)
{
  GHashTableIter iter;
  gpointer conversation;

  g_clear_handle_id (&self->save_source, g_source_remove);
  g_hash_table_iter_init (&iter, self->dirty);
  while (g_hash_table_iter_next (&iter, &conversation, NULL))
    _quern_store_write (self, quern_store_save_row, row_new (conversation), row_free);
  g_hash_table_remove_all (self->dirty);
}

static gboolean
quern_store_save_cb (gpointer data)
{
  QuernStore *self = data;

  self->save_source = 0;
  _quern_store_save_settings (self);
  return G_SOURCE_REMOVE;
}

static void
quern_store_changed_cb (QuernStore *self, GParamSpec *pspec, QuernConversation *conversation)
{
  if (!(pspec->flags & G_PARAM_WRITABLE) && !g_str_equal (pspec->name, "updated"))
    return;
  if (!g_hash_table_contains (self->dirty, conversation))
    g_hash_table_add (self->dirty, g_object_ref (conversation));
  if (self->save_source == 0)
    self->save_source = g_timeout_add (SAVE_DELAY_MS, quern_store_save_cb, self);
}

static int
compare_conversations (gconstpointer a, gconstpointer b, gpointer user_data)
{
  gint64 left = quern_conversation_get_updated ((QuernConversation *) a);
  gint64 right = quern_conversation_get_updated ((QuernConversation *) b);

  return left < right ? 1 : left > right ? -1 : 0;
}

void
_quern_store_show_conversation (QuernStore *self, QuernConversation *conversation)
{
  g_list_store_insert_sorted (self->conversations, conversation, compare_conversations, NULL);
  g_signal_connect_object (conversation, "notify", G_CALLBACK (quern_store_changed_cb), self, G_CONNECT_SWAPPED);
}

void
_quern_store_hide_conversation (QuernStore *self, QuernConversation *conversation)
{
  guint position;

  g_signal_handlers_disconnect_by_data (conversation, self);
  if (g_list_store_find (self->conversations, conversation, &position))
    g_list_store_remove (self->conversations, position);
}

void
_quern_store_touch (QuernStore *self, QuernConversation *conversation)
{
  guint position;

  quern_conversation_touch (conversation, g_get_real_time ());
  if (!g_list_store_find (self->conversations, conversation, &position) || position == 0)
    return;
  g_object_ref (conversation);
  g_list_store_remove (self->conversations, position);
  g_list_store_insert_sorted (self->conversations, conversation, compare_conversations, NULL);
  g_object_unref (conversation);
}

/**
 * quern_store_get_conversations:
 *
 * Returns: (transfer none): a live list of #QuernConversation, newest first, without deleted ones
 */
GListModel *
quern_store_get_conversations (QuernStore *self)
{
  return G_LIST_MODEL (self->conversations);
}

/**
 * quern_store_get_conversation:
 *
 * Returns: (transfer none) (nullable): the conversation of that id
 */
QuernConversation *
quern_store_get_conversation (QuernStore *self, gint64 id)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);
    if (quern_conversation_get_id (conversation) == id)
      return conversation; /* the list holds it */
  }
  return NULL;
}

/**
 * quern_store_add_conversation:
 * @conversation: a new one; does nothing when it was added before
 *
 * Gives it an id, and a time unless it has one, shows it in the list and keeps it on disk from now on.
 */
void
quern_store_add_conversation (QuernStore *self, QuernConversation *conversation)
{
  gint64 now = g_get_real_time ();

  if (quern_conversation_get_id (conversation) != 0)
    return;
  quern_conversation_set_ids (conversation, quern_store_new_id (),
                              quern_conversation_get_created (conversation)
                                  ? quern_conversation_get_created (conversation)
                                  : now);
  quern_conversation_touch (conversation, now);
  _quern_store_write (self, quern_store_save_row, row_new (conversation), row_free);
  _quern_store_show_conversation (self, conversation);
}

typedef struct {
  gint64 id, deleted; /* deleted: 0 to bring it back */
} Deletion;

static gboolean
mark_deleted (sqlite3 *db, gpointer data, GError **error)
{
  const Deletion *deletion = data;

  return quern_sql_run (db, error, "UPDATE conversation SET deleted = NULLIF (?2, 0) WHERE id = ?1", "ii", deletion->id,
                        deletion->deleted);
}

static void
set_deleted (QuernStore *self, QuernConversation *conversation, gint64 deleted)
{
  Deletion *deletion = g_new (Deletion, 1);

  *deletion = (Deletion) { quern_conversation_get_id (conversation), deleted };
  _quern_store_write (self, mark_deleted, deletion, g_free);
}

/**
 * quern_store_delete_conversation:
 *
 * Takes it out of the list; quern_store_restore_conversation() brings it back until it is erased by
 * quern_store_erase_deleted_async() or the next start.
 */
void
quern_store_delete_conversation (QuernStore *self, QuernConversation *conversation)
{
  _quern_store_save_settings (self);
  _quern_store_hide_conversation (self, conversation);
  set_deleted (self, conversation, g_get_real_time ());
}

/**
 * quern_store_withdraw_conversation:
 * @conversation: one without messages
 *
 * Takes it out of the store again, as if it had never been added; it can be added anew.
 */
void
quern_store_withdraw_conversation (QuernStore *self, QuernConversation *conversation)
{
  quern_store_delete_conversation (self, conversation);
  quern_conversation_set_ids (conversation, 0, quern_conversation_get_created (conversation));
}

void
quern_store_restore_conversation (QuernStore *self, QuernConversation *conversation)
{
  set_deleted (self, conversation, 0);
  if (quern_store_get_conversation (self, quern_conversation_get_id (conversation)) == NULL) /* a backup may have */
    _quern_store_show_conversation (self, conversation);
}

GListStore *
_quern_store_get_folder_list (QuernStore *self)
{
  return self->folders;
}

GListStore *
_quern_store_get_persona_list (QuernStore *self)
{
  return self->personas;
}

/* ---- backup ---------------------------------------------------------------------------------------------------- */

static gboolean
nothing (sqlite3 *db, gpointer data, GError **error)
{
  return TRUE;
}

static void
quern_store_backup_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernStore *self = source;
  GError *error = NULL;

  if (quern_database_write (self->database, nothing, NULL, &error) /* nothing waits for being written */
      && quern_database_backup (self->database, data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_store_backup_async:
 * @path: where to; an older file of that name is replaced once the new one was read back
 *
 * Copies everything into one file, which can take the place of the database, or of which quern_store_restore_async() brings
 * back what is missing.
 */
void
quern_store_backup_async (QuernStore *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  _quern_store_save_settings (self);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, quern_store_backup_worker);
}

/**
 * quern_store_backup_finish:
 *
 * Returns: whether the backup was written and could be read back
 */
gboolean
quern_store_backup_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

/* Runs `change` for each number of an instance that `query` finds and that is not alive. */
static gboolean
change_dead (sqlite3 *db, QuernDatabase *database, const char *query, const char *change, GError **error)
{
  g_autoptr (GArray) dead = g_array_new (FALSE, FALSE, sizeof (gint64));
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, &failure, query, "");

  while (stmt && quern_sql_next (stmt, &failure)) {
    gint64 owner = sqlite3_column_int64 (stmt, 0);
    if (!quern_database_instance_alive (database, owner))
      g_array_append_val (dead, owner);
  }
  g_clear_pointer (&stmt, sqlite3_finalize);
  for (guint i = 0; i < dead->len && !failure; i++)
    quern_sql_run (db, &failure, change, "i", g_array_index (dead, gint64, i));
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* Answers that a crashed instance was writing, and what it was importing; those of living instances are left alone. */
static gboolean
quern_store_recover (sqlite3 *db, gpointer data, GError **error)
{
  return change_dead (db, data, "SELECT DISTINCT owner FROM message WHERE state = 'streaming'",
                      "UPDATE message SET state = 'interrupted', owner = 0 WHERE state = 'streaming' AND owner = ?1",
                      error)
         && change_dead (db, data,
                         "SELECT DISTINCT 9223372036854775807 - deleted FROM conversation"
                         " WHERE deleted >= 9223372032559808512",
                         "UPDATE conversation SET deleted = 1 WHERE deleted = 9223372036854775807 - ?1", error);
}

gboolean
_quern_store_load_conversations (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *list = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT id, created, updated, title, title_given, pinned, folder_id, model_id, thinking,"
                       " sampling, context_size, system_prompt, draft, context_start, effort FROM conversation WHERE"
                       " deleted IS NULL"
                       " ORDER BY updated DESC",
                       "");

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    QuernConversation *c = quern_conversation_new ();

    quern_conversation_set_ids (c, sqlite3_column_int64 (stmt, 0), sqlite3_column_int64 (stmt, 1));
    quern_conversation_touch (c, sqlite3_column_int64 (stmt, 2));
    quern_conversation_set_title (c, (const char *) sqlite3_column_text (stmt, 3), sqlite3_column_int (stmt, 4));
    quern_conversation_set_pinned (c, sqlite3_column_int (stmt, 5));
    quern_conversation_set_folder_id (c, sqlite3_column_int64 (stmt, 6));
    quern_conversation_set_model_id (c, (const char *) sqlite3_column_text (stmt, 7));
    if (sqlite3_column_type (stmt, 8) != SQLITE_NULL)
      quern_conversation_set_thinking (c, sqlite3_column_int (stmt, 8) != 0);
    quern_conversation_set_sampling (c, (const char *) sqlite3_column_text (stmt, 9));
    quern_conversation_set_context_size (c, (guint) sqlite3_column_int (stmt, 10));
    quern_conversation_set_system_prompt (c, (const char *) sqlite3_column_text (stmt, 11));
    quern_conversation_set_unsent (c, (const char *) sqlite3_column_text (stmt, 12));
    quern_conversation_set_context_start (c, sqlite3_column_int64 (stmt, 13));
    quern_conversation_set_effort (c, (const char *) sqlite3_column_text (stmt, 14));
    g_ptr_array_add (list, c);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* Takes over the database. What is kept is read first; whatever else opening does may fail and be done another time. */
static QuernStore *
open_database (QuernDatabase *database, GError **error)
{
  g_autoptr (QuernStore) self = g_object_new (QUERN_TYPE_STORE, NULL);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) failure = NULL;

  self->database = database;
  if (!quern_database_read (self->database, _quern_store_load_conversations, list, error)
      || !quern_database_read (self->database, _quern_folder_load, self->folders, error)
      || !quern_database_read (self->database, _quern_persona_load, self->personas, error))
    return NULL;
  self->notice = g_strdup (quern_database_get_notice (database));
  if (!quern_database_write (self->database, quern_store_recover, self->database, &failure))
    _quern_store_tell (self, g_strdup_printf (_("Interrupted answers could not be marked: %s"), failure->message));
  quern_database_read (self->database, raise_last_id, NULL, NULL);
  g_signal_connect_object (self->database, "stalled", G_CALLBACK (quern_store_stalled_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->database, "recovered", G_CALLBACK (quern_store_recovered_cb), self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < list->len; i++)
    _quern_store_show_conversation (self, g_ptr_array_index (list, i));
  return g_steal_pointer (&self);
}

/**
 * quern_store_open:
 * @path: the database's file
 *
 * Opens it, reads the list of conversations, marks answers that a crash cut off as interrupted, and begins to erase what was
 * deleted long ago (which goes on as long as a main loop runs). Blocks; the UI uses quern_store_open_async(). On failure
 * nothing was changed: %QUERN_DATABASE_ERROR says why.
 *
 * Returns: (transfer full) (nullable): the store; quern_store_get_notice() says what could not be done
 */
QuernStore *
quern_store_open (const char *path, GError **error)
{
  QuernDatabase *database = quern_database_open (path, error);
  QuernStore *self = database ? open_database (database, error) : NULL;

  if (self)
    _quern_store_erase_old (self);
  return self;
}

/**
 * quern_store_open_in_memory:
 *
 * Returns: (transfer full): an empty store that keeps nothing, for when the real one cannot be opened
 */
QuernStore *
quern_store_open_in_memory (void)
{
  return quern_store_open (":memory:", NULL);
}

static void
quern_store_open_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernStore *self = quern_store_open (data, &error);

  /* What is kept can be read where nothing may be written. */
  if (!self && !g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_NEWER)) {
    QuernDatabase *database = quern_database_open_copy (data, NULL);

    self = database ? open_database (database, NULL) : NULL;
    if (self) {
      _quern_store_tell (self, g_strdup_printf (_("Your conversations can be read, but new messages cannot be saved: "
                                                  "%s"),
                                                error->message));
      g_clear_error (&error);
    }
  }
  if (self)
    g_task_return_pointer (task, self, g_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * quern_store_open_async:
 *
 * Like quern_store_open(). A file that can be read but not used, because its folder may not be written or the disk is full,
 * is read into memory: the result then holds what is kept, and its notice says that nothing new is.
 */
void
quern_store_open_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, quern_store_open_worker);
}

/**
 * quern_store_open_finish:
 *
 * Returns: (transfer full) (nullable): the store
 */
QuernStore *
quern_store_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

QuernDatabase *
quern_store_get_database (QuernStore *self)
{
  return self->database;
}

/**
 * quern_store_flush_async:
 *
 * Is done when everything that was changed so far is on disk, or waits for it to have space again.
 */
void
quern_store_flush_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  _quern_store_save_settings (self);
  _quern_store_call (self, TRUE, nothing, NULL, NULL, cancellable, callback, user_data);
}

/**
 * quern_store_flush_finish:
 *
 * Returns: whether nothing is waiting; a single change that failed was told by "problem"
 */
gboolean
quern_store_flush_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  return _quern_store_finish (self, result, error);
}

/**
 * quern_store_close:
 *
 * Writes what is still to be written and closes the file; blocks until that is done. For the program's end.
 */
void
quern_store_close (QuernStore *self)
{
  _quern_store_save_settings (self);
  quern_database_close (self->database);
}

static void
quern_store_dispose (GObject *object)
{
  QuernStore *self = QUERN_STORE (object);

  if (self->database)
    quern_store_close (self);
  g_clear_object (&self->database);
  g_clear_object (&self->conversations);
  g_clear_object (&self->folders);
  g_clear_object (&self->personas);
  g_clear_pointer (&self->dirty, g_hash_table_unref);
  g_clear_pointer (&self->notice, g_free);
  G_OBJECT_CLASS (quern_store_parent_class)->dispose (object);
}

static void
quern_store_class_init (QuernStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_store_dispose;

  /**
   * QuernStore::problem:
   * @error: why something could not be saved. Where that may pass (%QUERN_DATABASE_ERROR_FULL, _READ_ONLY, _BUSY and _DISK), it
   *   is kept in memory and saved as soon as possible; "recovered" comes then.
   */
  signals[SIGNAL_PROBLEM] = g_signal_new ("problem", QUERN_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_RECOVERED] = g_signal_new ("recovered", QUERN_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 0);
  /**
   * QuernStore::notice:
   * @sentence: what could not be done for now, for people; nothing that is kept is lost by it
   */
  signals[SIGNAL_NOTICE] = g_signal_new ("notice", QUERN_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * QuernStore::erased:
   *
   * Conversations are being erased for good: whoever keeps something of them elsewhere erases it too.
   */
  signals[SIGNAL_ERASED] = g_signal_new ("erased", QUERN_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 0);
}

static void
quern_store_init (QuernStore *self)
{
  self->conversations = g_list_store_new (QUERN_TYPE_CONVERSATION);
  self->folders = g_list_store_new (QUERN_TYPE_FOLDER);
  self->personas = g_list_store_new (QUERN_TYPE_PERSONA);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}
