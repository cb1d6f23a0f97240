/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <libxml/HTMLparser.h>
#include <string.h>

#include "quern-reader.h"

/* Makes text of markup, element by element, so that no depth of nesting costs more than a counter. Headings keep their level
 * as Markdown writes it, cells of a table stand between bars, items of a list behind a dash. */

typedef enum {
  SKIP = 1,  /* neither it nor what is in it is text */
  BLOCK,     /* text before and after it is apart */
  PARAGRAPH, /* so much that an empty line is between */
  HEADING,
  ITEM,
  ROW,
  CELL,
  BREAK,
  TAB,
  SPACES,
  PAGE,
  PICTURE,
  RUN,   /* the only elements whose text counts, where a format has such */
  STYLE, /* names the style of the paragraph it is in */
  NOTE,  /* a note in the middle of a sentence */
} Role;

typedef struct {
  const char *name;
  Role role;
} Element;

static const Element html_elements[] = {
  { "script", SKIP },   { "style", SKIP },      { "head", SKIP },
  { "template", SKIP }, { "noscript", SKIP },   { "svg", SKIP },
  { "object", SKIP },   { "iframe", SKIP },     { "p", PARAGRAPH },
  { "div", BLOCK },     { "section", BLOCK },   { "article", BLOCK },
  { "header", BLOCK },  { "footer", BLOCK },    { "main", BLOCK },
  { "aside", BLOCK },   { "nav", BLOCK },       { "ul", BLOCK },
  { "ol", BLOCK },      { "dl", BLOCK },        { "dt", BLOCK },
  { "dd", BLOCK },      { "table", PARAGRAPH }, { "blockquote", PARAGRAPH },
  { "pre", PARAGRAPH }, { "figure", BLOCK },    { "figcaption", BLOCK },
  { "address", BLOCK }, { "form", BLOCK },      { "hr", PARAGRAPH },
  { "caption", BLOCK }, { "h1", HEADING },      { "h2", HEADING },
  { "h3", HEADING },    { "h4", HEADING },      { "h5", HEADING },
  { "h6", HEADING },    { "li", ITEM },         { "tr", ROW },
  { "td", CELL },       { "th", CELL },         { "br", BREAK },
  { "img", PICTURE },   { "image", PICTURE },   { NULL },
};

static const Element word_elements[] = {
  { "p", PARAGRAPH },
  { "t", RUN },
  { "tab", TAB },
  { "br", BREAK },
  { "cr", BREAK },
  { "tr", ROW },
  { "tc", CELL },
  { "pStyle", STYLE },
  { "drawing", PICTURE },
  { "Fallback", SKIP },
  { "instrText", SKIP },
  { "delText", SKIP },
  { "lastRenderedPageBreak", PAGE },
  { NULL },
};

static const Element open_elements[] = {
  { "p", PARAGRAPH },
  { "h", HEADING },
  { "s", SPACES },
  { "tab", TAB },
  { "line-break", BREAK },
  { "table-row", ROW },
  { "table-cell", CELL },
  { "list-item", ITEM },
  { "soft-page-break", PAGE },
  { "image", PICTURE },
  { "note", NOTE },
  { "note-citation", SKIP },
  { "tracked-changes", SKIP },
  { "annotation", SKIP },
  { "desc", SKIP },
  { "title", SKIP },
  { "forms", SKIP },
  { "sequence-decls", SKIP },
  { NULL },
};

typedef struct {
  QuernReading *reading;
  QuernMarkup markup;
  xmlTextReaderPtr xml;
  int skip;    /* depth of the element that is skipped; -1 for none */
  guint cells; /* cells that are open, tables in tables included */
  guint notes; /* notes that are open */
  guint runs;  /* runs that are open */
  gboolean in_row, first_cell;
  gboolean space; /* there was a space in collapsed text, not written yet */
  guint pre;
} Walk;

static Role
find_role (const Walk *walk, const char *name)
{
  const Element *elements = walk->markup == QUERN_MARKUP_HTML   ? html_elements
                            : walk->markup == QUERN_MARKUP_WORD ? word_elements
                                                                : open_elements;

  for (const Element *e = elements; e->name; e++)
    if (g_str_equal (e->name, name))
      return e->role;
  return 0;
}

static GString *
text_of (Walk *walk)
{
  return walk->reading->text;
}

static gboolean
at_line_start (const GString *text)
{
  return text->len == 0 || strchr ("\n\f", text->str[text->len - 1]) != NULL;
}

