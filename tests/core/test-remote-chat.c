/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models on servers are models like any other: in the library and in a conversation. */

#include <string.h>

#include "quern-remote-backend.h"
#include "test-remote-util.h"

/* ---- the library ----------------------------------------------------------------------------------------------- */

static void
test_library (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "Box"), lm_studio = new_server (f, "lm-studio", "Desk");
  guint n = g_list_model_get_n_items (G_LIST_MODEL (f->library));
  QuernModel *model = model_of (f, "Box"), *desk = model_of (f, "Desk");
  g_autofree char *id = g_strdup_printf ("127.0.0.1:%u/quern-tiny", quern_test_server_get_port (llama));
  g_autofree char *title = quern_model_dup_full_title (desk);
  g_autoptr (QuernModel) local = g_list_model_get_item (G_LIST_MODEL (f->library), n - 4);
  g_autoptr (QuernModel) first = g_list_model_get_item (G_LIST_MODEL (f->library), n - 3);
  QuernMemoryPlan plan;

  g_assert_cmpuint (n, >=, 4); /* Quern Tiny, and one and two of servers, by the servers' names */
  g_assert_false (quern_model_is_remote (local));
  g_assert_true (first == model);
  g_assert_cmpstr (quern_model_get_id (model), ==, id);
  g_assert_cmpstr (quern_model_get_key (model), ==, id);
  g_assert_cmpstr (quern_model_get_title (desk), ==, "Qwen3.5 4B");
  g_assert_cmpstr (title, ==, "Qwen3.5 4B (Desk)");
  g_assert_null (quern_model_get_path (model));
  g_assert_null (quern_model_get_vision_path (model));
  g_assert_cmpuint (quern_model_get_size (model), ==, 0);
  quern_model_plan (model, 4096, QUERN_KV_F16, &plan);
  g_assert_cmpuint (plan.total, ==, 0);
  g_assert_cmpuint (quern_model_choose_context (model, 100), ==, 2048); /* the server has it, whatever is wanted */
  g_assert_true (quern_model_get_info (model)->chat.thinking_switchable);
  g_assert_true (quern_library_find (f->library, id) == model);
  g_assert_true (quern_library_find (f->library, "Box/quern-tiny") == model);
  g_assert_true (quern_library_find (f->library, "Desk/qwen/qwen3.5-4b") == desk);
  g_assert_null (quern_library_find (f->library, "Box/qwen/qwen3.5-4b"));
  g_assert_false (quern_model_is_remote (quern_library_get_default (f->library)));
}

/* A server that takes a length for the context makes one as long as is wanted, up to what its model was trained for. */
static void
test_context (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) ollama = new_server (f, "ollama", "Ollama"), other = new_server (f, "other", "Other"),
                              router = new_server (f, "llama-router", "Router");
  QuernModel *loaded = quern_library_find (f->library, "Ollama/qwen3.5:4b");
  QuernModel *unloaded = quern_library_find (f->library, "Ollama/gemma3:1b");

  g_assert_cmpuint (quern_model_choose_context (loaded, 0), ==, 4096);
  g_assert_cmpuint (quern_model_choose_context (loaded, 16384), ==, 16384);
  g_assert_cmpuint (quern_model_choose_context (loaded, 1u << 20), ==, 262144);
  g_assert_cmpuint (quern_model_choose_context (unloaded, 1u << 20), ==, 32768);
  g_assert_true (quern_model_can_see (loaded));
  g_assert_false (quern_model_can_see (unloaded));
  g_assert_false (quern_model_get_info (unloaded)->chat.thinking_switchable);
  g_assert_false (quern_model_get_info (model_of (f, "Other"))->chat.thinking_switchable);
  g_assert_cmpint (quern_backend_get_capabilities (f->backend, loaded) & QUERN_CAN_COUNT, ==, 0);
  g_assert_cmpint (quern_backend_get_capabilities (f->backend, model_of (f, "Router")) & QUERN_CAN_COUNT, ==, 0);
}

