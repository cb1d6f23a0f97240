/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#include "quern-export-private.h"
#include "quern-export.h"
#include "quern-style-sheet.h"

/* Conversations for reading: the messages that are shown. Nothing in them may make the reader's program fetch something: an
 * answer that holds a picture's address would tell its server when, and from where, the file is read. */

static const char *
title_of (const QuernExportConversation *conversation)
{
  return *conversation->title ? conversation->title : _("Conversation");
}

static const char *
speaker (QuernMessage *message)
{
  const char *model = quern_message_get_model_title (message);

  if (quern_message_get_role (message) == QUERN_ROLE_USER)
    return _("You");
  return model && *model ? model : _("Answer");
}

/* Where the line ends: before its line break, or at the end of the text. */
static const char *
end_of_line (const char *line)
{
  return line + strcspn (line, "\n");
}

/* Returns the number of characters of the fence that the text after this line is in, and the character in *mark; 0 if it is
 * in none. A fence is three or more backquotes or tildes at the beginning of a line, around a block of code. */
static gsize
follow_fence (const char *line, const char *end, char *mark, gsize open)
{
  const char *begin = line;
  gsize n = 0;

  while (line < end && line - begin < 3 && *line == ' ')
    line++;
  while (line + n < end && (*line == '`' || *line == '~') && line[n] == *line)
    n++;
  if (n < 3 || (*line == '`' && memchr (line + n, '`', (gsize) (end - line) - n)))
    n = 0;
  if (open == 0) {
    *mark = *line;
    return n;
  }
  for (begin = line + n; begin < end && (*begin == ' ' || *begin == '\t' || *begin == '\r');)
    begin++;
  return n >= open && *line == *mark && begin == end ? 0 : open;
}

/* ---- Markdown -------------------------------------------------------------------------------------------------- */

/* Pictures become links, and tags that may load something become text: those with attributes, styles and scripts. */
static void
put_harmless (QuernExportWriter *writer, const char *text, const char *end)
{
  for (const char *p = text; p < end; p++) {
    gboolean picture = p[0] == '!' && p[1] == '[';
    gboolean tag = p[0] == '<' && g_ascii_isalpha (p[1]);
    gsize n = 1;
    while (tag && (g_ascii_isalnum (p[n]) || p[n] == '-'))
      n++;
    if (!picture
        && !(tag
             && (g_ascii_isspace (p[n]) || p[n] == '/' || g_ascii_strncasecmp (p, "<style", n) == 0
                 || g_ascii_strncasecmp (p, "<script", n) == 0)))
      continue;
    _quern_export_write (writer, text, (gsize) (p - text));
    if (!picture)
      _quern_export_put (writer, "\\");
    text = picture ? p + 1 : p;
  }
  _quern_export_write (writer, text, (gsize) (end - text));
}

/* Texts of somebody else, each line after `prefix`. */
static void
put_markdown (QuernExportWriter *writer, const char *text, const char *prefix)
{
  gboolean plain_fences = TRUE; /* all blocks of code begin at the first column: only those are told without a doubt */
  gsize fence = 0;
  char mark = 0;

  for (const char *line = text; *line; line = *end_of_line (line) ? end_of_line (line) + 1 : end_of_line (line)) {
    gsize indent = strspn (line, " \t>*+-0123456789.)");
    if (indent > 0 && (g_str_has_prefix (line + indent, "```") || g_str_has_prefix (line + indent, "~~~")))
      plain_fences = FALSE;
  }
  while (TRUE) {
    const char *end = end_of_line (text);
    gboolean code = plain_fences && fence > 0;
    _quern_export_write (writer, prefix,
                         end == text && *prefix ? 1 : strlen (prefix)); /* no space at the end of a line */
    if (code)
      _quern_export_write (writer, text, (gsize) (end - text));
    else
      put_harmless (writer, text, end);
    fence = follow_fence (text, end, &mark, fence);
    if (*end == '\0')
      break;
    _quern_export_put (writer, "\n");
    text = end + 1;
  }
  _quern_export_put (writer, "\n\n");
}

/* A title or a name: one line. */
static void
put_line (QuernExportWriter *writer, const char *before, const char *text, const char *after)
{
  g_autofree char *line = g_strdelimit (g_strdup (text), "\r\n", ' ');

  _quern_export_put (writer, before);
  put_harmless (writer, line, line + strlen (line));
  _quern_export_put (writer, after);
}

static void
markdown_begin_conversation (QuernExportWriter *writer, const QuernExportConversation *conversation)
{
  put_line (writer, "# ", title_of (conversation), "\n\n");
  if (*conversation->system_prompt)
    put_markdown (writer, conversation->system_prompt, "> ");
}

