/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdlib.h>
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
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
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

/* Runs a line of the shell, in which "quern-cli" is the program. */
static void
run_shell (Fixture *f, const char *line)
{
  g_autofree char *folder = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", NULL);
  g_autofree char *path = g_strconcat (folder, ":", g_getenv ("PATH"), NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) output = NULL, errors = NULL;
  g_autoptr (GError) error = NULL;

  clear (f);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->folder, TRUE);
  g_subprocess_launcher_setenv (launcher, "PATH", path, TRUE);
  g_subprocess_launcher_set_cwd (launcher, f->folder);
  process = g_subprocess_launcher_spawn (launcher, &error, "/bin/sh", "-c", line, NULL);
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
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "0", "--system", "You are a helpful assistant.", "Thank",
       "you", NULL);
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
  run (f, "chat", "-m", "quern-tiny", "--no-think", "--temp", "3", "--max", "20", "--seed", "5", "-t", "1", "Hello!",
       NULL);
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
  g_assert_true (
      quern_sql_exec (db, "CREATE TABLE receipts (target TEXT PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT)", NULL));
  g_assert_true (quern_sql_run (db, NULL, "INSERT INTO receipts (target, size) VALUES (?1, ?2)", "si", target, size));
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

/* ---- wrong numbers --------------------------------------------------------------------------------------------- */

/* What is no number, or none that makes sense, is wrong usage and said; nothing runs. */
static void
test_numbers (Fixture *f, gconstpointer data)
{
  static const char *const lines[] = {
    "chat -m quern-tiny --temp nan Hi",
    "chat -m quern-tiny --temp inf Hi",
    "chat -m quern-tiny --temp -5 Hi",
    "chat -m quern-tiny --temp=-1 Hi",
    "chat -m quern-tiny --temp 1e9 Hi",
    "chat -m quern-tiny --temp 1x Hi",
    "chat -m quern-tiny --temp '' Hi",
    "chat -m quern-tiny --seed=-1 Hi",
    "chat -m quern-tiny --seed=-5 Hi",
    "chat -m quern-tiny --seed 99999999999999999999 Hi",
    "chat -m quern-tiny --max=-1 Hi",
    "chat -m quern-tiny --max 3x Hi",
    "chat -m quern-tiny --max '' Hi",
    "chat -m quern-tiny --max 99999999999 Hi",
    "chat -m quern-tiny --ctx 2000000000 Hi",
    "chat -m quern-tiny --budget=-1 Hi",
    "chat -m quern-tiny -t 100000 Hi",
    "chat -m quern-tiny --sampling 'not json' Hi",
    "chat -m quern-tiny --sampling '[1]' Hi",
    "chat -m quern-tiny --sampling '0{\"top_k\": 20}' Hi",
    "chat -m quern-tiny --sampling '' Hi",
    "chat -m quern-tiny --sampling '{\"top_q\": 1}' Hi",
    "chat -m quern-tiny --sampling '{\"top_k\": \"20\"}' Hi",
    "chat -m quern-tiny --sampling '{\"top_k\": -1}' Hi",
    "chat -m quern-tiny --sampling '{\"temperature\": 1e400}' Hi",
    "show -c -1 quern-tiny",
    "show -c 2000000000 quern-tiny",
    "bench -m quern-tiny -p 0",
    "bench -m quern-tiny -p 2000000000 -d 2000000000",
    "bench -m quern-tiny -n -1",
    "bench -m quern-tiny -r 0",
    "bench -m quern-tiny -r 2000000000",
    "bench -m quern-tiny -t 100000",
    "eval -m quern-tiny -c -1",
    "eval -m quern-tiny --windows half",
    "eval -m quern-tiny --top 1000",
    "eval -m quern-tiny --card --json",
    "eval -m quern-tiny --memory 9223372036854775807",
    "eval -m quern-tiny -t 100000",
    "compare -m quern-tiny -m quern-tiny --temp nan Hi",
    "compare -m quern-tiny -m quern-tiny --seed=-1 Hi",
    "compare -m quern-tiny -m quern-tiny --memory 9223372036854775807 Hi",
    "compare -m quern-tiny -m quern-tiny --max=-1 Hi",
    "search -n 0",
    "search -n 5x",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *line = g_strconcat ("quern-cli ", lines[i], NULL);

    g_test_message ("%s", line);
    run_shell (f, line);
    g_assert_cmpint (f->code, ==, 2);
    g_assert_cmpstr (f->output, ==, "");
    g_assert_true (strchr (f->errors, '\n') == f->errors + strlen (f->errors) - 1);
  }
  run_shell (
      f,
      "quern-cli chat -m quern-tiny --no-think --temp 0 --sampling '{\"top_k\": 20, \"seed\": 3}' --seed 0 'Hello!'");
  g_assert_cmpint (f->code, ==, 0);
}

