/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-database.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "quern-fts.h"
#include "quern-schema.h"
#include "quern-sql.h"

/* One connection, one thread, one queue. Jobs run in the order in which they were asked for, so a read sees every write
 * that was queued before it. Nothing else ever touches the connection once the thread runs.
 *
 * A disk may be full for a while. Writes that were asked to wait (quern_database_keep_async()) are then held back, with all
 * such writes after them, and tried again in their order: when another write comes, every few seconds, and at the end.
 *
 * Beside the database lies NAME.lock, where each instance of Quern holds a lock on one byte at the offset of its
 * random number. The system lets go of it however the process ends, so anyone can tell whether an instance lives. */

#define RETRY_SECONDS 2
#define OPEN_TRIES 4

struct _QuernDatabase {
  GObject parent_instance;

  char *path; /* ":memory:" for one that is not kept */
  char *notice;
  sqlite3 *db;
  int lock_fd;
  gint64 instance;

  GThread *thread;
  GMutex lock;
  GAsyncQueue *jobs; /* of Job; NULL once closed; guarded by lock */
};

typedef struct {
  QuernDatabaseFunc func; /* NULL: stop */
  gpointer data;
  gboolean write;
  gboolean waits;        /* while it cannot be written */
  GTask *task;           /* for asynchronous calls */
  struct Waiter *waiter; /* for synchronous ones */
} Job;

typedef struct Waiter {
  GMutex lock;
  GCond done_cond;
  gboolean done, ok;
  GError **error;
} Waiter;

enum { SIGNAL_STALLED, SIGNAL_RECOVERED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernDatabase, quern_database, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-database-error-quark, quern_database_error)

/* ---- the thread ------------------------------------------------------------------------------------------------ */

/* *index_damaged: set when it failed because of the full-text index. */
static gboolean
try_transaction (sqlite3 *db, Job *job, gboolean *index_damaged, GError **error)
{
  if (!quern_sql_exec (db, "BEGIN IMMEDIATE", error))
    return FALSE;
  if (job->func (db, job->data, error) && quern_sql_exec (db, "COMMIT", error))
    return TRUE;
  *index_damaged = sqlite3_extended_errcode (db) == SQLITE_CORRUPT_VTAB;
  quern_sql_rollback (db);
  return FALSE;
}

/* The index can be made anew from the messages: its damage must not keep anybody from writing. */
static gboolean
run_in_transaction (sqlite3 *db, Job *job, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean index_damaged = FALSE;

  if (!job->write)
    return job->func (db, job->data, error);
  if (try_transaction (db, job, &index_damaged, &failure))
    return TRUE;
  if (index_damaged && quern_fts_rebuild (db, NULL))
    return try_transaction (db, job, &index_damaged, error);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* Tells the caller, and frees the job; takes over the error. */
static void
job_finish (Job *job, gboolean ok, GError *error)
{
  if (job->waiter) {
    g_mutex_lock (&job->waiter->lock);
    job->waiter->ok = ok;
    if (error)
      g_propagate_error (job->waiter->error, error);
    job->waiter->done = TRUE;
    g_cond_signal (&job->waiter->done_cond);
    g_mutex_unlock (&job->waiter->lock);
  } else if (ok) {
    g_task_return_boolean (job->task, TRUE);
  } else {
    g_task_return_error (job->task, error);
  }
  g_clear_object (&job->task);
  g_free (job);
}

/* What may be different in a moment. */
static gboolean
may_pass (const GError *error)
{
  return g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FULL)
         || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_READ_ONLY)
         || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_BUSY)
         || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DISK);
}

typedef struct {
  QuernDatabase *database;
  GError *error; /* NULL: recovered */
} News;

static gboolean
quern_database_news_cb (gpointer data)
{
  News *news = data;

  if (news->error)
    g_signal_emit (news->database, signals[SIGNAL_STALLED], 0, news->error);
  else
    g_signal_emit (news->database, signals[SIGNAL_RECOVERED], 0);
  return G_SOURCE_REMOVE;
}

static void
news_free (gpointer data)
{
  News *news = data;

  g_object_unref (news->database);
  g_clear_error (&news->error);
  g_free (news);
}