static void
note_change_cb (guint *n_changes)
{
  (*n_changes)++;
}

/* What is done to servers shows in the library at once, and in the next run. */
static void
test_changes (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "Box");
  g_autoptr (QuernServer) server = quern_servers_find (f->servers, "Box");
  g_autofree char *id = g_strdup (quern_model_get_id (model_of (f, "Box")));
  guint n = g_list_model_get_n_items (G_LIST_MODEL (f->library)), n_changes = 0;
  g_autoptr (GAsyncResult) probed = NULL, removed = NULL;
  g_autoptr (QuernModel) kept = g_object_ref (model_of (f, "Box"));
  g_autoptr (GError) error = NULL;

  g_signal_connect_swapped (f->library, "items-changed", G_CALLBACK (note_change_cb), &n_changes);
  quern_server_probe_async (server, NULL, test_result_cb, &probed);
  test_wait_result (&probed);
  g_assert_true (quern_server_probe_finish (server, probed, &error));
  g_assert_true (model_of (f, "Box") == kept); /* nothing is new */
  g_assert_cmpuint (n_changes, ==, 0);
  quern_server_set_name (server, "Cellar");
  quern_servers_save (f->servers, server);
  g_assert_cmpstr (quern_model_get_id (model_of (f, "Cellar")), ==, id);
  quern_servers_remove (f->servers, server);
  g_assert_null (quern_library_find (f->library, id));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->library)), ==, n - 1);
  quern_servers_restore (f->servers, server);
  g_assert_nonnull (quern_library_find (f->library, id));
  quern_library_remove_async (f->library, model_of (f, "Cellar"), NULL, test_result_cb, &removed);
  test_wait_result (&removed);
  g_assert_false (quern_library_remove_finish (f->library, removed, &error));
  g_assert_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_ALLOWED);
  assert_has (error->message, "on the server “Cellar”");
  quern_library_mark_used (f->library, model_of (f, "Cellar"));
  g_clear_object (&kept);
  g_clear_object (&server);
  close_all (f);
  open_all (f);
  g_assert_cmpstr (quern_model_get_place (quern_library_find (f->library, id)), ==, "Cellar");
  {
    g_autoptr (GAsyncResult) scanned = NULL; /* which reads when models were used */

    quern_library_scan_async (f->library, NULL, test_result_cb, &scanned);
    test_wait_result (&scanned);
    g_assert_cmpint (quern_library_get_last_used (f->library, model_of (f, "Cellar")), >, 0);
  }
}

/* ---- a conversation -------------------------------------------------------------------------------------------- */

static const struct {
  const char *kind, *question, *path, *on, *off, *answer;
  gboolean has_switch;
} kinds[] = {
  { "llama", "What is 47 + 38?", "/v1/chat/completions", "\"enable_thinking\":true", "\"enable_thinking\":false", "85",
    TRUE },
  { "vllm", "What is 7 + 8?", "/v1/chat/completions", "\"enable_thinking\":true", "\"reasoning_effort\":\"none\"", "15",
    TRUE },
  { "sglang", "What is 7 + 8?", "/v1/chat/completions", "\"enable_thinking\":true", "\"reasoning_effort\":\"none\"",
    "15", TRUE },
  { "ollama", "What is 7 + 8?", "/api/chat", "\"think\":true", "\"think\":false", "15", TRUE },
  { "lm-studio", "What is 7 + 8?", "/v1/chat/completions", "\"reasoning_effort\":\"medium\"",
    "\"reasoning_effort\":\"none\"", "15", TRUE },
  { "other", "What is 7 + 8?", "/v1/chat/completions", "\"stream\":true", "\"stream\":true", "15", FALSE },
};

