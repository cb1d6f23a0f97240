/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-private.h"

#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <string.h>

#include "quern-json-util.h"
#include "quern-printable.h"

/* The service's thread: it accepts connections, lets libsoup read one request from each, checks who asks, and takes the
 * connection over to answer. A connection carries one request: so each has a time by which its head and its body must have
 * come, and no idle one takes the place of others. */

#define MOST_BODY (64 << 20)
#define MOST_CONNECTIONS 128
#define HEAD_SECONDS 30
#define BODY_SECONDS 600
#define SILENT_SECONDS 60 /* in the middle of a request */
#define STOP_SECONDS 10
#define TELL_MS 200
#define MOST_CLIENTS 64
#define MOST_NAME 120 /* bytes of what a client calls itself */

/* ---- the owner ------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernServiceLink *link;
  char *line;
  GPtrArray *clients;
  guint n_waiting;
} News;

static void
news_free (gpointer data)
{
  News *news = data;

  g_atomic_rc_box_release (news->link);
  g_free (news->line);
  g_clear_pointer (&news->clients, g_ptr_array_unref);
  g_free (news);
}

static gboolean
news_arrive_cb (gpointer data)
{
  News *news = data;
  const QuernServiceOwner *owner = &news->link->owner;

  if (news->link->alive && news->line && owner->log)
    owner->log (owner->data, news->line);
  if (news->link->alive && news->clients && owner->changed)
    owner->changed (owner->data, news->clients, news->n_waiting);
  return G_SOURCE_REMOVE;
}

static void
quern_service_core_send_news (QuernServiceCore *self, News news)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  news.link = g_atomic_rc_box_acquire (self->link);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, news_arrive_cb, g_memdup2 (&news, sizeof news), news_free);
  g_source_attach (source, self->owner_context);
}

/**
 * quern_service_core_log:
 *
 * Tells the owner of an exchange that was answered.
 */
void
quern_service_core_log (QuernServiceCore *self, const QuernExchange *exchange)
{
  double seconds = (double) (g_get_monotonic_time () - exchange->began_at) / G_USEC_PER_SEC;
  g_autofree char *line = g_strdup_printf ("%s: %s %s %u %.2f s", exchange->agent, exchange->method, exchange->path,
                                           exchange->status, seconds);

  quern_service_core_send_news (self, (News) { .line = quern_printable (line, QUERN_PRINTABLE_LINE) });
}

/* ---- clients --------------------------------------------------------------------------------------------------- */

void
quern_service_client_facts_free (gpointer data)
{
  QuernServiceClientFacts *facts = data;

  g_free (facts->id);
  g_free (facts->name);
  g_free (facts->model);
  g_free (facts);
}

