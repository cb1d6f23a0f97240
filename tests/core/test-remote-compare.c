/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models on servers in comparisons and measurements, and on the command line. */

#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-comparison-json.h"
#include "quern-comparison-report.h"
#include "quern-json-util.h"
#include "quern-questions.h"
#include "quern-remote-backend.h"
#include "test-remote-util.h"

static void
add_column (QuernComparison *comparison, QuernModel *model)
{
  g_autoptr (QuernCompareColumn) column = quern_compare_column_new (model);

  quern_compare_column_set_thinking (column, QUERN_THINKING_OFF);
  g_assert_true (quern_comparison_add_column (comparison, column));
}

static QuernCompareAnswer *
answer_of (QuernComparison *comparison, guint column)
{
  return quern_compare_column_get_answer (quern_comparison_get_column (comparison, column), 0);
}

static void
ask (Fixture *f, QuernComparison *comparison, const char *prompt)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_comparison_ask_async (comparison, f->backend, prompt, NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_comparison_ask_finish (comparison, result, &error));
  g_assert_no_error (error);
}

/* A column on this computer and two on servers: all that was set goes along, and no claim is made about tokens. */
static void
test_columns (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "Box"), vllm = new_server (f, "vllm", "Rack");
  g_autoptr (QuernComparison) comparison = quern_comparison_new (), restored = NULL;
  g_autofree char *body = NULL, *other = NULL, *json = NULL, *html = NULL, *markdown = NULL;
  g_autoptr (GError) error = NULL;
  QuernFork fork;

  add_column (comparison, quern_library_get_default (f->library));
  add_column (comparison, model_of (f, "Box"));
  add_column (comparison, model_of (f, "Rack"));
  g_object_set (comparison, "seed", (guint64) 4711, "max-tokens", 40, NULL);
  ask (f, comparison, "What is the capital of France?");
  for (guint i = 0; i < 3; i++) {
    QuernCompareAnswer *answer = answer_of (comparison, i);

    g_assert_cmpstr (quern_compare_answer_get_failure (answer), ==, NULL);
    g_assert_cmpint (quern_compare_answer_get_state (answer), ==, QUERN_COMPARE_DONE);
    g_assert_cmpuint (strlen (quern_compare_answer_get_answer (answer)), >, 0);
    g_assert_cmpuint (quern_compare_answer_get_statistics (answer)->answer_tokens, >, 0);
    g_assert_cmpuint (quern_compare_answer_get_n_tokens (answer) > 0, ==, i == 0);
  }
  g_assert_cmpuint (quern_compare_answer_get_planned_memory (answer_of (comparison, 1)), ==, 0);
  body = quern_test_server_dup_body (llama, "/v1/chat/completions");
  assert_has (body, "\"seed\":4711");
  assert_has (body, "\"temperature\":");
  assert_has (body, "\"top_k\":");
  assert_has (body, "\"presence_penalty\":");
  assert_has (body, "\"max_tokens\":40");
  other = quern_test_server_dup_body (vllm, "/v1/chat/completions");
  assert_has (other, "\"seed\":4711");
  quern_comparison_get_fork (comparison, 0, 0, 1, &fork);
  g_assert_false (fork.known);
  g_assert_false (fork.differs);
  quern_comparison_get_fork (comparison, 0, 1, 2, &fork);
  g_assert_false (fork.known);
  quern_comparison_vote (comparison, 0, 0, 1, QUERN_VOTE_B);
  g_assert_cmpuint (quern_comparison_get_n_votes (comparison), ==, 1);
  json = quern_comparison_to_json (comparison);
  assert_has (json, "\"server\":\"Box\"");
  assert_has (json, "\"forks\":[]");
  html = quern_comparison_to_html (comparison);
  assert_has (html, "on “Box”");
  assert_lacks (html, "class=fork");
  markdown = quern_comparison_to_markdown (comparison);
  assert_has (markdown, "| on “Rack” |");
  restored = quern_comparison_new_from_json (json, -1, G_LIST_MODEL (f->library), &error);
  g_assert_no_error (error);
  g_assert_true (quern_compare_column_get_model (quern_comparison_get_column (restored, 1)) == model_of (f, "Box"));
  g_assert_cmpstr (quern_compare_column_get_facts (quern_comparison_get_column (restored, 2))->place, ==, "Rack");
}

