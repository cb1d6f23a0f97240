/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-server-answer.h"
#include "quern-server-private.h"
#include "quern-test-resolver.h"
#include "quern-test-server.h"
#include "test-util.h"

/* The client against simulated servers (tests/servers): what a probe says, what is asked and what comes of it, and what happens
 * where servers and networks are at fault. */

/* ---- finding --------------------------------------------------------------------------------------------------- */

static QuernServer *
find_with (const char *address, const QuernServerKey *key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_server_find_async (address, key, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_server_find_finish (result, error);
}

static QuernServer *
find (QuernTestServer *server)
{
  g_autoptr (GError) error = NULL;
  QuernServer *found = find_with (quern_test_server_get_address (server), NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (found);
  return found;
}

/* Looks for a server in vain; the sentence has to say `what`. */
static void
assert_not_found (const char *address, const QuernServerKey *key, int code, const char *what)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (find_with (address, key, &error));
  g_assert_error (error, QUERN_SERVER_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, what));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static const QuernServerModel *
nth_model (QuernServer *server, guint n)
{
  g_assert_cmpuint (n, <, quern_server_get_models (server)->len);
  return quern_server_get_models (server)->pdata[n];
}

static void
assert_described (QuernServer *server, const char *expected)
{
  g_autofree char *description = quern_server_describe (server);

  g_assert_cmpstr (description, ==, expected);
}

static void
test_find_llama (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  const QuernServerModel *model = nth_model (server, 0);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_LLAMA);
  assert_described (server, "llama.cpp b11669-Debian with 1 model");
  g_assert_cmpstr (quern_server_get_address (server), ==, quern_test_server_get_address (simulated));
  g_assert_cmpstr (model->id, ==, "quern-tiny");
  g_assert_cmpuint (model->context_length, ==, 2048);
  g_assert_cmpuint (model->trained_length, ==, 2048);
  g_assert_cmpint (model->vision, ==, QUERN_FACT_YES);
  g_assert_cmpint (model->thinking, ==, QUERN_FACT_YES);
  g_assert_cmpint (model->budget, ==, QUERN_FACT_YES);
  g_assert_null (model->efforts);
  g_assert_cmpint (model->state, ==, QUERN_SERVER_MODEL_LOADED);
  g_assert_true (quern_server_get_traits (server)->counts);
  g_assert_false (quern_server_get_traits (server)->prompt_scores);
}

static void
test_find_llama_blind (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama-blind", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (nth_model (server, 0)->vision, ==, QUERN_FACT_NO);
}

static void
test_find_llama_router (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama-router", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_LLAMA);
  assert_described (server, "llama.cpp b11669-Debian with 8 models");
  g_assert_cmpstr (nth_model (server, 0)->id, ==, "quern-tiny-F16");
  g_assert_cmpint (nth_model (server, 0)->state, ==, QUERN_SERVER_MODEL_UNLOADED);
  g_assert_cmpint (nth_model (server, 0)->thinking, ==, QUERN_FACT_UNKNOWN);
  g_assert_cmpuint (nth_model (server, 0)->trained_length, ==, 2048);
}

static void
test_find_vllm (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_VLLM);
  assert_described (server, "vLLM 0.16.1 with 1 model");
  g_assert_cmpstr (nth_model (server, 0)->id, ==, "Qwen/Qwen3.5-122B-A10B");
  g_assert_cmpstr (nth_model (server, 0)->title, ==, "Qwen/Qwen3.5-122B-A10B");
  g_assert_cmpuint (nth_model (server, 0)->context_length, ==, 262144);
  g_assert_cmpint (nth_model (server, 0)->vision, ==, QUERN_FACT_UNKNOWN);
  g_assert_cmpuint (g_strv_length (nth_model (server, 0)->efforts), ==, 3);
  g_assert_true (quern_server_get_traits (server)->counts);
  g_assert_true (quern_server_get_traits (server)->prompt_scores);
}

static void
test_find_sglang (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("sglang", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_SGLANG);
  assert_described (server, "SGLang with 1 model");
  g_assert_cmpuint (nth_model (server, 0)->context_length, ==, 131072);
  g_assert_cmpint (nth_model (server, 0)->budget, ==, QUERN_FACT_NO);
}

static void
test_find_ollama (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("ollama", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_autoptr (QuernServerModel) loaded = quern_server_find_model (server, NULL);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_OLLAMA);
  assert_described (server, "Ollama 0.13.2 with 2 models");
  g_assert_cmpstr (loaded->id, ==, "qwen3.5:4b");
  g_assert_cmpuint (loaded->context_length, ==, 4096);
  g_assert_cmpuint (loaded->trained_length, ==, 262144);
  g_assert_cmpint (loaded->vision, ==, QUERN_FACT_YES);
  g_assert_cmpint (loaded->thinking, ==, QUERN_FACT_YES);
  g_assert_cmpint (nth_model (server, 1)->state, ==, QUERN_SERVER_MODEL_UNLOADED);
  g_assert_cmpint (nth_model (server, 1)->thinking, ==, QUERN_FACT_NO);
  g_assert_cmpint (nth_model (server, 1)->vision, ==, QUERN_FACT_NO);
  g_assert_cmpuint (nth_model (server, 1)->trained_length, ==, 32768);
  g_assert_cmpuint (quern_test_server_count (simulated, "/api/show"), ==, 1); /* the list says all of the other one */
  g_assert_false (quern_server_get_traits (server)->counts);
}

static void
test_find_lm_studio (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("lm-studio", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  const QuernServerModel *model = nth_model (server, 0), *oss = nth_model (server, 1);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_LM_STUDIO);
  assert_described (server, "LM Studio with 2 models"); /* the third one embeds */
  g_assert_cmpstr (model->id, ==, "qwen/qwen3.5-4b");
  g_assert_cmpstr (model->title, ==, "Qwen3.5 4B");
  g_assert_cmpuint (model->context_length, ==, 16384);
  g_assert_cmpuint (model->trained_length, ==, 262144);
  g_assert_cmpint (model->vision, ==, QUERN_FACT_YES);
  g_assert_cmpint (model->thinking, ==, QUERN_FACT_YES);
  g_assert_cmpint (model->state, ==, QUERN_SERVER_MODEL_LOADED);
  g_assert_cmpint (oss->thinking, ==, QUERN_FACT_NO); /* it cannot be turned off */
  g_assert_cmpstr (oss->efforts[0], ==, "low");
  g_assert_cmpint (oss->state, ==, QUERN_SERVER_MODEL_UNLOADED);
}

