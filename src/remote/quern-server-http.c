/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Calls of a server: the way of its key, the time that they may take, and what kept an answer from coming. */

#include "config.h"

#include "quern-server-private.h"

#include "quern-hub.h"
#include "quern-server-address.h"

#include <glib/gi18n-lib.h>

#define MAX_BODY (16 * 1024 * 1024)

/* ---- access ---------------------------------------------------------------------------------------------------- */

QuernServerAccess *
_quern_server_access_new (const char *address)
{
  QuernServerAccess *self = g_new0 (QuernServerAccess, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->address = g_strdup (address);
  self->origin = quern_server_address_dup_origin (address);
  self->host = quern_server_address_dup_host (address);
  return self;
}

QuernServerAccess *
_quern_server_access_ref (QuernServerAccess *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
_quern_server_access_unref (QuernServerAccess *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_mutex_clear (&self->lock);
  g_free (self->address);
  g_free (self->origin);
  g_free (self->host);
  g_free (self->key_file);
  g_free (self->key);
  g_free (self);
}

char *
_quern_server_access_dup_key (QuernServerAccess *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!self->key_known) {
    self->key = self->key_file != NULL ? quern_server_key_read_file (self->key_file, NULL)
                                       : _quern_server_key_lookup (self->origin);
    self->key_known = TRUE;
  }
  return g_strdup (self->key);
}

void
_quern_server_access_set_key (QuernServerAccess *self, const char *key)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_set_str (&self->key, key);
  self->key_known = TRUE;
}

/* ---- one call -------------------------------------------------------------------------------------------------- */

SoupSession *
_quern_server_make_session (guint seconds)
{
  return soup_session_new_with_options ("user-agent", "quern/" QUERN_VERSION " ", "timeout", seconds, "idle-timeout",
                                        60u, "max-conns", 32, "max-conns-per-host", 16, NULL);
}

SoupMessage *
_quern_server_make_message (QuernServerAccess *access, const char *path, const char *body, gboolean *held_key)
{
  g_autofree char *url = g_strconcat (access->address, path, NULL), *key = _quern_server_access_dup_key (access);
  SoupMessage *message = soup_message_new (body != NULL ? "POST" : "GET", url);
  SoupMessageHeaders *headers;
  gboolean may_send = access->plain_key || !quern_server_address_is_plain (access->address);

  g_return_val_if_fail (message != NULL, NULL);
  headers = soup_message_get_request_headers (message);
  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (body != NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

    soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  }
  if (key != NULL && may_send) {
    g_autofree char *value = g_strconcat ("Bearer ", key, NULL);

    soup_message_headers_replace (headers, "Authorization", value);
  }
  if (held_key != NULL)
    *held_key = key != NULL && !may_send;
  return message;
}

void
_quern_server_reply_free (QuernServerReply *reply)
{
  g_free (reply->type);
  g_free (reply->program);
  g_free (reply->location);
  g_clear_pointer (&reply->body, g_bytes_unref);
  g_free (reply);
}

/* A server's request to wait; its limits are not the hub's, but the header is the same. */
void
_quern_server_reply_take_headers (QuernServerReply *reply, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  reply->status = soup_message_get_status (message);
  reply->type = g_strdup (soup_message_headers_get_content_type (headers, NULL));
  reply->program = g_strdup (soup_message_headers_get_one (headers, "Server"));
  reply->location = g_strdup (soup_message_headers_get_one (headers, "Location"));
  reply->wait = quern_hub_asked_delay (message);
  reply->sent_key = soup_message_headers_get_one (soup_message_get_request_headers (message), "Authorization") != NULL;
}

void
_quern_server_set_transport_error (GError **error, const char *address, const GError *cause)
{
  g_autofree char *host = quern_server_address_dup_host (address);
  gboolean encrypted = g_str_has_prefix (address, "https:");

  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_error_copy (cause));
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("No server is running at “%s”. Start it, or check the port."), host);
  else if (cause->domain == G_RESOLVER_ERROR)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("The computer “%s” could not be found. Check the name and the network."), host);
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("“%s” does not respond. Check that the computer is on and that its firewall allows the "
                   "connection."),
                 host);
  else if (g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_CERTIFICATE,
                 _("The certificate of “%s” is not trusted, so nothing was sent. Install the certificate of the "
                   "server’s administrator, or use the host name that the certificate was issued for."),
                 host);
  else if (cause->domain == G_TLS_ERROR && encrypted)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("“%s” does not support https. Try the address with http:// instead. (%s)"), host, cause->message);
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE)
           || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE)
           || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("“%s” cannot be reached from here. Check the network. (%s)"), host, cause->message);
  else
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_SERVER,
                 _("“%s” closed the connection or does not use HTTP. Check the port and the server’s log. (%s)"), host,
                 cause->message);
}

