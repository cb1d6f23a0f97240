/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qe.h"
#include "quern-service-client.h"
#include "quern-wire.h"
#include "test-service.h"

/* Quern's own server, asked over real connections; Quern Tiny answers. */

/* ---- steps of the engine ------------------------------------------------------------------------------------------ */

/* The linker puts this between the program and the engine (meson.build): it holds the engine, and notes whose turn it was. */
static GMutex step_lock;
static GCond step_cond;
static gboolean step_held;
static guint n_steps;
static QeContext *step_contexts[4096]; /* of each step, from the first that was made */
static gsize most_together;            /* contexts that made a step in one pass */

QeStatus __real_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
QeStatus __wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
void __real_qe_contexts_step (QeContextStep *steps, size_t n);
void __wrap_qe_contexts_step (QeContextStep *steps, size_t n);

static void
note_steps (const QeContextStep *steps, gsize n)
{
  g_mutex_lock (&step_lock);
  while (step_held)
    g_cond_wait (&step_cond, &step_lock);
  for (gsize i = 0; i < n; i++)
    step_contexts[n_steps++ % G_N_ELEMENTS (step_contexts)] = steps[i].context;
  most_together = MAX (most_together, n);
  g_mutex_unlock (&step_lock);
}

void
__wrap_qe_contexts_step (QeContextStep *steps, size_t n)
{
  note_steps (steps, n);
  __real_qe_contexts_step (steps, n);
}

QeStatus
__wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                        QeError *err)
{
  note_steps (&(QeContextStep) { .context = context }, 1);
  return __real_qe_context_step (context, sampler, control, tokens, n, err);
}

static void
hold (gboolean held)
{
  g_mutex_lock (&step_lock);
  step_held = held;
  g_cond_broadcast (&step_cond);
  g_mutex_unlock (&step_lock);
}

static guint
count_steps (void)
{
  guint n;

  g_mutex_lock (&step_lock);
  n = n_steps;
  g_mutex_unlock (&step_lock);
  return n;
}

static void
let_go (Fixture *f, gconstpointer setup)
{
  hold (FALSE);
  tear_down (f, setup);
}

/* ---- what is there ------------------------------------------------------------------------------------------------ */

static void
test_models (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) list = get (f, "/v1/models"), bare = get (f, "/models"), health = get (f, "/health");
  g_autofree char *id = test_json_text (list->json, "$.data[0].id");
  g_autofree char *path = g_strconcat ("/v1/models/", id, NULL);
  g_autoptr (TestReply) one = get (f, path), none = get (f, "/v1/models/nope"), nothing = get (f, "/v1/nothing");
  g_autoptr (TestReply) head = test_http (f->port, "HEAD", "/v1/models", NULL, NULL);
  g_autoptr (TestReply) wrong = post (f, "/v1/models", "{}"),
                        embeddings = post (f, "/v1/embeddings", "{\"input\":\"x\"}");
  GStatBuf facts;

  g_assert_cmpuint (list->status, ==, 200);
  test_assert_text (list->json, "$.object", "list");
  test_assert_text (list->json, "$.data[0].object", "model");
  test_assert_text (list->json, "$.data[0].owned_by", "quern");
  g_assert_cmpint (g_stat (quern_model_get_path (quern_library_get_default (f->library)), &facts), ==, 0);
  g_assert_cmpint (test_json_int (list->json, "$.data[0].created"), ==, facts.st_mtime);
  g_assert_cmpint (test_json_int (list->json, "$.data[0].meta.n_ctx_train"), >=, 2048);
  g_assert_cmpint (test_json_int (list->json, "$.data[0].meta.n_ctx"), ==, 2048);
  g_assert_cmpstr (list->body, ==, bare->body);
  g_assert_null (strchr (id, '/'));
  test_assert_text (one->json, "$.id", id);
  test_assert_text (health->json, "$.status", "ok");
  g_assert_cmpuint (head->status, ==, 200);
  g_assert_cmpstr (head->body, ==, "");
  assert_error (none, 404, "not_found_error");
  test_assert_text (none->json, "$.error.code", "model_not_found");
  assert_error (nothing, 404, "not_found_error");
  assert_error (wrong, 405, "invalid_request_error");
  assert_error (embeddings, 501, "not_supported_error");
}

static void
test_tokens (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) tokens = post (f, "/tokenize", "{\"content\":\"The capital of Kenya\",\"with_pieces\":true}");
  g_autoptr (TestReply) plain = post (f, "/v1/tokenize", "{\"prompt\":\"The capital of Kenya\"}");
  g_autofree char *ids = test_json_at (plain->json, "$.tokens");
  g_autofree char *body = g_strdup_printf ("{\"tokens\":%s}", ids);
  g_autoptr (TestReply) text = post (f, "/detokenize", body), bad = post (f, "/detokenize", "{\"tokens\":[\"x\"]}");
  g_autoptr (TestReply) missing = post (f, "/tokenize", "{}");

  test_assert_text (text->json, "$.content", "The capital of Kenya");
  test_assert_text (tokens->json, "$.tokens[0].piece", "The");
  g_assert_cmpint (test_json_int (tokens->json, "$.tokens[0].id"), ==, test_json_int (plain->json, "$.tokens[0]"));
  assert_error (bad, 400, "invalid_request_error");
  assert_error (missing, 400, "invalid_request_error");
}

