/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-exchange.h"

#include <string.h>

#include "quern-dialect.h"
#include "quern-service-core.h"

QuernExchange *
quern_exchange_ref (QuernExchange *self)
{
  return g_rc_box_acquire (self);
}

static void
quern_exchange_clear (gpointer data)
{
  QuernExchange *self = data;

  if (self->wire)
    quern_wire_abort (self->wire);
  g_free (self->method);
  g_free (self->path);
  g_free (self->tail);
  g_free (self->client);
  g_free (self->agent);
  g_free (self->cors);
  g_clear_pointer (&self->body, g_bytes_unref);
}

void
quern_exchange_unref (QuernExchange *self)
{
  if (self)
    g_rc_box_release_full (self, quern_exchange_clear);
}

/* The wire frees itself from now on. */
static void
quern_exchange_finish (QuernExchange *self)
{
  quern_wire_end (g_steal_pointer (&self->wire));
  quern_service_core_log (self->core, self);
}

/* Answers with a whole body. */
static void
quern_exchange_write (QuernExchange *self, guint status, const char *headers, const char *json)
{
  g_autofree char *all = g_strconcat (headers, self->cors,
                                      json ? "Content-Type: application/json; charset=utf-8\r\n" : "",
                                      "Server: Quern\r\n", NULL);
  gsize n = json ? strlen (json) : 0;

  if (!self->wire)
    return;
  self->status = status;
  quern_wire_begin (self->wire, status, all, (gssize) n);
  quern_wire_put (self->wire, json, n);
  quern_exchange_finish (self);
}

/**
 * quern_exchange_reply:
 * @json: (nullable): the body; %NULL for none
 *
 * Answers, and ends the exchange.
 */
void
quern_exchange_reply (QuernExchange *self, guint status, const char *json)
{
  quern_exchange_write (self, status, "", json);
}

/**
 * quern_exchange_reply_json:
 * @json: a whole object
 *
 * Answers with status 200, and ends the exchange.
 */
void
quern_exchange_reply_json (QuernExchange *self, JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, FALSE);

  quern_exchange_reply (self, 200, text);
}

/**
 * quern_exchange_refuse:
 *
 * Refuses, in the form of the endpoint's dialect, and ends the exchange. In the middle of a stream it is the last event.
 */
void
quern_exchange_refuse (QuernExchange *self, const QuernRefusal *refusal)
{
  const QuernDialect *dialect = self->endpoint ? self->endpoint->dialect : NULL;
  g_autofree char *text = dialect                                    ? dialect->refuse (refusal)
                          : self->endpoint && self->endpoint->refuse ? self->endpoint->refuse (refusal)
                                                                     : quern_refusal_to_json (refusal);
  g_autofree char *headers = refusal->retry_after > 0 ? g_strdup_printf ("Retry-After: %u\r\n", refusal->retry_after)
                             : refusal->status == 401 ? g_strdup ("WWW-Authenticate: Bearer\r\n")
                                                      : g_strdup ("");

  if (!self->wire)
    return;
  if (!self->streams) {
    quern_exchange_write (self, refusal->status, headers, text);
    return;
  }
  quern_exchange_send (self, dialect ? dialect->refuse_event : NULL, text);
  quern_exchange_end (self);
}

/**
 * quern_exchange_begin_stream:
 *
 * Answers with a stream. Does nothing if it has begun.
 */
void
quern_exchange_begin_stream (QuernExchange *self, QuernStreamForm form)
{
  g_autofree char *headers =
      g_strconcat (self->cors, "Server: Quern\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nContent-Type: ",
                   form == QUERN_STREAM_EVENTS ? "text/event-stream" : "application/x-ndjson", "\r\n", NULL);

  if (!self->wire || self->streams)
    return;
  self->streams = TRUE;
  self->form = form;
  self->status = 200;
  quern_wire_begin (self->wire, 200, headers, -1);
}

/**
 * quern_exchange_ping:
 *
 * Keeps proxies and clients from giving up while a long prompt is read, in forms that have comments. The stream begins, if it
 * has not: what goes wrong after it is told in an event.
 */
void
quern_exchange_ping (QuernExchange *self, QuernStreamForm form)
{
  if (form != QUERN_STREAM_EVENTS)
    return;
  quern_exchange_begin_stream (self, form);
  if (self->wire)
    quern_wire_put (self->wire, ":\n\n", 3);
}

/**
 * quern_exchange_send:
 * @event: (nullable): the name of the event
 * @data: one line
 *
 * Sends an event, or a line, of a stream.
 */
void
quern_exchange_send (QuernExchange *self, const char *event, const char *data)
{
  g_autofree char *text = self->form == QUERN_STREAM_LINES ? g_strconcat (data, "\n", NULL)
                          : event ? g_strconcat ("event: ", event, "\ndata: ", data, "\n\n", NULL)
                                  : g_strconcat ("data: ", data, "\n\n", NULL);

  if (self->wire)
    quern_wire_put (self->wire, text, strlen (text));
}

/**
 * quern_exchange_end:
 *
 * Ends a stream.
 */
void
quern_exchange_end (QuernExchange *self)
{
  if (self->wire)
    quern_exchange_finish (self);
}
