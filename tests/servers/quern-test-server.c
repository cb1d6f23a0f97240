/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-test-server.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>
#include <sys/socket.h>

struct _QuernTestServer {
  char *address;
  guint port;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  SoupServer *server;
  GCancellable *cancellable;

  GMutex lock; /* everything below */
  GCond idle;
  GPtrArray *replies;     /* of QuernTestReply, which own their strings */
  GHashTable *responders; /* path -> Responder */
  GPtrArray *log;
  QuernTestPace pace;
  guint n_open, n_gone;
};

typedef struct {
  QuernTestResponder make;
  gpointer data;
} Responder;

static void
reply_free (gpointer data)
{
  QuernTestReply *reply = data;

  g_free ((char *) reply->path);
  g_free ((char *) reply->when);
  g_free ((char *) reply->without_key);
  g_free ((char *) reply->type);
  g_free ((char *) reply->headers);
  g_free ((char *) reply->body);
  g_free (reply);
}

static void
request_free (gpointer data)
{
  QuernTestRequest *request = data;

  g_free (request->method);
  g_free (request->path);
  g_free (request->key);
  g_free (request->body);
  g_free (request);
}

static QuernTestRequest *
request_copy (const QuernTestRequest *request)
{
  QuernTestRequest *copy = g_new (QuernTestRequest, 1);

  *copy = (QuernTestRequest) { g_strdup (request->method), g_strdup (request->path), g_strdup (request->key),
                               g_strdup (request->body) };
  return copy;
}

/* ---- writing an answer, on a thread of its own ----------------------------------------------------------------- */

typedef struct {
  QuernTestServer *server;
  GIOStream *stream;
  GSocket *socket;
  QuernTestPace pace;
  GString *head;
  GBytes *body;
} Writing;

/* Returns FALSE when the client is gone, or the server ends. */
static gboolean
put (Writing *w, const char *bytes, gsize size)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (w->stream), bytes, size, NULL,
                                    w->server->cancellable, NULL);
}

/* Waits until the client closes the connection, for so long at most; -1: any time. */
static gboolean
is_gone_within (Writing *w, gint64 milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * 1000;

  for (;;) {
    gint64 left = milliseconds < 0 ? 50000 : end - g_get_monotonic_time ();

    if (g_cancellable_is_cancelled (w->server->cancellable))
      return TRUE;
    if (left < 0)
      return FALSE;
    if (g_socket_condition_timed_wait (w->socket, G_IO_IN | G_IO_HUP, MIN (left, 50000), NULL, NULL)) {
      char byte;

      if (g_socket_receive (w->socket, &byte, 1, NULL, NULL) <= 0)
        return TRUE;
    }
  }
}

/* Returns whether the client took all there was. */
static gboolean
write_body (Writing *w)
{
  gsize size, piece;
  const char *bytes = g_bytes_get_data (w->body, &size);
  const QuernTestPace *pace = &w->pace;

  if (pace->filler > 0) {
    g_autofree char *filler = g_strnfill (1 << 20, 'x');

    for (guint64 left = pace->filler; left > 0; left -= MIN (left, 1 << 20))
      if (!put (w, filler, MIN (left, 1 << 20)))
        return FALSE;
    return TRUE;
  }
  piece = pace->piece > 0 ? pace->piece : MAX (size, 1);
  for (gsize at = 0; at < size;) {
    gsize n = MIN (piece, size - at);

    if (pace->cut_after > 0)
      n = MIN (n, pace->cut_after - MIN (at, pace->cut_after));
    if (pace->stall_after > 0)
      n = MIN (n, pace->stall_after - MIN (at, pace->stall_after));
    if (n == 0 && pace->stall_after > 0 && at >= pace->stall_after)
      return !is_gone_within (w, -1);
    if (n == 0) { /* a reset, instead of an end */
      setsockopt (g_socket_get_fd (w->socket), SOL_SOCKET, SO_LINGER, &(const struct linger) { 1, 0 },
                  sizeof (struct linger));
      return TRUE;
    }
    if (!put (w, bytes + at, n))
      return FALSE;
    at += n;
    if (pace->pause > 0 && at < size && is_gone_within (w, pace->pause))
      return FALSE;
  }
  return TRUE;
}

