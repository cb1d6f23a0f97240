/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-refusal.h"
#include "quern-wire.h"

G_BEGIN_DECLS

typedef struct _QuernServiceCore QuernServiceCore;
typedef struct _QuernEndpoint QuernEndpoint;

/* How an answer comes that is not whole at once. */
typedef enum {
  QUERN_STREAM_EVENTS, /* server-sent events */
  QUERN_STREAM_LINES,  /* a JSON object in each line */
} QuernStreamForm;

/* A request over HTTP and its answer. It belongs to the service's thread. When the client leaves, the wire becomes NULL and
 * the functions below do nothing. */
typedef struct {
  QuernServiceCore *core;
  const QuernEndpoint *endpoint;
  char *method, *path;
  char *tail;   /* of the path, behind that of an endpoint for all below it; or "" */
  char *client; /* whose turn it is goes by this: address, program and key */
  char *agent;  /* what the program calls itself, or its address */
  GBytes *body; /* NULL once a dialect has read it */

  QuernWire *wire; /* NULL once the answer is complete, or the client is gone */
  char *cors;      /* header lines for pages of another origin, or "" */
  guint status;    /* that was answered; 0 before */
  gboolean streams;
  QuernStreamForm form;
  gint64 began_at;              /* monotonic */
  void (*gone) (gpointer data); /* who works on it is told that the client left; or NULL */
  void (*idle) (gpointer data); /* likewise, that nothing was sent for a while; or NULL */
  gpointer work;                /* their data */
} QuernExchange;

QuernExchange *quern_exchange_ref (QuernExchange *self);
void quern_exchange_unref (QuernExchange *self);
void quern_exchange_reply (QuernExchange *self, guint status, const char *json);
void quern_exchange_reply_json (QuernExchange *self, JsonBuilder *json);
void quern_exchange_refuse (QuernExchange *self, const QuernRefusal *refusal);
void quern_exchange_begin_stream (QuernExchange *self, QuernStreamForm form);
void quern_exchange_ping (QuernExchange *self, QuernStreamForm form);
void quern_exchange_send (QuernExchange *self, const char *event, const char *data);
void quern_exchange_end (QuernExchange *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernExchange, quern_exchange_unref)

G_END_DECLS
