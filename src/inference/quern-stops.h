/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Looks for texts that end an answer while it is written, in whatever pieces it comes. */
typedef struct {
  char **stops;  /* NULL-terminated, none of them empty; borrowed */
  GString *held; /* the end of the text so far, which one of them may begin with */
} QuernStops;

void _quern_stops_init (QuernStops *self, char **stops);
void _quern_stops_clear (QuernStops *self);
gint _quern_stops_push (QuernStops *self, const char *text, gsize length, GString *out);
void _quern_stops_flush (QuernStops *self, GString *out);

G_END_DECLS
