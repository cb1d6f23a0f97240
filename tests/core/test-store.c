/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "quern-sql.h"
#include "quern-folder.h"
#include "quern-persona.h"
#include "quern-store.h"
#include "test-util.h"

typedef struct {
  char *folder, *path;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->path = g_build_filename (f->folder, "quern", "quern.db", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  test_remove_folder (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

static QuernStore *
open_store (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  QuernStore *store = quern_store_open (f->path, &error);

  g_assert_no_error (error);
  return store;
}

static GPtrArray *
load_path (QuernStore *store, QuernConversation *conversation)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *path;

  quern_store_load_path_async (store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  path = quern_store_load_path_finish (store, result, &error);
  g_assert_no_error (error);
  return path;
}

static char *
path_text (QuernStore *store, QuernConversation *conversation)
{
  g_autoptr (GPtrArray) path = load_path (store, conversation);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < path->len; i++)
    g_string_append_printf (text, "%s%s", i ? "|" : "", quern_message_get_content (path->pdata[i]));
  return g_string_free (text, FALSE);
}

static QuernMessage *
say (QuernStore *store, QuernConversation *conversation, QuernMessage *parent, QuernRole role, const char *text)
{
  QuernMessage *message = quern_message_new (role, text);

  quern_store_append_message (store, conversation, parent, message);
  return message;
}

static void
flush (QuernStore *store)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_flush_async (store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_flush_finish (store, result, &error));
  g_assert_no_error (error);
}

static guint
search_count (QuernStore *store, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) hits = NULL;

  quern_store_search_async (store, text, 50, NULL, test_result_cb, &result);
  test_wait_result (&result);
  hits = quern_store_search_finish (store, result, &error);
  g_assert_no_error (error);
  return g_list_model_get_n_items (hits);
}

/* Everything that was set is there again after closing and opening. */
static void
test_reopen (Fixture *f, gconstpointer data)
{
  QuernStatistics statistics = { .seed = 7,
                                 .prompt_tokens = 30,
                                 .reused_tokens = 10,
                                 .evaluated_tokens = 20,
                                 .answer_tokens = 5,
                                 .prefill_seconds = 0.5,
                                 .decode_seconds = 0.25 };
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("not really a picture", 20);
  g_autoptr (QuernAttachment) picture = quern_attachment_new ("a.png", "image/png", bytes);
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "What is this?");
  g_autoptr (QuernMessage) answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");

  quern_message_add_attachment (question, picture);
  quern_store_append_message (store, c, NULL, question);
  quern_message_set_state (answer, QUERN_MESSAGE_STREAMING, NULL);
  quern_store_append_message (store, c, question, answer);
  quern_message_append (answer, TRUE, "Hm.", -1);
  quern_message_append (answer, FALSE, "A test — 你好.", -1);
  quern_message_set_statistics (answer, &statistics);
  quern_message_set_model (answer, "quern-tiny", "Quern Tiny");
  quern_message_set_effort (answer, "xhigh");
  quern_message_set_state (answer, QUERN_MESSAGE_LENGTH, NULL);
  quern_store_save_message (store, answer);
  quern_conversation_set_title (c, "A title", TRUE);
  quern_conversation_set_unsent (c, "half a");
  quern_conversation_set_thinking (c, QUERN_THINKING_ON);
  quern_conversation_set_effort (c, "low");
  quern_conversation_set_pinned (c, TRUE);
  quern_store_close (store);

  g_autoptr (QuernStore) again = open_store (f);
  g_autoptr (QuernConversation) d = g_list_model_get_item (quern_store_get_conversations (again), 0);
  g_assert_cmpstr (quern_conversation_get_title (d), ==, "A title");
  g_assert_true (quern_conversation_get_title_given (d));
  g_assert_cmpstr (quern_conversation_get_unsent (d), ==, "half a");
  g_assert_cmpint (quern_conversation_get_thinking (d), ==, QUERN_THINKING_ON);
  g_assert_cmpstr (quern_conversation_get_effort (d), ==, "low");
  g_assert_true (quern_conversation_get_pinned (d));
  g_autoptr (GPtrArray) path = load_path (again, d);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpstr (quern_message_get_content (path->pdata[1]), ==, "A test — 你好.");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Hm.");
  g_assert_cmpstr (quern_message_get_model_title (path->pdata[1]), ==, "Quern Tiny");
  g_assert_null (quern_message_get_effort (path->pdata[0]));
  g_assert_cmpstr (quern_message_get_effort (path->pdata[1]), ==, "xhigh");
  g_assert_cmpint (quern_message_get_state (path->pdata[1]), ==, QUERN_MESSAGE_LENGTH);
  g_assert_cmpfloat (quern_statistics_prefill_rate (quern_message_get_statistics (path->pdata[1])), ==, 40);
  g_assert_cmpfloat (quern_statistics_decode_rate (quern_message_get_statistics (path->pdata[1])), ==, 20);

  g_autoptr (QuernAttachment) stored = g_list_model_get_item (quern_message_get_attachments (path->pdata[0]), 0);
  g_autoptr (GAsyncResult) result = NULL;
  quern_store_load_attachment_async (again, stored, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_autoptr (GBytes) loaded = quern_store_load_attachment_finish (again, result, NULL);
  g_assert_true (g_bytes_equal (loaded, bytes));
  g_assert_cmpstr (quern_attachment_get_name (stored), ==, "a.png");
}

