/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

gboolean quern_fts_register (sqlite3 *db, GError **error);
gboolean quern_fts_rebuild (sqlite3 *db, GError **error);
char *quern_fts_query (const char *text);

G_END_DECLS