static void
test_standard_input (Fixture *f, gconstpointer data)
{
  run_shell (f, "printf 'Hello!\\0 and what is after it' | quern-cli chat -m quern-tiny");
  g_assert_cmpint (f->code, ==, 2);
  g_assert_nonnull (strstr (f->errors, "NUL"));
  run_shell (f, "quern-cli chat -m quern-tiny < /");
  assert_failed (f, "Standard input");
  run_shell (f, "printf 'a text\\0 and more' > text; quern-cli eval -m quern-tiny --text text");
  assert_failed (f, "NUL");
  run_shell (f, "printf 'Hello!' | quern-cli chat -m quern-tiny --no-think --temp 0");
  g_assert_cmpstr (f->output, ==, "Hello! How can I help you?\n");
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

/* Whatever it prints, what does not arrive is a failure that is said in one line. */
static void
test_full_device (Fixture *f, gconstpointer data)
{
  static const char *const lines[] = {
    "--help",
    "--version",
    "chat --help",
    "list",
    "list --json",
    "show quern-tiny",
    "show --json quern-tiny",
    "import \"$QUERN_TINY_DIR/quern-tiny-Q6_K.gguf\"",
    "chat -m quern-tiny --no-think --temp 0 'Hello!'",
    "chat -m quern-tiny --no-think --temp 0 --json 'Hello!'",
    "bench -m quern-tiny -p 32 -n 4 -r 1",
    "eval -m quern-tiny --json",
    "eval -m quern-tiny --card",
    "compare -m quern-tiny -m quern-tiny --max 4 'Hello!'",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *line = g_strconcat ("quern-cli ", lines[i], " > /dev/full", NULL);

    g_test_message ("%s", line);
    run_shell (f, line);
    g_assert_cmpint (f->code, ==, 1);
    g_assert_nonnull (strstr (f->errors, "No space left"));
    if (g_str_has_prefix (lines[i], "import"))
      continue; /* its database has no room, either, and says so first */
    /* A limit to the size of files is no reason to be killed, either. */
    line = (g_free (line), g_strconcat ("ulimit -f 0; quern-cli ", lines[i], " > out", NULL));
    run_shell (f, line);
    g_assert_cmpint (f->code, ==, 1);
    g_assert_nonnull (strstr (f->errors, "File too large"));
  }
}

/* A report goes where a link leads, be it a device; the link stays. */
static void
test_report_through_link (Fixture *f, gconstpointer data)
{
  g_autofree char *link = g_build_filename (f->folder, "link.html", NULL);
  g_autofree char *target = g_build_filename (f->folder, "target.html", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (target, "old", -1, NULL));
  g_assert_cmpint (symlink (target, link), ==, 0);
  run (f, "compare", "-m", "quern-tiny", "-m", "quern-tiny", "--max", "4", "--html", link, "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_assert_true (g_file_get_contents (target, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "Hello!"));

  g_assert_cmpint (g_unlink (link), ==, 0);
  g_assert_cmpint (symlink ("/dev/full", link), ==, 0);
  run (f, "compare", "-m", "quern-tiny", "-m", "quern-tiny", "--max", "4", "--markdown", link, "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 1);
  g_assert_nonnull (strstr (f->errors, "No space left"));
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
}

/* What follows a NUL is printed as well, and one that JSON does not allow is no JSON. */
static void
test_messages_with_nul (Fixture *f, gconstpointer data)
{
  static const char raw[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\0 more";
  g_autofree char *path = g_build_filename (f->folder, "messages.json", NULL);

  g_assert_true (g_file_set_contents (path,
                                      "{\"messages\": [{\"role\": \"user\", \"content\": \"before\\u0000after\"}]}", -1,
                                      NULL));
  run (f, "chat", "-m", "quern-tiny", "--dry-run", "--messages", path, NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "before\357\277\275after<|im_end|>"));

  g_assert_true (g_file_set_contents (path, raw, sizeof raw - 1, NULL));
  run (f, "chat", "-m", "quern-tiny", "--dry-run", "--messages", path, NULL);
  assert_failed (f, "not valid JSON");
}

/* Too little address space is said; nothing spins or crashes. */
static void
test_little_address_space (Fixture *f, gconstpointer data)
{
  static const guint limits[] = { 100000, 200000, 300000, 400000, 550000, 700000, 850000, 4000000 };
  gboolean sanitized;

  run_shell (f, "ulimit -v 4000000; quern-cli --version");
  sanitized = f->code != 0; /* whose shadow memory takes more */
  for (guint i = 0; i < G_N_ELEMENTS (limits) && !sanitized; i++) {
    g_autofree char *line =
        g_strdup_printf ("ulimit -v %u; timeout 30 quern-cli chat -m quern-tiny --no-think --temp 0 "
                         "'What is the capital of France, and what else is there to be said about it?'",
                         limits[i]);
    g_test_message ("%s", line);
    run_shell (f, line);
    if (f->code == 0)
      continue;
    g_assert_cmpint (f->code, ==, 1);
    g_assert_true (strchr (f->errors, '\n') == f->errors + strlen (f->errors) - 1);
  }
  g_assert_true (sanitized || f->code == 0); /* with 4 GB */
}

/* A copy of Quern Tiny with another name in its header, of as many bytes. */
static void
copy_renamed (const char *path, const char *name)
{
  g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q4_K_M.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  char *at;

  g_assert_true (g_file_get_contents (tiny, &bytes, &size, NULL));
  at = memmem (bytes, size, "Quern Tiny", 10);
  g_assert_nonnull (at);
  g_assert_cmpuint (strlen (name), ==, 10);
  memcpy (at, name, 10);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
}

static void
assert_printable (const char *text)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *at = text; *at; at = g_utf8_next_char (at)) {
    const gunichar c = g_utf8_get_char (at);
    g_assert_true (c == '\n' || (c >= 0x20 && c < 0x7f) || (c > 0x9f && c != 0x202e));
  }
}

static guint
n_lines (const char *text)
{
  guint n = 0;

  for (; *text; text++)
    n += *text == '\n';
  return n;
}

/* Names of files and models, and what was typed, reach a terminal as text only. */
static void
test_hostile_names (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (f->folder, "quern", "models", NULL);
  g_autofree char *path = g_build_filename (folder,
                                            "a\nforged-row  9 GB\x1b]52;c;aGk=\a\xe2\x80\xae"
                                            "b.gguf",
                                            NULL);
  guint before;

  run (f, "list", NULL);
  before = n_lines (f->output);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  copy_renamed (path, "X\x1b[2J\n\xc2\x9b"
                      "5m");
  run (f, "list", NULL);
  g_assert_cmpint (f->code, ==, 0);
  assert_printable (f->output);
  g_assert_cmpuint (n_lines (f->output), ==, before + 1);
  g_assert_nonnull (strstr (f->output, "\\x1b"));
  run (f, "list", "--json", NULL);
  assert_printable (f->output);
  run (f, "show", path, NULL);
  g_assert_cmpint (f->code, ==, 0);
  assert_printable (f->output);
  run (f, "import", path, NULL);
  assert_printable (f->output);
  g_assert_cmpuint (n_lines (f->output), ==, 1);
  run (f, "bench", "-m", path, "-p", "32", "-n", "4", "-r", "1", NULL);
  g_assert_cmpint (f->code, ==, 0);
  assert_printable (f->output);
  run (f, "chat", "-m", "no\x1b[2Jmodel\n", "Hello!", NULL);
  assert_failed (f, "no\\x1b[2Jmodel");
  run (f, "dance\x1b[2J", NULL);
  assert_printable (f->errors);
  run (f, "list", "--what\x1b[2J", NULL);
  g_assert_cmpint (f->code, ==, 2);
  assert_printable (f->errors);
}

/* A copy of Quern Tiny that has never heard of Paris: that token begins with the bytes of an escape sequence, which vocabularies
 * write as the letter U+011B. */
static void
copy_with_escapes (const char *path)
{
  g_autofree char *tiny = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q8_0.gguf", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  guint n = 0;

  g_assert_true (g_file_get_contents (tiny, &bytes, &size, NULL));
  for (char *at = bytes; (at = memmem (at, size - (gsize) (at - bytes), "Paris", 5)) != NULL; n++)
    memcpy (at, "\xc4\x9b[2J", 5);
  for (char *at = bytes; (at = memmem (at, size - (gsize) (at - bytes), "P aris", 6)) != NULL; n++)
    memcpy (at, "w rite", 6); /* the merge that made it */
  g_assert_cmpuint (n, ==, 2);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
}

static char *
run_on_terminal (Fixture *f, const char *path)
{
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  GString *output = g_string_new (NULL);
  char buffer[256];
  int master = posix_openpt (O_RDWR | O_NOCTTY);
  ssize_t n;

  g_assert_cmpint (grantpt (master), ==, 0);
  g_assert_cmpint (unlockpt (master), ==, 0);
  g_subprocess_launcher_take_stdout_fd (launcher, open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC));
  process = g_subprocess_launcher_spawn (launcher, &error, program, "chat", "-m", path, "--no-think", "--temp", "0",
                                         "What is the capital of France?", NULL);
  g_assert_no_error (error);
  g_clear_object (&launcher); /* closes the terminal here, so that its end can be read */
  while ((n = read (master, buffer, sizeof buffer)) > 0)
    g_string_append_len (output, buffer, n);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
  close (master);
  return g_string_free (output, FALSE);
}