/* An edited question and another answer are siblings; each branch remembers where it was. */
static void
test_branches (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "q");
  g_autoptr (QuernMessage) a1 = say (store, c, q, QUERN_ROLE_ASSISTANT, "a1");
  g_autoptr (QuernMessage) r = say (store, c, a1, QUERN_ROLE_USER, "r");
  g_autoptr (QuernMessage) a2 = say (store, c, q, QUERN_ROLE_ASSISTANT, "a2");
  g_autoptr (QuernMessage) p = say (store, c, NULL, QUERN_ROLE_USER, "p");
  g_autofree char *newest = path_text (store, c);

  g_assert_cmpstr (newest, ==, "p");
  quern_store_choose_sibling (store, c, p, -1);
  g_autofree char *before = path_text (store, c);
  g_assert_cmpstr (before, ==, "q|a2");
  quern_store_choose_sibling (store, c, a2, -1);
  g_autoptr (GPtrArray) path = load_path (store, c);
  g_assert_cmpuint (path->len, ==, 3);
  g_assert_cmpuint (quern_message_get_sibling_index (path->pdata[1]), ==, 0);
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2);
  quern_store_choose_sibling (store, c, a1, -1); /* there is none: nothing changes */
  g_autofree char *same = path_text (store, c);
  g_assert_cmpstr (same, ==, "q|a1|r");
  quern_store_delete_message (store, c, a1);
  g_autofree char *deleted = path_text (store, c);
  g_assert_cmpstr (deleted, ==, "q|a2");
  quern_store_restore_message (store, c, a1);
  g_autofree char *restored = path_text (store, c);
  g_assert_cmpstr (restored, ==, "q|a1|r");
}

static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  GListModel *list = quern_store_get_conversations (store);
  g_autoptr (QuernConversation) a = quern_conversation_new ();
  g_autoptr (QuernConversation) b = quern_conversation_new ();
  g_autoptr (QuernMessage) first = say (store, a, NULL, QUERN_ROLE_USER, "1");
  g_autoptr (QuernMessage) second = say (store, b, NULL, QUERN_ROLE_USER, "2");
  g_autoptr (QuernConversation) top = g_list_model_get_item (list, 0);

  g_assert_true (top == b);
  g_autoptr (QuernMessage) third = say (store, a, first, QUERN_ROLE_USER, "3");
  g_autoptr (QuernConversation) now_top = g_list_model_get_item (list, 0);
  g_assert_true (now_top == a);
}

