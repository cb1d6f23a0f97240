/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "quern-schema.h"
#include "quern-sql.h"
#include "quern-store.h"
#include "test-sql.h"
#include "test-util.h"

typedef struct {
  char *folder, *path;
} Fixture;

static const char *self_path;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->path = g_build_filename (f->folder, "quern.db", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_chmod (f->folder, 0700);
  test_remove_folder (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

/* ---- migrations ------------------------------------------------------------------------------------------------ */

static const QuernMigration three_steps[] = {
  { "one", "CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT);" },
  { "two", "ALTER TABLE thing ADD COLUMN colour TEXT; UPDATE thing SET colour = 'red';" },
  { "broken", "CREATE TABLE other (id); INSERT INTO no_such_table VALUES (1);" },
};

static void
test_migration (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) first = quern_database_open_full (f->path, three_steps, 1, &error);
  g_autofree char *backup = g_strconcat (f->path, ".before-schema-2", NULL);

  g_assert_no_error (error);
  g_assert_true (quern_database_write (first, test_run_sql, "INSERT INTO thing VALUES (1, 'a'), (2, 'b')", &error));
  quern_database_close (first);

  g_autoptr (QuernDatabase) second = quern_database_open_full (f->path, three_steps, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_query_int (second, "SELECT count (*) FROM thing WHERE colour = 'red'"), ==, 2);
  g_assert_cmpint (test_query_int (second, "PRAGMA user_version"), ==, 2);
  quern_database_close (second);

  /* The backup is a whole database of the old schema. */
  g_autoptr (QuernDatabase) old = quern_database_open_full (backup, three_steps, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_query_int (old, "SELECT count (*) FROM thing"), ==, 2);
  quern_database_close (old);

  /* A step that fails leaves everything as it was. */
  g_assert_null (quern_database_open_full (f->path, three_steps, 3, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED);
  g_clear_error (&error);
  g_autoptr (QuernDatabase) again = quern_database_open_full (f->path, three_steps, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_query_int (again, "SELECT count (*) FROM sqlite_schema WHERE name = 'other'"), ==, 0);
}

/* A copy cannot be made, as on a full disk: the file is opened all the same. */
static void
test_migration_without_backup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) first = quern_database_open_full (f->path, three_steps, 1, &error);
  g_autofree char *part = g_strconcat (f->path, ".before-schema-2.part", NULL);

  g_assert_true (quern_database_write (first, test_run_sql, "INSERT INTO thing VALUES (1, 'a'), (2, 'b')", &error));
  g_assert_null (quern_database_get_notice (first));
  quern_database_close (first);
  g_assert_cmpint (g_mkdir (part, 0700), ==, 0); /* in the way */
  g_autoptr (QuernDatabase) second = quern_database_open_full (f->path, three_steps, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_query_int (second, "SELECT count (*) FROM thing WHERE colour = 'red'"), ==, 2);
  g_assert_nonnull (quern_database_get_notice (second));
}

/* A version below 0 is none to begin from. */
static void
test_negative_version (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) first = quern_database_open_full (f->path, three_steps, 2, &error);
  g_autofree char *before = NULL, *after = NULL;
  gsize size_before, size_after;

  g_assert_true (quern_database_write (first, test_run_sql, "PRAGMA user_version = -3", &error));
  quern_database_close (first);
  g_assert_true (g_file_get_contents (f->path, &before, &size_before, NULL));
  g_assert_null (quern_database_open_full (f->path, three_steps, 2, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED);
  g_assert_true (g_file_get_contents (f->path, &after, &size_after, NULL));
  g_assert_cmpmem (before, size_before, after, size_after);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) newer = quern_database_open_full (f->path, three_steps, 2, &error);
  g_autofree char *before = NULL, *after = NULL;
  gsize size_before, size_after;

  quern_database_close (newer);
  g_assert_true (g_file_get_contents (f->path, &before, &size_before, NULL));
  g_assert_null (quern_database_open_full (f->path, three_steps, 1, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_NEWER);
  g_assert_true (g_file_get_contents (f->path, &after, &size_after, NULL));
  g_assert_cmpmem (before, size_before, after, size_after);
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  char garbage[8192];

  memset (garbage, 'x', sizeof garbage);
  g_assert_true (g_file_set_contents (f->path, garbage, sizeof garbage, NULL));
  g_assert_null (quern_store_open (f->path, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED);
  g_autofree char *after = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (f->path, &after, &size, NULL));
  g_assert_cmpmem (garbage, sizeof garbage, after, size);
}

