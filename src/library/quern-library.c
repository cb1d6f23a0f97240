/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-library-private.h"

#include <string.h>

#include "quern-receipts.h"
#include "quern-installed.h"
#include "quern-scan.h"
#include "quern-sql.h"

/* Changes in the folder come in bursts (a download being renamed into place, a copy that grows). */
#define SETTLE_MS 500

struct _QuernLibrary {
  GObject parent_instance;

  QuernStore *store; /* NULL: nothing is imported */
  char *folder, *demo_folder;
  GListStore *models;    /* on this computer */
  GListModel *elsewhere; /* of QuernModel, or NULL */
  GListStore *folders;   /* of GFile: those that were added */
  GPtrArray *skipped;    /* of QuernModel: what other programs keep and Quern does not run */
  GHashTable *last_used; /* a model's key -> gint64 *, microseconds since 1970 */
  GFileMonitor *monitor;
  guint settle_source;
  guint scans;          /* under way */
  guint64 begun, shown; /* numbers of the latest scan that began, and of the one whose results are shown */
};

enum { PROP_0, PROP_SCANNING, N_PROPS };
enum { SIGNAL_USED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

static GType
quern_library_get_item_type (GListModel *model)
{
  return QUERN_TYPE_MODEL;
}

static guint
n_local (QuernLibrary *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->models));
}

static guint
quern_library_get_n_items (GListModel *model)
{
  QuernLibrary *self = QUERN_LIBRARY (model);

  return n_local (self) + (self->elsewhere ? g_list_model_get_n_items (self->elsewhere) : 0);
}

static gpointer
quern_library_get_item (GListModel *model, guint position)
{
  QuernLibrary *self = QUERN_LIBRARY (model);
  guint n = n_local (self);

  if (position < n)
    return g_list_model_get_item (G_LIST_MODEL (self->models), position);
  return self->elsewhere ? g_list_model_get_item (self->elsewhere, position - n) : NULL;
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
  QuernScanOptions options;
  QuernDatabase *database; /* NULL without a store */
  guint64 number;

  /* Results */
  GPtrArray *skipped;
  GPtrArray *folders; /* of GFile */
  GHashTable *last_used;
} ScanJob;

static void
scan_job_free (gpointer data)
{
  ScanJob *job = data;

  g_free (job->options.folder);
  g_free (job->options.demo_folder);
  g_hash_table_unref (job->options.records);
  g_ptr_array_unref (job->options.imported);
  g_ptr_array_unref (job->options.known);
  g_clear_object (&job->database);
  g_ptr_array_unref (job->skipped);
  g_ptr_array_unref (job->folders);
  g_hash_table_unref (job->last_used);
  g_free (job);
}

static void
set_last_used (GHashTable *table, const char *path, gint64 time)
{
  g_hash_table_insert (table, g_strdup (path), g_memdup2 (&time, sizeof time));
}

static gint64
last_used (QuernLibrary *self, const char *path)
{
  const gint64 *time = g_hash_table_lookup (self->last_used, path);

  return time ? *time : 0;
}