/* Thinking and not, on a server of each kind: what is asked, what is shown and what is stored. */
static void
test_kinds (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (QuernTestServer) simulated = new_server (f, kinds[i].kind, kinds[i].kind);
    QuernModel *model = model_of (f, kinds[i].kind);
    g_auto (Chat) chat = open_chat (f, model);
    g_autofree char *on = NULL, *off = NULL;
    QuernMessage *answer;
    const QuernStatistics *s;

    g_test_message ("%s", kinds[i].kind);
    quern_chat_session_set_thinking (chat.session, TRUE);
    answer = chat_ask (&chat, kinds[i].question);
    g_assert_cmpstr (quern_message_get_failure (answer), ==, NULL);
    g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
    assert_has (quern_message_get_content (answer), kinds[i].answer);
    if (kinds[i].has_switch)
      g_assert_cmpuint (strlen (quern_message_get_reasoning (answer)), >, 0);
    g_assert_false (quern_message_get_in_reasoning (answer));
    g_assert_cmpstr (quern_message_get_model_id (answer), ==, quern_model_get_id (model));
    s = quern_message_get_statistics (answer);
    g_assert_cmpfloat (s->first_token_seconds, >, 0);
    g_assert_cmpuint (s->prompt_tokens, ==, s->reused_tokens + s->evaluated_tokens);
    if (kinds[i].has_switch) { /* the strict one tells nothing */
      g_assert_cmpuint (s->prompt_tokens, >, 0);
      g_assert_cmpuint (s->answer_tokens, >, 0);
    }
    on = quern_test_server_dup_body (simulated, kinds[i].path);
    assert_has (on, kinds[i].on);
    assert_lacks (on, "temperature"); /* nobody chose one */
    assert_lacks (on, "seed");
    quern_chat_session_set_thinking (chat.session, FALSE);
    quern_conversation_set_sampling (chat.conversation, "{\"temperature\": 0.25, \"max_tokens\": 77}");
    answer = chat_ask (&chat, "And again?");
    g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
    if (kinds[i].has_switch)
      g_assert_cmpstr (quern_message_get_reasoning (answer), ==, "");
    g_assert_null (quern_chat_session_get_note (chat.session));
    off = quern_test_server_dup_body (simulated, kinds[i].path);
    assert_has (off, kinds[i].off);
    assert_has (off, kinds[i].question); /* the history goes along */
    assert_has (off, "\"temperature\":0.25");
    assert_has (off, ":77");
    assert_lacks (off, "top_p");
  }
}

static gboolean
has_text (gpointer message)
{
  return quern_message_get_content_length (message) > 0;
}

static gboolean
is_gone (gpointer server)
{
  return quern_test_server_get_n_gone (server) == 1;
}

/* The connection is closed, and what came is kept; the answer can be made again. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = new_server (f, "llama", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autoptr (GAsyncResult) result = NULL, again = NULL;
  g_autoptr (QuernQuestion) question = NULL;
  QuernMessage *answer;

  quern_chat_session_set_thinking (chat.session, FALSE);
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = 64, .pause = 50 });
  chat_begin (&chat, "What is the capital of France?", &result);
  TEST_WAIT_UNTIL (quern_chat_session_get_state (chat.session) == QUERN_SESSION_ANSWERING);
  test_wait (has_text, last_message (&chat));
  quern_chat_session_stop (chat.session);
  answer = chat_finish (&chat, &result);
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_STOPPED);
  g_assert_cmpuint (quern_message_get_content_length (answer), <, strlen ("The capital of France is Paris."));
  test_wait (is_gone, simulated);
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { 0 });
  question = quern_question_new_again (answer, NULL);
  quern_chat_session_ask_async (chat.session, question, NULL, test_result_cb, &again);
  answer = chat_finish (&chat, &again);
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  assert_has (quern_message_get_content (answer), "Paris");
  g_assert_cmpuint (quern_message_get_sibling_count (answer), ==, 2);
}

/* A stop before the server has said anything, too. */
static void
test_stop_waiting (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = new_server (f, "vllm", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autoptr (GAsyncResult) result = NULL;

  /* Only the answer is slow: it is counted as before. */
  quern_test_server_add_reply (simulated,
                               &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                         .status = 503,
                                                         .type = "application/json",
                                                         .body = "{\"error\":{\"message\":\"Loading model\","
                                                                 "\"type\":\"unavailable_error\",\"code\":503}}" });
  chat_begin (&chat, "What is 7 + 8?", &result);
  TEST_WAIT_UNTIL (quern_chat_session_get_state (chat.session) == QUERN_SESSION_WAITING
                   && quern_test_server_count (simulated, "/v1/chat/completions") >= 2);
  quern_chat_session_stop (chat.session);
  g_assert_cmpint (quern_message_get_state (chat_finish (&chat, &result)), ==, QUERN_MESSAGE_STOPPED);
}

