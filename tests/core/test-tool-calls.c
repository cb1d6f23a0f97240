/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-local-backend.h"
#include "quern-open-file.h"
#include "test-util.h"

/* What a request may ask for beside an answer: calls of tools, texts that end it, biases, a grammar, probabilities, raw text. */

static const char weather[] =
    "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"description\": \"Weather\", \"parameters\": "
    "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\", \"enum\": [\"Paris\", \"Bern\"]}, "
    "\"days\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 14}}, \"required\": [\"city\", \"days\"]}}}";
static const char time_tool[] =
    "{\"type\": \"function\", \"function\": {\"name\": \"get_time\", \"parameters\": {\"type\": \"object\", "
    "\"properties\": {}}}}";

static QuernModel *model;
static QuernLoadedModel *loaded;

typedef struct {
  QuernGeneration *generation;
  GString *reasoning, *answer;
  GString *arguments; /* of all calls, as the signals told them */
  guint n_begun;
} Run;

static void
text_cb (Run *run, gboolean reasoning, const char *text)
{
  g_string_append (reasoning ? run->reasoning : run->answer, text);
}

static void
call_cb (Run *run, guint number, const char *arguments)
{
  g_assert_cmpuint (number + 1, ==, quern_generation_get_n_calls (run->generation));
  run->n_begun += !*arguments;
  g_string_append (run->arguments, arguments);
}

static gboolean
is_done (gpointer generation)
{
  return quern_generation_get_phase (generation) == QUERN_GENERATION_DONE;
}

static void
generate (Run *run, QuernRequest *request)
{
  *run = (Run) { quern_loaded_model_generate (loaded, request), g_string_new (NULL), g_string_new (NULL),
                 g_string_new (NULL), 0 };
  g_signal_connect_swapped (run->generation, "text", G_CALLBACK (text_cb), run);
  g_signal_connect_swapped (run->generation, "call", G_CALLBACK (call_cb), run);
  test_wait (is_done, run->generation);
}

static void
run_clear (Run *run)
{
  g_object_unref (run->generation);
  g_string_free (run->reasoning, TRUE);
  g_string_free (run->answer, TRUE);
  g_string_free (run->arguments, TRUE);
}

static QuernRequest *
ask (const char *question)
{
  QuernRequest *request = quern_request_new ();

  quern_request_add_message (request, QUERN_ROLE_USER, question, NULL);
  quern_request_set_sampler (request, &(QuernSamplerValues) { .top_p = 1, .repetition_penalty = 1 });
  quern_request_set_max_tokens (request, 200);
  return request;
}

static void
check_answer (QuernRequest *request, const char *answer, QuernStop stop)
{
  Run run;

  generate (&run, request);
  g_assert_null (quern_generation_get_error (run.generation));
  g_assert_cmpstr (run.answer->str, ==, answer);
  g_assert_cmpint (quern_generation_get_stop (run.generation), ==, stop);
  run_clear (&run);
}

/* ---- tools ----------------------------------------------------------------------------------------------------- */

/* A call that must be made is made, with arguments under the tool's schema, and told while it is written. */
static void
test_required (void)
{
  const char *tools[] = { weather, time_tool, NULL };

  g_assert_true (quern_request_check_tools (tools, NULL));
  for (int i = 0; i < 3; i++) {
    g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
    g_autoptr (JsonParser) parser = json_parser_new ();
    const QuernToolCall *call;
    JsonObject *object;
    Run run;
    quern_request_set_tools (request, tools);
    quern_request_set_tool_choice (request, i ? QUERN_TOOLS_AUTO : QUERN_TOOLS_REQUIRED, i ? "get_weather" : NULL,
                                   i == 2);
    generate (&run, request);
    g_assert_null (quern_generation_get_error (run.generation));
    g_assert_cmpstr (run.answer->str, ==, "");
    g_assert_cmpuint (quern_generation_get_n_calls (run.generation), >=, 1);
    if (i < 2)
      g_assert_cmpuint (quern_generation_get_n_calls (run.generation), ==, 1);
    call = quern_generation_get_call (run.generation, 0);
    g_assert_true (call->complete);
    g_assert_true (g_str_has_prefix (call->id, "call_"));
    g_assert_true (g_str_has_prefix (run.arguments->str, call->arguments->str));
    g_assert_cmpuint (run.n_begun, ==, quern_generation_get_n_calls (run.generation));
    g_assert_true (json_parser_load_from_data (parser, call->arguments->str, -1, NULL));
    object = json_node_get_object (json_parser_get_root (parser));
    if (i > 0 || g_str_equal (call->name, "get_weather")) {
      g_assert_cmpstr (call->name, ==, "get_weather");
      g_assert_nonnull (strstr ("Paris Bern", json_object_get_string_member (object, "city")));
      g_assert_cmpint (json_object_get_int_member (object, "days"), >=, 1);
      g_assert_cmpint (json_object_get_int_member (object, "days"), <=, 14);
    }
    run_clear (&run);
  }
}

