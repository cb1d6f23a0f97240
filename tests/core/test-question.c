/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-picture.h"
#include "test-chat-util.h"

/* What was typed is never lost: from the first key until a question is committed it is written on, or on the disk, or both. */

#define QUESTION "What is the capital of France?"

static const char *self_path;

/* Attachments that cannot be read make asking fail; those that can come back all the same. */
static GListModel *
make_attachments (gboolean readable)
{
  GListStore *attachments = g_list_store_new (QUERN_TYPE_ATTACHMENT);
  g_autoptr (GBytes) note_bytes = g_bytes_new_static ("Paris is a city.", 16);
  g_autoptr (QuernAttachment) note = quern_attachment_new ("note.txt", "text/plain", note_bytes);
  g_autoptr (GBytes) bad_bytes = g_bytes_new_static ("\x89PNG\r\n\x1a\nnothing more", 20);
  g_autoptr (QuernAttachment) bad = quern_attachment_new ("bad.png", "image/png", bad_bytes);

  g_list_store_append (attachments, note);
  if (!readable)
    g_list_store_append (attachments, bad);
  return G_LIST_MODEL (attachments);
}

static void
assert_written (QuernChatSession *session, QuernQuestionKind kind, const char *text, guint n_attachments)
{
  QuernQuestion *question = quern_chat_session_get_question (session);

  g_assert_cmpint (quern_question_get_kind (question), ==, kind);
  g_assert_cmpint (quern_question_get_state (question), ==, QUERN_QUESTION_WRITING);
  g_assert_cmpstr (quern_question_get_text (question), ==, text);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (quern_question_get_attachments (question))), ==,
                    n_attachments);
}

/* Asks what is written, and waits until that has failed. */
static void
assert_not_asked (QuernChatSession *session, GQuark domain, int code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_chat_session_ask_async (session, quern_chat_session_get_question (session), NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (session, result, &error));
  g_assert_error (error, domain, code);
}

/* What another process would find of the newest conversation. */
static char *
dup_stored (const char *path)
{
  g_autoptr (QuernStore) store = quern_store_open (path, NULL);
  g_autoptr (QuernConversation) c = store ? g_list_model_get_item (quern_store_get_conversations (store), 0) : NULL;

  return c ? g_strdup (quern_conversation_get_unsent (c)) : NULL;
}

typedef struct {
  const char *path, *text;
} Stored;

static gboolean
is_stored (gpointer data)
{
  const Stored *stored = data;
  g_autofree char *text = dup_stored (stored->path);

  return g_strcmp0 (text, stored->text) == 0;
}

static gboolean
tick_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
wait_until_stored (const char *path, const char *text)
{
  Stored stored = { path, text };
  guint tick = g_timeout_add (50, tick_cb, NULL);

  test_wait (is_stored, &stored);
  g_source_remove (tick);
}

/* Another session of the conversation, as after another one was shown. */
static void
leave_and_return (Fixture *f)
{
  g_clear_object (&f->session);
  f->session = quern_chat_session_new (f->store, QUERN_BACKEND (f->backend), f->library, f->conversation);
  load (f->session);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* Whoever types need not do anything else to find it again. */
static void
test_typed (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (TRUE);

  g_assert_cmpint (quern_conversation_get_id (f->conversation), ==, 0);
  write_question (f->session, "half a ques", NULL);
  wait_until_stored (f->path, "half a ques");
  g_assert_false (quern_chat_session_holds_unsent (f->session));
  close_all (f);
  open_all (f);
  assert_written (f->session, QUERN_QUESTION_NEW, "half a ques", 0);

  /* The last key before the conversation is left counts, too; attachments are in the memory alone. */
  write_question (f->session, "half a question", NULL);
  leave_and_return (f);
  assert_written (f->session, QUERN_QUESTION_NEW, "half a question", 0);
  write_question (f->session, "", attachments);
  g_assert_true (quern_chat_session_holds_unsent (f->session));
}

/* ---- the moment of the commit ---------------------------------------------------------------------------------- */

typedef struct {
  Fixture *f;
  guint n_said;
} Commit;

static void
state_cb (QuernQuestion *question, GParamSpec *pspec, Commit *commit)
{
  Fixture *f = commit->f;

  if (quern_question_get_state (question) != QUERN_QUESTION_COMMITTED)
    return;
  commit->n_said++;
  g_assert_cmpuint (n_messages (f), ==, 2);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 0)), ==, QUESTION);
  g_assert_cmpuint (quern_message_get_content_length (message_at (f, 1)), ==, 0); /* it is said before the answer */
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, "and then");
}