static gboolean
read_model_files (sqlite3 *db, gpointer data, GError **error)
{
  ScanJob *job = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT path, imported, last_used FROM model_file ORDER BY path", "");
  GHashTable *records = stmt ? _quern_installed_read (db, error) : NULL;

  if (!records)
    return FALSE;
  g_hash_table_unref (job->options.records);
  job->options.records = records;
  while (quern_sql_next (stmt, &failure)) {
    g_autofree char *path = quern_sql_dup_text (stmt, 0);
    set_last_used (job->last_used, path, sqlite3_column_int64 (stmt, 2));
    if (sqlite3_column_int (stmt, 1))
      g_ptr_array_add (job->options.imported, g_steal_pointer (&path));
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/* A database that cannot be read costs the imported models, not the others. */
static void
quern_library_scan_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  ScanJob *job = data;
  g_autoptr (GPtrArray) receipts = quern_receipts_read ();
  GPtrArray *found;
  /* Paths of files that were installed although nobody told their checksum. */
  g_autoptr (GHashTable) unverified = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < receipts->len; i++) {
    QuernReceipt *receipt = receipts->pdata[i];
    if (!receipt->verified)
      g_hash_table_add (unverified, g_strdup (receipt->target));
  }
  if (job->database) {
    _quern_installed_adopt (job->database, job->options.folder, receipts);
    quern_database_read (job->database, read_model_files, job, NULL);
  }
  /* A folder that is away, on a disk that is not plugged in, is still one: only a file is known by its ending. */
  for (guint i = 0; i < job->options.imported->len; i++) {
    const char *path = job->options.imported->pdata[i];
    if (g_file_test (path, G_FILE_TEST_IS_DIR) || !g_str_has_suffix (path, ".gguf"))
      g_ptr_array_add (job->folders, g_file_new_for_path (path));
  }
  found = _quern_scan (&job->options, job->skipped, cancellable);
  for (guint i = 0; i < found->len; i++)
    _quern_model_set_unverified (found->pdata[i], unverified);
  g_task_return_pointer (task, found, (GDestroyNotify) g_ptr_array_unref);
}

static void
add_current_models (QuernLibrary *self, GPtrArray *models)
{
  for (guint i = 0; i < n_local (self); i++)
    g_ptr_array_add (models, g_list_model_get_item (G_LIST_MODEL (self->models), i));
}

static gboolean
is_same_folder (gconstpointer a, gconstpointer b)
{
  return g_file_equal ((GFile *) a, (GFile *) b);
}

static void
quern_library_scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernLibrary *self = QUERN_LIBRARY (source);
  g_autoptr (GTask) task = user_data;
  ScanJob *job = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  g_autoptr (GPtrArray) found = g_task_propagate_pointer (G_TASK (result), &error);

  if (found && job->number > self->shown) { /* one that began earlier and took longer does not know the latest */
    self->shown = job->number;
    /* What else a scan found. The list of folders changes only where it differs, as somebody may be looking at it. */
    guint n = g_list_model_get_n_items (G_LIST_MODEL (self->folders));
    gboolean same = n == job->folders->len;
    GHashTableIter iter;
    gpointer path, time;

    for (guint i = 0; same && i < n; i++)
      same = g_list_store_find_with_equal_func (self->folders, job->folders->pdata[i], is_same_folder, NULL);
    if (!same)
      g_list_store_splice (self->folders, 0, n, job->folders->pdata, job->folders->len);
    g_ptr_array_unref (self->skipped);
    self->skipped = g_ptr_array_ref (job->skipped);
    g_hash_table_iter_init (&iter, job->last_used);
    while (g_hash_table_iter_next (&iter, &path, &time)) /* what was used since is newer here than what was read */
      if (*(gint64 *) time > last_used (self, path))
        set_last_used (self->last_used, path, *(gint64 *) time);
    /* What changed is replaced, and the objects of what did not are kept. */
    g_autoptr (GPtrArray) now = g_ptr_array_new_with_free_func (g_object_unref);
    guint same_start = 0, same_end = 0;

    add_current_models (self, now);
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
  g_autoptr (GTask) worker = g_task_new (self, cancellable, quern_library_scanned_cb, task);
  ScanJob *job = g_new0 (ScanJob, 1);

  job->number = ++self->begun;
  job->options.folder = g_strdup (self->folder);
  job->options.records = g_hash_table_new (g_str_hash, g_str_equal); /* nothing is Quern's, until that is read */
  job->options.demo_folder = g_strdup (self->demo_folder);
  job->options.imported = g_ptr_array_new_with_free_func (g_free);
  job->options.known = g_ptr_array_new_with_free_func (g_object_unref);
  job->database = self->store ? g_object_ref (quern_store_get_database (self->store)) : NULL;
  job->skipped = g_ptr_array_new_with_free_func (g_object_unref);
  job->folders = g_ptr_array_new_with_free_func (g_object_unref);
  job->last_used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  add_current_models (self, job->options.known);
  for (guint i = 0; i < self->skipped->len; i++)
    g_ptr_array_add (job->options.known, g_object_ref (self->skipped->pdata[i]));
  g_task_set_task_data (worker, job, scan_job_free);
  if (self->scans++ == 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SCANNING]);
  g_task_run_in_thread (worker, quern_library_scan_worker);
}

