/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <libxml/xmlreader.h>

#include "quern-reader-protocol.h"

/* What a document says, while it is read. */
typedef struct {
  GString *text;      /* pages with QUERN_READER_PAGE_END between them */
  guint n_left_out;   /* pages behind the last one that there was room for */
  guint n_pictures;   /* in the pages that were read */
  gboolean has_pages; /* the format has pages of its own; otherwise the text is cut into parts */
  gboolean is_cut;    /* the pages or parts are as they should be */
  gboolean truncated; /* there was no room for all of the text */
} QuernReading;

typedef enum {
  QUERN_MARKUP_HTML, /* also that of books */
  QUERN_MARKUP_WORD, /* word/document.xml */
  QUERN_MARKUP_OPEN, /* content.xml of OpenDocument */
} QuernMarkup;

QuernReaderStatus quern_reader_read_pdf (QuernReading *reading, GBytes *bytes);
QuernReaderStatus quern_reader_draw_page (GBytes *bytes, guint page, guint side, GByteArray *png);
QuernReaderStatus quern_reader_read_package (QuernReading *reading, GBytes *bytes);
QuernReaderStatus quern_reader_read_html (QuernReading *reading, GBytes *bytes);
QuernReaderStatus quern_reader_read_table (QuernReading *reading, GBytes *bytes);

void quern_reader_read_markup (QuernReading *reading, QuernMarkup markup, xmlTextReaderPtr xml);
gboolean quern_reading_has_room (const QuernReading *reading);
void quern_reading_end_page (QuernReading *reading);
