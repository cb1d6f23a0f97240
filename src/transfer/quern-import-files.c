/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import.h"

#include <glib/gi18n-lib.h>

#include "quern-printable.h"

/* A file that cannot be imported does not keep the others from it; what came of each is told. */

#define STEPS 1000 /* of progress in a file */

typedef struct {
  QuernStore *store;
  GListModel *files; /* of GFile */
  guint next;        /* position of the file that is being imported */
  GFileProgressCallback progress;
  gpointer progress_data;
  GPtrArray *conversations; /* of QuernConversation, of all files so far */
  GString *report;
  GError *error; /* of the first file that could not be imported */
} Files;

static void
files_free (gpointer data)
{
  Files *files = data;

  g_object_unref (files->store);
  g_object_unref (files->files);
  g_ptr_array_unref (files->conversations);
  g_string_free (files->report, TRUE);
  g_clear_error (&files->error);
  g_free (files);
}

static void
files_progress_cb (goffset done, goffset total, gpointer data)
{
  Files *files = g_task_get_task_data (data);

  files->progress ((goffset) files->next * STEPS + (total > 0 ? done * STEPS / total : 0),
                   (goffset) g_list_model_get_n_items (files->files) * STEPS, files->progress_data);
}

/* With the name of the file where there are several. */
static void
tell (Files *files, GFile *file, const char *sentences)
{
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *shown = name ? quern_printable (name, QUERN_PRINTABLE_LINE) : NULL;

  if (files->report->len > 0)
    g_string_append_c (files->report, '\n');
  if (g_list_model_get_n_items (files->files) > 1 && shown)
    g_string_append_printf (files->report, "%s: ", shown);
  g_string_append (files->report, sentences);
}

static void import_next (GTask *task);

static void
imported_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Files *files = g_task_get_task_data (task);
  g_autoptr (GFile) file = g_list_model_get_item (files->files, files->next);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = quern_import_finish (result, &error);

  if (added) {
    for (guint i = 0; i < added->len; i++)
      g_ptr_array_add (files->conversations, g_object_ref (added->pdata[i]));
    if (quern_import_get_report (result))
      tell (files, file, quern_import_get_report (result));
  } else {
    tell (files, file, error->message);
    if (!files->error)
      files->error = g_steal_pointer (&error);
  }
  files->next++;
  import_next (task);
}

static void
import_next (GTask *task)
{
  Files *files = g_task_get_task_data (task);
  guint n = g_list_model_get_n_items (files->files);
  g_autoptr (GFile) file = g_list_model_get_item (files->files, files->next);

  if (g_task_return_error_if_cancelled (task))
    return;
  if (file)
    quern_import_async (files->store, file, files->progress ? files_progress_cb : NULL, task,
                        g_task_get_cancellable (task), imported_cb, g_object_ref (task));
  else if (files->conversations->len > 0)
    g_task_return_pointer (task, g_ptr_array_ref (files->conversations), (GDestroyNotify) g_ptr_array_unref);
  else if (n > 1)
    g_task_return_new_error (task, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_EMPTY, "%s", files->report->str);
  else
    g_task_return_error (task, g_steal_pointer (&files->error));
}

/**
 * quern_import_files_async:
 * @files: (element-type GFile): at least one
 * @progress: (nullable): is told how far it is, in no unit, until @callback is called
 * @cancellable: (nullable): ends it; conversations of files that are done stay
 *
 * Adds the conversations of all these files to the store; see quern_import_async().
 */
void
quern_import_files_async (QuernStore *store, GListModel *files, GFileProgressCallback progress, gpointer progress_data,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (store, cancellable, callback, user_data);
  Files *data = g_new (Files, 1);

  g_return_if_fail (g_list_model_get_n_items (files) > 0);

  *data = (Files) { .store = g_object_ref (store),
                    .files = g_object_ref (files),
                    .progress = progress,
                    .progress_data = progress_data,
                    .conversations = g_ptr_array_new_with_free_func (g_object_unref),
                    .report = g_string_new (NULL) };
  g_task_set_source_tag (task, quern_import_files_async);
  g_task_set_task_data (task, data, files_free);
  import_next (task);
}

/**
 * quern_import_files_finish:
 *
 * Returns: (transfer full) (element-type QuernConversation) (nullable): what was added, at least one
 */
GPtrArray *
quern_import_files_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * quern_import_files_get_report:
 *
 * Returns: (transfer none) (nullable): a line for each file of which not everything was taken, %NULL when everything was; it
 *   lives as long as @result
 */
const char *
quern_import_files_get_report (GAsyncResult *result)
{
  const Files *files = g_task_get_task_data (G_TASK (result));

  return files->report->len > 0 ? files->report->str : NULL;
}
