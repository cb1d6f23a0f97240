/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "quern-reader.h"

/* quern-reader: makes text of one document, in a process of its own, because the libraries that understand documents are what
 * a stranger's file reaches first. What such a file can bring about ends with this process, which gets no more memory and time
 * than documents need, may write no file, and starts no other program. quern-reader-protocol.h says how it is called. */

#define MAX_SECONDS 120                       /* of the processor */
#define MAX_MEMORY (2ul * 1024 * 1024 * 1024) /* bytes of addresses */
#define PART 4000                             /* bytes that a part should have, where a document has no pages */

static void
limit (int resource, rlim_t most)
{
  const struct rlimit limits = { most, most };

  setrlimit (resource, &limits);
}

static void
limit_everything (void)
{
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_CPU, MAX_SECONDS);
  limit (RLIMIT_FSIZE, 0);
  limit (RLIMIT_NPROC, 0);
#if !defined __SANITIZE_ADDRESS__ /* its shadow takes terabytes of addresses */
  limit (RLIMIT_AS, MAX_MEMORY);
#endif
}

static GBytes *
read_input (void)
{
  g_autoptr (GByteArray) array = g_byte_array_new ();
  guint8 piece[64 * 1024];
  ssize_t n;

  while (array->len <= QUERN_READER_MAX_INPUT && (n = read (STDIN_FILENO, piece, sizeof piece)) > 0)
    g_byte_array_append (array, piece, (guint) n);
  return array->len <= QUERN_READER_MAX_INPUT ? g_byte_array_free_to_bytes (g_steal_pointer (&array)) : NULL;
}

/* Returns whether there is room for more text. */
gboolean
quern_reading_has_room (const QuernReading *reading)
{
  return !reading->truncated && reading->text->len < QUERN_READER_MAX_TEXT;
}

void
quern_reading_end_page (QuernReading *reading)
{
  g_string_append_c (reading->text, QUERN_READER_PAGE_END);
}

/* Drops the spaces at the ends of lines and empty lines behind the first, and what is no text. */
static char *
tidy (const char *page, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (page, (gssize) length);
  GString *text = g_string_sized_new (length);
  guint newlines = 2; /* none at the beginning */

  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    /* Soft hyphens: where lines end here is not where they ended. Embeddings: poppler puts them around text that is written
     * from the right, which is in its own order all the same. */
    if (c == '\r' || c == 0xfeff || c == 0xad || (c >= 0x202a && c <= 0x202e))
      continue;
    if (c == '\n') {
      while (text->len > 0 && (text->str[text->len - 1] == ' ' || text->str[text->len - 1] == '\t'))
        g_string_truncate (text, text->len - 1);
      if (newlines++ < 2)
        g_string_append_c (text, '\n');
    } else if (c == '\t' || !g_unichar_iscntrl (c)) {
      g_string_append_unichar (text, c);
      newlines = 0;
    }
  }
  while (text->len > 0 && g_ascii_isspace (text->str[text->len - 1]))
    g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}

/* Where a part of about PART bytes ends: behind a paragraph, else a line, else a word. */
static gsize
part_length (const char *text, gsize length)
{
  static const char *const ends[] = { "\n\n", "\n", " " };
  gsize most = 2 * PART;

  if (length <= most)
    return length;
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    const char *end = g_strrstr_len (text, PART, ends[i]);
    if (end && end - text > PART / 2)
      return (gsize) (end - text) + strlen (ends[i]);
  }
  for (most = PART; (text[most] & 0xc0) == 0x80; most--)
    ;
  return most;
}

/* Whether some page is far longer than pages are: the breaks that were found are not all that there are. */
static gboolean
has_long_page (const GString *text)
{
  const char *page = text->str, *stop;

  while ((stop = strchr (page, QUERN_READER_PAGE_END)) && stop - page <= 4 * PART)
    page = stop + 1;
  return strlen (page) > 4 * PART && (!stop || stop - page > 4 * PART);
}

