/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep-setup.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "quern-json-util.h"

#define NAME "setup.json"
#define MOST_BYTES (16 * 1024 * 1024) /* of such a file, in which a text of 4 MB may be */

static const char *const windows_words[] = { "quern", "llama" };

QuernSweepSetup *
quern_sweep_setup_new (const char *repository, const char *reference)
{
  QuernSweepSetup *self = g_new0 (QuernSweepSetup, 1);

  self->repository = g_strdup (repository);
  self->reference = g_strdup (reference);
  self->text = quern_text_choice_new ();
  self->n_ctx = QUERN_MEASURE_CONTEXT;
  self->budget = QUERN_SWEEP_BUDGET;
  self->begun = g_get_real_time () / G_USEC_PER_SEC;
  return self;
}

QuernSweepSetup *
quern_sweep_setup_copy (const QuernSweepSetup *self)
{
  QuernSweepSetup *copy = g_memdup2 (self, sizeof *self);

  copy->repository = g_strdup (self->repository);
  copy->reference = g_strdup (self->reference);
  copy->only = g_strdupv (self->only);
  copy->text = quern_text_choice_copy (self->text);
  copy->folder = g_strdup (self->folder);
  return copy;
}

void
quern_sweep_setup_free (QuernSweepSetup *self)
{
  if (!self)
    return;
  g_free (self->repository);
  g_free (self->reference);
  g_strfreev (self->only);
  quern_text_choice_free (self->text);
  g_free (self->folder);
  g_free (self);
}

/**
 * quern_sweep_setup_create:
 * @repo: the repository that the set-up names
 *
 * Returns: (transfer full) (nullable): the sweep, without its text; %NULL with @error set if @repo has no such quantisation
 */
QuernSweep *
quern_sweep_setup_create (const QuernSweepSetup *self, QuernHubRepo *repo, QuernDownloads *downloads,
                          QuernLibrary *library, QuernBackend *backend, GError **error)
{
  g_autoptr (QuernHubItem) reference = quern_hub_repo_find_item (repo, self->reference);

  if (!reference) {
    g_set_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
                 _("“%s” has no quantisation %s any more, so this sweep cannot go on."), self->repository,
                 self->reference);
    return NULL;
  }
  QuernSweep *sweep = quern_sweep_new (repo, reference, downloads, library, backend);
  if (self->only)
    quern_sweep_set_only (sweep, (const char *const *) self->only);
  quern_sweep_set_budget (sweep, self->budget);
  quern_sweep_set_delete (sweep, self->delete_models);
  quern_measure_set_windows (quern_sweep_get_measure (sweep), self->windows);
  quern_measure_set_context_size (quern_sweep_get_measure (sweep), self->n_ctx);
  return sweep;
}

/* ---- keeping it ------------------------------------------------------------------------------------------------ */

static char *
setup_to_json (const QuernSweepSetup *self)
{
  g_autoptr (JsonBuilder) out = json_builder_new ();

  json_builder_begin_object (out);
  quern_json_add_string (out, "repository", self->repository);
  quern_json_add_string (out, "reference", self->reference);
  if (self->only) {
    json_builder_set_member_name (out, "quantisations");
    json_builder_begin_array (out);
    for (char **label = self->only; *label; label++)
      json_builder_add_string_value (out, *label);
    json_builder_end_array (out);
  }
  json_builder_set_member_name (out, "text");
  quern_text_choice_write (self->text, out);
  quern_json_add_string (out, "windows", windows_words[self->windows]);
  quern_json_add_int (out, "context", self->n_ctx);
  quern_json_add_int (out, "budget", (gint64) self->budget);
  quern_json_add_bool (out, "delete", self->delete_models);
  quern_json_add_int (out, "begun", self->begun);
  quern_json_add_bool (out, "running", self->running);
  json_builder_end_object (out);
  g_autoptr (JsonNode) root = json_builder_get_root (out);
  return json_to_string (root, TRUE);
}

static QuernSweepSetup *
setup_from_json (JsonObject *object)
{
  const char *repository = quern_json_string (object, "repository", NULL);
  const char *reference = quern_json_string (object, "reference", NULL);
  JsonArray *labels = quern_json_array (object, "quantisations");
  g_autoptr (GStrvBuilder) only = g_strv_builder_new ();

  if (!repository || !quern_hub_repo_id_is_valid (repository) || !reference)
    return NULL;
  QuernSweepSetup *self = quern_sweep_setup_new (repository, reference);
  for (guint i = 0; i < quern_json_length (labels); i++)
    g_strv_builder_add (only, quern_json_string_at (labels, i));
  self->only = labels ? g_strv_builder_end (only) : NULL;
  quern_text_choice_free (self->text);
  self->text = quern_text_choice_read (quern_json_object (object, "text"));
  self->windows = quern_json_index (windows_words, G_N_ELEMENTS (windows_words),
                                    quern_json_string (object, "windows", NULL), QUERN_MEASURE_WINDOWS_QUERN);
  self->n_ctx = (guint) CLAMP (quern_json_int (object, "context", QUERN_MEASURE_CONTEXT), 2, G_MAXINT32);
  self->budget = (guint64) MAX (quern_json_int (object, "budget", QUERN_SWEEP_BUDGET), 0);
  self->delete_models = quern_json_int (object, "delete", FALSE) != 0;
  self->begun = quern_json_int (object, "begun", 0);
  self->running = quern_json_int (object, "running", FALSE) != 0;
  return self;
}

