/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-library.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "quern-scan.h"
#include "quern-sql.h"

/* Changes in the folder come in bursts (a download being renamed into place, a copy that grows). */
#define SETTLE_MS 500

struct _QuernLibrary {
  GObject parent_instance;

  QuernStore *store; /* NULL: nothing is imported */
  char *folder, *demo_folder;
  GListStore *models;
  GFileMonitor *monitor;
  guint settle_source;
  guint scans; /* under way */
};

enum { PROP_0, PROP_SCANNING, N_PROPS };

static GParamSpec *properties[N_PROPS];

static GType
quern_library_get_item_type (GListModel *model)
{
  return QUERN_TYPE_MODEL;
}

static guint
quern_library_get_n_items (GListModel *model)
{
  return g_list_model_get_n_items (G_LIST_MODEL (QUERN_LIBRARY (model)->models));
}

static gpointer
quern_library_get_item (GListModel *model, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (QUERN_LIBRARY (model)->models), position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = quern_library_get_item_type;
  iface->get_n_items = quern_library_get_n_items;
  iface->get_item = quern_library_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernLibrary, quern_library, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))
G_DEFINE_QUARK (quern-library-error-quark, quern_library_error)

/* ---- scanning -------------------------------------------------------------------------------------------------- */

typedef struct {
  char *folder, *demo_folder;
  QuernDatabase *database; /* NULL without a store */
  GPtrArray *known;
} ScanJob;

static void
scan_job_free (gpointer data)
{
  ScanJob *job = data;

  g_free (job->folder);
  g_free (job->demo_folder);
  g_clear_object (&job->database);
  g_ptr_array_unref (job->known);
  g_free (job);
}

static gboolean
read_imported (sqlite3 *db, gpointer data, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt =
      quern_sql_query (db, error, "SELECT path FROM model_file WHERE imported ORDER BY path", "");

  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure))
    g_ptr_array_add (data, quern_sql_dup_text (stmt, 0));
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* A database that cannot be read costs the imported models, not the others. */
static void
scan_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  ScanJob *job = data;
  g_autoptr (GPtrArray) imported = g_ptr_array_new_with_free_func (g_free);

  if (job->database)
    quern_database_read (job->database, read_imported, imported, NULL);
  g_task_return_pointer (task, _quern_scan (job->folder, job->demo_folder, imported, job->known, cancellable),
                         (GDestroyNotify) g_ptr_array_unref);
}

static GPtrArray *
current_models (QuernLibrary *self)
{
  guint n = quern_library_get_n_items (G_LIST_MODEL (self));
  GPtrArray *models = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (models, quern_library_get_item (G_LIST_MODEL (self), i));
  return models;
}

/* Replaces what changed and keeps the objects of what did not. */
static void
show_models (QuernLibrary *self, GPtrArray *found)
{
  g_autoptr (GPtrArray) now = current_models (self);
  guint same_start = 0, same_end = 0;

  while (same_start < MIN (now->len, found->len)
         && _quern_model_equal (now->pdata[same_start], found->pdata[same_start]))
    same_start++;
  while (same_end < MIN (now->len, found->len) - same_start
         && _quern_model_equal (now->pdata[now->len - 1 - same_end], found->pdata[found->len - 1 - same_end]))
    same_end++;
  if (now->len - same_start - same_end > 0 || found->len - same_start - same_end > 0)
    g_list_store_splice (self->models, same_start, now->len - same_start - same_end, found->pdata + same_start,
                         found->len - same_start - same_end);
}

static void
scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernLibrary *self = QUERN_LIBRARY (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GPtrArray) found = g_task_propagate_pointer (G_TASK (result), &error);

  if (found)
    show_models (self, found);
  if (--self->scans == 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SCANNING]);
  if (found)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_library_scan_async:
 *
 * Looks for models anew. Needed only to know when that is done: the library looks by itself when it is made and when
 * its folder changes.
 */
void
quern_library_scan_async (QuernLibrary *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GTask) worker = g_task_new (self, cancellable, scanned_cb, task);
  ScanJob *job = g_new0 (ScanJob, 1);

  job->folder = g_strdup (self->folder);
  job->demo_folder = g_strdup (self->demo_folder);
  job->database = self->store ? g_object_ref (quern_store_get_database (self->store)) : NULL;
  job->known = current_models (self);
  g_task_set_task_data (worker, job, scan_job_free);
  if (self->scans++ == 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SCANNING]);
  g_task_run_in_thread (worker, scan_worker);
}

