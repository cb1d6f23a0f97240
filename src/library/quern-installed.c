/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-installed.h"

#include <stdlib.h>
#include <string.h>

#include "quern-receipts.h"
#include "quern-sql.h"

/* What Quern may delete: the very files that it installed itself. Paths do not tell, as people link their own folders into
 * Quern's and put files where others were; so each file is recorded when it is installed, with its device, its inode and
 * the time when that was made, and is compared before it is deleted. Everything else is only taken off the list.
 *
 * Earlier versions recorded nothing here. Their downloads left receipts, and so does one that is interrupted between
 * installing and recording: a file that a receipt names is recorded when a scan first finds it, provided that it has the
 * receipt's size, is no link, and lies in Quern's folder without any link on the way there. That happens once for each path:
 * what is put there after Quern's file was deleted is not Quern's. */

static gboolean
is_same (const QuernFileId *a, const QuernFileId *b)
{
  if (a->inode == 0 || a->inode != b->inode)
    return FALSE;
  /* numbers of devices change between two starts of a computer, the time when an inode was made does not */
  return a->born != 0 && b->born != 0 ? a->born == b->born : a->device == b->device;
}

/* Returns: (transfer full) (nullable) (element-type filename QuernFileRecord): what is remembered, by path */
GHashTable *
_quern_installed_read (sqlite3 *db, GError **error)
{
  g_autoptr (GHashTable) records = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT path, installed, hidden, device, inode, born FROM model_file WHERE installed OR hidden",
                       "");

  if (!stmt)
    return NULL;
  while (quern_sql_next (stmt, &failure)) {
    QuernFileRecord *record = g_new0 (QuernFileRecord, 1);

    record->installed = sqlite3_column_int64 (stmt, 1);
    record->hidden = sqlite3_column_int (stmt, 2);
    record->id.device = (guint64) sqlite3_column_int64 (stmt, 3);
    record->id.inode = (guint64) sqlite3_column_int64 (stmt, 4);
    record->id.born = sqlite3_column_int64 (stmt, 5);
    g_hash_table_insert (records, quern_sql_dup_text (stmt, 0), record);
  }
  if (failure) {
    g_propagate_error (error, failure);
    return NULL;
  }
  return g_steal_pointer (&records);
}

/* Whether the file at this path, not one that it links to, is the one that Quern installed there. */
gboolean
_quern_installed_is_ours (GHashTable *records, const char *path)
{
  const QuernFileRecord *record = g_hash_table_lookup (records, path);
  QuernFileStamp now;

  return record && record->installed && !record->hidden && _quern_file_stamp (path, FALSE, &now)
         && is_same (&record->id, &now.id);
}

/* Whether the user took this file off the list, under this name or another one. */
gboolean
_quern_installed_is_hidden (GHashTable *records, const char *path, const QuernFileId *id)
{
  GHashTableIter iter;
  gpointer name, record;

  g_hash_table_iter_init (&iter, records);
  while (g_hash_table_iter_next (&iter, &name, &record))
    if (((QuernFileRecord *) record)->hidden
        && (g_str_equal (name, path) || is_same (&((QuernFileRecord *) record)->id, id)))
      return TRUE;
  return FALSE;
}

static gboolean
write_id (sqlite3 *db, GError **error, const char *path, gboolean installed, const QuernFileId *id)
{
  gint64 now = g_get_real_time ();

  return quern_sql_run (
      db, error,
      "INSERT INTO model_file (path, added, installed, hidden, device, inode, born)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
      " ON CONFLICT (path) DO UPDATE SET installed = max (installed, excluded.installed),"
      "  hidden = excluded.hidden, device = excluded.device, inode = excluded.inode, born = excluded.born",
      "siiiiii", path, now, installed ? now : (gint64) 0, (gint64) !installed, (gint64) id->device, (gint64) id->inode,
      id->born);
}