static void
test_find_lm_studio_old (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("lm-studio-old", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_LM_STUDIO);
  g_assert_cmpuint (quern_server_get_models (server)->len, ==, 2);
  g_assert_cmpint (nth_model (server, 0)->state, ==, QUERN_SERVER_MODEL_UNLOADED);
  g_assert_cmpint (nth_model (server, 1)->state, ==, QUERN_SERVER_MODEL_LOADED);
  g_assert_cmpint (nth_model (server, 1)->vision, ==, QUERN_FACT_YES);
  g_assert_cmpuint (nth_model (server, 1)->context_length, ==, 8192);
}

static void
test_find_other (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("other", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  g_assert_cmpint (quern_server_get_kind (server), ==, QUERN_SERVER_OTHER);
  assert_described (server, "OpenAI-compatible server with 2 models");
  g_assert_cmpuint (nth_model (server, 0)->context_length, ==, 128000);
  g_assert_cmpint (nth_model (server, 0)->vision, ==, QUERN_FACT_UNKNOWN);
  g_assert_cmpint (nth_model (server, 1)->vision, ==, QUERN_FACT_YES);
}

/* Without /v1, and below a path. */
static void
test_find_at_path (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new (NULL, FALSE);
  g_autofree char *address = g_strconcat (quern_test_server_get_address (simulated), "/llm/openai/chat/completions",
                                          NULL);
  g_autofree char *base = g_strconcat (quern_test_server_get_address (simulated), "/llm/openai", NULL);
  g_autoptr (QuernServer) server = NULL;
  g_autoptr (GError) error = NULL;

  quern_test_server_add_reply (simulated, &(QuernTestReply) { .path = "/llm/openai/models",
                                                              .status = 200,
                                                              .type = "application/json",
                                                              .body = "[{\"name\":\"x\"}]" });
  server = find_with (address, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_server_get_address (server), ==, base);
  g_assert_cmpstr (_quern_server_get_api (server), ==, "");
  g_assert_cmpstr (nth_model (server, 0)->id, ==, "x");
}

/* An address without its scheme goes to http on a local network, and the form that people paste is cut. */
static void
test_find_pasted (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autofree char *pasted = g_strdup_printf (" localhost:%u/v1/chat/completions\n",
                                             quern_test_server_get_port (simulated));
  g_autofree char *address = g_strdup_printf ("http://localhost:%u", quern_test_server_get_port (simulated));
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = find_with (pasted, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (quern_server_get_address (server), ==, address);
}

static void
test_find_local (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) servers = NULL;

  quern_server_find_local_async (NULL, test_result_cb, &result);
  test_wait_result (&result);
  servers = quern_server_find_local_finish (result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (servers); /* of whoever runs this test, perhaps */
}

/* ---- what is wrong --------------------------------------------------------------------------------------------- */

static void
test_nobody (void)
{
  g_autofree char *dead = NULL;
  g_autoptr (QuernTestServer) simulated = quern_test_server_new (NULL, FALSE);

  dead = g_strdup (quern_test_server_get_address (simulated));
  g_clear_pointer (&simulated, quern_test_server_free);
  assert_not_found (dead, NULL, QUERN_SERVER_ERROR_UNREACHABLE, "No server is running at “127.0.0.1:");
  assert_not_found ("http://nowhere.example:8080", NULL, QUERN_SERVER_ERROR_UNREACHABLE,
                    "computer “nowhere.example:8080” could not be found");
  assert_not_found ("not an address", NULL, QUERN_SERVER_ERROR_BAD_ADDRESS, "is not the address of a server");
}

static void
test_certificate (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", TRUE);

  assert_not_found (quern_test_server_get_address (simulated), NULL, QUERN_SERVER_ERROR_CERTIFICATE, "certificate");
  g_assert_cmpuint (quern_test_server_count (simulated, "/props"), ==, 0);
}

/* Says one thing to whoever comes. */
static gboolean
incoming_cb (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  g_output_stream_write_all (out, data, strlen (data), NULL, NULL, NULL);
  g_output_stream_close (out, NULL, NULL);
  return TRUE;
}

/* Ports of other services: of one without TLS where https was meant, and of one that speaks no HTTP at all. */
static void
test_other_services (void)
{
  static const struct {
    const char *scheme, *banner, *what;
    int code;
  } cases[] = {
    { "https", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "Try the address with http://",
      QUERN_SERVER_ERROR_UNREACHABLE },
    { "http", "SSH-2.0-OpenSSH_10.0\r\n", "does not use HTTP", QUERN_SERVER_ERROR_NO_SERVER },
    { "http", "", "does not use HTTP", QUERN_SERVER_ERROR_NO_SERVER },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GSocketService) service = g_socket_service_new ();
    g_autoptr (GError) error = NULL;
    guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);
    g_autofree char *address = g_strdup_printf ("%s://127.0.0.1:%u", cases[i].scheme, port);

    g_assert_no_error (error);
    g_signal_connect (service, "incoming", G_CALLBACK (incoming_cb), (gpointer) cases[i].banner);
    assert_not_found (address, NULL, cases[i].code, cases[i].what);
  }
}

static void
test_loading (void)
{
  g_autoptr (QuernTestServer) llama = quern_test_server_new ("llama-loading", FALSE);
  g_autoptr (QuernTestServer) sglang = quern_test_server_new (NULL, FALSE);

  quern_test_server_add_reply (sglang, &(QuernTestReply) { .status = 503, .type = "text/plain", .body = "" });
  assert_not_found (quern_test_server_get_address (llama), NULL, QUERN_SERVER_ERROR_LOADING, "is loading its model");
  assert_not_found (quern_test_server_get_address (sglang), NULL, QUERN_SERVER_ERROR_BUSY, "is starting");
}