static void
markdown_message (QuernExportWriter *writer, QuernMessage *message, gboolean shown, gboolean is_first)
{
  GListModel *attachments = quern_message_get_attachments (message);

  if (!shown)
    return;
  put_line (writer, "## ", speaker (message), "\n\n");
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_autofree char *line = g_strdup_printf (_("*Attachment: %s*\n\n"), quern_attachment_get_name (attachment));
    put_harmless (writer, line, line + strlen (line));
  }
  if (*quern_message_get_reasoning (message))
    put_markdown (writer, quern_message_get_reasoning (message), "> ");
  put_markdown (writer, quern_message_get_content (message), "");
}

const QuernExportWay _quern_export_markdown = { .begin_conversation = markdown_begin_conversation,
                                                .message = markdown_message };

/* ---- HTML ------------------------------------------------------------------------------------------------------ */

/* What is parsed at a time: cmark's tree takes about a hundred times the memory of its text. */
#define MAX_PIECE (256u * 1024)
#define ESCAPED_PIECE 16384

/* The second lock: a browser is told to load nothing, whatever the page says, and to look up no host of a link. */
static const char head[] =
    "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'\">\n"
    "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n";

static void
put_escaped (QuernExportWriter *writer, const char *text, gsize length)
{
  while (length > 0) {
    gsize n = length;
    g_autofree char *escaped = NULL;
    if (n > ESCAPED_PIECE)
      n = (gsize) (g_utf8_find_prev_char (text, text + ESCAPED_PIECE) - text);
    escaped = g_markup_escape_text (text, (gssize) n);
    _quern_export_put (writer, escaped);
    text += n;
    length -= n;
  }
}

static void
put_element (QuernExportWriter *writer, const char *open, const char *text, const char *close)
{
  _quern_export_put (writer, open);
  put_escaped (writer, text, strlen (text));
  _quern_export_put (writer, close);
}

/* Markup of other origin is left out by cmark, as are links that run scripts. Only extensions that have no characters of
 * their own: cmark keeps these in one table for all threads, and the window parses at the same time. */
static void
put_rendered_piece (QuernExportWriter *writer, const char *markdown, gsize length)
{
  static const char *const names[] = { "table", "tasklist" };
  g_autoptr (GPtrArray) pictures = g_ptr_array_new ();
  cmark_parser *parser;
  cmark_node *document;
  cmark_iter *iter;
  char *html;

  parser = cmark_parser_new (CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    cmark_parser_attach_syntax_extension (parser, cmark_find_syntax_extension (names[i]));
  cmark_parser_feed (parser, markdown, length);
  document = cmark_parser_finish (parser);
  iter = cmark_iter_new (document);
  while (cmark_iter_next (iter) != CMARK_EVENT_DONE) {
    cmark_node *node = cmark_iter_get_node (iter);
    /* Pictures that are in the text itself may stay: nothing is loaded for them. */
    if (cmark_iter_get_event_type (iter) == CMARK_EVENT_EXIT && cmark_node_get_type (node) == CMARK_NODE_IMAGE
        && !g_str_has_prefix (cmark_node_get_url (node), "data:image/"))
      g_ptr_array_add (pictures, node); /* the inner ones first */
  }
  cmark_iter_free (iter);
  /* A link, or within a link the picture's description, takes the place of each. */
  for (guint i = 0; i < pictures->len; i++) {
    cmark_node *picture = pictures->pdata[i], *link = cmark_node_new (CMARK_NODE_LINK), *child;
    gboolean inside = FALSE;

    for (cmark_node *node = picture; !inside && (node = cmark_node_parent (node));)
      inside = cmark_node_get_type (node) == CMARK_NODE_LINK;
    cmark_node_set_url (link, cmark_node_get_url (picture));
    cmark_node_set_title (link, cmark_node_get_title (picture));
    if (!cmark_node_first_child (picture)) {
      child = cmark_node_new (CMARK_NODE_TEXT);
      cmark_node_set_literal (child, cmark_node_get_url (picture));
      cmark_node_append_child (picture, child);
    }
    if (!inside)
      cmark_node_insert_before (picture, link);
    while ((child = cmark_node_first_child (picture))) {
      if (inside)
        cmark_node_insert_before (picture, child);
      else
        cmark_node_append_child (link, child);
    }
    if (inside)
      cmark_node_free (link);
    cmark_node_free (picture);
  }
  html = cmark_render_html (document, CMARK_OPT_DEFAULT, cmark_parser_get_syntax_extensions (parser));
  _quern_export_put (writer, html);
  free (html);
  cmark_node_free (document);
  cmark_parser_free (parser);
}

static void
put_plain_piece (QuernExportWriter *writer, const char *text, gsize length)
{
  _quern_export_put (writer, "<pre>");
  put_escaped (writer, text, length);
  _quern_export_put (writer, "</pre>\n");
}

/* Long texts in pieces, which end between paragraphs; a paragraph or block of code that is longer is shown as it is. */
static void
put_rendered (QuernExportWriter *writer, const char *text)
{
  const char *begin = text, *paragraph = text; /* `paragraph`: where a piece may end */
  gboolean plain = FALSE;                      /* within a block that is too long */
  gsize fence = 0;
  char mark = 0;

  while (*text) {
    const char *end = end_of_line (text), *next = *end ? end + 1 : end;
    gboolean ended;
    fence = follow_fence (text, end, &mark, fence);
    ended = fence == 0 && (end == text || *next == '\0');
    if (ended && plain) {
      put_plain_piece (writer, begin, (gsize) (next - begin));
      begin = paragraph = next;
      plain = FALSE;
    } else if (ended && (gsize) (next - begin) <= MAX_PIECE) {
      paragraph = next;
    } else if ((gsize) (next - begin) > MAX_PIECE) {
      if (paragraph > begin)
        put_rendered_piece (writer, begin, (gsize) (paragraph - begin));
      begin = paragraph;
      if ((gsize) (next - begin) > MAX_PIECE) {
        put_plain_piece (writer, begin, (gsize) (next - begin));
        begin = paragraph = next;
        plain = !ended;
      } else if (ended) {
        paragraph = next;
      }
    }
    text = next;
  }
  if (text > begin && plain)
    put_plain_piece (writer, begin, (gsize) (text - begin));
  else if (text > begin)
    put_rendered_piece (writer, begin, (gsize) (text - begin));
}

/**
 * quern_export_dup_html:
 * @markdown: an answer
 *
 * Returns: (transfer full): the same as HTML, without a page around it, for what takes formatted text
 */
char *
quern_export_dup_html (const char *markdown)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  QuernExportWriter writer = { .stream = stream };

  cmark_gfm_core_extensions_ensure_registered ();
  put_rendered (&writer, markdown);
  _quern_export_write (&writer, "", 1); /* ends the string */
  g_clear_error (&writer.error);
  g_output_stream_close (stream, NULL, NULL);
  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (stream));
}