gboolean
quern_library_scan_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
settled_cb (gpointer data)
{
  QuernLibrary *self = data;

  self->settle_source = 0;
  quern_library_scan_async (self, NULL, NULL, NULL);
  return G_SOURCE_REMOVE;
}

static void
folder_changed_cb (QuernLibrary *self)
{
  g_clear_handle_id (&self->settle_source, g_source_remove);
  self->settle_source = g_timeout_add (SETTLE_MS, settled_cb, self);
}

/* ---- look-up --------------------------------------------------------------------------------------------------- */

/**
 * quern_library_dup_folder:
 *
 * Returns: (transfer full): where downloaded models are, $XDG_DATA_HOME/quern/models; may not exist yet
 */
char *
quern_library_dup_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "quern", "models", NULL);
}

gboolean
quern_library_get_scanning (QuernLibrary *self)
{
  return self->scans > 0;
}

/**
 * quern_library_find:
 * @id: (nullable): an id, or the path of a model in the library
 *
 * Returns: (transfer none) (nullable): the model, until the library changes
 */
QuernModel *
quern_library_find (QuernLibrary *self, const char *id)
{
  guint n = quern_library_get_n_items (G_LIST_MODEL (self));

  for (guint i = 0; id && i < n; i++) {
    g_autoptr (QuernModel) model = quern_library_get_item (G_LIST_MODEL (self), i);
    g_autofree char *stem = _quern_model_dup_stem (model);
    if (g_str_equal (quern_model_get_id (model), id) || g_str_equal (quern_model_get_path (model), id)
        || (quern_model_is_demo (model) && g_ascii_strcasecmp (stem, id) == 0))
      return model; /* the list holds it */
  }
  return NULL;
}

/**
 * quern_library_get_default:
 *
 * Returns: (transfer none) (nullable): the first model that can be used: Quern Tiny when there is no other
 */
QuernModel *
quern_library_get_default (QuernLibrary *self)
{
  guint n = quern_library_get_n_items (G_LIST_MODEL (self));

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernModel) model = quern_library_get_item (G_LIST_MODEL (self), i);
    if (quern_model_get_state (model) == QUERN_MODEL_OK)
      return model;
  }
  return NULL;
}

/* ---- import and remove ----------------------------------------------------------------------------------------- */

/* A change to what is imported, and files to delete before. */
typedef struct {
  char *path;
  gboolean imported;
  GPtrArray *victims; /* of paths */
} Entry;

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_free (entry->path);
  g_ptr_array_unref (entry->victims);
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
  entry->victims = g_ptr_array_new_with_free_func (g_free);
  return entry;
}

static gboolean
write_entry (sqlite3 *db, gpointer data, GError **error)
{
  const Entry *entry = data;

  if (!entry->imported)
    return quern_sql_run (db, error, "DELETE FROM model_file WHERE path = ?1", "s", entry->path);
  return quern_sql_run (db, error,
                        "INSERT INTO model_file (path, added, imported) VALUES (?1, ?2, 1)"
                        " ON CONFLICT (path) DO UPDATE SET imported = 1",
                        "si", entry->path, g_get_real_time ());
}

static void
rescanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Entry *entry = g_task_get_task_data (task);
  GError *error = NULL;

  if (!quern_library_scan_finish (QUERN_LIBRARY (source), result, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, quern_library_find (QUERN_LIBRARY (source), entry->path), NULL);
}

static gboolean
delete_files (GPtrArray *paths, GError **error)
{
  for (guint i = 0; i < paths->len; i++) {
    if (g_unlink (paths->pdata[i]) != 0 && errno != ENOENT) {
      g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_FAILED, _("“%s” could not be deleted: %s."),
                   (const char *) paths->pdata[i], g_strerror (errno));
      return FALSE;
    }
  }
  return TRUE;
}

static void
change_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernLibrary *self = source;
  Entry *entry = data;
  GError *error = NULL;
  g_autoptr (QuernModel) model = entry->imported ? quern_model_new (entry->path, cancellable, &error) : NULL;

  if (!error && delete_files (entry->victims, &error) && self->store)
    quern_database_write (quern_store_get_database (self->store), write_entry, entry, &error);
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
    quern_library_scan_async (QUERN_LIBRARY (source), g_task_get_cancellable (task), rescanned_cb, task);
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
  g_task_run_in_thread (worker, change_worker);
}