static void
test_no_server (void)
{
  static const struct {
    guint status;
    const char *type, *body, *what;
  } cases[] = {
    { 200, "text/html", "<html><body>My <b>router</b></body></html>", "does not offer language models" },
    { 200, "application/json", "{\"status\":\"fine\"}", "does not offer language models" },
    { 200, "application/json", "[1,2", "does not offer language models" },
    { 404, "text/plain", "no", "does not offer language models" },
    { 502, "text/html; charset=utf-8",
      "<html><head><style>b{}</style><title>502 Bad\nGateway</title></head><script>var a = '<b>';</script>nginx</html>",
      "(status 502: 502 Bad Gateway nginx). It may come from a proxy" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new (NULL, FALSE);

    quern_test_server_add_reply (simulated, &(QuernTestReply) { .status = cases[i].status,
                                                                .type = cases[i].type,
                                                                .body = cases[i].body });
    assert_not_found (quern_test_server_get_address (simulated), NULL, QUERN_SERVER_ERROR_NO_SERVER, cases[i].what);
  }
}

/* A server that accepts and says nothing, one whose head drips, and one that sends without end: two seconds for each. */
static void
test_slow (void)
{
  static const QuernTestPace paces[] = { { .delay = 60000 }, { .drip = TRUE }, { .filler = (guint64) 1 << 40 } };

  for (guint i = 0; i < G_N_ELEMENTS (paces); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
    g_autoptr (GError) error = NULL;
    gint64 begun = g_get_monotonic_time ();

    quern_test_server_set_pace (simulated, &paces[i]);
    g_assert_null (find_with (quern_test_server_get_address (simulated), NULL, &error));
    g_test_message ("%s", error->message);
    g_assert_cmpint (g_get_monotonic_time () - begun, <, 30 * G_USEC_PER_SEC);
    g_assert_cmpuint (quern_test_server_count (simulated, "/v1/models"), ==, 0); /* one silence is enough */
  }
}

static void
test_cancelled_probe (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .delay = 60000 });
  quern_server_find_async (quern_test_server_get_address (simulated), NULL, cancellable, test_result_cb, &result);
  while (quern_test_server_get_n_open (simulated) == 0)
    g_usleep (1000);
  g_cancellable_cancel (cancellable);
  test_wait_result (&result);
  g_assert_null (quern_server_find_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A known server that changes: what it had is kept where it does not answer. */
static void
test_probe_again (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_autoptr (GAsyncResult) first = NULL, second = NULL;
  g_autoptr (GError) error = NULL;

  quern_test_server_add_reply (simulated,
                               &(QuernTestReply) {
                                   .path = "/v1/models",
                                   .status = 200,
                                   .type = "application/json",
                                   .body = "{\"data\":[{\"id\":\"a\",\"owned_by\":\"vllm\"},{\"id\":\"b\"}]}" });
  quern_server_probe_async (server, NULL, test_result_cb, &first);
  test_wait_result (&first);
  g_assert_true (quern_server_probe_finish (server, first, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (nth_model (server, 1)->id, ==, "b");
  g_clear_pointer (&simulated, quern_test_server_free);
  quern_server_probe_async (server, NULL, test_result_cb, &second);
  test_wait_result (&second);
  g_assert_false (quern_server_probe_finish (server, second, &error));
  g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE);
  g_assert_cmpstr (nth_model (server, 1)->id, ==, "b");
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static guint
count_keys (QuernTestServer *server)
{
  g_autoptr (GPtrArray) log = quern_test_server_dup_log (server);
  guint n = 0;

  for (guint i = 0; i < log->len; i++)
    n += ((const QuernTestRequest *) log->pdata[i])->key != NULL;
  return n;
}

static void
test_keys (void)
{
  static const char *const refusals[] = {
    "{\"error\":{\"message\":\"Invalid API Key\",\"type\":\"authentication_error\",\"code\":401}}", /* llama-server */
    "{\"error\":\"Unauthorized\"}",                                                                 /* vLLM */
    "Unauthorized",
  };

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
    const char *address = quern_test_server_get_address (simulated);
    g_autoptr (QuernServer) server = NULL;
    g_autoptr (GError) error = NULL;

    quern_test_server_add_reply (simulated, &(QuernTestReply) { .without_key = "right",
                                                                .status = 401,
                                                                .type = i < 2 ? "application/json" : "text/plain",
                                                                .body = refusals[i] });
    assert_not_found (address, NULL, QUERN_SERVER_ERROR_UNAUTHORIZED, "requires a key");
    g_assert_cmpuint (count_keys (simulated), ==, 0);
    assert_not_found (address, &(QuernServerKey) { .key = "wrong" }, QUERN_SERVER_ERROR_UNAUTHORIZED,
                      "does not accept the key");
    assert_not_found (address, &(QuernServerKey) { .key = "wr\nong" }, QUERN_SERVER_ERROR_UNAUTHORIZED,
                      "is not a valid key");
    server = find_with (address, &(QuernServerKey) { .key = "right" }, &error);
    g_assert_no_error (error);
    g_assert_true (quern_server_get_has_key (server));
  }
}

static void
test_llama_key (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama-key", FALSE);

  assert_not_found (quern_test_server_get_address (simulated), NULL, QUERN_SERVER_ERROR_UNAUTHORIZED, "requires a key");
}

/* Unencrypted to another computer, a key goes only where that was allowed. */
static void
test_plain_key (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autofree char *address = g_strdup_printf ("http://gpu.test:%u", quern_test_server_get_port (simulated));
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = NULL, without = NULL;

  /* A server that wants none does not get it. */
  without = find_with (address, &(QuernServerKey) { .key = "right" }, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_keys (simulated), ==, 0);
  quern_test_server_add_reply (simulated,
                               &(QuernTestReply) {
                                   .without_key = "right", .status = 401, .type = "text/plain", .body = "" });
  assert_not_found (address, &(QuernServerKey) { .key = "right" }, QUERN_SERVER_ERROR_PLAIN_KEY, "not encrypted");
  g_assert_cmpuint (count_keys (simulated), ==, 0);
  server = find_with (address, &(QuernServerKey) { .key = "right", .plain = TRUE }, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_keys (simulated), >, 0);
}

/* No redirect is followed, so that neither a key nor a conversation goes to another origin. */
static void
test_redirects (void)
{
  g_autoptr (QuernTestServer) other = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernTestServer) simulated = quern_test_server_new (NULL, FALSE);
  g_autofree char *headers = g_strdup_printf ("Location: %s/v1\r\n", quern_test_server_get_address (other));
  g_autofree char *what = g_strdup_printf ("redirects to “%s/v1”", quern_test_server_get_address (other));
  g_autoptr (GPtrArray) log = NULL;

  quern_test_server_add_reply (simulated, &(QuernTestReply) {
                                              .status = 307, .type = "text/plain", .headers = headers, .body = "" });
  assert_not_found (quern_test_server_get_address (simulated), &(QuernServerKey) { .key = "secret" },
                    QUERN_SERVER_ERROR_REDIRECT, what);
  log = quern_test_server_dup_log (other);
  g_assert_cmpuint (log->len, ==, 0);
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

typedef struct {
  GString *reasoning, *text;
  gboolean done;
  guint n_signals;
} Heard;

static void
text_cb (QuernServerAnswer *answer, gboolean reasoning, const char *text, Heard *heard)
{
  g_assert_false (heard->done);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_string_append (reasoning ? heard->reasoning : heard->text, text);
  heard->n_signals++;
}

static void
moved_cb (QuernServerAnswer *answer, gboolean to_reasoning, Heard *heard)
{
  GString *from = to_reasoning ? heard->text : heard->reasoning, *to = to_reasoning ? heard->reasoning : heard->text;

  g_assert_false (heard->done);
  g_string_append (to, from->str);
  g_string_truncate (from, 0);
}

static void
done_cb (QuernServerAnswer *answer, Heard *heard)
{
  g_assert_false (heard->done);
  g_assert_cmpint (quern_server_answer_get_phase (answer), ==, QUERN_SERVER_ANSWER_DONE);
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

  *heard = (Heard) { g_string_new (NULL), g_string_new (NULL), FALSE, 0 };
  g_signal_connect (answer, "text", G_CALLBACK (text_cb), heard);
  g_signal_connect (answer, "moved", G_CALLBACK (moved_cb), heard);
  g_signal_connect (answer, "done", G_CALLBACK (done_cb), heard);
  return answer;
}

static QuernServerCall *
make_call (QuernServer *server, const char *id, const char *question, QuernThinking thinking)
{
  g_autoptr (QuernServerModel) known = quern_server_find_model (server, id);
  g_autoptr (QuernServerModel) model = known != NULL ? quern_server_model_ref (known) : quern_server_model_new (id);
  QuernServerCall *call = quern_server_call_new (model);

  quern_server_call_add_message (call, QUERN_SPEAKER_USER, question, NULL);
  quern_server_call_set_thinking (call, thinking);
  return call;
}

/* Asks and waits for the end. */
static QuernServerAnswer *
ask_to_end (QuernServer *server, const char *question, QuernThinking thinking, Heard *heard)
{
  g_autoptr (QuernServerCall) call = make_call (server, NULL, question, thinking);
  QuernServerAnswer *answer = ask (server, call, heard);

  TEST_WAIT_UNTIL (heard->done);
  return answer;
}

static void
assert_failed (QuernServerAnswer *answer, int code, const char *what)
{
  const GError *error = quern_server_answer_get_error (answer);

  g_assert_cmpint (quern_server_answer_get_stop (answer), ==, QUERN_SERVER_STOP_FAILED);
  g_assert_error (error, QUERN_SERVER_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, what));
}

/* Each kind with thinking on and off, in pieces of a byte and at once: what is sent and what comes. */
static void
test_ask (gconstpointer data)
{
  const char *kind = data;
  g_autoptr (QuernTestServer) simulated = quern_test_server_new (kind, FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  const char *path = g_str_equal (kind, "ollama") ? "/api/chat" : "/v1/chat/completions";
  gboolean llama = g_str_equal (kind, "llama"), other = g_str_equal (kind, "other");

  for (gsize piece = 0; piece < 2; piece++) {
    g_auto (Heard) on = { 0 }, off = { 0 };
    g_autoptr (QuernServerAnswer) thinking = NULL, plain = NULL;
    const QuernAnswerUsage *usage;

    quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = piece });
    thinking = ask_to_end (server, "What is 47 + 38?", QUERN_THINKING_ON, &on);
    g_assert_no_error (quern_server_answer_get_error (thinking));
    g_assert_cmpint (quern_server_answer_get_stop (thinking), ==, QUERN_SERVER_STOP_END);
    g_assert_cmpstr (on.text->str, ==, llama ? "47 + 38 = 85" : "15");
    if (llama)
      g_assert_true (g_str_has_prefix (on.reasoning->str, "Ones: 7+8=15"));
    else
      g_assert_cmpstr (on.reasoning->str, ==, other ? "" : "Seven and eight.");
    plain = ask_to_end (server, "What is the capital of France?", QUERN_THINKING_OFF, &off);
    g_assert_no_error (quern_server_answer_get_error (plain));
    g_assert_cmpstr (off.text->str, ==, llama ? "The capital of France is Paris." : "15");
    g_assert_cmpstr (off.reasoning->str, ==, "");
    g_assert_false (quern_server_answer_get_ignored_switch (plain));
    g_assert_cmpfloat (quern_server_answer_get_first_seconds (plain), >, 0);
    usage = quern_server_answer_get_usage (plain);
    g_assert_cmpuint (usage->prompt_tokens, ==, llama ? 19 : other ? 0 : 21);
    g_assert_cmpuint (usage->answer_tokens, ==, llama ? 8 : other ? 0 : 9);
    if (llama || g_str_equal (kind, "ollama"))
      g_assert_cmpfloat (usage->decode_seconds, >, 0);
  }
  g_assert_cmpuint (quern_test_server_count (simulated, path), ==, 4);
}