static gboolean
quern_service_core_tell_cb (gpointer data)
{
  QuernServiceCore *self = data;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (quern_service_client_facts_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    QuernServiceClientFacts *copy = g_memdup2 (value, sizeof *copy);
    copy->id = g_strdup (copy->id);
    copy->name = g_strdup (copy->name);
    copy->model = g_strdup (copy->model);
    g_ptr_array_add (clients, copy);
  }
  quern_service_core_send_news (self, (News) { .clients = g_steal_pointer (&clients),
                                               .n_waiting = quern_service_queue_get_n_waiting (self->queue) });
  g_clear_pointer (&self->tell, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* Tells the owner soon who asks for what. */
void
quern_service_core_tell (QuernServiceCore *self)
{
  if (self->tell)
    return;
  self->tell = g_timeout_source_new (TELL_MS);
  g_source_set_callback (self->tell, quern_service_core_tell_cb, self, NULL);
  g_source_attach (self->tell, self->context);
}

static gboolean
is_idle (gpointer id, gpointer facts, gpointer data)
{
  return g_str_equal (((QuernServiceClientFacts *) facts)->state, "idle");
}

QuernServiceClientFacts *
quern_service_core_get_client (QuernServiceCore *self, const QuernExchange *exchange)
{
  QuernServiceClientFacts *facts = g_hash_table_lookup (self->clients, exchange->client);

  if (facts)
    return facts;
  if (g_hash_table_size (self->clients) >= MOST_CLIENTS)
    g_hash_table_foreach_remove (self->clients, is_idle, NULL);
  facts = g_new0 (QuernServiceClientFacts, 1);
  facts->id = g_strdup (exchange->client);
  facts->name = g_strdup (exchange->agent);
  facts->state = "idle";
  g_hash_table_insert (self->clients, facts->id, facts);
  return facts;
}

/* state: static. */
void
quern_service_core_set_state (QuernServiceCore *self, const QuernExchange *exchange, const char *state)
{
  quern_service_core_get_client (self, exchange)->state = state;
  quern_service_core_tell (self);
}

/* ---- exchanges ------------------------------------------------------------------------------------------------- */

static void
exchange_gone_cb (gpointer data)
{
  QuernExchange *exchange = data;

  exchange->wire = NULL;
  if (exchange->gone)
    exchange->gone (exchange->work);
}

static void
exchange_idle_cb (gpointer data)
{
  QuernExchange *exchange = data;

  if (exchange->idle)
    exchange->idle (exchange->work);
}

static const char *
header (SoupServerMessage *msg, const char *name)
{
  return soup_message_headers_get_one (soup_server_message_get_request_headers (msg), name);
}

/* Header lines for a page of an allowed origin, and the answer to what its browser asks before. */
static char *
cors_headers (SoupServerMessage *msg, gboolean preflight)
{
  const char *origin = header (msg, "Origin"), *wanted = header (msg, "Access-Control-Request-Headers");
  g_autoptr (GString) lines = g_string_new (NULL);

  if (!origin)
    return g_strdup ("");
  g_string_append_printf (lines, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", origin);
  if (!preflight)
    return g_string_free (g_steal_pointer (&lines), FALSE);
  g_string_append_printf (lines,
                          "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\nAccess-Control-Max-Age: 86400\r\n"
                          "Access-Control-Allow-Headers: %s\r\n",
                          wanted ? wanted
                                 : "Authorization, Content-Type, User-Agent, Accept, X-Requested-With, OpenAI-Beta");
  if (header (msg, "Access-Control-Request-Private-Network"))
    g_string_append (lines, "Access-Control-Allow-Private-Network: true\r\n");
  return g_string_free (g_steal_pointer (&lines), FALSE);
}

/* Takes the connection over from libsoup. */
static QuernExchange *
exchange_new (QuernServiceCore *self, SoupServerMessage *msg, const QuernEndpoint *endpoint, const char *tail)
{
  QuernExchange *exchange = g_rc_box_new0 (QuernExchange);
  GSocketAddress *remote = soup_server_message_get_remote_address (msg);
  g_autofree char *address = G_IS_INET_SOCKET_ADDRESS (remote)
                                 ? g_inet_address_to_string (
                                       g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)))
                                 : g_strdup ("?");
  SoupMessageBody *body = soup_server_message_get_request_body (msg);
  const char *agent = header (msg, "User-Agent"), *key = header (msg, "Authorization");
  g_autofree char *name = g_strndup (agent ? agent : address, MOST_NAME);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) stream = NULL;
  QuernWireSetup setup = { .gone = exchange_gone_cb, .idle = exchange_idle_cb, .data = exchange };

  exchange->core = self;
  exchange->endpoint = endpoint;
  exchange->method = g_strdup (soup_server_message_get_method (msg));
  exchange->path = g_strdup (g_uri_get_path (soup_server_message_get_uri (msg)));
  exchange->tail = g_strdup (tail);
  exchange->agent = quern_printable (name, QUERN_PRINTABLE_LINE); /* the window shows it */
  exchange->client = g_strdup_printf ("%s|%s|%x", address, exchange->agent, key ? g_str_hash (key) : 0);
  exchange->cors = cors_headers (msg, g_str_equal (exchange->method, "OPTIONS"));
  exchange->body = soup_message_body_get_accumulate (body) ? soup_message_body_flatten (body) : g_bytes_new (NULL, 0);
  exchange->began_at = g_get_monotonic_time ();
  setup.old = soup_server_message_get_http_version (msg) == SOUP_HTTP_1_0;
  setup.head_only = g_str_equal (exchange->method, "HEAD");
  setup.stall_seconds = self->stall_seconds;
  stream = soup_server_message_steal_connection (msg);
  g_object_get (stream, "base-iostream", &connection, NULL);
  g_object_set_data (G_OBJECT (connection), "quern-deadline", NULL);
  setup.stream = G_IO_STREAM (g_steal_pointer (&connection));
  exchange->wire = quern_wire_new (&setup);
  return exchange;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static void
refuse_message (QuernServiceCore *self, SoupServerMessage *msg, const QuernRefusal *refusal)
{
  const char *tail = "";
  gboolean known;
  const QuernEndpoint *endpoint = quern_endpoint_find (soup_server_message_get_method (msg),
                                                       g_uri_get_path (soup_server_message_get_uri (msg)), &tail,
                                                       &known);
  g_autoptr (QuernExchange) exchange = exchange_new (self, msg, endpoint, tail);

  /* A page that may not ask is not to read why. */
  if (refusal->status == 403)
    g_set_str (&exchange->cors, "");
  quern_exchange_refuse (exchange, refusal);
}

static void
refuse_size (QuernServiceCore *self, SoupServerMessage *msg)
{
  g_autoptr (QuernRefusal)
      refusal = quern_refusal_new (413, NULL, NULL, "The request is larger than %d MB.", MOST_BODY >> 20);

  soup_message_body_set_accumulate (soup_server_message_get_request_body (msg), FALSE);
  refuse_message (self, msg, refusal);
}

static void
got_chunk_cb (SoupServerMessage *msg, GBytes *chunk, gpointer data)
{
  gsize size = GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (msg), "quern-size")) + g_bytes_get_size (chunk);

  g_object_set_data (G_OBJECT (msg), "quern-size", GSIZE_TO_POINTER (size));
  if (size > MOST_BODY)
    refuse_size (data, msg);
}