static void
test_foreign (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_true (quern_sql_exec (db, "CREATE TABLE somebody_elses (x)", NULL));
  sqlite3_close (db);
  g_assert_null (quern_store_open (f->path, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DAMAGED);
}

static void
test_read_only (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *below = g_build_filename (f->folder, "data", "quern.db", NULL);

  if (geteuid () == 0) { /* root may write anywhere: a file in the folder's place does as well */
    g_autofree char *file = g_build_filename (f->folder, "data", NULL);
    g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  } else {
    g_chmod (f->folder, 0500);
  }
  g_assert_null (quern_store_open (below, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_READ_ONLY);
  g_assert_nonnull (strstr (error->message, f->folder));
  g_autoptr (QuernStore) in_memory = quern_store_open_in_memory ();
  g_assert_nonnull (in_memory);
}

/* A call after the end fails; calls before it are carried out. */
static void
test_close (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) database = quern_database_open_full (f->path, three_steps, 1, &error);

  for (int i = 0; i < 50; i++)
    quern_database_write_async (database, test_run_sql, "INSERT INTO thing (text) VALUES ('x')", NULL, NULL, NULL,
                                NULL);
  quern_database_close (database);
  g_assert_false (quern_database_write (database, test_run_sql, "DELETE FROM thing", &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_CLOSED);
  g_autoptr (QuernDatabase) again = quern_database_open_full (f->path, three_steps, 1, NULL);
  g_assert_cmpint (test_query_int (again, "SELECT count (*) FROM thing"), ==, 50);
}

static gboolean
write_then_fail (sqlite3 *db, gpointer data, GError **error)
{
  quern_sql_exec (db, "INSERT INTO thing (text) VALUES ('half')", NULL);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return FALSE;
}

static void
test_rollback (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernDatabase) database = quern_database_open_full (f->path, three_steps, 1, NULL);

  g_assert_false (quern_database_write (database, write_then_fail, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM thing"), ==, 0);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernDatabase) database = quern_database_open_full (f->path, three_steps, 1, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  quern_database_write_async (database, test_run_sql, "INSERT INTO thing (text) VALUES ('x')", NULL, cancellable,
                              test_result_cb, &result);
  test_wait_result (&result);
  g_assert_false (quern_database_call_finish (database, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM thing"), ==, 0);
}

/* ---- a disk that refuses --------------------------------------------------------------------------------------- */

static sqlite3_vfs *disk;
static guint n_refusals; /* to come */

static int
open_or_refuse (sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || n_refusals == 0)
    return disk->xOpen (disk, name, file, flags, out_flags);
  n_refusals--;
  file->pMethods = NULL;
  return SQLITE_IOERR_READ;
}

static void
test_disk_refuses (Fixture *f, gconstpointer data)
{
  sqlite3_vfs refusing;
  g_autoptr (GError) error = NULL;

  disk = sqlite3_vfs_find (NULL);
  refusing = *disk;
  refusing.zName = "refusing";
  refusing.xOpen = open_or_refuse;
  g_assert_cmpint (sqlite3_vfs_register (&refusing, TRUE), ==, SQLITE_OK);
  /* Once or twice: nobody notices. */
  n_refusals = 2;
  g_autoptr (QuernDatabase) database = quern_database_open_full (f->path, three_steps, 1, &error);
  g_assert_no_error (error);
  g_assert_true (quern_database_write (database, test_run_sql, "INSERT INTO thing VALUES (1, 'a')", &error));
  quern_database_close (database);
  /* Always: the error says that it is the disk. */
  n_refusals = G_MAXUINT;
  g_assert_null (quern_database_open_full (f->path, three_steps, 1, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_DISK);
  n_refusals = 0;
  sqlite3_vfs_unregister (&refusing);
  sqlite3_vfs_register (disk, TRUE);
}

/* ---- instances and crashes ------------------------------------------------------------------------------------- */

static void
problem_cb (QuernStore *store, const GError *error, gpointer data)
{
  g_clear_error ((GError **) data);
  *(GError **) data = g_error_copy (error);
}

static gboolean
flush (QuernStore *store)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_flush_async (store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_flush_finish (store, result, NULL);
}

static QuernMessage *
say (QuernStore *store, QuernConversation *c, QuernMessage *parent, QuernMessageState state, const char *text)
{
  QuernMessage *message = quern_message_new (parent ? QUERN_ROLE_ASSISTANT : QUERN_ROLE_USER, text);

  quern_message_set_state (message, state, NULL);
  quern_store_append_message (store, c, parent, message);
  return message;
}

/* Another instance's answer is not declared dead while that instance lives. */
static void
test_two_instances (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) one = quern_store_open (f->path, NULL);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (one, c, NULL, QUERN_MESSAGE_COMPLETE, "q");
  g_autoptr (QuernMessage) a = say (one, c, q, QUERN_MESSAGE_STREAMING, "part");
  g_autoptr (GError) problem = NULL;

  flush (one);
  g_autoptr (QuernStore) two = quern_store_open (f->path, NULL);
  g_signal_connect (two, "problem", G_CALLBACK (problem_cb), &problem);
  g_assert_cmpint (test_query_int (quern_store_get_database (two),
                                   "SELECT count (*) FROM message WHERE state = 'streaming'"),
                   ==, 1);
  for (int i = 0; i < 20; i++) { /* both write */
    g_autoptr (QuernMessage) m = say (i % 2 ? one : two, c, q, QUERN_MESSAGE_COMPLETE, "x");
  }
  flush (one);
  flush (two);
  g_assert_no_error (problem);
  g_assert_cmpint (test_query_int (quern_store_get_database (one), "SELECT count (*) FROM message"), ==, 22);
  quern_store_close (one);
  g_autoptr (QuernStore) three = quern_store_open (f->path, NULL);
  g_assert_cmpint (test_query_int (quern_store_get_database (three),
                                   "SELECT count (*) FROM message WHERE state = 'interrupted'"),
                   ==, 1);
}

/* Runs in a process that is killed: writes answers for ever, and says which are on disk. */
static void G_GNUC_NORETURN
child_write (const char *path)
{
  g_autoptr (QuernStore) store = quern_store_open (path, NULL);

  for (;;) {
    g_autoptr (QuernConversation) c = quern_conversation_new ();
    g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_MESSAGE_COMPLETE, "a question");
    g_autoptr (QuernMessage) a = say (store, c, q, QUERN_MESSAGE_STREAMING, "");
    for (int i = 0; i < 20; i++) {
      quern_message_append (a, FALSE, "some words of an answer ", -1);
      quern_store_save_message (store, a);
      if (i % 7 == 0)
        flush (store);
    }
    quern_message_set_state (a, QUERN_MESSAGE_COMPLETE, NULL);
    quern_store_save_message (store, a);
    flush (store);
    printf ("%" G_GINT64_FORMAT "\n", quern_message_get_id (a));
    fflush (stdout);
  }
}

static GArray *
finished_ids (GInputStream *stream)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (stream);

  for (char *line; (line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)); g_free (line)) {
    gint64 id = g_ascii_strtoll (line, NULL, 10);
    g_array_append_val (ids, id);
  }
  return ids;
}

