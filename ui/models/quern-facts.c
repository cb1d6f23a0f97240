/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-facts.h"

#include <string.h>

#define RIGHT_TO_LEFT_MARK "\u200f"
#define ISOLATE "\u2068"
#define END_OF_ISOLATE "\u2069"

/**
 * quern_facts_isolate:
 * @fact: (transfer full): a number with its unit, say
 *
 * From right to left a fact must keep to itself: "4.0 MB" and the number that follows it would run together to one piece
 * from left to right otherwise, and a line that begins with Latin letters would turn over as a whole.
 *
 * Returns: (transfer full): the fact, with marks around it where they are needed
 */
char *
quern_facts_isolate (char *fact)
{
  char *isolated;

  if (gtk_widget_get_default_direction () != GTK_TEXT_DIR_RTL)
    return fact;
  isolated = g_strconcat (RIGHT_TO_LEFT_MARK ISOLATE, fact, END_OF_ISOLATE, NULL);
  g_free (fact);
  return isolated;
}

/**
 * quern_facts_append:
 * @facts: a line of short facts with dots between them
 * @fact: (nullable): one more
 */
void
quern_facts_append (GString *facts, const char *fact)
{
  g_autofree char *isolated = NULL;

  if (fact == NULL || *fact == '\0')
    return;
  if (facts->len > 0)
    g_string_append (facts, " · ");
  isolated = quern_facts_isolate (g_strdup (fact));
  g_string_append (facts, isolated);
}

/**
 * quern_facts_about_size:
 * @bytes: an estimate
 *
 * Returns: (transfer full): the size with two digits at most, "1 GB", "5.4 GB", "17 GB": more than that nobody knows
 */
char *
quern_facts_about_size (guint64 bytes)
{
  guint64 unit = 1;
  char *text, *digit;

  while (bytes / unit >= 100)
    unit *= 10;
  text = g_format_size ((bytes + unit / 2) / unit * unit);
  digit = strpbrk (text, ".,");
  if (digit != NULL) {
    char *zero = digit;
    while (*zero != '\0' && !g_unichar_isdigit (g_utf8_get_char (zero)))
      zero = g_utf8_next_char (zero);
    if (g_unichar_digit_value (g_utf8_get_char (zero)) == 0)
      memmove (digit, g_utf8_next_char (zero), strlen (g_utf8_next_char (zero)) + 1);
  }
  return text;
}