/* The rows of A.3 and A.9 that are no rule but a trap. */
static void
test_traps (void)
{
  static const struct {
    const char *kind, *question;
    QuernThinking thinking;
    int code; /* -1: none */
    const char *reasoning, *text, *what;
  } cases[] = {
    { "vllm", "no parser", QUERN_THINKING_ON, -1, "Seven and eight.\n", "15", NULL },
    { "vllm", "no parser", QUERN_THINKING_OFF, -1, "Seven and eight.\n", "15", NULL },
    { "vllm", "fails midway", QUERN_THINKING_ON, QUERN_SERVER_ERROR_FAILED, "", "The",
      "EngineCore encountered an issue." },
    { "vllm", "too long", QUERN_THINKING_ON, QUERN_SERVER_ERROR_CONTEXT_FULL, "", "", "262144" },
    { "sglang", "too long", QUERN_THINKING_ON, QUERN_SERVER_ERROR_CONTEXT_FULL, "", "", "131072" },
    { "sglang", "wrong field", QUERN_THINKING_ON, QUERN_SERVER_ERROR_FAILED, "", "", "temperature must be a number" },
    { "sglang", "aborted", QUERN_THINKING_ON, QUERN_SERVER_ERROR_INTERRUPTED, "", "The",
      "stopped generating the answer" },
    { "sglang", "all in reasoning", QUERN_THINKING_OFF, -1, "", "It is 15.", NULL },
    { "ollama", "fails midway", QUERN_THINKING_ON, QUERN_SERVER_ERROR_FAILED, "", "The", "has terminated" },
    { "lm-studio", "fails midway", QUERN_THINKING_ON, QUERN_SERVER_ERROR_FAILED, "", "The", "has crashed" },
    { "lm-studio", "stubborn", QUERN_THINKING_OFF, -1, "Seven and eight.", "15", NULL },
    { "other", "not streamed", QUERN_THINKING_OFF, -1, "", "15", NULL },
    { "llama", "word word word word", QUERN_THINKING_OFF, QUERN_SERVER_ERROR_CONTEXT_FULL, "", "",
      "has 3014 tokens, and the server’s context holds 2048" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new (cases[i].kind, FALSE);
    g_autoptr (QuernServer) server = find (simulated);
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = ask_to_end (server, cases[i].question, cases[i].thinking, &heard);

    g_test_message ("%s: %s", cases[i].kind, cases[i].question);
    g_assert_cmpstr (heard.reasoning->str, ==, cases[i].reasoning);
    g_assert_cmpstr (heard.text->str, ==, cases[i].text);
    if (cases[i].code < 0)
      g_assert_no_error (quern_server_answer_get_error (answer));
    else
      assert_failed (answer, cases[i].code, cases[i].what);
    g_assert_cmpint (quern_server_answer_get_only_reasoned (answer), ==,
                     g_str_equal (cases[i].question, "all in reasoning"));
    /* Thinking came though it was turned off: the switch is marked. */
    g_assert_cmpint (quern_server_answer_get_ignored_switch (answer), ==,
                     cases[i].thinking == QUERN_THINKING_OFF
                         && (*cases[i].reasoning != '\0' || quern_server_answer_get_only_reasoned (answer)));
  }
}

static void
test_no_model (void)
{
  static const char *const kinds[] = { "vllm", "ollama", "llama-router" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new (kinds[i], FALSE);
    g_autoptr (QuernServer) server = find (simulated);
    g_autoptr (QuernServerCall) call = make_call (server, "nope", "Hello!", QUERN_THINKING_ON);
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = ask (server, call, &heard);

    TEST_WAIT_UNTIL (heard.done);
    assert_failed (answer, QUERN_SERVER_ERROR_NO_MODEL, "no longer has this model");
  }
}

/* Pictures as data URLs, an answer that is begun, and a limit, as llama-server answered to them. */
static void
test_llama_recordings (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
  g_autoptr (QuernTestServer) blind = quern_test_server_new ("llama-blind", FALSE);
  g_autoptr (QuernServer) server = find (simulated), blind_server = find (blind);
  g_autoptr (QuernServerCall) seeing = make_call (server, NULL, "What do you see?", QUERN_THINKING_OFF);
  g_autoptr (QuernServerCall) begun = make_call (server, NULL, "What is the capital of France?", QUERN_THINKING_OFF);
  g_autoptr (QuernServerCall) thinking = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
  g_autoptr (QuernServerCall) limited = make_call (server, NULL, "Count from one to ten.", QUERN_THINKING_OFF);
  g_autoptr (GBytes) picture = g_bytes_new_static ("abc", 3);
  g_auto (Heard) seen = { 0 }, not_seen = { 0 }, continued = { 0 }, thought = { 0 }, short_one = { 0 };
  g_autoptr (QuernServerAnswer) a = NULL, b = NULL, c = NULL, d = NULL, e = NULL;

  quern_server_call_add_picture (seeing, "image/png", picture);
  a = ask (server, seeing, &seen);
  b = ask (blind_server, seeing, &not_seen);
  quern_server_call_set_beginning (begun, NULL, "The capital of");
  c = ask (server, begun, &continued);
  quern_server_call_set_beginning (thinking, "Ones: 7+8=15", NULL);
  d = ask (server, thinking, &thought);
  quern_server_call_set_max_tokens (limited, 3);
  e = ask (server, limited, &short_one);
  TEST_WAIT_UNTIL (seen.done && not_seen.done && continued.done && thought.done && short_one.done);
  g_assert_no_error (quern_server_answer_get_error (a));
  g_assert_cmpuint (seen.text->len, >, 0);
  assert_failed (b, QUERN_SERVER_ERROR_UNSUPPORTED, "cannot see pictures");
  g_assert_cmpstr (continued.text->str, ==, " France is Paris.");
  g_assert_true (g_str_has_prefix (thought.reasoning->str, ", write 5"));
  g_assert_cmpstr (thought.text->str, ==, "47 + 38 = 85");
  g_assert_cmpint (quern_server_answer_get_stop (e), ==, QUERN_SERVER_STOP_LENGTH);
}

/* The reading of the prompt shows, where the server tells of it, and so does waiting. */
static void
test_phases (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_autoptr (QuernServerCall) call = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;
  gboolean waited = FALSE, read = FALSE, wrote = FALSE;

  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = 64, .pause = 1, .delay = 100 });
  answer = ask (server, call, &heard);
  while (!heard.done) {
    g_main_context_iteration (NULL, TRUE);
    waited |= quern_server_answer_get_phase (answer) == QUERN_SERVER_ANSWER_WAITING;
    read |= quern_server_answer_get_phase (answer) == QUERN_SERVER_ANSWER_READING
            && quern_server_answer_get_progress (answer) > 0;
    wrote |= quern_server_answer_get_phase (answer) == QUERN_SERVER_ANSWER_WRITING;
  }
  g_assert_true (waited && read && wrote);
  g_assert_cmpfloat (quern_server_answer_get_progress (answer), ==, 1);
  g_assert_cmpfloat (quern_server_answer_get_first_seconds (answer), >=, 0.1);
  g_assert_cmpuint (heard.n_signals, >, 5); /* as it comes */
}

