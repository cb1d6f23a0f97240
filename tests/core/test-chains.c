/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-export.h"
#include "quern-import.h"
#include "quern-schema.h"
#include "quern-sql.h"
#include "quern-store.h"
#include "test-sql.h"
#include "test-util.h"

/* Conversations of any length: nothing recurses from message to message. The times are printed. */

/* Fewer under sanitizers, which make each message take long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LENGTH 10000
#else
#define LENGTH 100000
#endif

typedef struct {
  char *folder, *path;
  QuernStore *store;
  gint64 began;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->path = g_build_filename (f->folder, "quern.db", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  if (f->store)
    quern_store_close (f->store);
  g_clear_object (&f->store);
  test_remove_folder (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

static void
reopen (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  if (f->store)
    quern_store_close (f->store);
  g_clear_object (&f->store);
  f->store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  g_assert_null (quern_store_get_notice (f->store));
}

static gint64
query_int (Fixture *f, const char *sql)
{
  return test_query_int (quern_store_get_database (f->store), sql);
}

static void
write_sql (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (quern_database_write (quern_store_get_database (f->store), test_run_sql, (gpointer) sql, &error));
  g_assert_no_error (error);
}

static void
assert_whole (Fixture *f)
{
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), ==, 0);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM pragma_foreign_key_check"), ==, 0);
}

static GPtrArray *
load (Fixture *f, QuernConversation *conversation)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *path;

  quern_store_load_path_async (f->store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  path = quern_store_load_path_finish (f->store, result, &error);
  g_assert_no_error (error);
  return path;
}

/* ---- the schema of before -------------------------------------------------------------------------------------- */

#define CHAIN(conversation, first, length)                                                                             \
  "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < " #length " - 1)"                         \
  " INSERT INTO message (id, conversation_id, parent_id, role, state, created, content)"                               \
  " SELECT " #first " + i, " #conversation ", nullif (" #first " + i - 1, " #first " - 1), 'user', 'complete', i,"     \
  " 'message number ' || i FROM n;"

static const char locked_sql[] =
    "INSERT INTO conversation (id, title, created, updated, deleted) VALUES (1, 'gone', 1, 1, 1), (2, 'cut', 1, 2, NULL),"
    " (3, 'kept', 1, 3, NULL);" CHAIN (1, 10000, 1200) CHAIN (2, 20000, 1205) CHAIN (
        3, 30000,
        1200) "UPDATE message SET deleted = 1 WHERE id = 20005;"
              "INSERT INTO blob VALUES ('h1', 'erased picture'), ('h2', 'kept picture');"
              "INSERT INTO attachment VALUES (10001, 0, 'h1', 'a', 'image/png', 14), (30001, 0, 'h2', 'b', 'image/png', 12);";

/* As older versions left it: with chains that SQLite could not delete, so that they never opened it again. */
static void
make_locked (const char *path)
{
  guint n;
  const QuernMigration *migrations = quern_schema_migrations (&n);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) old = quern_database_open_full (path, migrations, 4, &error);

  g_assert_no_error (error);
  g_assert_true (quern_database_write (old, test_run_sql, (gpointer) locked_sql, &error));
  g_assert_no_error (error);
  g_assert_false (
      quern_database_write (old, test_run_sql, (gpointer) "DELETE FROM conversation WHERE deleted < 5", &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED);
  quern_database_close (old);
}

static void
assert_unlocked (Fixture *f, guint n_conversations)
{
  GListModel *list = quern_store_get_conversations (f->store);
  g_autoptr (QuernConversation) kept = g_list_model_get_item (list, 0), cut = g_list_model_get_item (list, 1);
  g_autoptr (GPtrArray) all = NULL, five = NULL;

  g_assert_cmpuint (g_list_model_get_n_items (list), ==, n_conversations);
  g_assert_cmpstr (quern_conversation_get_title (kept), ==, "kept");
  all = load (f, kept);
  five = load (f, cut);
  g_assert_cmpuint (all->len, ==, 1200);
  g_assert_cmpuint (five->len, ==, 5);
}