/* Emits "stalled" or "recovered" where the writer of the job lives, before anything that is told there later. */
static void
quern_database_tell (Job *job, const GError *error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  News *news = g_new (News, 1);

  *news = (News) { g_object_ref (g_task_get_source_object (job->task)), error ? g_error_copy (error) : NULL };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, quern_database_news_cb, news, news_free);
  g_source_attach (source, g_task_get_context (job->task));
}

/* Tries what was held back. Returns whether nothing is left of it; the error says why something is. */
static gboolean
run_held (GQueue *held, sqlite3 *db, GError **failure)
{
  for (Job *job; (job = g_queue_peek_head (held));) {
    GError *error = NULL;
    gboolean ok = run_in_transaction (db, job, &error);
    if (!ok && may_pass (error)) {
      g_propagate_error (failure, error);
      return FALSE;
    }
    g_queue_pop_head (held);
    if (g_queue_is_empty (held))
      quern_database_tell (job, NULL);
    job_finish (job, ok, error);
  }
  return TRUE;
}

static void
job_run (Job *job, sqlite3 *db, GQueue *held)
{
  GError *error = NULL;
  gboolean ok;

  if (job->task && g_task_return_error_if_cancelled (job->task)) {
    g_object_unref (job->task);
    g_free (job);
    return;
  }
  if (job->write && !run_held (held, db, job->waits ? NULL : &error)) { /* none overtakes another */
    if (job->waits)
      g_queue_push_tail (held, job);
    else
      job_finish (job, FALSE, error);
    return;
  }
  ok = run_in_transaction (db, job, &error);
  if (!ok && job->waits && may_pass (error)) {
    quern_database_tell (job, error);
    g_error_free (error);
    g_queue_push_tail (held, job);
    return;
  }
  job_finish (job, ok, error);
}

static Job *
next_job (GAsyncQueue *jobs, GQueue *held)
{
  return g_queue_is_empty (held) ? g_async_queue_pop (jobs)
                                 : g_async_queue_timeout_pop (jobs, RETRY_SECONDS * G_USEC_PER_SEC);
}

static gpointer
database_thread (gpointer data)
{
  g_autoptr (GAsyncQueue) jobs = ((gpointer *) data)[0];
  sqlite3 *db = ((gpointer *) data)[1];
  GQueue held = G_QUEUE_INIT;
  Job *job;

  g_free (data);
  for (job = next_job (jobs, &held); !job || job->func; job = next_job (jobs, &held)) {
    if (job)
      job_run (job, db, &held);
    else
      run_held (&held, db, NULL);
  }
  g_free (job);
  /* The last try; what cannot be written even now is lost. */
  run_held (&held, db, NULL);
  for (Job *left; (left = g_queue_pop_head (&held));) {
    GError *error = NULL;
    gboolean ok = run_in_transaction (db, left, &error);
    job_finish (left, ok, error);
  }
  sqlite3_close_v2 (db);
  return NULL;
}

static void
quern_database_start_thread (QuernDatabase *self)
{
  gpointer *data = g_new (gpointer, 2);

  self->jobs = g_async_queue_new ();
  data[0] = g_async_queue_ref (self->jobs);
  data[1] = self->db;
  self->thread = g_thread_new ("quern-database", database_thread, data);
}

/* Takes the job over; FALSE when the database was closed. */
static gboolean
push_job (QuernDatabase *self, Job *job)
{
  gboolean open;

  g_mutex_lock (&self->lock);
  open = self->jobs != NULL;
  if (open)
    g_async_queue_push (self->jobs, job);
  g_mutex_unlock (&self->lock);
  if (!open)
    g_free (job);
  return open;
}