/* Servers work at the same time as this computer; one that refuses leaves the others alone. */
static void
test_parallel (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) slow = new_server (f, "llama", "Slow"), locked = new_server (f, "vllm", "Locked");
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();
  g_autoptr (GAsyncResult) result = NULL;

  quern_test_server_add_reply (locked, &(const QuernTestReply) { .path = "/v1/chat/completions",
                                                                 .status = 401,
                                                                 .type = "application/json",
                                                                 .body = "{\"error\":\"Unauthorized\"}" });
  quern_test_server_set_pace (slow, &(const QuernTestPace) { .stall_after = 300 });
  add_column (comparison, model_of (f, "Slow"));
  add_column (comparison, model_of (f, "Locked"));
  add_column (comparison, quern_library_get_default (f->library));
  quern_comparison_ask_async (comparison, f->backend, "What is the capital of France?", NULL, NULL, test_result_cb,
                              &result);
  TEST_WAIT_UNTIL (quern_compare_answer_get_state (answer_of (comparison, 2)) == QUERN_COMPARE_DONE
                   && quern_compare_answer_get_state (answer_of (comparison, 1)) == QUERN_COMPARE_FAILED);
  g_assert_true (quern_compare_answer_is_running (answer_of (comparison, 0)));
  assert_has (quern_compare_answer_get_failure (answer_of (comparison, 1)), "key");
  quern_comparison_stop (comparison);
  test_wait_result (&result);
  g_assert_true (quern_comparison_ask_finish (comparison, result, NULL));
  g_assert_cmpint (quern_compare_answer_get_state (answer_of (comparison, 0)), ==, QUERN_COMPARE_STOPPED);
}

/* A question set is put to columns on servers like to others. */
static void
test_questions (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = new_server (f, "llama", "Box"), vllm = new_server (f, "vllm", "Rack");
  g_autoptr (QuernComparison) comparison = quern_comparison_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernQuestions)
      questions = quern_questions_new ("{\"question\":\"The capital of France?\",\"answer\":\"Paris\"}\n"
                                       "{\"question\":\"7 + 8?\",\"answer\":\"15\"}\n",
                                       -1, &error);
  guint right, all;

  g_assert_no_error (error);
  add_column (comparison, model_of (f, "Box"));
  add_column (comparison, model_of (f, "Rack"));
  quern_questions_run_async (questions, comparison, f->backend, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_questions_run_finish (questions, result, &error));
  g_assert_no_error (error);
  quern_questions_count (questions, 0, &right, &all);
  g_assert_cmpuint (right, ==, 1);
  g_assert_cmpuint (all, ==, 2);
  quern_questions_count (questions, 1, &right, &all);
  g_assert_cmpuint (right, ==, 1);
}

