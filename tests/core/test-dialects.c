/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-local-backend.h"
#include "quern-service.h"
#include "test-http.h"

/* Tools, raw text and the dialects of Quern's own server beside OpenAI's chat, asked over real connections; Quern Tiny
 * answers. */

#define PARIS "What is the capital of France?"
#define PARIS_ANSWER "The capital of France is Paris."
#define SCHEMA                                                                                                         \
  "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"enum\":[\"Paris\",\"Bern\"]},"                 \
  "\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":14}},\"required\":[\"city\",\"days\"]}"
#define TOOLS                                                                                                          \
  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"d\",\"parameters\":" SCHEMA  \
  "}}]"

typedef struct {
  QuernBackend *backend;
  QuernLibrary *library;
  QuernService *service;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  f->backend = QUERN_BACKEND (quern_local_backend_new ());
  f->library = quern_library_new (NULL);
  quern_library_scan_async (f->library, NULL, test_result_cb, &result);
  test_wait_result (&result);
  quern_library_scan_finish (f->library, result, &error);
  g_assert_no_error (error);
  f->service = quern_service_new (f->backend, f->library);
  quern_service_start (f->service, &(QuernServiceSetup) { .context_size = 2048 }, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  quern_service_stop_and_wait (f->service);
  g_object_unref (f->service);
  g_object_unref (f->backend);
  g_object_unref (f->library);
}

static TestReply *
get (Fixture *f, const char *path)
{
  return test_http (quern_service_get_port (f->service), "GET", path, NULL, NULL);
}

static TestReply *
post (Fixture *f, const char *path, const char *body)
{
  return test_http (quern_service_get_port (f->service), "POST", path, NULL, body);
}

/* The JSON objects of a stream, events or lines. [DONE] is left out. */
static GPtrArray *
list_events (const TestReply *reply)
{
  g_auto (GStrv) lines = g_strsplit (reply->body, "\n", -1);
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_true (reply->whole);
  for (guint i = 0; lines[i]; i++) {
    const char *data = g_str_has_prefix (lines[i], "data: ") ? lines[i] + 6 : lines[i];
    JsonNode *node = *data == '{' ? json_from_string (data, NULL) : NULL;
    if (node)
      g_ptr_array_add (events, node);
  }
  g_assert_cmpuint (events->len, >, 0);
  return events;
}

/* What the strings at a path of all events are together. */
static char *
join (const GPtrArray *events, const char *path)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++) {
    g_autofree char *part = test_json_text (events->pdata[i], path);
    if (!g_str_equal (part, "null"))
      g_string_append (text, part);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_arguments (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  g_assert_cmpint (test_json_int (node, "$.days"), >=, 1);
  g_assert_cmpint (test_json_int (node, "$.days"), <=, 14);
}

/* ---- OpenAI's chat ------------------------------------------------------------------------------------------------ */

static void
test_chat_tools (Fixture *f, gconstpointer unused)
{
  static const char body[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"temperature\":0,"
                             "\"enable_thinking\":false,\"max_tokens\":200,\"tool_choice\":\"required\","
                             "\"parallel_tool_calls\":false," TOOLS ",\"stream\":";
  g_autofree char *whole_body = g_strconcat (body, "false}", NULL), *stream_body = g_strconcat (body, "true}", NULL);
  g_autoptr (TestReply) whole = post (f, "/v1/chat/completions", whole_body);
  g_autoptr (TestReply) stream = post (f, "/v1/chat/completions", stream_body);
  g_autofree char *arguments = test_json_text (whole->json, "$.choices[0].message.tool_calls[0].function.arguments");

  g_assert_cmpuint (whole->status, ==, 200);
  test_assert_text (whole->json, "$.choices[0].finish_reason", "tool_calls");
  test_assert_text (whole->json, "$.choices[0].message.tool_calls[0].type", "function");
  test_assert_text (whole->json, "$.choices[0].message.tool_calls[0].function.name", "weather");
  assert_arguments (arguments);

  g_autoptr (GPtrArray) events = list_events (stream);
  g_autofree char *streamed = join (events, "$.choices[0].delta.tool_calls[0].function.arguments");
  g_autofree char *names = join (events, "$.choices[0].delta.tool_calls[0].function.name");
  g_autofree char *ids = join (events, "$.choices[0].delta.tool_calls[0].id");
  g_autofree char *reasons = join (events, "$.choices[0].finish_reason");

  g_assert_cmpstr (streamed, ==, arguments);
  g_assert_cmpstr (names, ==, "weather"); /* once */
  g_assert_true (g_str_has_prefix (ids, "call_"));
  g_assert_cmpstr (reasons, ==, "tool_calls");
}

/* The conversation goes on with what the tool gave. */
static void
test_chat_results (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) reply = post (
      f, "/v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Weather?\"},{\"role\":\"assistant\",\"content\":null,"
      "\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":"
      "\"{\\\"city\\\": \\\"Bern\\\", \\\"days\\\": 2}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":"
      "\"rain\"}],\"temperature\":0,\"max_tokens\":20," TOOLS "}");
  g_autoptr (TestReply) wrong =
      post (f, "/v1/chat/completions",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":{\"type\":\"function\",\"function\":"
            "{\"name\":\"other\"}}," TOOLS "}");
  g_autoptr (TestReply) broken = post (f, "/v1/chat/completions",
                                       "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\","
                                       "\"tool_calls\":[{\"function\":{\"name\":\"a\",\"arguments\":\"{]\"}}]},"
                                       "{\"role\":\"user\",\"content\":\"x\"}]}");
  g_autofree char *message = test_json_text (wrong->json, "$.error.message");

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpint (test_json_int (reply->json, "$.usage.completion_tokens"), >, 0);
  g_assert_cmpuint (wrong->status, ==, 400);
  g_assert_nonnull (strstr (message, "other"));
  g_assert_cmpuint (broken->status, ==, 400);
}

static void
test_chat_choosing (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) stop = post (f, "/v1/chat/completions",
                                     "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"temperature\":0,"
                                     "\"enable_thinking\":false,\"stop\":[\" is\",\"nothing\"]}");
  g_autoptr (TestReply)
      grammar = post (f, "/v1/chat/completions",
                      "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"temperature\":0,"
                      "\"enable_thinking\":false,\"grammar\":\"root ::= \\\"Rome\\\"\"}");
  g_autoptr (TestReply) wrong = post (f, "/v1/chat/completions",
                                      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"grammar\":\"root\"}");

  test_assert_text (stop->json, "$.choices[0].message.content", "The capital of France");
  test_assert_text (stop->json, "$.choices[0].finish_reason", "stop");
  test_assert_text (grammar->json, "$.choices[0].message.content", "Rome");
  g_assert_cmpuint (wrong->status, ==, 400);
}

