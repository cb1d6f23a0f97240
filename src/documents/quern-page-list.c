/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-page-list.h"

#include <string.h>

/**
 * quern_page_list_new_all:
 *
 * Returns: (transfer full): the pages from 1 to @n_pages
 */
GArray *
quern_page_list_new_all (guint n_pages)
{
  GArray *pages = g_array_sized_new (FALSE, FALSE, sizeof (guint), n_pages);

  for (guint page = 1; page <= n_pages; page++)
    g_array_append_val (pages, page);
  return pages;
}

static void
skip_spaces (const char **text)
{
  while (g_ascii_isspace (**text))
    (*text)++;
}

/* Reads a number, digits alone. */
static gboolean
read_number (const char **text, guint *number)
{
  guint64 value = 0;
  const char *p = *text;

  for (; g_ascii_isdigit (*p) && value < G_MAXUINT32; p++)
    value = value * 10 + (guint64) (*p - '0');
  if (p == *text || value > G_MAXUINT32)
    return FALSE;
  *number = (guint) value;
  *text = p;
  return TRUE;
}

/* A hyphen or the dash that a range is shown with. */
static gboolean
read_dash (const char **text)
{
  gsize n = **text == '-' ? 1 : g_str_has_prefix (*text, "–") ? strlen ("–") : 0;

  *text += n;
  return n > 0;
}

/**
 * quern_page_list_parse:
 * @text: what somebody typed: "3", "1-5, 8", "20-" or "-4"
 * @n_pages: of the document
 *
 * Returns: (transfer full) (nullable): the pages, %NULL when @text is no list of pages that exist
 */
GArray *
quern_page_list_parse (const char *text, guint n_pages)
{
  g_autofree gboolean *chosen = g_new0 (gboolean, n_pages + 1);
  GArray *pages;

  do {
    guint first = 1, last = n_pages;
    gboolean has_first, has_last;

    skip_spaces (&text);
    has_first = read_number (&text, &first);
    skip_spaces (&text);
    if (read_dash (&text)) {
      skip_spaces (&text);
      has_last = read_number (&text, &last);
    } else {
      has_last = has_first;
      last = first;
    }
    skip_spaces (&text);
    if ((!has_first && !has_last) || first < 1 || last < first || last > n_pages)
      return NULL;
    for (guint page = first; page <= last; page++)
      chosen[page] = TRUE;
  } while (*text == ',' && text++);
  if (*text)
    return NULL;
  pages = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint page = 1; page <= n_pages; page++)
    if (chosen[page])
      g_array_append_val (pages, page);
  return pages;
}

/**
 * quern_page_list_format:
 * @dash: what stands between the first and the last page of a range
 *
 * Returns: (transfer full): "1-5, 8"
 */
char *
quern_page_list_format (GArray *pages, const char *dash)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pages->len; i++) {
    guint first = g_array_index (pages, guint, i), last = first;

    while (i + 1 < pages->len && g_array_index (pages, guint, i + 1) == last + 1) {
      last++;
      i++;
    }
    g_string_append_printf (text, "%s%u", text->len > 0 ? ", " : "", first);
    if (last > first)
      g_string_append_printf (text, "%s%u", dash, last);
  }
  return g_string_free (text, FALSE);
}