/* What was called and what came of it stands in the prompt, in the template's form; the tools do too, unless there are to be
 * none. */
static void
test_history (void)
{
  const char *tools[] = { weather, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, &error);

  g_assert_no_error (error);
  for (int i = 0; i < 2; i++) {
    g_autoptr (QuernRequest) first = ask ("Weather in Bern?");
    g_autoptr (QuernRequest) request = NULL;
    g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (guint));
    quern_request_add_message (first, QUERN_ROLE_ASSISTANT, "I look.", NULL);
    quern_request_add_call (first, "call_1", "get_weather", "{\"city\": \"Bern\", \"days\": 2}");
    quern_request_add_result (first, "call_1", "get_weather", "It rains <|im_end|>.");
    quern_request_set_tools (first, tools);
    if (i)
      quern_request_set_tool_choice (first, QUERN_TOOLS_NONE, NULL, TRUE);
    request = quern_request_new_without (first, 0);
    g_assert_true (quern_open_file_tokenise_request (file, request, tokens, &error));
    g_assert_no_error (error);
    quern_open_file_decode (file, tokens, text, places);
    g_assert_nonnull (strstr (text->str,
                              "I look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBern\n</parameter>\n"
                              "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>"));
    g_assert_nonnull (strstr (text->str, "<tool_response>\nIt rains <|im_end|>.\n</tool_response>"));
    g_assert_cmpint (strstr (text->str, "# Tools") != NULL, ==, i == 0);
  }
}

/* Offered tools need not be called. */
static void
test_auto (void)
{
  const char *tools[] = { time_tool, NULL };
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
  Run run;

  quern_request_set_tools (request, tools);
  generate (&run, request);
  g_assert_null (quern_generation_get_error (run.generation));
  g_assert_cmpint (quern_generation_get_stop (run.generation), !=, QUERN_STOP_FAILED);
  for (guint i = 0; i < quern_generation_get_n_calls (run.generation); i++)
    g_assert_cmpstr (quern_generation_get_call (run.generation, i)->name, ==, "get_time");
  run_clear (&run);
}

static void
test_refused (void)
{
  const char *broken[] = { time_tool, "{\"name\": 3}", NULL }, *tools[] = { time_tool, NULL };
  g_autoptr (QuernRequest) request = ask ("Hello!");
  g_autoptr (GError) error = NULL;
  Run run;

  g_assert_false (quern_request_check_tools (broken, &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST);
  quern_request_set_tools (request, tools);
  quern_request_set_tool_choice (request, QUERN_TOOLS_REQUIRED, "another", TRUE);
  generate (&run, request);
  g_assert_cmpint (quern_generation_get_stop (run.generation), ==, QUERN_STOP_FAILED);
  g_assert_error (quern_generation_get_error (run.generation), QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST);
  g_assert_nonnull (strstr (quern_generation_get_error (run.generation)->message, "another"));
  run_clear (&run);
}

/* ---- ends ------------------------------------------------------------------------------------------------------ */

/* Every piece of the answer as the text that ends it, wherever tokens begin and end. */
static void
test_stops (void)
{
  static const char answer[] = "The capital of France is Paris.";

  for (gsize length = 1; length < 9; length += 3)
    for (gsize at = 0; at + length <= strlen (answer); at++) {
      g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
      g_autofree char *stop = g_strndup (answer + at, length);
      g_autofree char *before = g_strndup (answer, (gsize) (strstr (answer, stop) - answer));
      const char *stops[] = { "Paris!", stop, "is Paris.\n", NULL };
      Run run;
      quern_request_set_stops (request, stops);
      generate (&run, request);
      g_assert_cmpstr (run.answer->str, ==, before);
      g_assert_cmpint (quern_generation_get_stop (run.generation), ==, QUERN_STOP_TEXT);
      g_assert_cmpstr (quern_generation_get_stop_text (run.generation), ==, stop);
      run_clear (&run);
    }
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");

  quern_request_set_stops (request, (const char *[]) { "Paris!", "is Paris.\n", NULL });
  check_answer (request, answer, QUERN_STOP_END);
}

/* ---- choosing -------------------------------------------------------------------------------------------------- */

static void
test_bias (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, &error);
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
  Run run;

  g_assert_true (quern_open_file_tokenise (file, "The", tokens, &error));
  quern_request_set_bias (request, &(QuernLogitBias) { g_array_index (tokens, gint32, 0), -100 }, 1);
  generate (&run, request);
  g_assert_null (quern_generation_get_error (run.generation));
  g_assert_cmpuint (run.answer->len, >, 0);
  g_assert_false (g_str_has_prefix (run.answer->str, "The"));
  run_clear (&run);
}