static GError *
closed_error (void)
{
  return g_error_new_literal (QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_CLOSED,
                              _("The database of conversations was closed."));
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void
call_async (QuernDatabase *self, gboolean write, gboolean waits, QuernDatabaseFunc func, gpointer data,
            GDestroyNotify destroy, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Job *job = g_new0 (Job, 1);

  g_task_set_source_tag (task, call_async);
  if (destroy)
    g_task_set_task_data (task, data, destroy);
  *job = (Job) { func, data, write, waits, g_object_ref (task), NULL };
  if (!push_job (self, job)) {
    g_task_return_error (task, closed_error ());
    g_object_unref (task);
  }
}

/**
 * quern_database_write_async:
 * @func: runs on the database's thread, in a transaction that is rolled back when it fails
 * @data: for @func; it stays alive until the call is over
 * @destroy: (nullable): frees @data when the call's #GTask goes; may run on any thread
 *
 * Calls run one after another, in the order of these calls. Cancelling works until the job has begun. While something
 * that was kept (see quern_database_keep_async()) cannot be written, this fails for the same reason.
 */
void
quern_database_write_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_DATABASE (self) && func);
  call_async (self, TRUE, FALSE, func, data, destroy, cancellable, callback, user_data);
}

/**
 * quern_database_keep_async:
 *
 * Like quern_database_write_async(), for what must not be lost: where there is no space, or the file may not be written just
 * now, it waits until it can be and is tried a last time by quern_database_close(). "stalled" and "recovered" tell of that.
 */
void
quern_database_keep_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_DATABASE (self) && func);
  call_async (self, TRUE, TRUE, func, data, destroy, NULL, callback, user_data);
}

/**
 * quern_database_read_async:
 *
 * Like quern_database_write_async(), without a transaction. Sees all writes that were asked for before it.
 */
void
quern_database_read_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_DATABASE (self) && func);
  call_async (self, FALSE, FALSE, func, data, destroy, cancellable, callback, user_data);
}

/**
 * quern_database_call_finish:
 *
 * Returns: whether this call's own func succeeded and, for a write, was committed
 */
gboolean
quern_database_call_finish (QuernDatabase *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
call_sync (QuernDatabase *self, gboolean write, QuernDatabaseFunc func, gpointer data, GError **error)
{
  Waiter waiter = { .error = error };
  Job *job = g_new0 (Job, 1);

  g_mutex_init (&waiter.lock);
  g_cond_init (&waiter.done_cond);
  *job = (Job) { func, data, write, FALSE, NULL, &waiter };
  if (!push_job (self, job)) {
    g_propagate_error (error, closed_error ());
    waiter.done = TRUE;
  }
  g_mutex_lock (&waiter.lock);
  while (!waiter.done)
    g_cond_wait (&waiter.done_cond, &waiter.lock);
  g_mutex_unlock (&waiter.lock);
  g_cond_clear (&waiter.done_cond);
  g_mutex_clear (&waiter.lock);
  return waiter.ok;
}

/**
 * quern_database_write:
 *
 * The blocking form of quern_database_write_async(), for threads other than the UI's and for the command line.
 */
gboolean
quern_database_write (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GError **error)
{
  g_return_val_if_fail (QUERN_IS_DATABASE (self) && func, FALSE);
  return call_sync (self, TRUE, func, data, error);
}

gboolean
quern_database_read (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GError **error)
{
  g_return_val_if_fail (QUERN_IS_DATABASE (self) && func, FALSE);
  return call_sync (self, FALSE, func, data, error);
}

/* ---- backup and migrations ------------------------------------------------------------------------------------- */

static gboolean
backup_func (sqlite3 *db, gpointer data, GError **error)
{
  const char *path = data;
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  gint64 version = quern_sql_int (db, "PRAGMA user_version", 0);
  sqlite3 *copy = NULL;
  gboolean ok;

  g_unlink (part);
  if (!quern_sql_run (db, error, "VACUUM INTO ?1", "s", part)) {
    g_unlink (part);
    return FALSE;
  }
  /* A copy counts only when it opens, is whole and has the schema of the original. */
  ok = sqlite3_open_v2 (part, &copy, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK && quern_fts_register (copy, NULL)
       && quern_sql_int (copy, "PRAGMA user_version", -1) == version && quern_sql_is_intact (copy, "main");
  if (!ok)
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED,
                 _("The backup “%s” could not be verified, so nothing was changed. Check the disk."), part);
  sqlite3_close_v2 (copy);
  if (!ok) {
    g_unlink (part);
    return FALSE;
  }
  if (g_rename (part, path) != 0) {
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED,
                 _("The backup “%s” could not be renamed: "
                   "%s."),
                 path, g_strerror (errno));
    g_unlink (part);
    return FALSE;
  }
  return TRUE;
}

