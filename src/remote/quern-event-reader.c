/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-event-reader.h"

#include <string.h>

struct _QuernEventReader {
  QuernEventFormat format;
  QuernEventFunc func;
  gpointer user_data;
  GString *line;     /* what came of the line so far */
  GString *event;    /* lines of data of the event so far */
  gboolean has_data; /* it has at least one, if only an empty one */
  gboolean after_cr; /* a line feed would belong to the line before */
  gboolean begun;    /* past a byte order mark */
  gboolean ended;    /* no more events are wanted, or can be had */
  gboolean too_long;
};

/**
 * quern_event_reader_new:
 * @func: called for each event, while bytes are pushed
 *
 * Returns: (transfer full): a reader before the first byte
 */
QuernEventReader *
quern_event_reader_new (QuernEventFormat format, QuernEventFunc func, gpointer user_data)
{
  QuernEventReader *self = g_new0 (QuernEventReader, 1);

  self->format = format;
  self->func = func;
  self->user_data = user_data;
  self->line = g_string_new (NULL);
  self->event = g_string_new (NULL);
  return self;
}

void
quern_event_reader_free (QuernEventReader *self)
{
  g_string_free (self->line, TRUE);
  g_string_free (self->event, TRUE);
  g_free (self);
}

/* Whole events are checked, and not the pieces in which they come: a character may be in two of those. */
static void
dispatch (QuernEventReader *self, GString *data)
{
  g_autofree char *valid = g_utf8_validate_len (data->str, data->len, NULL) ? NULL
                                                                            : g_utf8_make_valid (data->str, data->len);
  const char *text = valid != NULL ? valid : data->str;

  if (!self->func (text, valid != NULL ? strlen (valid) : data->len, self->user_data))
    self->ended = TRUE;
}

static void
take_line (QuernEventReader *self)
{
  GString *line = self->line;

  if (self->format == QUERN_EVENT_LINES) {
    if (strspn (line->str, " \t") < line->len)
      dispatch (self, line);
  } else if (line->len == 0) {
    if (self->has_data)
      dispatch (self, self->event);
    g_string_truncate (self->event, 0);
    self->has_data = FALSE;
  } else if (g_str_has_prefix (line->str, "data") && (line->len == 4 || line->str[4] == ':')) {
    gsize at = MIN (line->len, line->len > 5 && line->str[5] == ' ' ? 6 : 5);

    if (self->has_data)
      g_string_append_c (self->event, '\n');
    g_string_append_len (self->event, line->str + at, line->len - at);
    self->has_data = TRUE;
  }
  /* Else it is a comment, which keeps the connection open, or a field that says nothing of the answer. */
  g_string_truncate (line, 0);
}

/**
 * quern_event_reader_push:
 * @bytes: the next of the answer
 *
 * Returns: whether more are wanted
 */
gboolean
quern_event_reader_push (QuernEventReader *self, const char *bytes, gsize size)
{
  const char *end = bytes + size;

  for (const char *p = bytes; p < end && !self->ended;) {
    const char *stop = p;

    if (self->after_cr && *p == '\n') {
      self->after_cr = FALSE;
      p++;
      continue;
    }
    self->after_cr = FALSE;
    if (self->format == QUERN_EVENT_WHOLE)
      stop = end;
    else
      while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    if (self->line->len + self->event->len + (gsize) (stop - p) > QUERN_EVENT_MAX) {
      self->too_long = self->ended = TRUE;
      break;
    }
    g_string_append_len (self->line, p, stop - p);
    if (!self->begun && self->line->len >= 3) {
      if (memcmp (self->line->str, "\xef\xbb\xbf", 3) == 0)
        g_string_erase (self->line, 0, 3);
      self->begun = TRUE;
    }
    if (stop == end)
      break;
    self->begun = TRUE;
    self->after_cr = *stop == '\r';
    take_line (self);
    p = stop + 1;
  }
  return !self->ended;
}

/**
 * quern_event_reader_end:
 *
 * There are no more bytes. What is not ended properly is an event all the same, as servers forget the empty line after the last.
 *
 * Returns: whether it ended between two events
 */
gboolean
quern_event_reader_end (QuernEventReader *self)
{
  gboolean between = self->line->len == 0 && !self->has_data;

  if (!self->ended && self->format == QUERN_EVENT_WHOLE && self->line->len > 0)
    dispatch (self, self->line);
  else if (!self->ended && self->line->len > 0)
    take_line (self);
  if (!self->ended && self->has_data)
    dispatch (self, self->event);
  self->ended = TRUE;
  return between;
}

/* Returns: whether reading ended at an event that is longer than %QUERN_EVENT_MAX */
gboolean
quern_event_reader_get_too_long (QuernEventReader *self)
{
  return self->too_long;
}