/* A server that is loading its model is asked again until it answers. */
static void
test_loading (Fixture *f, gconstpointer data)
{
  static const char busy[] = "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\",\"code\":503}}";
  static const char answered[] = "data: {\"choices\":[{\"delta\":{\"content\":\"15\"},\"finish_reason\":\"stop\"}]}\n\n"
                                 "data: [DONE]\n\n";
  g_autoptr (QuernTestServer) simulated = new_server (f, "llama", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autoptr (GAsyncResult) result = NULL;
  QuernMessage *answer;

  quern_test_server_add_reply (simulated, &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                                    .status = 503,
                                                                    .type = "application/json",
                                                                    .body = busy });
  chat_begin (&chat, "What is 7 + 8?", &result);
  TEST_WAIT_UNTIL (quern_test_server_count (simulated, "/v1/chat/completions") >= 3);
  g_assert_cmpint (quern_chat_session_get_state (chat.session), ==, QUERN_SESSION_WAITING);
  g_assert_cmpfloat (quern_chat_session_get_waiting_seconds (chat.session), >, 0);
  quern_test_server_add_reply (simulated, &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                                    .status = 200,
                                                                    .type = "text/event-stream",
                                                                    .body = answered });
  answer = chat_finish (&chat, &result);
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpstr (quern_message_get_content (answer), ==, "15");
  g_assert_cmpfloat (quern_message_get_statistics (answer)->load_seconds, >, 0);
}

/* What came of a stream that broke stays, also in the database, and the answer goes on from there. */
static void
test_cut (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = new_server (f, "llama", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernQuestion) question = NULL;
  g_autofree char *kept = NULL, *body = NULL, *wanted = NULL;
  QuernMessage *answer;

  quern_chat_session_set_thinking (chat.session, FALSE);
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = 200, .pause = 5, .cut_after = 1900 });
  answer = chat_ask (&chat, "What is the capital of France?");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_FAILED);
  assert_has (quern_message_get_failure (answer), "127.0.0.1");
  kept = g_strdup (quern_message_get_content (answer));
  g_assert_cmpuint (strlen (kept), >, 0);
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { 0 });
  quern_test_server_add_reply (simulated, &(const QuernTestReply) {
                                              .path = "/v1/chat/completions",
                                              .status = 200,
                                              .type = "text/event-stream",
                                              .body = "data: {\"choices\":[{\"delta\":{\"content\":\" (the rest)\"},"
                                                      "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n" });
  question = quern_question_new_continue (answer);
  quern_chat_session_ask_async (chat.session, question, NULL, test_result_cb, &result);
  answer = chat_finish (&chat, &result);
  wanted = g_strconcat (kept, " (the rest)", NULL);
  g_assert_cmpstr (quern_message_get_content (answer), ==, wanted);
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  body = quern_test_server_dup_body (simulated, "/v1/chat/completions");
  g_clear_pointer (&wanted, g_free);
  wanted = g_strdup_printf ("{\"role\":\"assistant\",\"content\":\"%s\"}]", kept);
  assert_has (body, wanted);
}