/* Deleting can be undone; erasing leaves none of the text in the files. */
static void
test_delete_and_erase (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "secretword in a question");
  g_autoptr (QuernMessage) a = say (store, c, q, QUERN_ROLE_ASSISTANT, "an answer with secretword");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_delete_conversation (store, c);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 0);
  g_assert_cmpuint (search_count (store, "secretword"), ==, 0);
  quern_store_restore_conversation (store, c);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 1);
  g_assert_cmpuint (search_count (store, "secretword"), ==, 2);
  quern_store_delete_conversation (store, c);
  quern_store_erase_deleted_async (store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_erase_deleted_finish (store, result, &error));
  g_assert_no_error (error);
  g_assert_false (test_folder_contains (f->folder, "secretword"));
}

static gboolean
run_sql (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_exec (db, data, error);
}

static void
write_sql (QuernStore *store, const char *sql)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (quern_database_write (quern_store_get_database (store), run_sql, (gpointer) sql, &error));
  g_assert_no_error (error);
}

static gboolean
erase_all (QuernStore *store, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_erase_all_async (store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_erase_all_finish (store, result, error);
}

static gboolean
erase_deleted (QuernStore *store, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_erase_deleted_async (store, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_erase_deleted_finish (store, result, error);
}

/* What was not erased is not said to be, and is still listed; what was is not in any file. */
static void
test_erase_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new (), d = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "secretword in a question");
  g_autoptr (QuernMessage) p = say (store, d, NULL, QUERN_ROLE_USER, "another secretword");
  QuernFolder *folder = quern_store_add_folder (store, "Sea");
  GListModel *list = quern_store_get_conversations (store);
  g_autoptr (GError) error = NULL;

  quern_conversation_set_folder_id (c, quern_folder_get_id (folder));
  write_sql (store, "CREATE TRIGGER no BEFORE DELETE ON message BEGIN SELECT RAISE (ABORT, 'not now'); END");
  g_assert_false (erase_all (store, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_folders (store)), ==, 1);
  g_assert_cmpuint (search_count (store, "secretword"), ==, 2);
  quern_conversation_set_title (c, "still followed", TRUE);
  quern_store_delete_conversation (store, c);
  g_assert_false (erase_deleted (store, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED);
  g_clear_error (&error);
  quern_store_restore_conversation (store, c);
  flush (store);
  g_assert_cmpuint (search_count (store, "secretword"), ==, 2);
  write_sql (store, "DROP TRIGGER no");
  quern_store_delete_conversation (store, c);
  g_assert_true (erase_deleted (store, &error));
  g_assert_no_error (error);
  g_assert_false (test_folder_contains (f->folder, "secretword in"));
  g_assert_true (erase_all (store, &error));
  g_assert_no_error (error);
  g_assert_false (test_folder_contains (f->folder, "secretword"));
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 0);
}

/* Deleted rows stay in the log while somebody reads it, and in backups that cannot be removed. */
static void
test_erase_remains (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "secretword in a question");
  g_autofree char *backup = g_strconcat (f->path, ".before-schema-2", NULL);
  g_autoptr (GError) error = NULL;
  sqlite3 *reader = NULL;

  flush (store);
  g_assert_cmpint (sqlite3_open (f->path, &reader), ==, SQLITE_OK);
  g_assert_true (quern_sql_exec (reader, "BEGIN; SELECT count (*) FROM folder", NULL));
  g_assert_false (erase_all (store, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_BUSY);
  g_clear_error (&error);
  sqlite3_close (reader);
  g_assert_cmpint (g_mkdir (backup, 0700), ==, 0); /* which is no file that could be removed */
  g_assert_false (erase_all (store, &error));
  g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, backup));
  g_clear_error (&error);
  g_rmdir (backup);
  g_assert_true (erase_all (store, &error));
  g_assert_false (test_folder_contains (f->folder, "secretword"));
}

