/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What quern-reader and the programs that start it agree about. The reader gets a document on standard input. Called as
 *
 *   quern-reader text KIND          it writes a line "UNIT PAGES LEFT_OUT PICTURES" and then the text: UTF-8, pages with
 *                                   form feeds between them. UNIT is "page" or "part"
 *   quern-reader picture PAGE SIDE  it writes a page, counted from 1, as PNG whose longer side has SIDE pixels
 *
 * KIND is "pdf", "package" (DOCX, ODT, EPUB), "html" or "table". It ends with one of these. */
typedef enum {
  QUERN_READER_OK = 0,
  QUERN_READER_USAGE = 2,
  QUERN_READER_DAMAGED = 3,
  QUERN_READER_ENCRYPTED = 4,
  QUERN_READER_UNKNOWN = 5, /* a package of another kind */
  QUERN_READER_TOO_LARGE = 6,
} QuernReaderStatus;

#define QUERN_READER_PAGE_END '\f'
#define QUERN_READER_MAX_INPUT (256 * 1024 * 1024) /* bytes of a document */
#define QUERN_READER_MAX_TEXT (16 * 1024 * 1024)   /* bytes of text; far more than any context holds */
#define QUERN_READER_MAX_PAGES 10000
#define QUERN_READER_MAX_SIDE 2048 /* pixels of a page as a picture */
