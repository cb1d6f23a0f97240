/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-downloads-db.h"

#include "quern-downloads.h"

#include "quern-sql.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

static const QuernMigration migrations[] = {
  { "downloads",
    "CREATE TABLE downloads (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, repo TEXT NOT NULL, revision TEXT,"
    " label TEXT NOT NULL, state INTEGER NOT NULL, refresh INTEGER NOT NULL, message TEXT);"
    "CREATE TABLE files (download INTEGER NOT NULL REFERENCES downloads ON DELETE CASCADE, number INTEGER NOT NULL,"
    " path TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT, vision INTEGER NOT NULL,"
    " PRIMARY KEY (download, number)) WITHOUT ROWID" },
  { "receipts", /* of what was installed, for verifying again; outlive the queue's entry */
    "CREATE TABLE receipts (target TEXT PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT, repo TEXT NOT NULL,"
    " revision TEXT, path TEXT NOT NULL) WITHOUT ROWID" },
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

static GPtrArray *
read_files (sqlite3 *db, gint64 id, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (_quern_download_file_free);
  g_autoptr (GError) cause = NULL;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error,
                              "SELECT path, name, size, sha256, vision FROM files WHERE download = ?1 ORDER BY number",
                              "i", id);

  if (stmt == NULL)
    return NULL;
  while (quern_sql_next (stmt, &cause)) {
    g_autofree char *path = quern_sql_dup_text (stmt, 0), *name = quern_sql_dup_text (stmt, 1);
    g_autofree char *sha256 = quern_sql_dup_text (stmt, 3);

    g_ptr_array_add (files, _quern_download_file_new (path, name, sqlite3_column_int64 (stmt, 2), sha256,
                                                      sqlite3_column_int (stmt, 4)));
  }
  if (cause != NULL) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  return g_steal_pointer (&files);
}

static gboolean
quern_downloads_db_read_func (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *downloads = data;
  g_autoptr (GError) cause = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT id, repo, revision, label, state, refresh, message FROM downloads ORDER BY position, id",
                       "");

  if (stmt == NULL)
    return FALSE;
  while (quern_sql_next (stmt, &cause)) {
    g_autofree char *repo = quern_sql_dup_text (stmt, 1), *revision = quern_sql_dup_text (stmt, 2);
    g_autofree char *label = quern_sql_dup_text (stmt, 3), *message = quern_sql_dup_text (stmt, 6);
    GPtrArray *files = read_files (db, sqlite3_column_int64 (stmt, 0), error);
    QuernDownload *download;

    if (files == NULL)
      return FALSE;
    if (files->len == 0 || !quern_hub_repo_id_is_valid (repo)) {
      g_ptr_array_unref (files);
      continue;
    }
    download = _quern_download_new (repo, revision, label, files);
    download->id = sqlite3_column_int64 (stmt, 0);
    download->refresh = sqlite3_column_int (stmt, 5);
    /* What was running when the program ended is queued again. */
    int state = sqlite3_column_int (stmt, 4);
    gboolean ended = state == QUERN_DOWNLOAD_FAILED || state == QUERN_DOWNLOAD_NO_SPACE;

    if (state == QUERN_DOWNLOAD_RUNNING || state == QUERN_DOWNLOAD_WAITING || state < 0
        || state > QUERN_DOWNLOAD_COMPLETE)
      state = QUERN_DOWNLOAD_QUEUED;
    _quern_download_set_state (download, state,
                               ended && message != NULL
                                   ? g_error_new_literal (QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_FAILED, message)
                                   : NULL);
    g_ptr_array_add (downloads, download);
  }
  if (cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return cause == NULL;
}

/* ---- orphans --------------------------------------------------------------------------------------------------- */

/* A half-finished file that no entry knows of, because the database was lost, becomes one that is paused; resuming asks
 * the hub what belongs to it. */