static void
notice_cb (QuernStore *store, const char *sentence, gpointer data)
{
  g_set_str (data, sentence);
}

/* What opening could not erase or mark is told, and all is there. */
static void
test_housekeeping_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *notice = NULL;
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new (), gone = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "question");
  g_autoptr (QuernMessage) a = quern_message_new (QUERN_ROLE_ASSISTANT, "half an answer");
  g_autoptr (QuernMessage) g = say (store, gone, NULL, QUERN_ROLE_USER, "gone");
  g_autoptr (QuernConversation) d = NULL;
  g_autoptr (GPtrArray) path = NULL;

  quern_message_set_state (a, QUERN_MESSAGE_STREAMING, NULL);
  quern_store_append_message (store, c, q, a);
  flush (store);
  write_sql (store, "UPDATE conversation SET deleted = 1 WHERE id IN (SELECT max (id) FROM conversation);"
                    "CREATE TRIGGER one BEFORE DELETE ON message BEGIN SELECT RAISE (ABORT, 'not now'); END;"
                    "CREATE TRIGGER two BEFORE UPDATE OF state ON message BEGIN SELECT RAISE (ABORT, 'nor this'); END");
  quern_store_close (store);

  g_autoptr (QuernStore) again = open_store (f);
  g_assert_nonnull (strstr (quern_store_get_notice (again), "nor this"));
  g_signal_connect (again, "notice", G_CALLBACK (notice_cb), &notice);
  TEST_WAIT_UNTIL (notice != NULL);
  g_assert_nonnull (strstr (notice, "not now"));
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (again)), ==, 1);
  d = g_list_model_get_item (quern_store_get_conversations (again), 0);
  path = load_path (again, d);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpint (quern_message_get_state (path->pdata[1]), ==, QUERN_MESSAGE_INTERRUPTED);
  write_sql (again, "DROP TRIGGER one; DROP TRIGGER two");
}

static QuernStore *
open_async (const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_open_async (path, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_open_finish (result, error);
}

/* A file that cannot be used, because nothing can be written beside it, is shown all the same. */
static void
test_open_to_read (Fixture *f, gconstpointer data)
{
  g_autofree char *lock = g_strconcat (f->path, ".lock", NULL), *before = NULL, *after = NULL;
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "question");
  g_autoptr (QuernMessage) more = NULL;
  g_autoptr (GError) error = NULL;
  gsize size_before, size_after;

  quern_store_close (store);
  g_unlink (lock);
  g_assert_cmpint (g_mkdir (lock, 0700), ==, 0); /* as root, permissions would not do */
  g_assert_true (g_file_get_contents (f->path, &before, &size_before, NULL));
  g_autoptr (QuernStore) again = open_async (f->path, &error);
  g_assert_no_error (error);
  g_assert_nonnull (quern_store_get_notice (again));
  g_autoptr (QuernConversation) d = g_list_model_get_item (quern_store_get_conversations (again), 0);
  g_autofree char *text = path_text (again, d);
  g_assert_cmpstr (text, ==, "question");
  more = say (again, d, NULL, QUERN_ROLE_USER, "not kept");
  flush (again);
  g_assert_cmpuint (search_count (again, "kept"), ==, 1);
  quern_store_close (again);
  g_assert_true (g_file_get_contents (f->path, &after, &size_after, NULL));
  g_assert_cmpmem (before, size_before, after, size_after);
}

/* An index that is damaged is made anew when something is written. */
static void
test_index_damaged (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new (), other = quern_conversation_new ();
  g_autoptr (QuernMessage) q = say (store, c, NULL, QUERN_ROLE_USER, "a walrus"), more = NULL;
  g_autoptr (GError) error = NULL;

  flush (store);
  write_sql (store, "UPDATE message_index_data SET block = x'ffffffffffff' WHERE id > 10");
  quern_store_close (store);
  g_autoptr (QuernStore) again = open_store (f);
  g_autoptr (QuernConversation) d = g_list_model_get_item (quern_store_get_conversations (again), 0);
  quern_store_delete_conversation (again, d);
  g_assert_true (erase_deleted (again, &error));
  g_assert_no_error (error);
  more = say (again, other, NULL, QUERN_ROLE_USER, "a seal");
  flush (again);
  g_assert_cmpuint (search_count (again, "seal"), ==, 1);
  g_assert_cmpuint (search_count (again, "walrus"), ==, 0);
}