static void
test_locked (Fixture *f, gconstpointer data)
{
  make_locked (f->path);
  reopen (f);
  assert_unlocked (f, 2);
  TEST_WAIT_UNTIL (query_int (f, "SELECT count (*) FROM message") == 1205);
  TEST_WAIT_UNTIL (query_int (f, "SELECT count (*) FROM blob") == 1);
  assert_whole (f);
  assert_unlocked (f, 2);
  /* The rest of the schema is as it was: what no message refers to is refused, and a conversation takes its messages along. */
  g_assert_false (quern_database_write (quern_store_get_database (f->store), test_run_sql,
                                        (gpointer) "UPDATE message SET parent_id = 77 WHERE id = 30003", NULL));
  write_sql (f, "DELETE FROM conversation WHERE id = 3");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 5);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM attachment"), ==, 0);
}

/* ---- all that is done with a conversation ---------------------------------------------------------------------- */

static void
begin (Fixture *f)
{
  f->began = g_get_monotonic_time ();
}

static void
took (Fixture *f, const char *what)
{
  g_test_message ("%d messages, %s: %.2f s", LENGTH, what, (double) (g_get_monotonic_time () - f->began) / 1e6);
  begin (f);
}

/* What ChatGPT exports: the file of somebody else. */
static GFile *
make_export (Fixture *f)
{
  g_autoptr (GString) text = g_string_new ("[{\"title\":\"Chain\",\"mapping\":{");
  GFile *file = g_file_new_build_filename (f->folder, "chain.json", NULL);

  for (int i = 0; i < LENGTH; i++)
    g_string_append_printf (text,
                            "%s\"n%d\":{\"parent\":\"n%d\",\"message\":{\"author\":{\"role\":\"%s\"},\"content\":"
                            "{\"parts\":[\"some words of message %d, zebra%d\"]}}}",
                            i ? "," : "", i, i - 1, i % 2 ? "assistant" : "user", i, i);
  g_string_append_printf (text, "},\"current_node\":\"n%d\"}]", LENGTH - 1);
  g_assert_true (g_file_replace_contents (file, text->str, text->len, NULL, FALSE, 0, NULL, NULL, NULL));
  return file;
}

typedef struct {
  gint64 last, longest; /* microseconds between two turns of the main loop */
  guint told;
  goffset done, total;
} Watch;

static gboolean
tick_cb (gpointer data)
{
  Watch *watch = data;
  gint64 now = g_get_monotonic_time ();

  watch->longest = MAX (watch->longest, now - watch->last);
  watch->last = now;
  return G_SOURCE_CONTINUE;
}

static void
progress_cb (goffset done, goffset total, gpointer data)
{
  Watch *watch = data;

  g_assert_cmpint (done, >=, watch->done);
  watch->done = done;
  watch->total = total;
  watch->told++;
}

/* The main loop goes on: no turn of it takes a good part of the time. */
static QuernConversation *
import (Fixture *f, GFile *file, guint n_messages)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = NULL;
  gint64 began = g_get_monotonic_time ();
  Watch watch = { .last = began };
  guint source = g_timeout_add_full (G_PRIORITY_HIGH, 1, tick_cb, &watch, NULL);

  quern_import_async (f->store, file, progress_cb, &watch, NULL, test_result_cb, &result);
  test_wait_result (&result);
  tick_cb (&watch);
  g_source_remove (source);
  added = quern_import_finish (result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (watch.done, ==, n_messages);
  g_assert_cmpint (watch.total, ==, n_messages);
  g_assert_cmpuint (watch.told, >, 1);
  g_test_message ("longest turn of the main loop %.1f ms of %.1f ms", (double) watch.longest / 1e3,
                  (double) (g_get_monotonic_time () - began) / 1e3);
  g_assert_cmpint (watch.longest, <, (g_get_monotonic_time () - began) / 4);
  return g_object_ref (added->pdata[0]);
}

static guint
search (Fixture *f, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GListModel) hits = NULL;

  quern_store_search_async (f->store, text, 50, NULL, test_result_cb, &result);
  test_wait_result (&result);
  hits = quern_store_search_finish (f->store, result, NULL);
  return g_list_model_get_n_items (hits);
}

