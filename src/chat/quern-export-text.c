/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#include "quern-export.h"

/* Conversations for reading: the messages that are shown. */

static const char *
string (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, "");
}

/* Calls func for each message that is shown. */
typedef void (*MessageFunc) (GString *out, JsonObject *message);

static void
each_shown (GString *out, JsonObject *conversation, MessageFunc func)
{
  JsonArray *messages = json_object_get_array_member (conversation, "messages");

  for (guint i = 0; i < json_array_get_length (messages); i++) {
    JsonObject *message = json_array_get_object_element (messages, i);
    if (json_object_get_boolean_member_with_default (message, "shown", TRUE))
      func (out, message);
  }
}

static JsonArray *
attachments_of (JsonObject *message)
{
  return json_object_has_member (message, "attachments") ? json_object_get_array_member (message, "attachments") : NULL;
}

static const char *
title_of (JsonObject *conversation)
{
  const char *title = string (conversation, "title");

  return *title ? title : _("Conversation");
}

static const char *
speaker (JsonObject *message)
{
  const char *model = string (message, "model_title");

  if (g_str_equal (string (message, "role"), "user"))
    return _("You");
  return *model ? model : _("Answer");
}

/* ---- Markdown -------------------------------------------------------------------------------------------------- */

static void
quote (GString *out, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line; line++)
    g_string_append_printf (out, **line ? "> %s\n" : ">%s\n", *line);
  g_string_append_c (out, '\n');
}

static void
message_to_markdown (GString *out, JsonObject *message)
{
  JsonArray *attachments = attachments_of (message);

  g_string_append_printf (out, "## %s\n\n", speaker (message));
  for (guint i = 0; attachments && i < json_array_get_length (attachments); i++)
    g_string_append_printf (out, _("*Attachment: %s*\n\n"),
                            string (json_array_get_object_element (attachments, i), "name"));
  if (*string (message, "reasoning"))
    quote (out, string (message, "reasoning"));
  g_string_append_printf (out, "%s\n\n", string (message, "content"));
}

char *
_quern_export_to_markdown (JsonArray *conversations)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (conversations); i++) {
    JsonObject *conversation = json_array_get_object_element (conversations, i);
    g_string_append_printf (out, "# %s\n\n", title_of (conversation));
    if (*string (conversation, "system_prompt"))
      quote (out, string (conversation, "system_prompt"));
    each_shown (out, conversation, message_to_markdown);
  }
  return g_string_free (out, FALSE);
}

/* ---- HTML ------------------------------------------------------------------------------------------------------ */

static const char style[] =
    "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 system-ui,sans-serif;color:#222;background:#fff}"
    "section{margin:1.5rem 0}h2{font-size:.85rem;color:#666;margin:0 0 .3rem}"
    ".user{background:#f0f0f2;border-radius:12px;padding:.75rem 1rem}.user .text{white-space:pre-wrap}"
    "pre{overflow:auto;background:#f6f6f7;border-radius:8px;padding:.75rem}code{font-family:monospace}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .6rem}img{max-width:100%}"
    "details,.system{color:#666}.system{white-space:pre-wrap}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1e1e20}.user,pre{background:#2e2e32}"
    "td,th{border-color:#555}}";

/* Markup of other origin is left out by cmark, as are links that run scripts. Only extensions that have no characters of
 * their own: cmark keeps these in one table for all threads, and the window parses at the same time. */
static void
append_rendered (GString *out, const char *markdown)
{
  static const char *const names[] = { "table", "tasklist" };
  cmark_parser *parser;
  cmark_node *document;
  char *html;

  parser = cmark_parser_new (CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    cmark_parser_attach_syntax_extension (parser, cmark_find_syntax_extension (names[i]));
  cmark_parser_feed (parser, markdown, strlen (markdown));
  document = cmark_parser_finish (parser);
  html = cmark_render_html (document, CMARK_OPT_DEFAULT, cmark_parser_get_syntax_extensions (parser));
  g_string_append (out, html);
  free (html);
  cmark_node_free (document);
  cmark_parser_free (parser);
}

static void
append_escaped (GString *out, const char *format, const char *text)
{
  g_autofree char *escaped = g_markup_printf_escaped (format, text);

  g_string_append (out, escaped);
}

static void
append_attachment (GString *out, JsonObject *attachment)
{
  const char *type = string (attachment, "type");

  if (g_str_has_prefix (type, "image/")) {
    g_autofree char *image = g_markup_printf_escaped ("<p><img alt=\"%s\" src=\"data:%s;base64,%s\"></p>\n",
                                                      string (attachment, "name"), type, string (attachment, "data"));
    g_string_append (out, image);
  } else {
    append_escaped (out, "<p><em>%s</em></p>\n", string (attachment, "name"));
  }
}

static void
message_to_html (GString *out, JsonObject *message)
{
  JsonArray *attachments = attachments_of (message);
  gboolean user = g_str_equal (string (message, "role"), "user");

  g_string_append_printf (out, "<section class=\"%s\">\n", user ? "user" : "assistant");
  append_escaped (out, "<h2>%s</h2>\n", speaker (message));
  for (guint i = 0; attachments && i < json_array_get_length (attachments); i++)
    append_attachment (out, json_array_get_object_element (attachments, i));
  if (*string (message, "reasoning")) {
    append_escaped (out, "<details><summary>%s</summary>\n", _("Thoughts"));
    append_rendered (out, string (message, "reasoning"));
    g_string_append (out, "</details>\n");
  }
  if (user)
    append_escaped (out, "<div class=\"text\">%s</div>\n", string (message, "content"));
  else
    append_rendered (out, string (message, "content"));
  g_string_append (out, "</section>\n");
}

char *
_quern_export_to_html (JsonArray *conversations)
{
  GString *out = g_string_new ("<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
                               "<meta name=\"viewport\" content=\"width=device-width\">\n");
  JsonObject *first = json_array_get_length (conversations) ? json_array_get_object_element (conversations, 0) : NULL;

  append_escaped (out, "<title>%s</title>\n", first ? title_of (first) : "Quern");
  g_string_append_printf (out, "<style>%s</style>\n</head>\n<body>\n", style);
  for (guint i = 0; i < json_array_get_length (conversations); i++) {
    JsonObject *conversation = json_array_get_object_element (conversations, i);
    append_escaped (out, "<h1>%s</h1>\n", title_of (conversation));
    if (*string (conversation, "system_prompt"))
      append_escaped (out, "<p class=\"system\">%s</p>\n", string (conversation, "system_prompt"));
    each_shown (out, conversation, message_to_html);
  }
  g_string_append (out, "</body>\n</html>\n");
  return g_string_free (out, FALSE);
}
