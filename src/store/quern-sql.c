/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sql.h"

#include <errno.h>
#include <glib/gi18n-lib.h>

#include "quern-database.h"

/* Small helpers around SQLite, for functions that run on a database's thread.
 *
 * The `types` strings say what follows: s const char * (may be NULL), i gint64, d double, b GBytes * (may be NULL). */

/**
 * quern_sql_fail:
 * @db: the connection whose last call failed
 * @error: return location
 *
 * The one place where SQLite's codes become sentences of %QUERN_DATABASE_ERROR.
 *
 * Returns: %FALSE, always
 */
gboolean
quern_sql_fail (sqlite3 *db, GError **error)
{
  const char *detail = sqlite3_errmsg (db);
  int code = sqlite3_errcode (db) & 0xff, reason = sqlite3_system_errno (db);

  if (code == SQLITE_FULL || (code == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)))
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FULL,
                 _("The disk is full, so nothing more can be saved. Free up some space and try again."));
  else if (code == SQLITE_READONLY || code == SQLITE_PERM || code == SQLITE_CANTOPEN)
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_READ_ONLY,
                 _("The folder of the conversations cannot be written to. Check its permissions (%s)."), detail);
  else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED,
                 _("The database of conversations is damaged (%s). It was not changed; restore a backup or move it "
                   "away."),
                 detail);
  else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_BUSY,
                 _("Another application is using the database of conversations. Close it and try again."));
  else if (code == SQLITE_IOERR)
    g_set_error (
        error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DISK,
        /* Translators: SQLite's words, its number and the system's words: “disk I/O error 522, Input/output error”. */
        _("The disk could not read or write the database of conversations (%s %d, %s). Check the disk if "
          "this happens again."),
        detail, sqlite3_extended_errcode (db), g_strerror (reason));
  else
    g_set_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED,
                 _("The database of conversations could not be used: %s."), detail);
  return FALSE;
}

gboolean
quern_sql_exec (sqlite3 *db, const char *sql, GError **error)
{
  return sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK || quern_sql_fail (db, error);
}

static sqlite3_stmt *
prepare (sqlite3 *db, GError **error, const char *sql, const char *types, va_list values)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  int rc = sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL);

  for (int i = 1; rc == SQLITE_OK && *types; i++, types++) {
    if (*types == 's') {
      rc = sqlite3_bind_text (stmt, i, va_arg (values, const char *), -1, SQLITE_TRANSIENT);
    } else if (*types == 'i') {
      rc = sqlite3_bind_int64 (stmt, i, va_arg (values, gint64));
    } else if (*types == 'd') {
      rc = sqlite3_bind_double (stmt, i, va_arg (values, double));
    } else {
      GBytes *bytes = va_arg (values, GBytes *);
      gsize size = 0;
      const void *data = bytes ? g_bytes_get_data (bytes, &size) : NULL;

      rc = bytes && size == 0 ? sqlite3_bind_zeroblob (stmt, i, 0)
                              : sqlite3_bind_blob64 (stmt, i, data, size, SQLITE_TRANSIENT);
    }
  }
  if (rc != SQLITE_OK) {
    quern_sql_fail (db, error);
    return NULL;
  }
  return g_steal_pointer (&stmt);
}

/**
 * quern_sql_query:
 * @sql: one statement
 * @types: the types of the values that follow
 *
 * Returns: (transfer full) (nullable): the statement, values bound, before its first row; step with quern_sql_next()
 */
sqlite3_stmt *
quern_sql_query (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list values;

  va_start (values, types);
  sqlite3_stmt *stmt = prepare (db, error, sql, types, values);
  va_end (values);
  return stmt;
}

/**
 * quern_sql_run:
 *
 * Runs one statement to its end.
 */
gboolean
quern_sql_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list values;
  int rc;

  va_start (values, types);
  g_autoptr (sqlite3_stmt) stmt = prepare (db, error, sql, types, values);
  va_end (values);
  if (!stmt)
    return FALSE;
  do
    rc = sqlite3_step (stmt);
  while (rc == SQLITE_ROW);
  return rc == SQLITE_DONE || quern_sql_fail (db, error);
}

/**
 * quern_sql_next:
 *
 * Returns: whether there is another row; %FALSE with @error set on failure
 */
gboolean
quern_sql_next (sqlite3_stmt *stmt, GError **error)
{
  int rc = sqlite3_step (stmt);

  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    quern_sql_fail (sqlite3_db_handle (stmt), error);
  return rc == SQLITE_ROW;
}

/**
 * quern_sql_int:
 *
 * Returns: the first column of the first row of @sql, @fallback where there is none
 */
gint64
quern_sql_int (sqlite3 *db, const char *sql, gint64 fallback)
{
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, NULL, sql, "");

  return stmt && quern_sql_next (stmt, NULL) ? sqlite3_column_int64 (stmt, 0) : fallback;
}

/* Ends the transaction that failed, unless SQLite ended it already. */
void
quern_sql_rollback (sqlite3 *db)
{
  if (!sqlite3_get_autocommit (db))
    sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
}

/**
 * quern_sql_is_intact:
 * @schema: "main", or the name under which a database is attached
 *
 * Reads all of it.
 */
gboolean
quern_sql_is_intact (sqlite3 *db, const char *schema)
{
  g_autofree char *sql = g_strdup_printf ("PRAGMA %s.integrity_check (1)", schema);
  g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, NULL, sql, "");

  return stmt && quern_sql_next (stmt, NULL) && g_strcmp0 ((const char *) sqlite3_column_text (stmt, 0), "ok") == 0;
}

char *
quern_sql_dup_text (sqlite3_stmt *stmt, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (stmt, column));
}

GBytes *
quern_sql_dup_bytes (sqlite3_stmt *stmt, int column)
{
  const void *data = sqlite3_column_blob (stmt, column);

  return g_bytes_new (data, (gsize) sqlite3_column_bytes (stmt, column));
}