/* ---- OpenAI's completions ----------------------------------------------------------------------------------------- */

#define RAW "<|im_start|>user\\n" PARIS "<|im_end|>\\n<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n"

static guint
length_at (JsonNode *root, const char *path)
{
  g_autofree char *text = test_json_at (root, path);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  return json_array_get_length (json_node_get_array (node));
}

/* The probabilities of a given text, as lm-evaluation-harness asks for them. */
static void
test_echo (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) echo = post (f, "/v1/completions",
                                     "{\"prompt\":\"" RAW PARIS_ANSWER "\",\"max_tokens\":1,\"logprobs\":1,"
                                     "\"temperature\":0,\"echo\":true}");
  g_autoptr (TestReply)
      alone = post (f, "/v1/completions", "{\"prompt\":[[1,2,3,4]],\"max_tokens\":0,\"logprobs\":2,\"echo\":true}");
  g_autoptr (TestReply) long_text =
      post (f, "/v1/completions", "{\"prompt\":\"" RAW "\",\"max_tokens\":100,\"temperature\":0,\"logprobs\":0}");
  g_autofree char *text = test_json_text (echo->json, "$.choices[0].text");
  g_autofree char *list = test_json_at (echo->json, "$.choices[0].logprobs.token_logprobs");
  g_autoptr (JsonNode) node = json_from_string (list, NULL);
  JsonArray *logprobs = json_node_get_array (node);
  const guint n = json_array_get_length (logprobs);
  double sum = 0;

  g_assert_cmpuint (echo->status, ==, 200);
  g_assert_true (g_str_has_prefix (text, "<|im_start|>user\n" PARIS));
  g_assert_true (json_node_is_null (json_array_get_element (logprobs, 0)));
  g_assert_cmpuint (length_at (echo->json, "$.choices[0].logprobs.tokens"), ==, n);
  g_assert_cmpuint (length_at (echo->json, "$.choices[0].logprobs.top_logprobs"), ==, n);
  g_assert_cmpuint (length_at (echo->json, "$.choices[0].logprobs.text_offset"), ==, n);
  g_assert_cmpint (test_json_int (echo->json, "$.usage.prompt_tokens"), <=, n);
  for (guint i = n - 4; i < n; i++) /* Quern Tiny is sure of this answer */
    sum += json_array_get_double_element (logprobs, i);
  g_assert_cmpfloat (sum, >, -2);

  g_assert_cmpuint (alone->status, ==, 200);
  g_assert_cmpuint (length_at (alone->json, "$.choices[0].logprobs.token_logprobs"), ==, 4);
  g_assert_cmpint (test_json_int (alone->json, "$.usage.completion_tokens"), ==, 0);

  test_assert_text (long_text->json, "$.choices[0].text", PARIS_ANSWER);
  g_assert_cmpuint (length_at (long_text->json, "$.choices[0].logprobs.token_logprobs"), ==,
                    test_json_int (long_text->json, "$.usage.completion_tokens"));
}