/* Servers that cannot go on with an answer are not asked to. */
static void
test_cannot_continue (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) simulated = new_server (f, "lm-studio", "Desk");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Desk"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernQuestion) question = NULL;
  g_autoptr (GError) error = NULL;
  QuernMessage *answer = chat_ask (&chat, "What does it say that fails midway?");
  guint n_asked = quern_test_server_count (simulated, "/v1/chat/completions");

  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_FAILED);
  g_assert_cmpstr (quern_message_get_content (answer), ==, "The");
  question = quern_question_new_continue (answer);
  quern_chat_session_ask_async (chat.session, question, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (chat.session, result, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_CANNOT_CONTINUE);
  assert_has (error->message, "Desk");
  g_assert_cmpstr (quern_message_get_content (answer), ==, "The");
  g_assert_cmpuint (quern_test_server_count (simulated, "/v1/chat/completions"), ==, n_asked);
}

/* A key that is no longer right, a server that is off: the answer says so, and the conversation goes on with another model. */
static void
test_failures (Fixture *f, gconstpointer data)
{
  QuernTestServer *simulated = new_server (f, "vllm", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autofree char *id = g_strdup (quern_model_get_id (model_of (f, "Box"))), *missing = NULL;
  g_autoptr (QuernServer) server = NULL;
  g_autoptr (GAsyncResult) asked = NULL;
  g_autoptr (GError) error = NULL;
  gboolean was_remote;
  QuernMessage *answer;

  quern_test_server_add_reply (simulated, &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                                    .status = 401,
                                                                    .type = "application/json",
                                                                    .body = "{\"error\":\"Unauthorized\"}" });
  answer = chat_ask (&chat, "What is 7 + 8?");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_FAILED);
  assert_has (quern_message_get_failure (answer), "key");
  quern_test_server_free (simulated);
  answer = chat_ask (&chat, "And now?");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_FAILED);
  assert_has (quern_message_get_failure (answer), "127.0.0.1");
  server = quern_servers_find (f->servers, "Box");
  quern_servers_remove (f->servers, server);
  g_assert_null (quern_chat_session_get_model (chat.session));
  g_assert_cmpstr (quern_conversation_get_model_id (chat.conversation), ==, id);
  missing = quern_chat_session_dup_missing (chat.session, &was_remote);
  g_assert_true (was_remote);
  assert_has (missing, "which was removed");
  assert_lacks (missing, "download");
  chat_begin (&chat, "And then?", &asked);
  test_wait_result (&asked);
  g_assert_false (quern_chat_session_ask_finish (chat.session, asked, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_MODEL);
  g_assert_cmpstr (error->message, ==, missing);
  quern_servers_restore (f->servers, server);
  g_assert_nonnull (quern_chat_session_get_model (chat.session)); /* the same conversation has it again */
  g_assert_null (quern_chat_session_dup_missing (chat.session, NULL));
  quern_servers_remove (f->servers, server);
  quern_chat_session_set_model (chat.session, quern_library_get_default (f->library));
  answer = chat_ask (&chat, "What is the capital of France?");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpuint (quern_message_get_content_length (answer), >, 0);
}

/* Where no parser was started, the reasoning comes as text at first; another server sends the answer as reasoning. */
static void
test_moved (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) vllm = new_server (f, "vllm", "A"), sglang = new_server (f, "sglang", "B"),
                              lm_studio = new_server (f, "lm-studio", "C");
  g_auto (Chat) chat = open_chat (f, model_of (f, "A")), other = open_chat (f, model_of (f, "B")),
                stubborn = open_chat (f, model_of (f, "C"));
  QuernMessage *answer;

  quern_chat_session_set_thinking (chat.session, TRUE);
  quern_test_server_set_pace (vllm,
                              &(const QuernTestPace) { .piece = 100, .pause = 10 }); /* it shows before it moves */
  answer = chat_ask (&chat, "With no parser?");
  g_assert_cmpstr (quern_message_get_content (answer), ==, "15");
  assert_has (quern_message_get_reasoning (answer), "Seven and eight.");
  answer = chat_ask (&other, "Is it all in reasoning?");
  g_assert_cmpuint (quern_message_get_content_length (answer), >, 0);
  g_assert_cmpstr (quern_message_get_reasoning (answer), ==, "");
  assert_has (quern_chat_session_get_note (other.session), "as reasoning");
  quern_chat_session_set_thinking (stubborn.session, FALSE);
  answer = chat_ask (&stubborn, "Are you stubborn?");
  g_assert_cmpuint (strlen (quern_message_get_reasoning (answer)), >, 0);
  assert_has (quern_chat_session_get_note (stubborn.session), "ignores the setting");
}

