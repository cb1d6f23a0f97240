/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "quern-library.h"
#include "quern-model-name.h"
#include "quern-sql.h"
#include "test-util.h"

typedef struct {
  char *folder, *models;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->models = quern_library_dup_folder ();
  f->folder = g_path_get_dirname (f->models);
  g_assert_cmpint (g_mkdir_with_parents (f->models, 0700), ==, 0);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  test_remove_folder (f->folder);
  g_free (f->models);
  g_free (f->folder);
}

static void
copy (const char *tiny_name, const char *folder, const char *name)
{
  g_autofree char *from = g_build_filename (g_getenv ("QUERN_TINY_DIR"), tiny_name, NULL);
  g_autofree char *to = g_build_filename (folder, name, NULL);
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) destination = g_file_new_for_path (to);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_copy (source, destination, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, NULL));
}

static void
scan (QuernLibrary *library)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_library_scan_async (library, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_library_scan_finish (library, result, NULL));
}

static void
test_demo (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);
  QuernModel *model;
  QuernMemoryPlan plan;

  scan (library);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (library)), ==, 3);
  model = quern_library_find (library, "quern-tiny");
  g_assert_true (model == quern_library_get_default (library));
  g_assert_true (quern_model_is_demo (model));
  g_assert_cmpstr (quern_model_get_title (model), ==, "Quern Tiny");
  g_assert_cmpstr (quern_model_get_quantisation (model), ==, "Q8_0");
  g_assert_true (quern_library_find (library, "quern-tiny-q8_0") == model);
  g_assert_nonnull (quern_model_get_vision_path (model));
  g_assert_nonnull (quern_library_find (library, "quern-tiny-q4_k_m"));
  g_assert_null (quern_library_find (library, "quern-tiny-q5_k_m"));
  quern_model_plan (model, 2048, QUERN_KV_F16, &plan);
  g_assert_cmpuint (plan.total, >, quern_model_get_info (model)->tensor_bytes);
  g_assert_cmpuint (quern_memory_available (), >, plan.total);
}

/* A copy of Quern Tiny that calls itself by another name of the same length. */
static void
copy_renamed (const char *tiny_name, const char *folder, const char *name, const char *title)
{
  g_autofree char *from = g_build_filename (g_getenv ("QUERN_TINY_DIR"), tiny_name, NULL);
  g_autofree char *to = g_build_filename (folder, name, NULL);
  g_autofree char *bytes = NULL;
  char *found;
  gsize length;

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_get_contents (from, &bytes, &length, NULL));
  found = memmem (bytes, length, "Quern Tiny", strlen ("Quern Tiny"));
  g_assert_nonnull (found);
  g_assert_cmpuint (strlen (title), ==, strlen ("Quern Tiny"));
  memcpy (found, title, strlen (title));
  g_assert_true (g_file_set_contents (to, bytes, (gssize) length, NULL));
}

static void
test_names (void)
{
  static const struct {
    const char *name, *quantisation, *title;
  } names[] = {
    { "Qwen3.5-0.8B-Q4_K_M", "Q4_K_M", "Qwen3.5-0.8B" },
    { "Qwen3.5-0.8B-UD-Q4_K_XL", "UD-Q4_K_XL", "Qwen3.5-0.8B" },
    { "qwen3.6-27b-ud-iq2_xxs", "UD-IQ2_XXS", "qwen3.6-27b" },
    { "Qwen3.8-27B-UD-BF16", "UD-BF16", "Qwen3.8-27B" },
    { "qwen3.5:9b-q4_K_M", "Q4_K_M", "qwen3.5:9b" },
    { "model.TQ2_0", "TQ2_0", "model" },
    { "Qwen3.5-35B-A3B-MXFP4_MOE", "MXFP4_MOE", "Qwen3.5-35B-A3B" },
    { "Q8_0", "Q8_0", "Q8_0" },
    { "My Model", NULL, "My Model" },
  };
  static const char *const nothing[] = {
    "",       "Unsloth_Gguf_4Kx92237", "model",    "Merged", "checkpoint-1200", "out",
    "/tmp/x", "0123456789abcdef0123",  "hf_model", "...",    "Model GGUF"
  };
  static const char *const something[] = { "Quern Tiny", "Qwen3.5-0.8B", "Model T",
                                           "Outlaw 9B",  "通义千问",     "Merge-Qwen3.5-4B" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *quantisation = quern_quantisation_from_name (names[i].name);
    g_autofree char *title = quern_title_from_name (names[i].name);
    g_assert_cmpstr (quantisation, ==, names[i].quantisation);
    g_assert_cmpstr (title, ==, names[i].title);
  }
  for (guint i = 0; i < G_N_ELEMENTS (nothing); i++)
    g_assert_true (quern_title_says_nothing (nothing[i]));
  for (guint i = 0; i < G_N_ELEMENTS (something); i++)
    g_assert_false (quern_title_says_nothing (something[i]));
}

