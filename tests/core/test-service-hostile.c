/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdlib.h>

#include "quern-guard.h"
#include "test-service.h"

/* Clients of the service that may not ask, that ask what is wrong, or that mean harm. */

/* ---- what is wrong ------------------------------------------------------------------------------------------------ */

static void
test_bad_requests (Fixture *f, gconstpointer unused)
{
#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
  static const struct {
    const char *body;
    guint status;
    const char *param; /* "null" for none */
  } rows[] = {
    { "", 400, "null" },
    { "{", 400, "null" },
    { "[]", 400, "null" },
    { "{\"messages\":[]}", 400, "messages" },
    { "{\"messages\":{}}", 400, "messages" },
    { "{\"messages\":[1]}", 400, "messages" },
    { "{\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}", 400, "messages[0].role" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":7}]}", 400, "messages[0].content" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"audio\"}]}]}", 400, "messages[0].content[0].type" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://127.0.0.1/x.png\"}}]}]}",
      400, "image_url" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]}",
      400, "image_url" },
    { "{" USER ",\"temperature\":\"hot\"}", 400, "temperature" },
    { "{" USER ",\"temperature\":-1}", 400, "temperature" },
    { "{" USER ",\"max_tokens\":0}", 400, "max_tokens" },
    { "{" USER ",\"max_tokens\":1.5}", 400, "max_tokens" },
    { "{" USER ",\"n\":2}", 400, "n" },
    { "{" USER ",\"top_logprobs\":21,\"logprobs\":true}", 400, "top_logprobs" },
    { "{" USER ",\"stop\":[\"\"]}", 400, "stop" },
    { "{" USER ",\"stream\":\"yes\"}", 400, "stream" },
    { "{" USER ",\"response_format\":{\"type\":\"xml\"}}", 400, "response_format" },
    { "{" USER ",\"chat_template_kwargs\":{\"enable_thinking\":\"false\"}}", 400,
      "chat_template_kwargs.enable_thinking" },
    { "{" USER ",\"model\":\"gpt-4\"}", 404, "model" },
    { "{" USER ",\"model\":7}", 400, "model" },
    { "{" USER ",\"tools\":[{}]}", 400, "tools" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (TestReply) reply = post (f, "/v1/chat/completions", rows[i].body);
    assert_error (reply, rows[i].status, rows[i].status == 404 ? "not_found_error" : "invalid_request_error");
    test_assert_text (reply->json, "$.error.param", rows[i].param);
  }
}

/* ---- who may ask -------------------------------------------------------------------------------------------------- */