/* While the prompt is read the server tells how far it is; while it thinks it can be told to answer. */
static void
test_progress_and_answer_now (Fixture *f, gconstpointer data)
{
  static const char body[] =
      "data: {\"id\":\"chatcmpl-9\",\"choices\":[],\"prompt_progress\":{\"total\":100,\"cache\":0,\"processed\":50,"
      "\"time_ms\":1}}\n\n"
      "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"delta\":{\"reasoning_content\":\"Well\"}}]}\n\n"
      "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"delta\":{\"content\":\"15\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: [DONE]\n\n";
  g_autoptr (QuernTestServer) simulated = new_server (f, "llama", "Box");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Box"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *control = NULL;

  quern_test_server_add_reply (simulated, &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                                    .status = 200,
                                                                    .type = "text/event-stream",
                                                                    .body = body });
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = 20, .pause = 40 });
  quern_chat_session_set_thinking (chat.session, TRUE);
  chat_begin (&chat, "What is 7 + 8?", &result);
  TEST_WAIT_UNTIL (quern_chat_session_get_state (chat.session) == QUERN_SESSION_PREFILL);
  g_assert_cmpfloat_with_epsilon (quern_chat_session_get_progress (chat.session), 0.5, 0.01);
  TEST_WAIT_UNTIL (quern_chat_session_get_state (chat.session) == QUERN_SESSION_THINKING);
  quern_chat_session_answer_now (chat.session);
  g_assert_cmpstr (quern_message_get_content (chat_finish (&chat, &result)), ==, "15");
  TEST_WAIT_UNTIL (quern_test_server_count (simulated, "/v1/chat/completions/control") == 1);
  control = quern_test_server_dup_body (simulated, "/v1/chat/completions/control");
  assert_has (control, "chatcmpl-9");
}

/* A picture goes along in the size in which a model here would see it; one that is known to be blind refuses. */
static void
test_pictures (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) seeing = new_server (f, "llama", "Eyes"), blind = new_server (f, "llama-blind", "Mole");
  g_auto (Chat) chat = open_chat (f, model_of (f, "Eyes")), refused = open_chat (f, model_of (f, "Mole"));
  g_autofree char *path = NULL, *body = NULL;
  g_autofree char *folder = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "images", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  g_autoptr (GBytes) content = NULL;
  g_autoptr (QuernAttachment) picture = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernMessage *answer;

  path = g_build_filename (folder, g_dir_read_name (dir), NULL);
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  content = g_bytes_new (bytes, size);
  picture = quern_attachment_new ("picture.png", "image/png", content);
  g_list_store_append (quern_question_get_attachments (quern_chat_session_get_question (chat.session)), picture);
  answer = chat_ask (&chat, "What do you see?");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpuint (quern_message_get_content_length (answer), >, 0);
  body = quern_test_server_dup_body (seeing, "/v1/chat/completions");
  assert_has (body, "\"image_url\":{\"url\":\"data:image/png;base64,");
  g_list_store_append (quern_question_get_attachments (quern_chat_session_get_question (refused.session)), picture);
  chat_begin (&refused, "What do you see?", &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (refused.session, result, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_NO_VISION);
  assert_has (error->message, "on “Mole” cannot see pictures");
  g_assert_cmpuint (quern_test_server_count (blind, "/v1/chat/completions"), ==, 0);
}