/* Which names of files show, and which do not: two recipes that the header numbers alike, a file that was renamed, one
 * whose header has no name to give. */
static void
test_labels (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *id, *label;
  } expected[] = {
    { "qwen3.5-0.8b-q4_k_m", "Twin Model Q4_K_M" },
    { "qwen3.5-0.8b-ud-q4_k_xl", "Twin Model UD-Q4_K_XL" },
    { "renamed-q8_0", "Twin Model Q6_K" },
    { "my-fine-tune-q6_k", "My-Fine-Tune Q6_K" },
  };
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);

  copy_renamed ("quern-tiny-Q4_K_M.gguf", f->models, "Qwen3.5-0.8B-Q4_K_M.gguf", "Twin Model");
  copy_renamed ("quern-tiny-Q4_K_M.gguf", f->models, "Qwen3.5-0.8B-UD-Q4_K_XL.gguf", "Twin Model");
  copy_renamed ("quern-tiny-Q6_K.gguf", f->models, "renamed-Q8_0.gguf", "Twin Model");
  copy_renamed ("quern-tiny-Q6_K.gguf", f->models, "My-Fine-Tune-Q6_K.gguf", "checkpoint");
  scan (library);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    QuernModel *model = quern_library_find (library, expected[i].id);
    g_assert_nonnull (model);
    g_autofree char *label = quern_model_dup_full_title (model);
    g_assert_cmpstr (label, ==, expected[i].label);
  }
}

/* Files of one title and quantisation show by what is different in their paths, and again by their title alone when only
 * one of them is left. */
static void
test_told_apart (Fixture *f, gconstpointer data)
{
  g_autofree char *one = g_build_filename (f->models, "one", "GGUF", NULL);
  g_autofree char *two = g_build_filename (f->models, "two", "GGUF", NULL);
  g_autofree char *path = g_build_filename (two, "Twin-Q6_K.gguf", NULL);
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);
  g_autoptr (GHashTable) labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  copy_renamed ("quern-tiny-Q6_K.gguf", one, "Twin-Q6_K.gguf", "Twin Model");
  copy_renamed ("quern-tiny-Q6_K.gguf", two, "Twin-Q6_K.gguf", "Twin Model");
  scan (library);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (library)); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
    g_assert_true (g_hash_table_add (labels, quern_model_dup_full_title (model)));
  }
  g_assert_true (g_hash_table_contains (labels, "Twin Model Q6_K (one)"));
  g_assert_true (g_hash_table_contains (labels, "Twin Model Q6_K (two)"));
  g_assert_cmpint (g_unlink (path), ==, 0);
  scan (library);
  g_autoptr (QuernModel) left = g_list_model_get_item (G_LIST_MODEL (library), 0);
  g_assert_cmpstr (quern_model_get_title (left), ==, "Twin Model");
}

static void
test_installed (Fixture *f, gconstpointer data)
{
  g_autofree char *sub = g_build_filename (f->models, "sub", NULL);
  g_autofree char *broken = g_build_filename (f->models, "broken.gguf", NULL);
  g_autofree char *partial = g_build_filename (f->models, "loading.gguf.part", NULL);
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);

  copy ("quern-tiny-Q4_K_M.gguf", f->models, "My Model.gguf");
  copy ("quern-tiny-Q6_K.gguf", sub, "My Model.gguf"); /* the same name once more */
  copy ("mmproj-quern-tiny-F16.gguf", sub, "mmproj-x.gguf");
  copy ("quern-tiny-Q6_K.gguf", f->models, "loading.gguf.part");
  g_assert_true (g_file_set_contents (broken, "no model at all", -1, NULL));
  scan (library);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (library)), ==, 6);
  g_autoptr (QuernModel) best = g_list_model_get_item (G_LIST_MODEL (library), 0);
  g_autoptr (QuernModel) last = g_list_model_get_item (G_LIST_MODEL (library), 5);
  g_assert_true (quern_model_is_demo (last)); /* the demonstration comes last */
  g_assert_false (quern_model_is_demo (best));

  QuernModel *plain = quern_library_find (library, "my model");
  QuernModel *longer = quern_library_find (library, "sub/My Model");
  if (!longer)
    longer = quern_library_find (library, "models/My Model");
  g_assert_nonnull (plain);
  g_assert_nonnull (longer);
  g_assert_true ((quern_model_get_vision_path (plain) != NULL) != (quern_model_get_vision_path (longer) != NULL));

  QuernModel *damaged = quern_library_find (library, "broken");
  g_assert_cmpint (quern_model_get_state (damaged), ==, QUERN_MODEL_DAMAGED);
  g_assert_cmpuint (strlen (quern_model_get_problem (damaged)), >, 10);
  g_assert_true (quern_library_get_default (library) != damaged);

  /* Unchanged files keep their objects. */
  g_autoptr (QuernModel) kept = g_object_ref (plain);
  scan (library);
  g_assert_true (quern_library_find (library, "my model") == kept);
}