/**
 * quern_database_backup:
 * @path: where to; an older file of that name is replaced once the new one was read back
 *
 * Blocks; call it from a thread of its own.
 */
gboolean
quern_database_backup (QuernDatabase *self, const char *path, GError **error)
{
  g_return_val_if_fail (QUERN_IS_DATABASE (self) && path, FALSE);
  return call_sync (self, FALSE, backup_func, (gpointer) path, error);
}

/* -1 with the error set where it cannot be read. */
static gint64
read_version (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, error, "PRAGMA user_version", "");
  gint64 version;

  if (!stmt || !quern_sql_next (stmt, error))
    return -1;
  version = sqlite3_column_int64 (stmt, 0);
  if (version >= 0)
    return version;
  g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED,
               _("The database of conversations is damaged (%s). It was not changed; restore a backup or move it "
                 "away."),
               "user_version < 0");
  return -1;
}

static gboolean
quern_database_migrate (QuernDatabase *self, const QuernMigration *migrations, guint n_migrations, GError **error)
{
  gint64 version = read_version (self->db, error), tables;

  if (version < 0)
    return FALSE;
  tables = quern_sql_int (self->db, "SELECT count (*) FROM sqlite_schema", -1);
  if (tables < 0)
    return quern_sql_fail (self->db, error);
  if (tables > 0 && quern_sql_int (self->db, "PRAGMA application_id", 0) != QUERN_SCHEMA_APPLICATION_ID) {
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED,
                 _("“%s” is the database of another application. Move it away and start Quern again."), self->path);
    return FALSE;
  }
  if (version > n_migrations) {
    g_set_error (
        error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_NEWER,
        _("Your conversations were saved by a newer version of Quern. They are untouched; update Quern to open them."));
    return FALSE;
  }
  if (version == n_migrations)
    return TRUE;
  if (version > 0 && self->lock_fd >= 0) { /* one in memory is a copy already */
    /* A file of which no copy can be made, because the disk is full or a part of it is damaged, is brought to the new
     * schema all the same: that is one transaction, and without it nothing in the file could be shown. */
    g_autofree char *path = g_strdup_printf ("%s.before-schema-%" G_GINT64_FORMAT, self->path, version + 1);
    g_autoptr (GError) cause = NULL;

    if (!backup_func (self->db, path, &cause))
      self->notice = g_strdup_printf (_("Your conversations were updated for this version of Quern, but could not be "
                                        "backed up first: %s"),
                                      cause->message);
  }
  /* All missing steps in one transaction; the version is read again inside it, another instance may have been faster. */
  gboolean ok = quern_sql_exec (self->db, "BEGIN IMMEDIATE", error);
  gint64 at = ok ? read_version (self->db, error) : -1;
  g_autofree char *marks = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %u",
                                            QUERN_SCHEMA_APPLICATION_ID, n_migrations);

  ok = ok && at >= 0;
  for (gint64 step = at; ok && step < n_migrations; step++)
    ok = quern_sql_exec (self->db, migrations[step].sql, error);
  ok = ok && quern_sql_exec (self->db, marks, error) && quern_sql_exec (self->db, "COMMIT", error);
  if (!ok)
    quern_sql_rollback (self->db);
  return ok;
}

/* ---- instances ------------------------------------------------------------------------------------------------- */

static gboolean
lock_byte (int fd, int command, gint64 offset, struct flock *lock)
{
  *lock = (struct flock) { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1 };
  return fcntl (fd, command, lock) == 0;
}

/**
 * quern_database_get_instance:
 *
 * Returns: a number that no other running instance with this database has; never 0
 */
gint64
quern_database_get_instance (QuernDatabase *self)
{
  return self->instance;
}

/**
 * quern_database_instance_alive:
 * @instance: what an instance's quern_database_get_instance() said, perhaps long ago
 *
 * Returns: whether that instance still has the database open. Any thread.
 */