static void
kill_once (Fixture *f, guint milliseconds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self_path, "--child-write", f->path, NULL);
  g_assert_no_error (error);
  g_usleep (milliseconds * 1000);
  g_subprocess_force_exit (child);
  g_autoptr (GArray) ids = finished_ids (g_subprocess_get_stdout_pipe (child));
  g_assert_true (g_subprocess_wait (child, NULL, NULL));

  g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  QuernDatabase *database = quern_store_get_database (store);
  g_assert_cmpint (test_query_int (database,
                                   "SELECT count (*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
                   ==, 0);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM pragma_foreign_key_check"), ==, 0);
  g_assert_cmpint (test_query_int (database, "SELECT count (*) FROM message WHERE state = 'streaming'"), ==, 0);
  for (guint i = 0; i < ids->len; i++) {
    g_autofree char *sql = g_strdup_printf (
        "SELECT count (*) FROM message WHERE state = 'complete' AND length (content) = 480 AND id = %" G_GINT64_FORMAT,
        g_array_index (ids, gint64, i));
    g_assert_cmpint (test_query_int (database, sql), ==, 1);
  }
}

/* QUERN_TEST_KILLS sets how many times. Fewer under sanitizers, where each start takes long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define N_KILLS "12"
#else
#define N_KILLS "200"
#endif

static void
test_kill (Fixture *f, gconstpointer data)
{
  const char *kills = g_getenv ("QUERN_TEST_KILLS");

  for (int i = 0; i < atoi (kills ? kills : N_KILLS); i++)
    kill_once (f, (guint) g_test_rand_int_range (5, i % 10 == 0 ? 250 : 80));
}

static void
recovered_cb (QuernStore *store, gpointer data)
{
  *(gpointer *) data = store;
}

static gint64
count_messages (QuernStore *store)
{
  return test_query_int (quern_store_get_database (store), "SELECT count (*) FROM message");
}

/* Runs in a process whose files may not grow for a while: what the failed write is told as, that the rest is whole and
 * can be read, and that everything comes to disk in its order when there is space again. */