static void
test_completion_stream (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) reply = post (f, "/v1/completions",
                                      "{\"prompt\":\"" RAW "\",\"max_tokens\":100,\"temperature\":0,\"logprobs\":1,"
                                      "\"stream\":true,\"stop\":\"Paris\"}");
  g_autoptr (TestReply) none = post (f, "/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":0}");
  g_autoptr (GPtrArray) events = list_events (reply);
  g_autofree char *text = join (events, "$.choices[0].text");

  g_assert_cmpstr (text, ==, "The capital of France is ");
  g_assert_cmpuint (none->status, ==, 400);
}

/* ---- Ollama ------------------------------------------------------------------------------------------------------- */

static void
test_ollama_facts (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) root = get (f, "/"), version = get (f, "/api/version"), tags = get (f, "/api/tags");
  g_autoptr (TestReply) pull = post (f, "/api/pull", "{\"model\":\"x\"}"),
                        none = post (f, "/api/show", "{\"model\":\"no\"}");
  g_autofree char *id = test_json_text (tags->json, "$.models[0].name");
  g_autofree char *body = g_strdup_printf ("{\"model\":\"%s:latest\"}", id);
  g_autoptr (TestReply) show = post (f, "/api/show", body), generate = post (f, "/api/generate", body);
  g_autoptr (TestReply) loaded = get (f, "/api/ps");
  g_autofree char *error = test_json_text (none->json, "$.error");

  g_assert_cmpstr (root->body, ==, "Ollama is running");
  g_assert_cmpuint (version->status, ==, 200);
  test_assert_text (tags->json, "$.models[0].details.format", "gguf");
  g_assert_cmpuint (show->status, ==, 200);
  test_assert_text (show->json, "$.capabilities[0]", "completion");
  g_assert_cmpuint (pull->status, ==, 501);
  g_assert_cmpuint (none->status, ==, 404);
  g_assert_nonnull (strstr (error, "no"));
  test_assert_text (generate->json, "$.done_reason", "load"); /* nothing was asked */
  test_assert_text (loaded->json, "$.models[0].name", id);
  g_assert_cmpint (test_json_int (loaded->json, "$.models[0].context_length"), ==, 2048);
}