/* Ends the line, and leaves an empty one where @paragraph says so; in cells and notes a space does. */
static void
break_line (Walk *walk, gboolean paragraph)
{
  GString *text = text_of (walk);

  if (walk->cells > 0 || walk->notes > 0) {
    walk->space = TRUE;
    return;
  }
  walk->space = FALSE;
  if (!at_line_start (text))
    g_string_append_c (text, '\n');
  if (paragraph && text->len > 1 && !g_str_has_suffix (text->str, "\n\n") && text->str[text->len - 1] != '\f')
    g_string_append_c (text, '\n');
}

static char *
dup_value (Walk *walk, const char *name)
{
  xmlChar *value = xmlTextReaderGetAttribute (walk->xml, (const xmlChar *) name);
  char *copy = g_strdup ((const char *) value);

  xmlFree (value);
  return copy;
}

static void
append_level (Walk *walk, guint level)
{
  for (guint i = 0; i < CLAMP (level, 1, 6); i++)
    g_string_append_c (text_of (walk), '#');
  g_string_append_c (text_of (walk), ' ');
}

static void
begin_heading (Walk *walk, const char *name)
{
  g_autofree char *level = walk->markup == QUERN_MARKUP_OPEN ? dup_value (walk, "text:outline-level") : NULL;

  break_line (walk, TRUE);
  if (walk->cells == 0 && walk->notes == 0)
    append_level (walk, level ? (guint) g_ascii_strtoull (level, NULL, 10) : name[1] ? (guint) (name[1] - '0') : 1);
}

/* "Heading2" and "heading 2" are headings; the style comes before the text. */
static void
apply_style (Walk *walk)
{
  g_autofree char *style = dup_value (walk, "w:val");

  if (style && g_ascii_strncasecmp (style, "heading", 7) == 0 && at_line_start (text_of (walk)) && walk->cells == 0)
    append_level (walk, (guint) g_ascii_strtoull (style + 7, NULL, 10));
  else if (g_strcmp0 (style, "Title") == 0 && at_line_start (text_of (walk)) && walk->cells == 0)
    append_level (walk, 1);
}

static void
new_page (Walk *walk)
{
  GString *text = text_of (walk);

  if (walk->cells > 0 || text->len == 0 || text->str[text->len - 1] == '\f')
    return;
  walk->reading->has_pages = TRUE;
  quern_reading_end_page (walk->reading);
}

/* A break of Word's is one of the line or of the page. */
static void
begin_break (Walk *walk)
{
  g_autofree char *type = walk->markup == QUERN_MARKUP_WORD ? dup_value (walk, "w:type") : NULL;

  walk->space = FALSE;
  if (g_strcmp0 (type, "page") == 0)
    new_page (walk);
  else
    g_string_append_c (text_of (walk), walk->cells > 0 ? ' ' : '\n');
}

static void
append_spaces (Walk *walk)
{
  g_autofree char *count = dup_value (walk, "text:c");
  guint n = count ? (guint) MIN (g_ascii_strtoull (count, NULL, 10), 32) : 1;

  walk->space = FALSE;
  while (n-- > 0)
    g_string_append_c (text_of (walk), ' ');
}

static void
begin_element (Walk *walk, const char *name)
{
  GString *text = text_of (walk);
  gboolean empty = xmlTextReaderIsEmptyElement (walk->xml) == 1;

  switch (find_role (walk, name)) {
  case SKIP:
    if (!empty)
      walk->skip = xmlTextReaderDepth (walk->xml);
    break;
  case BLOCK: break_line (walk, FALSE); break;
  case PARAGRAPH: break_line (walk, TRUE); break;
  case HEADING: begin_heading (walk, name); break;
  case ITEM:
    break_line (walk, FALSE);
    g_string_append (text, walk->cells > 0 ? " " : "- ");
    break;
  case ROW:
    if (walk->cells == 0) {
      break_line (walk, FALSE);
      walk->first_cell = TRUE;
    }
    break;
  case CELL:
    if (walk->cells == 0 && !walk->first_cell)
      g_string_append (text, " | ");
    walk->first_cell = FALSE;
    walk->space = FALSE;
    walk->cells += !empty;
    break;
  case BREAK: begin_break (walk); break;
  case TAB: g_string_append_c (text, '\t'); break;
  case SPACES: append_spaces (walk); break;
  case PAGE: new_page (walk); break;
  case PICTURE: walk->reading->n_pictures++; break;
  case RUN: walk->runs += !empty; break;
  case STYLE: apply_style (walk); break;
  case NOTE:
    g_string_append (text, " (");
    walk->notes += !empty;
    break;
  }
  walk->pre += walk->markup == QUERN_MARKUP_HTML && !empty && g_str_equal (name, "pre");
}