/* An answer is text on a terminal, and what it is in a pipe. */
static void
test_terminal (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "escapes.gguf", NULL), *shown = NULL;

  copy_with_escapes (path);
  run (f, "chat", "-m", path, "--no-think", "--temp", "0", "What is the capital of France?", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "\x1b[2J"));
  shown = run_on_terminal (f, path);
  g_assert_null (strchr (shown, 0x1b));
  g_assert_nonnull (strstr (shown, "\\x1b[2J"));
}

/* ---- interruption ---------------------------------------------------------------------------------------------- */

/* Seconds of processor time that a process has used; -1 when it is gone. */
static double
used_seconds (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL), *text = NULL;
  g_auto (GStrv) fields = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return -1;
  fields = g_strsplit (strrchr (text, ')'), " ", 16); /* the thirteenth and the one after are its times */
  return (double) (g_ascii_strtoull (fields[12], NULL, 10) + g_ascii_strtoull (fields[13], NULL, 10))
         / (double) sysconf (_SC_CLK_TCK);
}

/* Long enough for something to be measured. */
#ifdef __SANITIZE_ADDRESS__
#define WORK_SECONDS 20
#else
#define WORK_SECONDS 2
#endif

/* Runs a command that would take minutes, and interrupts it when it has worked for a while. */
static void
run_interrupted (Fixture *f, const char *const *arguments)
{
  g_autofree char *program = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) output = NULL, errors = NULL;
  g_autoptr (GError) error = NULL;

  clear (f);
  g_strv_builder_add (builder, program);
  g_strv_builder_addv (builder, (const char **) arguments);
  all = g_strv_builder_end (builder);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", f->folder, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) all, &error);
  g_assert_no_error (error);
  while (g_subprocess_get_identifier (process)) {
    const double used = used_seconds (g_subprocess_get_identifier (process));
    if (used < 0 || used > WORK_SECONDS)
      break;
    g_usleep (10000);
  }
  g_subprocess_send_signal (process, SIGINT);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &output, &errors, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  f->code = g_subprocess_get_exit_status (process);
  f->output = text_of (output);
  f->errors = text_of (errors);
}