static void
test_ollama_chat (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) stream = post (f, "/api/chat",
                                       "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"think\":false,"
                                       "\"options\":{\"temperature\":0}}");
  g_autoptr (TestReply) whole = post (f, "/api/chat",
                                      "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"think\":false,"
                                      "\"stream\":false,\"options\":{\"temperature\":0,\"num_predict\":3}}");
  g_autoptr (TestReply)
      tools = post (f, "/api/chat",
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\","
                    "\"tool_calls\":[{\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Bern\"}}}]},"
                    "{\"role\":\"tool\",\"tool_name\":\"weather\",\"content\":\"rain\"}],\"think\":false,"
                    "\"stream\":false,\"options\":{\"temperature\":0,\"num_predict\":3}," TOOLS "}");
  g_autoptr (TestReply) generate = post (f, "/api/generate",
                                         "{\"prompt\":\"" PARIS "\",\"think\":false,\"format\":{\"type\":\"object\","
                                         "\"properties\":{\"a\":{\"type\":\"boolean\"}},\"required\":[\"a\"]},"
                                         "\"stream\":false,\"options\":{\"temperature\":0}}");
  g_autoptr (TestReply) wrong = post (f, "/api/chat", "{\"messages\":[{\"role\":\"nobody\"}]}");
  g_autoptr (GPtrArray) lines = list_events (stream);
  g_autofree char *text = join (lines, "$.message.content"), *made = test_json_text (generate->json, "$.response");
  g_autoptr (JsonNode) object = json_from_string (made, NULL);

  g_assert_nonnull (strstr (stream->head, "application/x-ndjson"));
  g_assert_cmpstr (text, ==, PARIS_ANSWER);
  test_assert_text (lines->pdata[lines->len - 1], "$.done_reason", "stop");
  g_assert_cmpint (test_json_int (lines->pdata[lines->len - 1], "$.eval_count"), >, 0);
  test_assert_text (whole->json, "$.done_reason", "length");
  g_assert_cmpint (test_json_int (whole->json, "$.eval_count"), ==, 3);
  g_assert_cmpuint (tools->status, ==, 200);
  g_assert_true (object && JSON_NODE_HOLDS_OBJECT (object));
  g_assert_cmpuint (wrong->status, ==, 400);
  g_assert_nonnull (json_object_get_string_member (json_node_get_object (wrong->json), "error"));
}

/* ---- OpenAI's responses ------------------------------------------------------------------------------------------- */

static void
test_responses (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) whole =
      post (f, "/v1/responses", "{\"input\":\"" PARIS "\",\"temperature\":0,\"reasoning\":{\"effort\":\"none\"}}");
  g_autoptr (TestReply)
      stream = post (f, "/v1/responses",
                     "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"" PARIS
                     "\"}]}],\"temperature\":0,\"reasoning\":{\"effort\":\"none\"},\"stream\":true}");
  g_autoptr (TestReply) calls = post (
      f, "/v1/responses",
      "{\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"weather\","
      "\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"rain\"}],\"temperature\":0,"
      "\"parallel_tool_calls\":false,\"reasoning\":{\"effort\":\"none\"},\"max_output_tokens\":200,\"tool_choice\":\"required\",\"tools\":[{\"type\":"
      "\"function\",\"name\":\"weather\",\"parameters\":" SCHEMA "},{\"type\":\"web_search\"}],\"stream\":true}");
  g_autoptr (TestReply) kept = post (f, "/v1/responses", "{\"input\":\"x\",\"previous_response_id\":\"resp_1\"}");
  g_autoptr (GPtrArray) events = list_events (stream), of_calls = list_events (calls);
  g_autofree char *types = join (events, "$.type"), *text = join (events, "$.delta");
  g_autofree char *arguments = join (of_calls, "$.arguments");

  g_assert_cmpuint (whole->status, ==, 200);
  test_assert_text (whole->json, "$.output[0].content[0].text", PARIS_ANSWER);
  test_assert_text (whole->json, "$.status", "completed");
  g_assert_cmpint (test_json_int (whole->json, "$.usage.output_tokens"), >, 0);
  g_assert_true (g_str_has_prefix (types, "response.createdresponse.in_progressresponse.output_item.added"
                                          "response.content_part.addedresponse.output_text.delta"));
  g_assert_true (g_str_has_suffix (types, "response.output_text.doneresponse.content_part.done"
                                          "response.output_item.doneresponse.completed"));
  g_assert_cmpstr (text, ==, PARIS_ANSWER);
  test_assert_text (events->pdata[events->len - 1], "$.response.output[0].content[0].text", PARIS_ANSWER);
  assert_arguments (arguments); /* of the event that has them whole */
  test_assert_text (of_calls->pdata[of_calls->len - 1], "$.response.output[0].name", "weather");
  g_assert_cmpuint (kept->status, ==, 400);
}