/* ---- chat --------------------------------------------------------------------------------------------------------- */

static void
test_chat (Fixture *f, gconstpointer unused)
{
  g_autofree char *body = question (PARIS, ",\"user\":\"me\",\"store\":false");
  g_autoptr (TestReply) reply = post (f, "/v1/chat/completions", body);
  g_autoptr (TestReply) count = post (f, "/v1/chat/completions/input_tokens", body);
  g_autoptr (TestReply) cut = ask (f, PARIS, ",\"max_tokens\":3"),
                        newer = ask (f, PARIS, ",\"max_completion_tokens\":2,\"max_tokens\":5");
  gint64 prompt = test_json_int (reply->json, "$.usage.prompt_tokens");
  gint64 completion = test_json_int (reply->json, "$.usage.completion_tokens");

  g_assert_cmpuint (reply->status, ==, 200);
  test_assert_text (reply->json, "$.object", "chat.completion");
  test_assert_text (reply->json, "$.choices[0].message.role", "assistant");
  test_assert_text (reply->json, "$.choices[0].message.content", PARIS_ANSWER);
  test_assert_text (reply->json, "$.choices[0].finish_reason", "stop");
  g_assert_cmpint (prompt, ==, test_json_int (count->json, "$.input_tokens"));
  g_assert_cmpint (completion, >, 3);
  g_assert_cmpint (test_json_int (reply->json, "$.usage.total_tokens"), ==, prompt + completion);
  g_assert_cmpint (test_json_int (reply->json, "$.timings.predicted_n"), ==, completion);
  test_assert_text (cut->json, "$.choices[0].finish_reason", "length");
  g_assert_cmpint (test_json_int (cut->json, "$.usage.completion_tokens"), ==, 3);
  g_assert_cmpint (test_json_int (newer->json, "$.usage.completion_tokens"), ==, 2);
}

/* The next question of a conversation finds what was read in the cache, although another client asked in between. */
static void
test_cache (Fixture *f, gconstpointer unused)
{
  static const char more[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"},"
                             "{\"role\":\"assistant\",\"content\":\"" PARIS_ANSWER "\"},"
                             "{\"role\":\"user\",\"content\":\"capital of Kenya\"}],\"temperature\":0}";
  g_autoptr (TestReply) first = ask (f, PARIS, ""), other = ask (f, "Hello!", ""),
                        next = post (f, "/v1/chat/completions", more);

  test_assert_text (other->json, "$.choices[0].message.content", "Hello! How can I help you?");
  test_assert_text (next->json, "$.choices[0].message.content", "The capital of Kenya is Nairobi.");
  g_assert_cmpint (test_json_int (next->json, "$.usage.prompt_tokens_details.cached_tokens"), >, 0);
}

static void
test_thinking (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) on = ask (f, PARIS, ",\"chat_template_kwargs\":{\"enable_thinking\":true}");
  g_autoptr (TestReply) off = ask (f, PARIS, ",\"reasoning_effort\":\"none\"");
  g_autoptr (TestReply) budget = ask (f, PARIS, ",\"reasoning_effort\":\"low\",\"thinking_budget_tokens\":2");
  g_autofree char *reasoning = test_json_text (on->json, "$.choices[0].message.reasoning_content");
  gint64 thought = test_json_int (on->json, "$.usage.completion_tokens_details.reasoning_tokens");

  g_assert_cmpuint (strlen (reasoning), >, 0);
  g_assert_cmpint (thought, >, 2);
  g_assert_cmpint (thought, <, test_json_int (on->json, "$.usage.completion_tokens"));
  test_assert_text (off->json, "$.choices[0].message.reasoning_content", "");
  g_assert_cmpint (test_json_int (off->json, "$.usage.completion_tokens_details.reasoning_tokens"), ==, 0);
  g_assert_cmpint (test_json_int (budget->json, "$.usage.completion_tokens_details.reasoning_tokens"), <=, 4);
}

static void
test_schema (Fixture *f, gconstpointer unused)
{
  static const char schema[] = "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":12},"
                               "\"size\":{\"enum\":[\"small\",\"big\"]}},\"required\":[\"city\",\"size\"],"
                               "\"additionalProperties\":false}";
  g_autofree char *openai = g_strdup_printf (
      ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"strict\":true,\"schema\":%s}}",
      schema);
  g_autofree char *llama = g_strdup_printf (",\"response_format\":{\"type\":\"json_schema\",\"schema\":%s}", schema);
  const char *forms[] = { openai, llama };
  g_autoptr (TestReply)
      bad = ask (f, PARIS, ",\"response_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"nope\"}}");
  g_autoptr (TestReply) object = ask (f, PARIS, ",\"response_format\":{\"type\":\"json_object\"},\"max_tokens\":1");
  g_autofree char *begun = test_json_text (object->json, "$.choices[0].message.content");

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autoptr (TestReply) reply = ask (f, PARIS, forms[i]);
    g_autofree char *text = test_json_text (reply->json, "$.choices[0].message.content");
    g_autoptr (JsonNode) json = json_from_string (text, NULL);
    g_autofree char *size = test_json_text (json, "$.size");
    g_assert_nonnull (json);
    g_assert_true (g_str_equal (size, "small") || g_str_equal (size, "big"));
  }
  assert_error (bad, 400, "invalid_request_error");
  test_assert_text (bad->json, "$.error.param", "response_format");
  g_assert_true (strchr ("{ \n", *begun) != NULL);
}