/* Erasing everything leaves alone what a restore that goes on is reading, and removes what a crash left of one. */
static void
test_erase_while_restoring (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  gint64 instance = quern_database_get_instance (quern_store_get_database (store));
  g_autofree char *living = g_strdup_printf ("%s.restoring-%" G_GINT64_FORMAT "-5", f->path, instance);
  g_autofree char *dead = g_strdup_printf ("%s.restoring-%" G_GINT64_FORMAT "-5", f->path, instance ^ 1);
  g_autofree char *old = g_strdup_printf ("%s.restoring-12345", f->path);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    g_assert_true (g_file_set_contents ((const char *[]) { living, dead, old }[i], "x", 1, NULL));
  g_assert_true (erase_all (store, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_test (living, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (dead, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
}

static gpointer
item_at (GListModel *list, guint position)
{
  GObject *item = g_list_model_get_item (list, position);

  g_assert_nonnull (item);
  g_object_unref (item); /* the list holds it */
  return item;
}

/* Folders and personas: sorted by name, kept, changed and deleted; a folder lets go of its conversations. */
static void
test_folders_and_personas (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) m = say (store, c, NULL, QUERN_ROLE_USER, "Hello");
  QuernFolder *work = quern_store_add_folder (store, "Work");
  QuernFolder *home = quern_store_add_folder (store, "Home");

  g_assert_true (item_at (quern_store_get_folders (store), 0) == home);
  quern_conversation_set_folder_id (c, quern_folder_get_id (work));
  quern_conversation_set_context_start (c, quern_message_get_id (m));
  quern_store_add_persona (store, "Poet", "Answer in verse.");
  quern_store_change_persona (store, item_at (quern_store_get_personas (store), 0), "Bard", "Sing.");
  quern_store_delete_folder (store, home);
  quern_store_close (store);

  g_autoptr (QuernStore) again = open_store (f);
  g_autoptr (QuernConversation) d = g_list_model_get_item (quern_store_get_conversations (again), 0);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_folders (again)), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_personas (again)), ==, 1);
  g_assert_cmpstr (quern_persona_get_name (item_at (quern_store_get_personas (again), 0)), ==, "Bard");
  g_assert_cmpstr (quern_persona_get_prompt (item_at (quern_store_get_personas (again), 0)), ==, "Sing.");
  g_assert_cmpint (quern_conversation_get_folder_id (d), ==,
                   quern_folder_get_id (item_at (quern_store_get_folders (again), 0)));
  g_assert_cmpint (quern_conversation_get_context_start (d), ==, quern_message_get_id (m));
  quern_store_delete_folder (again, item_at (quern_store_get_folders (again), 0));
  g_assert_cmpint (quern_conversation_get_folder_id (d), ==, 0);
  flush (again);
}

static void
back_up (QuernStore *store, const char *path)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_store_backup_async (store, path, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_store_backup_finish (store, result, &error));
  g_assert_no_error (error);
}

/* A backup is a database of its own that holds what was saved a moment before. */
static void
test_backup (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) m = say (store, c, NULL, QUERN_ROLE_USER, "Keep this");
  g_autofree char *path = g_strconcat (f->path, ".copy", NULL);
  g_autoptr (GError) error = NULL;

  back_up (store, path);
  g_autoptr (QuernStore) copy = quern_store_open (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (search_count (copy, "keep"), ==, 1);
}

