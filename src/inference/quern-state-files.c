/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-state-files.h"

#include <glib/gstdio.h>

static char *
states_folder (void)
{
  return g_build_filename (g_get_user_cache_dir (), "quern", "states", NULL);
}

/* Returns the file name for the state of a model with these settings. It makes the folder; NULL if that fails. */
char *
_quern_state_path (QuernModel *model, guint context_size, QuernKvType kv_type)
{
  g_autofree char *folder = states_folder ();
  g_autofree char *what = g_strdup_printf ("%s\n%u\n%d", quern_model_get_path (model), context_size, kv_type);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, what, -1);
  g_autofree char *name = g_strconcat (hash, ".state", NULL);

  return g_mkdir_with_parents (folder, 0700) == 0 ? g_build_filename (folder, name, NULL) : NULL;
}

typedef struct {
  char *path;
  guint64 size;
  gint64 modified; /* microseconds */
} StateFile;

static void
state_file_free (gpointer data)
{
  g_free (((StateFile *) data)->path);
  g_free (data);
}

static int
compare_newest_first (gconstpointer a, gconstpointer b)
{
  gint64 x = (*(StateFile *const *) a)->modified, y = (*(StateFile *const *) b)->modified;

  return (x < y) - (x > y);
}

/* Deletes the oldest states until the rest takes at most most_bytes. */
void
_quern_states_trim (guint64 most_bytes)
{
  g_autofree char *folder = states_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (state_file_free);
  guint64 total = 0;

  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    StateFile *file = g_new0 (StateFile, 1);
    GStatBuf info;
    file->path = g_build_filename (folder, name, NULL);
    if (g_stat (file->path, &info) == 0) {
      file->size = (guint64) info.st_size;
      file->modified = info.st_mtim.tv_sec * G_USEC_PER_SEC + info.st_mtim.tv_nsec / 1000;
    }
    g_ptr_array_add (files, file);
  }
  g_ptr_array_sort (files, compare_newest_first);
  for (guint i = 0; i < files->len; i++) {
    StateFile *file = files->pdata[i];
    total += file->size;
    if (total > most_bytes)
      g_unlink (file->path);
  }
}

void
_quern_states_erase (void)
{
  _quern_states_trim (0);
}
