/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <string.h>

#include "quern-cli.h"
#include "quern-document.h"
#include "quern-excerpt.h"
#include "quern-page-list.h"
#include "quern-passages.h"

/* Says what of a document goes to the model. */
static void
tell (QuernAttachment *attachment)
{
  g_autofree char *label = quern_document_dup_label (attachment);
  QuernDocumentFacts facts;

  if (!quern_document_get_facts (quern_attachment_get_mime (attachment), &facts))
    return;
  if (*label)
    quern_cli_line (stderr, "%s: %s", quern_attachment_get_name (attachment), label);
  if (facts.n_left_out > 0)
    quern_cli_line (stderr, _("%s: the end was left out, because it is longer than Quern reads."),
                    quern_attachment_get_name (attachment));
  if (facts.n_pictures > 0)
    quern_cli_line (stderr,
                    ngettext ("%s: %u picture in it is not part of the text.",
                              "%s: %u pictures in it are not part of the text.", facts.n_pictures),
                    quern_attachment_get_name (attachment), facts.n_pictures);
}

/**
 * quern_cli_load_documents:
 * @paths: (nullable): texts and documents
 * @pages: (nullable): a list of the pages to send of each document; %NULL or %QUERN_CLI_PICK_PAGES for all of them
 *
 * Returns: (transfer full) (nullable) (element-type QuernAttachment): what is in the files
 */
GPtrArray *
quern_cli_load_documents (char **paths, const char *pages, GError **error)
{
  g_autoptr (GPtrArray) attachments = g_ptr_array_new_with_free_func (g_object_unref);

  for (char **path = paths; path && *path; path++) {
    g_autoptr (GFile) file = g_file_new_for_commandline_arg (*path);
    g_autoptr (QuernAttachment) attachment = quern_document_load (file, NULL, error);
    QuernDocumentFacts facts;

    if (!attachment) {
      g_prefix_error (error, "%s: ", *path);
      return NULL;
    }
    if (quern_document_get_facts (quern_attachment_get_mime (attachment), &facts)) {
      if (facts.is_blank) {
        g_set_error (
            error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_NOT_A_TEXT,
            _("%s: There is no text in the document: its pages are pictures. Save them as pictures and attach "
              "those with --image."),
            *path);
        return NULL;
      }
      if (pages && !g_str_equal (pages, QUERN_CLI_PICK_PAGES)) {
        g_autoptr (GArray) list = quern_page_list_parse (pages, facts.n_pages);
        QuernAttachment *chosen = list ? quern_document_choose (attachment, list, FALSE) : NULL;
        if (!chosen) {
          g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_FAILED,
                       _("--pages: “%s” is no list of pages from 1 to %u, such as 1-5,8."), pages, facts.n_pages);
          return NULL;
        }
        g_set_object (&attachment, chosen);
        g_object_unref (chosen);
      }
    }
    g_ptr_array_add (attachments, g_steal_pointer (&attachment));
  }
  return g_steal_pointer (&attachments);
}

void
quern_cli_tell_documents (GPtrArray *attachments)
{
  for (guint i = 0; i < attachments->len; i++)
    tell (attachments->pdata[i]);
}

/**
 * quern_cli_quote_documents:
 *
 * Returns: (transfer full): the documents as the model gets them, and the question behind them
 */
char *
quern_cli_quote_documents (GPtrArray *attachments, const char *prompt)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < attachments->len; i++) {
    g_autofree char *quoted = quern_excerpt_quote_file (quern_attachment_get_name (attachments->pdata[i]),
                                                        quern_attachment_get_mime (attachments->pdata[i]),
                                                        quern_attachment_get_bytes (attachments->pdata[i]));
    g_string_append (text, quoted);
  }
  return g_string_free (g_string_append (text, prompt), FALSE);
}

/* The longest of the documents. */
static guint
find_longest (GPtrArray *attachments)
{
  guint longest = 0;

  for (guint i = 1; i < attachments->len; i++)
    if (quern_attachment_get_size (attachments->pdata[i]) > quern_attachment_get_size (attachments->pdata[longest]))
      longest = i;
  return longest;
}

/**
 * quern_cli_pick_pages:
 * @attachments: as quern_cli_load_documents() returned them
 * @prompt: what is asked about them
 * @tokens: what the prompt has with all of them
 * @most: what it may have
 *
 * Picks the pages of the longest document that have to do with the question, as many as there is room for.
 */
gboolean
quern_cli_pick_pages (GPtrArray *attachments, const char *prompt, gsize tokens, gsize most, GError **error)
{
  guint longest = find_longest (attachments);
  QuernAttachment *attachment = attachments->len > 0 ? attachments->pdata[longest] : NULL;
  QuernDocumentFacts facts;
  g_autoptr (GArray) pages = NULL;
  gsize size;

  if (!attachment || !quern_document_get_facts (quern_attachment_get_mime (attachment), &facts))
    return TRUE; /* a text has no pages: whoever counts says that it is too long */
  /* Bytes for a token are about the same on all pages; a tenth is for those where they are not. */
  size = (gsize) ((double) quern_attachment_get_size (attachment) * 0.9
                  * (1 - (double) (tokens - MIN (tokens, most)) / (double) tokens));
  pages = quern_passages_pick (quern_attachment_get_bytes (attachment), facts.n_pages, prompt, size, error);
  if (!pages)
    return FALSE;
  attachments->pdata[longest] = quern_document_choose (attachment, pages, TRUE);
  g_object_unref (attachment);
  return TRUE;
}
