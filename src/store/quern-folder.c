/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-folder.h"

#include "quern-store-private.h"

/* One in the list never changes, so that the database's thread may read it: a new name makes a new object. */
struct _QuernFolder {
  GObject parent_instance;

  gint64 id;
  char *name;
};

G_DEFINE_FINAL_TYPE (QuernFolder, quern_folder, G_TYPE_OBJECT)

gint64
quern_folder_get_id (QuernFolder *self)
{
  g_return_val_if_fail (QUERN_IS_FOLDER (self), 0);
  return self->id;
}

const char *
quern_folder_get_name (QuernFolder *self)
{
  g_return_val_if_fail (QUERN_IS_FOLDER (self), NULL);
  return self->name;
}

static QuernFolder *
quern_folder_new (gint64 id, const char *name)
{
  QuernFolder *self = g_object_new (QUERN_TYPE_FOLDER, NULL);

  self->id = id;
  self->name = g_strdup (name);
  return self;
}

static void
quern_folder_finalize (GObject *object)
{
  g_free (QUERN_FOLDER (object)->name);
  G_OBJECT_CLASS (quern_folder_parent_class)->finalize (object);
}

static void
quern_folder_class_init (QuernFolderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_folder_finalize;
}

static void
quern_folder_init (QuernFolder *self)
{
}

/* ---- the store's list ------------------------------------------------------------------------------------------ */

static int
compare_folders (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_utf8_collate (((const QuernFolder *) a)->name, ((const QuernFolder *) b)->name);
}

gboolean
_quern_folder_load (sqlite3 *db, gpointer list, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, &failure, "SELECT id, name FROM folder ORDER BY name COLLATE NOCASE, id", "");

  while (stmt && quern_sql_next (stmt, &failure)) {
    g_autoptr (QuernFolder)
        folder = quern_folder_new (sqlite3_column_int64 (stmt, 0), (const char *) sqlite3_column_text (stmt, 1));
    g_list_store_insert_sorted (list, folder, compare_folders, NULL);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

void
_quern_folder_show (QuernStore *store, QuernFolder *folder)
{
  if (quern_store_find_folder (store, folder->id) == NULL)
    g_list_store_insert_sorted (_quern_store_get_folder_list (store), folder, compare_folders, NULL);
}

static gboolean
quern_folder_save (sqlite3 *db, gpointer data, GError **error)
{
  const QuernFolder *folder = data;

  return quern_sql_run (db, error,
                        "INSERT INTO folder (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = ?2", "is",
                        folder->id, folder->name);
}

static gboolean
quern_folder_erase (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_run (db, error, "DELETE FROM folder WHERE id = ?1", "i", ((const QuernFolder *) data)->id);
}

/* Takes the folder over, and lends it: the list holds it. */
static QuernFolder *
quern_folder_keep (QuernStore *store, QuernFolder *folder)
{
  _quern_folder_show (store, folder);
  _quern_store_write (store, quern_folder_save, folder, g_object_unref);
  return folder;
}

static void
quern_folder_leave_list (QuernStore *store, QuernFolder *folder)
{
  GListStore *list = _quern_store_get_folder_list (store);
  guint position;

  if (g_list_store_find (list, folder, &position))
    g_list_store_remove (list, position);
}

/**
 * quern_store_get_folders:
 *
 * Returns: (transfer none): a live list of #QuernFolder, by name
 */
GListModel *
quern_store_get_folders (QuernStore *self)
{
  g_return_val_if_fail (QUERN_IS_STORE (self), NULL);
  return G_LIST_MODEL (_quern_store_get_folder_list (self));
}

/**
 * quern_store_find_folder:
 *
 * Returns: (transfer none) (nullable): the folder of that id
 */
QuernFolder *
quern_store_find_folder (QuernStore *self, gint64 id)
{
  GListModel *folders = quern_store_get_folders (self);

  for (guint i = 0; i < g_list_model_get_n_items (folders); i++) {
    g_autoptr (QuernFolder) folder = g_list_model_get_item (folders, i);
    if (folder->id == id)
      return folder; /* the list holds it */
  }
  return NULL;
}

/**
 * quern_store_add_folder:
 *
 * Returns: (transfer none): the new one, which is in the list
 */
QuernFolder *
quern_store_add_folder (QuernStore *self, const char *name)
{
  g_return_val_if_fail (QUERN_IS_STORE (self) && name != NULL, NULL);
  return quern_folder_keep (self, quern_folder_new (quern_store_new_id (), name));
}

/**
 * quern_store_rename_folder:
 *
 * Puts another object of the same id in the folder's place.
 */
void
quern_store_rename_folder (QuernStore *self, QuernFolder *folder, const char *name)
{
  QuernFolder *other;

  g_return_if_fail (QUERN_IS_STORE (self) && QUERN_IS_FOLDER (folder) && name != NULL);
  other = quern_folder_new (folder->id, name);
  quern_folder_leave_list (self, folder);
  quern_folder_keep (self, other);
}

/**
 * quern_store_delete_folder:
 *
 * Its conversations are in no folder from then on.
 */
void
quern_store_delete_folder (QuernStore *self, QuernFolder *folder)
{
  GListModel *conversations;

  g_return_if_fail (QUERN_IS_STORE (self) && QUERN_IS_FOLDER (folder));
  conversations = quern_store_get_conversations (self);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    if (quern_conversation_get_folder_id (conversation) == folder->id)
      quern_conversation_set_folder_id (conversation, 0);
  }
  _quern_store_write (self, quern_folder_erase, g_object_ref (folder), g_object_unref);
  quern_folder_leave_list (self, folder);
}

/**
 * quern_store_restore_folder:
 * @folder: one that was deleted
 *
 * Brings it back, unless a backup has; its conversations have to be put back into it.
 */
void
quern_store_restore_folder (QuernStore *self, QuernFolder *folder)
{
  g_return_if_fail (QUERN_IS_STORE (self) && QUERN_IS_FOLDER (folder));
  if (quern_store_find_folder (self, folder->id) == NULL)
    quern_folder_keep (self, g_object_ref (folder));
}