static void
test_interrupted (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_build_filename (f->folder, "text", NULL),
                  *questions = g_build_filename (f->folder, "questions", NULL);
  g_autoptr (GString) content = g_string_new (NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;

  run_interrupted (f, (const char *[]) { "bench", "-m", "quern-tiny", "-p", "64", "-n", "16", "-r", "1000", "--json",
                                         NULL });
  g_assert_cmpint (f->code, ==, 130);
  object = parse (f, parser);
  g_assert_true (json_object_get_boolean_member (object, "partial"));
  g_assert_cmpint (json_object_get_int_member (object, "rounds"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "decode_tokens_per_second"), >, 0);

  for (guint i = 0; i < 200000; i++)
    g_string_append (content, "What is 7 + 8? The answer is 15. ");
  g_assert_true (g_file_set_contents (text, content->str, (gssize) content->len, NULL));
  run_interrupted (f, (const char *[]) { "eval", "-m", "quern-tiny", "-c", "128", "--text", text, "--json", NULL });
  g_assert_cmpint (f->code, ==, 130);
  object = parse (f, parser);
  g_assert_true (json_object_get_boolean_member (object, "partial"));
  g_assert_cmpint (json_object_get_int_member (object, "tokens"), >, 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "perplexity"), >, 1);

  g_string_truncate (content, 0);
  for (guint i = 0; i < 5000; i++)
    g_string_append (content, "{\"question\": \"What is 7 + 8?\", \"answer\": \"15\"}\n");
  g_assert_true (g_file_set_contents (questions, content->str, (gssize) content->len, NULL));
  run_interrupted (f, (const char *[]) { "compare", "-m", "quern-tiny", "-m", "quern-tiny", "--questions", questions,
                                         NULL });
  g_assert_cmpint (f->code, ==, 130);
  g_assert_nonnull (strstr (f->output, " correct, "));
}