static gboolean
has_new_model (gpointer library)
{
  return quern_library_find (library, "late") != NULL;
}

/* A file that appears in the folder is found without asking. */
static void
test_watch (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);

  scan (library);
  copy ("quern-tiny-Q4_K_M.gguf", f->models, "late.gguf");
  test_wait (has_new_model, library);
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

static QuernStore *
open_store (Fixture *f)
{
  g_autofree char *path = g_build_filename (f->folder, "quern.db", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernStore *store;

  quern_store_open_async (path, NULL, test_result_cb, &result);
  test_wait_result (&result);
  store = quern_store_open_finish (result, &error);
  g_assert_no_error (error);
  return store;
}

/* Returns: (transfer full) (nullable) */
static QuernModel *
import (QuernLibrary *library, const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_library_import_async (library, path, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_library_import_finish (library, result, error);
}

/* Copies one of Quern Tiny's files, as a download of Quern's would have put it there. Returns: its path */
static char *
install (QuernLibrary *library, const char *tiny_name, const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);

  copy (tiny_name, folder, name);
  quern_library_add_installed (library, (const char *[]) { path, NULL });
  return path;
}

static void
remove_model (QuernLibrary *library, QuernModel *model)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (model);
  quern_library_remove_async (library, model, NULL, test_result_cb, &result);
  test_wait_result (&result);
  quern_library_remove_finish (library, result, &error);
  g_assert_no_error (error);
}

static guint
n_models (QuernLibrary *library)
{
  return g_list_model_get_n_items (G_LIST_MODEL (library)) - 3; /* the demonstration's */
}

