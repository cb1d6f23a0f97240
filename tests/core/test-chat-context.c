/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "test-chat-util.h"

/* What does not fit the context, what can be done about it, and how it is counted. */

/* ---- what cannot be sent --------------------------------------------------------------------------------------- */

static void
test_too_long (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  QuernTokenCount count;

  for (int i = 0; i < 3000; i++)
    g_string_append (text, "capital ");
  assert_fails (f, text->str, NULL, QUERN_CHAT_ERROR_TOO_LONG);
  write_question (f->session, "Hello!", NULL);
  quern_chat_session_count_tokens_async (f->session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_chat_session_count_tokens_finish (f->session, result, &count, NULL));
  g_assert_cmpuint (count.total, ==, 14); /* prompt_ids of expected.json */
  g_assert_cmpuint (count.context_size, ==, 2048);
}

static void
plan (Fixture *f, QuernOverflowPlan *out)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_chat_session_plan_overflow_async (f->session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_chat_session_plan_overflow_finish (f->session, result, out, &error));
  g_assert_no_error (error);
}

/* Leaving out the oldest turns: as few as needed, remembered, and never the system prompt. */
static void
test_leave_out (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) again = NULL;
  g_autoptr (GError) error = NULL;
  QuernOverflowPlan p;
  guint position = 0;

  fill (f);
  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  assert_fails (f, "What is the capital of France?", NULL, QUERN_CHAT_ERROR_TOO_LONG);
  g_assert_cmpstr (quern_question_get_text (quern_chat_session_get_refused (f->session)), ==,
                   "What is the capital of France?");
  plan (f, &p);
  g_assert_cmpuint (p.context_size, ==, 2048);
  g_assert_cmpuint (p.needed, >, 2048);
  g_assert_cmpuint (p.raised, ==, 0); /* the model was trained with no more */
  g_assert_true (p.can_summarise);
  while (quern_message_get_id (message_at (f, position)) != p.start)
    position++;
  g_assert_cmpuint (position, ==, p.n_left_out);
  g_assert_cmpuint (position, >, 0);
  g_assert_cmpuint (position, <, 12);
  g_assert_cmpint (quern_message_get_role (message_at (f, position)), ==, QUERN_ROLE_USER);
  quern_conversation_set_context_start (f->conversation, p.start);
  ask (f, "What is the capital of France?");
  g_assert_cmpuint (n_messages (f), ==, 14);
  g_assert_null (quern_chat_session_get_refused (f->session));
  /* One turn less left out would not have fitted with room for an answer. */
  g_assert_cmpuint (quern_message_get_statistics (message_at (f, 13))->prompt_tokens + 400, >, 2048 - 512);

  /* A question that is there already may become the first message itself. */
  quern_conversation_set_context_size (f->conversation, 256);
  answer_again (f->session, message_at (f, 13), NULL, &again);
  test_wait_result (&again);
  g_assert_false (quern_chat_session_ask_finish (f->session, again, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG);
  plan (f, &p);
  g_assert_cmpint (p.start, ==, quern_message_get_id (message_at (f, 12)));
  g_assert_cmpuint (p.n_left_out, ==, 12 - position);

  /* A new one that is too long by itself has no such way out. */
  assert_fails (f, quern_message_get_content (message_at (f, 0)), NULL, QUERN_CHAT_ERROR_TOO_LONG);
  plan (f, &p);
  g_assert_cmpint (p.start, ==, 0);
}

/* A larger context is proposed with its memory where the model allows one. */
static void
test_raise_context (Fixture *f, gconstpointer data)
{
  QuernOverflowPlan p;
  QuernMemoryPlan small, large;
  QuernModel *model = quern_chat_session_get_model (f->session);

  quern_conversation_set_context_size (f->conversation, 256);
  fill (f);
  quern_conversation_set_context_start (f->conversation, quern_message_get_id (message_at (f, 10)));
  assert_fails (f, "Hello!", NULL, QUERN_CHAT_ERROR_TOO_LONG);
  plan (f, &p);
  g_assert_cmpuint (p.raised, ==, 2048);
  quern_model_plan (model, 256, QUERN_KV_F16, &small);
  quern_model_plan (model, 2048, QUERN_KV_F16, &large);
  g_assert_cmpuint (p.raised_bytes, ==, large.total - small.total);
  g_assert_cmpuint (p.raised_total, ==, large.total);
  quern_conversation_set_context_size (f->conversation, p.raised);
  ask (f, "Hello!");
}

/* An answer that fills the context says so, and can go on in a larger one. */
static void
test_full_in_mid_answer (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) refused = NULL, more = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *begun = NULL;
  QuernMessage *answer;

  quern_conversation_set_context_size (f->conversation, 32);
  answer = ask (f, "Write a Python function that adds two numbers.");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_LENGTH);
  g_assert_nonnull (strstr (quern_message_get_failure (answer), "context is full"));
  begun = g_strdup (quern_message_get_content (answer));
  continue_answer (f->session, answer, &refused);
  test_wait_result (&refused);
  g_assert_false (quern_chat_session_ask_finish (f->session, refused, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG);
  quern_conversation_set_context_size (f->conversation, 1024);
  continue_answer (f->session, answer, &more);
  finish (f, &more);
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_true (g_str_has_prefix (quern_message_get_content (answer), begun));
  g_assert_cmpuint (quern_message_get_content_length (answer), >, strlen (begun));
}

