/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

#include "test-util.h"

/* A client of the service that says exactly what it is told, and reads to the end of the connection. The service has a thread
 * of its own, so this one may block. */

typedef struct {
  guint status;
  char *head;     /* all header lines */
  char *body;     /* without the lengths of chunks */
  gboolean whole; /* a chunked body has its end */
  JsonNode *json; /* of the body, if it is JSON */
} TestReply;

static inline void
test_reply_free (TestReply *reply)
{
  if (!reply)
    return;
  g_free (reply->head);
  g_free (reply->body);
  g_clear_pointer (&reply->json, json_node_unref);
  g_free (reply);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestReply, test_reply_free)

static inline GSocketConnection *
test_http_connect (guint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, TEST_WAIT_SECONDS);
  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) port, NULL, &error);
  g_assert_no_error (error);
  return connection;
}

static inline void
test_http_send (GSocketConnection *connection, const char *text)
{
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), text, strlen (text), NULL, NULL,
                             NULL);
}

/* headers: lines that end with \r\n, besides Host, Content-Type and Content-Length; NULL for none. */
static inline void
test_http_request (GSocketConnection *connection, const char *method, const char *path, const char *headers,
                   const char *body)
{
  gboolean has_host = headers && strstr (headers, "Host:"), has_type = headers && strstr (headers, "Content-Type:");
  g_autofree char *length = body ? g_strdup_printf ("Content-Length: %zu\r\n", strlen (body)) : g_strdup ("");
  g_autofree char *text = g_strconcat (method, " ", path, " HTTP/1.1\r\n", has_host ? "" : "Host: localhost\r\n",
                                       body && !has_type ? "Content-Type: application/json\r\n" : "", length,
                                       headers ? headers : "", "\r\n", body ? body : "", NULL);

  test_http_send (connection, text);
}

static inline char *
test_http_unchunk (const char *text, gboolean *whole)
{
  g_autoptr (GString) out = g_string_new (NULL);
  const char *end = text + strlen (text);

  *whole = FALSE;
  for (const char *p = text; p < end;) {
    char *line;
    guint64 n = g_ascii_strtoull (p, &line, 16);
    if (n == 0) {
      *whole = g_str_has_prefix (line, "\r\n\r\n");
      break;
    }
    g_assert_true (g_str_has_prefix (line, "\r\n"));
    g_string_append_len (out, line + 2, (gssize) MIN (n, (guint64) (end - line - 2)));
    p = line + 2 + n + 2;
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static inline TestReply *
test_http_read (GSocketConnection *connection)
{
  TestReply *reply = g_new0 (TestReply, 1);
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[65536];
  char *body;
  gssize n;

  while ((n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL,
                                   NULL))
         > 0)
    g_string_append_len (text, buffer, n);
  body = strstr (text->str, "\r\n\r\n");
  if (!body || sscanf (text->str, "HTTP/1.%*d %u", &reply->status) != 1)
    return reply;
  reply->head = g_strndup (text->str, (gsize) (body + 2 - text->str));
  if (strstr (reply->head, "Transfer-Encoding: chunked"))
    reply->body = test_http_unchunk (body + 4, &reply->whole);
  else
    reply->body = g_strdup (body + 4);
  if (*reply->body == '{')
    reply->json = json_from_string (reply->body, NULL);
  return reply;
}

static inline TestReply *
test_http (guint port, const char *method, const char *path, const char *headers, const char *body)
{
  g_autoptr (GSocketConnection) connection = test_http_connect (port);

  test_http_request (connection, method, path, headers, body);
  return test_http_read (connection);
}

/* Returns the JSON of what a path such as "$.choices[0].message.content" leads to, or "" if there is nothing. */
static inline char *
test_json_at (JsonNode *root, const char *path)
{
  g_auto (GStrv) steps = g_strsplit_set (path, ".[]", -1);
  JsonNode *node = root;

  for (char **step = steps + 1; node && *step; step++) {
    if (!**step)
      continue;
    if (JSON_NODE_HOLDS_OBJECT (node))
      node = json_object_get_member (json_node_get_object (node), *step);
    else if (JSON_NODE_HOLDS_ARRAY (node) && (guint) atoi (*step) < json_array_get_length (json_node_get_array (node)))
      node = json_array_get_element (json_node_get_array (node), (guint) atoi (*step));
    else
      node = NULL;
  }
  return node ? json_to_string (node, FALSE) : g_strdup ("");
}

static inline gint64
test_json_int (JsonNode *root, const char *path)
{
  g_autofree char *text = test_json_at (root, path);

  return *text ? g_ascii_strtoll (text, NULL, 10) : -1;
}

/* The text of a string. */
static inline char *
test_json_text (JsonNode *root, const char *path)
{
  g_autofree char *text = test_json_at (root, path);
  g_autoptr (JsonNode) node = *text == '"' ? json_from_string (text, NULL) : NULL;

  return g_strdup (node ? json_node_get_string (node) : text);
}

static inline void
test_assert_text (JsonNode *root, const char *path, const char *expected)
{
  g_autofree char *text = test_json_text (root, path);

  g_assert_cmpstr (text, ==, expected);
}
