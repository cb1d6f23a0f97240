/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "quern-reader.h"

/* Packages: ZIP files with XML in them. All that is markup is unpacked first, up to a bound, because a small package can
 * unpack to any size; pictures, fonts and the rest stay packed. */

#define MAX_ENTRIES 20000
#define MAX_UNPACKED (128u * 1024 * 1024)
#define MAX_PATH_DEPTH 64

static gboolean
is_markup (const char *path)
{
  static const char *const ends[] = { ".xml", ".opf", ".xhtml", ".html", ".htm", "mimetype" };

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    gsize length = strlen (path), n = strlen (ends[i]);
    if (length >= n && g_ascii_strcasecmp (path + length - n, ends[i]) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Returns what an entry unpacks to, or NULL when there is no room for it or its data are damaged. */
static GBytes *
unpack_entry (struct archive *archive, gsize *room)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  guint8 piece[64 * 1024];
  la_ssize_t n;

  while ((n = archive_read_data (archive, piece, sizeof piece)) > 0) {
    if ((gsize) n > *room)
      return NULL;
    *room -= (gsize) n;
    g_byte_array_append (data, piece, (guint) n);
  }
  return n == 0 ? g_byte_array_free_to_bytes (g_steal_pointer (&data)) : NULL;
}

/* Returns the markup of a package by its path there. */
static GHashTable *
unpack (GBytes *bytes, QuernReaderStatus *status)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  g_autoptr (GHashTable)
      parts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  gsize size, room = MAX_UNPACKED;
  const void *data = g_bytes_get_data (bytes, &size);
  int got = ARCHIVE_FATAL;

  *status = QUERN_READER_OK;
  archive_read_support_format_zip_seekable (archive);
  if (archive_read_open_memory (archive, data, size) == ARCHIVE_OK)
    for (guint i = 0; i < MAX_ENTRIES && *status == QUERN_READER_OK
                      && ((got = archive_read_next_header (archive, &entry)) == ARCHIVE_OK || got == ARCHIVE_WARN);
         i++) {
      const char *path = archive_entry_pathname_utf8 (entry);
      GBytes *part;

      if (!path || !is_markup (path) || archive_entry_filetype (entry) != AE_IFREG)
        continue;
      if (archive_entry_is_data_encrypted (entry)) {
        *status = QUERN_READER_ENCRYPTED;
        break;
      }
      part = unpack_entry (archive, &room);
      if (part)
        g_hash_table_replace (parts, g_strdup (path), part);
      else
        *status = room < 64 * 1024 ? QUERN_READER_TOO_LARGE : QUERN_READER_DAMAGED;
    }
  if (got == ARCHIVE_FATAL && g_hash_table_size (parts) == 0)
    *status = QUERN_READER_DAMAGED;
  archive_read_free (archive);
  return g_steal_pointer (&parts);
}

/* Opens a part as XML: nothing outside of it is loaded, and entities are not put in. */
static xmlTextReaderPtr
open_part (GBytes *part)
{
  gsize size;
  const char *data = g_bytes_get_data (part, &size);

  return size > 0 && size <= G_MAXINT
             ? xmlReaderForMemory (data, (int) size, NULL, NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT)
             : NULL;
}

static gboolean
read_part (QuernReading *reading, GHashTable *parts, const char *path, QuernMarkup markup)
{
  GBytes *part = g_hash_table_lookup (parts, path);
  xmlTextReaderPtr xml = part ? open_part (part) : NULL;

  if (!xml)
    return FALSE;
  quern_reader_read_markup (reading, markup, xml);
  xmlFreeTextReader (xml);
  return TRUE;
}

/* ---- books ------------------------------------------------------------------------------------------------------- */

static char *
dup_attribute (xmlTextReaderPtr xml, const char *name)
{
  xmlChar *value = xmlTextReaderGetAttribute (xml, (const xmlChar *) name);
  char *copy = g_strdup ((const char *) value);

  xmlFree (value);
  return copy;
}

/* Where the book's list of contents is. */
static char *
find_book (GHashTable *parts)
{
  GBytes *container = g_hash_table_lookup (parts, "META-INF/container.xml");
  xmlTextReaderPtr xml = container ? open_part (container) : NULL;
  char *path = NULL;

  while (xml && !path && xmlTextReaderRead (xml) == 1)
    if (g_strcmp0 ((const char *) xmlTextReaderConstLocalName (xml), "rootfile") == 0)
      path = dup_attribute (xml, "full-path");
  xmlFreeTextReader (xml);
  return path;
}

