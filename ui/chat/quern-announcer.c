/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-announcer.h"

#include <string.h>

/* Announces a growing text to screen readers, one complete sentence at a time. */

/* Returns whether the character at `p` in `text` ends a sentence. The dots of list numbers and decimals do not. */
static gboolean
ends_sentence (const char *text, const char *p)
{
  gunichar c = g_utf8_get_char (p);
  const char *next = g_utf8_next_char (p);

  if (c == '\n' || c == 0x3002 || c == 0xff01 || c == 0xff1f) /* the last three are 。！？ */
    return TRUE;
  if (c == '.' && p > text && g_ascii_isdigit (p[-1]))
    return FALSE;
  return (c == '.' || c == '!' || c == '?' || c == ':' || c == 0x061f || c == 0x0964) && g_ascii_isspace (*next);
}

/**
 * quern_announcer_skip:
 * @text: text that is not to be announced, because it was there before
 */
void
quern_announcer_skip (QuernAnnouncer *self, const char *text)
{
  self->done = strlen (text);
}

/**
 * quern_announcer_next:
 * @text: the whole text so far
 * @finished: no more will come
 *
 * Returns: (transfer full) (nullable): the sentences that were completed since the last call, or %NULL
 */
char *
quern_announcer_next (QuernAnnouncer *self, const char *text, gboolean finished)
{
  gsize length = strlen (text), end;
  g_autoptr (GString) spoken = NULL;

  if (self->done > length)
    self->done = 0; /* the text was replaced by another one */
  end = self->done;
  for (const char *p = text + self->done; *p != '\0'; p = g_utf8_next_char (p)) {
    if (ends_sentence (text, p))
      end = g_utf8_next_char (p) - text;
  }
  if (finished)
    end = length;
  if (end == self->done)
    return NULL;
  spoken = g_string_sized_new (end - self->done);
  for (; self->done < end; self->done++)
    if (strchr ("*#`|_>", text[self->done]) == NULL) /* nobody wants to hear the marks of Markdown */
      g_string_append_c (spoken, text[self->done]);
  g_strstrip (spoken->str);
  return *spoken->str != '\0' ? g_string_free (g_steal_pointer (&spoken), FALSE) : NULL;
}

/**
 * quern_announcer_push:
 * @widget: the widget that announces it
 * @text: the whole text so far
 * @finished: no more will come
 */
void
quern_announcer_push (QuernAnnouncer *self, GtkWidget *widget, const char *text, gboolean finished)
{
  g_autofree char *sentence = quern_announcer_next (self, text, finished);
  if (sentence != NULL)
    gtk_accessible_announce (GTK_ACCESSIBLE (widget), sentence, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}
