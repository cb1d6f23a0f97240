/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-library.h"
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
  QeMemoryPlan plan;

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
  quern_model_plan (model, 2048, QE_KV_F16, &plan);
  g_assert_cmpuint (plan.total, >, quern_model_get_info (model)->tensor_bytes);
  g_assert_cmpuint (quern_memory_available (), >, plan.total);
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

static void
test_remove (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->models, "a.gguf", NULL);
  g_autofree char *other = g_build_filename (f->models, "b.gguf", NULL);
  g_autofree char *vision = g_build_filename (f->models, "mmproj.gguf", NULL);
  g_autoptr (QuernLibrary) library = quern_library_new (NULL);
  g_autoptr (GAsyncResult) first = NULL, second = NULL;

  copy ("quern-tiny-Q4_K_M.gguf", f->models, "a.gguf");
  copy ("quern-tiny-Q2_K.gguf", f->models, "b.gguf");
  copy ("mmproj-quern-tiny-F16.gguf", f->models, "mmproj.gguf");
  scan (library);
  quern_library_remove_async (library, quern_library_find (library, "a"), NULL, test_result_cb, &first);
  test_wait_result (&first);
  g_assert_true (quern_library_remove_finish (library, first, NULL));
  g_assert_null (quern_library_find (library, "a"));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (vision, G_FILE_TEST_EXISTS)); /* b uses it */
  quern_library_remove_async (library, quern_library_find (library, "b"), NULL, test_result_cb, &second);
  test_wait_result (&second);
  g_assert_true (quern_library_remove_finish (library, second, NULL));
  g_assert_false (g_file_test (other, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (vision, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = test_folder ();
  int result;

  g_setenv ("XDG_DATA_HOME", data_folder, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/library/demo", Fixture, NULL, setup, test_demo, teardown);
  g_test_add ("/library/installed", Fixture, NULL, setup, test_installed, teardown);
  g_test_add ("/library/watch", Fixture, NULL, setup, test_watch, teardown);
  g_test_add ("/library/remove", Fixture, NULL, setup, test_remove, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
