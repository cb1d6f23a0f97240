/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "../core/test-remote-util.h"
#include "quern-comparison.h"
#include "quern-server-answer.h"

/* The client against a real llama-server with Quern Tiny, whose address is in QUERN_LLAMA_SERVER (record.py --run). */

typedef struct {
  GString *reasoning, *text;
  gboolean done;
} Heard;

static void
text_cb (QuernServerAnswer *answer, gboolean reasoning, const char *text, Heard *heard)
{
  g_string_append (reasoning ? heard->reasoning : heard->text, text);
}

static void
done_cb (QuernServerAnswer *answer, Heard *heard)
{
  heard->done = TRUE;
}

static void
heard_clear (Heard *heard)
{
  g_string_free (heard->reasoning, TRUE);
  g_string_free (heard->text, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Heard, heard_clear)

static QuernServerAnswer *
ask (QuernServer *server, const QuernServerCall *call, Heard *heard)
{
  QuernServerAnswer *answer = quern_server_ask (server, call);

  *heard = (Heard) { g_string_new (NULL), g_string_new (NULL), FALSE };
  g_signal_connect (answer, "text", G_CALLBACK (text_cb), heard);
  g_signal_connect (answer, "done", G_CALLBACK (done_cb), heard);
  return answer;
}

static QuernServer *
find (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernServer *server;

  quern_server_find_async (g_getenv ("QUERN_LLAMA_SERVER"), NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  server = quern_server_find_finish (result, &error);
  g_assert_no_error (error);
  return server;
}

static QuernServerCall *
make_call (QuernServer *server, const char *question, QuernThinking thinking)
{
  g_autoptr (QuernServerModel) model = quern_server_find_model (server, NULL);
  QuernServerCall *call = quern_server_call_new (model);
  QuernServerSampling sampling = QUERN_SERVER_SAMPLING_DEFAULT;

  sampling.temperature = 0;
  quern_server_call_add_message (call, QUERN_SPEAKER_USER, question, NULL);
  quern_server_call_set_thinking (call, thinking);
  quern_server_call_set_sampling (call, &sampling);
  return call;
}

static void
test_probe (void)
{
  g_autoptr (QuernServer) server = find ();
  g_autoptr (QuernServerModel) model = quern_server_find_model (server, "quern-tiny");

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_LLAMA);
  g_assert_cmpuint (model->context_length, ==, 2048);
  g_assert_cmpint (model->vision, ==, QUERN_FACT_YES);
  g_assert_cmpint (model->thinking, ==, QUERN_FACT_YES);
}

static void
test_thinking (void)
{
  g_autoptr (QuernServer) server = find ();
  g_autoptr (QuernServerCall) on = make_call (server, "What is 47 + 38?", QUERN_THINKING_ON);
  g_autoptr (QuernServerCall) off = make_call (server, "What is the capital of France?", QUERN_THINKING_OFF);
  g_autoptr (QuernServerCall) limited = make_call (server, "What is 47 + 38?", QUERN_THINKING_ON);
  g_auto (Heard) thought = { 0 }, plain = { 0 }, short_thought = { 0 };
  g_autoptr (QuernServerAnswer) a = NULL, b = NULL, c = NULL;
  g_autoptr (GAsyncResult) counted = NULL;
  gboolean exact;

  /* One after the other: llama-server b11669 was seen to write nonsense when it computed several answers of this model together. */
  a = ask (server, on, &thought);
  TEST_WAIT_UNTIL (thought.done);
  b = ask (server, off, &plain);
  TEST_WAIT_UNTIL (plain.done);
  quern_server_call_set_thinking_budget (limited, 4);
  c = ask (server, limited, &short_thought);
  TEST_WAIT_UNTIL (short_thought.done);
  g_assert_no_error (quern_server_answer_get_error (c));
  g_assert_no_error (quern_server_answer_get_error (a));
  g_assert_true (g_str_has_prefix (thought.reasoning->str, "Ones: 7+8=15"));
  g_assert_cmpstr (thought.text->str, ==, "47 + 38 = 85");
  g_assert_cmpstr (plain.reasoning->str, ==, "");
  g_assert_cmpstr (plain.text->str, ==, "The capital of France is Paris.");
  g_assert_cmpuint (short_thought.reasoning->len, <, thought.reasoning->len);
  g_assert_cmpfloat (quern_server_answer_get_usage (a)->decode_seconds, >, 0);
  /* The count is that of the prompt which was asked. */
  quern_server_count_async (server, on, NULL, test_result_cb, &counted);
  test_wait_result (&counted);
  g_assert_cmpint (quern_server_count_finish (server, counted, &exact, NULL), ==,
                   quern_server_answer_get_usage (a)->prompt_tokens);
  g_assert_true (exact);
}

static void
test_continue (void)
{
  g_autoptr (QuernServer) server = find ();
  g_autoptr (QuernServerCall) call = make_call (server, "What is the capital of France?", QUERN_THINKING_OFF);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  quern_server_call_set_beginning (call, NULL, "The capital of");
  answer = ask (server, call, &heard);
  TEST_WAIT_UNTIL (heard.done);
  g_assert_no_error (quern_server_answer_get_error (answer));
  g_assert_cmpstr (heard.text->str, ==, " France is Paris.");
}

static void
test_picture (void)
{
  g_autoptr (QuernServer) server = find ();
  g_autoptr (QuernServerCall) call = make_call (server, "What do you see?", QUERN_THINKING_OFF);
  g_autofree char *folder = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "images", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL), *data = NULL;
    g_autoptr (GBytes) bytes = NULL;
    gsize size;

    if (!g_str_has_suffix (name, ".png"))
      continue;
    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    bytes = g_bytes_new_take (g_steal_pointer (&data), size);
    quern_server_call_add_picture (call, "image/png", bytes);
    break;
  }
  answer = ask (server, call, &heard);
  TEST_WAIT_UNTIL (heard.done);
  g_assert_no_error (quern_server_answer_get_error (answer));
  g_assert_cmpuint (heard.text->len, >, 0);
}