static gboolean
exists (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
assert_origin (QuernLibrary *library, const char *id, QuernModelOrigin origin)
{
  QuernModel *model = quern_library_find (library, id);

  g_assert_nonnull (model);
  g_assert_cmpint (quern_model_get_origin (model), ==, origin);
}

/* What Quern installed goes, with a vision file that nothing else needs. */
static void
test_remove (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autofree char *path = install (library, "quern-tiny-Q4_K_M.gguf", f->models, "a.gguf");
  g_autofree char *other = install (library, "quern-tiny-Q2_K.gguf", f->models, "b.gguf");
  g_autofree char *vision = install (library, "mmproj-quern-tiny-F16.gguf", f->models, "mmproj.gguf");

  quern_store_close (store);
  g_clear_object (&library);
  g_clear_object (&store);
  store = open_store (f);
  library = quern_library_new (store);
  scan (library);
  assert_origin (library, "a", QUERN_ORIGIN_OWN);
  remove_model (library, quern_library_find (library, "a"));
  g_assert_null (quern_library_find (library, "a"));
  g_assert_false (exists (path));
  g_assert_true (exists (vision)); /* b uses it */
  remove_model (library, quern_library_find (library, "b"));
  g_assert_false (exists (other));
  g_assert_false (exists (vision));
  quern_store_close (store);
}

/* All parts go, also of a model that is not whole, and no neighbour that is called alike. */
static void
test_remove_parts (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autofree char *first = install (library, "quern-tiny-Q2_K.gguf", f->models, "m-00001-of-99999.gguf");
  g_autofree char *third = install (library, "quern-tiny-Q2_K.gguf", f->models, "m-00003-of-99999.gguf");
  g_autofree char *other = install (library, "quern-tiny-Q2_K.gguf", f->models, "n-00003-of-99999.gguf");
  g_autofree char *user = g_build_filename (f->models, "m-00004-of-99999.gguf", NULL);

  copy ("quern-tiny-Q2_K.gguf", f->models, "m-00004-of-99999.gguf");
  scan (library);
  g_assert_cmpuint (n_models (library), ==, 1);
  remove_model (library, quern_library_find (library, first));
  g_assert_false (exists (first));
  g_assert_false (exists (third));
  g_assert_true (exists (other));
  g_assert_true (exists (user)); /* not Quern's, whatever it is called */
  quern_store_close (store);
}

/* What somebody else put or linked into the folder is listed once, and is never deleted: neither by its link, nor when it
 * was added, too, nor its vision file. Off the list it stays off, until it is added again. */
static void
test_remove_links (Fixture *f, gconstpointer data)
{
  g_autofree char *home = test_folder (), *path = g_build_filename (home, "users.gguf", NULL);
  g_autofree char *vision = g_build_filename (home, "mmproj-users.gguf", NULL);
  g_autofree char *link = g_build_filename (f->models, "link", NULL),
                  *self = g_build_filename (f->models, "self", NULL);
  g_autofree char *file_link = g_build_filename (f->models, "linked.gguf", NULL);
  g_autofree char *gone = g_build_filename (f->models, "gone.gguf", NULL);
  g_autofree char *copied = g_build_filename (f->models, "copied.gguf", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autoptr (QuernModel) model = NULL, again = NULL;
  g_autoptr (GError) error = NULL;

  copy ("quern-tiny-Q2_K.gguf", home, "users.gguf");
  copy ("mmproj-quern-tiny-F16.gguf", home, "mmproj-users.gguf");
  g_assert_cmpint (symlink (home, link), ==, 0);
  g_assert_cmpint (symlink (".", self), ==, 0);
  g_assert_cmpint (symlink (path, file_link), ==, 0);
  g_assert_cmpint (symlink ("/nowhere/at/all.gguf", gone), ==, 0);
  copy ("quern-tiny-Q4_K_M.gguf", f->models, "copied.gguf");
  scan (library);
  g_assert_cmpuint (n_models (library), ==, 2); /* each once, whatever leads to it */
  assert_origin (library, "copied", QUERN_ORIGIN_FILE);
  model = import (library, path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_model_get_path (model), ==, path);
  g_assert_cmpuint (n_models (library), ==, 2);

  remove_model (library, model);
  g_assert_true (exists (path));
  g_assert_true (exists (vision));
  g_assert_true (exists (link) && exists (file_link));
  g_assert_cmpuint (n_models (library), ==, 1);
  remove_model (library, quern_library_find (library, "copied"));
  g_assert_true (exists (copied));
  g_assert_cmpuint (n_models (library), ==, 0);
  scan (library);
  g_assert_cmpuint (n_models (library), ==, 0);

  again = import (library, path, &error);
  g_assert_no_error (error);
  g_clear_object (&again);
  again = import (library, copied, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_models (library), ==, 2);
  quern_store_close (store);
  test_remove_folder (home);
}

/* A file that took the place of Quern's, by a link that the list does not know of yet, is left alone. */
static void
test_remove_replaced (Fixture *f, gconstpointer data)
{
  g_autofree char *home = test_folder (), *folder = g_build_filename (f->models, "owner", NULL);
  g_autofree char *users = g_build_filename (home, "x.gguf", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autofree char *path = install (library, "quern-tiny-Q2_K.gguf", folder, "x.gguf");

  scan (library);
  assert_origin (library, path, QUERN_ORIGIN_OWN);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  copy ("quern-tiny-Q2_K.gguf", home, "x.gguf");
  g_assert_cmpint (symlink (home, folder), ==, 0);
  remove_model (library, quern_library_find (library, path));
  g_assert_true (exists (users));
  quern_store_close (store);
  test_remove_folder (home);
}

static void
write_receipts (const char *folder, const char *const *targets, const gint64 *sizes)
{
  g_autofree char *path = g_build_filename (folder, "downloads.db", NULL);
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_true (
      quern_sql_exec (db, "CREATE TABLE receipts (target TEXT PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT)", NULL));
  for (guint i = 0; targets[i]; i++)
    g_assert_true (
        quern_sql_run (db, NULL, "INSERT INTO receipts (target, size) VALUES (?1, ?2)", "si", targets[i], sizes[i]));
  sqlite3_close (db);
}

static gint64
size_of (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  return st.st_size;
}

/* Downloads of earlier versions have receipts: those are Quern's, unless what is there cannot be what was installed. */
static void
test_remove_earlier (Fixture *f, gconstpointer data)
{
  g_autofree char *home = test_folder (), *repo = g_build_filename (f->models, "owner", "repo", NULL);
  g_autofree char *good = g_build_filename (repo, "good.gguf", NULL),
                  *other = g_build_filename (repo, "other.gguf", NULL);
  g_autofree char *link = g_build_filename (repo, "link.gguf", NULL),
                  *users = g_build_filename (home, "users.gguf", NULL);
  g_autofree char *below = g_build_filename (f->models, "linked", "users.gguf", NULL);
  g_autofree char *linked = g_path_get_dirname (below), *outside = g_strdup (users);
  const char *const targets[] = { good, other, link, below, outside, NULL };
  gint64 sizes[5];

  copy ("quern-tiny-Q2_K.gguf", repo, "good.gguf");
  copy ("quern-tiny-Q4_K_M.gguf", repo, "other.gguf");
  copy ("quern-tiny-Q6_K.gguf", home, "users.gguf");
  g_assert_cmpint (symlink (users, link), ==, 0);
  g_assert_cmpint (symlink (home, linked), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    sizes[i] = size_of (targets[i]) + (targets[i] == other);
  write_receipts (f->folder, targets, sizes);
  {
    g_autoptr (QuernStore) store = open_store (f);
    g_autoptr (QuernLibrary) library = quern_library_new (store);

    scan (library);
    g_assert_cmpuint (n_models (library), ==, 3);
    assert_origin (library, good, QUERN_ORIGIN_OWN);
    assert_origin (library, other, QUERN_ORIGIN_FILE);
    assert_origin (library, "users", QUERN_ORIGIN_FILE);
    remove_model (library, quern_library_find (library, "users"));
    remove_model (library, quern_library_find (library, other));
    remove_model (library, quern_library_find (library, good));
    g_assert_true (exists (users));
    g_assert_true (exists (other));
    g_assert_false (exists (good));
    /* the receipt is used up: what is there later is somebody else's */
    copy ("quern-tiny-Q2_K.gguf", repo, "good.gguf");
    scan (library);
    assert_origin (library, good, QUERN_ORIGIN_FILE);
    quern_store_close (store);
  }
  test_remove_folder (home);
}

/* A download is listed under whatever name its repository gave it; what else is hidden is left alone. */
static void
test_hidden_names (Fixture *f, gconstpointer data)
{
  g_autofree char *trash = g_build_filename (f->models, ".Trash-1000", "files", NULL);
  g_autofree char *hidden = g_build_filename (f->models, ".hidden.gguf", NULL);
  g_autofree char *users = g_build_filename (f->models, "._resource.gguf", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autofree char *path = install (library, "quern-tiny-Q2_K.gguf", f->models, ".hidden.gguf");

  copy ("quern-tiny-Q2_K.gguf", f->models, "._resource.gguf");
  copy ("quern-tiny-Q2_K.gguf", trash, "deleted.gguf");
  scan (library);
  g_assert_cmpuint (n_models (library), ==, 1);
  remove_model (library, quern_library_find (library, hidden));
  g_assert_false (exists (hidden));
  g_assert_true (exists (users));
  quern_store_close (store);
}

/* ---- what lies elsewhere ---------------------------------------------------------------------------------------- */

static gboolean
is_refused (QuernLibrary *library, QuernModel *model)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_library_remove_async (library, model, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return !quern_library_remove_finish (library, result, &error)
         && g_error_matches (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED);
}

/* A folder is used where it lies, also after a restart, when it has other files; forgetting it deletes nothing. */
static void
test_import_folder (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = test_folder (), *deep = g_build_filename (folder, "owner", "model", NULL);
  g_autofree char *path = g_build_filename (deep, "first.gguf", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  {
    g_autoptr (QuernStore) store = open_store (f);
    g_autoptr (QuernLibrary) library = quern_library_new (store);
    g_autoptr (QuernModel) model = NULL;

    g_assert_null (import (library, folder, &error));
    g_assert_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND);
    g_clear_error (&error);
    copy ("quern-tiny-Q4_K_M.gguf", deep, "first.gguf");
    model = import (library, folder, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (quern_model_get_path (model), ==, path);
    g_assert_cmpint (quern_model_get_origin (model), ==, QUERN_ORIGIN_FOLDER);
    g_assert_cmpuint (g_list_model_get_n_items (quern_library_get_folders (library)), ==, 1);
    g_assert_true (is_refused (library, model));
    quern_store_close (store);
  }
  copy ("quern-tiny-Q6_K.gguf", folder, "second.gguf");
  {
    g_autoptr (QuernStore) store = open_store (f);
    g_autoptr (QuernLibrary) library = quern_library_new (store);

    scan (library);
    g_assert_nonnull (quern_library_find (library, "first"));
    g_assert_nonnull (quern_library_find (library, "second"));
    quern_library_remove_folder_async (library, folder, NULL, test_result_cb, &result);
    test_wait_result (&result);
    g_assert_true (quern_library_remove_finish (library, result, NULL));
    g_assert_null (quern_library_find (library, "first"));
    g_assert_cmpuint (g_list_model_get_n_items (quern_library_get_folders (library)), ==, 0);
    g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
    quern_store_close (store);
  }
  test_remove_folder (folder);
}

/* Several files opened at once: each result belongs to who asked for it, whatever becomes of the list meanwhile. */
static void
test_import_many (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = test_folder ();
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  GAsyncResult *results[6] = { NULL };
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autofree char *name = g_strdup_printf ("m%u.gguf", i);
    g_autofree char *path = g_build_filename (folder, name, NULL);

    copy ("quern-tiny-Q2_K.gguf", folder, name);
    quern_library_import_async (library, path, NULL, test_result_cb, &results[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;
    QuernModel *model;

    test_wait_result (&results[i]);
    model = quern_library_import_finish (library, results[i], &error);
    g_assert_no_error (error);
    g_ptr_array_add (models, model);
    g_clear_object (&results[i]);
  }
  scan (library);
  for (guint i = 0; i < models->len; i++) { /* another object where others that came later changed what it is called */
    g_autofree char *name = g_strdup_printf ("m%u.gguf", i);
    g_assert_true (g_str_has_suffix (quern_model_get_path (models->pdata[i]), name));
    g_assert_nonnull (quern_library_find (library, quern_model_get_path (models->pdata[i])));
  }
  g_ptr_array_set_size (models, 0);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (library)), ==, 3 + G_N_ELEMENTS (results));
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autofree char *id = g_strdup_printf ("m%u", i);
    g_assert_true (QUERN_IS_MODEL (quern_library_find (library, id))); /* the list still has its own reference */
  }
  quern_store_close (store);
  test_remove_folder (folder);
}

static void
assert_not_imported (QuernLibrary *library, const char *path, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (import (library, path, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, why));
}

/* What a scan would not find is refused with a reason, and not remembered. */
static void
test_import_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = test_folder (), *other = g_build_filename (folder, "model.bin", NULL);
  g_autofree char *part = g_build_filename (folder, "m-00002-of-00003.gguf", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);

  copy ("quern-tiny-Q2_K.gguf", folder, "model.bin");
  copy ("quern-tiny-Q2_K.gguf", folder, "m-00002-of-00003.gguf");
  assert_not_imported (library, other, ".gguf");
  assert_not_imported (library, part, "00001");
  scan (library);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (library)), ==, 3);
  g_assert_cmpuint (g_list_model_get_n_items (quern_library_get_folders (library)), ==, 0);
  quern_store_close (store);
  test_remove_folder (folder);
}

static void
write_text (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

#define DIGEST(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define MODEL_DIGEST DIGEST ("a1")
#define VISION_DIGEST DIGEST ("b2")
#define LAYER(kind, digest) "{\"mediaType\":\"application/vnd.ollama.image." kind "\",\"digest\":\"" digest "\"}"

static void
make_ollama (const char *folder)
{
  g_autofree char *blobs = g_build_filename (folder, "blobs", NULL);
  g_autofree char *library = g_build_filename (folder, "manifests", "registry.ollama.ai", "library", "tiny", NULL);
  g_autofree char *owner = g_build_filename (folder, "manifests", "hf.co", "owner", "evil", NULL);

  copy ("quern-tiny-Q4_K_M.gguf", blobs, "sha256-" MODEL_DIGEST);
  copy ("mmproj-quern-tiny-F16.gguf", blobs, "sha256-" VISION_DIGEST);
  write_text (library, "4b",
              "{\"layers\":[" LAYER ("license", "sha256:" DIGEST ("c3")) "," LAYER (
                  "model", "sha256:" MODEL_DIGEST) "," LAYER ("projector", "sha256:" VISION_DIGEST) "]}");
  write_text (library, "gone", "{\"layers\":[" LAYER ("model", "sha256:" DIGEST ("d4")) "]}");
  write_text (owner, "outside", "{\"layers\":[" LAYER ("model", "sha256:../../../../../etc/passwd") "]}");
  write_text (owner, "broken", "{\"layers\":[3,");
  write_text (owner, "odd", "{\"layers\":{\"layers\":[1]}}");
}

/* A GGUF file of an architecture that Quern does not run. */
static void
make_foreign (const char *folder, const char *name)
{
  static const guint8 header[] = { 'G', 'G', 'U', 'F', 3,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                   0,   1,   0,   0,   0,   0,   0,   0,   0,   20,  0,   0,   0,   0,   0,
                                   0,   0,   'g', 'e', 'n', 'e', 'r', 'a', 'l', '.', 'a', 'r', 'c', 'h', 'i',
                                   't', 'e', 'c', 't', 'u', 'r', 'e', 8,   0,   0,   0,   5,   0,   0,   0,
                                   0,   0,   0,   0,   'l', 'l', 'a', 'm', 'a', 0,   0,   0,   0,   0,   0,
                                   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0 };
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, (const char *) header, sizeof header, NULL));
}