/* The path in the package of what a list of contents at @book names. */
static char *
resolve (const char *book, const char *href)
{
  g_autofree char *unescaped = g_uri_unescape_string (href, NULL);
  g_autofree char *folder = g_path_get_dirname (book);
  g_autofree char *joined = g_strcmp0 (folder, ".") == 0 || !unescaped ? g_strdup (unescaped)
                                                                       : g_build_filename (folder, unescaped, NULL);
  g_auto (GStrv) names = NULL;
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  if (!joined)
    return NULL;
  names = g_strsplit (joined, "/", MAX_PATH_DEPTH);
  for (char **name = names; *name; name++)
    if (g_str_equal (*name, ".."))
      g_ptr_array_set_size (kept, MAX (1, kept->len) - 1);
    else if (**name && !g_str_equal (*name, "."))
      g_ptr_array_add (kept, *name);
  g_ptr_array_add (kept, NULL);
  return g_strjoinv ("/", (char **) kept->pdata);
}

/* Reads the chapters of a book in the order of its spine. */
static QuernReaderStatus
read_book (QuernReading *reading, GHashTable *parts)
{
  g_autofree char *book = find_book (parts);
  GBytes *list = book ? g_hash_table_lookup (parts, book) : NULL;
  xmlTextReaderPtr xml = list ? open_part (list) : NULL;
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  gboolean any = FALSE;

  while (xml && quern_reading_has_room (reading) && xmlTextReaderRead (xml) == 1) {
    const char *name = (const char *) xmlTextReaderConstLocalName (xml);

    if (xmlTextReaderNodeType (xml) != XML_READER_TYPE_ELEMENT)
      continue;
    if (g_strcmp0 (name, "item") == 0) {
      char *id = dup_attribute (xml, "id");
      g_autofree char *href = dup_attribute (xml, "href");
      if (id && href)
        g_hash_table_replace (files, id, resolve (book, href));
      else
        g_free (id);
    } else if (g_strcmp0 (name, "itemref") == 0) {
      g_autofree char *id = dup_attribute (xml, "idref");
      const char *path = id ? g_hash_table_lookup (files, id) : NULL;
      GBytes *chapter = path ? g_hash_table_lookup (parts, path) : NULL;
      if (chapter && quern_reader_read_html (reading, chapter) == QUERN_READER_OK) {
        quern_reading_end_page (reading);
        any = TRUE;
        g_hash_table_remove (files, id); /* a spine that repeats a chapter does not repeat its text */
      }
    }
  }
  reading->truncated |= !quern_reading_has_room (reading);
  xmlFreeTextReader (xml);
  return any ? QUERN_READER_OK : QUERN_READER_DAMAGED;
}

/* ---- which kind -------------------------------------------------------------------------------------------------- */

static gboolean
has_type (GHashTable *parts, const char *type)
{
  GBytes *mimetype = g_hash_table_lookup (parts, "mimetype");
  gsize size;
  const char *data = mimetype ? g_bytes_get_data (mimetype, &size) : NULL;

  return data && size >= strlen (type) && memcmp (data, type, strlen (type)) == 0;
}

QuernReaderStatus
quern_reader_read_package (QuernReading *reading, GBytes *bytes)
{
  QuernReaderStatus status;
  g_autoptr (GHashTable) parts = unpack (bytes, &status);

  if (status != QUERN_READER_OK)
    return status;
  if (g_hash_table_contains (parts, "word/document.xml")) {
    if (!read_part (reading, parts, "word/document.xml", QUERN_MARKUP_WORD))
      return QUERN_READER_DAMAGED;
    if (g_hash_table_contains (parts, "word/footnotes.xml")) {
      g_string_append (reading->text, "\n\n");
      read_part (reading, parts, "word/footnotes.xml", QUERN_MARKUP_WORD);
    }
    return QUERN_READER_OK;
  }
  if (has_type (parts, "application/epub+zip"))
    return read_book (reading, parts);
  if (has_type (parts, "application/vnd.oasis.opendocument.text"))
    return read_part (reading, parts, "content.xml", QUERN_MARKUP_OPEN) ? QUERN_READER_OK : QUERN_READER_DAMAGED;
  return QUERN_READER_UNKNOWN;
}
