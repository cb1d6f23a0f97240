/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  gsize done; /* bytes of the text that were announced, or skipped */
} QuernAnnouncer;

void quern_announcer_skip (QuernAnnouncer *self, const char *text);
void quern_announcer_push (QuernAnnouncer *self, GtkWidget *widget, const char *text, gboolean finished);
char *quern_announcer_next (QuernAnnouncer *self, const char *text, gboolean finished);

G_END_DECLS
