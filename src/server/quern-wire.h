/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A connection on which one answer is written, and which is closed then. It belongs to one thread with a main context, and
 * frees itself when everything is written or the client is gone.
 *
 * A client that does not read holds no memory for long: one for which more than QUERN_WIRE_MOST_UNSENT bytes of a stream wait,
 * or which took none of them for QUERN_WIRE_STALL_SECONDS, counts as gone. */
#define QUERN_WIRE_MOST_UNSENT (1 << 20)
#define QUERN_WIRE_STALL_SECONDS 60
#define QUERN_WIRE_PING_SECONDS 15

typedef struct _QuernWire QuernWire;

typedef struct {
  GIOStream *stream;            /* (transfer full) */
  gboolean old;                 /* HTTP/1.0: an answer of unknown length ends with the connection */
  gboolean head_only;           /* the request was HEAD */
  void (*gone) (gpointer data); /* the client left before quern_wire_end(); @self is no more after it */
  void (*idle) (gpointer data); /* nothing was written for QUERN_WIRE_PING_SECONDS */
  gpointer data;
} QuernWireSetup;

QuernWire *quern_wire_new (const QuernWireSetup *setup);
void quern_wire_begin (QuernWire *self, guint status, const char *headers, gssize length);
void quern_wire_put (QuernWire *self, const char *bytes, gsize n);
void quern_wire_end (QuernWire *self);
void quern_wire_abort (QuernWire *self);

G_END_DECLS
