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

typedef struct _QuernWire QuernWire;

typedef struct {
  GIOStream *stream;            /* (transfer full) */
  gboolean old;                 /* HTTP/1.0: an answer of unknown length ends with the connection */
  gboolean head_only;           /* the request was HEAD */
  guint stall_seconds;          /* 0: QUERN_WIRE_STALL_SECONDS */
  void (*gone) (gpointer data); /* the client left before quern_wire_end(); @self is no more after it */
  void (*idle) (gpointer data); /* nothing was written for 15 seconds */
  gpointer data;
} QuernWireSetup;

QuernWire *quern_wire_new (const QuernWireSetup *setup);
void quern_wire_begin (QuernWire *self, guint status, const char *headers, gssize length);
void quern_wire_put (QuernWire *self, const char *bytes, gsize n);
void quern_wire_end (QuernWire *self);
void quern_wire_abort (QuernWire *self);

/* For tests: after how many seconds without anything written idle() is called. */
void _quern_wire_set_idle_seconds (guint seconds);

G_END_DECLS