static void
test_logprobs (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply)
      reply = ask (f, PARIS, ",\"logprobs\":true,\"top_logprobs\":3,\"max_tokens\":4,\"reasoning_effort\":\"none\"");
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *content = test_json_text (reply->json, "$.choices[0].message.content");
  g_autofree char *first = test_json_text (reply->json, "$.choices[0].logprobs.content[0].token");
  g_autofree char *best = test_json_text (reply->json, "$.choices[0].logprobs.content[0].top_logprobs[0].token");
  g_autofree char *third = test_json_at (reply->json, "$.choices[0].logprobs.content[0].top_logprobs[2].logprob");
  g_autofree char *fourth = test_json_at (reply->json, "$.choices[0].logprobs.content[0].top_logprobs[3]");
  g_autofree char *logprob = test_json_at (reply->json, "$.choices[0].logprobs.content[0].logprob");

  g_assert_cmpstr (first, ==, best); /* at temperature 0 the most probable is chosen */
  g_assert_cmpfloat (g_ascii_strtod (logprob, NULL), <=, 0);
  g_assert_cmpfloat (g_ascii_strtod (third, NULL), <, g_ascii_strtod (logprob, NULL));
  g_assert_cmpstr (fourth, ==, "");
  for (guint i = 0; i < 4; i++) {
    g_autofree char *path = g_strdup_printf ("$.choices[0].logprobs.content[%u].token", i);
    g_autofree char *token = test_json_text (reply->json, path);
    g_string_append (text, token);
  }
  g_assert_cmpstr (text->str, ==, content);
}

static void
test_completions (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply)
      reply = post (f, "/v1/completions", "{\"prompt\":\"The capital of\",\"max_tokens\":4,\"temperature\":0}");
  g_autoptr (TestReply) stream =
      post (f, "/v1/completions", "{\"prompt\":\"The capital of\",\"max_tokens\":4,\"temperature\":0,\"stream\":true}");
  g_autoptr (TestReply) missing = post (f, "/v1/completions", "{}");

  test_assert_text (reply->json, "$.object", "text_completion");
  test_assert_text (reply->json, "$.choices[0].finish_reason", "length");
  g_assert_cmpint (test_json_int (reply->json, "$.usage.completion_tokens"), ==, 4);
  g_assert_true (g_str_has_suffix (stream->body, "data: [DONE]\n\n"));
  assert_error (missing, 400, "invalid_request_error");
}

/* A service that also has a model with tokens for filling gaps. */
static void
set_up_gap (Fixture *f, gconstpointer setup)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "quern", "models", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  test_make_twins (folder, "gaps", NULL);
  set_up (f, setup);
}

static void
tear_down_gap (Fixture *f, gconstpointer setup)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "quern", "models", "gaps.gguf", NULL);

  tear_down (f, setup);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static gint64
count_tokens (Fixture *f, const char *text)
{
  g_autofree char *body = g_strdup_printf ("{\"content\":\"%s\",\"with_pieces\":true}", text);
  g_autoptr (TestReply) reply = post (f, "/tokenize", body);

  return json_array_get_length (json_object_get_array_member (json_node_get_object (reply->json), "tokens"));
}

/* A text with a gap becomes what is before it, what is behind it and three marks, whoever asks. */
static void
test_gap (Fixture *f, gconstpointer unused)
{
  static const char ask_for[] =
      "{\"model\":\"gaps\",\"prompt\":\"%s\",\"suffix\":\"%s\",\"max_tokens\":3,\"temperature\":0}";
  static const char generate[] = "{\"model\":\"gaps\",\"prompt\":\"%s\",\"suffix\":\"%s\",\"stream\":false,"
                                 "\"options\":{\"num_predict\":3,\"temperature\":0}}";
  const char *before = "The capital of", *behind = " is Paris, and that of Kenya is Nairobi.";
  g_autofree char *body = g_strdup_printf (ask_for, before, behind), *other = g_strdup_printf (ask_for, before, " is");
  g_autofree char *ollama = g_strdup_printf (generate, before, behind);
  g_autoptr (TestReply) reply = post (f, "/v1/completions", body), shorter = post (f, "/v1/completions", other);
  g_autoptr (TestReply) generated = post (f, "/api/generate", ollama);
  g_autoptr (TestReply) ids = post (f, "/v1/completions", "{\"prompt\":[1,2],\"suffix\":\"x\"}");
  g_autoptr (TestReply) wrong = post (f, "/v1/completions", "{\"prompt\":\"x\",\"suffix\":7}");
  g_autofree char *text = test_json_text (reply->json, "$.choices[0].text");

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpint (test_json_int (reply->json, "$.usage.prompt_tokens"), ==,
                   count_tokens (f, before) + count_tokens (f, behind) + 3);
  g_assert_cmpint (test_json_int (shorter->json, "$.usage.prompt_tokens"), ==,
                   count_tokens (f, before) + count_tokens (f, " is") + 3);
  g_assert_cmpuint (generated->status, ==, 200);
  test_assert_text (generated->json, "$.response", text);
  g_assert_cmpint (test_json_int (generated->json, "$.prompt_eval_count"), ==,
                   test_json_int (reply->json, "$.usage.prompt_tokens"));
  assert_error (ids, 400, "invalid_request_error");
  test_assert_text (ids->json, "$.error.param", "suffix");
  assert_error (wrong, 400, "invalid_request_error");
  test_assert_text (wrong->json, "$.error.param", "suffix");
}