static void
source_destroy (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static gboolean
deadline_cb (gpointer connection)
{
  g_socket_shutdown (g_socket_connection_get_socket (connection), TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

/* The connection is cut if the request has not come by then. */
static void
set_deadline (QuernServiceCore *self, GSocketConnection *connection, guint seconds)
{
  GSource *source = g_timeout_source_new_seconds (seconds);

  g_source_set_callback (source, deadline_cb, connection, NULL);
  g_source_attach (source, self->context);
  g_object_set_data_full (G_OBJECT (connection), "quern-deadline", source, source_destroy);
}

/* Returns the connection that a request comes on, or NULL. */
static GSocketConnection *
find_connection (QuernServiceCore *self, SoupServerMessage *msg)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (msg);
  GHashTableIter iter;
  gpointer connection;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL)) {
    g_autoptr (GSocketAddress) other = g_socket_connection_get_remote_address (connection, NULL);
    if (G_IS_INET_SOCKET_ADDRESS (other) && G_IS_INET_SOCKET_ADDRESS (remote)
        && g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (other))
               == g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote))
        && g_inet_address_equal (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (other)),
                                 g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote))))
      return connection;
  }
  return NULL;
}

/* Called when the head of a request has come: who may not ask is told so, and what it sends is dropped. */
static void
early_cb (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  QuernServiceCore *self = data;
  goffset length = soup_message_headers_get_content_length (soup_server_message_get_request_headers (msg));
  const QuernGuardHead head = {
    .method = soup_server_message_get_method (msg),
    .host = header (msg, "Host"),
    .origin = header (msg, "Origin"),
    .content_type = header (msg, "Content-Type"),
    .authorization = header (msg, "Authorization"),
    .x_api_key = header (msg, "x-api-key"),
    .api_key = header (msg, "api-key"),
  };
  const char *tail;
  gboolean known;
  const QuernEndpoint *endpoint = quern_endpoint_find (head.method, path, &tail, &known);
  QuernRefusal *refusal = quern_guard_check (&self->guard, &head, endpoint && endpoint->is_public);
  GSocketConnection *connection = find_connection (self, msg);
  const char *host = g_uri_get_host (soup_server_message_get_uri (msg)); /* which may not be what the header says */
  g_autofree char *named = strchr (host, ':') ? g_strconcat ("[", host, "]", NULL) : g_strdup (host);

  if (connection)
    set_deadline (self, connection, self->body_seconds);
  if (!refusal && !quern_guard_allows_host (&self->guard, named))
    refusal = quern_refusal_new (403, "host_not_allowed", NULL, "The host “%s” is not allowed.", named);

  if (length < 0 || length > MOST_BODY) { /* which is not read */
    if (!refusal && length < 0)
      refusal = quern_refusal_new (400, NULL, NULL, "The length of the request is not a number.");
    if (refusal)
      refuse_message (self, msg, refusal);
    else
      refuse_size (self, msg);
    quern_refusal_free (refusal);
    return;
  }
  if (refusal) {
    g_object_set_data_full (G_OBJECT (msg), "quern-refusal", refusal, (GDestroyNotify) quern_refusal_free);
    soup_message_body_set_accumulate (soup_server_message_get_request_body (msg), FALSE);
  }
  g_signal_connect (msg, "got-chunk", G_CALLBACK (got_chunk_cb), self);
}