/* Makes the final pages of what was read, and counts them. Parts are cut where the format has no pages of its own. */
static GString *
finish_pages (QuernReading *reading, guint *n_pages)
{
  GString *out = g_string_sized_new (reading->text->len);
  const char *page = reading->text->str, *end = page + reading->text->len;

  *n_pages = 0;
  if (!reading->is_cut && reading->has_pages && has_long_page (reading->text))
    reading->has_pages = FALSE;
  while (page < end) {
    const char *stop = memchr (page, QUERN_READER_PAGE_END, (gsize) (end - page));
    gsize length = (gsize) ((stop ? stop : end) - page);
    g_autofree char *tidied = tidy (page, length);
    const char *rest = tidied;
    gboolean fixed = reading->is_cut || reading->has_pages;

    page += length + (stop ? 1 : 0);
    if (!fixed && *rest == '\0')
      continue;
    do {
      gsize n = fixed ? strlen (rest) : part_length (rest, strlen (rest));

      if (*n_pages == QUERN_READER_MAX_PAGES) {
        reading->n_left_out++;
        break;
      }
      if ((*n_pages)++ > 0)
        g_string_append_c (out, QUERN_READER_PAGE_END);
      g_string_append_len (out, rest, (gssize) n);
      rest += n;
    } while (*rest);
  }
  if (reading->truncated && reading->n_left_out == 0)
    reading->n_left_out = 1;
  return out;
}

static QuernReaderStatus
write_text (const char *kind, GBytes *bytes)
{
  static const struct {
    const char *kind;
    QuernReaderStatus (*read) (QuernReading *, GBytes *);
  } readers[] = {
    { "pdf", quern_reader_read_pdf },
    { "package", quern_reader_read_package },
    { "html", quern_reader_read_html },
    { "table", quern_reader_read_table },
  };
  QuernReading reading = { .text = g_string_new (NULL) };
  QuernReaderStatus status = QUERN_READER_USAGE;
  g_autoptr (GString) text = NULL;
  guint n_pages;

  for (gsize i = 0; i < G_N_ELEMENTS (readers); i++)
    if (g_str_equal (kind, readers[i].kind))
      status = readers[i].read (&reading, bytes);
  if (status == QUERN_READER_OK) {
    text = finish_pages (&reading, &n_pages);
    printf ("%s %u %u %u\n", reading.has_pages ? "page" : "part", n_pages, reading.n_left_out, reading.n_pictures);
    fwrite (text->str, 1, text->len, stdout);
  }
  g_string_free (reading.text, TRUE);
  return status;
}

static QuernReaderStatus
write_picture (const char *page, const char *side, GBytes *bytes)
{
  guint64 number, pixels;
  g_autoptr (GByteArray) png = g_byte_array_new ();
  QuernReaderStatus status;

  if (!g_ascii_string_to_unsigned (page, 10, 1, G_MAXINT, &number, NULL)
      || !g_ascii_string_to_unsigned (side, 10, 1, QUERN_READER_MAX_SIDE, &pixels, NULL))
    return QUERN_READER_USAGE;
  status = quern_reader_draw_page (bytes, (guint) number, (guint) pixels, png);
  if (status == QUERN_READER_OK)
    fwrite (png->data, 1, png->len, stdout);
  return status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GBytes) bytes = NULL;
  QuernReaderStatus status = QUERN_READER_USAGE;

  limit_everything ();
  bytes = read_input ();
  if (!bytes)
    status = QUERN_READER_TOO_LARGE;
  else if (argc == 3 && g_str_equal (argv[1], "text"))
    status = write_text (argv[2], bytes);
  else if (argc == 4 && g_str_equal (argv[1], "picture"))
    status = write_picture (argv[2], argv[3], bytes);
  return status == QUERN_READER_OK && fflush (stdout) != 0 ? QUERN_READER_DAMAGED : (int) status;
}
