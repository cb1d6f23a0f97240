/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "quern-document-pick.h"
#include "quern-document.h"
#include "quern-excerpt.h"
#include "quern-page-list.h"
#include "quern-passages.h"
#include "test-chat-util.h"

/* Documents: what is read of them, which pages are sent, and what hostile ones bring about. The files are made here. */

/* ---- making files ------------------------------------------------------------------------------------------------ */

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static void
draw_text (cairo_t *cr, double x, double y, double width, const char *text)
{
  g_autoptr (PangoLayout) layout = pango_cairo_create_layout (cr);
  PangoFontDescription *font = pango_font_description_from_string ("Sans 11");

  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_width (layout, (int) (width * PANGO_SCALE));
  pango_layout_set_text (layout, text, -1);
  cairo_move_to (cr, x, y);
  pango_cairo_show_layout (cr, layout);
}

typedef void (*DrawFunc) (cairo_t *cr, gconstpointer data);

static GBytes *
make_pdf (DrawFunc draw, gconstpointer data)
{
  GByteArray *array = g_byte_array_new ();
  cairo_surface_t *surface = cairo_pdf_surface_create_for_stream (append_bytes, array, 595, 842);
  cairo_t *cr = cairo_create (surface);

  draw (cr, data);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  return g_byte_array_free_to_bytes (array);
}

static void
draw_pages (cairo_t *cr, gconstpointer data)
{
  for (const char *const *page = data; *page; page++) {
    draw_text (cr, 50, 50, 495, *page);
    cairo_show_page (cr);
  }
}

static void
draw_columns (cairo_t *cr, gconstpointer data)
{
  const char *const *columns = data;

  draw_text (cr, 40, 60, 220, columns[0]);
  draw_text (cr, 330, 60, 220, columns[1]);
  cairo_show_page (cr);
}

/* A page that is a picture, as scanners make it. */
static void
draw_scan (cairo_t *cr, gconstpointer data)
{
  cairo_surface_t *scan = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 400, 400);

  cairo_set_source_surface (cr, scan, 50, 50);
  cairo_paint (cr);
  cairo_surface_destroy (scan);
  cairo_show_page (cr);
}

typedef struct {
  const char *path, *content;
  gsize length; /* 0: up to the NUL */
} Part;

static GBytes *
make_package (const Part *parts)
{
  gsize most = 4 * 1024 * 1024, used = 0;
  g_autofree char *buffer = g_malloc (most);
  struct archive *archive = archive_write_new ();

  archive_write_set_format_zip (archive);
  archive_write_open_memory (archive, buffer, most, &used);
  for (; parts->path; parts++) {
    struct archive_entry *entry = archive_entry_new ();
    gsize length = parts->length ? parts->length : strlen (parts->content);

    archive_entry_set_pathname (entry, parts->path);
    archive_entry_set_size (entry, (la_int64_t) length);
    archive_entry_set_filetype (entry, AE_IFREG);
    archive_entry_set_perm (entry, 0644);
    g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
    g_assert_cmpint (archive_write_data (archive, parts->content, length), ==, (la_ssize_t) length);
    archive_entry_free (entry);
  }
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_write_free (archive);
  return g_bytes_new (buffer, used);
}

static QuernAttachment *
load_bytes (const char *name, GBytes *bytes, GError **error)
{
  g_autofree char *folder = test_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  QuernAttachment *attachment;

  g_assert_true (g_file_set_contents (path, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes), NULL));
  attachment = quern_document_load (file, NULL, error);
  test_remove_folder (folder);
  return attachment;
}

