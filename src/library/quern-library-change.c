/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-library-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "quern-installed.h"
#include "quern-scan.h"
#include "quern-sql.h"

/* Importing and removing: a change is written into the database, files that Quern installed are deleted, and then a scan
 * shows what the list has become. */

/* A change to what is in the list. */
typedef struct {
  char *path; /* of a model's first file, or of a folder */
  gboolean imported;
  gboolean own;      /* Quern installed it: its files go, too */
  char *vision_path; /* that goes with it */
  GPtrArray *gone;   /* of paths: what was deleted */
} Entry;

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_free (entry->path);
  g_free (entry->vision_path);
  g_ptr_array_unref (entry->gone);
}

static void
entry_release (gpointer entry)
{
  g_atomic_rc_box_release_full (entry, entry_clear);
}

static Entry *
entry_new (const char *path, gboolean imported)
{
  Entry *entry = g_atomic_rc_box_new0 (Entry);

  entry->path = g_strdup (path);
  entry->imported = imported;
  entry->gone = g_ptr_array_new_with_free_func (g_free);
  return entry;
}

static gboolean
write_entry (sqlite3 *db, gpointer data, GError **error)
{
  const Entry *entry = data;

  if (entry->imported)
    return quern_sql_run (db, error,
                          "INSERT INTO model_file (path, added, imported) VALUES (?1, ?2, 1)"
                          " ON CONFLICT (path) DO UPDATE SET imported = 1",
                          "si", entry->path, g_get_real_time ())
           && _quern_installed_show (db, entry->path, error);
  for (guint i = 0; i < entry->gone->len; i++)
    if (!_quern_installed_gone (db, entry->gone->pdata[i], error))
      return FALSE;
  return g_ptr_array_find_with_equal_func (entry->gone, entry->path, g_str_equal, NULL)
         || _quern_installed_hide (db, entry->path, error);
}

/* The first sound model in a folder; any, where none is. */
static QuernModel *
find_below (QuernLibrary *self, const char *folder)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self));
  g_autofree char *prefix = g_strconcat (folder, G_DIR_SEPARATOR_S, NULL);
  QuernModel *any = NULL;

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (self), i);
    if (quern_model_is_remote (model) || !g_str_has_prefix (quern_model_get_path (model), prefix))
      continue;
    if (quern_model_get_state (model) == QUERN_MODEL_OK)
      return model; /* the list holds it */
    any = any ? any : model;
  }
  return any;
}

static void
quern_library_rescanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Entry *entry = g_task_get_task_data (task);
  GError *error = NULL;
  QuernModel *model;

  if (!quern_library_scan_finish (QUERN_LIBRARY (source), result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  model = quern_library_find (QUERN_LIBRARY (source), entry->path);
  if (!model)
    model = find_below (QUERN_LIBRARY (source), entry->path);
  if (model || !entry->imported)
    g_task_return_pointer (task, model ? g_object_ref (model) : NULL, g_object_unref);
  else /* what is in a folder may be in the list already, from elsewhere */
    g_task_return_new_error (task, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND,
                             _("The models in “%s” are already in the list."), entry->path);
}

static gboolean
read_records (sqlite3 *db, gpointer data, GError **error)
{
  GHashTable **records = data;

  *records = _quern_installed_read (db, error);
  return *records != NULL;
}

static int
compare_backwards (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char **) b, *(const char **) a);
}

/* Deletes what Quern installed of these files and leaves the rest alone. */
static gboolean
delete_own (Entry *entry, GHashTable *records, GError **error)
{
  /* The first part goes last: until then the model is found, and can be removed again. What parts there are the folder
   * says, as a damaged model may claim any number. */
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = g_path_get_dirname (entry->path), *name = g_path_get_basename (entry->path);
  const char *number = g_strrstr (name, "-00001-of-");
  g_autoptr (GDir) dir = number ? g_dir_open (folder, 0, NULL) : NULL;

  for (const char *other = dir ? g_dir_read_name (dir) : NULL; other; other = g_dir_read_name (dir))
    if (strlen (other) == strlen (name) && strncmp (other, name, number - name) == 0
        && _quern_scan_is_later_part (other)
        && g_str_equal (other + (number - name) + strlen ("-00001"), number + strlen ("-00001")))
      g_ptr_array_add (files, g_build_filename (folder, other, NULL));
  g_ptr_array_sort (files, compare_backwards);
  g_ptr_array_add (files, g_strdup (entry->path));

  if (entry->vision_path)
    g_ptr_array_add (files, g_strdup (entry->vision_path));
  for (guint i = 0; i < files->len; i++) {
    const char *path = files->pdata[i];
    if (!_quern_installed_is_ours (records, path))
      continue;
    if (g_unlink (path) != 0 && errno != ENOENT) {
      g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_FAILED, _("“%s” could not be deleted: %s."), path,
                   g_strerror (errno));
      return FALSE;
    }
    g_ptr_array_add (entry->gone, g_strdup (path));
  }
  return TRUE;
}