/* ---- files of other makers ------------------------------------------------------------------------------------- */

/* Makes one of make-twins.py; its path. */
static char *
make_twin (Fixture *f, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".gguf", NULL);

  test_make_twins (f->folder, name, NULL);
  return g_build_filename (f->folder, file, NULL);
}

/* What `show --json` tells of the template or of the sampling of a model; the parser holds it. */
static JsonObject *
show (Fixture *f, const char *path, JsonParser *parser, const char *member)
{
  run (f, "show", "--template", "--json", path, NULL);
  g_assert_cmpint (f->code, ==, 0);
  return json_object_get_object_member (parse (f, parser), member);
}

static const char effort_prompt[] = "<|im_start|>system\nReasoning effort is set to low. Think briefly.<|im_end|>\n"
                                    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n";

static void
test_effort (Fixture *f, gconstpointer data)
{
  static const char *const levels[] = { "low", "medium", "xhigh" };
  g_autofree char *path = make_twin (f, "effort"), *ids = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *template = show (f, path, parser, "template");
  JsonArray *efforts = json_object_get_array_member (template, "efforts");

  g_assert_true (json_object_get_boolean_member (template, "usable"));
  g_assert_true (json_object_get_boolean_member (template, "thinking_default"));
  g_assert_true (json_object_get_boolean_member (template, "thinking_switchable"));
  g_assert_true (json_object_get_boolean_member (template, "keeps_reasoning"));
  g_assert_cmpuint (json_array_get_length (efforts), ==, G_N_ELEMENTS (levels));
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    g_assert_cmpstr (json_array_get_string_element (efforts, i), ==, levels[i]);
  g_assert_cmpstr (json_object_get_string_member (template, "effort_default"), ==, "xhigh");
  g_assert_cmpstr (json_object_get_string_member (template, "tools"), ==, "xml");
  g_assert_nonnull (strstr (json_object_get_string_member (template, "text"), "Reasoning effort is set to xhigh"));

  run (f, "chat", "-m", path, "--dry-run", "Hi", NULL);
  g_assert_nonnull (strstr (f->output, "Reasoning effort is set to xhigh."));
  run (f, "chat", "-m", path, "--dry-run", "--effort", "low", "Hi", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, effort_prompt); /* and nothing more */
  g_assert_cmpstr (f->errors, ==, "");
  run (f, "chat", "-m", path, "--dry-run", "--effort", "low", "--json", "Hi", NULL);
  g_assert_cmpstr (json_object_get_string_member (parse (f, parser), "prompt"), ==, effort_prompt);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (parse (f, parser), "tokens")), >, 10);
  run (f, "chat", "-m", path, "--dry-run", "--no-think", "Hi", NULL);
  g_assert_true (g_str_has_suffix (f->output, "<think>\n\n</think>\n\n"));
  run (f, "chat", "-m", path, "--effort", "best", "Hi", NULL);
  g_assert_cmpint (f->code, ==, 2);
  g_assert_nonnull (strstr (f->errors, "low, medium, xhigh"));
  run (f, "chat", "-m", "quern-tiny", "--effort", "low", "Hi", NULL);
  g_assert_cmpint (f->code, ==, 2);
  g_assert_nonnull (strstr (f->errors, "no levels"));
}