/* More than the context holds is summed up piece by piece. */
static void
test_summarise_in_pieces (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernConversation) fresh = NULL;

  fill (f);
  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  assert_fails (f, "What is the capital of France?", NULL, QUERN_CHAT_ERROR_TOO_LONG);
  quern_chat_session_summarise_async (f->session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  fresh = quern_chat_session_summarise_finish (f->session, result, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (quern_conversation_get_system_prompt (fresh), "Be brief.\n\nSummary"));
  g_assert_cmpstr (quern_conversation_get_unsent (fresh), ==, "What is the capital of France?");
  g_assert_cmpuint (n_messages (f), ==, 12);
}

/* The parts of the count add up to what the model is really given, also when only some of them are counted anew. */
static void
test_count (Fixture *f, gconstpointer data)
{
  const char *questions[] = { "Hello!", "What is the capital of Japan?", "1. 日本\n\n```c\nint x;\n```" };
  QuernTokenCount count;

  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  for (guint i = 0; i < G_N_ELEMENTS (questions); i++) {
    for (int typed = 0; typed < 2; typed++) { /* the second time from the cache */
      g_autoptr (GAsyncResult) result = NULL;
      write_question (f->session, questions[i], NULL);
      quern_chat_session_count_tokens_async (f->session, NULL, test_result_cb, &result);
      test_wait_result (&result);
      g_assert_true (quern_chat_session_count_tokens_finish (f->session, result, &count, NULL));
      g_assert_cmpuint (count.total, ==, count.instructions + count.history + count.attachments + count.question);
      g_assert_cmpuint (count.instructions, >, 0);
      g_assert_cmpuint (count.history > 0, ==, i > 0);
    }
    g_assert_cmpuint (quern_message_get_statistics (ask (f, questions[i]))->prompt_tokens, ==, count.total);
  }
}

/* ---- what is on disk --------------------------------------------------------------------------------------------- */

/* What another process finds: the context's size when the messages are there, else 0. */
static guint
stored_context_size (const char *path, guint n_wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernStore) store = quern_store_open (path, &error);
  g_autoptr (QuernConversation) c = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) messages = NULL;
  guint size;

  g_assert_no_error (error);
  c = g_list_model_get_item (quern_store_get_conversations (store), 0);
  size = c ? quern_conversation_get_context_size (c) : 0;
  if (!c)
    return 0;
  quern_store_load_path_async (store, c, NULL, test_result_cb, &result);
  test_wait_result (&result);
  messages = quern_store_load_path_finish (store, result, NULL);
  return messages && messages->len >= n_wanted ? MAX (size, 1) : 0;
}

static gboolean
are_messages_stored (gpointer data)
{
  Fixture *f = data;

  return stored_context_size (f->path, n_messages (f)) != 0;
}

/* Whoever finds a message finds the settings it was made with. */
static void
test_settings_first (Fixture *f, gconstpointer data)
{
  ask (f, "Hello!");
  test_wait (are_messages_stored, f);
  quern_conversation_set_context_size (f->conversation, 1024);
  ask (f, "What is the capital of France?");
  test_wait (are_messages_stored, f);
  g_assert_cmpuint (stored_context_size (f->path, n_messages (f)), ==, 1024);
}

/* A size that was chosen for another model is no more than this one can use. */
static void
test_no_longer_than_trained (Fixture *f, gconstpointer data)
{
  guint size;

  quern_conversation_set_context_size (f->conversation, 32768);
  g_object_get (f->session, "context-size", &size, NULL);
  g_assert_cmpuint (size, ==, 2048);
  g_assert_cmpstr (quern_message_get_content (ask (f, "Hello!")), ==, "Hello! How can I help you?");
  g_assert_cmpuint (quern_conversation_get_context_size (f->conversation), ==, 32768);
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = test_folder ();
  int result;

  g_setenv ("XDG_DATA_HOME", data_folder, TRUE); /* no models but Quern Tiny */
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/chat-context/leave-out", Fixture, NULL, setup, test_leave_out, teardown);
  g_test_add ("/chat-context/raise-context", Fixture, NULL, setup, test_raise_context, teardown);
  g_test_add ("/chat-context/full-in-mid-answer", Fixture, NULL, setup, test_full_in_mid_answer, teardown);
  g_test_add ("/chat-context/summarise-in-pieces", Fixture, NULL, setup, test_summarise_in_pieces, teardown);
  g_test_add ("/chat-context/count", Fixture, NULL, setup, test_count, teardown);
  g_test_add ("/chat-context/too-long", Fixture, NULL, setup, test_too_long, teardown);
  g_test_add ("/chat-context/no-longer-than-trained", Fixture, NULL, setup, test_no_longer_than_trained, teardown);
  g_test_add ("/chat-context/settings-first", Fixture, NULL, setup, test_settings_first, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
