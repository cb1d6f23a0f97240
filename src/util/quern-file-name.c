/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-file-name.h"
#include "quern-printable.h"

#include <string.h>

/* File systems allow 255; what is written beside a file (".part", ".json") needs some. */
#define MOST_BYTES 200

/**
 * quern_file_name:
 * @wanted: what somebody else called it, in any bytes
 * @suffix: what the name ends in, such as ".html"; "" for none
 * @fallback: in place of a name of which nothing is left
 *
 * Returns: (transfer full): one component of a path: valid UTF-8 without separators, controls and changes of direction, that does
 * not begin with a dot and has at most 200 bytes with @suffix
 */
char *
quern_file_name (const char *wanted, const char *suffix, const char *fallback)
{
  g_autofree char *valid = g_utf8_make_valid (wanted, -1);
  GString *name = g_string_new (NULL);
  gsize room;

  g_return_val_if_fail (strlen (suffix) < MOST_BYTES / 2, NULL);
  room = MOST_BYTES - strlen (suffix);
  for (const char *at = valid; *at; at = g_utf8_next_char (at)) {
    const gunichar c = g_utf8_get_char (at);
    const gsize bytes = (gsize) (g_utf8_next_char (at) - at);

    if (name->len == 0 && (c == '.' || g_unichar_isspace (c) || !quern_unichar_is_printable (c)))
      continue;
    if (name->len + bytes > room)
      break;
    /* What other systems or shells read as more than a name. */
    if (c < 0x80 && c != 0 && strchr ("/\\:*?\"<>|", (int) c) != NULL)
      g_string_append_c (name, '-');
    else if (quern_unichar_is_printable (c))
      g_string_append_len (name, at, (gssize) bytes);
  }
  g_strchomp (name->str);
  name->len = strlen (name->str);
  if (name->len == 0)
    g_string_append (name, fallback);
  g_string_append (name, suffix);
  return g_string_free (name, FALSE);
}
