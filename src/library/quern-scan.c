/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-scan.h"

#include <string.h>
#include <sys/stat.h>

#include "quern-caches.h"
#include "quern-installed.h"
#include "quern-model-name.h"

/* Finds models on disk. What a file is, its header says; names only decide which files are parts of another one, and
 * which vision file belongs to which model where several would fit. */

#define MAX_DEPTH 5

typedef struct {
  char *path;
  QeVisionInfo info;
  QuernFileStamp stamp;
  QuernModelOrigin origin; /* as the scan's, when the file was found */
  gboolean linked;
  gboolean paired;
} VisionFile;

typedef struct {
  GHashTable *known;  /* path -> QuernModel (borrowed): from the last scan */
  GPtrArray *models;  /* of QuernModel */
  GPtrArray *skipped; /* of QuernModel: what other programs keep and Quern does not run */
  GPtrArray *passed;  /* of QuernModel: found, but hidden or known by another path */
  GPtrArray *vision;  /* of VisionFile */
  GCancellable *cancellable;
  QuernModelOrigin origin; /* of the files at hand */
  GHashTable *records;     /* path -> QuernFileRecord */
  GHashTable *seen;        /* "device:inode" of folders of the user's that were looked into */
  GPtrArray *links;        /* of Link: in Quern's folder, looked at last */
  gboolean linked;         /* the files at hand were reached through one */
} Scan;

typedef struct {
  char *path;
  guint depth;
} Link;

static void
link_free (gpointer data)
{
  Link *link = data;

  g_free (link->path);
  g_free (link);
}

static void
vision_file_free (gpointer data)
{
  VisionFile *file = data;

  g_free (file->path);
  g_free (file);
}

/* "…-00002-of-00003.gguf": belongs to the file that ends with 00001. */
gboolean
_quern_scan_is_later_part (const char *path)
{
  const char *of = g_strrstr (path, "-of-");

  return of && of - path > 6 && of[-6] == '-' && strspn (of - 5, "0123456789") == 5 && strncmp (of - 5, "00001", 5) != 0
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
  *file = (VisionFile) { .path = g_strdup (path), .info = info, .origin = scan->origin, .linked = scan->linked };
  _quern_file_stamp (path, TRUE, &file->stamp);
  g_ptr_array_add (scan->vision, file);
  return TRUE;
}

static gboolean
has_path (gconstpointer model, gconstpointer path)
{
  return g_str_equal (quern_model_get_path ((QuernModel *) model), path);
}

static gboolean
is_same_file (gconstpointer model, gconstpointer other)
{
  return _quern_model_is_same_file ((QuernModel *) model, (QuernModel *) other);
}

static QuernModel *
quern_scan_probe (Scan *scan, const char *path)
{
  QuernModel *known = g_hash_table_lookup (scan->known, path);

  return known && _quern_model_is_current (known) ? _quern_model_copy (known) : _quern_model_probe (path);
}

/* Takes the model. What another program or the user has linked to twice, or Quern knows from elsewhere, is one; what
 * another program keeps for itself is not our user's to wonder about. */
static void
add_model (Scan *scan, QuernModel *model)
{
  gboolean foreign = scan->origin == QUERN_ORIGIN_OWN
                     && (scan->linked || !_quern_installed_is_ours (scan->records, quern_model_get_path (model)));

  _quern_model_set_origin (model, foreign ? QUERN_ORIGIN_FILE : scan->origin);
  if ((scan->origin == QUERN_ORIGIN_OWN
       && _quern_installed_is_hidden (scan->records, quern_model_get_path (model), _quern_model_get_file_id (model)))
      || ((scan->origin >= QUERN_ORIGIN_FOLDER || scan->linked)
          && g_ptr_array_find_with_equal_func (scan->models, model, is_same_file, NULL)))
    g_ptr_array_add (scan->passed, model);
  else if (quern_model_get_keeper (model) && quern_model_get_state (model) == QUERN_MODEL_UNSUPPORTED)
    g_ptr_array_add (scan->skipped, model);
  else
    g_ptr_array_add (scan->models, model);
}