static QuernTokenCount
count (Chat *chat, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  QuernTokenCount tokens;

  quern_question_set_text (quern_chat_session_get_question (chat->session), text);
  quern_chat_session_count_tokens_async (chat->session, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_chat_session_count_tokens_finish (chat->session, result, &tokens, &error));
  g_assert_no_error (error);
  return tokens;
}

static void
assert_too_long (Chat *chat, const char *text, const char *sentence)
{
  g_autoptr (GAsyncResult) result = NULL, planned = NULL;
  g_autoptr (GError) error = NULL;
  QuernOverflowPlan plan;

  chat_begin (chat, text, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (chat->session, result, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG);
  assert_has (error->message, sentence);
  g_clear_error (&error);
  quern_chat_session_plan_overflow_async (chat->session, NULL, test_result_cb, &planned);
  test_wait_result (&planned);
  g_assert_true (quern_chat_session_plan_overflow_finish (chat->session, planned, &plan, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (plan.needed, >, plan.context_size);
  quern_chat_session_withdraw (chat->session);
}

/* What is being written does not go to the server, not even to be counted; what is sent is counted where the server counts.
 * Estimates are marked as such, and what does not fit is not sent. */
static void
test_overflow (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "A"), lm_studio = new_server (f, "lm-studio", "B"),
                              other = new_server (f, "other", "C");
  g_auto (Chat) exact = open_chat (f, model_of (f, "A")), about = open_chat (f, model_of (f, "B"));
  g_autofree char *text = g_strnfill (80000, 'x');
  QuernTokenCount tokens = count (&exact, "What is 47 + 38?");

  g_assert_true (tokens.estimated);
  g_assert_cmpuint (quern_test_server_count (llama, "/v1/chat/completions/input_tokens"), ==, 0);
  g_assert_cmpuint (tokens.context_size, ==, 2048);
  g_assert_true (tokens.fits);
  quern_test_server_add_reply (llama, &(const QuernTestReply) { .path = "/v1/chat/completions/input_tokens",
                                                                .status = 200,
                                                                .type = "application/json",
                                                                .body = "{\"input_tokens\": 2500}" });
  assert_too_long (&exact, "A long one", "would have 2500 tokens, but the context holds 2048");
  g_assert_cmpuint (quern_test_server_count (llama, "/v1/chat/completions"), ==, 0);
  tokens = count (&about, text);
  g_assert_true (tokens.estimated);
  g_assert_cmpuint (tokens.context_size, ==, 16384);
  g_assert_false (tokens.fits);
  assert_too_long (&about, text, "would have about 20010 tokens");
  g_assert_cmpuint (quern_test_server_count (lm_studio, "/v1/chat/completions"), ==, 0);
}

/* Where the server takes a length, a longer context is one of the ways out, and is asked for. */
static void
test_longer_context (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) ollama = new_server (f, "ollama", "Ollama");
  g_auto (Chat) chat = open_chat (f, quern_library_find (f->library, "Ollama/qwen3.5:4b"));
  g_autofree char *text = g_strnfill (20000, 'x'), *body = NULL;
  g_autoptr (GAsyncResult) result = NULL, planned = NULL, asked = NULL;
  g_autoptr (GError) error = NULL;
  QuernOverflowPlan plan;

  chat_begin (&chat, text, &result);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (chat.session, result, &error));
  g_clear_error (&error);
  quern_chat_session_plan_overflow_async (chat.session, NULL, test_result_cb, &planned);
  test_wait_result (&planned);
  g_assert_true (quern_chat_session_plan_overflow_finish (chat.session, planned, &plan, &error));
  g_assert_cmpuint (plan.raised, >, 5010);
  g_assert_cmpuint (plan.raised_bytes, ==, 0); /* of this computer's memory */
  quern_conversation_set_context_size (chat.conversation, plan.raised);
  quern_chat_session_ask_async (chat.session, quern_chat_session_get_refused (chat.session), NULL, test_result_cb,
                                &asked);
  g_assert_cmpint (quern_message_get_state (chat_finish (&chat, &asked)), ==, QUERN_MESSAGE_COMPLETE);
  body = quern_test_server_dup_body (ollama, "/api/chat");
  assert_has (body, "\"num_ctx\":7168");
  assert_has (body, "\"truncate\":false");
}