/* A call with a time limit, run by a main loop of its own. */
typedef struct {
  GMainContext *context;
  GCancellable *cancellable; /* of this call alone: the limit cancels it, too */
  gboolean expired;
  GAsyncResult *result;
} Limited;

static void
limited_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Limited *) user_data)->result = g_object_ref (result);
}

static gboolean
limited_expired_cb (gpointer user_data)
{
  Limited *limited = user_data;

  limited->expired = TRUE;
  g_cancellable_cancel (limited->cancellable);
  return G_SOURCE_REMOVE;
}

static void
limited_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static GAsyncResult *
limited_wait (Limited *limited)
{
  while (limited->result == NULL)
    g_main_context_iteration (limited->context, TRUE);
  return g_steal_pointer (&limited->result);
}

/* Returns the whole body, or NULL with an error. */
static GBytes *
limited_send (Limited *limited, SoupSession *session, SoupMessage *message, GError **error)
{
  g_autoptr (GAsyncResult) sent = NULL;
  g_autoptr (GInputStream) in = NULL;
  g_autoptr (GByteArray) all = g_byte_array_new ();

  soup_session_send_async (session, message, G_PRIORITY_DEFAULT, limited->cancellable, limited_result_cb, limited);
  sent = limited_wait (limited);
  in = soup_session_send_finish (session, sent, error);
  while (in != NULL) {
    g_autoptr (GAsyncResult) read = NULL;
    g_autoptr (GBytes) bytes = NULL;

    g_input_stream_read_bytes_async (in, 65536, G_PRIORITY_DEFAULT, limited->cancellable, limited_result_cb, limited);
    read = limited_wait (limited);
    bytes = g_input_stream_read_bytes_finish (in, read, error);
    if (bytes == NULL)
      return NULL;
    if (g_bytes_get_size (bytes) == 0)
      return g_byte_array_free_to_bytes (g_steal_pointer (&all));
    g_byte_array_append (all, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    if (all->len > MAX_BODY) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("the response does not end"));
      return NULL;
    }
  }
  return NULL;
}

QuernServerReply *
_quern_server_fetch (QuernServerAccess *access, const char *path, const char *body, guint seconds,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GCancellable) own = g_cancellable_new ();
  g_autoptr (GSource) limit = g_timeout_source_new_seconds (seconds);
  g_autoptr (SoupSession) session = _quern_server_make_session (0);
  Limited limited = { .context = context, .cancellable = own };
  gboolean held_key;
  g_autoptr (SoupMessage) message = _quern_server_make_message (access, path, body, &held_key);
  gulong handler = cancellable != NULL
                       ? g_cancellable_connect (cancellable, G_CALLBACK (limited_cancelled_cb), own, NULL)
                       : 0;
  g_autoptr (QuernServerReply) reply = g_new0 (QuernServerReply, 1);
  g_autoptr (GError) cause = NULL;

  g_source_set_callback (limit, limited_expired_cb, &limited, NULL);
  g_source_attach (limit, context);
  reply->body = limited_send (&limited, session, message, &cause);
  g_source_destroy (limit);
  g_cancellable_disconnect (cancellable, handler);
  if (limited.expired)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("“%s” does not respond. Check that the computer is on and that its firewall allows the "
                   "connection."),
                 access->host);
  else if (reply->body == NULL)
    _quern_server_set_transport_error (error, access->address, cause);
  if (limited.expired || reply->body == NULL)
    return NULL;
  _quern_server_reply_take_headers (reply, message);
  if (held_key && (reply->status == SOUP_STATUS_UNAUTHORIZED || reply->status == SOUP_STATUS_FORBIDDEN)) {
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_PLAIN_KEY,
                 _("“%s” requires a key, but the connection is not encrypted, so others on the network could read "
                   "it. Use https://, or allow sending the key if you trust the network."),
                 access->host);
    return NULL;
  }
  return g_steal_pointer (&reply);
}
