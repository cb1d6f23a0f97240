/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-receipts.h"

#include "quern-sql.h"

static void
receipt_free (gpointer data)
{
  QuernReceipt *receipt = data;

  g_free (receipt->target);
  g_free (receipt);
}

/**
 * quern_receipts_read:
 *
 * Reads what downloads have installed so far, in this process or in others. The queue's database is not made, changed or
 * waited for long. Blocks; any thread.
 *
 * Returns: (transfer full) (element-type QuernReceipt): as many as can be read, possibly none
 */
GPtrArray *
quern_receipts_read (void)
{
  GPtrArray *receipts = g_ptr_array_new_with_free_func (receipt_free);
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "quern", "downloads.db", NULL);
  sqlite3 *db = NULL;

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR)
      && sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
    sqlite3_busy_timeout (db, 500);
    g_autoptr (sqlite3_stmt)
        stmt = quern_sql_query (db, NULL, "SELECT target, size, sha256 IS NOT NULL FROM receipts", "");

    while (stmt != NULL && quern_sql_next (stmt, NULL)) {
      QuernReceipt *receipt = g_new (QuernReceipt, 1);

      *receipt = (QuernReceipt) { quern_sql_dup_text (stmt, 0), sqlite3_column_int64 (stmt, 1),
                                  sqlite3_column_int (stmt, 2) };
      g_ptr_array_add (receipts, receipt);
    }
  }
  sqlite3_close (db);
  return receipts;
}