static void
quern_library_change_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernStore *store = _quern_library_get_store (source);
  Entry *entry = data;
  GError *error = NULL;

  /* There must be something to import, which a scan will find. */
  if (entry->imported && !g_file_test (entry->path, G_FILE_TEST_IS_DIR)) {
    g_autoptr (QuernModel) model = quern_model_new (entry->path, cancellable, &error);

    if (model && !g_str_has_suffix (entry->path, ".gguf"))
      g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                   _("The name of “%s” does not end in .gguf. Rename the file, then add it again."), entry->path);
    else if (model && _quern_scan_is_later_part (entry->path))
      g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                   _("“%s” is a later part of a model. Add the first part, whose number is 00001."), entry->path);
  } else if (entry->imported && !_quern_scan_has_models (entry->path, cancellable)) {
    g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND,
                 _("There is no GGUF model in “%s”. Choose the folder that contains the .gguf files."), entry->path);
  }
  if (!error && store && entry->imported) {
    quern_database_write (quern_store_get_database (store), write_entry, entry, &error);
  } else if (!error && store) {
    QuernDatabase *database = quern_store_get_database (store);
    g_autoptr (GHashTable) records = NULL;

    if (quern_database_read (database, read_records, &records, &error)
        && (!entry->own || delete_own (entry, records, &error)))
      quern_database_write (database, write_entry, entry, &error);
  }
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
entry_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    quern_library_scan_async (QUERN_LIBRARY (source), g_task_get_cancellable (task), quern_library_rescanned_cb, task);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* Carries the change out on a thread, scans, and returns the model at its path, if any. Takes entry over. */
static void
apply_change (QuernLibrary *self, GTask *task, Entry *entry)
{
  g_autoptr (GTask) worker = g_task_new (self, g_task_get_cancellable (task), entry_written_cb, task);

  g_task_set_task_data (task, entry, entry_release);
  g_task_set_task_data (worker, g_atomic_rc_box_acquire (entry), entry_release);
  g_task_run_in_thread (worker, quern_library_change_worker);
}

/**
 * quern_library_import_async:
 * @path: a GGUF file anywhere, or a folder with such files; they are used where they lie and never changed. A folder is
 *   looked into again at each scan.
 */
void
quern_library_import_async (QuernLibrary *self, const char *path, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);

  apply_change (self, task, entry_new (absolute, TRUE));
}

/**
 * quern_library_import_finish:
 *
 * Returns: (transfer full) (nullable): the model, now in the library; of a folder, one of its models. %NULL with @error set
 */
QuernModel *
quern_library_import_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * quern_library_remove_async:
 *
 * Takes a model off the list. If Quern installed it (%QUERN_ORIGIN_OWN), its files are deleted, with its vision file unless
 * another model uses it: those of them that Quern installed. No other file is ever deleted. What other programs keep, and
 * what is in a folder that was added, stays in the list: %QUERN_LIBRARY_ERROR_NOT_ALLOWED.
 * A context that has it open keeps working.
 */
void
quern_library_remove_async (QuernLibrary *self, QuernModel *model, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  const char *keeper = quern_model_get_keeper (model);
  GError *error = NULL;
  guint n_vision_users = 0;
  Entry *entry;

  if (quern_model_is_demo (model))
    g_set_error_literal (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                         _("Quern Tiny is part of the application and cannot be removed."));
  else if (keeper)
    g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                 _("“%s” belongs to %s. Delete it there."), quern_model_get_title (model), keeper);
  else if (quern_model_is_remote (model))
    g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                 _("“%s” is on the server “%s”. Remove the server instead."), quern_model_get_title (model),
                 quern_model_get_place (model));
  else if (quern_model_get_origin (model) == QUERN_ORIGIN_FOLDER)
    g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                 _("“%s” is in a folder that was added. Remove that folder, or delete the file itself."),
                 quern_model_get_title (model));
  if (error) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  entry = entry_new (quern_model_get_path (model), FALSE);
  entry->own = quern_model_get_origin (model) == QUERN_ORIGIN_OWN;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++) {
    g_autoptr (QuernModel) other = g_list_model_get_item (G_LIST_MODEL (self), i);
    n_vision_users += g_strcmp0 (quern_model_get_vision_path (other), quern_model_get_vision_path (model)) == 0;
  }
  if (quern_model_get_vision_path (model) && n_vision_users <= 1)
    entry->vision_path = g_strdup (quern_model_get_vision_path (model));
  apply_change (self, task, entry);
}

/**
 * quern_library_remove_folder_async:
 * @path: a folder that was added
 *
 * Forgets it, with the models in it. Its files stay. To be finished with quern_library_remove_finish().
 */
void
quern_library_remove_folder_async (QuernLibrary *self, const char *path, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  apply_change (self, g_task_new (self, cancellable, callback, user_data), entry_new (path, FALSE));
}

gboolean
quern_library_remove_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  GError *failure = NULL;
  g_autoptr (QuernModel) left = g_task_propagate_pointer (G_TASK (result), &failure); /* at that path, or below it */

  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}
