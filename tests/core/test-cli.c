/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "quern-sql.h"
#include "test-util.h"

/* quern-cli as its users see it: output, errors, exit codes. */

typedef struct {
  char *folder;
  char *output, *errors;
  int code;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
}

static void
clear (Fixture *f)
{
  g_clear_pointer (&f->output, g_free);
  g_clear_pointer (&f->errors, g_free);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  clear (f);
  test_remove_folder (f->folder);
  g_free (f->folder);
}

static char *
text_of (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return g_strndup (data ? data : "", size);
}

/* Runs quern-cli with the arguments up to NULL, in a data folder of the test's own. */
static void
run (Fixture *f, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) output = NULL, errors = NULL;
  g_autoptr (GError) error = NULL;
  va_list list;

  clear (f);
  g_ptr_array_add (arguments, program);
  va_start (list, f);
  for (char *argument = va_arg (list, char *); argument; argument = va_arg (list, char *))
    g_ptr_array_add (arguments, argument);
  va_end (list);
  g_ptr_array_add (arguments, NULL);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->folder, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) arguments->pdata, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &output, &errors, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  f->code = g_subprocess_get_exit_status (process);
  f->output = text_of (output);
  f->errors = text_of (errors);
}

static JsonObject *
parse (Fixture *f, JsonParser *parser)
{
  g_autoptr (GError) error = NULL;

  json_parser_load_from_data (parser, f->output, -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

/* Exit 1, nothing on stdout, one line on stderr that says `what`. */
static void
assert_failed (Fixture *f, const char *what)
{
  g_assert_cmpint (f->code, ==, 1);
  g_assert_cmpstr (f->output, ==, "");
  g_assert_nonnull (strstr (f->errors, what));
  g_assert_true (strchr (f->errors, '\n') == f->errors + strlen (f->errors) - 1);
}

static void
test_chat (Fixture *f, gconstpointer data)
{
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "What is the capital of France?", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "The capital of France is Paris.\n");
  run (f, "chat", "-m", "quern-tiny", "--think", "--temp", "0", "What is 47 + 38?", NULL);
  g_assert_cmpstr (f->output, ==, "47 + 38 = 85\n");
  g_assert_nonnull (strstr (f->errors, "Ones: 7+8=15"));
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "What is 47 + 38?", NULL);
  g_assert_null (strstr (f->output, "85"));
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "--system", "You are a helpful assistant.", "Thank", "you",
       NULL);
  g_assert_cmpstr (f->output, ==, "You are welcome!\n");
}

static void
test_chat_json (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;

  run (f, "chat", "-m", "quern-tiny", "--think", "--temp", "0", "--json", "What is 47 + 38?", NULL);
  g_assert_cmpint (f->code, ==, 0);
  object = parse (f, parser);
  g_assert_cmpstr (json_object_get_string_member (object, "answer"), ==, "47 + 38 = 85");
  g_assert_nonnull (strstr (json_object_get_string_member (object, "reasoning"), "Result 85."));
  g_assert_cmpstr (json_object_get_string_member (object, "stop"), ==, "end");
  g_assert_cmpint (json_object_get_int_member (object, "prompt_tokens"), ==, 20);
  g_assert_cmpint (json_object_get_int_member (object, "prompt_tokens_reused"), ==, 0);
  g_assert_cmpint (json_object_get_int_member (object, "answer_tokens"), >, 20);
  g_assert_cmpfloat (json_object_get_double_member (object, "prefill_tokens_per_second"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "decode_tokens_per_second"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "load_seconds"), >, 0);
  g_assert_cmpint (json_object_get_int_member (object, "peak_rss_bytes"), >, 1000000);
  g_assert_cmpint (json_object_get_int_member (object, "threads"), >=, 1);
}

/* The same seed gives the same text, another one (at this temperature) another. */
static void
test_seed (Fixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;

  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "3", "--max", "20", "--seed", "5", "Hello!", NULL);
  first = g_strdup (f->output);
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "3", "--max", "20", "--seed", "5", "-t", "1", "Hello!", NULL);
  g_assert_cmpstr (f->output, ==, first);
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "3", "--max", "20", "--seed", "6", "Hello!", NULL);
  g_assert_cmpstr (f->output, !=, first);
}

static void
test_invalid_utf8 (Fixture *f, gconstpointer data)
{
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "Hello\xff\xfe!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->errors, "UTF-8"));
  g_assert_true (g_utf8_validate (f->output, -1, NULL));
}