static void
quern_downloads_db_adopt (GPtrArray *downloads, const char *repo, const char *folder, const char *name)
{
  g_autofree char *stem = g_strndup (name, strlen (name) - strlen (".gguf.part.facts"));
  g_autofree char *file_name = g_strconcat (stem, ".gguf", NULL), *label = quern_hub_label_from_name (stem);
  g_autofree char *target = g_build_filename (folder, file_name, NULL), *sha256 = NULL;
  g_autoptr (GPtrArray) files = NULL;
  QuernDownload *download;
  guint64 size;

  if (strcasestr (name, "mmproj") != NULL)
    return;
  for (guint i = 0; i < downloads->len; i++) {
    QuernDownload *known = downloads->pdata[i];

    for (guint k = 0; k < known->files->len; k++) {
      g_autofree char *other = _quern_download_dup_target (known, k);

      if (g_str_equal (other, target))
        return;
    }
  }
  if (!quern_part_identify (target, &size, &sha256))
    return;
  files = g_ptr_array_new_with_free_func (_quern_download_file_free);
  g_ptr_array_add (files, _quern_download_file_new (file_name, file_name, size, sha256, FALSE));
  download = _quern_download_new (repo, "main", label, g_steal_pointer (&files));
  download->id = g_get_real_time () + downloads->len;
  download->refresh = TRUE;
  _quern_download_set_state (download, QUERN_DOWNLOAD_PAUSED, NULL);
  g_ptr_array_add (downloads, download);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

/**
 * _quern_downloads_db_open:
 * @downloads: (out) (element-type QuernDownload): what was in the queue, in order
 *
 * Returns: (transfer full) (nullable): the database
 */
QuernDatabase *
_quern_downloads_db_open (GPtrArray **downloads, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "quern", NULL);
  g_autofree char *path = g_build_filename (folder, "downloads.db", NULL);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *models = g_build_filename (folder, "models", NULL);
  g_autoptr (QuernDatabase) database = NULL;
  g_autoptr (GDir) owners = NULL;
  g_autoptr (GError) cause = NULL;

  g_mkdir_with_parents (folder, 0700);
  database = quern_database_open_full (path, migrations, G_N_ELEMENTS (migrations), &cause);
  /* A damaged queue is moved aside: what it was about is on disk and is adopted. */
  if (database == NULL && g_error_matches (cause, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED)) {
    g_autofree char *aside = g_strconcat (path, ".damaged", NULL);

    if (g_rename (path, aside) == 0) {
      g_clear_error (&cause);
      database = quern_database_open_full (path, migrations, G_N_ELEMENTS (migrations), &cause);
    }
  }
  if (database == NULL) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  if (!quern_database_read (database, quern_downloads_db_read_func, found, error)) {
    quern_database_close (database);
    return NULL;
  }
  /* Downloads that the queue does not know are found by what they left on the disk. */
  owners = g_dir_open (models, 0, NULL);
  for (const char *owner; owners != NULL && (owner = g_dir_read_name (owners)) != NULL;) {
    g_autofree char *owner_folder = g_build_filename (models, owner, NULL);
    g_autoptr (GDir) names = g_dir_open (owner_folder, 0, NULL);

    for (const char *name; names != NULL && (name = g_dir_read_name (names)) != NULL;) {
      g_autofree char *repo = g_strconcat (owner, "/", name, NULL),
                      *repo_folder = g_build_filename (models, repo, NULL);
      g_autoptr (GDir) dir = quern_hub_repo_id_is_valid (repo) ? g_dir_open (repo_folder, 0, NULL) : NULL;

      for (const char *file; dir != NULL && (file = g_dir_read_name (dir)) != NULL;)
        if (g_str_has_suffix (file, ".gguf.part.facts"))
          quern_downloads_db_adopt (found, repo, repo_folder, file);
    }
  }
  *downloads = g_steal_pointer (&found);
  return g_steal_pointer (&database);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 id;
  guint position;
  char *repo, *revision, *label, *message;
  QuernDownloadState state;
  gboolean refresh;
  GPtrArray *files;
} SaveCall;

static void
save_call_free (gpointer data)
{
  SaveCall *call = data;

  g_free (call->repo);
  g_free (call->revision);
  g_free (call->label);
  g_free (call->message);
  g_ptr_array_unref (call->files);
  g_free (call);
}

