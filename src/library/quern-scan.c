/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-scan.h"

#include <string.h>

/* Finds models on disk. What a file is, its header says; names only decide which files are parts of another one, and
 * which vision file belongs to which model where several would fit. */

#define MAX_DEPTH 4

typedef struct {
  char *path;
  QeVisionInfo info;
} VisionFile;

typedef struct {
  GHashTable *known; /* path -> QuernModel (borrowed): from the last scan */
  GPtrArray *models; /* of QuernModel */
  GPtrArray *vision; /* of VisionFile */
  GCancellable *cancellable;
  gboolean demo, imported; /* where the files at hand lie */
} Scan;

static void
vision_file_free (gpointer data)
{
  VisionFile *file = data;

  g_free (file->path);
  g_free (file);
}

/* "…-00002-of-00003.gguf": belongs to the file that ends with 00001. */
static gboolean
is_later_part (const char *name)
{
  const char *of = g_strrstr (name, "-of-");

  return of && of - name > 6 && of[-6] == '-' && strspn (of - 5, "0123456789") == 5 && strncmp (of - 5, "00001", 5) != 0
         && strspn (of + 4, "0123456789") == 5;
}

static gboolean
add_vision_file (Scan *scan, const char *path)
{
  QeVisionInfo info;
  VisionFile *file;

  if (qe_vision_probe (path, &info, NULL) != QE_OK)
    return FALSE;
  file = g_new (VisionFile, 1);
  *file = (VisionFile) { g_strdup (path), info };
  g_ptr_array_add (scan->vision, file);
  return TRUE;
}

static gboolean
has_path (gconstpointer model, gconstpointer path)
{
  return g_str_equal (quern_model_get_path ((QuernModel *) model), path);
}

static void
add_file (Scan *scan, const char *path)
{
  QuernModel *known = g_hash_table_lookup (scan->known, path);
  g_autofree char *name = g_ascii_strdown (path, -1);
  g_autoptr (QuernModel) model = NULL;

  if (g_ptr_array_find_with_equal_func (scan->models, path, has_path, NULL))
    return; /* imported, but inside a folder that is looked at anyway */
  if (strstr (name, "mmproj") && add_vision_file (scan, path))
    return;
  model = known && _quern_model_is_current (known) ? _quern_model_copy (known) : _quern_model_probe (path);
  if (quern_model_get_state (model) == QUERN_MODEL_UNSUPPORTED && add_vision_file (scan, path))
    return;
  _quern_model_set_origin (model, scan->demo, scan->imported);
  g_ptr_array_add (scan->models, g_steal_pointer (&model));
}

static void
add_path (Scan *scan, const char *path, guint depth)
{
  g_autoptr (GDir) dir = NULL;

  if (g_cancellable_is_cancelled (scan->cancellable))
    return;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR)) {
    if (g_str_has_suffix (path, ".gguf") && !is_later_part (path) && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      add_file (scan, path);
    return;
  }
  dir = depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    if (name[0] != '.')
      add_path (scan, child, depth + 1);
  }
}

static gsize
common_length (const char *a, const char *b)
{
  gsize n = 0;

  while (a[n] && g_ascii_tolower (a[n]) == g_ascii_tolower (b[n]))
    n++;
  return n;
}

/* In the same folder and of the same width; then the one whose name, without "mmproj-", begins most like the model's. */
static void
pair_vision (Scan *scan, QuernModel *model)
{
  g_autofree char *folder = g_path_get_dirname (quern_model_get_path (model));
  g_autofree char *stem = _quern_model_dup_stem (model);
  const VisionFile *best = NULL;
  gsize best_length = 0;

  for (guint i = 0; i < scan->vision->len; i++) {
    const VisionFile *file = scan->vision->pdata[i];
    g_autofree char *other_folder = g_path_get_dirname (file->path);
    g_autofree char *name = g_path_get_basename (file->path);
    const char *rest = g_ascii_strncasecmp (name, "mmproj-", 7) == 0 ? name + 7 : name;
    gsize length = common_length (rest, stem);
    if (!g_str_equal (folder, other_folder) || file->info.n_embd_out != quern_model_get_info (model)->n_embd)
      continue;
    if (!best || length > best_length || (length == best_length && strcmp (file->path, best->path) < 0)) {
      best = file;
      best_length = length;
    }
  }
  if (best)
    _quern_model_set_vision (model, best->path, &best->info);
}