/* The thinking of an answer that is being written can be ended, where the server can do that. */
static void
test_end_thinking (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
  g_autoptr (QuernTestServer) vllm = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated), other = find (vllm);
  g_autoptr (QuernServerCall) call = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
  g_autoptr (QuernServerCall) other_call = make_call (other, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
  g_auto (Heard) heard = { 0 }, other_heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL, other_answer = NULL;
  g_autofree char *body = NULL;

  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .piece = 64, .pause = 1, .stall_after = 4000 });
  quern_test_server_set_pace (vllm, &(const QuernTestPace) { .piece = 64, .pause = 1, .stall_after = 600 });
  answer = ask (server, call, &heard);
  g_assert_false (quern_server_answer_end_thinking (answer)); /* not before it begins */
  other_answer = ask (other, other_call, &other_heard);
  TEST_WAIT_UNTIL (heard.reasoning->len > 0 && other_heard.reasoning->len > 0);
  g_assert_false (quern_server_answer_end_thinking (other_answer));
  g_assert_true (quern_server_answer_end_thinking (answer));
  while (quern_test_server_count (simulated, "/v1/chat/completions/control") == 0)
    g_usleep (1000);
  body = quern_test_server_dup_body (simulated, "/v1/chat/completions/control");
  g_assert_nonnull (strstr (body, "\"action\":\"reasoning_end\""));
  g_assert_nonnull (strstr (body, "\"id\":\"chatcmpl-"));
  quern_server_answer_stop (answer);
  quern_server_answer_stop (other_answer);
  TEST_WAIT_UNTIL (heard.done && other_heard.done);
}