static void
request_cb (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  QuernServiceCore *self = data;
  const QuernRefusal *refusal = g_object_get_data (G_OBJECT (msg), "quern-refusal");
  const char *method = soup_server_message_get_method (msg), *tail = "";
  gboolean known;
  const QuernEndpoint *endpoint = quern_endpoint_find (method, path, &tail, &known);
  g_autoptr (QuernRefusal) unknown = NULL;

  if (!refusal && !endpoint && !g_str_equal (method, "OPTIONS"))
    refusal = unknown = known ? quern_refusal_new (405, NULL, NULL, "%s does not take %s requests.", path, method)
                              : quern_refusal_new (404, NULL, NULL, "There is nothing at %s.", path);
  if (refusal) {
    refuse_message (self, msg, refusal);
    return;
  }
  g_autoptr (QuernExchange) exchange = exchange_new (self, msg, endpoint, tail);
  if (g_str_equal (method, "OPTIONS"))
    quern_exchange_reply (exchange, 204, NULL);
  else
    quern_service_core_take (self, exchange);
}

/* ---- what worker threads answer -------------------------------------------------------------------------------- */

typedef struct {
  QuernServiceCore *core;
  QuernExchange *exchange;
  JsonBuilder *reply;
  QuernRefusal *refusal;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->reply);
  quern_refusal_free (work->refusal);
  g_free (work);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *body = quern_fields_parse (work->exchange->body, parser, &work->refusal);

  json_builder_begin_object (work->reply);
  if (body && !work->exchange->endpoint->work (work->core, body, work->reply, &work->refusal) && !work->refusal)
    quern_refuse (&work->refusal, 500, NULL, NULL, "The request could not be carried out.");
  json_builder_end_object (work->reply);
  g_task_return_boolean (task, TRUE);
}

static void
work_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (QuernExchange) exchange = work->exchange;

  if (work->refusal)
    quern_exchange_refuse (exchange, work->refusal);
  else
    quern_exchange_reply_json (exchange, work->reply);
  work->core->n_busy--;
}

/**
 * quern_service_core_take:
 *
 * Sees to it that the exchange is answered.
 */
