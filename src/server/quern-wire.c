/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-wire.h"

#include <libsoup/soup.h>
#include <string.h>

/* What a client may go on sending, once its answer is written, before it is cut off: of a body that was too large. Closing at
 * once would make its system drop the answer that it has not read yet. */
#define LINGER_BYTES (8 << 20)
#define LINGER_SECONDS 2

static gint idle_seconds = 15; /* atomic; proxies and clients give up after a minute or more */

struct _QuernWire {
  QuernWireSetup setup;
  GSocket *socket; /* the stream's; NULL if it has none */
  GCancellable *cancellable;
  GSource *watch; /* sees the client leave */
  GSource *clock; /* ticks each second */
  GString *unsent;
  GBytes *sending; /* being written; NULL while nothing is */
  gint64 moved_at; /* monotonic: when bytes were last taken, or there were none to take */
  gint64 put_at;   /* when something was last written */
  gboolean streaming, chunked, ended, gone;
  gsize lingered;
};

static void quern_wire_write (QuernWire *self);

static void
clear_source (GSource **source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Nothing is being written when this is called. */
static void
quern_wire_free (QuernWire *self)
{
  clear_source (&self->watch);
  clear_source (&self->clock);
  g_io_stream_close (self->setup.stream, NULL, NULL);
  g_object_unref (self->setup.stream);
  g_clear_object (&self->socket);
  g_object_unref (self->cancellable);
  g_string_free (self->unsent, TRUE);
  g_free (self);
}

/* Cuts the connection. A write that is under way ends with an error and frees the rest. */
static void
quern_wire_close (QuernWire *self)
{
  self->gone = TRUE;
  g_cancellable_cancel (self->cancellable);
  clear_source (&self->watch);
  clear_source (&self->clock);
  if (!self->sending)
    quern_wire_free (self);
}

static void
quern_wire_lose (QuernWire *self)
{
  void (*gone) (gpointer data) = self->ended ? NULL : self->setup.gone;
  gpointer data = self->setup.data;

  if (self->gone)
    return;
  quern_wire_close (self);
  if (gone)
    gone (data);
}

void
_quern_wire_set_idle_seconds (guint seconds)
{
  g_atomic_int_set (&idle_seconds, (gint) seconds);
}

/* ---- reading, which is only done to see the client leave ------------------------------------------------------- */

static gboolean
quern_wire_readable_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  QuernWire *self = data;
  char bytes[4096];
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive_with_blocking (socket, bytes, sizeof bytes, FALSE, NULL, &error);

  if (n > 0)
    self->lingered += (gsize) n;
  if ((n > 0 && self->lingered <= LINGER_BYTES) || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  quern_wire_lose (self);
  return G_SOURCE_REMOVE;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void
quern_wire_written_cb (GObject *stream, GAsyncResult *result, gpointer data)
{
  QuernWire *self = data;
  gboolean ok = g_output_stream_write_all_finish (G_OUTPUT_STREAM (stream), result, NULL, NULL);

  g_clear_pointer (&self->sending, g_bytes_unref);
  self->moved_at = g_get_monotonic_time ();
  if (self->gone)
    quern_wire_free (self);
  else if (!ok)
    quern_wire_lose (self);
  else
    quern_wire_write (self);
}

static void
quern_wire_write (QuernWire *self)
{
  gsize n = self->unsent->len;

  if (self->sending)
    return;
  if (n > 0) {
    self->sending = g_string_free_to_bytes (self->unsent);
    self->unsent = g_string_new (NULL);
    g_output_stream_write_all_async (g_io_stream_get_output_stream (self->setup.stream),
                                     g_bytes_get_data (self->sending, NULL), n, G_PRIORITY_DEFAULT, self->cancellable,
                                     quern_wire_written_cb, self);
  } else if (self->ended) {
    /* The client closes when it has read everything; the clock and the watch see to the rest. */
    if (!self->socket || !g_socket_shutdown (self->socket, FALSE, TRUE, NULL))
      quern_wire_close (self);
  }
}

/* Bytes that were accepted in the middle of a large write do not show, so a stall is only seen for what is small; a whole
 * answer of many megabytes has as long as it takes the first time. */
static gboolean
quern_wire_tick_cb (gpointer data)
{
  QuernWire *self = data;
  gint64 now = g_get_monotonic_time ();
  gboolean waits = self->sending || self->unsent->len > 0;

  if (waits && now - self->moved_at > self->setup.stall_seconds * G_USEC_PER_SEC) {
    quern_wire_lose (self);
    return G_SOURCE_REMOVE;
  }
  if (!waits && self->ended && now - self->moved_at > LINGER_SECONDS * G_USEC_PER_SEC) {
    quern_wire_close (self);
    return G_SOURCE_REMOVE;
  }
  if (!waits && !self->ended && now - self->put_at >= g_atomic_int_get (&idle_seconds) * G_USEC_PER_SEC) {
    self->put_at = now;
    if (self->setup.idle)
      self->setup.idle (self->setup.data);
  }
  return G_SOURCE_CONTINUE;
}

static void
quern_wire_append (QuernWire *self, const char *bytes, gsize n)
{
  if (!self->sending && self->unsent->len == 0)
    self->moved_at = g_get_monotonic_time ();
  self->put_at = g_get_monotonic_time ();
  g_string_append_len (self->unsent, bytes, (gssize) n);
}

/**
 * quern_wire_begin:
 * @headers: lines with \r\n
 * @length: bytes of the body; -1: a stream, whose end is not known
 *
 * Writes the head of the answer.
 */
void
quern_wire_begin (QuernWire *self, guint status, const char *headers, gssize length)
{
  g_autoptr (GString) head = g_string_new (NULL);

  self->streaming = length < 0;
  self->chunked = self->streaming && !self->setup.old;
  g_string_append_printf (head, "HTTP/1.%d %u %s\r\n%sConnection: close\r\n", self->setup.old ? 0 : 1, status,
                          soup_status_get_phrase (status), headers);
  if (self->chunked)
    g_string_append (head, "Transfer-Encoding: chunked\r\n");
  else if (!self->streaming && status != 204)
    g_string_append_printf (head, "Content-Length: %" G_GSSIZE_FORMAT "\r\n", length);
  g_string_append (head, "\r\n");
  quern_wire_append (self, head->str, head->len);
  quern_wire_write (self);
}

/**
 * quern_wire_put:
 *
 * Writes a piece of the body. The client may be lost then: gone() is called before this returns.
 */
void
quern_wire_put (QuernWire *self, const char *bytes, gsize n)
{
  gsize waiting = self->unsent->len + (self->sending ? g_bytes_get_size (self->sending) : 0);
  g_autofree char *size = g_strdup_printf ("%zx\r\n", n);

  if (n == 0 || self->setup.head_only)
    return;
  if (self->streaming && waiting > QUERN_WIRE_MOST_UNSENT) {
    quern_wire_lose (self);
    return;
  }
  if (self->chunked)
    quern_wire_append (self, size, strlen (size));
  quern_wire_append (self, bytes, n);
  if (self->chunked)
    quern_wire_append (self, "\r\n", 2);
  quern_wire_write (self);
}

/**
 * quern_wire_end:
 *
 * Ends the answer. gone() is not called any more.
 */
void
quern_wire_end (QuernWire *self)
{
  if (self->chunked && !self->setup.head_only)
    quern_wire_append (self, "0\r\n\r\n", 5);
  self->ended = TRUE;
  quern_wire_write (self);
}

/**
 * quern_wire_abort:
 *
 * Closes the connection in the middle of the answer, without calling gone().
 */
void
quern_wire_abort (QuernWire *self)
{
  self->ended = TRUE;
  quern_wire_close (self);
}

/**
 * quern_wire_new:
 * @setup: copied
 *
 * Returns: (transfer none): the connection, until it was ended, aborted or gone
 */
QuernWire *
quern_wire_new (const QuernWireSetup *setup)
{
  QuernWire *self = g_new0 (QuernWire, 1);

  self->setup = *setup;
  if (self->setup.stall_seconds == 0)
    self->setup.stall_seconds = QUERN_WIRE_STALL_SECONDS;
  self->cancellable = g_cancellable_new ();
  self->unsent = g_string_new (NULL);
  self->moved_at = self->put_at = g_get_monotonic_time ();
  self->clock = g_timeout_source_new_seconds (1);
  g_source_set_callback (self->clock, quern_wire_tick_cb, self, NULL);
  g_source_attach (self->clock, g_main_context_get_thread_default ());
  if (G_IS_SOCKET_CONNECTION (setup->stream)) {
    self->socket = g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (setup->stream)));
    g_socket_set_timeout (self->socket, 0); /* the clock takes over */
    self->watch = g_socket_create_source (self->socket, G_IO_IN | G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback (self->watch, G_SOURCE_FUNC (quern_wire_readable_cb), self, NULL);
    g_source_attach (self->watch, g_main_context_get_thread_default ());
  }
  return self;
}