static QuernAttachment *
load_sound (const char *name, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  QuernAttachment *attachment = load_bytes (name, bytes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (attachment);
  return attachment;
}

/* What a model gets. */
static char *
dup_quoted (QuernAttachment *attachment)
{
  return quern_excerpt_quote_file (quern_attachment_get_name (attachment), quern_attachment_get_mime (attachment),
                                   quern_attachment_get_bytes (attachment));
}

static void
assert_order (const char *text, const char *first, const char *second)
{
  const char *a = strstr (text, first), *b = strstr (text, second);

  if (!a || !b || a > b)
    g_error ("“%s” is not before “%s” in:\n%s", first, second, text);
}

static const char *const three_pages[] = { "Foxes live in dens.", "Whales live in the sea.", "Storks nest on chimneys.",
                                           NULL };

static QuernAttachment *
load_three_pages (void)
{
  g_autoptr (GBytes) pdf = make_pdf (draw_pages, three_pages);

  return load_sound ("animals.pdf", pdf);
}

static QuernAttachment *
choose (QuernAttachment *attachment, const char *list)
{
  QuernDocumentFacts facts;
  g_autoptr (GArray) pages = NULL;

  g_assert_true (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts));
  pages = quern_page_list_parse (list, facts.n_pages);
  g_assert_nonnull (pages);
  return quern_document_choose (attachment, pages, FALSE);
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static void
test_page_list (void)
{
  static const struct {
    const char *typed, *shown;
  } lists[] = {
    { "3", "3" },
    { "1-3", "1-3" },
    { " 2 – 4 , 1", "1-4" },
    { "8-", "8-10" },
    { "-2", "1-2" },
    { "1,3,5", "1, 3, 5" },
    { "1-2,2-3", "1-3" },
    { "", NULL },
    { "0", NULL },
    { "11", NULL },
    { "3-2", NULL },
    { "1,", NULL },
    { "1 2", NULL },
    { "one", NULL },
    { "-", NULL },
    { "1--2", NULL },
    { "99999999999", NULL },
    { "1-99999999999", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autoptr (GArray) pages = quern_page_list_parse (lists[i].typed, 10);
    g_autofree char *shown = pages ? quern_page_list_format (pages, "-") : NULL;
    g_test_message ("“%s”", lists[i].typed);
    g_assert_cmpstr (shown, ==, lists[i].shown);
  }
}

static void
test_pdf (void)
{
  g_autoptr (QuernAttachment) attachment = load_three_pages ();
  g_autoptr (QuernAttachment) chosen = choose (attachment, "2-3");
  g_autofree char *quoted = dup_quoted (attachment);
  g_autofree char *chosen_quoted = dup_quoted (chosen);
  g_autofree char *label = quern_document_dup_label (attachment);
  g_autofree char *chosen_label = quern_document_dup_label (chosen);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) png = NULL;

  g_assert_cmpstr (label, ==, "3 pages");
  g_assert_cmpstr (quoted, ==,
                   "animals.pdf, pages 1-3 of 3:\n```\n[Page 1]\nFoxes live in dens.\n\n[Page 2]\nWhales live in the "
                   "sea.\n\n[Page 3]\nStorks nest on chimneys.\n```\n\n");
  g_assert_cmpstr (chosen_label, ==, "Pages 2–3 of 3");
  g_assert_cmpstr (chosen_quoted, ==,
                   "animals.pdf, pages 2-3 of 3:\n```\n[Page 2]\nWhales live in the sea.\n\n[Page 3]\nStorks nest on "
                   "chimneys.\n```\n\n");
  g_assert_cmpstr (quern_attachment_get_hash (chosen), ==, quern_attachment_get_hash (attachment)); /* stored once */

  png = quern_document_draw_page (quern_attachment_get_source (attachment), 2, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (png, NULL), 8, "\x89PNG\r\n\x1a\n", 8);
  g_clear_pointer (&png, g_bytes_unref);
  png = quern_document_draw_page (quern_attachment_get_source (attachment), 4, NULL, &error);
  g_assert_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_DAMAGED);
}