static void
html_message (QuernExportWriter *writer, QuernMessage *message, gboolean shown, gboolean is_first)
{
  GListModel *attachments = quern_message_get_attachments (message);
  gboolean user = quern_message_get_role (message) == QUERN_ROLE_USER;

  if (!shown)
    return;
  _quern_export_format (writer, "<section class=\"%s\">\n", user ? "user" : "assistant");
  put_element (writer, "<h2>", speaker (message), "</h2>\n");
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    const char *type = quern_attachment_get_mime (attachment);
    if (!g_str_has_prefix (type, "image/")) {
      put_element (writer, "<p><em>", quern_attachment_get_name (attachment), "</em></p>\n");
      continue;
    }
    put_element (writer, "<p><img alt=\"", quern_attachment_get_name (attachment), "\" src=\"data:");
    put_element (writer, "", type, ";base64,");
    _quern_export_base64 (writer, attachment);
    _quern_export_put (writer, "\"></p>\n");
  }
  if (*quern_message_get_reasoning (message)) {
    put_element (writer, "<details><summary>", _("Reasoning"), "</summary>\n");
    put_rendered (writer, quern_message_get_reasoning (message));
    _quern_export_put (writer, "</details>\n");
  }
  if (user)
    put_element (writer, "<div class=\"text\">", quern_message_get_content (message), "</div>\n");
  else
    put_rendered (writer, quern_message_get_content (message));
  _quern_export_put (writer, "</section>\n");
}

static void
html_begin (QuernExportWriter *writer, const QuernExportConversation *first)
{
  _quern_export_put (writer, head);
  put_element (writer, "<title>", first ? title_of (first) : "Quern", "</title>\n");
  _quern_export_format (writer, "<style>%s</style>\n</head>\n<body class=\"conversation\">\n", quern_style_sheet);
}

static void
html_begin_conversation (QuernExportWriter *writer, const QuernExportConversation *conversation)
{
  put_element (writer, "<h1>", title_of (conversation), "</h1>\n");
  if (*conversation->system_prompt)
    put_element (writer, "<p class=\"system\">", conversation->system_prompt, "</p>\n");
}

static void
html_end (QuernExportWriter *writer)
{
  _quern_export_put (writer, "</body>\n</html>\n");
}

const QuernExportWay _quern_export_html = {
  .begin = html_begin, .begin_conversation = html_begin_conversation, .message = html_message, .end = html_end
};
