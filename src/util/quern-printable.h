/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Text that others wrote (models, file names, the hub) may hold what a terminal obeys: escape sequences, C1 controls, and controls
 * that change the direction of what follows. Here these become visible: "\x1b", "\u202e"; bytes that are no UTF-8 become U+FFFD. */
typedef enum {
  QUERN_PRINTABLE_LINE, /* line ends and tabs are made visible, too, so that no text can forge a row */
  QUERN_PRINTABLE_TEXT, /* line ends and tabs stay */
  QUERN_PRINTABLE_JSON, /* of a JSON text: it stays JSON and means the same */
} QuernPrintableKind;

char *quern_printable (const char *text, QuernPrintableKind kind) G_GNUC_WARN_UNUSED_RESULT;

/* The same for a text that comes in pieces, which may end within a character. All zero at first. */
typedef struct {
  char held[6];
  gsize n_held;
} QuernPrintableStream;

void quern_printable_push (QuernPrintableStream *stream, const char *piece, gsize length, GString *out);
void quern_printable_finish (QuernPrintableStream *stream, GString *out);

/* Whether a character has a place in a line of text: is no control, line separator or change of direction. */
gboolean quern_unichar_is_printable (gunichar c);

G_END_DECLS