static int
compare_models (gconstpointer a, gconstpointer b)
{
  QuernModel *left = *(QuernModel **) a;
  QuernModel *right = *(QuernModel **) b;
  int order = quern_model_is_demo (left) - quern_model_is_demo (right);

  if (order == 0)
    order = g_utf8_collate (quern_model_get_title (left), quern_model_get_title (right));
  if (order == 0) /* the best quantisation first */
    order = (quern_model_get_size (left) < quern_model_get_size (right))
            - (quern_model_get_size (left) > quern_model_get_size (right));
  return order ? order : strcmp (quern_model_get_path (left), quern_model_get_path (right));
}

/* Ids are file names in lower case, with the folder where two files have the same; the first file of the demonstration
 * model is "quern-tiny" for short. */
static void
give_ids (GPtrArray *models)
{
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean demo_named = FALSE;

  for (guint i = 0; i < models->len; i++) {
    QuernModel *model = models->pdata[i];
    g_autofree char *stem = _quern_model_dup_stem (model);
    g_autofree char *id = g_utf8_strdown (stem, -1);
    if (quern_model_is_demo (model) && !demo_named) {
      demo_named = TRUE;
      g_set_str (&id, "quern-tiny");
    }
    if (g_hash_table_contains (taken, id)) {
      g_autofree char *folder = g_path_get_dirname (quern_model_get_path (model));
      g_autofree char *folder_name = g_path_get_basename (folder);
      g_autofree char *longer = g_strdup_printf ("%s/%s", folder_name, stem);
      g_set_str (&id, g_hash_table_contains (taken, longer) ? quern_model_get_path (model) : longer);
    }
    _quern_model_set_id (model, id);
    g_hash_table_add (taken, g_steal_pointer (&id));
  }
}

/* The demonstration's files come first when ids are given, so that nothing else takes theirs. */
static void
name_and_sort (GPtrArray *models)
{
  g_autoptr (GPtrArray) naming = g_ptr_array_new ();

  g_ptr_array_sort (models, compare_models);
  for (int demo = 1; demo >= 0; demo--)
    for (guint i = 0; i < models->len; i++)
      if (quern_model_is_demo (models->pdata[i]) == demo)
        g_ptr_array_add (naming, models->pdata[i]);
  give_ids (naming);
}

/* Returns: (transfer full): the models found, sorted, each with its id. Slow; for a thread of its own.
 * @imported: (element-type filename): files and folders elsewhere
 * @known: (element-type QuernModel): from the last scan; unchanged files are not read again */
GPtrArray *
_quern_scan (const char *folder, const char *demo_folder, GPtrArray *imported, GPtrArray *known,
             GCancellable *cancellable)
{
  g_autoptr (GHashTable) known_paths = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) vision = g_ptr_array_new_with_free_func (vision_file_free);
  Scan scan = { known_paths, g_ptr_array_new_with_free_func (g_object_unref), vision, cancellable, FALSE, FALSE };

  for (guint i = 0; i < known->len; i++)
    g_hash_table_insert (known_paths, (gpointer) quern_model_get_path (known->pdata[i]), known->pdata[i]);
  add_path (&scan, folder, 0);
  scan.demo = TRUE;
  add_path (&scan, demo_folder, 0);
  scan.demo = FALSE;
  scan.imported = TRUE;
  for (guint i = 0; i < imported->len; i++)
    add_path (&scan, imported->pdata[i], 0);
  for (guint i = 0; i < scan.models->len; i++)
    pair_vision (&scan, scan.models->pdata[i]);
  name_and_sort (scan.models);
  return scan.models;
}

/* Gives a model that is in no library the vision file beside it, if there is one. Blocks. */
void
_quern_scan_beside (QuernModel *model)
{
  g_autofree char *folder = g_path_get_dirname (quern_model_get_path (model));
  g_autoptr (GPtrArray) vision = g_ptr_array_new_with_free_func (vision_file_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  Scan scan = { .vision = vision };

  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *lower = g_ascii_strdown (name, -1);
    if (strstr (lower, "mmproj") && g_str_has_suffix (lower, ".gguf"))
      add_vision_file (&scan, path);
  }
  pair_vision (&scan, model);
}