static QuernModel *
find_from (QuernLibrary *library, const char *id, QuernModelOrigin origin)
{
  QuernModel *model = quern_library_find (library, id);

  g_assert_nonnull (model);
  g_assert_cmpint (quern_model_get_origin (model), ==, origin);
  g_assert_true (is_refused (library, model));
  g_assert_true (g_file_test (quern_model_get_path (model), G_FILE_TEST_EXISTS));
  return model;
}

static void
test_caches (Fixture *f, gconstpointer data)
{
  const char *home = g_get_home_dir (), *cache = g_get_user_cache_dir ();
  g_autofree char *ollama = g_build_filename (home, ".ollama", "models", NULL);
  g_autofree char *studio = g_build_filename (home, ".lmstudio", "models", "publisher", "repo", NULL);
  g_autofree char *llama = g_build_filename (cache, "llama.cpp", NULL);
  g_autofree char *hub = g_build_filename (cache, "huggingface", "hub", "models--o--n", NULL);
  g_autofree char *blobs = g_build_filename (hub, "blobs", NULL), *old = g_build_filename (hub, "snapshots", "1", NULL);
  g_autofree char *new = g_build_filename (hub, "snapshots", "2", "sub", NULL);
  g_autofree char *link = g_build_filename (new, "linked.gguf", NULL),
                  *link2 = g_build_filename (old, "linked.gguf", NULL);
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);
  QuernModel *model;

  make_ollama (ollama);
  copy ("quern-tiny-Q6_K.gguf", studio, "studio.gguf");
  write_text (studio, "broken.gguf", "no model at all");
  make_foreign (studio, "foreign.gguf");
  make_foreign (studio, "mmproj-foreign.gguf");
  copy ("quern-tiny-Q2_K.gguf", llama, "o_n_llama.gguf");
  copy ("quern-tiny-Q2_K.gguf", llama, "half.gguf.downloadInProgress");
  copy ("quern-tiny-Q8_0.gguf", blobs, MODEL_DIGEST);
  g_mkdir_with_parents (old, 0700);
  g_mkdir_with_parents (new, 0700);
  g_assert_cmpint (symlink ("../../../blobs/" MODEL_DIGEST, link), ==, 0);
  g_assert_cmpint (symlink ("../../blobs/" MODEL_DIGEST, link2), ==, 0);
  scan (library);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (library)), ==, 3 + 5); /* with the broken one */
  g_assert_cmpuint (quern_library_get_n_skipped (library), ==, 1);
  model = find_from (library, "tiny:4b", QUERN_ORIGIN_OLLAMA);
  g_assert_cmpstr (quern_model_get_keeper (model), ==, "Ollama");
  g_assert_nonnull (quern_model_get_vision_path (model));
  find_from (library, "studio", QUERN_ORIGIN_LM_STUDIO);
  model = find_from (library, "broken", QUERN_ORIGIN_LM_STUDIO);
  g_assert_cmpint (quern_model_get_state (model), ==, QUERN_MODEL_DAMAGED);
  g_assert_nonnull (quern_model_get_problem (model));
  find_from (library, "o_n_llama", QUERN_ORIGIN_LLAMA_CPP);
  find_from (library, "linked", QUERN_ORIGIN_HUGGING_FACE);
  /* nobody chose them: the default is still our own */
  g_assert_true (quern_model_is_demo (quern_library_get_default (library)));
  scan (library);
  g_assert_cmpuint (quern_library_get_n_skipped (library), ==, 1);
  test_remove_folder (home);
  test_remove_folder (cache);
}

