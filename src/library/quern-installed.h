/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-database.h"
#include "quern-model-private.h"

G_BEGIN_DECLS

/* What the store remembers of the file at a path. */
typedef struct {
  gint64 installed; /* when Quern put a file there, microseconds since 1970; 0: never */
  gboolean hidden;  /* taken off the list */
  QuernFileId id;   /* of the file that Quern put there, or that was taken off the list */
} QuernFileRecord;

/* path -> QuernFileRecord */
GHashTable *_quern_installed_read (sqlite3 *db, GError **error);
gboolean _quern_installed_is_ours (GHashTable *records, const char *path);
gboolean _quern_installed_is_hidden (GHashTable *records, const char *path, const QuernFileId *id);
void _quern_installed_adopt (QuernDatabase *database, const char *folder, GPtrArray *receipts);

gboolean _quern_installed_note (sqlite3 *db, const char *path, GError **error);
gboolean _quern_installed_gone (sqlite3 *db, const char *path, GError **error);
gboolean _quern_installed_hide (sqlite3 *db, const char *path, GError **error);
gboolean _quern_installed_show (sqlite3 *db, const char *path, GError **error);

G_END_DECLS