static void
test_schema (Fixture *f, gconstpointer data)
{
  static const char schema[] =
      "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\", \"maxLength\": 40},"
      " \"people\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 999},"
      " \"kind\": {\"enum\": [\"town\", \"village\"]}},"
      " \"required\": [\"city\", \"people\", \"kind\"], \"additionalProperties\": false}";
  g_autofree char *path = g_build_filename (f->folder, "schema.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new (), answer_parser = json_parser_new ();
  const char *const modes[] = { "--no-think", "--think" };

  g_assert_true (g_file_set_contents (path, schema, -1, NULL));
  for (guint i = 0; i < 4 * G_N_ELEMENTS (modes); i++) {
    g_autofree char *seed = g_strdup_printf ("--seed=%u", i);
    const char *kind;
    gint64 people;
    JsonObject *answer;
    run (f, "chat", "-m", "quern-tiny", "--json", "--temp=1.5", seed, modes[i % 2], "--budget=30", "--schema", path,
         "Tell me.", NULL);
    g_assert_cmpint (f->code, ==, 0);
    g_assert_cmpstr (json_object_get_string_member (parse (f, parser), "stop"), ==, "end");
    g_assert_true (json_parser_load_from_data (answer_parser,
                                               json_object_get_string_member (parse (f, parser), "answer"), -1, NULL));
    answer = json_node_get_object (json_parser_get_root (answer_parser));
    kind = json_object_get_string_member (answer, "kind");
    people = json_object_get_int_member (answer, "people");
    g_assert_cmpuint (json_object_get_size (answer), ==, 3);
    g_assert_cmpint (g_utf8_strlen (json_object_get_string_member (answer, "city"), -1), <=, 40);
    g_assert_true (people >= 1 && people <= 999);
    g_assert_true (g_str_equal (kind, "town") || g_str_equal (kind, "village"));
  }
  g_assert_true (g_file_set_contents (path, "{\"properties\": {\"a\": {\"not\": {}}}}", -1, NULL));
  run (f, "chat", "-m", "quern-tiny", "--schema", path, "Hi", NULL);
  g_assert_cmpint (f->code, ==, 2);
  g_assert_nonnull (strstr (f->errors, "“not” is not supported at #/properties/a."));
  run (f, "chat", "-m", "quern-tiny", "--schema", "/nowhere", "Hi", NULL);
  assert_failed (f, "/nowhere");
}

/* Whose values are what: those of the file before those of the size, whatever the template does by default. */
static void
test_guarded (Fixture *f, gconstpointer data)
{
  g_autofree char *path = make_twin (f, "guarded");
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = show (f, path, parser, "template"), *values;

  g_assert_false (json_object_get_boolean_member (object, "thinking_default"));
  g_assert_true (json_object_get_boolean_member (object, "thinking_switchable"));
  g_assert_true (json_object_get_null_member (object, "effort_default"));
  object = show (f, path, parser, "sampling");
  values = json_object_get_object_member (object, "not_thinking");
  g_assert_cmpfloat_with_epsilon (json_object_get_double_member (values, "temperature"), 0.6, 1e-6);
  g_assert_cmpfloat_with_epsilon (json_object_get_double_member (values, "top_p"), 0.95, 1e-6);
  g_assert_cmpfloat (json_object_get_double_member (values, "presence_penalty"), ==, 2); /* Quern Tiny is small */
  values = json_object_get_object_member (object, "origins");
  g_assert_cmpstr (json_object_get_string_member (values, "temperature"), ==, "file");
  g_assert_cmpstr (json_object_get_string_member (values, "top_p"), ==, "file");
  g_assert_cmpstr (json_object_get_string_member (values, "presence_penalty"), ==, "family");
  run (f, "show", path, NULL);
  g_assert_nonnull (strstr (f->output, "off, can be switched on"));
  g_assert_nonnull (strstr (f->output, "temperature 0.6 (from the model’s file), top_k 20, top_p 0.95"));
  run (f, "show", "--template", path, NULL);
  g_assert_true (g_str_has_suffix (f->output, "{%- endif %}"));
  run (f, "chat", "-m", path, "--dry-run", "Hi", NULL);
  g_assert_cmpstr (f->output, ==, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
  object = show (f, "quern-tiny", parser, "sampling");
  values = json_object_get_object_member (object, "origins");
  g_assert_cmpstr (json_object_get_string_member (values, "temperature"), ==, "demonstration");
  g_assert_cmpstr (json_object_get_string_member (values, "top_p"), ==, "family");
}

/* A template that does not let thinking be chosen, and one that is none. */
static void
test_other_templates (Fixture *f, gconstpointer data)
{
  g_autofree char *plain = make_twin (f, "plain"), *unreadable = make_twin (f, "unreadable");
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *template = show (f, plain, parser, "template");

  g_assert_false (json_object_get_boolean_member (template, "thinking_switchable"));
  g_assert_cmpstr (json_object_get_string_member (template, "tools"), ==, "hermes");
  run (f, "chat", "-m", plain, "--dry-run", "--no-think", "Hi", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_true (g_str_has_suffix (f->output, "<think>\n"));
  g_assert_nonnull (strstr (f->errors, "no switch for thinking, so --no-think changes nothing"));

  template = show (f, unreadable, parser, "template");
  g_assert_true (json_object_get_boolean_member (template, "present"));
  g_assert_false (json_object_get_boolean_member (template, "usable"));
  g_assert_nonnull (strstr (json_object_get_string_member (template, "problem"), "line 1"));
  run (f, "show", unreadable, NULL);
  g_assert_nonnull (strstr (f->output, "cannot be used, so the layout of Qwen 3.5 is used instead."));
  run (f, "chat", "-m", unreadable, "--no-think", "--temp", "0", "--json", "What is the capital of France?", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (json_object_get_string_member (parse (f, parser), "answer"), ==, "The capital of France is Paris.");
  g_assert_nonnull (strstr (f->errors, "cannot be used, so the layout of Qwen 3.5 is used instead."));
  g_assert_true (strchr (f->errors, '\n') == f->errors + strlen (f->errors) - 1);
}

/* A file for --messages with this text. */
static void
run_messages (Fixture *f, const char *model, const char *text, gssize length)
{
  g_autofree char *path = g_build_filename (f->folder, "talk.json", NULL);

  g_assert_true (g_file_set_contents (path, text, length, NULL));
  run (f, "chat", "-m", model, "--dry-run", "--messages", path, NULL);
}

static void
test_messages (Fixture *f, gconstpointer data)
{
  static const char talk[] =
      "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"},"
      " {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"Look: \"},"
      "  {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:,\"}}]},"
      " {\"role\": \"assistant\", \"content\": \"A cat.\", \"reasoning_content\": \"Whiskers\"},"
      " {\"role\": \"user\", \"content\": \"Sure?\"}],"
      " \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"zoom\"}}], \"reasoning_effort\": \"low\"}";
  static const char with_nul[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\0 and more";
  g_autofree char *path = make_twin (f, "effort");

  run_messages (f, path, talk, -1);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_true (g_str_has_prefix (f->output, "<|im_start|>system\nReasoning effort is set to low."));
  g_assert_nonnull (strstr (f->output, "\n{\"type\": \"function\", \"function\": {\"name\": \"zoom\"}}\n</tools>"));
  g_assert_true (g_str_has_suffix (f->output, "\n\nBe brief.<|im_end|>\n<|im_start|>user\n"
                                              "Look: <|vision_start|><|image_pad|><|vision_end|><|im_end|>\n"
                                              "<|im_start|>assistant\n<think>\nWhiskers\n</think>\n\nA cat.<|im_end|>\n"
                                              "<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n<think>\n"));
  run_messages (f, path, "{\"messages\": [", -1);
  assert_failed (f, "talk.json: The conversation is not valid JSON.");
  run_messages (f, path, with_nul, sizeof with_nul - 1);
  assert_failed (f, "talk.json: The conversation is not valid JSON.");
  run_messages (f, path, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"Hi\"}]}", -1);
  assert_failed (f, "talk.json: No user query found in messages.");
  run (f, "chat", "-m", path, "--dry-run", "--messages", "/no/such.json", NULL);
  assert_failed (f, "/no/such.json");
  run (f, "chat", "-m", path, "--messages", "/no/such.json", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "chat", "-m", path, "--dry-run", "--messages", "/no/such.json", "Hi", NULL);
  g_assert_cmpint (f->code, ==, 2);
}

/* What opens, as what, and what is refused, by the names that people know. */
static void
test_published (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *name, *refused;
  } twins[] = {
    { "announced", NULL },
    { "companion", "holds only the prediction block of a model" },
    { "type-40", NULL },
    { "type-42", NULL },
    { "type-142", "PQ2_0, a format of PrismML" },
    { "type-144", "IQ4_KS, a format of ik_llama.cpp" },
  };
  g_autofree char *yarn = make_twin (f, "yarn"), *plain = make_twin (f, "Twin-Q4_K_M");
  g_autofree char *dynamic = make_twin (f, "Twin-UD-Q4_K_XL");

  for (guint i = 0; i < G_N_ELEMENTS (twins); i++) {
    g_autofree char *path = make_twin (f, twins[i].name);
    run (f, "chat", "-m", path, "--no-think", "--temp", "0", "--max", "4", "Hello!", NULL);
    if (twins[i].refused)
      assert_failed (f, twins[i].refused);
    else
      g_assert_cmpint (f->code, ==, 0);
  }
  run (f, "show", yarn, NULL);
  g_assert_nonnull (strstr (f->output, "8192 tokens"));
  run (f, "chat", "-m", yarn, "--no-think", "--temp", "0", "--ctx", "8192", "--max", "4", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  run (f, "compare", "-m", plain, "-m", dynamic, "--max", "4", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_nonnull (strstr (f->output, "== Twin Q4_K_M =="));
  g_assert_nonnull (strstr (f->output, "== Twin UD-Q4_K_XL =="));
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
  g_test_add ("/cli/numbers", Fixture, NULL, setup, test_numbers, teardown);
  g_test_add ("/cli/standard-input", Fixture, NULL, setup, test_standard_input, teardown);
  g_test_add ("/cli/full-device", Fixture, NULL, setup, test_full_device, teardown);
  g_test_add ("/cli/report-through-link", Fixture, NULL, setup, test_report_through_link, teardown);
  g_test_add ("/cli/messages-with-nul", Fixture, NULL, setup, test_messages_with_nul, teardown);
  g_test_add ("/cli/little-address-space", Fixture, NULL, setup, test_little_address_space, teardown);
  g_test_add ("/cli/hostile-names", Fixture, NULL, setup, test_hostile_names, teardown);
  g_test_add ("/cli/terminal", Fixture, NULL, setup, test_terminal, teardown);
  g_test_add ("/cli/interrupted", Fixture, NULL, setup, test_interrupted, teardown);
  g_test_add ("/cli/effort", Fixture, NULL, setup, test_effort, teardown);
  g_test_add ("/cli/schema", Fixture, NULL, setup, test_schema, teardown);
  g_test_add ("/cli/guarded", Fixture, NULL, setup, test_guarded, teardown);
  g_test_add ("/cli/other-templates", Fixture, NULL, setup, test_other_templates, teardown);
  g_test_add ("/cli/messages", Fixture, NULL, setup, test_messages, teardown);
  g_test_add ("/cli/published", Fixture, NULL, setup, test_published, teardown);
  g_test_add ("/cli/bench", Fixture, NULL, setup, test_bench, teardown);
  return g_test_run ();
}
