/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-schema.h"
#include "quern-server-private.h"
#include "quern-servers.h"
#include "quern-test-server.h"
#include "test-sql.h"
#include "test-util.h"

/* The servers that were added: in the database, in its backups, and on the command line. */

typedef struct {
  char *folder, *data, *path;
  char *output, *errors;
  int code;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->data = g_build_filename (f->folder, "quern", NULL);
  f->path = g_build_filename (f->data, "quern.db", NULL);
  g_mkdir (f->data, 0700);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  test_remove_folder (f->folder);
  g_free (f->folder);
  g_free (f->data);
  g_free (f->path);
  g_free (f->output);
  g_free (f->errors);
}

static QuernServers *
open_list (QuernStore *store)
{
  QuernServers *servers = quern_servers_new (store);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_servers_load_async (servers, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_servers_load_finish (servers, result, &error));
  g_assert_no_error (error);
  return servers;
}

static QuernServer *
find_server (const char *address, const QuernServerKey *key)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernServer *server;

  quern_server_find_async (address, key, NULL, test_result_cb, &result);
  test_wait_result (&result);
  server = quern_server_find_finish (result, &error);
  g_assert_no_error (error);
  return server;
}

static QuernServer *
add_server (QuernServers *servers, QuernServer *server, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_servers_add_async (servers, server, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_servers_add_finish (servers, result, error);
}

static guint
n_servers (QuernServers *servers)
{
  return g_list_model_get_n_items (quern_servers_get_list (servers));
}

/* ---- the database ---------------------------------------------------------------------------------------------- */

/* A database of the schema before servers gets the table and keeps what it has. */
static void
test_migration (Fixture *f, gconstpointer data)
{
  guint n;
  const QuernMigration *migrations = quern_schema_migrations (&n);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) old = quern_database_open_full (f->path, migrations, 7, &error);
  g_autoptr (QuernStore) store = NULL;

  g_assert_no_error (error);
  g_assert_true (quern_database_write (old, test_run_sql,
                                       "INSERT INTO persona (id, name, system_prompt) VALUES (1, 'a', 'b')", &error));
  g_assert_cmpint (test_query_int (old, "SELECT count (*) FROM sqlite_schema WHERE name = 'server'"), ==, 0);
  quern_database_close (old);
  store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_query_int (quern_store_get_database (store), "PRAGMA user_version"), >=, 8);
  g_assert_cmpint (test_query_int (quern_store_get_database (store), "SELECT count (*) FROM server"), ==, 0);
  g_assert_cmpint (test_query_int (quern_store_get_database (store), "SELECT count (*) FROM persona"), ==, 1);
}

/* What a probe found is there after a restart, also while the server is off. */
static void
test_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) ollama = quern_test_server_new ("ollama", FALSE),
                              studio = quern_test_server_new ("lm-studio", FALSE);
  g_autofree char *address = g_strdup (quern_test_server_get_address (ollama));
  g_autoptr (GError) error = NULL;

  {
    g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
    g_autoptr (QuernServers) servers = open_list (store);
    g_autoptr (QuernServer) one = find_server (address, NULL),
                            two = find_server (quern_test_server_get_address (studio), NULL);
    g_autoptr (QuernServer) kept_one = NULL, kept_two = NULL;

    quern_server_set_name (one, "Workshop");
    quern_server_set_name (two, "Attic");
    kept_one = add_server (servers, one, &error);
    kept_two = add_server (servers, two, &error);
    g_assert_no_error (error);
    g_assert_cmpint (quern_server_get_id (one), !=, 0);
    g_assert_cmpuint (n_servers (servers), ==, 2);
    quern_store_close (store);
  }
  g_clear_pointer (&ollama, quern_test_server_free);
  {
    g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
    g_autoptr (QuernServers) servers = open_list (store);
    g_autoptr (QuernServer) first = g_list_model_get_item (quern_servers_get_list (servers), 0);
    g_autoptr (QuernServer) server = quern_servers_find (servers, "Workshop"),
                            same = quern_servers_find (servers, address);
    g_autoptr (QuernServerModel) model = quern_server_find_model (server, "qwen3.5:4b");

    g_assert_cmpstr (quern_server_get_name (first), ==, "Attic");
    g_assert_true (server == same);
    g_assert_cmpstr (quern_server_get_address (server), ==, address);
    g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_OLLAMA);
    g_assert_cmpstr (quern_server_get_version (server), ==, "0.13.2");
    g_assert_false (quern_server_get_has_key (server));
    g_assert_cmpuint (quern_server_get_models (server)->len, ==, 2);
    g_assert_cmpuint (model->context_length, ==, 4096);
    g_assert_cmpint (model->vision, ==, QUERN_FACT_YES);
    g_assert_cmpint (model->thinking, ==, QUERN_FACT_YES);
    g_assert_cmpint (model->state, ==, QUERN_SERVER_MODEL_LOADED);
    g_assert_cmpstr (model->efforts[1], ==, "medium");
  }
}

