/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What must be so of JSON from the network before a tree is made of it, which takes some hundred bytes for each value,
 * however small that is. */

#include "config.h"

#include "quern-hub-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_VALUES 100000 /* a repository of 10,000 files */
#define MAX_DEPTH 32

/* Counts what becomes a value or a member; stops at what is no JSON. A text that was cut ends with open brackets. */
static gboolean
count_values (const char *data, gsize size, gsize *values)
{
  const char *end = data + size;
  guint depth = 0;

  *values = 0;
  for (const char *p = data; p < end;) {
    if (*p == '"') {
      for (p++; p < end && *p != '"';)
        p += *p == '\\' ? 2 : 1;
      if (p >= end)
        return FALSE;
      p++;
      continue;
    }
    if (*p == '{' || *p == '[') {
      *values += 1;
      if (++depth > MAX_DEPTH)
        return FALSE;
    } else if (*p == '}' || *p == ']') {
      if (depth-- == 0)
        return FALSE;
    } else if (*p == ',' || *p == ':') {
      *values += 1;
    } else if (!g_ascii_isalnum (*p) && strchr (" \t\r\n+-.", *p) == NULL) {
      return FALSE;
    } /* such as a comment, which the parser would read and this would not */
    p++;
  }
  return depth == 0 && *values > 0;
}

/* Whether it is worth being parsed: whole, UTF-8, not too deep and not too much. */
gboolean
_quern_hub_check_json (GBytes *body, GError **error)
{
  gsize size, values = 0;
  const char *data = g_bytes_get_data (body, &size);
  gboolean whole = size > 0 && g_utf8_validate_len (data, size, NULL) && count_values (data, size, &values);

  if (values > MAX_VALUES)
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE,
                         _("The hub’s response is too long. Choose another repository or mirror."));
  else if (!whole)
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                         _("The hub’s response is damaged. Try again later."));
  return whole && values <= MAX_VALUES;
}