static int
child_full (const char *path)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (QuernStore) store = quern_store_open (path, NULL);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) small = say (store, c, NULL, QUERN_MESSAGE_COMPLETE, "small");
  g_autofree char *text = g_strnfill (4 << 20, 'x');
  struct rlimit limit = { 1 << 20, RLIM_INFINITY };
  gpointer recovered = NULL;

  flush (store);
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &limit);
  g_signal_connect (store, "problem", G_CALLBACK (problem_cb), &problem);
  g_signal_connect (store, "recovered", G_CALLBACK (recovered_cb), &recovered);
  g_autoptr (QuernMessage) big = say (store, c, small, QUERN_MESSAGE_STREAMING, text);
  quern_message_append (big, FALSE, " and the end", -1);
  quern_message_set_state (big, QUERN_MESSAGE_COMPLETE, NULL);
  quern_store_save_message (store, big);
  g_autoptr (QuernMessage) after = say (store, c, big, QUERN_MESSAGE_COMPLETE, "after it");
  if (flush (store))
    return 5;
  if (!g_error_matches (problem, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FULL))
    return 1;
  if (count_messages (store) != 1 || recovered)
    return 2;
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit (RLIMIT_FSIZE, &limit);
  test_wait (test_is_set, &recovered);
  if (count_messages (store) != 3)
    return 3;
  return test_query_int (quern_store_get_database (store),
                         "SELECT count (*) FROM message WHERE content LIKE '%x and the end'"
                         " AND state = 'complete'")
                 == 1
             ? 0
             : 4;
}

static void
test_full (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self_path, "--child-full", f->path, NULL);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (child));
  g_assert_cmpint (g_subprocess_get_exit_status (child), ==, 0);
  g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (count_messages (store), ==, 3);
}

/* ---- search at size -------------------------------------------------------------------------------------------- */

static gboolean
fill (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_exec (db,
                         "INSERT INTO conversation (id, created, updated) VALUES (1, 0, 0);"
                         "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                         " INSERT INTO message (id, conversation_id, role, state, created, content)"
                         " SELECT i, 1, 'user', 'complete', i, 'common words about topic' || (i % 977) || ' and '"
                         " || hex (i * 7919) || ' written for message number ' || i FROM n;",
                         error);
}

/* Of this process, in all its threads: what it has to wait for on a busy machine does not count. */
static double
processor_seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static double
search_seconds (QuernStore *store, const char *text, guint expected)
{
  double best = G_MAXDOUBLE;

  for (int round = 0; round < 5; round++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GListModel) hits = NULL;
    double began = processor_seconds ();
    quern_store_search_async (store, text, 50, NULL, test_result_cb, &result);
    test_wait_result (&result);
    hits = quern_store_search_finish (store, result, NULL);
    best = MIN (best, processor_seconds () - began);
    g_assert_cmpuint (g_list_model_get_n_items (hits), ==, expected);
  }
  return best;
}

/* The best of five times, which are printed; asserted is only that the index is used: it takes a fortieth of a scan. */
static void
test_search_size (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernStore) store = quern_store_open (f->path, &error);
  double began, scan, common, rare;

  g_assert_true (quern_database_write (quern_store_get_database (store), fill, NULL, &error));
  g_assert_no_error (error);
  began = processor_seconds ();
  g_assert_cmpint (test_query_int (quern_store_get_database (store),
                                   "SELECT count (*) FROM message WHERE content LIKE '%topic500 and%'"),
                   ==, 102);
  scan = processor_seconds () - began;
  common = search_seconds (store, "common words", 50);
  rare = search_seconds (store, "topic500 ", 50);
  g_test_message ("100,000 messages: scan %.1f ms, common words %.1f ms, rare word %.1f ms", scan * 1e3, common * 1e3,
                  rare * 1e3);
  g_assert_cmpfloat (rare, <, scan);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--child-write"))
    child_write (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], "--child-full"))
    return child_full (argv[2]);
  self_path = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/database/migration", Fixture, NULL, setup, test_migration, teardown);
  g_test_add ("/database/migration-without-backup", Fixture, NULL, setup, test_migration_without_backup, teardown);
  g_test_add ("/database/negative-version", Fixture, NULL, setup, test_negative_version, teardown);
  g_test_add ("/database/newer", Fixture, NULL, setup, test_newer, teardown);
  g_test_add ("/database/damaged", Fixture, NULL, setup, test_damaged, teardown);
  g_test_add ("/database/foreign", Fixture, NULL, setup, test_foreign, teardown);
  g_test_add ("/database/read-only", Fixture, NULL, setup, test_read_only, teardown);
  g_test_add ("/database/close", Fixture, NULL, setup, test_close, teardown);
  g_test_add ("/database/rollback", Fixture, NULL, setup, test_rollback, teardown);
  g_test_add ("/database/cancel", Fixture, NULL, setup, test_cancel, teardown);
  g_test_add ("/database/two-instances", Fixture, NULL, setup, test_two_instances, teardown);
  g_test_add ("/database/kill", Fixture, NULL, setup, test_kill, teardown);
  g_test_add ("/database/disk-refuses", Fixture, NULL, setup, test_disk_refuses, teardown);
  g_test_add ("/database/full", Fixture, NULL, setup, test_full, teardown);
  g_test_add ("/database/search-size", Fixture, NULL, setup, test_search_size, teardown);
  return g_test_run ();
}