gboolean
quern_database_instance_alive (QuernDatabase *self, gint64 instance)
{
  struct flock lock;

  if (instance == self->instance)
    return TRUE;
  if (instance <= 0 || self->lock_fd < 0)
    return FALSE;
  return lock_byte (self->lock_fd, F_OFD_GETLK, instance, &lock) && lock.l_type != F_UNLCK;
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

static gboolean
quern_database_configure (sqlite3 *db, GError **error)
{
  sqlite3_busy_timeout (db, 5000);
  return quern_fts_register (db, error)
         && quern_sql_exec (db, "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
                            error)
         && quern_sql_exec (db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", error);
}

static gboolean
connect_file (QuernDatabase *self, GError **error)
{
  int rc = sqlite3_open_v2 (self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                            NULL);

  if (rc == SQLITE_OK)
    return TRUE;
  if (self->db)
    return quern_sql_fail (self->db, error);
  g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED, "%s", sqlite3_errstr (rc));
  return FALSE;
}

/* A disk that refuses is asked again: on loaded machines a file could not be read that was sound a moment later. */
static gboolean
open_file (QuernDatabase *self, const QuernMigration *migrations, guint n_migrations, GError **error)
{
  for (guint n_tries = 1;; n_tries++) {
    g_autoptr (GError) failure = NULL;

    if (connect_file (self, &failure) && quern_database_configure (self->db, &failure)
        && quern_database_migrate (self, migrations, n_migrations, &failure))
      return TRUE;
    if (n_tries == OPEN_TRIES || !g_error_matches (failure, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DISK)) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
    sqlite3_close_v2 (g_steal_pointer (&self->db));
    g_usleep (n_tries * 50000);
  }
}

/**
 * quern_database_open_full:
 * @path: the file, or ":memory:" for a database that lives as long as the object
 * @migrations: the steps of the schema, all of them
 *
 * Opens or makes a database and brings it to the newest schema, after a backup that was read back where one can be made
 * (see quern_database_get_notice()). Where that fails, the file is as it was. Blocks for some
 * milliseconds, longer when there is something to migrate.
 *
 * Returns: (transfer full) (nullable): the database
 */
QuernDatabase *
quern_database_open_full (const char *path, const QuernMigration *migrations, guint n_migrations, GError **error)
{
  g_autoptr (QuernDatabase) self = g_object_new (QUERN_TYPE_DATABASE, NULL);
  gboolean in_memory = g_str_equal (path, ":memory:");
  g_autofree char *folder = g_path_get_dirname (path);

  self->path = g_strdup (path);
  self->instance = 1;
  if (!in_memory && g_mkdir_with_parents (folder, 0700) != 0) {
    g_set_error (error, QUERN_DATABASE_ERROR,
                 errno == ENOSPC ? QUERN_DATABASE_ERROR_FULL : QUERN_DATABASE_ERROR_READ_ONLY,
                 _("The folder “%s” could not be created: %s."), folder, g_strerror (errno));
    return NULL;
  }
  if (!in_memory) {
    g_autofree char *lock_path = g_strconcat (path, ".lock", NULL);
    struct flock lock;

    self->lock_fd = g_open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->lock_fd < 0) {
      g_set_error (error, QUERN_DATABASE_ERROR,
                   errno == ENOSPC ? QUERN_DATABASE_ERROR_FULL : QUERN_DATABASE_ERROR_READ_ONLY,
                   _("“%s” cannot be written: %s. Check the folder’s permissions and free space."), lock_path,
                   g_strerror (errno));
      return NULL;
    }
    do
      self->instance = (gint64) g_random_int_range (1, G_MAXINT32);
    while (!lock_byte (self->lock_fd, F_OFD_SETLK, self->instance, &lock) && (errno == EAGAIN || errno == EACCES));
  }
  if (!open_file (self, migrations, n_migrations, error))
    return NULL;
  quern_database_start_thread (self);
  return g_steal_pointer (&self);
}

/**
 * quern_database_open:
 *
 * quern_database_open_full() with Quern's own schema.
 */
QuernDatabase *
quern_database_open (const char *path, GError **error)
{
  guint n_migrations;
  const QuernMigration *migrations = quern_schema_migrations (&n_migrations);

  return quern_database_open_full (path, migrations, n_migrations, error);
}

/**
 * quern_database_open_copy:
 * @path: a file that cannot be opened, because it or its folder may not be written or the disk is full
 *
 * Reads it into memory and brings the copy to the newest schema. The file is not touched, and nothing written is kept.
 *
 * Returns: (transfer full) (nullable): a database whose path is ":memory:"
 */