/* The same address once more is the same server; removing can be undone. */
static void
test_changes (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  const char *address = quern_test_server_get_address (simulated);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
  g_autoptr (QuernServers) servers = open_list (store);
  g_autoptr (QuernServer) one = find_server (address, NULL), two = find_server (address, NULL);
  g_autoptr (QuernServer) kept_one = add_server (servers, one, &error), kept_two = add_server (servers, two, &error);
  g_autoptr (QuernServer) gone = NULL;
  QuernDatabase *database = quern_store_get_database (store);

  g_assert_cmpuint (n_servers (servers), ==, 1);
  g_assert_cmpint (quern_server_get_id (one), ==, quern_server_get_id (two));
  quern_server_set_name (two, "Other name");
  quern_servers_save (servers, two);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM server WHERE name = 'Other name'"), ==, 1);
  quern_servers_remove (servers, two);
  gone = quern_servers_find (servers, address);
  g_assert_null (gone);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM server"), ==, 0);
  quern_servers_restore (servers, two);
  quern_servers_restore (servers, two);
  g_assert_cmpuint (n_servers (servers), ==, 1);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM server WHERE name = 'Other name'"), ==, 1);
}

/* Without a keyring, a key is read from its file each time; without a file either, nothing is kept. */
static void
test_key_file (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  const char *address = quern_test_server_get_address (simulated);
  g_autofree char *file = g_build_filename (f->folder, "key", NULL);
  g_autoptr (GError) error = NULL;

  quern_test_server_add_reply (simulated,
                               &(QuernTestReply) {
                                   .without_key = "the-key", .status = 401, .type = "text/plain", .body = "" });
  g_assert_true (g_file_set_contents (file, "the-key\n", -1, NULL));
  {
    g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
    g_autoptr (QuernServers) servers = open_list (store);
    g_autoptr (QuernServer) without = find_server (address, &(QuernServerKey) { .key = "the-key" });
    g_autoptr (QuernServer) with = find_server (address, &(QuernServerKey) { .key = "the-key", .key_file = file });
    g_autoptr (QuernServer) kept = NULL;

    g_assert_null (add_server (servers, without, &error));
    g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_KEYRING);
    g_clear_error (&error);
    g_assert_cmpuint (n_servers (servers), ==, 0);
    kept = add_server (servers, with, &error);
    g_assert_no_error (error);
    quern_store_close (store);
  }
  g_assert_false (test_folder_contains (f->data, "the-key")); /* the key is in no database */
  {
    g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
    g_autoptr (QuernServers) servers = open_list (store);
    g_autoptr (QuernServer) server = quern_servers_find (servers, address);
    g_autoptr (GAsyncResult) result = NULL;

    g_assert_true (quern_server_get_has_key (server));
    g_assert_cmpstr (quern_server_get_key_file (server), ==, file);
    quern_server_probe_async (server, NULL, test_result_cb, &result);
    test_wait_result (&result);
    g_assert_true (quern_server_probe_finish (server, result, &error));
    g_assert_no_error (error);
  }
}