static void
test_committed (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernQuestion) question = g_object_ref (quern_chat_session_get_question (f->session));
  g_autoptr (GAsyncResult) result = NULL;
  Commit commit = { f, 0 };

  g_signal_connect (question, "notify::state", G_CALLBACK (state_cb), &commit);
  begin (f->session, QUESTION, NULL, NULL, &result);
  g_assert_cmpint (quern_question_get_state (question), ==, QUERN_QUESTION_ASKED);
  g_assert_null (quern_chat_session_get_refused (f->session)); /* not yet */
  assert_written (f->session, QUERN_QUESTION_NEW, "", 0);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, QUESTION);
  g_assert_true (quern_chat_session_holds_unsent (f->session));
  write_question (f->session, "and then", NULL);
  quern_chat_session_save_unsent (f->session);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, QUESTION "\n\nand then");
  g_assert_cmpuint (n_messages (f), ==, 0);
  finish (f, &result);
  g_assert_cmpuint (commit.n_said, ==, 1);
  assert_written (f->session, QUERN_QUESTION_NEW, "and then", 0);
  g_assert_false (quern_chat_session_holds_unsent (f->session));

  /* Answering again says so as well, and leaves what is written alone. */
  g_clear_object (&result);
  answer_again (f->session, message_at (f, 1), NULL, &result);
  finish (f, &result);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, "and then");
}

/* ---- asking fails ---------------------------------------------------------------------------------------------- */

/* A picture that cannot be decoded is found out on a thread; a person may write on meanwhile. Both texts come back, in the
 * order in which they were written, with what was attached. */
static void
test_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (FALSE), more = make_attachments (TRUE);
  g_autoptr (QuernAttachment) first = NULL, second = NULL, third = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GListModel *list;

  begin (f->session, QUESTION, attachments, NULL, &result);
  write_question (f->session, "and then", more);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (f->session, result, NULL));
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION "\n\nand then", 3);
  list = G_LIST_MODEL (quern_question_get_attachments (quern_chat_session_get_question (f->session)));
  first = g_list_model_get_item (list, 0);
  second = g_list_model_get_item (list, 1);
  third = g_list_model_get_item (list, 2);
  g_assert_cmpstr (quern_attachment_get_name (first), ==, "note.txt");
  g_assert_cmpstr (quern_attachment_get_name (second), ==, "bad.png");
  g_assert_cmpstr (quern_attachment_get_name (third), ==, "note.txt");
  g_assert_cmpuint (n_messages (f), ==, 0);
  leave_and_return (f);
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION "\n\nand then", 0);
}

/* Without a model, or while another answer is made, a question is not even taken. */
static void
test_not_taken (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  begin (f->session, QUESTION, NULL, NULL, &result);
  write_question (f->session, "and then", NULL);
  assert_not_asked (f->session, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_BUSY);
  assert_written (f->session, QUERN_QUESTION_NEW, "and then", 0);
  finish (f, &result);
  quern_conversation_set_model_id (f->conversation, "no-such-model");
  assert_not_asked (f->session, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL);
  assert_written (f->session, QUERN_QUESTION_NEW, "and then", 0);
}

static void
test_stopped (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  begin (f->session, QUESTION, NULL, NULL, &result);
  quern_chat_session_stop (f->session);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (f->session, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION, 0);
}

/* ---- it does not fit ------------------------------------------------------------------------------------------- */

static void
test_overflow_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (TRUE);

  fill (f);
  assert_fails (f, QUESTION, attachments, QUERN_CHAT_ERROR_TOO_LONG);
  assert_written (f->session, QUERN_QUESTION_NEW, "", 0); /* while a person decides */
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, QUESTION);
  g_assert_true (quern_chat_session_holds_unsent (f->session));
  quern_chat_session_withdraw (f->session);
  g_assert_null (quern_chat_session_get_refused (f->session));
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION, 1);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, QUESTION);
}