/* ---- Anthropic's messages ----------------------------------------------------------------------------------------- */

static void
test_messages (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) whole = post (f, "/v1/messages",
                                      "{\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS
                                      "\"}],\"temperature\":0,\"stop_sequences\":[\" is\"]}");
  g_autoptr (TestReply)
      stream = post (f, "/v1/messages",
                     "{\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                     "\"text\":\"" PARIS "\"}]}],\"temperature\":0,\"stream\":true}");
  g_autoptr (TestReply) uses = post (
      f, "/v1/messages",
      "{\"max_tokens\":200,\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
      "\"tool_use\",\"id\":\"t\",\"name\":\"weather\",\"input\":{\"city\":\"Bern\"}}]},{\"role\":\"user\",\"content\":[{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"rain\"}]},{\"type\":\"text\",\"text\":"
      "\"" PARIS "\"}]}],\"temperature\":0,\"tools\":[{\"name\":\"weather\",\"input_schema\":" SCHEMA
      "}],\"tool_choice\":"
      "{\"type\":\"tool\",\"name\":\"weather\",\"disable_parallel_tool_use\":true},\"stream\":true}");
  g_autoptr (TestReply)
      count = post (f, "/v1/messages/count_tokens", "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}]}");
  g_autoptr (TestReply) wrong = post (f, "/v1/messages", "{\"messages\":[]}");
  g_autoptr (GPtrArray) events = list_events (stream), of_uses = list_events (uses);
  g_autofree char *types = join (events, "$.type"), *text = join (events, "$.delta.text");
  g_autofree char *json = join (of_uses, "$.delta.partial_json"), *reason = join (of_uses, "$.delta.stop_reason");

  test_assert_text (whole->json, "$.content[0].text", "The capital of France");
  test_assert_text (whole->json, "$.stop_reason", "stop_sequence");
  test_assert_text (whole->json, "$.stop_sequence", " is");
  g_assert_true (g_str_has_prefix (types, "message_startcontent_block_startcontent_block_delta"));
  g_assert_true (g_str_has_suffix (types, "content_block_stopmessage_deltamessage_stop"));
  g_assert_nonnull (strstr (stream->body, "event: message_start\n"));
  g_assert_cmpstr (text, ==, PARIS_ANSWER);
  assert_arguments (json);
  g_assert_cmpstr (reason, ==, "tool_use");
  g_assert_cmpint (test_json_int (count->json, "$.input_tokens"), ==,
                   test_json_int (whole->json, "$.usage.input_tokens")
                       + test_json_int (whole->json, "$.usage.cache_read_input_tokens"));
  g_assert_cmpuint (wrong->status, ==, 400);
  test_assert_text (wrong->json, "$.type", "error");
  test_assert_text (wrong->json, "$.error.type", "invalid_request_error");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dialects/chat-tools", Fixture, NULL, set_up, test_chat_tools, tear_down);
  g_test_add ("/dialects/chat-results", Fixture, NULL, set_up, test_chat_results, tear_down);
  g_test_add ("/dialects/chat-choosing", Fixture, NULL, set_up, test_chat_choosing, tear_down);
  g_test_add ("/dialects/echo", Fixture, NULL, set_up, test_echo, tear_down);
  g_test_add ("/dialects/completion-stream", Fixture, NULL, set_up, test_completion_stream, tear_down);
  g_test_add ("/dialects/ollama-facts", Fixture, NULL, set_up, test_ollama_facts, tear_down);
  g_test_add ("/dialects/ollama-chat", Fixture, NULL, set_up, test_ollama_chat, tear_down);
  g_test_add ("/dialects/responses", Fixture, NULL, set_up, test_responses, tear_down);
  g_test_add ("/dialects/messages", Fixture, NULL, set_up, test_messages, tear_down);
  return g_test_run ();
}