/* Columns one after the other, right-to-left and CJK text in the order in which it is read. */
static void
test_reading_order (void)
{
  static const char *const columns[] = {
    "The first column begins here and goes on for several lines, until it ends at last.\nIt has two paragraphs.",
    "The second column is read after the first one, and never line by line with it.\nIt has two paragraphs, too.",
  };
  static const char *const scripts[] = { "مرحبا بالعالم", "עברית נכתבת מימין", "今日は良い天気です。", "你好，世界。",
                                         NULL };
  g_autoptr (GBytes) pdf = make_pdf (draw_columns, columns);
  g_autoptr (GBytes) other = make_pdf (draw_pages, scripts);
  g_autoptr (QuernAttachment) attachment = load_sound ("columns.pdf", pdf);
  g_autoptr (QuernAttachment) foreign = load_sound ("scripts.pdf", other);
  g_autofree char *text = dup_quoted (attachment);
  g_autofree char *foreign_text = dup_quoted (foreign);

  assert_order (text, "ends at last", "second column");
  for (guint i = 0; scripts[i]; i++) {
    g_autofree char *normal = g_utf8_normalize (foreign_text, -1, G_NORMALIZE_DEFAULT_COMPOSE);
    if (!strstr (normal, scripts[i]))
      g_error ("“%s” is not in:\n%s", scripts[i], normal);
  }
}

static void
test_scan (void)
{
  g_autoptr (GBytes) pdf = make_pdf (draw_scan, NULL);
  g_autoptr (QuernAttachment) attachment = load_sound ("scan.pdf", pdf);
  QuernDocumentFacts facts;

  g_assert_true (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts));
  g_assert_true (facts.is_blank);
  g_assert_cmpuint (facts.n_pictures, ==, 1);
  g_assert_cmpuint (facts.n_pages, ==, 1);
}

/* A type from a stranger's export says nothing that is not so. */
static void
test_wrong_types (void)
{
  static const char *const types[] = {
    "text/plain",
    "text/plain; unit=page",
    "text/plain; unit=page; of=3",
    "text/plain; unit=page; of=3; pages=",
    "text/plain; unit=page; of=3; pages=4",
    "text/plain; unit=page; of=4000000000; pages=1",
    "text/plain; unit=page; of=999999; pages=1-999999",
    "text/plain; unit=page; of=-1; pages=1",
  };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("one\ftwo", 7);
  g_autofree char *quoted = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    g_assert_false (quern_document_get_facts (types[i], NULL));
  /* More pages than there are bytes for. */
  quoted = quern_excerpt_quote_file ("a", "text/plain; unit=page; of=9; pages=2-9", bytes);
  g_assert_cmpstr (quoted, ==, "a, pages 2-9 of 9:\n```\n[Page 2]\ntwo\n```\n\n");
}

/* ---- other formats ----------------------------------------------------------------------------------------------- */

#define WORD "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body>"