/* How much came back; -1 on failure. */
static int
restore (QuernStore *store, const char *path, guint *n_others, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  guint n_conversations;

  quern_store_restore_async (store, file, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_restore_finish (store, result, &n_conversations, n_others, error) ? (int) n_conversations : -1;
}

static gboolean
add_comparison (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_exec (db, "INSERT INTO comparison (id, title, updated, content) VALUES (5, 'C', 1, '{}')", error);
}

static void
assert_only_the_database (Fixture *f)
{
  g_autofree char *folder = g_path_get_dirname (f->path);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name = g_dir_read_name (dir); name; name = g_dir_read_name (dir))
    g_assert_null (strstr (name, "restoring"));
}

/* What was deleted comes back from a backup, with its branches, picture and folder; what is here stays as it is. */
static void
test_restore (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "backup.db", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) gone = quern_conversation_new (), kept = quern_conversation_new ();
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "Where is the lighthouse?");
  g_autoptr (QuernMessage) first = NULL, second = NULL, other = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("pixels", 6);
  g_autoptr (QuernAttachment) picture = quern_attachment_new ("map.png", "image/png", bytes);
  g_autoptr (GError) error = NULL;
  guint n_others;

  quern_message_add_attachment (question, picture);
  quern_store_append_message (store, gone, NULL, question);
  first = say (store, gone, question, QUERN_ROLE_ASSISTANT, "North");
  second = say (store, gone, question, QUERN_ROLE_ASSISTANT, "South");
  other = say (store, kept, NULL, QUERN_ROLE_USER, "Hello");
  quern_conversation_set_title (gone, "Lighthouse", TRUE);
  quern_conversation_set_folder_id (gone, quern_folder_get_id (quern_store_add_folder (store, "Sea")));
  quern_store_add_persona (store, "Poet", "Rhyme.");
  g_assert_true (quern_database_write (quern_store_get_database (store), add_comparison, NULL, NULL));
  back_up (store, path);
  g_assert_cmpint (restore (store, path, &n_others, &error), ==, 0); /* nothing is missing */
  g_assert_no_error (error);
  g_assert_cmpuint (n_others, ==, 0);

  /* A new installation: another folder of that name, and something of its own. */
  quern_store_erase_all_async (store, NULL, NULL, NULL);
  quern_store_delete_persona (store, item_at (quern_store_get_personas (store), 0));
  g_autoptr (QuernConversation) fresh = quern_conversation_new ();
  g_autoptr (QuernMessage) hello = say (store, fresh, NULL, QUERN_ROLE_USER, "Something new");
  gint64 folder = quern_folder_get_id (quern_store_add_folder (store, "Sea"));
  flush (store);
  g_assert_cmpuint (search_count (store, "lighthouse"), ==, 0);

  g_assert_cmpint (restore (store, path, &n_others, &error), ==, 2);
  g_assert_no_error (error);
  g_assert_cmpuint (n_others, ==, 2); /* the comparison and the persona */
  GListModel *list = quern_store_get_conversations (store);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 3);
  g_autoptr (QuernConversation) newest = g_list_model_get_item (list, 0);
  g_assert_true (newest == fresh);
  g_assert_cmpuint (search_count (store, "lighthouse"), ==, 1);
  QuernConversation *back = quern_store_get_conversation (store, quern_conversation_get_id (gone));
  g_assert_cmpstr (quern_conversation_get_title (back), ==, "Lighthouse");
  g_assert_cmpint (quern_conversation_get_folder_id (back), ==, folder);
  g_autofree char *text = path_text (store, back);
  g_assert_cmpstr (text, ==, "Where is the lighthouse?|South");
  g_autoptr (GPtrArray) messages = load_path (store, back);
  g_assert_cmpuint (quern_message_get_sibling_count (messages->pdata[1]), ==, 2);
  GListModel *attachments = quern_message_get_attachments (messages->pdata[0]);
  g_autoptr (QuernAttachment) map = g_list_model_get_item (attachments, 0);
  g_autoptr (GBytes) pixels = quern_store_read_attachment (store, map, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (pixels, bytes));
  g_assert_cmpstr (quern_persona_get_prompt (item_at (quern_store_get_personas (store), 0)), ==, "Rhyme.");

  /* It is kept, changes included, and not added twice. */
  quern_conversation_set_title (back, "Tower", TRUE);
  g_assert_cmpint (restore (store, path, &n_others, &error), ==, 0);
  g_assert_cmpuint (n_others, ==, 0);
  quern_store_close (store);
  g_autoptr (QuernStore) again = open_store (f);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (again)), ==, 3);
  back = quern_store_get_conversation (again, quern_conversation_get_id (gone));
  g_assert_cmpstr (quern_conversation_get_title (back), ==, "Tower");
  assert_only_the_database (f);
}