gboolean
quern_library_scan_finish (QuernLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
quern_library_settled_cb (gpointer data)
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
  self->settle_source = g_timeout_add (SETTLE_MS, quern_library_settled_cb, self);
}

/* ---- models that run elsewhere --------------------------------------------------------------------------------- */

static void
elsewhere_changed_cb (QuernLibrary *self, guint position, guint removed, guint added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), n_local (self) + position, removed, added);
}

/**
 * quern_library_set_elsewhere:
 * @models: (transfer none): of #QuernModel, which run elsewhere; they follow those on this computer, now and whenever they change
 *
 * Call it once.
 */
void
quern_library_set_elsewhere (QuernLibrary *self, GListModel *models)
{
  g_return_if_fail (QUERN_IS_LIBRARY (self) && G_IS_LIST_MODEL (models) && !self->elsewhere);

  self->elsewhere = g_object_ref (models);
  g_signal_connect_object (models, "items-changed", G_CALLBACK (elsewhere_changed_cb), self, G_CONNECT_SWAPPED);
  elsewhere_changed_cb (self, 0, 0, g_list_model_get_n_items (models));
}

/* ---- look-up --------------------------------------------------------------------------------------------------- */

/* "SERVER/MODEL" with the name that people gave the server. */
static gboolean
is_called (QuernModel *model, const char *text)
{
  const char *place = quern_model_get_place (model);

  return g_str_has_prefix (text, place) && text[strlen (place)] == '/'
         && g_str_equal (text + strlen (place) + 1, quern_model_get_name (model));
}

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
 * @id: (nullable): an id, the path of a model in the library, or the names of a server and of a model there, "box/Qwen3.5-4B"
 *
 * Returns: (transfer none) (nullable): the model, until the library changes
 */
QuernModel *
quern_library_find (QuernLibrary *self, const char *id)
{
  guint n = quern_library_get_n_items (G_LIST_MODEL (self));

  for (guint i = 0; id && i < n; i++) {
    g_autoptr (QuernModel) model = quern_library_get_item (G_LIST_MODEL (self), i);
    g_autofree char *stem = quern_model_is_demo (model) ? _quern_model_dup_stem (model) : NULL;
    if (g_str_equal (quern_model_get_id (model), id) || g_str_equal (quern_model_get_key (model), id)
        || (stem && g_ascii_strcasecmp (stem, id) == 0) || (quern_model_is_remote (model) && is_called (model, id)))
      return model; /* the list holds it */
  }
  return NULL;
}

/**
 * quern_library_get_default:
 *
 * Returns: (transfer none) (nullable): the first model that can be used: Quern Tiny when there is no other. What other
 * programs keep is not it: nobody has chosen that here, and it may be of any size. Nor is what runs elsewhere: nothing leaves
 * this computer before somebody has chosen that.
 */
QuernModel *
quern_library_get_default (QuernLibrary *self)
{
  for (guint i = 0; i < n_local (self); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (self->models), i);
    if (quern_model_get_state (model) == QUERN_MODEL_OK && quern_model_get_keeper (model) == NULL)
      return model;
  }
  return NULL;
}

/**
 * quern_library_get_folders:
 *
 * Returns: (transfer none): a list of GFile, the folders that were added
 */
GListModel *
quern_library_get_folders (QuernLibrary *self)
{
  return G_LIST_MODEL (self->folders);
}

/**
 * quern_library_get_n_skipped:
 *
 * Returns: how many models other programs keep that are of architectures which Quern does not run
 */