static void
end_element (Walk *walk, const char *name)
{
  switch (find_role (walk, name)) {
  case BLOCK:
  case ITEM: break_line (walk, FALSE); break;
  case PARAGRAPH:
  case HEADING: break_line (walk, TRUE); break;
  case ROW:
    if (walk->cells == 0)
      break_line (walk, FALSE);
    break;
  case CELL:
    walk->cells -= walk->cells > 0;
    walk->space = FALSE;
    break;
  case RUN: walk->runs -= walk->runs > 0; break;
  case NOTE:
    walk->notes -= walk->notes > 0;
    walk->space = FALSE;
    g_string_append_c (text_of (walk), ')');
    break;
  default: break;
  }
  if (walk->markup == QUERN_MARKUP_HTML && g_str_equal (name, "pre"))
    walk->pre -= walk->pre > 0;
}

/* The space that was put off, unless the text has one or needs none there. */
static void
append_space (Walk *walk)
{
  GString *text = text_of (walk);

  if (walk->space && !at_line_start (text) && strchr (" (", text->str[text->len - 1]) == NULL)
    g_string_append_c (text, ' ');
  walk->space = FALSE;
}

/* Text whose spaces and line ends are one space, as browsers show it. */
static void
append_collapsed (Walk *walk, const char *words)
{
  for (const char *p = words; *p; p++) {
    if (g_ascii_isspace (*p)) {
      walk->space = TRUE;
      continue;
    }
    append_space (walk);
    g_string_append_c (text_of (walk), *p);
  }
}

static void
append_text (Walk *walk, const char *words)
{
  if (walk->markup == QUERN_MARKUP_WORD && walk->runs == 0)
    return;
  if (walk->markup == QUERN_MARKUP_WORD || walk->pre > 0) {
    append_space (walk);
    for (const char *p = words; *p; p++)
      g_string_append_c (text_of (walk), *p == QUERN_READER_PAGE_END ? ' ' : *p);
  } else
    append_collapsed (walk, words);
}

/* Reads from where @xml is to its end, or to the first place where it is no longer well formed. */
void
quern_reader_read_markup (QuernReading *reading, QuernMarkup markup, xmlTextReaderPtr xml)
{
  Walk walk = { .reading = reading, .markup = markup, .xml = xml, .skip = -1 };
  int got;

  while (quern_reading_has_room (reading) && (got = xmlTextReaderRead (xml)) == 1) {
    int type = xmlTextReaderNodeType (xml);
    const char *name = (const char *) xmlTextReaderConstLocalName (xml);
    const char *value = (const char *) xmlTextReaderConstValue (xml);

    if (walk.skip >= 0) {
      if (type == XML_READER_TYPE_END_ELEMENT && xmlTextReaderDepth (xml) == walk.skip)
        walk.skip = -1;
    } else if (type == XML_READER_TYPE_ELEMENT && name)
      begin_element (&walk, name);
    else if (type == XML_READER_TYPE_END_ELEMENT && name)
      end_element (&walk, name);
    else if (value
             && (type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_CDATA
                 || type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE || type == XML_READER_TYPE_WHITESPACE))
      append_text (&walk, value);
  }
  reading->truncated |= !quern_reading_has_room (reading) || got < 0;
}

/* A page of the web, or a chapter of a book. */
QuernReaderStatus
quern_reader_read_html (QuernReading *reading, GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  htmlDocPtr document;
  xmlTextReaderPtr xml;

  if (size == 0 || size > G_MAXINT)
    return size == 0 ? QUERN_READER_DAMAGED : QUERN_READER_TOO_LARGE;
  document = htmlReadMemory (data, (int) size, NULL, g_utf8_validate_len (data, size, NULL) ? "UTF-8" : NULL,
                             HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING
                                 | HTML_PARSE_COMPACT);
  xml = document ? xmlReaderWalker (document) : NULL;
  if (xml)
    quern_reader_read_markup (reading, QUERN_MARKUP_HTML, xml);
  xmlFreeTextReader (xml);
  xmlFreeDoc (document);
  return xml ? QUERN_READER_OK : QUERN_READER_DAMAGED;
}