static gpointer
write_thread (gpointer data)
{
  Writing *w = data;
  gboolean whole = w->pace.delay == 0 || !is_gone_within (w, w->pace.delay);

  if (w->pace.drip) {
    whole = put (w, "HTTP/1.1 200 OK\r\nX-Drip: ", 25);
    while (whole)
      whole = put (w, "x", 1) && !is_gone_within (w, 20);
  }
  whole = whole && put (w, w->head->str, w->head->len) && write_body (w);
  g_io_stream_close (w->stream, NULL, NULL);
  g_mutex_lock (&w->server->lock);
  w->server->n_gone += !whole;
  w->server->n_open--;
  g_cond_broadcast (&w->server->idle);
  g_mutex_unlock (&w->server->lock);
  g_object_unref (w->stream);
  g_object_unref (w->socket);
  g_string_free (w->head, TRUE);
  g_bytes_unref (w->body);
  g_free (w);
  return NULL;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static gboolean
applies (const QuernTestReply *reply, const QuernTestRequest *request)
{
  return (reply->path == NULL || g_str_equal (reply->path, request->path))
         && (reply->when == NULL || strstr (request->body, reply->when) != NULL)
         && (reply->without_key == NULL || g_strcmp0 (reply->without_key, request->key) != 0);
}

/* Wants the lock. */
static const QuernTestReply *
find_reply (QuernTestServer *server, const QuernTestRequest *request)
{
  static const QuernTestReply nothing = { .status = 404, .type = "text/plain", .body = "404 page not found" };

  for (guint i = server->replies->len; i > 0; i--)
    if (applies (server->replies->pdata[i - 1], request))
      return server->replies->pdata[i - 1];
  return &nothing;
}

static void
handler (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  QuernTestServer *server = data;
  SoupMessageBody *body = soup_server_message_get_request_body (msg);
  const char *key = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization");
  QuernTestRequest *request = g_new (QuernTestRequest, 1);
  Writing *w = g_new0 (Writing, 1);
  const QuernTestReply *reply;
  const Responder *responder;
  g_autofree char *made = NULL;
  QuernTestReply own = { .status = 200, .type = "application/json" };
  gboolean post;

  *request = (QuernTestRequest) { g_strdup (soup_server_message_get_method (msg)), g_strdup (path),
                                  key != NULL && g_str_has_prefix (key, "Bearer ") ? g_strdup (key + 7) : NULL,
                                  g_strndup (body->data != NULL ? body->data : "", body->length) };
  post = g_str_equal (request->method, "POST");
  g_mutex_lock (&server->lock);
  responder = g_hash_table_lookup (server->responders, path);
  g_mutex_unlock (&server->lock);
  own.body = made = responder != NULL ? responder->make (request->body, responder->data) : NULL;
  g_mutex_lock (&server->lock);
  g_ptr_array_add (server->log, request);
  reply = made != NULL ? &own : find_reply (server, request);
  w->server = server;
  /* What is asked to find out what a server is comes at once, unless nothing does. */
  w->pace = post || server->pace.drip || server->pace.delay > 0 || server->pace.filler > 0 ? server->pace
                                                                                           : (QuernTestPace) { 0 };
  w->head = g_string_new (NULL);
  g_string_append_printf (w->head, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nConnection: close\r\n%s", reply->status,
                          soup_status_get_phrase (reply->status), reply->type,
                          reply->headers != NULL ? reply->headers : "");
  if (w->pace.cut_after > 0)
    g_string_append_printf (w->head, "Content-Length: %zu\r\n", strlen (reply->body));
  g_string_append (w->head, "\r\n");
  w->body = g_bytes_new (reply->body, strlen (reply->body));
  server->n_open++;
  g_mutex_unlock (&server->lock);
  w->socket = g_object_ref (soup_server_message_get_socket (msg));
  w->stream = soup_server_message_steal_connection (msg);
  g_thread_unref (g_thread_new ("answer", write_thread, w));
}

/* ---- the server ------------------------------------------------------------------------------------------------ */

void
quern_test_server_add_reply (QuernTestServer *server, const QuernTestReply *reply)
{
  QuernTestReply *copy = g_new (QuernTestReply, 1);

  *copy = (QuernTestReply) { g_strdup (reply->path), g_strdup (reply->when), g_strdup (reply->without_key),
                             reply->status,          g_strdup (reply->type), g_strdup (reply->headers),
                             g_strdup (reply->body) };
  g_mutex_lock (&server->lock);
  g_ptr_array_add (server->replies, copy);
  g_mutex_unlock (&server->lock);
}

/* Call it before anything asks for the path. */
void
quern_test_server_set_responder (QuernTestServer *server, const char *path, QuernTestResponder responder, gpointer data)
{
  Responder *entry = g_new (Responder, 1);

  *entry = (Responder) { responder, data };
  g_mutex_lock (&server->lock);
  g_hash_table_insert (server->responders, g_strdup (path), entry);
  g_mutex_unlock (&server->lock);
}

static const char *
member (JsonObject *object, const char *name, const char *fallback)
{
  return json_object_get_string_member_with_default (object, name, fallback);
}

/* A file: {"headers": …, "replies": [{"path", "when", "status", "type", "body"}]}; a body that is no string is JSON. */
static void
load_replies (QuernTestServer *server, const char *kind)
{
  g_autofree char *name = g_strconcat (kind, ".json", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "..", "servers", name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonObject *root;
  JsonArray *replies;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  root = json_node_get_object (json_parser_get_root (parser));
  replies = json_object_get_array_member (root, "replies");
  /* As they stand, the first that applies is meant. */
  for (guint i = json_array_get_length (replies); i > 0; i--) {
    JsonObject *entry = json_array_get_object_element (replies, i - 1);
    JsonNode *body = json_object_get_member (entry, "body");
    g_autofree char *text = JSON_NODE_HOLDS_VALUE (body) ? json_node_dup_string (body) : json_to_string (body, FALSE);
    QuernTestReply reply = { member (entry, "path", NULL),
                             member (entry, "when", NULL),
                             NULL,
                             json_object_get_int_member_with_default (entry, "status", 200),
                             member (entry, "type", "application/json"),
                             member (root, "headers", NULL),
                             text };

    quern_test_server_add_reply (server, &reply);
  }
}

void
quern_test_server_set_pace (QuernTestServer *server, const QuernTestPace *pace)
{
  g_mutex_lock (&server->lock);
  server->pace = *pace;
  g_mutex_unlock (&server->lock);
}

static gpointer
server_thread (gpointer data)
{
  QuernTestServer *server = data;

  g_main_context_push_thread_default (server->context);
  g_main_loop_run (server->loop);
  g_main_context_pop_thread_default (server->context);
  return NULL;
}

QuernTestServer *
quern_test_server_new (const char *kind, gboolean tls)
{
  QuernTestServer *server = g_new0 (QuernTestServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  g_mutex_init (&server->lock);
  g_cond_init (&server->idle);
  server->replies = g_ptr_array_new_with_free_func (reply_free);
  server->log = g_ptr_array_new_with_free_func (request_free);
  server->responders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  server->cancellable = g_cancellable_new ();
  server->context = g_main_context_new ();
  server->loop = g_main_loop_new (server->context, FALSE);
  if (kind != NULL)
    load_replies (server, kind);
  g_main_context_push_thread_default (server->context);
  server->server = soup_server_new (NULL, NULL);
  if (tls) {
    g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "..", "servers", "self-signed.pem", NULL);
    g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, &error);

    g_assert_no_error (error);
    soup_server_set_tls_certificate (server->server, certificate);
  }
  soup_server_add_handler (server->server, NULL, handler, server, NULL);
  soup_server_listen_local (server->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY | (tls ? SOUP_SERVER_LISTEN_HTTPS : 0),
                            &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (server->context);
  uris = soup_server_get_uris (server->server);
  server->port = (guint) g_uri_get_port (uris->data);
  server->address = g_strdup_printf ("%s://127.0.0.1:%u", tls ? "https" : "http", server->port);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  server->thread = g_thread_new ("test-server", server_thread, server);
  return server;
}

static gboolean
quit_cb (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

void
quern_test_server_free (QuernTestServer *server)
{
  g_autoptr (GSource) quit = g_idle_source_new ();

  g_cancellable_cancel (server->cancellable);
  g_source_set_callback (quit, quit_cb, server->loop, NULL);
  g_source_attach (quit, server->context);
  g_thread_join (server->thread);
  g_mutex_lock (&server->lock);
  while (server->n_open > 0)
    g_cond_wait (&server->idle, &server->lock);
  g_mutex_unlock (&server->lock);
  g_main_context_push_thread_default (server->context);
  soup_server_disconnect (server->server);
  g_object_unref (server->server);
  while (g_main_context_iteration (server->context, FALSE))
    ;
  g_main_context_pop_thread_default (server->context);
  g_main_loop_unref (server->loop);
  g_main_context_unref (server->context);
  g_object_unref (server->cancellable);
  g_ptr_array_unref (server->replies);
  g_ptr_array_unref (server->log);
  g_hash_table_unref (server->responders);
  g_mutex_clear (&server->lock);
  g_cond_clear (&server->idle);
  g_free (server->address);
  g_free (server);
}

const char *
quern_test_server_get_address (QuernTestServer *server)
{
  return server->address;
}

guint
quern_test_server_get_port (QuernTestServer *server)
{
  return server->port;
}

GPtrArray *
quern_test_server_dup_log (QuernTestServer *server)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);
  GPtrArray *copy = g_ptr_array_new_with_free_func (request_free);

  for (guint i = 0; i < server->log->len; i++)
    g_ptr_array_add (copy, request_copy (server->log->pdata[i]));
  return copy;
}

char *
quern_test_server_dup_body (QuernTestServer *server, const char *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);

  for (guint i = server->log->len; i > 0; i--) {
    const QuernTestRequest *request = server->log->pdata[i - 1];

    if (g_str_equal (request->path, path))
      return g_strdup (request->body);
  }
  return NULL;
}

guint
quern_test_server_count (QuernTestServer *server, const char *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);
  guint n = 0;

  for (guint i = 0; i < server->log->len; i++)
    n += g_str_equal (((const QuernTestRequest *) server->log->pdata[i])->path, path);
  return n;
}

guint
quern_test_server_get_n_gone (QuernTestServer *server)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);

  return server->n_gone;
}

guint
quern_test_server_get_n_open (QuernTestServer *server)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);

  return server->n_open;
}