void
quern_service_core_take (QuernServiceCore *self, QuernExchange *exchange)
{
  const QuernEndpoint *endpoint = exchange->endpoint;
  g_autoptr (GTask) task = NULL;
  Work *work;

  if (endpoint->handle) {
    endpoint->handle (exchange);
    return;
  }
  if (endpoint->dialect) {
    quern_service_queue_take (self->queue, exchange);
    return;
  }
  task = g_task_new (NULL, NULL, work_done_cb, NULL);
  work = g_new0 (Work, 1);
  *work = (Work) { self, quern_exchange_ref (exchange), json_builder_new (), NULL };
  g_task_set_task_data (task, work, work_free);
  self->n_busy++;
  g_task_run_in_thread (task, work_thread);
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

static void
connection_gone_cb (gpointer data, GObject *where)
{
  g_hash_table_remove (((QuernServiceCore *) data)->connections, where);
}

static gboolean
incoming_cb (GSocketService *listener, GSocketConnection *connection, GObject *source, gpointer data)
{
  static const char busy[] =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";
  QuernServiceCore *self = data;
  GSocket *socket = g_socket_connection_get_socket (connection);
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (!local || !remote)
    return TRUE;
  if (g_hash_table_size (self->connections) >= MOST_CONNECTIONS) {
    g_socket_send_with_blocking (socket, busy, sizeof busy - 1, FALSE, NULL, NULL);
    return TRUE;
  }
  g_hash_table_add (self->connections, connection);
  g_object_weak_ref (G_OBJECT (connection), connection_gone_cb, self);
  g_socket_set_timeout (socket, self->silent_seconds);
  set_deadline (self, connection, self->head_seconds);
  soup_server_accept_iostream (self->soup, G_IO_STREAM (connection), local, remote, NULL);
  return TRUE;
}

static GSocket *
listen_at (GInetAddress *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) at = g_inet_socket_address_new (address, port);
  GSocketFamily family = g_inet_address_get_family (address);
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (!socket)
    return NULL;
  if (family == G_SOCKET_FAMILY_IPV6)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, 1, NULL);
  if (!g_socket_bind (socket, at, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

static guint16
port_of (GSocket *socket)
{
  g_autoptr (GSocketAddress) at = g_socket_get_local_address (socket, NULL);

  return at ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (at)) : 0;
}

/* Listens on loopback, and at the address that is given besides. IPv6 is left out where there is none. */
static gboolean
quern_service_core_listen (QuernServiceCore *self, const QuernServiceSetup *setup, guint16 *port, GError **error)
{
  g_autoptr (GInetAddress) other = setup->address ? g_inet_address_new_from_string (setup->address) : NULL;
  gboolean all = other && g_inet_address_get_is_any (other);
  GSocketFamily families[] = { G_SOCKET_FAMILY_IPV4, G_SOCKET_FAMILY_IPV6 };
  g_autoptr (GError) cause = NULL;

  *port = setup->port;
  if (setup->address && !other) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _("“%s” is not an address of this computer. Use 0.0.0.0 for all."), setup->address);
    return FALSE;
  }
  for (guint i = 0; i < 3 && !cause; i++) {
    g_autoptr (GInetAddress) address = NULL;
    g_autoptr (GError) failure = NULL;
    GSocket *socket;
    if (i == 2 && (!other || all || g_inet_address_get_is_loopback (other)))
      break;
    address = i == 2 ? g_object_ref (other)
              : all  ? g_inet_address_new_any (families[i])
                     : g_inet_address_new_loopback (families[i]);
    socket = listen_at (address, *port, &failure);
    if (socket) {
      g_ptr_array_add (self->sockets, socket);
      *port = port_of (socket);
    } else if (i != 1 || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
      cause = g_steal_pointer (&failure);
    }
  }
  if (!cause)
    return TRUE;
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
                 _("Port %u is in use by another program. Choose another port, or quit that program."), setup->port);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* ---- the thread ------------------------------------------------------------------------------------------------ */

/* The thread has one reference, whoever started it another. */
static void
quern_service_core_unref (QuernServiceCore *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->sockets);
  g_hash_table_unref (self->connections);
  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->sizes);
  g_clear_pointer (&self->models, g_ptr_array_unref);
  g_clear_object (&self->usual);
  quern_guard_clear (&self->guard);
  g_object_unref (self->backend);
  g_main_context_unref (self->context);
  g_main_context_unref (self->owner_context);
  g_atomic_rc_box_release (self->link);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->closed_cond);
  g_free (self);
}

static void
quern_service_core_begin (QuernServiceCore *self)
{
  self->queue = quern_service_queue_new (self);
  self->soup = g_object_new (SOUP_TYPE_SERVER, NULL);
  soup_server_add_early_handler (self->soup, NULL, early_cb, self, NULL);
  soup_server_add_handler (self->soup, NULL, request_cb, self, NULL);
  /* Sockets that are added while it is active could lose a connection that comes just then. */
  self->listener = g_object_new (G_TYPE_SOCKET_SERVICE, "active", FALSE, NULL);
  g_signal_connect (self->listener, "incoming", G_CALLBACK (incoming_cb), self);
  for (guint i = 0; i < self->sockets->len; i++)
    g_socket_listener_add_socket (G_SOCKET_LISTENER (self->listener), self->sockets->pdata[i], NULL, NULL);
  g_socket_service_start (self->listener);
}

/* Nobody is let in any more; those who are in are let go. */
static void
quern_service_core_close (QuernServiceCore *self)
{
  GHashTableIter iter;
  gpointer connection;

  g_socket_service_stop (self->listener);
  g_socket_listener_close (G_SOCKET_LISTENER (self->listener));
  g_clear_object (&self->listener);
  for (guint i = 0; i < self->sockets->len; i++)
    g_socket_close (self->sockets->pdata[i], NULL);
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_cond_broadcast (&self->closed_cond);
  g_mutex_unlock (&self->lock);
  quern_service_queue_stop (self->queue);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    g_socket_shutdown (g_socket_connection_get_socket (connection), TRUE, TRUE, NULL);
}

