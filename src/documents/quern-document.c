/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-document.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-page-list.h"
#include "quern-reader-protocol.h"

#define TYPE "text/plain; unit="

G_DEFINE_QUARK (quern-document-error-quark, quern_document_error)

/* Returns the value of a parameter of the type, or NULL. */
static char *
dup_parameter (const char *mime, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (mime, ";", 16);
  gsize length = strlen (name);

  for (char **part = parts; *part; part++) {
    const char *p = g_strchug (*part);
    if (g_str_has_prefix (p, name) && p[length] == '=')
      return g_strdup (p + length + 1);
  }
  return NULL;
}

static guint
get_count (const char *mime, const char *name)
{
  g_autofree char *value = dup_parameter (mime, name);
  guint64 number = 0;

  return value && g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &number, NULL) ? (guint) number : 0;
}

static char *
make_type (const QuernDocumentFacts *facts, GArray *pages, gboolean picked, guint n_tokens)
{
  g_autofree char *list = quern_page_list_format (pages, "-");
  GString *type = g_string_new (TYPE);

  g_string_append_printf (type, "%s; of=%u; pages=%s", facts->is_paged ? "page" : "part", facts->n_pages, list);
  if (facts->n_left_out > 0)
    g_string_append_printf (type, "; left-out=%u", facts->n_left_out);
  if (facts->n_pictures > 0)
    g_string_append_printf (type, "; pictures=%u", facts->n_pictures);
  if (facts->is_blank)
    g_string_append (type, "; blank=1");
  if (facts->is_table)
    g_string_append (type, "; table=1");
  if (picked)
    g_string_append (type, "; picked=1");
  if (n_tokens > 0)
    g_string_append_printf (type, "; tokens=%u", n_tokens);
  return g_string_free (type, FALSE);
}

/**
 * quern_document_new:
 * @name: of the file
 * @text: of its pages, with form feeds between them
 * @facts: about it; what is sent is all of it
 *
 * Returns: (transfer full): the document as an attachment
 */
QuernAttachment *
quern_document_new (const char *name, GBytes *text, const QuernDocumentFacts *facts)
{
  g_autoptr (GArray) pages = quern_page_list_new_all (facts->n_pages);
  g_autofree char *type = make_type (facts, pages, FALSE, 0);

  return quern_attachment_new (name, type, text);
}

/**
 * quern_document_dup_pages:
 * @mime: the type of an attachment
 *
 * Returns: (transfer full) (nullable): the pages that are sent; %NULL when it is no document
 */
GArray *
quern_document_dup_pages (const char *mime)
{
  guint n = g_str_has_prefix (mime, TYPE) ? get_count (mime, "of") : 0;
  g_autofree char *list = n > 0 && n <= QUERN_READER_MAX_PAGES ? dup_parameter (mime, "pages") : NULL;

  return list ? quern_page_list_parse (list, n) : NULL;
}

/**
 * quern_document_get_facts:
 * @mime: the type of an attachment
 * @facts: (out) (optional): what it says; untouched when it is no document
 *
 * Returns: whether it is a document
 */
gboolean
quern_document_get_facts (const char *mime, QuernDocumentFacts *facts)
{
  g_autoptr (GArray) pages = quern_document_dup_pages (mime);
  g_autofree char *unit = NULL;

  if (!pages)
    return FALSE;
  if (!facts)
    return TRUE;
  unit = dup_parameter (mime, "unit");
  *facts = (QuernDocumentFacts) {
    .n_pages = get_count (mime, "of"),
    .n_chosen = pages->len,
    .n_left_out = get_count (mime, "left-out"),
    .n_pictures = get_count (mime, "pictures"),
    .n_tokens = get_count (mime, "tokens"),
    .is_paged = g_strcmp0 (unit, "page") == 0,
    .is_blank = get_count (mime, "blank") > 0,
    .is_picked = get_count (mime, "picked") > 0,
    .is_table = get_count (mime, "table") > 0,
  };
  return TRUE;
}

/**
 * quern_document_choose:
 * @attachment: a document
 * @pages: a list of its pages
 * @picked: whether Quern picked them for a question
 *
 * Returns: (transfer full): the same document, of which these pages are sent
 */
QuernAttachment *
quern_document_choose (QuernAttachment *attachment, GArray *pages, gboolean picked)
{
  QuernDocumentFacts facts;
  g_autofree char *type = NULL;
  QuernAttachment *chosen;

  g_return_val_if_fail (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts), NULL);
  type = make_type (&facts, pages, picked, 0);
  chosen = quern_attachment_new_stored (quern_attachment_get_hash (attachment), quern_attachment_get_name (attachment),
                                        type, quern_attachment_get_size (attachment));
  quern_attachment_set_bytes (chosen, quern_attachment_get_bytes (attachment));
  quern_attachment_set_source (chosen, quern_attachment_get_source (attachment));
  return chosen;
}