guint
quern_library_get_n_skipped (QuernLibrary *self)
{
  return self->skipped->len;
}

/* ---- use -------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *path;
  gint64 time;
} Use;

static void
use_free (gpointer data)
{
  Use *use = data;

  g_free (use->path);
  g_free (use);
}

static gboolean
write_use (sqlite3 *db, gpointer data, GError **error)
{
  const Use *use = data;

  return quern_sql_run (db, error,
                        "INSERT INTO model_file (path, added, imported, last_used) VALUES (?1, ?2, 0, ?2)"
                        " ON CONFLICT (path) DO UPDATE SET last_used = excluded.last_used",
                        "si", use->path, use->time);
}

static void
use_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!quern_database_call_finish (QUERN_DATABASE (source), result, &error))
    g_debug ("when a model was used could not be saved: %s", error->message);
}

/* Remembers that a model was used just now. */
void
quern_library_mark_used (QuernLibrary *self, QuernModel *model)
{
  Use *use;

  g_return_if_fail (QUERN_IS_LIBRARY (self) && QUERN_IS_MODEL (model));
  use = g_new (Use, 1);
  *use = (Use) { g_strdup (quern_model_get_key (model)), g_get_real_time () };
  set_last_used (self->last_used, use->path, use->time);
  g_signal_emit (self, signals[SIGNAL_USED], 0, model);
  if (self->store)
    quern_database_write_async (quern_store_get_database (self->store), write_use, use, use_free, NULL, use_written_cb,
                                NULL);
  else
    use_free (use);
}

/**
 * quern_library_get_last_used:
 *
 * Returns: microseconds since 1970, 0 when it was never used
 */
gint64
quern_library_get_last_used (QuernLibrary *self, QuernModel *model)
{
  return last_used (self, quern_model_get_key (model));
}

/* ---- installed ------------------------------------------------------------------------------------------------- */

static gboolean
write_installed (sqlite3 *db, gpointer data, GError **error)
{
  for (GStrv path = data; *path; path++)
    if (!_quern_installed_note (db, *path, error))
      return FALSE;
  return TRUE;
}

static void
installed_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!quern_database_call_finish (QUERN_DATABASE (source), result, &error))
    g_debug ("what was installed could not be recorded: %s", error->message);
}

/**
 * quern_library_add_installed:
 * @paths: (array zero-terminated=1): files that Quern has just put there
 *
 * Remembers that they are Quern's own and go with their model.
 */
void
quern_library_add_installed (QuernLibrary *self, const char *const *paths)
{
  g_return_if_fail (QUERN_IS_LIBRARY (self));

  if (self->store)
    quern_database_write_async (quern_store_get_database (self->store), write_installed, g_strdupv ((char **) paths),
                                (GDestroyNotify) g_strfreev, NULL, installed_written_cb, NULL);
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

/* Returns: (transfer none) (nullable): where imported files are remembered */
QuernStore *
_quern_library_get_store (QuernLibrary *self)
{
  return self->store;
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
  g_clear_object (&self->elsewhere);
  g_clear_object (&self->folders);
  g_clear_pointer (&self->skipped, g_ptr_array_unref);
  g_clear_pointer (&self->last_used, g_hash_table_unref);
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
                                                    G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY
                                                        | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  /* A model was marked as used. */
  signals[SIGNAL_USED] = g_signal_new ("used", QUERN_TYPE_LIBRARY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                       1, QUERN_TYPE_MODEL);
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
  self->folders = g_list_store_new (G_TYPE_FILE);
  self->skipped = g_ptr_array_new_with_free_func (g_object_unref);
  self->last_used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_signal_connect_object (self->models, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  folder = g_file_new_for_path (self->folder);
  self->monitor = g_file_monitor_directory (folder, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor)
    g_signal_connect_object (self->monitor, "changed", G_CALLBACK (folder_changed_cb), self, G_CONNECT_SWAPPED);
}
