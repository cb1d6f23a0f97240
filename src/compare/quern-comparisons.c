/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-comparisons.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-comparison-entry.h"
#include "quern-comparison-json.h"
#include "quern-store-private.h"

/* Changes are collected for this long before they are written. */
#define SAVE_DELAY_MS 500

/* ---- the list -------------------------------------------------------------------------------------------------- */

struct _QuernComparisons {
  GObject parent_instance;

  QuernStore *store;
  GListStore *entries; /* newest first */
  GHashTable *dirty;   /* set of QuernComparison (owned) */
  guint save_source;
};

G_DEFINE_FINAL_TYPE (QuernComparisons, quern_comparisons, G_TYPE_OBJECT)

static int
compare_entries (gconstpointer a, gconstpointer b, gpointer data)
{
  gint64 left = quern_comparison_entry_get_updated ((gpointer) a),
         right = quern_comparison_entry_get_updated ((gpointer) b);

  return left < right ? 1 : left > right ? -1 : 0;
}

/**
 * quern_comparisons_get_entries:
 *
 * Returns: (transfer none): a live list of #QuernComparisonEntry, newest first
 */
GListModel *
quern_comparisons_get_entries (QuernComparisons *self)
{
  return G_LIST_MODEL (self->entries);
}

/**
 * quern_comparisons_find:
 *
 * Returns: (transfer none) (nullable)
 */
QuernComparisonEntry *
quern_comparisons_find (QuernComparisons *self, gint64 id)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->entries)); i++) {
    g_autoptr (QuernComparisonEntry) entry = g_list_model_get_item (G_LIST_MODEL (self->entries), i);
    if (quern_comparison_entry_get_id (entry) == id)
      return entry; /* the list holds it */
  }
  return NULL;
}

static gboolean
read_entries (sqlite3 *db, gpointer data, GError **error)
{
  GPtrArray *entries = data;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error,
                       "SELECT id, title, updated FROM comparison WHERE deleted IS NULL ORDER BY updated DESC", "");
  GError *failure = NULL;

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    g_autofree char *title = quern_sql_dup_text (stmt, 1);
    g_ptr_array_add (entries, _quern_comparison_entry_new (sqlite3_column_int64 (stmt, 0), title ? title : "",
                                                           sqlite3_column_int64 (stmt, 2)));
  }
  if (!failure)
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

/**
 * quern_comparisons_reload_async:
 *
 * Reads the list from disk, as is needed after everything was erased or a backup restored.
 */
void
quern_comparisons_reload_async (QuernComparisons *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  _quern_store_call (self->store, FALSE, read_entries, g_ptr_array_new_with_free_func (g_object_unref),
                     (GDestroyNotify) g_ptr_array_unref, cancellable, callback, user_data);
}

gboolean
quern_comparisons_reload_finish (QuernComparisons *self, GAsyncResult *result, GError **error)
{
  const GPtrArray *entries = _quern_store_get_data (result);

  if (!_quern_store_finish (self->store, result, error))
    return FALSE;
  g_list_store_splice (self->entries, 0, g_list_model_get_n_items (G_LIST_MODEL (self->entries)), entries->pdata,
                       entries->len);
  return TRUE;
}

/* ---- saving ---------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 id, updated;
  char *title;
  JsonNode *content; /* immutable; the database's thread turns it into text */
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->title);
  json_node_unref (row->content);
  g_free (row);
}

static gboolean
save_row (sqlite3 *db, gpointer data, GError **error)
{
  const Row *row = data;
  g_autofree char *text = json_to_string (row->content, FALSE);

  return quern_sql_run (db, error,
                        "INSERT INTO comparison (id, title, updated, content) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT (id) DO UPDATE SET title = ?2, updated = ?3, content = ?4",
                        "isis", row->id, row->title, row->updated, text);
}

/**
 * quern_comparisons_save:
 *
 * Writes it now instead of in a moment.
 */
void
quern_comparisons_save (QuernComparisons *self, QuernComparison *comparison)
{
  const char *title = quern_comparison_get_title (comparison);
  QuernComparisonEntry *known = quern_comparisons_find (self, quern_comparison_get_id (comparison));
  g_autoptr (QuernComparisonEntry) entry = NULL;
  Row *row = g_new (Row, 1);
  guint position;

  *row = (Row) { quern_comparison_get_id (comparison), g_get_real_time (), g_strdup (title),
                 quern_comparison_to_node (comparison) };
  /* Its entry is at the top of the list, or comes there. */
  if (known) {
    entry = g_object_ref (known);
    _quern_comparison_entry_update (entry, title, row->updated);
    if (g_list_store_find (self->entries, entry, &position) && position > 0) {
      g_list_store_remove (self->entries, position);
      g_list_store_insert_sorted (self->entries, entry, compare_entries, NULL);
    }
  } else {
    entry = _quern_comparison_entry_new (row->id, title, row->updated);
    g_list_store_insert_sorted (self->entries, entry, compare_entries, NULL);
  }
  _quern_store_write (self->store, save_row, row, row_free);
  g_hash_table_remove (self->dirty, comparison);
}