/**
 * quern_document_note_tokens:
 * @attachment: a document
 * @n_tokens: of what is sent of it
 *
 * Keeps what it costs, to be shown in the conversation.
 */
void
quern_document_note_tokens (QuernAttachment *attachment, guint n_tokens)
{
  const char *mime = quern_attachment_get_mime (attachment);
  g_autoptr (GArray) pages = quern_document_dup_pages (mime);
  g_autofree char *type = NULL;
  QuernDocumentFacts facts;

  g_return_if_fail (quern_document_get_facts (mime, &facts));
  type = make_type (&facts, pages, facts.is_picked, n_tokens);
  quern_attachment_set_mime (attachment, type);
}

/**
 * quern_document_split:
 * @text: the bytes of a document
 *
 * Returns: (transfer full) (element-type utf8): the text of each page
 */
GPtrArray *
quern_document_split (GBytes *text)
{
  GPtrArray *pages = g_ptr_array_new_with_free_func (g_free);
  gsize size;
  const char *page = g_bytes_get_data (text, &size), *end = page + size, *stop;

  do {
    stop = page < end ? memchr (page, QUERN_READER_PAGE_END, (gsize) (end - page)) : NULL;
    g_ptr_array_add (pages, g_utf8_make_valid (page ? page : "", (stop ? stop : end) - page));
    page = stop ? stop + 1 : NULL;
  } while (page);
  return pages;
}

/**
 * quern_document_dup_text:
 * @mime: the type of the document
 * @text: its bytes
 *
 * Returns: (transfer full): what models get of it: the pages that are sent, each with its number where that tells something
 */
char *
quern_document_dup_text (const char *mime, GBytes *text)
{
  g_autoptr (GArray) chosen = quern_document_dup_pages (mime);
  g_autoptr (GPtrArray) pages = quern_document_split (text);
  QuernDocumentFacts facts = { 0 };
  GString *out = g_string_new (NULL);
  gboolean numbered;

  quern_document_get_facts (mime, &facts);
  numbered = facts.n_pages > 1 && (facts.is_paged || facts.n_chosen < facts.n_pages);
  for (guint i = 0; chosen && i < chosen->len && g_array_index (chosen, guint, i) <= pages->len; i++) {
    guint page = g_array_index (chosen, guint, i);
    const char *words = pages->pdata[page - 1];

    if (numbered)
      g_string_append_printf (out, "%s[%s %u]\n", i > 0 ? "\n\n" : "", facts.is_paged ? "Page" : "Part", page);
    else if (i > 0 && facts.is_table && strchr (words, '\n')) /* its columns were named above */
      words = strchr (words, '\n') + 1;
    if (!numbered && i > 0)
      g_string_append (out, facts.is_table ? "\n" : "\n\n");
    g_string_append (out, words);
  }
  return g_string_free (out, FALSE);
}

/**
 * quern_document_dup_title:
 *
 * Returns: (transfer full): what models get before the text. It is English whatever the language of the desktop is, so that a
 *   conversation stays what it was.
 */
char *
quern_document_dup_title (const char *name, const char *mime)
{
  g_autoptr (GArray) pages = quern_document_dup_pages (mime);
  g_autofree char *list = pages ? quern_page_list_format (pages, "-") : NULL;
  QuernDocumentFacts facts;

  if (!quern_document_get_facts (mime, &facts) || facts.n_pages == 1
      || (!facts.is_paged && pages->len == facts.n_pages))
    return g_strdup (name);
  return g_strdup_printf ("%s, %s %s of %u", name, facts.is_paged ? "pages" : "parts", list,
                          facts.n_pages + facts.n_left_out);
}

/**
 * quern_document_dup_label:
 * @attachment: a document
 *
 * Returns: (transfer full): which of its pages are sent, for people; empty when it has but one
 */
char *
quern_document_dup_label (QuernAttachment *attachment)
{
  const char *mime = quern_attachment_get_mime (attachment);
  g_autoptr (GArray) pages = quern_document_dup_pages (mime);
  g_autofree char *list = pages ? quern_page_list_format (pages, "–") : NULL;
  QuernDocumentFacts facts;
  guint n;

  if (!quern_document_get_facts (mime, &facts) || (facts.n_pages == 1 && !facts.is_paged))
    return g_strdup ("");
  n = facts.n_pages + facts.n_left_out;
  if (facts.n_chosen == n)
    return g_strdup_printf (facts.is_paged ? ngettext ("%u page", "%u pages", n) : ngettext ("%u part", "%u parts", n),
                            n);
  if (facts.n_chosen == 1)
    /* Translators: the number of a page, and how many pages there are */
    return g_strdup_printf (facts.is_paged ? _("Page %s of %u") : _("Part %s of %u"), list, n);
  /* Translators: a list such as "3–7, 12", and how many pages there are */
  return g_strdup_printf (facts.is_paged ? _("Pages %s of %u") : _("Parts %s of %u"), list, n);
}