static void
add_file (Scan *scan, const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *lower = g_ascii_strdown (name, -1);
  g_autoptr (QuernModel) model = NULL;

  if (g_ptr_array_find_with_equal_func (scan->models, path, has_path, NULL))
    return; /* imported, but inside a folder that is looked at anyway */
  if (strstr (lower, "mmproj") && (add_vision_file (scan, path) || scan->origin >= QUERN_ORIGIN_FOLDER))
    return; /* or another architecture's, which says nothing to anybody */
  model = quern_scan_probe (scan, path);
  if (quern_model_get_state (model) == QUERN_MODEL_UNSUPPORTED && add_vision_file (scan, path))
    return;
  add_model (scan, g_steal_pointer (&model));
}

static void
add_path (Scan *scan, const char *path, guint depth)
{
  g_autoptr (GDir) dir = NULL;
  struct stat st;

  if (g_cancellable_is_cancelled (scan->cancellable))
    return;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR)) {
    if (g_str_has_suffix (path, ".gguf") && !_quern_scan_is_later_part (path)
        && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      add_file (scan, path);
    return;
  }
  /* A folder is looked into once, also where a link leads to a folder that it lies in. */
  if (scan->origin == QUERN_ORIGIN_OWN
      && (stat (path, &st) != 0
          || !g_hash_table_add (scan->seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                             (guint64) st.st_dev, (guint64) st.st_ino))))
    return;
  if (_quern_caches_is_ollama (path)) {
    /* Ollama says itself which vision file belongs to what; all its files lie in one folder. */
    g_autoptr (GPtrArray) files = _quern_caches_read_ollama (path, scan->cancellable);

    for (guint i = 0; i < files->len && !g_cancellable_is_cancelled (scan->cancellable); i++) {
      const QuernCacheFile *file = files->pdata[i];
      g_autoptr (QuernModel) model = quern_scan_probe (scan, file->path);
      QeVisionInfo info;

      _quern_model_set_name (model, file->name);
      if (file->vision_path && qe_vision_probe (file->vision_path, &info, NULL) == QE_OK
          && info.n_embd_out == quern_model_get_info (model)->n_embd)
        _quern_model_set_vision (model, file->vision_path, &info);
      add_model (scan, g_steal_pointer (&model));
    }
    return;
  }
  dir = depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    /* Hidden files and folders are left alone. But a download is listed under whatever name its repository gave it. */
    if (name[0] == '.' && (scan->origin != QUERN_ORIGIN_OWN || !_quern_installed_is_ours (scan->records, child)))
      continue;
    if (scan->origin == QUERN_ORIGIN_OWN && !scan->linked && g_file_test (child, G_FILE_TEST_IS_SYMLINK)) {
      Link *link = g_new (Link, 1);

      *link = (Link) { g_strdup (child), depth + 1 };
      g_ptr_array_add (scan->links, link);
    } else {
      add_path (scan, child, depth + 1);
    }
  }
}

/* ---- vision files ---------------------------------------------------------------------------------------------- */

#define MAX_NAMES 3

/* Adds letters and digits alone, in lower case: “Qwen3.5 9B” and “Qwen3.5-9B” are one name. A name that says nothing is
 * none. */
static void
add_name (char **names, const char *text, const char *more)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *name = g_string_new (NULL);
  guint n = 0;

  while (names[n])
    n++;
  for (int i = 0; i < 2 && !quern_title_says_nothing (valid); i++)
    for (const char *p = i == 0 ? text : more; *p; p++)
      if (g_ascii_isalnum (*p) || (guchar) *p >= 0x80)
        g_string_append_c (name, g_ascii_tolower (*p));
  if (name->len > 0)
    names[n] = g_string_free_and_steal (name);
  else
    g_string_free (name, TRUE);
}