typedef struct {
  char *path, *json;
} Saving;

static void
saving_free (gpointer data)
{
  Saving *saving = data;

  g_free (saving->path);
  g_free (saving->json);
  g_free (saving);
}

static void
save_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Saving *saving = data;
  GError *error = NULL;

  if (g_file_set_contents_full (saving->path, saving->json, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * quern_sweep_setup_save_async:
 * @sweep: an opened sweep, in whose folder the set-up is kept
 * @running: what the folder is to say: whether to ask about the sweep when the program starts and it does not run
 */
void
quern_sweep_setup_save_async (QuernSweepSetup *self, QuernSweep *sweep, gboolean running, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Saving *saving = g_new (Saving, 1);

  self->running = running;
  g_set_str (&self->folder, quern_sweep_get_folder (sweep));
  *saving = (Saving) { g_build_filename (self->folder, NAME, NULL), setup_to_json (self) };
  g_task_set_task_data (task, saving, saving_free);
  g_task_run_in_thread (task, save_thread);
}

gboolean
quern_sweep_setup_save_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- finding them ---------------------------------------------------------------------------------------------- */

/* Returns NULL for a folder whose sweep the window did not begin, or whose set-up is damaged. */
static QuernSweepSetup *
load_setup (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, NAME, NULL), *json = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  GStatBuf info;
  gsize length;

  if (g_stat (path, &info) != 0 || info.st_size > MOST_BYTES || !g_file_get_contents (path, &json, &length, NULL)
      || quern_json_check (json, length, 10000) != QUERN_JSON_SOUND
      || !json_parser_load_from_data (parser, json, (gssize) length, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return NULL;
  QuernSweepSetup *self = setup_from_json (json_node_get_object (json_parser_get_root (parser)));
  if (self)
    self->folder = g_strdup (folder);
  return self;
}

static int
compare_setups (gconstpointer a, gconstpointer b)
{
  const QuernSweepSetup *one = *(const QuernSweepSetup *const *) a, *other = *(const QuernSweepSetup *const *) b;

  return one->begun < other->begun ? 1 : one->begun > other->begun ? -1 : g_strcmp0 (one->folder, other->folder);
}

static void
load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "quern", "sweeps", NULL);
  GPtrArray *setups = g_ptr_array_new_with_free_func ((GDestroyNotify) quern_sweep_setup_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL); /* before the first sweep there is none */

  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    QuernSweepSetup *setup = load_setup (path);
    if (setup)
      g_ptr_array_add (setups, setup);
  }
  g_ptr_array_sort (setups, compare_setups);
  g_task_return_pointer (task, setups, (GDestroyNotify) g_ptr_array_unref);
}

void
quern_sweep_setups_load_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_run_in_thread (task, load_thread);
}

/**
 * quern_sweep_setups_load_finish:
 *
 * Returns: (transfer full) (nullable) (element-type QuernSweepSetup): what is kept, the latest first; %NULL if it was cancelled
 */
GPtrArray *
quern_sweep_setups_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- deleting -------------------------------------------------------------------------------------------------- */

/* The set-up goes first: a folder that is half deleted is no sweep any more. */
static gboolean
delete_folder (const char *folder, GError **error)
{
  g_autofree char *setup = g_build_filename (folder, NAME, NULL), *lock = g_build_filename (folder, "lock", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  int fd = dir ? g_open (lock, O_RDWR | O_CLOEXEC, 0600) : -1;

  if (!dir)
    return FALSE;
  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0) {
    close (fd);
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                         _("This sweep is running in another program. Stop it there first."));
    return FALSE;
  }
  g_unlink (setup);
  for (const char *name; (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_unlink (path);
  }
  if (fd >= 0)
    close (fd);
  if (g_rmdir (folder) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _("“%s” could not be deleted: %s."), folder,
               g_strerror (errno));
  return FALSE;
}

static void
delete_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (delete_folder (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
quern_sweep_setup_delete_async (const QuernSweepSetup *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_return_if_fail (self->folder);
  g_task_set_task_data (task, g_strdup (self->folder), g_free);
  g_task_run_in_thread (task, delete_thread);
}

gboolean
quern_sweep_setup_delete_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