static GFile *export (Fixture *f, QuernExportFormat format, const char *part)
{
  g_autofree char *name = g_strconcat ("chain", quern_export_extension (format), NULL);
  GFile *file = g_file_new_build_filename (f->folder, name, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  quern_export_async (f->store, quern_store_get_conversations (f->store), format, file, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_export_finish (result, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_load_contents (file, NULL, &text, NULL, NULL, NULL));
  g_assert_nonnull (strstr (text, part));
  return file;
}

static void
erase_deleted (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_erase_deleted_async (f->store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_erase_deleted_finish (f->store, result, &error));
  g_assert_no_error (error);
}

static void
choose (Fixture *f, QuernConversation *c)
{
  g_autoptr (GPtrArray) before = load (f, c);
  QuernMessage *tenth = before->pdata[9];
  g_autoptr (QuernMessage) other = quern_message_new (QUERN_ROLE_ASSISTANT, "another answer");
  g_autoptr (GPtrArray) short_path = NULL, again = NULL, once_more = NULL;

  g_assert_cmpuint (before->len, ==, LENGTH);
  begin (f);
  quern_store_append_message (f->store, c, before->pdata[8], other);
  short_path = load (f, c);
  g_assert_cmpuint (short_path->len, ==, 10);
  took (f, "another answer near the beginning");
  quern_store_choose_sibling (f->store, c, other, -1);
  again = load (f, c);
  g_assert_cmpuint (again->len, ==, LENGTH);
  took (f, "the branch before it (choose sibling), loaded");
  quern_store_choose_message (f->store, c, other);
  quern_store_choose_branch (f->store, c, quern_message_get_id (before->pdata[LENGTH - 1]));
  once_more = load (f, c);
  g_assert_cmpuint (once_more->len, ==, LENGTH);
  g_assert_cmpint (quern_message_get_id (once_more->pdata[9]), ==, quern_message_get_id (tenth));
  took (f, "the branch of the last message (choose branch), loaded");
}

static void
back_up (Fixture *f, const char *path)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_backup_async (f->store, path, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_backup_finish (f->store, result, &error));
  g_assert_no_error (error);
}

static void
restore (Fixture *f, const char *path, guint expected)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_conversations, n_others;

  quern_store_restore_async (f->store, file, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_restore_finish (f->store, result, &n_conversations, &n_others, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_conversations, ==, expected);
}

static void
erase_all (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_erase_all_async (f->store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_erase_all_finish (f->store, result, &error));
  g_assert_no_error (error);
}

static void
test_operations (Fixture *f, gconstpointer data)
{
  g_autofree char *backup = g_build_filename (f->folder, "backup.db", NULL);
  g_autofree char *last_word = g_strdup_printf ("zebra%d", LENGTH - 1);
  g_autoptr (GFile) file = make_export (f), json = NULL, html = NULL, markdown = NULL; /* json takes its place */
  g_autoptr (QuernConversation) c = NULL, second = NULL, third = NULL;
  g_autoptr (GPtrArray) path = NULL, cut = NULL;

  reopen (f);
  begin (f);
  c = import (f, file, LENGTH);
  took (f, "import (ChatGPT)");
  reopen (f);
  took (f, "open");
  g_clear_object (&c);
  c = g_list_model_get_item (quern_store_get_conversations (f->store), 0);
  path = load (f, c);
  g_assert_cmpuint (path->len, ==, LENGTH);
  took (f, "load");
  g_assert_cmpuint (search (f, last_word), ==, 1);
  g_assert_cmpuint (search (f, "some words"), ==, 50);
  took (f, "search");
  choose (f, c);
  begin (f);
  markdown = export (f, QUERN_EXPORT_MARKDOWN, last_word);
  took (f, "export (Markdown)");
  html = export (f, QUERN_EXPORT_HTML, last_word);
  took (f, "export (HTML)");
  json = export (f, QUERN_EXPORT_JSON, last_word);
  took (f, "export (JSON)");
  back_up (f, backup);
  took (f, "back up");

  quern_store_delete_message (f->store, c, path->pdata[10]);
  cut = load (f, c);
  g_assert_cmpuint (cut->len, ==, 10);
  erase_deleted (f);
  took (f, "erase a message and all that follow it");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 11);
  assert_whole (f);
  quern_store_delete_conversation (f->store, c);
  erase_deleted (f);
  begin (f);
  restore (f, backup, 1);
  took (f, "restore from a backup");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, LENGTH + 1);
  second = g_list_model_get_item (quern_store_get_conversations (f->store), 0);
  quern_store_delete_conversation (f->store, second);
  begin (f);
  erase_deleted (f);
  took (f, "erase a conversation");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 0);

  begin (f);
  third = import (f, json, LENGTH + 1);
  took (f, "import (Quern)");
  g_clear_pointer (&path, g_ptr_array_unref);
  path = load (f, third);
  g_assert_cmpuint (path->len, ==, LENGTH);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, LENGTH + 1);
  assert_whole (f);
  begin (f);
  erase_all (f);
  took (f, "erase all");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 0);
  for (guint i = 0; i < 3; i++)
    g_file_delete ((GFile *[]) { json, html, markdown }[i], NULL, NULL);
  g_unlink (backup);
  g_assert_false (test_folder_contains (f->folder, "zebra"));
}

