/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-hub-cache.h"

#include "quern-database.h"
#include "quern-sql.h"

#define KEEP_ROWS 2000 /* answers; the oldest go first */

struct _QuernHubCache {
  GMutex lock;
  gboolean tried;
  QuernDatabase *database; /* NULL: could not be opened */
};

typedef struct {
  const char *url, *etag, *next;
  GBytes *body;
} StoreCall;

typedef struct {
  const char *url;
  GBytes *body;
  char *etag, *next;
  gint64 fetched;
} FindCall;

static const QuernMigration migrations[] = {
  { "answers",
    "CREATE TABLE answers (url TEXT PRIMARY KEY, fetched INTEGER NOT NULL, etag TEXT, next TEXT, body BLOB NOT NULL)"
    " WITHOUT ROWID; CREATE INDEX answers_fetched ON answers (fetched)" },
};

QuernHubCache *
quern_hub_cache_new (void)
{
  QuernHubCache *cache = g_new0 (QuernHubCache, 1);

  g_mutex_init (&cache->lock);
  return cache;
}

void
quern_hub_cache_free (QuernHubCache *cache)
{
  if (cache == NULL)
    return;
  if (cache->database != NULL)
    quern_database_close (cache->database);
  g_clear_object (&cache->database);
  g_mutex_clear (&cache->lock);
  g_free (cache);
}

/* Opened at first use, in the worker thread that needs it. A damaged cache is thrown away: the hub has the originals. */
static QuernDatabase *
ensure_database (QuernHubCache *cache)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&cache->lock);
  g_autofree char *folder = NULL, *path = NULL;
  g_autoptr (GError) error = NULL;

  if (cache->tried)
    return cache->database;
  cache->tried = TRUE;
  folder = g_build_filename (g_get_user_cache_dir (), "quern", NULL);
  path = g_build_filename (folder, "hub.db", NULL);
  g_mkdir_with_parents (folder, 0700);
  cache->database = quern_database_open_full (path, migrations, G_N_ELEMENTS (migrations), &error);
  if (g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED)
      || g_error_matches (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_NEWER)) {
    g_autoptr (GFile) file = g_file_new_for_path (path);

    g_file_delete (file, NULL, NULL);
    cache->database = quern_database_open_full (path, migrations, G_N_ELEMENTS (migrations), NULL);
  }
  return cache->database;
}

static gboolean
quern_hub_cache_store_func (sqlite3 *db, gpointer data, GError **error)
{
  const StoreCall *call = data;

  return quern_sql_run (db, error,
                        "INSERT OR REPLACE INTO answers (url, fetched, etag, next, body)"
                        " VALUES (?1, CAST (strftime ('%s') AS INTEGER), ?2, ?3, ?4)",
                        "sssb", call->url, call->etag, call->next, call->body)
         && quern_sql_run (db, error,
                           "DELETE FROM answers WHERE fetched < (SELECT fetched FROM answers ORDER BY fetched DESC"
                           " LIMIT 1 OFFSET ?1)",
                           "i", (gint64) KEEP_ROWS);
}

void
quern_hub_cache_store (QuernHubCache *cache, const char *url, GBytes *body, const char *etag, const char *next)
{
  QuernDatabase *database = ensure_database (cache);
  StoreCall call = { .url = url, .etag = etag, .next = next, .body = body };

  if (database != NULL)
    quern_database_write (database, quern_hub_cache_store_func, &call, NULL);
}

static gboolean
quern_hub_cache_find_func (sqlite3 *db, gpointer data, GError **error)
{
  FindCall *call = data;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error, "SELECT body, etag, next, fetched FROM answers WHERE url = ?1", "s", call->url);

  if (stmt == NULL)
    return FALSE;
  if (!quern_sql_next (stmt, NULL))
    return TRUE; /* not there */
  call->body = quern_sql_dup_bytes (stmt, 0);
  call->etag = quern_sql_dup_text (stmt, 1);
  call->next = quern_sql_dup_text (stmt, 2);
  call->fetched = sqlite3_column_int64 (stmt, 3);
  return TRUE;
}

/**
 * quern_hub_cache_find:
 * @etag: (out) (optional): its ETag, or %NULL
 * @next: (out) (optional): the next page's URL, or %NULL
 * @fetched: (out) (optional): when it came, in seconds since 1970
 *
 * Returns: (transfer full) (nullable): the body of the last answer for this URL
 */
GBytes *
quern_hub_cache_find (QuernHubCache *cache, const char *url, char **etag, char **next, gint64 *fetched)
{
  QuernDatabase *database = ensure_database (cache);
  FindCall call = { .url = url };

  if (database != NULL)
    quern_database_read (database, quern_hub_cache_find_func, &call, NULL);
  if (etag != NULL)
    *etag = g_steal_pointer (&call.etag);
  if (next != NULL)
    *next = g_steal_pointer (&call.next);
  if (fetched != NULL)
    *fetched = call.fetched;
  g_free (call.etag);
  g_free (call.next);
  return call.body;
}