/* A picture in the request takes rows of the prompt, and the answer comes. */
static void
test_picture (Fixture *f, gconstpointer unused)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 96, 96);
  g_autofree char *png = NULL, *base64 = NULL, *body = NULL;
  g_autoptr (TestReply) seen = NULL, plain = ask (f, "What colour is this?", ",\"reasoning_effort\":\"none\"");
  g_autoptr (TestReply) count = NULL;
  gsize size;

  gdk_pixbuf_fill (pixbuf, 0xd02020ff);
  g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &png, &size, "png", NULL, NULL));
  base64 = g_base64_encode ((const guchar *) png, size);
  body =
      g_strdup_printf ("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                       "\"data:image/png;base64,%s\"}},{\"type\":\"text\",\"text\":\"What colour is this?\"}]}],"
                       "\"temperature\":0,\"reasoning_effort\":\"none\"}",
                       base64);
  seen = post (f, "/v1/chat/completions", body);
  count = post (f, "/v1/chat/completions/input_tokens", body);
  g_assert_cmpuint (seen->status, ==, 200);
  g_assert_cmpint (test_json_int (seen->json, "$.usage.prompt_tokens"), >,
                   test_json_int (plain->json, "$.usage.prompt_tokens"));
  g_assert_cmpint (test_json_int (seen->json, "$.usage.prompt_tokens"), ==,
                   test_json_int (count->json, "$.input_tokens"));
  g_assert_cmpint (test_json_int (seen->json, "$.usage.completion_tokens"), >, 0);
}

/* ---- streams ------------------------------------------------------------------------------------------------------ */

typedef struct {
  GString *content, *reasoning;
  guint n_chunks, n_finish, n_usage;
  gboolean done;
  char *finish;
} Stream;

static void
take_event (Stream *stream, const char *data)
{
  g_autoptr (JsonNode) json = NULL;
  g_autofree char *content = NULL, *reasoning = NULL, *finish = NULL, *choices = NULL;

  g_assert_false (stream->done);
  if (g_str_equal (data, "[DONE]")) {
    stream->done = TRUE;
    return;
  }
  json = json_from_string (data, NULL);
  g_assert_nonnull (json);
  test_assert_text (json, "$.object", "chat.completion.chunk");
  choices = test_json_at (json, "$.choices");
  content = test_json_text (json, "$.choices[0].delta.content");
  reasoning = test_json_text (json, "$.choices[0].delta.reasoning_content");
  finish = test_json_text (json, "$.choices[0].finish_reason");
  if (stream->n_chunks++ == 0)
    test_assert_text (json, "$.choices[0].delta.role", "assistant");
  g_string_append (stream->content, content);
  g_string_append (stream->reasoning, reasoning);
  if (*finish && !g_str_equal (finish, "null")) {
    stream->n_finish++;
    g_set_str (&stream->finish, finish);
  }
  if (test_json_int (json, "$.usage.total_tokens") > 0) {
    stream->n_usage++;
    g_assert_cmpstr (choices, ==, "[]");
  }
}

static void
read_stream (Stream *stream, const char *body)
{
  g_auto (GStrv) events = g_strsplit (body, "\n\n", -1);

  *stream = (Stream) { g_string_new (NULL), g_string_new (NULL) };
  for (char **event = events; *event && **event; event++) {
    if (g_str_equal (*event, ":"))
      continue;
    g_assert_true (g_str_has_prefix (*event, "data: "));
    take_event (stream, *event + 6);
  }
}

static void
stream_clear (Stream *stream)
{
  g_string_free (stream->content, TRUE);
  g_string_free (stream->reasoning, TRUE);
  g_free (stream->finish);
}

static void
test_stream (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) plain = ask (f, PARIS, ",\"stream\":true");
  g_autoptr (TestReply) full = ask (f, PARIS,
                                    ",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                    "\"chat_template_kwargs\":{\"enable_thinking\":true}");
  g_autoptr (TestReply) bad = ask (f, "", ",\"stream\":true,\"temperature\":\"hot\"");
  Stream stream;

  g_assert_nonnull (strstr (plain->head, "Content-Type: text/event-stream"));
  g_assert_nonnull (strstr (plain->head, "Cache-Control: no-cache"));
  g_assert_true (plain->whole);
  read_stream (&stream, plain->body);
  g_assert_cmpstr (stream.content->str, ==, PARIS_ANSWER);
  g_assert_cmpstr (stream.finish, ==, "stop");
  g_assert_cmpuint (stream.n_finish, ==, 1);
  g_assert_cmpuint (stream.n_usage, ==, 0);
  g_assert_true (stream.done);
  stream_clear (&stream);
  read_stream (&stream, full->body);
  g_assert_cmpuint (stream.reasoning->len, >, 0);
  g_assert_cmpuint (stream.n_usage, ==, 1);
  stream_clear (&stream);
  assert_error (bad, 400,
                "invalid_request_error"); /* what is wrong from the beginning has its status, streamed or not */
}