static void
test_guard (void)
{
  char *const hosts[] = { (char *) "my.box:1234", NULL }, *const origins[] = { (char *) "https://good.example", NULL };
  const QuernGuard local = { .hosts = (char **) hosts, .origins = (char **) origins },
                   network = { .network = TRUE, .key = (char *) "secret" };
  static const struct {
    const char *host;
    gboolean local, network;
  } names[] = {
    { "localhost", TRUE, TRUE },
    { "LocalHost:11535", TRUE, TRUE },
    { "127.0.0.1:8080", TRUE, TRUE },
    { "[::1]:11535", TRUE, TRUE },
    { "app.localhost", TRUE, TRUE },
    { "localhost.", TRUE, TRUE },
    { "host.docker.internal:1", TRUE, TRUE },
    { "my.box", TRUE, FALSE },
    { "192.168.1.7:11535", FALSE, TRUE },
    { "[fe80::1]", FALSE, TRUE },
    { "evil.example", FALSE, FALSE },
    { "localhost.evil.example", FALSE, FALSE },
    { "127.0.0.1.evil.example", FALSE, FALSE },
    { "localhost:evil", FALSE, FALSE },
    { "[::1", FALSE, FALSE },
    { "", FALSE, FALSE },
  };
  static const struct {
    const char *origin;
    gboolean allowed;
  } pages[] = {
    { "http://localhost:3000", TRUE },
    { "https://127.0.0.1", TRUE },
    { "app://obsidian.md", TRUE },
    { "vscode-webview://abc", TRUE },
    { "tauri://localhost", TRUE },
    { "https://good.example", TRUE },
    { "https://evil.example", FALSE },
    { "null", FALSE },
    { "http://localhost.evil.example", FALSE },
    { "https://good.example.evil", FALSE },
    { "", FALSE },
  };
  static const struct {
    QuernGuardHead head;
    guint status; /* 0: allowed */
  } heads[] = {
    { { "GET", "localhost", .authorization = "Bearer secret" }, 0 },
    { { "GET", "localhost", .authorization = "bearer secret" }, 0 },
    { { "GET", "localhost", .x_api_key = "secret" }, 0 },
    { { "GET", "localhost", .api_key = "secret" }, 0 },
    { { "GET", "localhost", .authorization = "Bearer secre" }, 401 },
    { { "GET", "localhost", .authorization = "Bearer secretsecret" }, 401 },
    { { "GET", "localhost", .authorization = "Bearer " }, 401 },
    { { "GET", "localhost" }, 401 },
    { { "GET", NULL, .x_api_key = "secret" }, 403 },
    { { "GET", "evil.example", .x_api_key = "secret" }, 403 },
    { { "GET", "localhost", .origin = "https://evil.example", .x_api_key = "secret" }, 403 },
    { { "OPTIONS", "localhost", .origin = "http://localhost" }, 0 },
    { { "OPTIONS", "localhost", .origin = "https://evil.example" }, 403 },
    { { "POST", "localhost", .x_api_key = "secret", .content_type = "application/json; charset=utf-8" }, 0 },
    { { "POST", "localhost", .x_api_key = "secret", .content_type = "text/plain" }, 415 },
    { { "POST", "localhost", .x_api_key = "secret", .content_type = "application/jsonp" }, 415 },
    { { "POST", "localhost", .x_api_key = "secret" }, 415 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_assert_cmpint (quern_guard_allows_host (&local, names[i].host), ==, names[i].local);
    g_assert_cmpint (quern_guard_allows_host (&network, names[i].host), ==, names[i].network);
  }
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    g_assert_cmpint (quern_guard_allows_origin (&local, pages[i].origin), ==, pages[i].allowed);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    g_autoptr (QuernRefusal) refusal = quern_guard_check (&network, &heads[i].head, FALSE);
    g_assert_cmpuint (refusal ? refusal->status : 0, ==, heads[i].status);
  }
  g_assert_null (quern_guard_check (&network, &(QuernGuardHead) { "GET", "localhost" }, TRUE));
}

static void
test_pages (Fixture *f, gconstpointer unused)
{
  g_autofree char *body = question (PARIS, "");
  g_autoptr (TestReply)
      good = test_http (f->port, "POST", "/v1/chat/completions", "Origin: app://obsidian.md\r\n", body);
  g_autoptr (TestReply)
      evil = test_http (f->port, "POST", "/v1/chat/completions", "Origin: https://evil.example\r\n", body);
  g_autoptr (TestReply) rebound = test_http (f->port, "GET", "/v1/models", "Host: evil.example\r\n", NULL);
  g_autoptr (TestReply) before = test_http (f->port, "OPTIONS", "/v1/chat/completions",
                                            "Origin: app://obsidian.md\r\nAccess-Control-Request-Method: POST\r\n"
                                            "Access-Control-Request-Headers: x-stainless-timeout, content-type\r\n",
                                            NULL);
  g_autoptr (TestReply)
      plain = test_http (f->port, "POST", "/v1/chat/completions", "Content-Type: text/plain\r\n", body);
  g_autofree char *named = test_json_text (rebound->json, "$.error.message");

  g_assert_cmpuint (good->status, ==, 200);
  g_assert_nonnull (strstr (good->head, "Access-Control-Allow-Origin: app://obsidian.md\r\n"));
  assert_error (evil, 403, "permission_error");
  g_assert_null (strstr (evil->head, "Access-Control-Allow-Origin"));
  assert_error (rebound, 403, "permission_error");
  g_assert_nonnull (strstr (named, "--allow-host"));
  g_assert_cmpuint (before->status, ==, 204);
  g_assert_cmpstr (before->body, ==, "");
  g_assert_nonnull (strstr (before->head, "Access-Control-Allow-Headers: x-stainless-timeout, content-type\r\n"));
  assert_error (plain, 415, "invalid_request_error");
}