/* A key that is dropped is not sent any more, now and after a restart; the server stays. */
static void
test_drop_key (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  const char *address = quern_test_server_get_address (simulated);
  g_autofree char *file = g_build_filename (f->folder, "key", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) dropped = NULL, probed = NULL;
  g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
  g_autoptr (QuernServers) servers = open_list (store);
  g_autoptr (QuernServer) server = NULL, kept = NULL;

  g_assert_true (g_file_set_contents (file, "the-key\n", -1, NULL));
  server = find_server (address, &(QuernServerKey) { .key = "the-key", .key_file = file });
  kept = add_server (servers, server, &error);
  g_assert_no_error (error);
  quern_servers_drop_key_async (servers, server, NULL, test_result_cb, &dropped);
  test_wait_result (&dropped);
  g_assert_true (quern_servers_drop_key_finish (servers, dropped, &error));
  g_assert_no_error (error);
  g_assert_false (quern_server_get_has_key (server));
  g_assert_cmpuint (n_servers (servers), ==, 1);
  g_assert_cmpint (test_query_int (quern_store_get_database (store),
                                   "SELECT count (*) FROM server WHERE has_key = 0 AND key_file IS NULL"),
                   ==, 1);
  quern_test_server_add_reply (simulated,
                               &(QuernTestReply) {
                                   .without_key = "the-key", .status = 401, .type = "text/plain", .body = "" });
  quern_server_probe_async (server, NULL, test_result_cb, &probed);
  test_wait_result (&probed);
  g_assert_false (quern_server_probe_finish (server, probed, &error));
  g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNAUTHORIZED);
  quern_store_close (store);
}

/* Out of a backup come servers, but no file that is to be read and no leave to send a key in the open. */
static void
test_backup (Fixture *f, gconstpointer data)
{
  g_autofree char *copy = g_build_filename (f->folder, "backup.db", NULL),
                  *other = g_build_filename (f->folder, "other.db", NULL);
  g_autoptr (GFile) backup = g_file_new_for_path (copy);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernStore) store = quern_store_open (f->path, &error), fresh = quern_store_open (other, &error);
  g_autoptr (GAsyncResult) restored = NULL;
  g_autoptr (QuernServers) servers = NULL;
  g_autoptr (QuernServer) server = NULL;
  guint n_conversations, n_others;

  g_assert_true (quern_database_write (
      quern_store_get_database (store), test_run_sql,
      "INSERT INTO server VALUES (1, 'Gpu', 'http://gpu.example:8000', '/v1', 'vllm', '1', '[]', 1, '/etc/passwd', 1),"
      " (2, 'Bad', 'not an address', '/v1', 'vllm', '1', '[]', 0, NULL, 0),"
      " (3, 'New', 'https://new.example', '', 'of-the-future', '', 'no JSON', 0, NULL, 0)",
      &error));
  g_assert_no_error (error);
  g_assert_true (quern_database_backup (quern_store_get_database (store), copy, &error));
  quern_store_restore_async (fresh, backup, NULL, test_result_cb, &restored);
  test_wait_result (&restored);
  g_assert_true (quern_store_restore_finish (fresh, restored, &n_conversations, &n_others, &error));
  g_assert_cmpuint (n_others, ==, 3);
  servers = open_list (fresh);
  g_assert_cmpuint (n_servers (servers), ==, 2);
  server = quern_servers_find (servers, "Gpu");
  g_assert_null (quern_server_get_key_file (server));
  g_assert_false (quern_server_get_has_key (server));
  g_assert_false (quern_server_get_plain_key (server));
  g_clear_object (&server);
  server = quern_servers_find (servers, "New");
  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_OTHER);
  g_assert_cmpuint (quern_server_get_models (server)->len, ==, 0);
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

/* Runs quern-cli servers with the arguments up to NULL. */
static void
run (Fixture *f, ...)
{
  va_list list;

  va_start (list, f);
  f->code = test_run_cli (f->folder, "servers", list, &f->output, &f->errors);
  va_end (list);
}