/* Records that Quern has put the file there that is there now. A link is none. */
gboolean
_quern_installed_note (sqlite3 *db, const char *path, GError **error)
{
  QuernFileStamp stamp;

  return !_quern_file_stamp (path, FALSE, &stamp) || write_id (db, error, path, TRUE, &stamp.id);
}

/* Records that Quern's file is no longer there. That there was one stays known, so that no receipt counts again. */
gboolean
_quern_installed_gone (sqlite3 *db, const char *path, GError **error)
{
  return quern_sql_run (db, error,
                        "UPDATE model_file SET imported = 0, last_used = 0, device = 0, inode = 0, born = 0"
                        " WHERE path = ?1",
                        "s", path);
}

/* Takes a file off the list, whatever it is called: an added one, and one in Quern's folder that did not come from Quern. */
gboolean
_quern_installed_hide (sqlite3 *db, const char *path, GError **error)
{
  QuernFileStamp stamp;

  if (!_quern_file_stamp (path, TRUE, &stamp))
    return quern_sql_run (db, error, "DELETE FROM model_file WHERE path = ?1", "s", path);
  return write_id (db, error, path, FALSE, &stamp.id)
         && quern_sql_run (db, error, "UPDATE model_file SET imported = 0, last_used = 0 WHERE path = ?1", "s", path);
}

/* The user wants to see a file again. */
gboolean
_quern_installed_show (sqlite3 *db, const char *path, GError **error)
{
  QuernFileStamp stamp;

  if (!_quern_file_stamp (path, TRUE, &stamp))
    return TRUE;
  return quern_sql_run (db, error,
                        "UPDATE model_file SET hidden = 0, device = 0, inode = 0, born = 0"
                        " WHERE hidden AND (path = ?1 OR inode = ?2)",
                        "si", path, (gint64) stamp.id.inode);
}

/* ---- files of earlier versions ----------------------------------------------------------------------------------- */

/* Whether nothing on the way from Quern's folder to this path is a link. The folder itself may be one. */
static gboolean
is_reached_directly (const char *folder, const char *path)
{
  g_autofree char *real_folder = realpath (folder, NULL), *real_path = realpath (path, NULL);
  gsize length = strlen (folder);

  return real_folder && real_path && g_str_has_prefix (path, folder) && path[length] == G_DIR_SEPARATOR
         && g_str_has_prefix (real_path, real_folder) && g_str_equal (real_path + strlen (real_folder), path + length);
}

static gboolean
adopt_receipts (sqlite3 *db, gpointer data, GError **error)
{
  const GPtrArray *receipts = data;

  for (guint i = 0; i < receipts->len; i++)
    if (!_quern_installed_note (db, ((QuernReceipt *) receipts->pdata[i])->target, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_records (sqlite3 *db, gpointer data, GError **error)
{
  GHashTable **records = data;

  *records = _quern_installed_read (db, error);
  return *records != NULL;
}

/**
 * _quern_installed_adopt:
 * @folder: where Quern installs models
 * @receipts: (element-type QuernReceipt): all there are; those that are recorded now remain in it
 *
 * Records what receipts show to be Quern's own. Blocks. Where nothing can be written, nothing is Quern's.
 */
void
_quern_installed_adopt (QuernDatabase *database, const char *folder, GPtrArray *receipts)
{
  g_autoptr (GHashTable) records = NULL;

  if (receipts->len == 0 || !quern_database_read (database, read_records, &records, NULL))
    return;
  for (guint i = receipts->len; i-- > 0;) {
    const QuernReceipt *receipt = receipts->pdata[i];
    const QuernFileRecord *record = g_hash_table_lookup (records, receipt->target);
    QuernFileStamp stamp;

    if (record || !_quern_file_stamp (receipt->target, FALSE, &stamp) || stamp.size != receipt->size
        || !is_reached_directly (folder, receipt->target))
      g_ptr_array_remove_index_fast (receipts, i);
  }
  if (receipts->len > 0)
    quern_database_write (database, adopt_receipts, receipts, NULL);
}
