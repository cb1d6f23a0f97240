/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

#define QUERN_DATABASE_ERROR (quern_database_error_quark ())
GQuark quern_database_error_quark (void);

typedef enum {
  QUERN_DATABASE_ERROR_FAILED,
  QUERN_DATABASE_ERROR_FULL,      /* no space left; what is saved already is whole */
  QUERN_DATABASE_ERROR_READ_ONLY, /* the folder or file may not be written */
  QUERN_DATABASE_ERROR_DAMAGED,   /* not a database, or a damaged one; the file was not touched */
  QUERN_DATABASE_ERROR_NEWER,     /* written by a newer version of Quern; the file was not touched */
  QUERN_DATABASE_ERROR_BUSY,      /* another program holds it for too long */
  QUERN_DATABASE_ERROR_DISK,      /* the disk refused to read or write; the next time it may not */
  QUERN_DATABASE_ERROR_CLOSED,    /* quern_database_close() came first */
} QuernDatabaseError;

/* One numbered step of the schema; step n (from 0) leads to user_version n + 1. Never change a step that was released. */
typedef struct {
  const char *about;
  const char *sql;
} QuernMigration;

/* Runs on the database's thread. Writes run inside a transaction that is committed when this returns TRUE. */
typedef gboolean (*QuernDatabaseFunc) (sqlite3 *db, gpointer data, GError **error);

#define QUERN_TYPE_DATABASE (quern_database_get_type ())
G_DECLARE_FINAL_TYPE (QuernDatabase, quern_database, QUERN, DATABASE, GObject)

char *quern_database_default_path (void);
QuernDatabase *quern_database_open (const char *path, GError **error);
QuernDatabase *quern_database_open_full (const char *path, const QuernMigration *migrations, guint n_migrations,
                                         GError **error);
QuernDatabase *quern_database_open_copy (const char *path, GError **error);
void quern_database_close (QuernDatabase *self);
const char *quern_database_get_path (QuernDatabase *self);
const char *quern_database_get_notice (QuernDatabase *self);

void quern_database_write_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void quern_database_keep_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                                GAsyncReadyCallback callback, gpointer user_data);
void quern_database_read_async (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_database_call_finish (QuernDatabase *self, GAsyncResult *result, GError **error);

gboolean quern_database_write (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GError **error);
gboolean quern_database_read (QuernDatabase *self, QuernDatabaseFunc func, gpointer data, GError **error);
gboolean quern_database_backup (QuernDatabase *self, const char *path, GError **error);

gint64 quern_database_get_instance (QuernDatabase *self);
gboolean quern_database_instance_alive (QuernDatabase *self, gint64 instance);

G_END_DECLS