/* While nothing comes a stream has comments, which are no events; the answer follows as always. */
static void
test_ping (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
  g_autofree char *body = question (PARIS, ",\"stream\":true,\"reasoning_effort\":\"none\"");
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];

  _quern_wire_set_idle_seconds (1);
  hold (TRUE);
  test_http_request (connection, "POST", "/v1/chat/completions", NULL, body);
  for (gssize n = 1; n > 0 && !g_str_has_suffix (text->str, "0\r\n\r\n");) {
    n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL,
                             NULL);
    g_assert_cmpint (n, >, 0);
    g_string_append_len (text, buffer, n);
    if (strstr (text->str, "\r\n:\n\n\r\n"))
      hold (FALSE);
    else
      g_assert_null (strstr (text->str, "data:"));
  }
  _quern_wire_set_idle_seconds (15);
  g_assert_nonnull (strstr (text->str, "data: [DONE]"));
}

static char *
long_text (gsize n)
{
  GString *text = g_string_new (NULL);

  while (text->len < n)
    g_string_append (text, "capital of Kenya ");
  return g_string_free (text, FALSE);
}

static void
test_too_long (Fixture *f, gconstpointer unused)
{
  g_autofree char *text = long_text (60000);
  g_autoptr (TestReply) reply = ask (f, text, "");

  g_assert_cmpuint (reply->status, ==, 400);
  test_assert_text (reply->json, "$.error.code", "context_length_exceeded");
  test_assert_text (reply->json, "$.error.type", "exceed_context_size_error");
  g_assert_cmpint (test_json_int (reply->json, "$.error.n_prompt_tokens"), >, 2048);
  g_assert_cmpint (test_json_int (reply->json, "$.error.n_ctx"), ==, 2048);
}

/* Memory that became short since the size of contexts was chosen makes them smaller. */
static void
test_short_of_memory (Fixture *f, gconstpointer unused)
{
  g_autoptr (TestReply) before = get (f, "/v1/models"), after = NULL, reply = NULL;
  QuernModel *model = quern_library_get_default (f->library);
  g_autofree char *bytes = NULL;
  QuernMemoryPlan plan;

  g_assert_cmpint (test_json_int (before->json, "$.data[0].meta.n_ctx"), ==, 2048);
  quern_model_plan (model, 1024, QUERN_KV_F16, &plan);
  bytes = g_strdup_printf ("%" G_GUINT64_FORMAT, plan.total);
  g_setenv ("QUERN_MEMORY", bytes, TRUE);
  reply = ask (f, PARIS, ",\"reasoning_effort\":\"none\"");
  after = get (f, "/v1/models");
  g_unsetenv ("QUERN_MEMORY");
  test_assert_text (reply->json, "$.choices[0].message.content", PARIS_ANSWER);
  g_assert_cmpint (test_json_int (after->json, "$.data[0].meta.n_ctx"), <=, 1024);
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

static void
test_settings (void)
{
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (QuernLibrary) library = open_library ();
  g_autoptr (QuernService) service = quern_service_new (backend, library), other = quern_service_new (backend, library);
  g_autoptr (GSettings) settings = g_settings_new ("io.github.quern.Quern");
  guint port;

  g_assert_true (quern_service_start (other, &(QuernServiceSetup) { 0 }, NULL)); /* to find a free port */
  port = quern_service_get_port (other);
  quern_service_stop_and_wait (other);
  quern_service_follow_settings (service, settings);
  g_assert_false (quern_service_get_running (service));
  g_settings_set_uint (settings, "server-port", port);
  g_settings_set_boolean (settings, "server-enabled", TRUE);
  TEST_WAIT_UNTIL (quern_service_get_running (service));
  g_assert_cmpuint (quern_service_get_port (service), ==, port);
  g_assert_null (quern_service_get_error (service));
  g_settings_set_boolean (settings, "server-network", TRUE); /* without a key */
  TEST_WAIT_UNTIL (quern_service_get_error (service) != NULL);
  g_assert_false (quern_service_get_running (service));
  g_settings_set_boolean (settings, "server-network", FALSE);
  TEST_WAIT_UNTIL (quern_service_get_running (service));
  g_settings_set_boolean (settings, "server-enabled", FALSE);
  TEST_WAIT_UNTIL (!quern_service_get_running (service));
  g_assert_null (quern_service_get_address (service));
  g_settings_reset (settings, "server-port");
}

/* ---- leaving, waiting, turns -------------------------------------------------------------------------------------- */

static gboolean
is_processing (Fixture *f)
{
  g_autoptr (TestReply) reply = get (f, "/queue");
  g_autofree char *model = test_json_text (reply->json, "$.processing");

  return !g_str_equal (model, "null");
}

static void
wait_idle (Fixture *f)
{
  gint64 end = g_get_monotonic_time () + TEST_WAIT_SECONDS * G_USEC_PER_SEC;

  while (is_processing (f))
    g_assert_cmpint (g_get_monotonic_time (), <, end);
}

/* Reads until some text of the answer has come. */
static void
read_some (GSocketConnection *connection)
{
  char buffer[4096];
  g_autoptr (GString) text = g_string_new (NULL);

  while (!strstr (text->str, "delta")) {
    gssize n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer,
                                    NULL, NULL);
    g_assert_cmpint (n, >, 0);
    g_string_append_len (text, buffer, n);
  }
}

