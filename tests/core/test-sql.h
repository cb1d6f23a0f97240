/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-database.h"
#include "quern-sql.h"

/* What tests ask a database behind the back of the store. */

/* A QuernDatabaseFunc; data: the statements. */
static inline gboolean
test_run_sql (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_exec (db, data, error);
}

static inline gboolean
test_read_int (sqlite3 *db, gpointer data, GError **error)
{
  gpointer *arguments = data;

  *(gint64 *) arguments[1] = quern_sql_int (db, arguments[0], -1);
  return TRUE;
}

/* The first number that a query gives; -1 when it gives none. */
static inline gint64
test_query_int (QuernDatabase *database, const char *sql)
{
  gint64 value = 0;
  gpointer arguments[] = { (gpointer) sql, &value };

  g_assert_true (quern_database_read (database, test_read_int, arguments, NULL));
  return value;
}