QuernDatabase *
quern_database_open_copy (const char *path, GError **error)
{
  g_autoptr (QuernDatabase) self = g_object_new (QUERN_TYPE_DATABASE, NULL);
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);
  sqlite3 *file = NULL;
  guint n_migrations;
  const QuernMigration *migrations = quern_schema_migrations (&n_migrations);
  gboolean ok = FALSE;

  /* Of a folder that may not be written, SQLite reads a file with a log only where it is told that nobody changes it. */
  for (int immutable = 0; !ok && immutable <= 1; immutable++) {
    g_autofree char *uri = g_strdup_printf ("file:%s?%s", escaped, immutable ? "immutable=1" : "mode=ro");

    sqlite3_close_v2 (file);
    file = NULL;
    ok = sqlite3_open_v2 (uri, &file, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK
         && quern_sql_int (file, "SELECT count (*) FROM sqlite_schema", 0) > 0;
  }
  if (!ok && file)
    quern_sql_fail (file, error);
  self->path = g_strdup (":memory:");
  self->instance = 1;
  ok = ok && connect_file (self, error);
  if (ok) {
    sqlite3_backup *backup = sqlite3_backup_init (self->db, "main", file, "main");

    if (backup)
      sqlite3_backup_step (backup, -1);
    ok = (backup && sqlite3_backup_finish (backup) == SQLITE_OK) || quern_sql_fail (self->db, error);
  }
  sqlite3_close_v2 (file);
  if (!ok || !quern_database_configure (self->db, error)
      || !quern_database_migrate (self, migrations, n_migrations, error))
    return NULL;
  quern_database_start_thread (self);
  return g_steal_pointer (&self);
}

/**
 * quern_database_default_path:
 *
 * Returns: (transfer full): $XDG_DATA_HOME/quern/quern.db
 */
char *
quern_database_default_path (void)
{
  return g_build_filename (g_get_user_data_dir (), "quern", "quern.db", NULL);
}

const char *
quern_database_get_path (QuernDatabase *self)
{
  return self->path;
}

/**
 * quern_database_get_notice:
 *
 * Returns: (transfer none) (nullable): a sentence for people about what opening could not do; the database can be used
 */
const char *
quern_database_get_notice (QuernDatabase *self)
{
  return self->notice;
}

static void
quern_database_join (GThread *thread)
{
  g_thread_join (thread);
}

/**
 * quern_database_close:
 *
 * Waits for all calls made so far and closes the file; later calls fail with %QUERN_DATABASE_ERROR_CLOSED. Dropping the
 * last reference does it as well.
 */
void
quern_database_close (QuernDatabase *self)
{
  g_mutex_lock (&self->lock);
  if (self->jobs)
    g_async_queue_push (self->jobs, g_new0 (Job, 1));
  g_clear_pointer (&self->jobs, g_async_queue_unref);
  g_mutex_unlock (&self->lock);
  if (self->thread) {
    self->db = NULL;
    /* The last reference may go with a task that the database's own thread drops. */
    g_clear_pointer (&self->thread, self->thread == g_thread_self () ? g_thread_unref : quern_database_join);
  }
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  self->lock_fd = -1;
}

static void
quern_database_finalize (GObject *object)
{
  QuernDatabase *self = QUERN_DATABASE (object);

  quern_database_close (self);
  sqlite3_close_v2 (self->db); /* set only when opening failed */
  g_mutex_clear (&self->lock);
  g_free (self->path);
  g_free (self->notice);
  G_OBJECT_CLASS (quern_database_parent_class)->finalize (object);
}

static void
quern_database_class_init (QuernDatabaseClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_database_finalize;

  /**
   * QuernDatabase::stalled:
   * @error: why something cannot be written now; it waits
   */
  signals[SIGNAL_STALLED] = g_signal_new ("stalled", QUERN_TYPE_DATABASE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_ERROR);
  /**
   * QuernDatabase::recovered:
   *
   * Everything that waited was written.
   */
  signals[SIGNAL_RECOVERED] = g_signal_new ("recovered", QUERN_TYPE_DATABASE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 0);
}

static void
quern_database_init (QuernDatabase *self)
{
  self->lock_fd = -1;
  g_mutex_init (&self->lock);
}