static gsize
resident_pages (void)
{
  g_autofree char *text = NULL;
  gsize total, resident = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%zu %zu", &total, &resident), ==, 2);
  return resident;
}

/* A model that would write for long. */
static char *
endless (const char *more)
{
  return g_strdup_printf (
      "{\"prompt\":\"The capital of\",\"max_tokens\":1500,\"temperature\":10,\"seed\":7,\"top_k\":0,\"top_p\":1%s}",
      more);
}

static void
test_leaving (Fixture *f, gconstpointer unused)
{
  g_autofree char *stream = question (PARIS, ",\"stream\":true,\"chat_template_kwargs\":{\"enable_thinking\":true}");
  gsize before = 0;

  for (guint i = 0; i < 200; i++) {
    g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
    if (i == 50) {
      wait_idle (f);
      before = resident_pages ();
    }
    test_http_request (connection, "POST", "/v1/chat/completions", NULL, stream);
    if (i % 3 > 0)
      read_some (connection);
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  }
  wait_idle (f);
  g_test_message ("resident pages after 50 streams: %zu, after 200: %zu", before, resident_pages ());
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed, and finds leaks itself */
  g_assert_cmpuint (resident_pages (), <, before + (16 << 20) / (gsize) sysconf (_SC_PAGESIZE));
#endif
}

/* The client leaves in the middle: no more than the step that is being made is made. */
static void
test_leaving_stops (Fixture *f, gconstpointer unused)
{
  static const char *const streams[] = { ",\"stream\":true", "" };

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
    g_autofree char *body = endless (streams[i]);
    guint before;
    hold (TRUE);
    test_http_request (connection, "POST", "/v1/completions", NULL, body);
    while (!is_processing (f))
      ;
    before = count_steps ();
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
    for (guint j = 0; j < 3; j++) { /* the service has seen it when it has answered others that came later */
      g_autoptr (TestReply) health = get (f, "/health");
      g_assert_cmpuint (health->status, ==, 200);
    }
    hold (FALSE);
    wait_idle (f);
    g_assert_cmpuint (count_steps (), <=, before + 1);
  }
}

static gboolean
are_at_work (Fixture *f, guint n)
{
  GListModel *clients = quern_service_get_clients (f->service);

  for (guint i = 0; i < g_list_model_get_n_items (clients); i++) {
    g_autoptr (QuernServiceClient) client = g_list_model_get_item (clients, i);
    const char *state = quern_service_client_get_state (client);
    n -= g_str_equal (state, "reading") || g_str_equal (state, "writing");
  }
  return n == 0;
}

/* Requests that come at once are answered at once, and each as it is when it comes alone, though a client leaves meanwhile. */
static void
test_at_once (Fixture *f, gconstpointer unused)
{
  GSocketConnection *connections[4];
  char *bodies[4];

  hold (TRUE);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *agent = g_strdup_printf ("User-Agent: %u\r\n", i);
    connections[i] = test_http_connect (f->port);
    bodies[i] = g_strdup_printf ("{\"prompt\":\"The capital of\",\"max_tokens\":%u,\"temperature\":10,\"seed\":%u,"
                                 "\"top_k\":0,\"top_p\":1}",
                                 400 + 10 * i, i + 1);
    test_http_request (connections[i], "POST", "/v1/completions", agent, bodies[i]);
  }
  TEST_WAIT_UNTIL (are_at_work (f, 4));
  g_io_stream_close (G_IO_STREAM (connections[2]), NULL, NULL);
  most_together = 0;
  hold (FALSE);
  for (guint i = 0; i < 4; i++) {
    g_autoptr (TestReply) reply = NULL, alone = NULL;
    g_autofree char *text = NULL;
    if (i != 2) {
      reply = test_http_read (connections[i]);
      wait_idle (f);
      alone = test_http (f->port, "POST", "/v1/completions", NULL, bodies[i]);
      text = test_json_text (alone->json, "$.choices[0].text");
      test_assert_text (reply->json, "$.choices[0].text", text);
    }
    g_object_unref (connections[i]);
    g_free (bodies[i]);
  }
  g_assert_cmpuint (most_together, >=, 2);
}