/* A server that does not tell what its models think of a given text is refused, with the reason, before anything is loaded. */
static void
test_measure (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) sglang = new_server (f, "sglang", "Rack");
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_measure_add_model (measure, quern_library_get_default (f->library), QUERN_KV_F16);
  quern_measure_add_model (measure, model_of (f, "Rack"), QUERN_KV_F16);
  quern_measure_add_text (measure, "Paris is the capital of France.");
  quern_measure_run_async (measure, f->backend, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_false (quern_measure_run_finish (measure, result, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_UNSUPPORTED);
  assert_has (error->message, "is on “Rack” and cannot be measured");
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

typedef struct {
  char *output, *errors;
  int code;
} Ran;

static void
ran_clear (Ran *ran)
{
  g_clear_pointer (&ran->output, g_free);
  g_clear_pointer (&ran->errors, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ran, ran_clear)

/* Runs quern-cli with the arguments up to NULL. */
static void
run (Fixture *f, Ran *ran, ...)
{
  va_list list;

  va_start (list, ran);
  ran->code = test_run_cli (f->folder, NULL, list, &ran->output, &ran->errors);
  va_end (list);
}

static JsonObject *
json_of (const Ran *ran, JsonParser *parser)
{
  g_autoptr (GError) error = NULL;

  json_parser_load_from_data (parser, ran->output, -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

static void
test_cli (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = quern_test_server_new ("llama", FALSE),
                              vllm = quern_test_server_new ("vllm", FALSE);
  g_autofree char *id = g_strdup_printf ("127.0.0.1:%u/quern-tiny", quern_test_server_get_port (llama));
  g_autofree char *place = g_strdup_printf ("goes to “Box” (%s).", quern_test_server_get_address (llama));
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_auto (Ran) ran = { 0 };
  JsonObject *object;
  JsonArray *columns;

  run (f, &ran, "servers", "add", "--name", "Box", quern_test_server_get_address (llama), NULL);
  g_assert_cmpint (ran.code, ==, 0);
  run (f, &ran, "servers", "add", "--name", "Rack", quern_test_server_get_address (vllm), NULL);
  g_assert_cmpint (ran.code, ==, 0);
  run (f, &ran, "list", NULL);
  assert_has (ran.output, id);
  assert_has (ran.output, "quern-tiny, on “Box”");
  run (f, &ran, "list", "--json", NULL);
  object = json_of (&ran, parser);
  {
    JsonArray *models = quern_json_array (object, "models");
    JsonObject *model = quern_json_object_at (models, quern_json_length (models) - 2);

    g_assert_cmpstr (quern_json_string (model, "id", NULL), ==, id);
    g_assert_cmpstr (quern_json_string (model, "server", NULL), ==, "Box");
    g_assert_cmpstr (quern_json_string (model, "origin", NULL), ==, "server");
    g_assert_null (quern_json_string (model, "path", NULL));
  }
  run (f, &ran, "show", id, NULL);
  g_assert_cmpint (ran.code, ==, 0);
  assert_has (ran.output, "context of 2048 tokens, pictures, thinking can be turned off");
  assert_has (ran.output, quern_test_server_get_address (llama));
  run (f, &ran, "chat", "-m", id, "--think", "What is 47 + 38?", NULL);
  g_assert_cmpint (ran.code, ==, 0);
  g_assert_cmpstr (ran.output, ==, "47 + 38 = 85\n");
  assert_has (ran.errors, place);
  assert_has (ran.errors, "Ones: 7+8=15");
  run (f, &ran, "chat", "-m", "Box/quern-tiny", "--no-think", "--json", "What is the capital of France?", NULL);
  g_assert_cmpint (ran.code, ==, 0);
  object = json_of (&ran, parser);
  assert_has (quern_json_string (object, "answer", ""), "Paris");
  g_assert_cmpstr (quern_json_string (object, "reasoning", NULL), ==, "");
  g_assert_cmpstr (quern_json_string (object, "stop", NULL), ==, "end");
  g_assert_cmpstr (quern_json_string (object, "server", NULL), ==, "Box");
  g_assert_cmpint (quern_json_int (object, "answer_tokens", 0), >, 0);
  run (f, &ran, "compare", "-m", "quern-tiny", "-m", id, "-m", "Rack/Qwen/Qwen3.5-122B-A10B", "--no-think", "--json",
       "What is the capital of France?", NULL);
  g_assert_cmpstr (ran.errors, !=, NULL);
  g_assert_cmpint (ran.code, ==, 0);
  columns = quern_json_array (json_of (&ran, parser), "columns");
  g_assert_cmpuint (quern_json_length (columns), ==, 3);
  run (f, &ran, "compare", "-m", id, "-m", "Rack/Qwen/Qwen3.5-122B-A10B", "--no-think", "What is 7 + 8?", NULL);
  g_assert_cmpint (ran.code, ==, 0);
  assert_has (ran.output, "The texts of quern-tiny (Box) and Qwen/Qwen3.5-122B-A10B (Rack) differ in ");
  run (f, &ran, "chat", "-m", id, "--dry-run", "Hello!", NULL);
  g_assert_cmpint (ran.code, ==, 2);
  assert_has (ran.errors, "“Box” makes the prompt itself");
  run (f, &ran, "bench", "-m", id, NULL);
  g_assert_cmpint (ran.code, ==, 2);
  assert_has (ran.errors, "measures this computer");
  run (f, &ran, "serve", "-m", id, "--port", "0", NULL);
  g_assert_cmpint (ran.code, ==, 1);
  assert_has (ran.errors, "on this computer");
  run (f, &ran, "remove", id, NULL);
  g_assert_cmpint (ran.code, ==, 1);
  assert_has (ran.errors, "Remove the server instead.");
  g_clear_pointer (&llama, quern_test_server_free);
  run (f, &ran, "chat", "-m", id, "Hello!", NULL);
  g_assert_cmpint (ran.code, ==, 1);
  g_assert_cmpstr (ran.output, ==, "");
  assert_has (ran.errors, "127.0.0.1");
  run (f, &ran, "servers", "remove", "Box", NULL);
  run (f, &ran, "list", NULL);
  assert_lacks (ran.output, id);
  run (f, &ran, "chat", "-m", id, "Hello!", NULL);
  g_assert_cmpint (ran.code, ==, 1);
}

/* What a person types for the file that holds a text to measure. */
static void
test_cli_eval (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernTestServer) llama = quern_test_server_new ("llama", FALSE);
  g_autofree char *text = g_build_filename (f->folder, "text", NULL);
  g_auto (Ran) ran = { 0 };

  g_assert_true (g_file_set_contents (text, "Paris is the capital of France.", -1, NULL));
  run (f, &ran, "servers", "add", "--name", "Box", quern_test_server_get_address (llama), NULL);
  run (f, &ran, "eval", "-m", "Box/quern-tiny", "--text", text, NULL);
  g_assert_cmpint (ran.code, ==, 1);
  assert_has (ran.errors, "cannot be measured");
}

int
main (int argc, char **argv)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
  g_test_init (&argc, &argv, NULL);
  _quern_remote_set_patience (20);
#define ADD(name, function) g_test_add ("/remote-compare/" name, Fixture, NULL, setup, function, teardown)
  ADD ("columns", test_columns);
  ADD ("parallel", test_parallel);
  ADD ("questions", test_questions);
  ADD ("measure", test_measure);
  ADD ("cli", test_cli);
  ADD ("cli-eval", test_cli_eval);
  return g_test_run ();
}