/* A question about which nobody decided is written on when another one is asked. */
static void
test_overflow_undecided (Fixture *f, gconstpointer data)
{
  fill (f);
  assert_fails (f, QUESTION, NULL, QUERN_CHAT_ERROR_TOO_LONG);
  assert_fails (f, "Hello!", NULL, QUERN_CHAT_ERROR_TOO_LONG);
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION, 0);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, "Hello!\n\n" QUESTION);
}

/* Once there is room, the same question is asked, with what belongs to it. */
static void
test_overflow_decided (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (TRUE);
  g_autoptr (GAsyncResult) result = NULL;

  fill (f);
  assert_fails (f, QUESTION, attachments, QUERN_CHAT_ERROR_TOO_LONG);
  quern_conversation_set_context_start (f->conversation, quern_message_get_id (message_at (f, 10)));
  quern_chat_session_ask_async (f->session, quern_chat_session_get_refused (f->session), NULL, test_result_cb, &result);
  finish (f, &result);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 12)), ==, QUESTION);
  g_assert_cmpuint (g_list_model_get_n_items (quern_message_get_attachments (message_at (f, 12))), ==, 1);
  g_assert_null (quern_chat_session_get_refused (f->session));
  g_assert_null (quern_conversation_get_unsent (f->conversation));
}

/* Another conversation is shown, and nobody decides any more. */
static void
test_overflow_left (Fixture *f, gconstpointer data)
{
  fill (f);
  assert_fails (f, QUESTION, NULL, QUERN_CHAT_ERROR_TOO_LONG);
  leave_and_return (f);
  assert_written (f->session, QUERN_QUESTION_NEW, QUESTION, 0);
}

/* The conversation with the summary takes the question over, and the old one keeps what was written since. */
static void
test_summarised (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (TRUE);
  g_autoptr (GAsyncResult) summary = NULL, answered = NULL;
  g_autoptr (QuernConversation) fresh = NULL;
  g_autoptr (QuernChatSession) session = NULL;
  g_autoptr (QuernMessage) asked = NULL;

  fill (f);
  assert_fails (f, QUESTION, attachments, QUERN_CHAT_ERROR_TOO_LONG);
  write_question (f->session, "and then", NULL);
  quern_chat_session_summarise_async (f->session, NULL, test_result_cb, &summary);
  test_wait_result (&summary);
  fresh = quern_chat_session_summarise_finish (f->session, summary, NULL);
  g_assert_nonnull (fresh);
  quern_store_add_conversation (f->store, fresh);
  g_assert_cmpstr (quern_conversation_get_unsent (fresh), ==, QUESTION); /* before the old one lets go */
  quern_chat_session_save_unsent (f->session);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, QUESTION "\n\nand then");
  session = quern_chat_session_new (f->store, QUERN_BACKEND (f->backend), f->library, fresh);
  load (session);
  quern_chat_session_move_refused (f->session, session);
  assert_written (session, QUERN_QUESTION_NEW, QUESTION, 1);
  g_assert_cmpstr (quern_conversation_get_unsent (fresh), ==, QUESTION);
  assert_written (f->session, QUERN_QUESTION_NEW, "and then", 0);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, "and then");
  g_assert_null (quern_chat_session_get_refused (f->session));

  quern_chat_session_ask_async (session, quern_chat_session_get_question (session), NULL, test_result_cb, &answered);
  test_wait_result (&answered);
  g_assert_true (quern_chat_session_ask_finish (session, answered, NULL));
  asked = g_list_model_get_item (quern_chat_session_get_messages (session), 0);
  g_assert_cmpstr (quern_message_get_content (asked), ==, QUESTION);
  g_assert_cmpuint (g_list_model_get_n_items (quern_message_get_attachments (asked)), ==, 1);
  g_assert_null (quern_conversation_get_unsent (fresh));
  g_assert_cmpuint (n_messages (f), ==, 12);
}

/* ---- editing --------------------------------------------------------------------------------------------------- */

