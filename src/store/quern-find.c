/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-find.h"

#include <string.h>

/* Finding what a person typed in a text, as people mean it: case, accents and vowel signs make no difference, nor do line
 * breaks and the marks of Markdown for bold and code, which are not seen. The full-text index is for finding messages among
 * all; this is for places in one, which need not be whole words. */

static void
append (GString *folded, GArray *offsets, gunichar c, gsize offset)
{
  gsize before = folded->len;

  g_string_append_unichar (folded, g_unichar_tolower (g_unichar_toupper (c)));
  for (gsize i = before; offsets && i < folded->len; i++)
    g_array_append_val (offsets, offset);
}

/**
 * quern_find_fold:
 * @text: valid UTF-8
 * @offsets: (out) (optional) (element-type gsize): for each byte of the result, and its end, where that is in @text
 *
 * Returns: (transfer full): @text without the differences that do not matter
 */
char *
quern_find_fold (const char *text, GArray **offsets)
{
  GString *folded = g_string_sized_new (strlen (text));
  GArray *places = offsets ? g_array_new (FALSE, FALSE, sizeof (gsize)) : NULL;
  gsize offset;

  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    offset = (gsize) (p - text);
    if (c == '*' || c == '`')
      continue;
    if (g_unichar_isspace (c)) {
      append (folded, places, ' ', offset);
    } else if (c < 0x80) {
      append (folded, places, c, offset);
    } else {
      gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
      gsize n = g_unichar_fully_decompose (c, FALSE, parts, G_N_ELEMENTS (parts));

      /* Accents are left out, and the vowel signs of Arabic and Hebrew, which are seldom written. Those of Indic scripts
       * and Thai are letters to their readers. */
      for (gsize i = 0; i < n; i++) {
        GUnicodeScript script = g_unichar_get_script (parts[i]);

        if (g_unichar_type (parts[i]) != G_UNICODE_NON_SPACING_MARK
            || (script != G_UNICODE_SCRIPT_INHERITED && script != G_UNICODE_SCRIPT_ARABIC
                && script != G_UNICODE_SCRIPT_HEBREW))
          append (folded, places, parts[i], offset);
      }
    }
  }
  offset = strlen (text);
  if (places) {
    g_array_append_val (places, offset);
    *offsets = places;
  }
  return g_string_free (folded, FALSE);
}

/**
 * quern_find_ranges:
 * @text: valid UTF-8
 * @folded_needle: what to look for, as quern_find_fold() returns it
 *
 * Returns: (transfer full) (element-type QuernFindRange): where it is in @text, in order, without overlaps
 */
GArray *
quern_find_ranges (const char *text, const char *folded_needle)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (QuernFindRange));
  gsize length = strlen (folded_needle);
  g_autoptr (GArray) offsets = NULL;
  g_autofree char *folded = quern_find_fold (text, &offsets);

  for (const char *p = folded; length > 0 && (p = strstr (p, folded_needle)); p += length) {
    QuernFindRange range = { g_array_index (offsets, gsize, p - folded),
                             g_array_index (offsets, gsize, p - folded + length) };
    g_array_append_val (ranges, range);
  }
  return ranges;
}