/* Deleted a moment ago, with the offer to undo that still on the screen. */
static void
test_restore_deleted (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "backup.db", NULL);
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) m = say (store, c, NULL, QUERN_ROLE_USER, "Oh no");
  g_autoptr (GError) error = NULL;
  guint n_others;

  g_autoptr (QuernFolder) folder = g_object_ref (quern_store_add_folder (store, "Sea"));
  back_up (store, path);
  quern_store_delete_conversation (store, c);
  quern_store_delete_folder (store, folder);
  g_assert_cmpint (restore (store, path, &n_others, &error), ==, 1);
  g_assert_no_error (error);
  g_assert_cmpuint (n_others, ==, 1);
  quern_store_restore_conversation (store, c); /* undo */
  quern_store_restore_folder (store, folder);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_folders (store)), ==, 1);
  quern_store_erase_deleted_async (store, NULL, NULL, NULL);
  flush (store);
  g_assert_cmpuint (search_count (store, "no"), ==, 1);
}

static void
assert_not_restored (QuernStore *store, const char *path, QuernDatabaseError code)
{
  g_autoptr (GError) error = NULL;
  guint n_others;

  g_assert_cmpint (restore (store, path, &n_others, &error), ==, -1);
  g_assert_error (error, QUERN_DATABASE_ERROR, (int) code);
  g_assert_true (code == QUERN_DATABASE_ERROR_NEWER
                 || strstr (error->message, path)); /* not the copy, or what is here */
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (store)), ==, 0);
}

/* Where a long text goes on: in pages that begin with the number of the next one. */
static void
change_overflow_pages (char *contents, gsize size, char change)
{
  guint n = 0;

  for (gsize i = 4096; i < size; i += 4096)
    if (memcmp (contents + i + 4, "xxxxxxxx", 8) == 0) {
      contents[i] ^= change;
      n++;
    }
  g_assert_cmpuint (n, >, 0);
}

static void
test_restore_bad_files (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "backup.db", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autofree char *text = g_strnfill (20000, 'x');
  g_autoptr (QuernMessage) m = say (store, c, NULL, QUERN_ROLE_USER, text);
  g_autoptr (GError) error = NULL;
  gsize size;
  guint n_others;

  back_up (store, path);
  quern_store_erase_all_async (store, NULL, NULL, NULL);
  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_FAILED);
  g_assert_true (g_file_set_contents (path, contents, 99, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_FAILED);
  g_assert_true (g_file_set_contents (path, contents, (gssize) size / 2, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_DAMAGED);
  change_overflow_pages (contents, size, 0x55);
  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_DAMAGED);
  change_overflow_pages (contents, size, 0x55);
  contents[63] ^= 0x60; /* user_version */
  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_NEWER);
  contents[63] ^= 0x60;
  contents[71] ^= 1; /* application_id */
  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
  assert_not_restored (store, path, QUERN_DATABASE_ERROR_FAILED);
  contents[71] ^= 1;
  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
  g_assert_cmpint (restore (store, path, &n_others, &error), ==, 1);
  g_assert_no_error (error);
  assert_only_the_database (f);
}