static void
test_too_long (void)
{
  g_autoptr (QuernServer) server = find ();
  g_autoptr (GString) question = g_string_new (NULL);
  g_autoptr (QuernServerCall) call = NULL;
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  for (guint i = 0; i < 3000; i++)
    g_string_append (question, "word ");
  call = make_call (server, question->str, QUERN_THINKING_OFF);
  answer = ask (server, call, &heard);
  TEST_WAIT_UNTIL (heard.done);
  g_assert_error (quern_server_answer_get_error (answer), QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_CONTEXT_FULL);
}

/* An answer that is stopped leaves the server free for the next one. */
static void
test_stop (void)
{
  g_autoptr (QuernServer) server = find ();

  for (guint i = 0; i < 20; i++) {
    g_autoptr (QuernServerCall) call = make_call (server, "What is 47 + 38?", QUERN_THINKING_ON);
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = ask (server, call, &heard);

    TEST_WAIT_UNTIL (heard.done || heard.reasoning->len > 0);
    quern_server_answer_stop (answer);
    TEST_WAIT_UNTIL (heard.done);
    g_assert_no_error (quern_server_answer_get_error (answer));
  }
}

/* As the window and quern-cli use it: a conversation through the backend, with what is stored of it. */
static void
test_conversation (Fixture *f, gconstpointer data)
{
  add_server (f, g_getenv ("QUERN_LLAMA_SERVER"), "Live");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Live"));
  g_autoptr (GAsyncResult) result = NULL;
  QuernMessage *answer;

  quern_conversation_set_sampling (chat.conversation, "{\"temperature\": 0}");
  quern_chat_session_set_thinking (chat.session, TRUE);
  answer = chat_ask (&chat, "What is 47 + 38?");
  g_assert_cmpstr (quern_message_get_failure (answer), ==, NULL);
  g_assert_cmpstr (quern_message_get_content (answer), ==, "47 + 38 = 85");
  g_assert_true (g_str_has_prefix (quern_message_get_reasoning (answer), "Ones: 7+8=15"));
  g_assert_cmpuint (quern_message_get_statistics (answer)->answer_tokens, >, 10);
  g_assert_cmpfloat (quern_statistics_decode_rate (quern_message_get_statistics (answer)), >, 0);
  quern_chat_session_set_thinking (chat.session, FALSE);
  answer = chat_ask (&chat, "What is the capital of France?");
  g_assert_cmpstr (quern_message_get_reasoning (answer), ==, "");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  quern_chat_session_set_thinking (chat.session, TRUE);
  chat_begin (&chat, "What is 47 + 38?", &result);
  TEST_WAIT_UNTIL (quern_chat_session_get_state (chat.session) == QUERN_SESSION_THINKING
                   || quern_chat_session_get_state (chat.session) == QUERN_SESSION_IDLE);
  quern_chat_session_stop (chat.session);
  answer = chat_finish (&chat, &result);
  g_assert_cmpint (quern_message_get_state (answer), !=, QUERN_MESSAGE_FAILED);
}

/* The same model here and there, at the most probable token, says the same. */
static void
test_comparison (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernFork fork;

  add_server (f, g_getenv ("QUERN_LLAMA_SERVER"), "Live");
  for (guint i = 0; i < 2; i++) {
    g_autoptr (QuernCompareColumn) column = quern_compare_column_new (
        i == 0 ? quern_library_find (f->library, "quern-tiny") : model_of (f, "Live"));

    quern_compare_column_set_thinking (column, QUERN_THINKING_OFF);
    quern_compare_column_set_temperature (column, 0);
    quern_comparison_add_column (comparison, column);
  }
  quern_comparison_ask_async (comparison, f->backend, "What is the capital of France?", NULL, NULL, test_result_cb,
                              &result);
  test_wait_result (&result);
  g_assert_true (quern_comparison_ask_finish (comparison, result, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++) {
    QuernCompareAnswer *answer = quern_compare_column_get_answer (quern_comparison_get_column (comparison, i), 0);

    g_assert_cmpstr (quern_compare_answer_get_failure (answer), ==, NULL);
    g_assert_cmpint (quern_compare_answer_get_state (answer), ==, QUERN_COMPARE_DONE);
    g_assert_cmpstr (quern_compare_answer_get_answer (answer), ==, "The capital of France is Paris.");
  }
  quern_comparison_get_fork (comparison, 0, 0, 1, &fork);
  g_assert_false (fork.known);
}

int
main (int argc, char **argv)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("QUERN_LLAMA_SERVER") == NULL)
    return 77; /* skipped */
  g_test_add_func ("/live/probe", test_probe);
  g_test_add_func ("/live/thinking", test_thinking);
  g_test_add_func ("/live/continue", test_continue);
  g_test_add_func ("/live/picture", test_picture);
  g_test_add_func ("/live/too-long", test_too_long);
  g_test_add_func ("/live/stop", test_stop);
  g_test_add ("/live/conversation", Fixture, NULL, setup, test_conversation, teardown);
  g_test_add ("/live/comparison", Fixture, NULL, setup, test_comparison, teardown);
  return g_test_run ();
}
