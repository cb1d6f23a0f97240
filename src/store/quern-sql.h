/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

gboolean quern_sql_fail (sqlite3 *db, GError **error);
gboolean quern_sql_exec (sqlite3 *db, const char *sql, GError **error);
sqlite3_stmt *quern_sql_query (sqlite3 *db, GError **error, const char *sql, const char *types, ...);
gboolean quern_sql_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...);
gboolean quern_sql_next (sqlite3_stmt *stmt, GError **error);
gint64 quern_sql_int (sqlite3 *db, const char *sql, gint64 fallback);
void quern_sql_rollback (sqlite3 *db);
gboolean quern_sql_is_intact (sqlite3 *db, const char *schema);
char *quern_sql_dup_text (sqlite3_stmt *stmt, int column);
GBytes *quern_sql_dup_bytes (sqlite3_stmt *stmt, int column);

G_END_DECLS
