/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-repetition.h"

/* Models sometimes repeat themselves until their context is full. The end of such a text has few different pieces. A
 * piece is a run of characters, because not every script has spaces between words. */

#define WINDOW 1200   /* number of characters at the end that are examined */
#define GRAM 12       /* characters of a piece */
#define DISTINCT 0.35 /* least share of different pieces; prose has 0.9 or more, code and tables 0.6 or more */

/**
 * quern_repetition_found:
 * @text: valid UTF-8
 * @length: its bytes
 *
 * Returns: whether the end of @text repeats itself; %FALSE while there is too little of it to tell
 */
gboolean
quern_repetition_found (const char *text, gsize length)
{
  const char *end = text + length, *start = end;
  g_autoptr (GHashTable) pieces = NULL;
  g_autofree gunichar *characters = NULL;
  guint n = 0;

  while (start > text && n < WINDOW) {
    start = g_utf8_prev_char (start);
    n++;
  }
  if (n < WINDOW)
    return FALSE;
  pieces = g_hash_table_new (NULL, NULL);
  characters = g_utf8_to_ucs4_fast (start, end - start, NULL);
  for (guint i = 0; i + GRAM <= n; i++) {
    guint64 hash = 14695981039346656037u; /* FNV-1a */
    for (guint j = 0; j < GRAM; j++)
      hash = (hash ^ characters[i + j]) * 1099511628211u;
    g_hash_table_add (pieces, GSIZE_TO_POINTER ((gsize) hash));
  }
  return g_hash_table_size (pieces) < (n - GRAM + 1) * DISTINCT;
}