/* ---- requests that are no question of a conversation ----------------------------------------------------------- */

static gboolean
is_done (gpointer generation)
{
  return quern_generation_get_phase (generation) == QUERN_GENERATION_DONE;
}

static QuernGeneration *
generate (Fixture *f, QuernModel *model, QuernRequest *request)
{
  g_autoptr (QuernLoadedModel)
      loaded = quern_backend_load_sync (f->backend, model, &(const QuernLoadParams) { 0 }, NULL, NULL);
  QuernGeneration *generation = quern_loaded_model_generate (loaded, request);

  test_wait (is_done, generation);
  return generation;
}

/* A schema goes along in the server's form; what no server can do is refused with words. */
static void
test_requests (Fixture *f, gconstpointer data)
{
  static const char schema[] = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}";
  const gint32 tokens[] = { 1, 2, 3 };
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "A"), ollama = new_server (f, "ollama", "B"),
                              other = new_server (f, "other", "C");
  g_autoptr (QuernRequest) request = quern_request_new (), forced = quern_request_new ();
  g_autofree char *body = NULL, *native = NULL;
  QuernScoring scoring = { tokens, G_N_ELEMENTS (tokens) };
  g_autoptr (QuernLoadedModel)
      loaded = quern_backend_load_sync (f->backend, model_of (f, "A"), &(const QuernLoadParams) { 0 }, NULL, NULL);
  g_autoptr (GError) error = NULL;

  quern_request_add_message (request, QUERN_ROLE_USER, "What is the capital of France?", NULL);
  quern_request_set_schema (request, schema);
  g_object_unref (generate (f, model_of (f, "A"), request));
  body = quern_test_server_dup_body (llama, "/v1/chat/completions");
  assert_has (body,
              "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"strict\":true,"
              "\"schema\":{\"type\":\"object\"");
  g_object_unref (generate (f, quern_library_find (f->library, "B/qwen3.5:4b"), request));
  native = quern_test_server_dup_body (ollama, "/api/chat");
  assert_has (native, "\"format\":{\"type\":\"object\"");
  {
    g_autoptr (QuernGeneration) generation = generate (f, model_of (f, "C"), request);

    g_assert_error (quern_generation_get_error (generation), QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED);
    assert_has (quern_generation_get_error (generation)->message, "JSON schemas");
  }
  quern_request_set_tokens (forced, tokens, G_N_ELEMENTS (tokens));
  {
    g_autoptr (QuernGeneration) generation = generate (f, model_of (f, "A"), forced);

    g_assert_cmpint (quern_generation_get_stop (generation), ==, QUERN_STOP_FAILED);
    g_assert_error (quern_generation_get_error (generation), QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED);
  }
  g_assert_false (quern_loaded_model_score_sync (loaded, &scoring, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
  g_test_init (&argc, &argv, NULL);
  _quern_remote_set_patience (20);
#define ADD(name, function) g_test_add ("/remote-chat/" name, Fixture, NULL, setup, function, teardown)
  ADD ("library", test_library);
  ADD ("context", test_context);
  ADD ("changes", test_changes);
  ADD ("kinds", test_kinds);
  ADD ("stop", test_stop);
  ADD ("stop-waiting", test_stop_waiting);
  ADD ("loading", test_loading);
  ADD ("cut", test_cut);
  ADD ("cannot-continue", test_cannot_continue);
  ADD ("failures", test_failures);
  ADD ("moved", test_moved);
  ADD ("progress", test_progress_and_answer_now);
  ADD ("pictures", test_pictures);
  ADD ("overflow", test_overflow);
  ADD ("longer-context", test_longer_context);
  ADD ("requests", test_requests);
  return g_test_run ();
}
