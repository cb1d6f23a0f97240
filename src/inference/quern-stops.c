/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-stops.h"

#include <string.h>

void
_quern_stops_init (QuernStops *self, char **stops)
{
  *self = (QuernStops) { stops, g_string_new (NULL) };
}

void
_quern_stops_clear (QuernStops *self)
{
  if (self->held)
    g_string_free (self->held, TRUE);
  self->held = NULL;
}

/* Returns how many bytes at the end of the held text are the beginning of a stop. */
static gsize
quern_stops_open_end (const QuernStops *self)
{
  gsize open = 0;

  for (guint i = 0; self->stops[i]; i++) {
    gsize most = MIN (strlen (self->stops[i]) - 1, self->held->len);
    for (gsize n = most; n > open; n--)
      if (memcmp (self->held->str + self->held->len - n, self->stops[i], n) == 0)
        open = n;
  }
  return open;
}

/* Appends to @out what certainly belongs to the answer. Returns the number of the stop that the text has met, in front of
 * which the answer ends, or -1. Of several, that counts which begins first. */
gint
_quern_stops_push (QuernStops *self, const char *text, gsize length, GString *out)
{
  gsize first, open;
  gint met = -1;

  g_string_append_len (self->held, text, (gssize) length);
  first = self->held->len;
  for (guint i = 0; self->stops[i]; i++) {
    const char *found = memmem (self->held->str, self->held->len, self->stops[i], strlen (self->stops[i]));
    if (found && (gsize) (found - self->held->str) < first) {
      first = (gsize) (found - self->held->str);
      met = (gint) i;
    }
  }
  open = met >= 0 ? 0 : quern_stops_open_end (self);
  g_string_append_len (out, self->held->str, (gssize) (first - open));
  g_string_erase (self->held, 0, met >= 0 ? -1 : (gssize) (first - open));
  return met;
}

/* Appends what was held back: no stop has come of it. */
void
_quern_stops_flush (QuernStops *self, GString *out)
{
  g_string_append_len (out, self->held->str, (gssize) self->held->len);
  g_string_truncate (self->held, 0);
}