static const Part docx[] = {
  { "[Content_Types].xml", "<Types/>" },
  { "word/document.xml", WORD
    "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr><w:r><w:t>Report</w:t></w:r></w:p>"
    "<w:p><w:r><w:t xml:space='preserve'>Sales </w:t></w:r><w:r><w:t>rose.</w:t></w:r>"
    "<w:del><w:r><w:delText>fell</w:delText></w:r></w:del></w:p>"
    "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>May</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>12</w:t></w:r></w:p></w:tc></w:tr>"
    "<w:tr><w:tc><w:p><w:r><w:t>June</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>15</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    "<w:p><w:r><w:br w:type='page'/><w:t>Second page.</w:t></w:r></w:p></w:body></w:document>" },
  { NULL },
};

#define OPEN                                                                                                           \
  "<office:document-content xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0'"                           \
  " xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'"                                                       \
  " xmlns:table='urn:oasis:names:tc:opendocument:xmlns:table:1.0'><office:body><office:text>"

static const Part odt[] = {
  { "mimetype", "application/vnd.oasis.opendocument.text" },
  { "content.xml", OPEN
    "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h text:outline-level='1'>Letter</text:h>"
    "<text:p>Dear<text:s text:c='2'/>all,<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p>"
    "</text:note-body></text:note></text:p>"
    "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p>"
    "</table:table-cell></table:table-row></table:table></office:text></office:body></office:document-content>" },
  { NULL },
};

static const Part epub[] = {
  { "mimetype", "application/epub+zip" },
  { "META-INF/container.xml", "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>" },
  { "OEBPS/book.opf",
    "<package><manifest><item id='b' href='two.xhtml'/><item id='a' href='text/../one%20.xhtml'/></manifest>"
    "<spine><itemref idref='a'/><itemref idref='b'/></spine></package>" },
  { "OEBPS/two.xhtml", "<html><body><p>It was the worst of times.</p></body></html>" },
  { "OEBPS/one .xhtml",
    "<html><head><title>x</title></head><body><h1>I</h1><p>It was the best of times.</p></body></html>" },
  { NULL },
};

static const char html[] =
    "<!DOCTYPE html><html><head><title>T</title><style>p { color: red }</style></head><body>"
    "<h2>Bread</h2><p>Flour,  water\n and <b>salt</b>.</p><ul><li>Knead<li>Bake</ul><script>alert (1)</script>"
    "<table><tr><th>g<th>what<tr><td>500<td>flour</table><pre>a\n  b</pre><img src='http://x.example/y'></body>";

static void
assert_quoted (QuernAttachment *attachment, const char *expected)
{
  g_autofree char *quoted = dup_quoted (attachment);

  g_assert_cmpstr (quoted, ==, expected);
}

static void
test_docx (void)
{
  g_autoptr (GBytes) bytes = make_package (docx);
  g_autoptr (QuernAttachment) attachment = load_sound ("r.docx", bytes);

  assert_quoted (attachment,
                 "r.docx, pages 1-2 of 2:\n```\n[Page 1]\n## Report\n\nSales rose.\n\nMay | 12\nJune | 15\n\n"
                 "[Page 2]\nSecond page.\n```\n\n");
}

static void
test_odt (void)
{
  g_autoptr (GBytes) bytes = make_package (odt);
  g_autoptr (QuernAttachment) attachment = load_sound ("l.odt", bytes);

  assert_quoted (attachment, "l.odt:\n```\n# Letter\n\nDear  all, (A note.)\n\na | b\n```\n\n");
}

static void
test_epub (void)
{
  g_autoptr (GBytes) bytes = make_package (epub);
  g_autoptr (QuernAttachment) attachment = load_sound ("t.epub", bytes);
  g_autoptr (QuernAttachment) second = choose (attachment, "2");

  assert_quoted (attachment, "t.epub:\n```\n# I\n\nIt was the best of times.\n\nIt was the worst of times.\n```\n\n");
  assert_quoted (second, "t.epub, parts 2 of 2:\n```\n[Part 2]\nIt was the worst of times.\n```\n\n");
}

static void
test_html (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (html, strlen (html));
  g_autoptr (QuernAttachment) attachment = load_sound ("bread.html", bytes);
  QuernDocumentFacts facts;

  assert_quoted (attachment,
                 "bread.html:\n```\n## Bread\n\nFlour, water and salt.\n\n- Knead\n- Bake\n\ng | what\n500 | "
                 "flour\n\na\n  b\n```\n\n");
  g_assert_true (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts));
  g_assert_cmpuint (facts.n_pictures, ==, 1);
}

/* Every part of a long table has the names of the columns; all of them together have them once. */
static void
test_csv (void)
{
  g_autoptr (GString) csv = g_string_new ("city;people\n");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (QuernAttachment) attachment = NULL;
  g_autoptr (QuernAttachment) last = NULL;
  g_autofree char *whole = NULL;
  g_autofree char *part = NULL;
  QuernDocumentFacts facts;

  for (int i = 0; i < 900; i++)
    g_string_append_printf (csv, "\"Town %03d\";%d\n", i, 1000 + i);
  bytes = g_bytes_new (csv->str, csv->len);
  attachment = load_sound ("towns.csv", bytes);
  g_assert_true (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts));
  g_assert_cmpuint (facts.n_pages, >, 2);
  whole = quern_document_dup_text (quern_attachment_get_mime (attachment), quern_attachment_get_bytes (attachment));
  g_strchomp (csv->str);
  g_assert_cmpstr (whole, ==, csv->str);
  last = choose (attachment, "3");
  part = quern_document_dup_text (quern_attachment_get_mime (last), quern_attachment_get_bytes (last));
  g_assert_true (g_str_has_prefix (part, "[Part 3]\ncity;people\n\"Town "));
}

