/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "quern-reader.h"

/* Tables of values with commas, semicolons or tabs. Models read them as they are; what is done here is to cut long ones between
 * rows, and to begin each part with the names of the columns, as printed tables do. */

#define PART 4000 /* bytes of rows in a part */

/* The length of a row with its end; an end inside quotes is part of a value. */
static gsize
row_length (const char *row)
{
  gboolean quoted = FALSE;
  const char *p;

  for (p = row; *p && (quoted || *p != '\n'); p++)
    quoted ^= *p == '"';
  if (*p == '\0' && quoted) /* a quote that nothing closes: lines, then */
    p = strchr (row, '\n') ? strchr (row, '\n') : p;
  return (gsize) (p - row) + (*p == '\n');
}

static char *
dup_text (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  if (size >= 3 && memcmp (data, "\xef\xbb\xbf", 3) == 0)
    return g_utf8_make_valid (data + 3, (gssize) size - 3);
  if (size >= 2 && (memcmp (data, "\xff\xfe", 2) == 0 || memcmp (data, "\xfe\xff", 2) == 0))
    return g_convert (data, (gssize) size, "UTF-8", "UTF-16", NULL, NULL, NULL);
  if (!data || memchr (data, '\0', size))
    return NULL;
  return g_utf8_validate_len (data, size, NULL)
             ? g_strndup (data, size)
             : g_convert (data, (gssize) size, "UTF-8", "WINDOWS-1252", NULL, NULL, NULL);
}

QuernReaderStatus
quern_reader_read_table (QuernReading *reading, GBytes *bytes)
{
  g_autofree char *text = dup_text (bytes);
  gsize names, in_part = 0;

  if (!text || *text == '\0')
    return QUERN_READER_DAMAGED;
  names = row_length (text);
  if (names > PART / 4) /* that is no line of names */
    names = 0;
  reading->is_cut = TRUE;
  for (const char *row = text; *row && quern_reading_has_room (reading);) {
    gsize n = row_length (row);

    if (in_part > 0 && in_part + n > PART) {
      quern_reading_end_page (reading);
      g_string_append_len (reading->text, text, (gssize) names);
      in_part = names;
    }
    g_string_append_len (reading->text, row, (gssize) n);
    in_part += n;
    row += n;
    reading->truncated |= *row && !quern_reading_has_room (reading);
  }
  return QUERN_READER_OK;
}