/* The folder of Ollama's service, which nobody else may find by its place, can be added. */
static void
test_import_ollama (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = test_folder ();
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernLibrary) library = quern_library_new (store);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernModel) model = NULL;

  make_ollama (folder);
  model = import (library, folder, &error);
  g_assert_no_error (error);
  g_assert_nonnull (model);
  find_from (library, "tiny:4b", QUERN_ORIGIN_FOLDER);
  quern_store_close (store);
  test_remove_folder (folder);
}

static void
test_last_used (Fixture *f, gconstpointer data)
{
  gint64 before = g_get_real_time (), used;

  {
    g_autoptr (QuernStore) store = open_store (f);
    g_autoptr (QuernLibrary) library = quern_library_new (store);

    scan (library);
    g_assert_cmpint (quern_library_get_last_used (library, quern_library_find (library, "quern-tiny")), ==, 0);
    quern_library_mark_used (library, quern_library_find (library, "quern-tiny"));
    used = quern_library_get_last_used (library, quern_library_find (library, "quern-tiny"));
    g_assert_cmpint (used, >=, before);
    quern_store_close (store);
  }
  {
    g_autoptr (QuernStore) store = open_store (f);
    g_autoptr (QuernLibrary) library = quern_library_new (store);

    scan (library);
    g_assert_cmpint (quern_library_get_last_used (library, quern_library_find (library, "quern-tiny")), ==, used);
    /* to have been used is not to be imported */
    g_assert_cmpint (quern_model_get_origin (quern_library_find (library, "quern-tiny")), ==, QUERN_ORIGIN_DEMO);
    quern_store_close (store);
  }
}