/* ---- hostile files ----------------------------------------------------------------------------------------------- */

static void
assert_refused (const char *name, GBytes *bytes, QuernDocumentError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) attachment = load_bytes (name, bytes, &error);

  g_assert_null (attachment);
  g_assert_error (error, QUERN_DOCUMENT_ERROR, (int) code);
}

static void
test_refused (void)
{
  static const char encrypted[] =
      "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
      "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n"
      "4 0 obj\n<</Filter/Standard/V 1/R 2/P -4/O<0123456789012345678901234567890101234567890123456789012345678901>"
      "/U<0123456789012345678901234567890101234567890123456789012345678901>>>\nendobj\n"
      "trailer\n<</Root 1 0 R/Encrypt 4 0 R/ID[<01><01>]/Size 5>>\n%%EOF\n";
  static const Part other[] = { { "xl/workbook.xml", "<workbook/>" }, { NULL } };
  g_autoptr (GBytes) damaged = g_bytes_new_static ("%PDF-1.7\nnothing else", 21);
  g_autoptr (GBytes) locked = g_bytes_new_static (encrypted, strlen (encrypted));
  g_autoptr (GBytes) cut = g_bytes_new_static ("PK\3\4 and no more", 16);
  g_autoptr (GBytes) sheet = make_package (other);
  g_autoptr (GBytes) binary = g_bytes_new_static ("\0\1\2\3", 4);
  g_autoptr (GBytes) empty = g_bytes_new_static ("<html></html>", 13);

  assert_refused ("a.pdf", damaged, QUERN_DOCUMENT_ERROR_DAMAGED);
  assert_refused ("b.pdf", locked, QUERN_DOCUMENT_ERROR_ENCRYPTED);
  assert_refused ("c.docx", cut, QUERN_DOCUMENT_ERROR_DAMAGED);
  assert_refused ("d.xlsx", sheet, QUERN_DOCUMENT_ERROR_NOT_A_TEXT);
  assert_refused ("e.bin", binary, QUERN_DOCUMENT_ERROR_NOT_A_TEXT);
  assert_refused ("f.html", empty, QUERN_DOCUMENT_ERROR_NOT_A_TEXT);
}

/* Nothing outside of the document is read, whatever it asks for. */
static void
test_entities (void)
{
  static const Part asking[] = {
    { "word/document.xml", "<!DOCTYPE d [<!ENTITY secret SYSTEM 'file:///etc/passwd'><!ENTITY a 'AAAAAAAAAA'>"
                           "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>" WORD
                           "<w:p><w:r><w:t>Before &secret; &c; after.</w:t></w:r></w:p></w:body></w:document>" },
    { NULL },
  };
  g_autoptr (GBytes) bytes = make_package (asking);
  g_autoptr (QuernAttachment) attachment = load_bytes ("x.docx", bytes, NULL);
  g_autofree char *text = attachment ? dup_quoted (attachment) : g_strdup ("");

  g_assert_null (strstr (text, "root:"));
  g_assert_null (strstr (text, "AAAA"));
}