static void
save_dirty (QuernComparisons *self)
{
  g_autoptr (GPtrArray) all = g_hash_table_get_keys_as_ptr_array (self->dirty);

  for (guint i = 0; i < all->len; i++)
    if (!quern_comparison_get_running (all->pdata[i]))
      quern_comparisons_save (self, all->pdata[i]);
}

static gboolean
quern_comparisons_save_cb (gpointer data)
{
  QuernComparisons *self = data;

  self->save_source = 0;
  save_dirty (self);
  return G_SOURCE_REMOVE;
}

static void
changed_cb (QuernComparisons *self, QuernComparison *comparison)
{
  if (!g_hash_table_contains (self->dirty, comparison))
    g_hash_table_add (self->dirty, g_object_ref (comparison));
  if (self->save_source == 0)
    self->save_source = g_timeout_add (SAVE_DELAY_MS, quern_comparisons_save_cb, self);
}

static void
follow (QuernComparisons *self, QuernComparison *comparison)
{
  g_signal_connect_object (comparison, "changed", G_CALLBACK (changed_cb), self, G_CONNECT_SWAPPED);
}

/**
 * quern_comparisons_add:
 *
 * Stores a new or imported comparison, and every change of it from now on.
 */
void
quern_comparisons_add (QuernComparisons *self, QuernComparison *comparison)
{
  if (quern_comparison_get_id (comparison) != 0)
    return;
  quern_comparison_set_id (comparison, quern_store_new_id ());
  quern_comparisons_save (self, comparison);
  follow (self, comparison);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 id;
  char *text;
} Content;

static void
content_free (gpointer data)
{
  g_free (((Content *) data)->text);
  g_free (data);
}

static gboolean
read_content (sqlite3 *db, gpointer data, GError **error)
{
  Content *content = data;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT content FROM comparison WHERE id = ?1", "i", content->id);

  if (!stmt)
    return FALSE;
  if (quern_sql_next (stmt, error)) {
    content->text = quern_sql_dup_text (stmt, 0);
    return TRUE;
  }
  if (error && !*error)
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED, _("This comparison no longer exists."));
  return FALSE;
}

/* The input of the parsing thread. It has its own list of models, because the main thread may change the library's. */
typedef struct {
  char *text;
  gsize length;
  GFile *file; /* or NULL */
  GListStore *models;
  gint64 id; /* of a stored comparison */
} Parsing;

static void
parsing_free (gpointer data)
{
  Parsing *parsing = data;

  g_free (parsing->text);
  g_clear_object (&parsing->file);
  g_object_unref (parsing->models);
  g_free (parsing);
}

static Parsing *
parsing_new (GFile *file, GListModel *models)
{
  Parsing *parsing = g_new0 (Parsing, 1);

  parsing->file = file ? g_object_ref (file) : NULL;
  parsing->models = g_list_store_new (QUERN_TYPE_MODEL);
  for (guint i = 0; models && i < g_list_model_get_n_items (models); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (models, i);
    g_list_store_append (parsing->models, model);
  }
  return parsing;
}

static void
parse_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Parsing *parsing = data;
  GError *error = NULL;
  QuernComparison *comparison = NULL;

  if (!parsing->file
      || g_file_load_contents (parsing->file, cancellable, &parsing->text, &parsing->length, NULL, &error))
    comparison = quern_comparison_new_from_json (parsing->text, (gssize) parsing->length,
                                                 G_LIST_MODEL (parsing->models), &error);
  if (comparison)
    g_task_return_pointer (task, comparison, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
content_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  const Content *content = _quern_store_get_data (result);
  Parsing *parsing = g_task_get_task_data (task);

  if (!_quern_store_finish (QUERN_STORE (source), result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  parsing->text = g_strdup (content->text ? content->text : "");
  parsing->length = strlen (parsing->text);
  g_task_set_name (task, "open comparison");
  parsing->id = content->id;
  g_task_run_in_thread (task, parse_thread);
}

/**
 * quern_comparisons_open_async:
 * @models: of #QuernModel, the library's: columns whose model is not among them cannot be run
 *
 * Loads a comparison as it was; changes of it are saved from then on. Open it once only.
 */
void
quern_comparisons_open_async (QuernComparisons *self, gint64 id, GListModel *models, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Content *content = g_new0 (Content, 1);

  save_dirty (self);
  content->id = id;
  g_task_set_task_data (task, parsing_new (NULL, models), parsing_free);
  _quern_store_call (self->store, FALSE, read_content, content, content_free, cancellable, content_cb, task);
}

/**
 * quern_comparisons_open_finish:
 *
 * Returns: (transfer full) (nullable)
 */
QuernComparison *
quern_comparisons_open_finish (QuernComparisons *self, GAsyncResult *result, GError **error)
{
  const Parsing *parsing = g_task_get_task_data (G_TASK (result));
  QuernComparison *comparison = g_task_propagate_pointer (G_TASK (result), error);

  if (!comparison)
    return NULL;
  quern_comparison_set_id (comparison, parsing->id);
  follow (self, comparison);
  return comparison;
}

/**
 * quern_comparison_import_async:
 * @file: what quern_comparison_to_json() wrote
 *
 * The result is not stored yet: see quern_comparisons_add().
 */
void
quern_comparison_import_async (GFile *file, GListModel *models, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, parsing_new (file, models), parsing_free);
  g_task_run_in_thread (task, parse_thread);
}

/**
 * quern_comparison_import_finish:
 *
 * Returns: (transfer full) (nullable)
 */
QuernComparison *
quern_comparison_import_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- deleting -------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 id, deleted; /* 0 restores the comparison */
} Deletion;

