/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-printable.h"

#include <string.h>

#define REPLACEMENT "\uFFFD"

gboolean
quern_unichar_is_printable (gunichar c)
{
  switch (g_unichar_type (c)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_SURROGATE:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR: return FALSE;
  default:
    return !(c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
  }
}

/* Appends whole characters of [at, end) and returns where the rest begins: a character that the next piece may complete. */
static const char *
append_whole (const char *at, const char *end, QuernPrintableKind kind, GString *out)
{
  while (at < end) {
    const gunichar c = *at ? g_utf8_get_char_validated (at, end - at) : 0;

    if (c == (gunichar) -2)
      break;
    if (c == (gunichar) -1) {
      g_string_append (out, REPLACEMENT);
      at++;
      continue;
    }
    if (quern_unichar_is_printable (c) || (kind != QUERN_PRINTABLE_LINE && (c == '\n' || c == '\t')))
      g_string_append_unichar (out, c);
    else if (kind == QUERN_PRINTABLE_JSON || c > 0xff)
      g_string_append_printf (out, "\\u%04x", c);
    else
      g_string_append_printf (out, "\\x%02x", c);
    at = *at ? g_utf8_next_char (at) : at + 1;
  }
  return at;
}

/**
 * quern_printable:
 *
 * Returns: (transfer full): the text without anything that a terminal would obey; valid UTF-8
 */
char *
quern_printable (const char *text, QuernPrintableKind kind)
{
  GString *out = g_string_sized_new (strlen (text));
  const char *end = text + strlen (text);

  if (append_whole (text, end, kind, out) < end)
    g_string_append (out, REPLACEMENT);
  return g_string_free (out, FALSE);
}

/**
 * quern_printable_push:
 * @piece: of a text; its line ends and tabs stay
 * @out: gets what is whole so far
 */
void
quern_printable_push (QuernPrintableStream *stream, const char *piece, gsize length, GString *out)
{
  g_autoptr (GString) all = g_string_new_len (stream->held, (gssize) stream->n_held);
  const char *rest, *end;

  g_string_append_len (all, piece, (gssize) length);
  end = all->str + all->len;
  rest = append_whole (all->str, end, QUERN_PRINTABLE_TEXT, out);
  stream->n_held = (gsize) (end - rest); /* less than a character, of which the first byte promises 6 at most */
  g_assert (stream->n_held <= sizeof stream->held);
  memcpy (stream->held, rest, stream->n_held);
}

/* What was held back can become nothing any more. */
void
quern_printable_finish (QuernPrintableStream *stream, GString *out)
{
  if (stream->n_held > 0)
    g_string_append (out, REPLACEMENT);
  stream->n_held = 0;
}
