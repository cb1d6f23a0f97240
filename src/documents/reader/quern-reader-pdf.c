/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <poppler.h>
#include <string.h>

#include "quern-reader.h"

/* PDF: the text of each page in the order in which poppler reads it, column after column. */

static PopplerDocument *
open_pdf (GBytes *bytes, QuernReaderStatus *status)
{
  g_autoptr (GError) error = NULL;
  PopplerDocument *document = poppler_document_new_from_bytes (bytes, NULL, &error);

  *status = document                                                          ? QUERN_READER_OK
            : g_error_matches (error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED) ? QUERN_READER_ENCRYPTED
                                                                              : QUERN_READER_DAMAGED;
  return document;
}

#define RLE 0x202b /* poppler puts it before text that is written from the right, */
#define LRE 0x202a /* and this before numbers and names in it */
#define PDF 0x202c /* behind either */

/* Where most of a page is written from the right, poppler gives the words in the order in which they are read, but takes the space
 * that is to the right of a word for one behind it. Puts it before the word, and leaves out the marks of direction. Elsewhere
 * words and spaces are in the order in which they stand, and only the marks go (quern-reader.c). */
static char *
order_spaces (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);
  glong n_marked = 0, n_others = 0;
  gsize word = 0; /* where the last word that is written from the right begins in out */
  guint depth = 0;
  gboolean before = FALSE; /* another such word is before it on the line */

  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    depth = c == RLE || c == LRE ? depth + 1 : c == PDF && depth > 0 ? depth - 1 : depth;
    if (g_unichar_isalpha (c))
      (*(depth > 0 ? &n_marked : &n_others))++;
  }
  if (n_marked <= n_others)
    return g_strdup (text);
  depth = 0;
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    gboolean ends = c == PDF && depth == 1;

    if ((c == RLE || c == LRE) && depth++ == 0)
      word = out->len;
    else if (c == PDF && depth > 0)
      depth--;
    else if (c != RLE && c != LRE && c != PDF)
      g_string_append_unichar (out, c);
    if (ends && p[strlen ("\u202c")] == ' ' && before) {
      g_string_insert_c (out, (gssize) word, ' ');
      p += strlen ("\u202c"); /* the space is what is passed over next */
    }
    before = ends || (before && depth > 0);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static guint
count_pictures (PopplerPage *page)
{
  GList *pictures = poppler_page_get_image_mapping (page);
  guint n = g_list_length (pictures);

  poppler_page_free_image_mapping (pictures);
  return n;
}

QuernReaderStatus
quern_reader_read_pdf (QuernReading *reading, GBytes *bytes)
{
  QuernReaderStatus status;
  PopplerDocument *document = open_pdf (bytes, &status);
  int n = document ? poppler_document_get_n_pages (document) : 0, i;

  if (document && n <= 0)
    status = QUERN_READER_DAMAGED;
  if (status != QUERN_READER_OK) {
    g_clear_object (&document);
    return status;
  }
  reading->has_pages = reading->is_cut = TRUE;
  for (i = 0; i < MIN (n, QUERN_READER_MAX_PAGES) && quern_reading_has_room (reading); i++) {
    PopplerPage *page = poppler_document_get_page (document, i);
    g_autofree char *raw = page ? poppler_page_get_text (page) : NULL;
    g_autofree char *text = raw ? order_spaces (raw) : NULL;

    for (char *p = text; p && *p; p++) /* a page is a page, whatever it says */
      *p = *p == QUERN_READER_PAGE_END ? ' ' : *p;
    g_string_append (reading->text, text ? text : "");
    quern_reading_end_page (reading);
    if (page)
      reading->n_pictures += count_pictures (page);
    g_clear_object (&page);
  }
  reading->n_left_out = (guint) (n - i);
  g_object_unref (document);
  return QUERN_READER_OK;
}

static cairo_status_t
append_png (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static QuernReaderStatus
draw (PopplerPage *page, guint side, GByteArray *png)
{
  QuernReaderStatus status = QUERN_READER_OK;
  double width, height, scale;
  cairo_surface_t *surface;
  cairo_t *cr;

  poppler_page_get_size (page, &width, &height);
  if (!(width > 0 && height > 0 && width < 1e6 && height < 1e6))
    return QUERN_READER_DAMAGED;
  scale = side / MAX (width, height);
  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, MAX (1, (int) (width * scale)),
                                        MAX (1, (int) (height * scale)));
  cr = cairo_create (surface);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  cairo_scale (cr, scale, scale);
  poppler_page_render (page, cr);
  cairo_destroy (cr);
  if (cairo_surface_write_to_png_stream (surface, append_png, png) != CAIRO_STATUS_SUCCESS)
    status = QUERN_READER_DAMAGED;
  cairo_surface_destroy (surface);
  return status;
}

/* Draws a page, counted from 1, on white. */
QuernReaderStatus
quern_reader_draw_page (GBytes *bytes, guint page_number, guint side, GByteArray *png)
{
  QuernReaderStatus status;
  PopplerDocument *document = open_pdf (bytes, &status);
  PopplerPage *page = NULL;

  if (document && page_number <= (guint) MAX (poppler_document_get_n_pages (document), 0))
    page = poppler_document_get_page (document, (int) page_number - 1);
  if (status == QUERN_READER_OK)
    status = page ? draw (page, side, png) : QUERN_READER_DAMAGED;
  g_clear_object (&page);
  g_clear_object (&document);
  return status;
}