static gboolean
quern_downloads_db_save_func (sqlite3 *db, gpointer data, GError **error)
{
  const SaveCall *call = data;

  if (!quern_sql_run (db, error, "DELETE FROM files WHERE download = ?1", "i", call->id)
      || !quern_sql_run (
          db, error,
          "INSERT OR REPLACE INTO downloads (id, position, repo, revision, label, state, refresh, message)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
          "iisssiis", call->id, (gint64) call->position, call->repo, call->revision, call->label, (gint64) call->state,
          (gint64) call->refresh, call->message))
    return FALSE;
  for (guint i = 0; i < call->files->len; i++) {
    const QuernDownloadFile *file = call->files->pdata[i];

    if (!quern_sql_run (db, error,
                        "INSERT INTO files (download, number, path, name, size, sha256, vision)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        "iissisi", call->id, (gint64) i, file->path, file->name, (gint64) file->size, file->sha256,
                        (gint64) file->vision))
      return FALSE;
  }
  return TRUE;
}

/* The queue works on without its database, e.g. on a full disk; it is only forgotten at the end. */
static void
quern_downloads_db_written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  quern_database_call_finish (QUERN_DATABASE (source), result, &error);
  if (error != NULL)
    g_debug ("the download queue could not be saved: %s", error->message);
}

void
_quern_downloads_db_save (QuernDatabase *database, QuernDownload *download, guint position)
{
  SaveCall *call;

  if (database == NULL)
    return;
  call = g_new0 (SaveCall, 1);
  call->id = download->id;
  call->position = position;
  call->repo = g_strdup (download->repo);
  call->revision = g_strdup (download->revision);
  call->label = g_strdup (download->label);
  call->message = g_strdup (quern_download_get_message (download));
  call->state = download->state;
  call->refresh = download->refresh;
  call->files = _quern_download_files_copy (download->files);
  quern_database_write_async (database, quern_downloads_db_save_func, call, save_call_free, NULL,
                              quern_downloads_db_written_cb, NULL);
}

static gboolean
quern_downloads_db_remove_func (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_run (db, error, "DELETE FROM downloads WHERE id = ?1", "i", *(gint64 *) data);
}

void
_quern_downloads_db_remove (QuernDatabase *database, QuernDownload *download)
{
  if (database != NULL)
    quern_database_write_async (database, quern_downloads_db_remove_func,
                                g_memdup2 (&download->id, sizeof download->id), g_free, NULL,
                                quern_downloads_db_written_cb, NULL);
}

/* ---- receipts -------------------------------------------------------------------------------------------------- */

static gboolean
write_receipts_func (sqlite3 *db, gpointer data, GError **error)
{
  const QuernDownloadJob *job = data;

  for (guint i = 0; i < job->files->len; i++) {
    const QuernDownloadFile *file = job->files->pdata[i];
    g_autofree char *target = g_build_filename (job->folder, file->name, NULL);

    if (!quern_sql_run (db, error,
                        "INSERT OR REPLACE INTO receipts (target, size, sha256, repo, revision, path)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        "sissss", target, (gint64) file->size, file->sha256, job->repo, job->revision, file->path))
      return FALSE;
  }
  return TRUE;
}

/* What the files that are about to be installed have to be. Blocks. */
gboolean
_quern_downloads_db_write_receipts (QuernDatabase *database, QuernDownloadJob *job, GError **error)
{
  if (database != NULL)
    return quern_database_write (database, write_receipts_func, job, error);
  g_set_error_literal (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_CLOSED,
                       _("the list of downloads cannot be "
                         "saved"));
  return FALSE;
}

typedef struct {
  const char *target;
  guint64 size;
  char *sha256;
  gboolean found;
} ReceiptCall;

static gboolean
quern_downloads_db_receipt_func (sqlite3 *db, gpointer data, GError **error)
{
  ReceiptCall *call = data;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT size, sha256 FROM receipts WHERE target = ?1", "s", call->target);

  if (stmt == NULL)
    return FALSE;
  call->found = quern_sql_next (stmt, NULL);
  if (call->found) {
    call->size = sqlite3_column_int64 (stmt, 0);
    call->sha256 = quern_sql_dup_text (stmt, 1);
  }
  return TRUE;
}

/* What an installed file has to be. Blocks. FALSE: it did not come through this queue. */
gboolean
_quern_downloads_db_receipt (QuernDatabase *database, const char *target, guint64 *size, char **sha256)
{
  ReceiptCall call = { .target = target };

  if (database == NULL || !quern_database_read (database, quern_downloads_db_receipt_func, &call, NULL)
      || !call.found) {
    g_free (call.sha256);
    return FALSE;
  }
  *size = call.size;
  *sha256 = call.sha256;
  return TRUE;
}