static gboolean
nothing_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static gpointer
quern_service_core_run (gpointer data)
{
  QuernServiceCore *self = data;
  GMainContext *context = self->context;
  g_autoptr (GSource) tick = NULL;
  gint64 end;

  g_main_context_push_thread_default (context);
  quern_service_core_begin (self);
  while (!self->stopping)
    g_main_context_iteration (context, TRUE);
  quern_service_core_close (self);
  tick = g_timeout_source_new (100); /* the loop looks at the clock */
  g_source_set_callback (tick, nothing_cb, NULL, NULL);
  g_source_attach (tick, context);
  end = g_get_monotonic_time () + STOP_SECONDS * G_USEC_PER_SEC;
  while (self->n_busy > 0 || (g_hash_table_size (self->connections) > 0 && g_get_monotonic_time () < end))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (tick);
  soup_server_disconnect (self->soup);
  g_clear_object (&self->soup);
  while (g_main_context_iteration (context, FALSE))
    ;
  if (self->tell)
    source_destroy (self->tell);
  quern_service_queue_free (self->queue);
  g_main_context_pop_thread_default (context);
  quern_service_core_unref (self);
  return NULL;
}

/**
 * quern_service_core_start:
 * @owner: copied
 * @port: (out): that it listens on
 *
 * Listens, and starts the thread.
 *
 * Returns: (transfer full) (nullable): what quern_service_core_stop() ends
 */
QuernServiceCore *
quern_service_core_start (QuernBackend *backend, const QuernServiceSetup *setup, const QuernServiceOwner *owner,
                          guint16 *port, GError **error)
{
  QuernServiceCore *self = g_new0 (QuernServiceCore, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  g_cond_init (&self->closed_cond);
  self->backend = g_object_ref (backend);
  self->guard = (QuernGuard) { setup->address != NULL, g_strdup (setup->key), g_strdupv ((char **) setup->hosts),
                               g_strdupv ((char **) setup->origins) };
  self->context_size = setup->context_size;
  self->most_contexts = setup->most_contexts > 0 ? setup->most_contexts : 4;
  self->most_waiting = setup->most_waiting > 0 ? setup->most_waiting : 32;
  self->head_seconds = setup->head_seconds > 0 ? setup->head_seconds : HEAD_SECONDS;
  self->body_seconds = setup->body_seconds > 0 ? setup->body_seconds : BODY_SECONDS;
  self->silent_seconds = setup->silent_seconds > 0 ? setup->silent_seconds : SILENT_SECONDS;
  self->stall_seconds = setup->stall_seconds;
  self->context = g_main_context_new ();
  self->sockets = g_ptr_array_new_with_free_func (g_object_unref);
  self->connections = g_hash_table_new (NULL, NULL);
  self->clients = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, quern_service_client_facts_free);
  self->sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->models = g_ptr_array_new ();
  self->owner_context = g_main_context_ref_thread_default ();
  self->link = g_atomic_rc_box_new0 (QuernServiceLink);
  *self->link = (QuernServiceLink) { *owner, TRUE };
  if (!quern_service_core_listen (self, setup, port, error)) {
    quern_service_core_unref (self);
    return NULL;
  }
  g_atomic_ref_count_inc (&self->references);
  self->thread = g_thread_new ("quern-service", quern_service_core_run, self);
  return self;
}

static gboolean
stop_cb (gpointer data)
{
  ((QuernServiceCore *) data)->stopping = TRUE;
  return G_SOURCE_REMOVE;
}

/**
 * quern_service_core_stop:
 * @wait: whether to wait until generations have stopped and everything is freed
 *
 * Ends the service: when this returns nothing listens any more, and the owner hears nothing more.
 */
void
quern_service_core_stop (QuernServiceCore *self, gboolean wait)
{
  GSource *source = g_idle_source_new ();
  GThread *thread = self->thread;

  self->link->alive = FALSE;
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, stop_cb, self, NULL);
  g_mutex_lock (&self->lock);
  g_source_attach (source, self->context);
  g_source_unref (source);
  while (!self->closed)
    g_cond_wait (&self->closed_cond, &self->lock);
  g_mutex_unlock (&self->lock);
  quern_service_core_unref (self);
  if (wait)
    g_thread_join (thread);
  else
    g_thread_unref (thread);
}