static void
test_search (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernStore) store = open_store (f);
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) m1 = say (store, c, NULL, QUERN_ROLE_USER, "The café on the corner sells “Brötchen”.");
  g_autoptr (QuernMessage) m2 = say (store, c, m1, QUERN_ROLE_ASSISTANT, "你好！我能帮你什么吗？");
  g_autoptr (QuernMessage) m3 = say (store, c, m2, QUERN_ROLE_USER, "مرحبا بالعالم and AND \" NEAR( *");
  g_autoptr (QuernMessage) m4 = quern_message_new (QUERN_ROLE_ASSISTANT, "");

  g_assert_cmpuint (search_count (store, "cafe"), ==, 1);
  g_assert_cmpuint (search_count (store, "corner cafe"), ==, 1);
  g_assert_cmpuint (search_count (store, "corn"), ==, 1); /* the last word may be half typed */
  g_assert_cmpuint (search_count (store, "brotchen "), ==, 1);
  g_assert_cmpuint (search_count (store, "帮你"), ==, 1);
  g_assert_cmpuint (search_count (store, "你帮"), ==, 0);
  g_assert_cmpuint (search_count (store, "بالعالم"), ==, 1);
  g_assert_cmpuint (search_count (store, "AND \" NEAR( *"), ==, 1); /* never query syntax */
  g_assert_cmpuint (search_count (store, "\"*("), ==, 0);
  g_assert_cmpuint (search_count (store, ""), ==, 0);

  quern_message_set_state (m4, QUERN_MESSAGE_STREAMING, NULL);
  quern_store_append_message (store, c, m3, m4);
  quern_message_append (m4, FALSE, "unfinished walrus", -1);
  quern_store_save_message (store, m4);
  g_assert_cmpuint (search_count (store, "walrus"), ==, 0); /* not while it is written */
  quern_message_set_state (m4, QUERN_MESSAGE_STOPPED, NULL);
  quern_store_save_message (store, m4);
  g_assert_cmpuint (search_count (store, "walrus"), ==, 1);
  quern_message_set_text (m4, "a seal", "");
  quern_store_save_message (store, m4);
  g_assert_cmpuint (search_count (store, "walrus"), ==, 0);
  g_assert_cmpuint (search_count (store, "seal"), ==, 1);
  flush (store);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/store/reopen", Fixture, NULL, setup, test_reopen, teardown);
  g_test_add ("/store/branches", Fixture, NULL, setup, test_branches, teardown);
  g_test_add ("/store/order", Fixture, NULL, setup, test_order, teardown);
  g_test_add ("/store/delete-and-erase", Fixture, NULL, setup, test_delete_and_erase, teardown);
  g_test_add ("/store/erase-fails", Fixture, NULL, setup, test_erase_fails, teardown);
  g_test_add ("/store/erase-remains", Fixture, NULL, setup, test_erase_remains, teardown);
  g_test_add ("/store/erase-while-restoring", Fixture, NULL, setup, test_erase_while_restoring, teardown);
  g_test_add ("/store/housekeeping-fails", Fixture, NULL, setup, test_housekeeping_fails, teardown);
  g_test_add ("/store/open-to-read", Fixture, NULL, setup, test_open_to_read, teardown);
  g_test_add ("/store/index-damaged", Fixture, NULL, setup, test_index_damaged, teardown);
  g_test_add ("/store/presets", Fixture, NULL, setup, test_folders_and_personas, teardown);
  g_test_add ("/store/backup", Fixture, NULL, setup, test_backup, teardown);
  g_test_add ("/store/restore", Fixture, NULL, setup, test_restore, teardown);
  g_test_add ("/store/restore-deleted", Fixture, NULL, setup, test_restore_deleted, teardown);
  g_test_add ("/store/restore-bad-files", Fixture, NULL, setup, test_restore_bad_files, teardown);
  g_test_add ("/store/search", Fixture, NULL, setup, test_search, teardown);
  return g_test_run ();
}