/* ---- faults of networks and servers ---------------------------------------------------------------------------- */

/* What another thread does wakes nobody up: the main loop has to look now and then. */
static gboolean
tick_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Stopping closes the connection, at any time, and is no failure. */
static void
test_stop (void)
{
  static const QuernTestPace paces[] = { { .delay = 60000 }, { .stall_after = 900 }, { .stall_after = 5000 } };

  for (guint i = 0; i < G_N_ELEMENTS (paces); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new ("llama", FALSE);
    g_autoptr (QuernServer) server = find (simulated);
    g_autoptr (QuernServerCall) call = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = NULL;
    guint source = g_timeout_add (5, tick_cb, NULL);

    quern_test_server_set_pace (simulated, &paces[i]);
    answer = ask (server, call, &heard);
    TEST_WAIT_UNTIL (quern_test_server_get_n_open (simulated) > 0 && (i < 2 || heard.reasoning->len > 0));
    quern_server_answer_stop (answer);
    TEST_WAIT_UNTIL (heard.done);
    g_assert_cmpint (quern_server_answer_get_stop (answer), ==, QUERN_SERVER_STOP_USER);
    g_assert_no_error (quern_server_answer_get_error (answer));
    TEST_WAIT_UNTIL (quern_test_server_get_n_open (simulated) == 0); /* it knows */
    g_assert_cmpuint (quern_test_server_get_n_gone (simulated), ==, 1);
    g_source_remove (source);
  }
}

/* Before anything is sent. */
static void
test_stop_at_once (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_autoptr (QuernServerCall) call = make_call (server, NULL, "Hello!", QUERN_THINKING_ON);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = ask (server, call, &heard);

  quern_server_answer_stop (answer);
  TEST_WAIT_UNTIL (heard.done);
  g_assert_cmpint (quern_server_answer_get_stop (answer), ==, QUERN_SERVER_STOP_USER);
  g_assert_cmpuint (quern_test_server_count (simulated, "/v1/chat/completions"), ==, 0);
}

/* An answer that is cut is kept, told of, and not asked for again. */
static void
test_cut (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  gboolean kept = FALSE;

  for (gsize at = 1; at < 900; at += 60) {
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = NULL;

    quern_test_server_set_pace (simulated, &(const QuernTestPace) { .cut_after = at });
    answer = ask_to_end (server, "What is 7 + 8?", QUERN_THINKING_ON, &heard);
    assert_failed (answer, QUERN_SERVER_ERROR_INTERRUPTED, "interrupted");
    g_assert_true (g_str_has_prefix ("Seven and eight.", heard.reasoning->str));
    kept |= heard.reasoning->len > 0;
    g_assert_cmpuint (quern_test_server_count (simulated, "/v1/chat/completions"), ==, (at - 1) / 60 + 1);
  }
  g_assert_true (kept);
}

static void
test_silence (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_auto (Heard) before = { 0 }, within = { 0 };
  g_autoptr (QuernServerAnswer) first = NULL, second = NULL;

  /* Before the first token there is no limit: the model may be loading. */
  _quern_server_answer_set_limits (10000, 200);
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .delay = 1000 });
  first = ask_to_end (server, "What is 7 + 8?", QUERN_THINKING_ON, &before);
  g_assert_no_error (quern_server_answer_get_error (first));
  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .stall_after = 600 });
  second = ask_to_end (server, "What is 7 + 8?", QUERN_THINKING_ON, &within);
  assert_failed (second, QUERN_SERVER_ERROR_INTERRUPTED, "stopped in the middle");
  g_assert_cmpstr (within.reasoning->str, ==, "Seven and");
  _quern_server_answer_set_limits (10000, 300000);
}

static void
test_dead_server (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  g_clear_pointer (&simulated, quern_test_server_free);
  answer = ask_to_end (server, "Hello!", QUERN_THINKING_ON, &heard);
  assert_failed (answer, QUERN_SERVER_ERROR_UNREACHABLE, "Start it, or check the port");
}