static void
test_full_queue (Fixture *f, gconstpointer unused)
{
  g_autofree char *body = question (PARIS, "");
  g_autoptr (GSocketConnection) first = test_http_connect (f->port), second = test_http_connect (f->port),
                                third = test_http_connect (f->port);
  g_autoptr (TestReply) refused = NULL, a = NULL, b = NULL;

  hold (TRUE);
  test_http_request (first, "POST", "/v1/chat/completions", NULL, body);
  while (!is_processing (f))
    ;
  test_http_request (second, "POST", "/v1/chat/completions", NULL, body);
  for (gint64 waiting = 0; waiting != 1;) {
    g_autoptr (TestReply) queue = get (f, "/queue");
    waiting = test_json_int (queue->json, "$.waiting");
  }
  test_http_request (third, "POST", "/v1/chat/completions", NULL, body);
  refused = test_http_read (third);
  assert_error (refused, 429, "rate_limit_error");
  g_assert_nonnull (strstr (refused->head, "Retry-After: "));
  hold (FALSE);
  a = test_http_read (first);
  b = test_http_read (second);
  g_assert_cmpuint (a->status, ==, 200);
  g_assert_cmpuint (b->status, ==, 200);
}

/* One program asks six times at once, another twice: they get their answers by turns. */
static void
test_turns (Fixture *f, gconstpointer unused)
{
  static const char *const agents[] = { "many", "many", "many", "many", "many", "many", "few", "few" };
  static const char *const order[] = { "many", "few", "many", "few", "many", "many", "many", "many" };
  GSocketConnection *connections[G_N_ELEMENTS (agents)];
  g_autofree char *body = question (PARIS, "");

  hold (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (agents); i++) {
    g_autofree char *agent = g_strdup_printf ("User-Agent: %s\r\n", agents[i]);
    gint64 waiting = -1;
    connections[i] = test_http_connect (f->port);
    test_http_request (connections[i], "POST", "/v1/chat/completions", agent, body);
    while (!is_processing (f) || waiting != i) {
      g_autoptr (TestReply) queue = get (f, "/queue");
      waiting = test_json_int (queue->json, "$.waiting");
    }
  }
  g_ptr_array_set_size (f->lines, 0);
  hold (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (agents); i++) {
    g_autoptr (TestReply) reply = test_http_read (connections[i]);
    test_assert_text (reply->json, "$.choices[0].message.content", PARIS_ANSWER);
    g_object_unref (connections[i]);
  }
  for (guint i = 0, n = 0; i < G_N_ELEMENTS (order); n++) {
    TEST_WAIT_UNTIL (n < f->lines->len);
    if (!strstr (f->lines->pdata[n], "/v1/chat/completions"))
      continue;
    g_assert_true (g_str_has_prefix (f->lines->pdata[n], order[i]));
    i++;
  }
}

/* What a program calls itself may be any bytes; the window shows it as text. */
static void
test_client_name (Fixture *f, gconstpointer unused)
{
  g_autofree char *body = question (PARIS, ",\"max_tokens\":1");
  g_autoptr (TestReply) reply = test_http (f->port, "POST", "/v1/chat/completions",
                                           "User-Agent: a\xff\xe2\x80\xae <b>\x1b[31m\r\n", body);
  GListModel *clients = quern_service_get_clients (f->service);

  g_assert_cmpuint (reply->status, ==, 200);
  TEST_WAIT_UNTIL (g_list_model_get_n_items (clients) == 1);
  g_autoptr (QuernServiceClient) client = g_list_model_get_item (clients, 0);
  g_assert_cmpstr (quern_service_client_get_name (client), ==, "a\uFFFD\\u202e <b>\\x1b[31m");
}

static gboolean
is_done (gpointer generation)
{
  return quern_generation_get_phase (generation) == QUERN_GENERATION_DONE;
}

/* What is asked at the window is answered while the service's generation rests, which goes on afterwards. */
static void
test_window_first (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
  g_autofree char *body = endless ("");
  g_autoptr (QuernModel) model = g_object_ref (quern_library_get_default (f->library));
  g_autoptr (QuernLoadedModel)
      loaded = quern_backend_load_sync (f->backend, model, &(QuernLoadParams) { .context_size = 1024 }, NULL, NULL);
  g_autoptr (QuernRequest) request = quern_request_new ();
  g_autoptr (QuernGeneration) generation = NULL;
  g_autoptr (TestReply) reply = NULL;
  guint between = 0, n = 0, last = 0;

  hold (TRUE);
  test_http_request (connection, "POST", "/v1/completions", NULL, body);
  while (!is_processing (f))
    ;
  quern_request_add_message (request, QUERN_ROLE_USER, PARIS, NULL);
  generation = quern_loaded_model_generate (loaded, request);
  n_steps = 0;
  hold (FALSE);
  TEST_WAIT_UNTIL (is_done (generation));
  reply = test_http_read (connection);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpint (test_json_int (reply->json, "$.usage.completion_tokens"), >, 3); /* so it went on */
  /* The service's context made the last step. Before the window's last it makes the step that it was about to make, and
   * begins the one in which it rests. */
  g_assert_cmpuint (n_steps, <, G_N_ELEMENTS (step_contexts));
  for (guint i = 0; i < n_steps; i++)
    if (step_contexts[i] != step_contexts[n_steps - 1]) {
      n++;
      last = i;
    }
  between = last + 1 - n;
  g_test_message ("%u steps of the window, %u of the service's before its last, %u after", n, between,
                  n_steps - last - 1);
  g_assert_cmpuint (n, ==, quern_generation_get_statistics (generation)->n_passes);
  g_assert_cmpuint (between, <=, 2);
}