/**
 * quern_library_import_async:
 * @path: a GGUF file anywhere; it is used where it lies and never changed
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
 * Returns: (transfer none) (nullable): the model, now in the library
 */
QuernModel *
quern_library_import_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* All parts, the first one last: until it is gone the model is found, and can be removed again. */
static void
add_parts (GPtrArray *victims, QuernModel *model)
{
  const char *path = quern_model_get_path (model);
  guint n = MAX (1, quern_model_get_info (model)->n_parts);
  const char *of = g_strrstr (path, "00001-of-");

  for (guint part = n; n > 1 && of && part > 1; part--)
    g_ptr_array_add (victims,
                     g_strdup_printf ("%.*s%05u%s", (int) (of - path), path, part, of + strlen ("00001")));
  g_ptr_array_add (victims, g_strdup (path));
}

static gboolean
vision_file_is_shared (QuernLibrary *self, QuernModel *model)
{
  guint users = 0;
  guint n = quern_library_get_n_items (G_LIST_MODEL (self));

  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernModel) other = quern_library_get_item (G_LIST_MODEL (self), i);
    users += g_strcmp0 (quern_model_get_vision_path (other), quern_model_get_vision_path (model)) == 0;
  }
  return users > 1;
}

/**
 * quern_library_remove_async:
 *
 * Deletes a model's files, with its vision file unless another model uses it; an imported one is only forgotten.
 * A context that has it open keeps working.
 */
void
quern_library_remove_async (QuernLibrary *self, QuernModel *model, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Entry *entry;

  if (quern_model_is_demo (model)) {
    g_task_return_new_error (task, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED,
                             _("Quern Tiny comes with the application and cannot be removed."));
    g_object_unref (task);
    return;
  }
  entry = entry_new (quern_model_get_path (model), FALSE);
  if (!quern_model_is_imported (model)) {
    add_parts (entry->victims, model);
    if (quern_model_get_vision_path (model) && !vision_file_is_shared (self, model))
      g_ptr_array_add (entry->victims, g_strdup (quern_model_get_vision_path (model)));
  }
  apply_change (self, task, entry);
}

gboolean
quern_library_remove_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  GError *failure = NULL;

  g_task_propagate_pointer (G_TASK (result), &failure);
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_library_new:
 * @store: (nullable): where imported files are remembered
 *
 * Returns: (transfer full): a library that begins to look for models at once
 */
QuernLibrary *
quern_library_new (QuernStore *store)
{
  QuernLibrary *self = g_object_new (QUERN_TYPE_LIBRARY, NULL);

  g_set_object (&self->store, store);
  quern_library_scan_async (self, NULL, NULL, NULL);
  return self;
}

static void
quern_library_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, quern_library_get_scanning (QUERN_LIBRARY (object)));
}

static void
quern_library_dispose (GObject *object)
{
  QuernLibrary *self = QUERN_LIBRARY (object);

  g_clear_handle_id (&self->settle_source, g_source_remove);
  g_clear_object (&self->monitor);
  g_clear_object (&self->store);
  g_clear_object (&self->models);
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->demo_folder, g_free);
  G_OBJECT_CLASS (quern_library_parent_class)->dispose (object);
}

static void
quern_library_class_init (QuernLibraryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = quern_library_get_property;
  object_class->dispose = quern_library_dispose;
  properties[PROP_SCANNING] = g_param_spec_boolean ("scanning", NULL, NULL, FALSE,
                                                    G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
items_changed_cb (QuernLibrary *self, guint position, guint removed, guint added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
}

static void
quern_library_init (QuernLibrary *self)
{
  const char *data_folder = g_getenv ("QUERN_PKGDATADIR"); /* programs run from the build folder */
  g_autoptr (GFile) folder = NULL;

  self->folder = quern_library_dup_folder ();
  self->demo_folder = g_build_filename (data_folder ? data_folder : PKGDATADIR, "models", NULL);
  self->models = g_list_store_new (QUERN_TYPE_MODEL);
  g_signal_connect_object (self->models, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  folder = g_file_new_for_path (self->folder);
  self->monitor = g_file_monitor_directory (folder, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor)
    g_signal_connect_object (self->monitor, "changed", G_CALLBACK (folder_changed_cb), self, G_CONNECT_SWAPPED);
}