/* ---- what is not as it should be ------------------------------------------------------------------------------- */

/* The clock was set back: messages are older than the one they follow. */
static void
test_clock (Fixture *f, gconstpointer data)
{
  reopen (f);
  write_sql (f, "INSERT INTO conversation (id, title, created, updated) VALUES (1, 'x', 1, 1);"
                "PRAGMA defer_foreign_keys = ON;"
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                " INSERT INTO message (id, conversation_id, parent_id, role, state, created, content, deleted)"
                " SELECT i, 1, nullif (i + 1, 5001), 'user', 'complete', 1, 'x', iif (i = 4000, 1, NULL) FROM n;");
  erase_deleted (f);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 1000);
  write_sql (f, "UPDATE conversation SET deleted = 1");
  erase_deleted (f);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 0);
  assert_whole (f);
}

/* New messages are newer than those that are there. */
static void
test_new_ids (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernMessage) message = quern_message_new (QUERN_ROLE_USER, "x");
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  gint64 future = quern_store_new_id () + ((gint64) 3600 * G_USEC_PER_SEC << 10);
  g_autofree char *sql = g_strdup_printf ("INSERT INTO conversation (id, created, updated) VALUES (1, 1, 1);"
                                          "INSERT INTO message (id, conversation_id, role, state, created)"
                                          " VALUES (%" G_GINT64_FORMAT ", 1, 'user', 'complete', 1)",
                                          future);

  reopen (f);
  write_sql (f, sql);
  reopen (f);
  quern_store_append_message (f->store, c, NULL, message);
  g_assert_cmpint (quern_message_get_id (message), >, future);
}

static void
cancel_cb (goffset done, goffset total, gpointer data)
{
  g_cancellable_cancel (data);
}

/* Nothing stays of an import that was cancelled, and nothing is seen of one that a crash cut off. */
static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GFile) file = make_export (f);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  reopen (f);
  quern_import_async (f->store, file, cancel_cb, cancellable, cancellable, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_null (quern_import_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (f->store)), ==, 0);
  TEST_WAIT_UNTIL (query_int (f, "SELECT count (*) FROM message") == 0);
  TEST_WAIT_UNTIL (query_int (f, "SELECT count (*) FROM conversation") == 0);

  /* 9223372036854775807 less an instance that is not there any more */
  write_sql (
      f,
      "INSERT INTO conversation (id, title, created, updated, deleted) VALUES (1, 'x', 1, 1, 9223372036854775000);" CHAIN (
          1, 10, 100));
  erase_deleted (f); /* somebody may be importing it */
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 100);
  reopen (f);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (f->store)), ==, 0);
  TEST_WAIT_UNTIL (query_int (f, "SELECT count (*) FROM conversation") == 0);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM message"), ==, 0);
}

/* A backup of an older version, with a chain that it could not have deleted. */
static void
test_old_backup (Fixture *f, gconstpointer data)
{
  g_autofree char *old = g_build_filename (f->folder, "old.db", NULL);

  make_locked (old);
  reopen (f);
  restore (f, old, 2);
  assert_unlocked (f, 2);
  assert_whole (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/chains/locked", Fixture, NULL, setup, test_locked, teardown);
  g_test_add ("/chains/old-backup", Fixture, NULL, setup, test_old_backup, teardown);
  g_test_add ("/chains/clock", Fixture, NULL, setup, test_clock, teardown);
  g_test_add ("/chains/new-ids", Fixture, NULL, setup, test_new_ids, teardown);
  g_test_add ("/chains/cancelled", Fixture, NULL, setup, test_cancelled, teardown);
  g_test_add ("/chains/operations", Fixture, NULL, setup, test_operations, teardown);
  return g_test_run ();
}