/* Collects what a file calls its model, and the model that it was made of: up to MAX_NAMES, then NULL. */
static void
list_names (char **names, const char *name, const QeFileNames *more)
{
  add_name (names, name, "");
  add_name (names, more->base_model, "");
  if (more->size_label[0]) /* without it, a basename is the name of a whole family */
    add_name (names, more->basename, more->size_label);
}

typedef enum { NAMES_DIFFER, NAMES_ABSENT, NAMES_AGREE } NameMatch;

/* Compares the models that a model's file and a vision file name. Two models of one width are not one model: 9B and 397B
 * have the same, and so have all of 27B. */
static NameMatch
match_names (const QeModelInfo *model, const QeVisionInfo *vision)
{
  char *left[MAX_NAMES + 1] = { NULL }, *right[MAX_NAMES + 1] = { NULL };
  NameMatch match = NAMES_DIFFER;

  list_names (left, model->name, &model->names);
  list_names (right, vision->name, &vision->names);
  if (!left[0] || !right[0])
    match = NAMES_ABSENT;
  for (guint i = 0; left[i]; i++)
    if (g_strv_contains ((const char *const *) right, left[i]))
      match = NAMES_AGREE;
  for (guint i = 0; i < MAX_NAMES; i++) {
    g_free (left[i]);
    g_free (right[i]);
  }
  return match;
}

/* Pairs a model with the vision file in its folder that is for it: of its width, and of the model that it names; where
 * several are left, with the one whose name, without “mmproj-”, begins most like the model's. */
static void
pair_vision (Scan *scan, QuernModel *model)
{
  const QeModelInfo *info = quern_model_get_info (model);
  g_autofree char *folder = g_path_get_dirname (quern_model_get_path (model));
  g_autofree char *stem = _quern_model_dup_stem (model);
  VisionFile *best = NULL;
  NameMatch best_match = NAMES_DIFFER;
  gsize best_length = 0;

  if (quern_model_get_vision_path (model))
    return;
  for (guint i = 0; i < scan->vision->len; i++) {
    VisionFile *file = scan->vision->pdata[i];
    g_autofree char *other_folder = g_path_get_dirname (file->path);
    g_autofree char *name = g_path_get_basename (file->path);
    const char *rest = g_ascii_strncasecmp (name, "mmproj-", 7) == 0 ? name + 7 : name;
    gsize length = 0;

    while (rest[length] && g_ascii_tolower (rest[length]) == g_ascii_tolower (stem[length]))
      length++;
    NameMatch match = match_names (info, &file->info);
    if (!g_str_equal (folder, other_folder) || file->info.n_embd_out != info->n_embd || match == NAMES_DIFFER)
      continue;
    if (!best || match > best_match || (match == best_match && length > best_length)
        || (match == best_match && length == best_length && strcmp (file->path, best->path) < 0)) {
      best = file;
      best_match = match;
      best_length = length;
    }
  }
  if (best) {
    best->paired = TRUE;
    _quern_model_set_vision (model, best->path, &best->info);
  }
}

