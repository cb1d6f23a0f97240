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

/* Removes the marks of Markdown, which nobody wants to hear. */
static char *
spoken (const char *text, gsize length)
{
  GString *out = g_string_sized_new (length);
  for (gsize i = 0; i < length; i++) {
    if (strchr ("*#`|_>", text[i]) == NULL)
      g_string_append_c (out, text[i]);
  }
  return g_strstrip (g_string_free (out, FALSE));
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
  g_autofree char *out = NULL;

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
  out = spoken (text + self->done, end - self->done);
  self->done = end;
  return *out != '\0' ? g_steal_pointer (&out) : NULL;
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