static void
test_stopping (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (f->port), idle = test_http_connect (f->port);
  g_autofree char *body = endless (",\"stream\":true");
  g_autoptr (TestReply) reply = NULL;

  hold (TRUE);
  test_http_request (connection, "POST", "/v1/completions", NULL, body);
  while (!is_processing (f))
    ;
  quern_service_stop (f->service);
  g_assert_null (quern_service_get_address (f->service));
  hold (FALSE);
  reply = test_http_read (connection); /* the connection ends */
  g_assert_true (reply->status == 0 || !reply->whole || !strstr (reply->body, "[DONE]"));
}

/* ---- a client that does not read ---------------------------------------------------------------------------------- */

static void
gone_cb (gpointer gone)
{
  *(gboolean *) gone = TRUE;
}

static void
test_wire (void)
{
  int ends[2];
  gboolean gone = FALSE;
  gsize n = 0;
  g_autofree char *piece = g_strnfill (65536, 'x');
  g_autoptr (GSocket) socket = NULL, other = NULL;
  QuernWireSetup setup = { .gone = gone_cb, .data = &gone };
  QuernWire *wire;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  socket = g_socket_new_from_fd (ends[0], NULL);
  other = g_socket_new_from_fd (ends[1], NULL);
  setup.stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  wire = quern_wire_new (&setup);
  quern_wire_begin (wire, 200, "", -1);
  for (; !gone && n < (64 << 20); n += 65536) {
    quern_wire_put (wire, piece, 65536);
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  g_assert_true (gone);
  g_assert_cmpuint (n, >=, QUERN_WIRE_MOST_UNSENT);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* One that takes nothing for as long as is allowed is gone, however little waits for it. */
static void
test_stalled_reader (void)
{
  int ends[2];
  gboolean gone = FALSE;
  g_autofree char *piece = g_strnfill (QUERN_WIRE_MOST_UNSENT / 2, 'x');
  g_autoptr (GSocket) socket = NULL, other = NULL;
  QuernWireSetup setup = { .gone = gone_cb, .data = &gone, .stall_seconds = 1 };
  QuernWire *wire;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  socket = g_socket_new_from_fd (ends[0], NULL);
  other = g_socket_new_from_fd (ends[1], NULL);
  setup.stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  wire = quern_wire_new (&setup);
  quern_wire_begin (wire, 200, "", -1);
  quern_wire_put (wire, piece, strlen (piece)); /* more than the socket holds */
  g_assert_false (gone);
  TEST_WAIT_UNTIL (gone);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* ---- the program -------------------------------------------------------------------------------------------------- */

static void
test_program (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "src", "cli", "quern-cli", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                                                      &error, path, "serve", "--port", "0", NULL);
  g_autoptr (GSubprocess)
      network = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, path, "serve", "--host", "0.0.0.0", NULL);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_autofree char *address = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_autoptr (TestReply) reply = NULL;
  guint port = 0;

  g_assert_no_error (error);
  g_assert_nonnull (address);
  g_assert_cmpint (sscanf (address, "http://127.0.0.1:%u/v1", &port), ==, 1);
  reply = test_http (port, "GET", "/v1/models", "User-Agent: me\x1b[31m\r\n", NULL);
  g_assert_cmpuint (reply->status, ==, 200);
  g_subprocess_send_signal (process, SIGTERM);
  g_subprocess_wait (process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
  g_subprocess_wait (network, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (network), ==, 2);
}

int
main (int argc, char **argv)
{
  static const QuernServiceSetup automatic = { 0 };
  static const QuernServiceSetup small = { .context_size = 2048, .most_waiting = 1, .most_contexts = 1 };
  static const QuernServiceSetup single = { .context_size = 2048, .most_contexts = 1 };
  g_autofree char *folder = test_folder ();
  int code;

  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
#define TEST(name, function) g_test_add ("/service/" name, Fixture, NULL, set_up, function, let_go)
  g_test_add_func ("/service/wire", test_wire);
  g_test_add_func ("/service/stalled-reader", test_stalled_reader);
  TEST ("models", test_models);
  TEST ("tokens", test_tokens);
  TEST ("chat", test_chat);
  TEST ("cache", test_cache);
  TEST ("thinking", test_thinking);
  TEST ("schema", test_schema);
  TEST ("logprobs", test_logprobs);
  TEST ("completions", test_completions);
  g_test_add ("/service/gap", Fixture, NULL, set_up_gap, test_gap, tear_down_gap);
  TEST ("picture", test_picture);
  TEST ("stream", test_stream);
  TEST ("ping", test_ping);
  TEST ("too-long", test_too_long);
  g_test_add ("/service/short-of-memory", Fixture, &automatic, set_up, test_short_of_memory, let_go);
  g_test_add_func ("/service/settings", test_settings);
  TEST ("leaving", test_leaving);
  TEST ("leaving-stops", test_leaving_stops);
  TEST ("at-once", test_at_once);
  g_test_add ("/service/full-queue", Fixture, &small, set_up, test_full_queue, let_go);
  g_test_add ("/service/turns", Fixture, &single, set_up, test_turns, let_go);
  TEST ("client-name", test_client_name);
  TEST ("window-first", test_window_first);
  TEST ("stopping", test_stopping);
  g_test_add_func ("/service/program", test_program);
  code = g_test_run ();
  test_remove_folder (folder);
  return code;
}
