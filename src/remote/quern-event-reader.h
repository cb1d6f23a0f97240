/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How an answer that comes in pieces is cut into events. */
typedef enum {
  QUERN_EVENT_STREAM, /* server-sent events: lines with "data:", an empty line after each event */
  QUERN_EVENT_LINES,  /* a JSON text in each line */
  QUERN_EVENT_WHOLE,  /* one JSON text, of a server that does not stream */
} QuernEventFormat;

/* @data: UTF-8 that ends with a zero. FALSE: no more events are wanted. */
typedef gboolean (*QuernEventFunc) (const char *data, gsize length, gpointer user_data);

/* Cuts bytes, in whichever pieces they come, into events. */
typedef struct _QuernEventReader QuernEventReader;

#define QUERN_EVENT_MAX (8 * 1024 * 1024) /* bytes of an event; a longer one is no sound one */

QuernEventReader *quern_event_reader_new (QuernEventFormat format, QuernEventFunc func, gpointer user_data);
void quern_event_reader_free (QuernEventReader *self);
gboolean quern_event_reader_push (QuernEventReader *self, const char *bytes, gsize size);
gboolean quern_event_reader_end (QuernEventReader *self);
gboolean quern_event_reader_get_too_long (QuernEventReader *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernEventReader, quern_event_reader_free)

G_END_DECLS