/* The six forms of refusals, as answers to a question. */
static void
test_refusals (void)
{
  static const struct {
    guint status;
    const char *type, *headers, *body;
    int code;
    const char *what;
    int retry_after;
  } cases[] = {
    { 400, "application/json", NULL,
      "{\"error\":{\"message\":\"bad nested\",\"type\":\"x\",\"param\":null,\"code\":400}}", QUERN_SERVER_ERROR_FAILED,
      "refused the request: bad nested", -1 },
    { 400, "application/json", NULL, "{\"object\":\"error\",\"message\":\"bad flat\",\"type\":\"x\",\"code\":400}",
      QUERN_SERVER_ERROR_FAILED, "refused the request: bad flat", -1 },
    { 500, "application/json", NULL, "{\"error\":\"bad string\"}", QUERN_SERVER_ERROR_FAILED,
      "refused the request: bad string", -1 },
    { 422, "application/json", NULL, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"bad list\",\"type\":\"x\"}]}",
      QUERN_SERVER_ERROR_FAILED, "refused the request: bad list", -1 },
    { 400, "application/json", NULL, "{\"detail\":\"bad detail\"}", QUERN_SERVER_ERROR_FAILED,
      "refused the request: bad detail", -1 },
    { 500, "text/plain", NULL, "Internal\nServer \x1b[31mError", QUERN_SERVER_ERROR_FAILED,
      "refused the request: Internal Server [31mError", -1 },
    { 500, "text/plain", NULL, "", QUERN_SERVER_ERROR_FAILED, "without saying why (status 500)", -1 },
    { 504, "text/html", NULL, "<html>504 Gateway Time-out</html>", QUERN_SERVER_ERROR_NO_SERVER,
      "returned a web page (status 504: 504 Gateway Time-out)", -1 },
    { 200, "text/html", NULL, "<html>Please log in</html>", QUERN_SERVER_ERROR_NO_SERVER, "returned a web page", -1 },
    { 401, "application/json", NULL, "{\"error\":\"Unauthorized\"}", QUERN_SERVER_ERROR_UNAUTHORIZED, "requires a key",
      -1 },
    { 429, "application/json", "Retry-After: 7\r\n", "{\"error\":{\"message\":\"slow down\"}}", QUERN_SERVER_ERROR_BUSY,
      "in 7 seconds", 7 },
    { 503, "text/plain", "Retry-After: 1\r\n", "", QUERN_SERVER_ERROR_BUSY, "in 1 second.", 1 },
    { 503, "application/json", NULL,
      "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\",\"code\":503}}",
      QUERN_SERVER_ERROR_LOADING, "is loading its model", -1 },
    { 501, "application/json", NULL,
      "{\"error\":{\"message\":\"not here\",\"type\":\"not_supported_error\",\"code\":501}}",
      QUERN_SERVER_ERROR_UNSUPPORTED, "does not support this request (status 501)", -1 },
    { 400, "application/json", NULL,
      "{\"error\":{\"message\":\"too many\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}",
      QUERN_SERVER_ERROR_CONTEXT_FULL, "does not fit", -1 },
    { 307, "text/plain", "Location: http://elsewhere.test/\r\n", "", QUERN_SERVER_ERROR_REDIRECT,
      "redirects to “http://elsewhere.test/”", -1 },
    { 200, "text/event-stream", NULL, "event: error\ndata: {\"error\":{\"message\":\"bad start\"}}\n\n",
      QUERN_SERVER_ERROR_FAILED, "refused the request: bad start", -1 },
    { 200, "text/event-stream", NULL, "", QUERN_SERVER_ERROR_INTERRUPTED, "interrupted", -1 },
    { 200, "application/octet-stream", NULL, "data: \x01\x02\n\n", QUERN_SERVER_ERROR_BAD_ANSWER, "not from a language",
      -1 },
  };
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Heard) heard = { 0 };
    g_autoptr (QuernServerAnswer) answer = NULL;

    quern_test_server_add_reply (simulated, &(QuernTestReply) { .path = "/v1/chat/completions",
                                                                .status = cases[i].status,
                                                                .type = cases[i].type,
                                                                .headers = cases[i].headers,
                                                                .body = cases[i].body });
    answer = ask_to_end (server, "Hello!", QUERN_THINKING_ON, &heard);
    assert_failed (answer, cases[i].code, cases[i].what);
    g_assert_cmpint (quern_server_answer_get_retry_after (answer), ==, cases[i].retry_after);
    g_assert_cmpuint (quern_test_server_count (simulated, "/v1/chat/completions"), ==, i + 1);
  }
}

/* A gigabyte in one line. */
static void
test_endless (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  quern_test_server_set_pace (simulated, &(const QuernTestPace) { .filler = 1 << 30 });
  answer = ask_to_end (server, "Hello!", QUERN_THINKING_ON, &heard);
  assert_failed (answer, QUERN_SERVER_ERROR_BAD_ANSWER, "not from a language model");
}

/* The key goes along with questions, in the header of its own. */
static void
test_ask_with_key (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = NULL;
  g_auto (Heard) heard = { 0 };
  g_autoptr (QuernServerAnswer) answer = NULL;

  quern_test_server_add_reply (simulated,
                               &(QuernTestReply) {
                                   .without_key = "right", .status = 401, .type = "text/plain", .body = "" });
  server = find_with (quern_test_server_get_address (simulated), &(QuernServerKey) { .key = "right" }, &error);
  g_assert_no_error (error);
  answer = ask_to_end (server, "What is 7 + 8?", QUERN_THINKING_ON, &heard);
  g_assert_no_error (quern_server_answer_get_error (answer));
  g_assert_cmpstr (heard.text->str, ==, "15");
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

static gssize
count (QuernServer *server, const QuernServerCall *call, gboolean *exact)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gssize n;

  quern_server_count_async (server, call, NULL, test_result_cb, &result);
  test_wait_result (&result);
  n = quern_server_count_finish (server, result, exact, &error);
  g_assert_no_error (error);
  return n;
}

static void
test_count (void)
{
  static const struct {
    const char *kind;
    gssize n;
    gboolean exact;
  } cases[] = { { "llama", 20, TRUE },        { "vllm", 21, TRUE },       { "sglang", 23, TRUE },
                { "ollama", 14, FALSE },      { "lm-studio", 14, FALSE }, { "other", 14, FALSE },
                { "llama-router", 14, FALSE } /* no model is loaded to count */ };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new (cases[i].kind, FALSE);
    g_autoptr (QuernServer) server = find (simulated);
    g_autoptr (QuernServerCall) call = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_ON);
    gboolean exact;

    g_assert_cmpint (count (server, call, &exact), ==, cases[i].n);
    g_assert_cmpint (exact, ==, cases[i].exact);
  }
}

/* What counting sends is what asking sends; a server that cannot count after all gives an estimate. */
static void
test_count_body (void)
{
  g_autoptr (QuernTestServer) simulated = quern_test_server_new ("vllm", FALSE);
  g_autoptr (QuernServer) server = find (simulated);
  g_autoptr (QuernServerCall) call = make_call (server, NULL, "What is 47 + 38?", QUERN_THINKING_OFF);
  g_autofree char *body = NULL, *begun = NULL;
  gboolean exact;

  count (server, call, &exact);
  body = quern_test_server_dup_body (simulated, "/tokenize");
  g_assert_cmpstr (
      body, ==,
      "{\"model\":\"Qwen/Qwen3.5-122B-A10B\",\"messages\":[{\"role\":\"user\",\"content\":\"What is 47 + 38?\"}],"
      "\"chat_template_kwargs\":{\"enable_thinking\":false},\"add_generation_prompt\":true}");
  quern_server_call_set_beginning (call, NULL, "It");
  count (server, call, &exact);
  begun = quern_test_server_dup_body (simulated, "/tokenize");
  g_assert_nonnull (strstr (begun, "\"add_generation_prompt\":false,\"continue_final_message\":true"));
  quern_test_server_add_reply (simulated, &(QuernTestReply) {
                                              .path = "/tokenize", .status = 404, .type = "text/plain", .body = "" });
  g_assert_cmpint (count (server, call, &exact), ==, 14);
  g_assert_false (exact);
}

/* ---- a hostile server ------------------------------------------------------------------------------------------ */

static guint64 hostile_state;

static guint
hostile (guint below)
{
  hostile_state = hostile_state * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
  return (guint) (hostile_state >> 33) % below;
}