static gboolean
mark_deleted (sqlite3 *db, gpointer data, GError **error)
{
  const Deletion *deletion = data;

  return quern_sql_run (db, error, "UPDATE comparison SET deleted = NULLIF (?2, 0) WHERE id = ?1", "ii", deletion->id,
                        deletion->deleted);
}

static void
set_deleted (QuernComparisons *self, QuernComparisonEntry *entry, gint64 deleted)
{
  Deletion *deletion = g_new (Deletion, 1);

  *deletion = (Deletion) { quern_comparison_entry_get_id (entry), deleted };
  _quern_store_write (self->store, mark_deleted, deletion, g_free);
}

/**
 * quern_comparisons_delete:
 *
 * Takes it out of the list; quern_comparisons_restore() brings it back until what was deleted is erased with the store.
 */
void
quern_comparisons_delete (QuernComparisons *self, QuernComparisonEntry *entry)
{
  guint position;

  save_dirty (self);
  set_deleted (self, entry, g_get_real_time ());
  if (g_list_store_find (self->entries, entry, &position))
    g_list_store_remove (self->entries, position);
}

/* Skips an entry that is already there: it may have been added before the list was read, or restored from a backup
 * before the deletion was undone. */
static void
add_missing (QuernComparisons *self, QuernComparisonEntry *entry)
{
  if (!quern_comparisons_find (self, quern_comparison_entry_get_id (entry)))
    g_list_store_insert_sorted (self->entries, entry, compare_entries, NULL);
}

void
quern_comparisons_restore (QuernComparisons *self, QuernComparisonEntry *entry)
{
  set_deleted (self, entry, 0);
  add_missing (self, entry);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComparisons) self = user_data;
  g_autoptr (GError) error = NULL;
  const GPtrArray *entries = _quern_store_get_data (result);

  if (!_quern_store_finish (QUERN_STORE (source), result, &error)) {
    g_signal_emit_by_name (source, "problem", error);
    return;
  }
  for (guint i = 0; i < entries->len; i++)
    add_missing (self, entries->pdata[i]);
}

/**
 * quern_comparisons_new:
 *
 * Returns: (transfer full): the store's comparisons; the list fills in a moment
 */
QuernComparisons *
quern_comparisons_new (QuernStore *store)
{
  QuernComparisons *self = g_object_new (QUERN_TYPE_COMPARISONS, NULL);

  self->store = g_object_ref (store);
  quern_comparisons_reload_async (self, NULL, loaded_cb, g_object_ref (self));
  return self;
}

static void
quern_comparisons_dispose (GObject *object)
{
  QuernComparisons *self = QUERN_COMPARISONS (object);

  g_clear_handle_id (&self->save_source, g_source_remove);
  if (self->store)
    save_dirty (self);
  g_hash_table_remove_all (self->dirty);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_comparisons_parent_class)->dispose (object);
}

static void
quern_comparisons_finalize (GObject *object)
{
  QuernComparisons *self = QUERN_COMPARISONS (object);

  g_object_unref (self->entries);
  g_hash_table_unref (self->dirty);
  G_OBJECT_CLASS (quern_comparisons_parent_class)->finalize (object);
}

static void
quern_comparisons_class_init (QuernComparisonsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_comparisons_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_comparisons_finalize;
}

static void
quern_comparisons_init (QuernComparisons *self)
{
  self->entries = g_list_store_new (QUERN_TYPE_COMPARISON_ENTRY);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}
