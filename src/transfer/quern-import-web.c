/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import-tree.h"

#include <string.h>

/* What web interfaces export: Open WebUI, and the one that llama-server has. Both keep all branches. */

static gboolean
is_of_conversation (const char *role)
{
  return g_str_equal (role, "user") || g_str_equal (role, "assistant");
}

/* ---- Open WebUI ------------------------------------------------------------------------------------------------ */

/* [{"chat": {"title", "timestamp" (ms), "params": {"system"}, "history": {"currentId", "messages": {id: {"parentId", "role",
 * "content", "timestamp" (s), "model", "modelName", "files": [{"type", "name", "url"}, …]}}}}, "created_at" (s),
 * "updated_at" (s), "pinned"}, …]; a single one may come without "chat" around it. */

/* Reasoning is in front of the answer as <details type="reasoning" …><summary>…</summary>, its lines quoted with "> " and
 * escaped for HTML. Moves it from @text. */
static char *
take_reasoning (GString *text)
{
  static const char begin[] = "<details type=\"reasoning\"", summary[] = "</summary>", end[] = "</details>";
  g_autoptr (GString) reasoning = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree char *inside = NULL;
  char *first, *last;

  if (!g_str_has_prefix (text->str, begin))
    return g_strdup ("");
  last = strstr (text->str, end);
  if (!last)
    return g_strdup ("");
  *last = '\0'; /* what is looked for is in front of it */
  first = strstr (text->str, summary);
  inside = g_strdup (first ? first + strlen (summary) : "");
  *last = '<';
  g_string_erase (text, 0, last + strlen (end) - text->str);
  while (text->len > 0 && g_ascii_isspace (text->str[0]))
    g_string_erase (text, 0, 1);
  reasoning = g_string_new (NULL);
  lines = g_strsplit (g_strstrip (inside), "\n", -1);
  for (char **line = lines; *line; line++)
    g_string_append_printf (reasoning, "%s%s", reasoning->len > 0 ? "\n" : "",
                            *line + (g_str_has_prefix (*line, "> ") ? 2 : g_str_equal (*line, ">")));
  g_string_replace (reasoning, "&lt;", "<", 0);
  g_string_replace (reasoning, "&gt;", ">", 0);
  g_string_replace (reasoning, "&quot;", "\"", 0);
  g_string_replace (reasoning, "&#x27;", "'", 0);
  g_string_replace (reasoning, "&amp;", "&", 0); /* last, so that nothing is unescaped twice */
  return g_string_free_and_steal (g_steal_pointer (&reasoning));
}

static gint64
add_open_webui_node (QuernImportTree *tree, JsonObject *node, const char *name, gint64 parent)
{
  const char *role = _quern_import_string (node, "role"), *model = _quern_import_string (node, "modelName");
  JsonArray *files = _quern_import_array (node, "files");
  g_autoptr (GString) text = g_string_new (_quern_import_string (node, "content"));
  g_autofree char *reasoning = take_reasoning (text);
  JsonObject *message;

  if (!is_of_conversation (role) || (text->len == 0 && !*reasoning && !files)) {
    _quern_import_count_lost (tree->conversation, "messages");
    return parent;
  }
  message = _quern_import_add_message (tree->messages, role, text->str, reasoning,
                                       _quern_import_seconds (node, "timestamp"),
                                       *model ? model : _quern_import_string (node, "model"));
  for (guint i = 0; files && i < json_array_get_length (files); i++) {
    JsonObject *file = _quern_import_element (files, i);
    if (!_quern_import_add_data_url (message, _quern_import_string (file, "name"), _quern_import_string (file, "url")))
      _quern_import_count_lost (tree->conversation, "attachments");
  }
  return _quern_import_tree_place (tree, message, name, parent);
}