/* ---- vision files ---------------------------------------------------------------------------------------------- */

static void
assert_sees_with (QuernLibrary *library, const char *id, const char *vision)
{
  QuernModel *model = quern_library_find (library, id);
  const char *path = quern_model_get_vision_path (model);
  g_autofree char *name = path ? g_path_get_basename (path) : NULL;

  g_assert_cmpint (quern_model_get_state (model), ==, QUERN_MODEL_OK);
  g_assert_cmpstr (name, ==, vision);
}

/* All of one width, so that only names tell which vision file is for which model. */
static void
test_vision (Fixture *f, gconstpointer data)
{
  g_autofree char *models = g_build_filename (f->models, "fruit", NULL),
                  *width = g_build_filename (f->models, "width", NULL);
  g_autofree char *link = g_build_filename (f->models, "again", NULL);
  g_autofree char *mark = g_build_filename (width, "mmproj-b.gguf", NULL);
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);
  QuernModel *left;

  test_make_twins (models, "mmproj-a", "mmproj-b", "apple", "berry", "cherry", "tuned", NULL);
  test_make_twins (width, "mmproj-b", "unnamed", NULL);
  scan (library);
  assert_sees_with (library, "apple", "mmproj-a.gguf");
  assert_sees_with (library, "berry", "mmproj-b.gguf");
  assert_sees_with (library, "tuned", "mmproj-b.gguf"); /* by the model that it was made of */
  assert_sees_with (library, "cherry", NULL);
  assert_sees_with (library, "unnamed", "mmproj-b.gguf"); /* which has no name to differ */
  assert_sees_with (library, "quern-tiny", "mmproj-quern-tiny-F16.gguf");
  g_assert_null (quern_library_find (library, "mmproj-a"));
  g_assert_null (quern_library_find (library, "mmproj-b"));

  /* The same files once more are still the same files. */
  g_assert_cmpint (symlink (models, link), ==, 0);
  scan (library);
  g_assert_null (quern_library_find (library, "mmproj-a"));
  g_assert_cmpint (g_unlink (link), ==, 0);

  g_autofree char *apple = g_build_filename (models, "apple.gguf", NULL);
  g_assert_cmpint (g_unlink (apple), ==, 0);
  scan (library);
  left = quern_library_find (library, "mmproj-a");
  g_assert_nonnull (left);
  g_assert_cmpint (quern_model_get_state (left), ==, QUERN_MODEL_UNSUPPORTED);
  g_assert_nonnull (strstr (quern_model_get_problem (left), "vision file for “Apple 1B”"));
  g_assert_cmpint (quern_model_get_origin (left), ==, QUERN_ORIGIN_FILE); /* Quern did not install it */
  g_assert_true (quern_library_get_default (library) != left);
  scan (library); /* what is known already is told the same way */
  g_assert_cmpint (quern_model_get_state (quern_library_find (library, "mmproj-a")), ==, QUERN_MODEL_UNSUPPORTED);

  /* A vision file without a name is for the model of its width. */
  g_assert_cmpint (g_unlink (mark), ==, 0);
  test_make_twins (width, "mmproj-unnamed", NULL);
  scan (library);
  assert_sees_with (library, "unnamed", "mmproj-unnamed.gguf");
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = test_folder (), *home = test_folder (), *cache = test_folder ();
  int result;

  g_setenv ("XDG_DATA_HOME", data_folder, TRUE);
  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/library/names", test_names);
  g_test_add ("/library/labels", Fixture, NULL, setup, test_labels, teardown);
  g_test_add ("/library/told-apart", Fixture, NULL, setup, test_told_apart, teardown);
  g_test_add ("/library/demo", Fixture, NULL, setup, test_demo, teardown);
  g_test_add ("/library/installed", Fixture, NULL, setup, test_installed, teardown);
  g_test_add ("/library/watch", Fixture, NULL, setup, test_watch, teardown);
  g_test_add ("/library/remove", Fixture, NULL, setup, test_remove, teardown);
  g_test_add ("/library/remove-parts", Fixture, NULL, setup, test_remove_parts, teardown);
  g_test_add ("/library/remove-links", Fixture, NULL, setup, test_remove_links, teardown);
  g_test_add ("/library/remove-replaced", Fixture, NULL, setup, test_remove_replaced, teardown);
  g_test_add ("/library/remove-earlier", Fixture, NULL, setup, test_remove_earlier, teardown);
  g_test_add ("/library/hidden-names", Fixture, NULL, setup, test_hidden_names, teardown);
  g_test_add ("/library/import-folder", Fixture, NULL, setup, test_import_folder, teardown);
  g_test_add ("/library/import-many", Fixture, NULL, setup, test_import_many, teardown);
  g_test_add ("/library/import-refused", Fixture, NULL, setup, test_import_refused, teardown);
  g_test_add ("/library/import-ollama", Fixture, NULL, setup, test_import_ollama, teardown);
  g_test_add ("/library/caches", Fixture, NULL, setup, test_caches, teardown);
  g_test_add ("/library/vision", Fixture, NULL, setup, test_vision, teardown);
  g_test_add ("/library/last-used", Fixture, NULL, setup, test_last_used, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