static void
test_key (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *key = quern_service_make_key (), *other = quern_service_make_key ();
  g_autofree char *bearer = g_strdup_printf ("Authorization: Bearer %s\r\n", key);

  g_assert_cmpstr (key, !=, other);
  g_assert_false (quern_service_start (f->service, &(QuernServiceSetup) { .address = "0.0.0.0" }, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  start (f, &(QuernServiceSetup) { .address = "0.0.0.0", .key = key });
  g_autoptr (TestReply) none = get (f, "/v1/models"), health = get (f, "/health");
  g_autoptr (TestReply) right = test_http (f->port, "GET", "/v1/models", bearer, NULL);
  g_autoptr (TestReply) wrong = test_http (f->port, "GET", "/v1/models", "x-api-key: nope\r\n", NULL);
  assert_error (none, 401, "authentication_error");
  assert_error (wrong, 401, "authentication_error");
  g_assert_cmpuint (right->status, ==, 200);
  g_assert_cmpuint (health->status, ==, 200);
}

static void
test_port_in_use (Fixture *f, gconstpointer unused)
{
  g_autoptr (QuernService) second = quern_service_new (f->backend, f->library);
  g_autoptr (GError) error = NULL;
  guint port = f->port;

  g_assert_false (quern_service_start (second, &(QuernServiceSetup) { .port = (guint16) port }, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  quern_service_stop (f->service);
  start (f, &(QuernServiceSetup) { .port = (guint16) port });
  g_assert_cmpuint (f->port, ==, port);
}

static void
test_large_body (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) announced = test_http_connect (f->port), chunked = test_http_connect (f->port);
  g_autoptr (TestReply) first = NULL, second = NULL;
  g_autofree char *filler = g_strnfill (1 << 20, ' ');

  test_http_send (announced,
                  "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: 1000000000000\r\n\r\n");
  first = test_http_read (announced);
  assert_error (first, 413, "invalid_request_error");
  test_http_send (chunked, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n");
  for (guint i = 0; i < 66; i++) {
    test_http_send (chunked, "100000\r\n");
    test_http_send (chunked, filler);
    test_http_send (chunked, "\r\n");
  }
  second = test_http_read (chunked);
  assert_error (second, 413, "invalid_request_error");
}

/* What is no request gets an error or is cut off, and harms nobody else. */
static void
test_no_http (Fixture *f, gconstpointer unused)
{
  static const char *const texts[] = {
    "",
    "\r\n\r\n",
    "hello\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v1/models HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "GET /v1/models/%00%ff%2e%2e/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n{}",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
    g_autoptr (TestReply) reply = NULL, health = NULL;
    test_http_send (connection, texts[i]);
    g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE, NULL);
    reply = test_http_read (connection);
    g_assert_true (reply->status == 0 || reply->status == 204 || reply->status >= 400);
    health = get (f, "/health");
    g_assert_cmpuint (health->status, ==, 200);
  }
}

/* More connections than are served at once are turned away, and those that say nothing take no place for ever. */
static void
test_crowd (Fixture *f, gconstpointer unused)
{
  g_autoptr (GPtrArray) crowd = g_ptr_array_new_with_free_func (g_object_unref);
  guint status;

  for (guint i = 0; i < 130; i++)
    g_ptr_array_add (crowd, test_http_connect (f->port));
  do {
    g_autoptr (TestReply) reply = get (f, "/health");
    status = reply->status;
  } while (status == 200);
  g_assert_true (status == 503 || status == 0); /* the refusal may be lost when the request is still on its way */
  g_ptr_array_set_size (crowd, 0);
  do {
    g_autoptr (TestReply) reply = get (f, "/health");
    status = reply->status;
  } while (status != 200);
}

/* ---- clients that take their time -------------------------------------------------------------------------------- */

/* Returns the seconds after which the service ended the connection, which it has to do by itself. */
static double
seconds_to_end (GSocketConnection *connection)
{
  gint64 began = g_get_monotonic_time ();
  g_autoptr (TestReply) reply = test_http_read (connection);

  g_assert_cmpuint (reply->status, ==, 0);
  return (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
}

/* Sends a byte now and then, until nobody takes any more or `most` are sent. Returns how many were sent. */
static guint
drip (GSocketConnection *connection, char byte, guint most)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  char answer;
  guint n = 0;

  for (gboolean open = TRUE; open && n < most; n++) {
    open = g_socket_send (socket, &byte, 1, NULL, NULL) == 1;
    if (open && g_socket_condition_timed_wait (socket, G_IO_IN | G_IO_HUP, 100 * 1000, NULL, NULL))
      open = g_socket_receive_with_blocking (socket, &answer, 1, FALSE, NULL, NULL) > 0;
  }
  return n;
}

#define POST_HEAD "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
enum { DRIPS = 600 }; /* of a tenth of a second and more, with a limit of one second */

static void
test_slow_head (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) silent = test_http_connect (f->port), slow = NULL;
  g_autoptr (TestReply) health = NULL;

  seconds_to_end (silent);
  slow = test_http_connect (f->port);
  test_http_send (slow, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  g_assert_cmpuint (drip (slow, 'x', DRIPS), <, DRIPS);
  health = get (f, "/health");
  g_assert_cmpuint (health->status, ==, 200);
}

static void
test_slow_body (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) slow = test_http_connect (f->port), chunked = NULL;
  g_autoptr (TestReply) health = NULL;

  test_http_send (slow, POST_HEAD "Content-Length: 100000\r\n\r\n");
  g_assert_cmpuint (drip (slow, ' ', DRIPS), <, DRIPS);
  chunked = test_http_connect (f->port);
  test_http_send (chunked, POST_HEAD "Transfer-Encoding: chunked\r\n\r\n10000\r\n");
  g_assert_cmpuint (drip (chunked, ' ', DRIPS), <, DRIPS);
  health = get (f, "/health");
  g_assert_cmpuint (health->status, ==, 200);
}

/* Silence in the middle of a body is cut off long before the whole body must have come. */
static void
test_silent_body (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) silent = test_http_connect (f->port);

  test_http_send (silent, POST_HEAD "Content-Length: 100000\r\n\r\n{");
  g_assert_cmpfloat (seconds_to_end (silent), <, 300);
}

/* A connection carries one request: none is kept open for a next one, whatever the client asks for. */
static void
test_keep_alive (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
  g_autoptr (TestReply) reply = NULL;

  test_http_send (connection, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"
                              "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
  reply = test_http_read (connection);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_nonnull (strstr (reply->head, "Connection: close"));
  g_assert_null (strstr (reply->body, "HTTP/1.1"));
}

/* ---- what nobody sends ------------------------------------------------------------------------------------------- */

/* Heads that libsoup and the service may read differently from what a proxy before them would. status 0: any refusal, or none at all. */
static void
test_odd_heads (Fixture *f, gconstpointer unused)
{
#define LONE "{\"messages\":[{\"role\":\"user\",\"content\":\"" PARIS "\"}],\"temperature\":0}"
  static const struct {
    const char *text;
    guint status;
  } rows[] = {
    { "GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200 },
    { "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n", 200 },
    { "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      200 },
    { "GET /health HTTP/1.1\r\nHost: user@localhost\r\n\r\n", 0 },
    { "GET /health HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 0 },
    { "GET /health HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n", 0 },
    { "GET /health HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", 0 },
    { "GET /health HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n", 0 },
    { "GET http://user:pass@evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 0 },
    { "FETCH /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
    { "DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 },
    { "GET /v1/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 0 },
    { POST_HEAD "Content-Length: 99999999999999999999999\r\n\r\n{}", 0 },
    { POST_HEAD "Content-Length: 2, 3\r\n\r\n{}", 0 },
    { POST_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 0 },
    { POST_HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", 0 },
    { POST_HEAD "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 0 },
    { POST_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 501 },
    { POST_HEAD "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
    g_autoptr (TestReply) reply = NULL, health = NULL;
    test_http_send (connection, rows[i].text);
    g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE, NULL);
    reply = test_http_read (connection);
    g_test_message ("%u: %u", i, reply->status);
    if (rows[i].status > 0)
      g_assert_cmpuint (reply->status, ==, rows[i].status);
    else
      g_assert_true (reply->status == 0 || (reply->status >= 400 && reply->status < 500));
    health = get (f, "/health");
    g_assert_cmpuint (health->status, ==, 200);
  }
}

static void
test_large_head (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) one = test_http_connect (f->port), many = test_http_connect (f->port);
  g_autofree char *filler = g_strnfill (1 << 20, 'x');
  g_autoptr (TestReply) first = NULL, second = NULL, health = NULL;

  test_http_send (one, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Large: ");
  for (guint i = 0; i < 4; i++)
    test_http_send (one, filler);
  test_http_send (one, "\r\n\r\n");
  first = test_http_read (one);
  g_assert_true (first->status == 0 || first->status >= 400);
  test_http_send (many, "GET /health HTTP/1.1\r\nHost: localhost\r\n");
  for (guint i = 0; i < 100000; i++)
    test_http_send (many, "X-Many: 1\r\n");
  test_http_send (many, "\r\n");
  second = test_http_read (many);
  g_assert_true (second->status == 0 || second->status >= 400);
  health = get (f, "/health");
  g_assert_cmpuint (health->status, ==, 200);
}

/* A client that waits to be told to go on is told. */
static void
test_expect (Fixture *f, gconstpointer unused)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (f->port);
  g_autofree char *head = g_strdup_printf (POST_HEAD "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
                                           strlen (LONE));
  g_autoptr (TestReply) reply = NULL;
  GInputStream *answers = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GString) interim = g_string_new (NULL);
  char byte;

  test_http_send (connection, head);
  while (!g_str_has_suffix (interim->str, "\r\n\r\n") && g_input_stream_read (answers, &byte, 1, NULL, NULL) == 1)
    g_string_append_c (interim, byte);
  g_assert_true (g_str_has_prefix (interim->str, "HTTP/1.1 100 "));
  test_http_send (connection, LONE);
  reply = test_http_read (connection);
  test_assert_text (reply->json, "$.choices[0].message.content", PARIS_ANSWER);
}

static char *
repeat (const char *text, guint n)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (out, text);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* JSON that parsers trip over, and rules that explode: an answer or a refusal that says why, soon, and never a failure of the service. */
static void
test_odd_bodies (Fixture *f, gconstpointer unused)
{
#define HEAD "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":2,\"temperature\":0"
#define TOOL(parameters)                                                                                                        \
  HEAD                                                                                                                          \
      ",\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":" parameters \
      "}}]}"
#define SCHEMA(schema) HEAD ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":" schema "}}}"
  g_autofree char *nested = repeat ("[", 200000), *groups = repeat ("(", 5000), *alternatives = repeat ("x* ", 2000);
  g_autofree char *members = repeat ("{\"a\":", 5000), *types = repeat ("\"string\",", 20000);
  g_autofree char *deep = g_strconcat (HEAD ",\"x\":", nested, "}", NULL);
  g_autofree char *deep_schema =
      g_strconcat (HEAD ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":", members, "1",
                   NULL);
  g_autofree char *parentheses = g_strconcat (HEAD ",\"grammar\":\"root ::= ", groups, "\"}", NULL);
  g_autofree char *ambiguous = g_strconcat (HEAD ",\"grammar\":\"root ::= ", alternatives, "\\nx ::= [a-z]* [a-z]*\"}",
                                            NULL);
  g_autofree char *many_types =
      g_strconcat (HEAD ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":[", types,
                   "\"null\"]}}}}", NULL);
  const struct {
    const char *body;
    guint status; /* 0: 200 or 400 */
  } rows[] = {
    { "{\"messages\":[{\"role\":\"user\",\"content\":\"a\\u0000b\"}],\"max_tokens\":2}", 0 },
    { "{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}],\"max_tokens\":2}", 0 },
    { "{\"messages\":[{\"role\":\"user\",\"content\":\"\\udc00\\ud800\"}],\"max_tokens\":2}", 0 },
    { "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}],\"max_tokens\":2}", 400 },
    { "\xef\xbb\xbf" HEAD "}", 0 },
    { HEAD ",\"messages\":7}", 400 },
    { HEAD ",\"max_tokens\":1,\"max_tokens\":1}", 0 },
    { HEAD ",\"temperature\":1e400}", 400 },
    { HEAD ",\"top_p\":-1e400}", 400 },
    { HEAD ",\"top_p\":NaN}", 400 },
    { HEAD ",\"max_tokens\":1e400}", 400 },
    { HEAD ",\"max_tokens\":99999999999999999999}", 400 },
    { HEAD ",\"seed\":18446744073709551616}", 0 },
    { HEAD ",\"seed\":1e400}", 400 },
    { HEAD ",\"logit_bias\":{\"-1\":1}}", 0 },
    { HEAD ",\"logit_bias\":{\"99999999999\":1e400}}", 0 },
    { HEAD "} trailing", 400 },
    { HEAD ",}", 0 },
    { deep, 400 },
    { deep_schema, 400 },
    { parentheses, 400 },
    { ambiguous, 0 },
    { many_types, 0 },
    { HEAD ",\"grammar\":\"root ::= (((\\\"a\\\"{1,1000}){1,1000}){1,1000}){1,1000}\"}", 0 },
    { HEAD ",\"grammar\":\"root ::= root\"}", 400 },
    { HEAD ",\"grammar\":\"root ::= a\\na ::= b\\nb ::= a\"}", 400 },
    { HEAD ",\"grammar\":\"root ::= !\\\"a\\\"\"}", 400 },
    { SCHEMA ("{\"$ref\":\"#\"}"), 400 },
    { SCHEMA ("{\"type\":\"string\",\"pattern\":\"((((a{0,1000000}){0,1000000}){0,1000000}){0,1000000})*\"}"), 0 },
    { SCHEMA ("{\"type\":\"string\",\"maxLength\":-1}"), 400 },
    { SCHEMA ("{\"type\":\"array\",\"minItems\":1000000,\"items\":{\"type\":\"array\",\"minItems\":1000000}}"), 0 },
    { TOOL ("{\"$ref\":\"#\"}"), 0 },
    { TOOL (
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/properties/b\"},\"b\":{\"$ref\":\"#/properties/a\"}},"
          "\"required\":[\"a\"]}"),
      0 },
    { TOOL ("{\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":5,\"maxLength\":2}},\"required\":[\"a\"]}"), 0 },
    { TOOL ("{\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":1000000}},\"required\":[\"a\"]}"), 0 },
    { TOOL (
          "{\"properties\":{\"a\\u0000b\":{\"type\":\"string\"},\"\":{\"type\":\"string\"},\"<\\n>\":{\"type\":\"string\"}}}"),
      0 },
    { TOOL ("{\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"^</parameter>$\"}},\"required\":[\"a\"]}"), 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (TestReply) reply = post (f, "/v1/chat/completions", rows[i].body), health = NULL;
    g_test_message ("%u, %.100s: %u", i, rows[i].body, reply->status);
    if (rows[i].status > 0)
      g_assert_cmpuint (reply->status, ==, rows[i].status);
    else
      g_assert_true (reply->status == 200 || reply->status == 400);
    if (reply->status != 200)
      assert_error (reply, 400, "invalid_request_error");
    health = get (f, "/health");
    g_assert_cmpuint (health->status, ==, 200);
  }
}

int
main (int argc, char **argv)
{
  static const QuernServiceSetup hasty = { .context_size = 2048, .head_seconds = 1, .body_seconds = 1 };
  static const QuernServiceSetup hushed = { .context_size = 2048, .silent_seconds = 1 };
  g_autofree char *folder = test_folder ();
  int code;

  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
#define TEST(name, function) g_test_add ("/service/" name, Fixture, NULL, set_up, function, tear_down)
  TEST ("bad-requests", test_bad_requests);
  g_test_add_func ("/service/guard", test_guard);
  TEST ("pages", test_pages);
  TEST ("key", test_key);
  TEST ("port-in-use", test_port_in_use);
  TEST ("large-body", test_large_body);
  TEST ("no-http", test_no_http);
  TEST ("crowd", test_crowd);
  g_test_add ("/service/slow-head", Fixture, &hasty, set_up, test_slow_head, tear_down);
  g_test_add ("/service/slow-body", Fixture, &hasty, set_up, test_slow_body, tear_down);
  g_test_add ("/service/silent-body", Fixture, &hushed, set_up, test_silent_body, tear_down);
  TEST ("keep-alive", test_keep_alive);
  TEST ("odd-heads", test_odd_heads);
  TEST ("large-head", test_large_head);
  TEST ("expect", test_expect);
  TEST ("odd-bodies", test_odd_bodies);
  code = g_test_run ();
  test_remove_folder (folder);
  return code;
}
