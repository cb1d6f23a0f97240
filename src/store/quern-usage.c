/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-usage.h"

#include "quern-sql.h"
#include "quern-store-private.h"

static gboolean
quern_usage_read (sqlite3 *db, gpointer data, GError **error)
{
  GArray *months = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT CAST (strftime ('%Y', created / 1000000, 'unixepoch', 'localtime') AS INTEGER) AS year,"
                       " CAST (strftime ('%m', created / 1000000, 'unixepoch', 'localtime') AS INTEGER) AS month,"
                       " SUM (prompt_tokens), SUM (answer_tokens), SUM (prefill_seconds + decode_seconds)"
                       " FROM message WHERE role = 'assistant' AND prompt_tokens > 0"
                       " GROUP BY year, month ORDER BY year DESC, month DESC",
                       "");

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    QuernUsage usage = { sqlite3_column_int (stmt, 0), sqlite3_column_int (stmt, 1), sqlite3_column_int64 (stmt, 2),
                         sqlite3_column_int64 (stmt, 3), sqlite3_column_double (stmt, 4) };

    g_array_append_val (months, usage);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static void
months_free (gpointer months)
{
  g_array_unref (months);
}

/**
 * quern_usage_load_async:
 *
 * Adds up what the answers took that are kept; those that were erased are gone from it.
 */
void
quern_usage_load_async (QuernStore *store, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QUERN_IS_STORE (store));
  _quern_store_call (store, FALSE, quern_usage_read, g_array_new (FALSE, FALSE, sizeof (QuernUsage)), months_free,
                     cancellable, callback, user_data);
}

/**
 * quern_usage_load_finish:
 *
 * Returns: (transfer full) (nullable) (element-type QuernUsage): the months in which there were answers, the last one first
 */
GArray *
quern_usage_load_finish (QuernStore *store, GAsyncResult *result, GError **error)
{
  return _quern_store_finish (store, result, error) ? g_array_ref (_quern_store_get_data (result)) : NULL;
}