/* A text with some of its bytes changed, left out, doubled or replaced by words that JSON has a meaning for. */
static char *
mutate (const char *text)
{
  static const char *const words[] = {
    "null", "{}", "[]", "\"\"", "-1",   "1e999", "true",    "}",       "]",        "{",      "[",
    "\"",   ",",  ":",  "\n",   "\n\n", "\xff",  "\\u0000", "<think>", "</think>", "data: ", "99999999999999999999"
  };
  g_autoptr (GString) out = g_string_new (text);

  for (guint n = 1 + hostile (4); n > 0 && out->len > 0; n--) {
    gsize at = hostile (out->len), wanted = 1 + hostile (20), length = MIN (wanted, out->len - at);

    switch (hostile (5)) {
    case 0: g_string_erase (out, at, length); break;
    case 1: g_string_insert (out, at, words[hostile (G_N_ELEMENTS (words))]); break;
    case 2: g_string_truncate (out, at); break;
    case 3: {
      g_autofree char *copy = g_strndup (out->str + at, length);

      g_string_insert (out, hostile (out->len), copy);
      break;
    }
    default: out->str[at] = (char) (1 + hostile (255));
    }
  }
  return g_string_free_and_steal (g_steal_pointer (&out));
}

/* Every answer that a server gives is changed, from the probe on: whatever comes of it, nothing crashes or hangs. */
static void
test_hostile (gconstpointer data)
{
  const char *kind = data;
  g_autofree char *name = g_strconcat (kind, ".json", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "..", "servers", name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *replies;
  guint n_found = 0;

  g_assert_true (json_parser_load_from_file (parser, path, NULL));
  replies = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "replies");
  hostile_state = g_str_hash (kind);
  for (guint i = 0; i < 40; i++) {
    g_autoptr (QuernTestServer) simulated = quern_test_server_new (kind, FALSE);
    g_autoptr (QuernServer) server = NULL;
    g_autoptr (GError) error = NULL;

    for (guint j = json_array_get_length (replies); j > 0; j--) {
      JsonObject *entry = json_array_get_object_element (replies, j - 1);
      JsonNode *body = json_object_get_member (entry, "body");
      g_autofree char *text = JSON_NODE_HOLDS_VALUE (body) ? json_node_dup_string (body) : json_to_string (body, FALSE);
      g_autofree char *mutant = mutate (text);
      QuernTestReply reply = { quern_json_string (entry, "path", NULL),
                               quern_json_string (entry, "when", NULL),
                               NULL,
                               quern_json_int (entry, "status", 200),
                               quern_json_string (entry, "type", "application/json"),
                               NULL,
                               mutant };

      if (hostile (3) > 0)
        quern_test_server_add_reply (simulated, &reply);
    }
    server = find_with (quern_test_server_get_address (simulated), NULL, &error);
    g_assert_true ((server != NULL) == (error == NULL));
    n_found += server != NULL;
    for (guint j = 0; server != NULL && quern_server_get_models (server)->len > 0 && j < 3; j++) {
      g_auto (Heard) heard = { 0 };
      g_autoptr (QuernServerCall) call = make_call (server, NULL, "fails midway", (int) j - 1);
      g_autoptr (QuernServerAnswer) answer = ask (server, call, &heard);
      gboolean exact;

      TEST_WAIT_UNTIL (heard.done);
      count (server, call, &exact);
    }
  }
  g_assert_cmpuint (n_found, >, 0);
}

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "llama", "vllm", "sglang", "ollama", "lm-studio", "other" };

  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
  g_test_init (&argc, &argv, NULL);
  quern_test_resolver_install ();
  g_test_add_func ("/servers/find/llama", test_find_llama);
  g_test_add_func ("/servers/find/llama-blind", test_find_llama_blind);
  g_test_add_func ("/servers/find/llama-router", test_find_llama_router);
  g_test_add_func ("/servers/find/vllm", test_find_vllm);
  g_test_add_func ("/servers/find/sglang", test_find_sglang);
  g_test_add_func ("/servers/find/ollama", test_find_ollama);
  g_test_add_func ("/servers/find/lm-studio", test_find_lm_studio);
  g_test_add_func ("/servers/find/lm-studio-old", test_find_lm_studio_old);
  g_test_add_func ("/servers/find/other", test_find_other);
  g_test_add_func ("/servers/find/at-path", test_find_at_path);
  g_test_add_func ("/servers/find/pasted", test_find_pasted);
  g_test_add_func ("/servers/find/local", test_find_local);
  g_test_add_func ("/servers/wrong/nobody", test_nobody);
  g_test_add_func ("/servers/wrong/certificate", test_certificate);
  g_test_add_func ("/servers/wrong/other-services", test_other_services);
  g_test_add_func ("/servers/wrong/loading", test_loading);
  g_test_add_func ("/servers/wrong/no-server", test_no_server);
  g_test_add_func ("/servers/wrong/slow", test_slow);
  g_test_add_func ("/servers/wrong/cancelled", test_cancelled_probe);
  g_test_add_func ("/servers/wrong/redirects", test_redirects);
  g_test_add_func ("/servers/probe-again", test_probe_again);
  g_test_add_func ("/servers/keys", test_keys);
  g_test_add_func ("/servers/llama-key", test_llama_key);
  g_test_add_func ("/servers/plain-key", test_plain_key);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *ask_path = g_strconcat ("/servers/ask/", kinds[i], NULL);
    g_autofree char *hostile_path = g_strconcat ("/servers/hostile/", kinds[i], NULL);

    g_test_add_data_func (ask_path, kinds[i], test_ask);
    g_test_add_data_func (hostile_path, kinds[i], test_hostile);
  }
  g_test_add_func ("/servers/traps", test_traps);
  g_test_add_func ("/servers/no-model", test_no_model);
  g_test_add_func ("/servers/llama-recordings", test_llama_recordings);
  g_test_add_func ("/servers/phases", test_phases);
  g_test_add_func ("/servers/end-thinking", test_end_thinking);
  g_test_add_func ("/servers/stop", test_stop);
  g_test_add_func ("/servers/stop-at-once", test_stop_at_once);
  g_test_add_func ("/servers/cut", test_cut);
  g_test_add_func ("/servers/silence", test_silence);
  g_test_add_func ("/servers/dead-server", test_dead_server);
  g_test_add_func ("/servers/refusals", test_refusals);
  g_test_add_func ("/servers/endless", test_endless);
  g_test_add_func ("/servers/ask-with-key", test_ask_with_key);
  g_test_add_func ("/servers/count", test_count);
  g_test_add_func ("/servers/count-body", test_count_body);
  return g_test_run ();
}