/* An edit costs neither itself nor what was being written before. */
static void
test_edit (Fixture *f, gconstpointer data)
{
  g_autoptr (GListModel) attachments = make_attachments (FALSE), more = make_attachments (TRUE);

  ask (f, QUESTION);
  write_question (f->session, "half a question", more);
  quern_chat_session_edit (f->session, message_at (f, 0));
  assert_written (f->session, QUERN_QUESTION_EDIT, QUESTION, 0);
  quern_chat_session_save_unsent (f->session);
  g_assert_cmpstr (quern_conversation_get_unsent (f->conversation), ==, "half a question");
  quern_chat_session_cancel_edit (f->session);
  assert_written (f->session, QUERN_QUESTION_NEW, "half a question", 1);

  /* Asking it fails. */
  quern_chat_session_edit (f->session, message_at (f, 0));
  write_question (f->session, "Another question", attachments);
  g_assert_true (quern_chat_session_holds_unsent (f->session));
  assert_not_asked (f->session, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_DAMAGED);
  assert_written (f->session, QUERN_QUESTION_EDIT, "Another question", 2);
  g_assert_cmpuint (n_messages (f), ==, 2);

  /* The conversation is left for good. */
  leave_and_return (f);
  assert_written (f->session, QUERN_QUESTION_NEW, "Another question\n\nhalf a question", 0);

  /* An edit that changed nothing leaves nothing behind; one that is asked leaves the next question alone. */
  quern_chat_session_edit (f->session, message_at (f, 0));
  leave_and_return (f);
  assert_written (f->session, QUERN_QUESTION_NEW, "Another question\n\nhalf a question", 0);
  quern_chat_session_edit (f->session, message_at (f, 0));
  ask (f, "capital of Kenya");
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The capital of Kenya is Nairobi.");
  assert_written (f->session, QUERN_QUESTION_NEW, "Another question\n\nhalf a question", 0);
}

/* ---- a crash before the commit --------------------------------------------------------------------------------- */

/* Runs in a process that is killed while a person decides. */
static void
child_decide (const char *path, gboolean edit)
{
  Fixture f = { .path = g_strdup (path) };

  open_all (&f);
  fill (&f);
  if (edit)
    quern_chat_session_edit (f.session, message_at (&f, 10));
  quern_conversation_set_context_size (f.conversation, 32);
  assert_fails (&f, QUESTION " " QUESTION " " QUESTION, NULL, QUERN_CHAT_ERROR_TOO_LONG);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_killed (Fixture *f, gconstpointer kind)
{
  const char *text = QUESTION " " QUESTION " " QUESTION;
  g_autofree char *path = g_build_filename (f->folder, "killed.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self_path, kind, path, NULL);

  g_assert_no_error (error);
  wait_until_stored (path, text);
  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  close_all (f);
  g_set_str (&f->path, path);
  open_all (f);
  assert_written (f->session, QUERN_QUESTION_NEW, text, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = NULL;
  int result;

  if (argc == 3 && g_str_has_prefix (argv[1], "--child-"))
    child_decide (argv[2], g_str_equal (argv[1], "--child-edit"));
  self_path = argv[0];
  data_folder = test_folder ();
  g_setenv ("XDG_DATA_HOME", data_folder, TRUE); /* no models but Quern Tiny */
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/question/typed", Fixture, NULL, setup, test_typed, teardown);
  g_test_add ("/question/committed", Fixture, NULL, setup, test_committed, teardown);
  g_test_add ("/question/fails", Fixture, NULL, setup, test_fails, teardown);
  g_test_add ("/question/not-taken", Fixture, NULL, setup, test_not_taken, teardown);
  g_test_add ("/question/stopped", Fixture, NULL, setup, test_stopped, teardown);
  g_test_add ("/question/overflow-cancelled", Fixture, NULL, setup, test_overflow_cancelled, teardown);
  g_test_add ("/question/overflow-undecided", Fixture, NULL, setup, test_overflow_undecided, teardown);
  g_test_add ("/question/overflow-decided", Fixture, NULL, setup, test_overflow_decided, teardown);
  g_test_add ("/question/overflow-left", Fixture, NULL, setup, test_overflow_left, teardown);
  g_test_add ("/question/summarised", Fixture, NULL, setup, test_summarised, teardown);
  g_test_add ("/question/edit", Fixture, NULL, setup, test_edit, teardown);
  g_test_add ("/question/killed", Fixture, "--child-new", setup, test_killed, teardown);
  g_test_add ("/question/killed-edit", Fixture, "--child-edit", setup, test_killed, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