static void
test_cli (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
  g_autofree char *pasted = g_strconcat (quern_test_server_get_address (simulated), "/v1/chat/completions", NULL);
  g_autofree char *line =
      g_strdup_printf ("Gpu: %s, llama.cpp b11669-Debian with 1 model\n"
                       "  quern-tiny: context of 2048 tokens, pictures, thinking can be turned off\n",
                       quern_test_server_get_address (simulated));
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;

  run (f, "list", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "");
  assert_has (f->errors, "No servers have been added.");
  run (f, "add", "--name", "Gpu", pasted, NULL);
  g_assert_cmpstr (f->errors, ==, "");
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, line);
  run (f, "list", NULL);
  g_assert_cmpstr (f->output, ==, line);
  run (f, "list", "--json", NULL);
  g_assert_true (json_parser_load_from_data (parser, f->output, -1, NULL));
  object = quern_json_object_at (quern_json_array (json_node_get_object (json_parser_get_root (parser)), "servers"), 0);
  g_assert_cmpstr (quern_json_string (object, "name", NULL), ==, "Gpu");
  g_assert_cmpstr (quern_json_string (object, "kind", NULL), ==, "llama");
  g_assert_cmpstr (quern_json_string (object, "address", NULL), ==, quern_test_server_get_address (simulated));
  g_assert_cmpint (quern_json_int (object, "counts_tokens", FALSE), ==, TRUE);
  run (f, "test", "Gpu", NULL);
  g_assert_cmpstr (f->output, ==, line);
  run (f, "test", "Gpu", "--think", "What is", "47 + 38?", NULL);
  g_assert_cmpint (f->code, ==, 0);
  g_assert_cmpstr (f->output, ==, "47 + 38 = 85\n");
  assert_has (f->errors, "Ones: 7+8=15");
  assert_has (f->errors, "answer of 47 tokens");
  run (f, "test", "Gpu", "-m", "nope", "Hello!", NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "has no model with that name");
  run (f, "remove", quern_test_server_get_address (simulated), NULL);
  g_assert_cmpint (f->code, ==, 0);
  run (f, "list", "--json", NULL);
  g_assert_cmpstr (f->output, ==, "{\n  \"servers\" : []\n}\n");
  run (f, "remove", "Gpu", NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "There is no server “Gpu”");
}

/* Exit codes and sentences where something is wrong; nothing is kept then. */
static void
test_cli_errors (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama-key", FALSE);
  g_autofree char *address = g_strdup (quern_test_server_get_address (simulated)),
                  *file = g_build_filename (f->folder, "k", NULL);

  run (f, NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "add", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "list", "--max", "-1", NULL);
  g_assert_cmpint (f->code, ==, 2);
  run (f, "add", "ftp://example.org", NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "not with ftp://");
  run (f, "add", address, NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "requires a key");
  run (f, "add", address, "--key-file", file, NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, file);
  g_assert_true (g_file_set_contents (file, "wrong", -1, NULL));
  run (f, "add", address, "--key-file", file, NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "does not accept the key");
  g_clear_pointer (&simulated, quern_test_server_free);
  run (f, "add", address, NULL);
  g_assert_cmpint (f->code, ==, 1);
  assert_has (f->errors, "No server is running at");
  run (f, "list", NULL);
  g_assert_cmpstr (f->output, ==, "");
}

int
main (int argc, char **argv)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/server-list/migration", Fixture, NULL, setup, test_migration, teardown);
  g_test_add ("/server-list/kept", Fixture, NULL, setup, test_kept, teardown);
  g_test_add ("/server-list/changes", Fixture, NULL, setup, test_changes, teardown);
  g_test_add ("/server-list/key-file", Fixture, NULL, setup, test_key_file, teardown);
  g_test_add ("/server-list/drop-key", Fixture, NULL, setup, test_drop_key, teardown);
  g_test_add ("/server-list/backup", Fixture, NULL, setup, test_backup, teardown);
  g_test_add ("/server-list/cli", Fixture, NULL, setup, test_cli, teardown);
  g_test_add ("/server-list/cli-errors", Fixture, NULL, setup, test_cli_errors, teardown);
  return g_test_run ();
}