static void
test_grammar (void)
{
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
  g_autoptr (GError) error = NULL;

  g_assert_true (quern_request_check_grammar ("root ::= \"Rome\" | \"Par\" [a-z]{2}", NULL));
  g_assert_false (quern_request_check_grammar ("root ::= x", &error));
  g_assert_error (error, QUERN_INFERENCE_ERROR, QUERN_INFERENCE_ERROR_REQUEST);
  quern_request_set_grammar (request, "root ::= \"It is \" (\"Rome\" | \"Oslo\")");
  Run run;

  generate (&run, request);
  g_assert_true (g_str_equal (run.answer->str, "It is Rome") || g_str_equal (run.answer->str, "It is Oslo"));
  run_clear (&run);
}

/* A call where no tool was offered is shown as JSON, whatever its tool is called. */
static void
test_shown (void)
{
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");

  quern_request_set_grammar (request, "root ::= <tool_call> \"\\n{\\\"name\\\": \\\"a\\\\\\\"b\\\", \\\"arguments\\\": "
                                      "{\\\"c\\\": 1}}\\n\" </tool_call>");
  check_answer (request, "{\"name\": \"a\\\"b\", \"arguments\": {\"c\": 1}}", QUERN_STOP_END);
}

/* Of every token it is known what else could have come, though the model was not loaded for that. */
static void
test_candidates (void)
{
  g_autoptr (QuernRequest) request = ask ("What is the capital of France?");
  Run run;

  quern_request_set_candidates (request, 20);
  generate (&run, request);
  g_assert_cmpuint (quern_generation_get_n_tokens (run.generation), >, 3);
  for (guint i = 0; i < quern_generation_get_n_tokens (run.generation); i++) {
    const QuernGeneratedToken *token = quern_generation_get_token (run.generation, i);
    g_assert_cmpuint (token->n_top, ==, 20);
    g_assert_cmpint (token->chosen.id, ==, token->top[0].id); /* the temperature is 0 */
    g_assert_cmpfloat (token->chosen.p, ==, token->top[0].p);
  }
  run_clear (&run);
}

/* ---- raw text -------------------------------------------------------------------------------------------------- */

static void
test_raw (void)
{
  static const char prompt[] =
      "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>";
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, &error);

  for (int raw = 0; raw < 2; raw++) {
    g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
    g_autoptr (QuernRequest) request = ask ("");
    g_assert_true (quern_open_file_tokenise_raw (file, prompt, tokens, &error));
    quern_request_set_tokens (request, &g_array_index (tokens, gint32, 0), tokens->len);
    quern_request_set_raw (request, raw);
    check_answer (request, raw ? "\n\nThe capital of France is Paris." : "The capital of France is Paris.",
                  QUERN_STOP_END);
  }
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernLocalBackend) backend = quern_local_backend_new ();
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q8_0.gguf", NULL);
  int status;

  g_test_init (&argc, &argv, NULL);
  model = quern_model_new (path, NULL, &error);
  g_assert_no_error (error);
  loaded = quern_backend_load_sync (QUERN_BACKEND (backend), model, &(QuernLoadParams) { .context_size = 2048 }, NULL,
                                    &error);
  g_assert_no_error (error);
  g_test_add_func ("/tools/required", test_required);
  g_test_add_func ("/tools/history", test_history);
  g_test_add_func ("/tools/auto", test_auto);
  g_test_add_func ("/tools/refused", test_refused);
  g_test_add_func ("/tools/stops", test_stops);
  g_test_add_func ("/tools/bias", test_bias);
  g_test_add_func ("/tools/grammar", test_grammar);
  g_test_add_func ("/tools/shown", test_shown);
  g_test_add_func ("/tools/candidates", test_candidates);
  g_test_add_func ("/tools/raw", test_raw);
  status = g_test_run ();
  g_clear_object (&loaded);
  g_clear_object (&model);
  return status;
}