/* A small package that unpacks to more than there is room for, and one that is nested deeper than anybody writes. */
static void
test_bombs (void)
{
  gsize size = 160 * 1024 * 1024;
  g_autofree char *spaces = g_malloc (size);
  g_autoptr (GString) deep = g_string_new (WORD);
  Part bomb[] = { { "word/document.xml", spaces, size }, { NULL } };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) nested = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernAttachment) attachment = NULL;

  memset (spaces, ' ', size);
  bytes = make_package (bomb);
  g_assert_cmpuint (g_bytes_get_size (bytes), <, 1024 * 1024);
  assert_refused ("bomb.docx", bytes, QUERN_DOCUMENT_ERROR_TOO_LARGE);

  for (int i = 0; i < 100000; i++)
    g_string_append (deep, "<w:p>");
  nested = make_package ((const Part[]) { { "word/document.xml", deep->str, deep->len }, { NULL } });
  attachment = load_bytes ("deep.docx", nested, &error); /* refused, and nothing else happens */
  g_assert_null (attachment);
  g_assert_nonnull (error);
}

/* Damaged at random, each file is read or refused; what comes of it is a document all the same. */
static void
test_damaged (void)
{
  const struct {
    const char *name;
    GBytes *bytes;
  } seeds[] = {
    { "a.pdf", make_pdf (draw_pages, three_pages) },
    { "a.docx", make_package (docx) },
    { "a.odt", make_package (odt) },
    { "a.epub", make_package (epub) },
    { "a.html", g_bytes_new_static (html, strlen (html)) },
    { "a.csv", g_bytes_new_static ("a,\"b\nc\"\n1,2\n", 13) },
  };
  GRand *rand = g_rand_new_with_seed (25);

  for (gsize i = 0; i < G_N_ELEMENTS (seeds); i++) {
    for (int n = 0; n < 30; n++) {
      gsize size;
      g_autofree guint8 *data = g_bytes_unref_to_data (g_bytes_ref (seeds[i].bytes), &size);
      g_autofree guint8 *copy = g_memdup2 (data, size);
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (QuernAttachment) attachment = NULL;

      for (int k = g_rand_int_range (rand, 1, 20); k > 0; k--)
        copy[g_rand_int_range (rand, 0, (gint32) size)] = (guint8) g_rand_int (rand);
      bytes = g_bytes_new (copy, n % 3 == 0 ? (gsize) g_rand_int_range (rand, 1, (gint32) size) : size);
      attachment = load_bytes (seeds[i].name, bytes, &error);
      g_assert_true ((attachment != NULL) == (error == NULL));
      if (attachment) {
        g_autofree char *quoted = dup_quoted (attachment);
        g_assert_true (g_utf8_validate (quoted, -1, NULL));
      }
    }
    g_bytes_unref (seeds[i].bytes);
  }
  g_rand_free (rand);
}

/* ---- in a conversation ------------------------------------------------------------------------------------------- */

static GListModel *
list_of (QuernAttachment *attachment)
{
  GListStore *list = g_list_store_new (QUERN_TYPE_ATTACHMENT);

  g_list_store_append (list, attachment);
  return G_LIST_MODEL (list);
}

/* The second question finds the document in the cache, and the document is there again when the conversation is opened. */
static void
test_asked_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernAttachment) attachment = load_three_pages ();
  g_autoptr (QuernAttachment) chosen = choose (attachment, "1,3");
  g_autoptr (GListModel) attachments = list_of (chosen);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernAttachment) stored = NULL;
  g_autofree char *label = NULL;
  const QuernStatistics *first, *second;
  guint document;

  begin (f->session, "What lives in dens?", attachments, NULL, &result);
  finish (f, &result);
  first = quern_message_get_statistics (message_at (f, 1));
  document = first->prompt_tokens;
  g_assert_cmpuint (document, >, 30);
  second = quern_message_get_statistics (ask (f, "And who nests on chimneys?"));
  g_assert_cmpuint (second->reused_tokens, >=, document - 8); /* all but the mark that an answer begins */
  g_assert_cmpuint (second->evaluated_tokens, <, 40);

  close_all (f);
  open_all (f);
  stored = g_list_model_get_item (quern_message_get_attachments (message_at (f, 0)), 0);
  label = quern_document_dup_label (stored);
  g_assert_cmpstr (label, ==, "Pages 1, 3 of 3");
}