static JsonObject *
open_webui_conversation (JsonObject *object)
{
  JsonObject *chat = _quern_import_object (object, "chat");
  JsonObject *history = _quern_import_object (chat ? chat : object, "history");
  JsonObject *messages = _quern_import_object (history, "messages");
  g_autoptr (GList) names = messages ? json_object_get_members (messages) : NULL;
  double created = _quern_import_seconds (object, "created_at");
  QuernImportTree tree;

  if (!messages)
    return NULL;
  _quern_import_tree_init (&tree, _quern_import_string (chat ? chat : object, "title"), "parentId",
                           add_open_webui_node);
  _quern_import_set_time (tree.conversation, "created",
                          created > 0 ? created : _quern_import_seconds (chat ? chat : object, "timestamp"));
  _quern_import_set_time (tree.conversation, "updated", _quern_import_seconds (object, "updated_at"));
  _quern_import_set_text (tree.conversation, "system_prompt",
                          _quern_import_string (_quern_import_object (chat ? chat : object, "params"), "system"));
  for (GList *l = names; l; l = l->next)
    _quern_import_tree_add (&tree, l->data, _quern_import_object (messages, l->data));
  return _quern_import_tree_end (&tree, _quern_import_string (history, "currentId"));
}

JsonArray *
_quern_import_open_webui (JsonNode *root)
{
  return _quern_import_each (root, open_webui_conversation);
}

/* ---- llama.cpp ------------------------------------------------------------------------------------------------- */

/* {"conv": {"id", "name", "lastModified" (ms), "currNode"}, "messages": [{"id", "parent", "type": "root" | "text", "role",
 * "content", "thinking" or "reasoningContent", "timestamp" (ms), "model", "extra": [{"type", "name", "content" or
 * "base64Url"}, …]}, …]}, or a list of these. The types of what is attached were imageFile, textFile, pdfFile, audioFile, and
 * are IMAGE, TEXT, PDF, AUDIO; text that was pasted is of the type context. */

static void
add_llama_extras (QuernImportTree *tree, JsonObject *message, JsonArray *extras)
{
  for (guint i = 0; extras && i < json_array_get_length (extras); i++) {
    JsonObject *extra = _quern_import_element (extras, i);
    const char *name = _quern_import_string (extra, "name"), *content = _quern_import_string (extra, "content");
    if (*content)
      _quern_import_add_text_file (message, name, content);
    else if (!_quern_import_add_data_url (message, name, _quern_import_string (extra, "base64Url")))
      _quern_import_count_lost (tree->conversation, "attachments");
  }
}

static gint64
add_llama_node (QuernImportTree *tree, JsonObject *node, const char *name, gint64 parent)
{
  const char *role = _quern_import_string (node, "role"), *text = _quern_import_string (node, "content");
  const char *thinking = _quern_import_string (node, "thinking");
  const char *reasoning = *thinking ? thinking : _quern_import_string (node, "reasoningContent");
  JsonArray *extras = _quern_import_array (node, "extra");
  JsonObject *message;

  if (g_str_equal (_quern_import_string (node, "type"), "root"))
    return parent;
  if (g_str_equal (role, "system")) {
    _quern_import_set_text (tree->conversation, "system_prompt", text);
    return parent;
  }
  if (!is_of_conversation (role) || (!*text && !*reasoning && !extras)) {
    _quern_import_count_lost (tree->conversation, "messages");
    return parent;
  }
  message = _quern_import_add_message (tree->messages, role, text, reasoning, _quern_import_seconds (node, "timestamp"),
                                       _quern_import_string (node, "model"));
  add_llama_extras (tree, message, extras);
  return _quern_import_tree_place (tree, message, name, parent);
}

static JsonObject *
llama_conversation (JsonObject *object)
{
  JsonObject *about = _quern_import_object (object, "conv");
  JsonArray *messages = _quern_import_array (object, "messages");
  QuernImportTree tree;

  if (!about || !messages)
    return NULL;
  _quern_import_tree_init (&tree, _quern_import_string (about, "name"), "parent", add_llama_node);
  _quern_import_set_time (tree.conversation, "updated", _quern_import_seconds (about, "lastModified"));
  for (guint i = 0; i < json_array_get_length (messages); i++) {
    JsonObject *message = _quern_import_element (messages, i);
    _quern_import_tree_add (&tree, _quern_import_string (message, "id"), message);
  }
  return _quern_import_tree_end (&tree, _quern_import_string (about, "currNode"));
}

JsonArray *
_quern_import_llama (JsonNode *root)
{
  return _quern_import_each (root, llama_conversation);
}