/* Two files that call themselves the same do not show under one label. */
static void
test_twins (Fixture *f, gconstpointer data)
{
  static const char *const publishers[] = { "one", "two" };
  char *paths[2];

  for (int i = 0; i < 2; i++) {
    g_autofree char *folder = g_build_filename (f->folder, publishers[i], NULL);
    g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q6_K.gguf", NULL);
    paths[i] = g_build_filename (folder, "twin-Q6_K.gguf", NULL);
    g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
    g_assert_cmpint (symlink (tiny, paths[i]), ==, 0);
  }
  run (f, "compare", "-m", paths[0], "-m", paths[1], "--max", "4", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "== Quern Tiny Q6_K (one) =="));
  g_assert_nonnull (strstr (f->output, "== Quern Tiny Q6_K (two) =="));
  run (f, "eval", "-m", paths[0], "--reference", paths[1], NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "Quern Tiny Q6_K (one) is"));
  g_assert_nonnull (strstr (f->output, "Compared with Quern Tiny Q6_K (two)"));
  g_free (paths[0]);
  g_free (paths[1]);
}

static void
test_bad_models (Fixture *f, gconstpointer data)
{
  g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q4_K_M.gguf", NULL);
  g_autofree char *path = g_build_filename (f->folder, "x.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  run (f, "chat", "-m", "no-such-model", "Hello!", NULL);
  assert_failed (f, "no-such-model");
  run (f, "chat", "-m", "/no/such/file.gguf", "Hello!", NULL);
  assert_failed (f, "/no/such/file.gguf");
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  run (f, "chat", "-m", path, "Hello!", NULL);
  assert_failed (f, "x.gguf");
  g_assert_true (g_file_set_contents (path, "This is not a model, only some text that is long enough.", -1, NULL));
  run (f, "chat", "-m", path, "Hello!", NULL);
  assert_failed (f, "x.gguf");
  g_assert_true (g_file_get_contents (tiny, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size / 2, NULL));
  run (f, "chat", "-m", path, "Hello!", NULL);
  assert_failed (f, "x.gguf");
  g_assert_true (g_file_set_contents (path, bytes, 3000, NULL));
  run (f, "show", path, NULL);
  assert_failed (f, "x.gguf");
}

static void
test_too_long (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (60000, 'q');

  run (f, "chat", "-m", "quern-tiny", text, NULL);
  assert_failed (f, "2048");
  run (f, "chat", "-m", "quern-tiny", "-c", "10", "Hello!", NULL);
  assert_failed (f, "10");
}

static void
test_usage (Fixture *f, gconstpointer data)
{
  run (f, NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "dance", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "chat", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "chat", "-m", "quern-tiny", "--think", "--no-think", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "chat", "-m", "quern-tiny", "--max", "many", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "show", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "chat", "--help", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "--no-think"));
}

/* Writes down that a download put a file there. */
static void
write_receipt (Fixture *f, const char *target, gint64 size)
{
  g_autofree char *path = g_build_filename (f->folder, "quern", "downloads.db", NULL);
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_true (quern_sql_exec (db, "CREATE TABLE receipts (target TEXT PRIMARY KEY, size INTEGER NOT NULL)", NULL));
  g_assert_true (quern_sql_run (db, NULL, "INSERT INTO receipts VALUES (?1, ?2)", "si", target, size));
  sqlite3_close (db);
}