/* Too long for the context: the question picks the pages that have to do with it, and they fit. */
static void
test_picked (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (QuernAttachment) attachment = NULL;
  g_autoptr (QuernAttachment) picked = NULL;
  g_autoptr (GListModel) attachments = NULL;
  g_autoptr (GListModel) picked_list = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) pages = NULL;
  QuernDocumentFacts facts = { .n_pages = 40, .is_paged = TRUE };

  for (guint i = 1; i <= 40; i++) {
    for (int k = 0; k < 40; k++)
      g_string_append_printf (text, "The capital of country %u is a city. ", i);
    g_string_append_printf (text, "%s%s", i == 17 ? "Storks nest on chimneys." : "", i < 40 ? "\f" : "");
  }
  bytes = g_bytes_new (text->str, text->len);
  attachment = quern_document_new ("long.pdf", bytes, &facts);
  attachments = list_of (attachment);
  assert_fails (f, "Where do storks nest?", attachments, QUERN_CHAT_ERROR_TOO_LONG);
  quern_chat_session_withdraw (f->session);

  quern_document_pick_async (f->session, attachment, NULL, test_result_cb, &result);
  test_wait_result (&result);
  picked = quern_document_pick_finish (result, &error);
  g_assert_no_error (error);
  pages = quern_document_dup_pages (quern_attachment_get_mime (picked));
  g_assert_cmpuint (pages->len, >=, 1);
  g_assert_cmpuint (pages->len, <, 40);
  g_assert_true (quern_document_get_facts (quern_attachment_get_mime (picked), &facts));
  g_assert_true (facts.is_picked);
  for (guint i = 0; i < pages->len; i++)
    if (g_array_index (pages, guint, i) == 17)
      break;
    else
      g_assert_cmpuint (g_array_index (pages, guint, i), <, 17);

  picked_list = list_of (picked);
  begin (f->session, "Where do storks nest?", picked_list, NULL, &answer);
  finish (f, &answer);
}

/* Words that are nowhere pick nothing, and that is said. */
static void
test_nothing_picked (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("one fox\ftwo whales", 18);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) pages = quern_passages_pick (bytes, 2, "a \"whales\" OR *", 1000, &error);
  g_autofree char *list = NULL;

  g_assert_no_error (error);
  list = quern_page_list_format (pages, "-");
  g_assert_cmpstr (list, ==, "2");
  g_clear_pointer (&pages, g_array_unref);
  pages = quern_passages_pick (bytes, 2, "elephants", 1000, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  pages = quern_passages_pick (bytes, 2, "whales", 3, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  pages = quern_passages_pick (bytes, 2, "?!", 1000, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = test_folder ();
  int result;

  g_setenv ("XDG_DATA_HOME", data_folder, TRUE); /* no models but Quern Tiny */
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/documents/page-list", test_page_list);
  g_test_add_func ("/documents/pdf", test_pdf);
  g_test_add_func ("/documents/reading-order", test_reading_order);
  g_test_add_func ("/documents/scan", test_scan);
  g_test_add_func ("/documents/wrong-types", test_wrong_types);
  g_test_add_func ("/documents/docx", test_docx);
  g_test_add_func ("/documents/odt", test_odt);
  g_test_add_func ("/documents/epub", test_epub);
  g_test_add_func ("/documents/html", test_html);
  g_test_add_func ("/documents/csv", test_csv);
  g_test_add_func ("/documents/refused", test_refused);
  g_test_add_func ("/documents/entities", test_entities);
  g_test_add_func ("/documents/bombs", test_bombs);
  g_test_add_func ("/documents/damaged", test_damaged);
  g_test_add_func ("/documents/nothing-picked", test_nothing_picked);
  g_test_add ("/documents/asked-twice", Fixture, NULL, setup, test_asked_twice, teardown);
  g_test_add ("/documents/picked", Fixture, NULL, setup, test_picked, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