/* Whether a model has the file, perhaps under another path: a folder may be added and linked to as well. */
static gboolean
is_paired (Scan *scan, const VisionFile *file)
{
  for (guint i = 0; i < scan->vision->len; i++) {
    const VisionFile *other = scan->vision->pdata[i];
    if (other->paired && other->stamp.id.device == file->stamp.id.device
        && other->stamp.id.inode == file->stamp.id.inode)
      return TRUE;
  }
  return FALSE;
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

/**
 * _quern_scan:
 * @skipped: (element-type QuernModel): gets what other programs keep and Quern does not run
 *
 * Slow; for a thread of its own.
 *
 * Returns: (transfer full) (element-type QuernModel): the models found, sorted, each with its id
 */
GPtrArray *
_quern_scan (const QuernScanOptions *options, GPtrArray *skipped, GCancellable *cancellable)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) vision = g_ptr_array_new_with_free_func (vision_file_free);
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func (link_free);
  g_autoptr (GPtrArray) passed = g_ptr_array_new_with_free_func (g_object_unref);
  Scan scan = { .known = known,
                .models = g_ptr_array_new_with_free_func (g_object_unref),
                .skipped = skipped,
                .passed = passed,
                .vision = vision,
                .cancellable = cancellable,
                .origin = QUERN_ORIGIN_OWN,
                .records = options->records,
                .seen = seen,
                .links = links };

  for (guint i = 0; i < options->known->len; i++)
    g_hash_table_insert (known, (gpointer) quern_model_get_path (options->known->pdata[i]), options->known->pdata[i]);
  add_path (&scan, options->folder, 0);
  scan.origin = QUERN_ORIGIN_DEMO;
  add_path (&scan, options->demo_folder, 0);
  for (guint i = 0; i < options->imported->len; i++) {
    scan.origin = g_file_test (options->imported->pdata[i], G_FILE_TEST_IS_DIR) ? QUERN_ORIGIN_FOLDER
                                                                                : QUERN_ORIGIN_FILE;
    add_path (&scan, options->imported->pdata[i], 0);
  }
  /* What people link into Quern's folder is theirs. It comes after everything else, so that what is there without a
   * link, or was added where it lies, is known by that name. */
  scan.origin = QUERN_ORIGIN_OWN;
  scan.linked = TRUE;
  for (guint i = 0; i < scan.links->len; i++) {
    const Link *link = scan.links->pdata[i];
    add_path (&scan, link->path, link->depth);
  }
  scan.linked = FALSE;
  g_autoptr (GPtrArray) folders = _quern_caches_dup_folders ();
  for (guint i = 0; i < folders->len; i++) {
    const QuernCacheFolder *folder = folders->pdata[i];
    scan.origin = folder->origin;
    if (g_file_test (folder->path, G_FILE_TEST_IS_DIR))
      add_path (&scan, folder->path, 0);
  }
  for (guint i = 0; i < scan.models->len; i++)
    pair_vision (&scan, scan.models->pdata[i]);
  /* Vision files that are for none of the models beside them are listed, too, so that nobody wonders why a model cannot
   * see. What another program keeps is that program's business. */
  for (guint i = 0; i < scan.passed->len; i++)
    pair_vision (&scan, scan.passed->pdata[i]);
  for (guint i = 0; i < scan.vision->len; i++) {
    const VisionFile *file = scan.vision->pdata[i];
    if (is_paired (&scan, file) || file->origin >= QUERN_ORIGIN_OLLAMA
        || g_ptr_array_find_with_equal_func (scan.models, file->path, has_path, NULL))
      continue;
    scan.origin = file->origin;
    scan.linked = file->linked;
    add_model (&scan, _quern_model_new_vision (file->path, &file->info));
  }
  /* The demonstration's files come first when ids are given, so that nothing else takes theirs. */
  g_autoptr (GPtrArray) naming = g_ptr_array_new ();
  g_ptr_array_sort (scan.models, compare_models);
  for (int demo = 1; demo >= 0; demo--)
    for (guint i = 0; i < scan.models->len; i++)
      if (quern_model_is_demo (scan.models->pdata[i]) == demo)
        g_ptr_array_add (naming, scan.models->pdata[i]);
  give_ids (naming);
  quern_models_tell_apart (naming);
  return scan.models;
}

static gboolean
has_models (const char *path, guint depth, GCancellable *cancellable)
{
  g_autoptr (GDir) dir = NULL;

  if (g_cancellable_is_cancelled (cancellable))
    return FALSE;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_str_has_suffix (path, ".gguf");
  if (_quern_caches_is_ollama (path))
    return TRUE;
  dir = depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  for (const char *name = dir ? g_dir_read_name (dir) : NULL; name; name = g_dir_read_name (dir)) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    if (name[0] != '.' && has_models (child, depth + 1, cancellable))
      return TRUE;
  }
  return FALSE;
}

/* Whether there is anything in a folder that a scan would look at. Blocks. */
gboolean
_quern_scan_has_models (const char *folder, GCancellable *cancellable)
{
  return has_models (folder, 0, cancellable);
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