static void
test_list_import_remove (Fixture *f, gconstpointer data)
{
  g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q6_K.gguf", NULL);
  g_autofree char *elsewhere = g_build_filename (f->folder, "elsewhere.gguf", NULL);
  g_autofree char *models = g_build_filename (f->folder, "quern", "models", NULL);
  g_autofree char *installed = g_build_filename (models, "installed.gguf", NULL);
  g_autofree char *copied = g_build_filename (models, "copied.gguf", NULL);
  g_autoptr (GFile) source = g_file_new_for_path (tiny);
  g_autoptr (GFile) first = g_file_new_for_path (elsewhere);
  g_autoptr (GFile) second = g_file_new_for_path (installed);
  g_autoptr (GFile) third = g_file_new_for_path (copied);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *shown;
  GStatBuf st;

  g_mkdir_with_parents (models, 0700);
  g_assert_true (g_file_copy (source, first, 0, NULL, NULL, NULL, NULL));
  g_assert_true (g_file_copy (source, second, 0, NULL, NULL, NULL, NULL));
  g_assert_true (g_file_copy (source, third, 0, NULL, NULL, NULL, NULL));
  g_assert_cmpint (g_stat (installed, &st), ==, 0);
  write_receipt (f, installed, st.st_size);
  run (f, "list", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "quern-tiny "));
  g_assert_nonnull (strstr (f->output, "demonstration"));
  g_assert_nonnull (strstr (f->output, "installed "));
  g_assert_null (strstr (f->output, "elsewhere"));

  run (f, "import", elsewhere, NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "elsewhere\n");
  run (f, "show", "--json", "elsewhere", NULL);
  shown = parse (f, parser);
  g_assert_cmpstr (json_object_get_string_member (shown, "path"), ==, elsewhere);
  g_assert_cmpstr (json_object_get_string_member (shown, "quantisation"), ==, "Q6_K");

  run (f, "remove", "elsewhere", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_true (g_file_test (elsewhere, G_FILE_TEST_EXISTS)); /* imported: only forgotten */
  run (f, "remove", "installed", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_false (g_file_test (installed, G_FILE_TEST_EXISTS));
  run (f, "remove", "copied", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_true (g_file_test (copied, G_FILE_TEST_EXISTS)); /* somebody else put it there: only taken off the list */
  run (f, "remove", "quern-tiny", NULL);
  assert_failed (f, "Quern Tiny");
  run (f, "list", "--json", NULL);
  g_assert_null (strstr (f->output, "elsewhere"));
  g_assert_null (strstr (f->output, "installed"));
  g_assert_null (strstr (f->output, "copied"));
  run (f, "import", "/no/such.gguf", NULL);
  assert_failed (f, "/no/such.gguf");
}

static void
test_import_folder (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (f->folder, "elsewhere", NULL);
  g_autofree char *path = g_build_filename (folder, "in-folder.gguf", NULL), *tiny = NULL, *content = NULL;
  gsize size;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  run (f, "import", folder, NULL);
  g_assert_cmpint (f->code, ==, 1); /* nothing in it */
  tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q4_K_M.gguf", NULL);
  g_assert_true (g_file_get_contents (tiny, &content, &size, NULL));
  g_assert_true (g_file_set_contents (path, content, size, NULL));
  run (f, "import", folder, NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "in-folder\n");
  run (f, "list", "--json", NULL);
  g_assert_nonnull (strstr (f->output, "\"folder\""));
  run (f, "remove", "in-folder", NULL);
  g_assert_cmpint (f->code, ==, 1); /* its folder was added, not it */
  run (f, "remove", folder, NULL);
  g_assert_cmpint (f->code, ==, 0);
  run (f, "list", NULL);
  g_assert_null (strstr (f->output, "in-folder"));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* A database that cannot be opened costs imported models, not the answer. */
static void
test_damaged_database (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (f->folder, "quern", NULL);
  g_autofree char *path = g_build_filename (folder, "quern.db", NULL);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, "not a database at all, but long enough to look like a file", -1, NULL));
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "Hello! How can I help you?\n");
  run (f, "import", "/no/such.gguf", NULL);
  assert_failed (f, "damaged");
}

static void
test_bench (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;

  run (f, "bench", "-m", "quern-tiny", "-p", "64", "-n", "8", "-d", "32", "-r", "1", "--json", NULL);
  g_assert_cmpint (f->code, ==, 0);
  object = parse (f, parser);
  g_assert_cmpfloat (json_object_get_double_member (object, "prefill_tokens_per_second"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "decode_tokens_per_second"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "load_seconds"), >, 0);
  g_assert_cmpint (json_object_get_int_member (object, "peak_rss_bytes"), >, 1000000);
  g_assert_cmpint (json_object_get_int_member (object, "threads"), >=, 1);
}

int
main (int argc, char **argv)
{
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/cli/chat", Fixture, NULL, setup, test_chat, teardown);
  g_test_add ("/cli/chat-json", Fixture, NULL, setup, test_chat_json, teardown);
  g_test_add ("/cli/seed", Fixture, NULL, setup, test_seed, teardown);
  g_test_add ("/cli/invalid-utf8", Fixture, NULL, setup, test_invalid_utf8, teardown);
  g_test_add ("/cli/twins", Fixture, NULL, setup, test_twins, teardown);
  g_test_add ("/cli/bad-models", Fixture, NULL, setup, test_bad_models, teardown);
  g_test_add ("/cli/too-long", Fixture, NULL, setup, test_too_long, teardown);
  g_test_add ("/cli/usage", Fixture, NULL, setup, test_usage, teardown);
  g_test_add ("/cli/import-folder", Fixture, NULL, setup, test_import_folder, teardown);
  g_test_add ("/cli/list-import-remove", Fixture, NULL, setup, test_list_import_remove, teardown);
  g_test_add ("/cli/damaged-database", Fixture, NULL, setup, test_damaged_database, teardown);
  g_test_add ("/cli/bench", Fixture, NULL, setup, test_bench, teardown);
  return g_test_run ();
}
