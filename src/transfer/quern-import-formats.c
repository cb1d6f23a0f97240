/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import-tree.h"

/* What ChatGPT and LM Studio export, with all branches. */

/* Appends text parts: strings, or objects with a "text". Anything else, such as a picture that lies elsewhere, is lost. */
static void
append_parts (GString *text, JsonArray *parts, JsonObject *conversation)
{
  for (guint i = 0; parts && i < json_array_get_length (parts); i++) {
    JsonNode *node = json_array_get_element (parts, i);
    const char *part = NULL;
    if (JSON_NODE_HOLDS_OBJECT (node) && json_object_has_member (json_node_get_object (node), "text"))
      part = _quern_import_string (json_node_get_object (node), "text");
    else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
      part = json_node_get_string (node);
    if (!part) {
      _quern_import_count_lost (conversation, "attachments");
      continue;
    }
    if (*part && text->len)
      g_string_append_c (text, '\n');
    g_string_append (text, part);
  }
}

/* ---- OpenAI ---------------------------------------------------------------------------------------------------- */

/* [{"title", "create_time", "current_node", "mapping": {id: {"parent", "message": {"author": {"role"},
 * "content": {"content_type": "text", "parts": [text, …]}, "create_time", "metadata": {"model_slug"}}}}}, …] */

static gint64
add_openai_node (QuernImportTree *tree, JsonObject *node, const char *name, gint64 parent)
{
  JsonObject *message = _quern_import_object (node, "message");
  const char *role = _quern_import_string (_quern_import_object (message, "author"), "role");
  g_autoptr (GString) text = g_string_new (NULL);

  if (!message)
    return parent;
  append_parts (text, _quern_import_array (_quern_import_object (message, "content"), "parts"), tree->conversation);
  if (g_str_equal (role, "system")) {
    _quern_import_set_text (tree->conversation, "system_prompt", text->str);
    return parent;
  }
  if (text->len == 0 || !(g_str_equal (role, "user") || g_str_equal (role, "assistant"))) {
    _quern_import_count_lost (tree->conversation, "messages");
    return parent;
  }
  return _quern_import_tree_place (
      tree,
      _quern_import_add_message (tree->messages, role, text->str, "", _quern_import_number (message, "create_time"),
                                 _quern_import_string (_quern_import_object (message, "metadata"), "model_slug")),
      name, parent);
}

static JsonObject *
openai_conversation (JsonObject *object)
{
  JsonObject *mapping = _quern_import_object (object, "mapping");
  g_autoptr (GList) names = mapping ? json_object_get_members (mapping) : NULL;
  QuernImportTree tree;

  if (!mapping)
    return NULL;
  _quern_import_tree_init (&tree, _quern_import_string (object, "title"), "parent", add_openai_node);
  _quern_import_set_time (tree.conversation, "created", _quern_import_number (object, "create_time"));
  _quern_import_set_time (tree.conversation, "updated", _quern_import_number (object, "update_time"));
  for (GList *l = names; l; l = l->next)
    _quern_import_tree_add (&tree, l->data, _quern_import_object (mapping, l->data));
  return _quern_import_tree_end (&tree, _quern_import_string (object, "current_node"));
}

JsonArray *
_quern_import_openai (JsonNode *root)
{
  return _quern_import_each (root, openai_conversation);
}

/* ---- LM Studio ------------------------------------------------------------------------------------------------- */

/* {"name", "createdAt" (ms), "systemPrompt", "messages": [{"currentlySelected", "versions": [version, …]}, …]}
 * version: {"type": "singleStep", "role", "content": [{"type": "text", "text"}, …]} or {"type": "multiStep", "role",
 * "steps": [{"type": "contentBlock", "style": {"type": "thinking"}?, "content": […]}, …]}. */

/* Adds all versions of a message below `parent`. What comes next followed the one that was selected. Returns its id. */
static gint64
add_lmstudio_message (JsonObject *conversation, JsonArray *messages, JsonObject *message, gint64 parent)
{
  JsonArray *versions = _quern_import_array (message, "versions");
  guint n = versions ? json_array_get_length (versions) : 0;
  double selected = CLAMP (_quern_import_number (message, "currentlySelected"), 0, 1e6);
  gint64 next = 0;

  for (guint i = 0; i < n; i++) {
    JsonObject *version = _quern_import_element (versions, i);
    JsonArray *steps = _quern_import_array (version, "steps");
    const char *role = _quern_import_string (version, "role");
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GString) reasoning = g_string_new (NULL);
    gint64 id = json_array_get_length (messages) + 1;

    append_parts (text, _quern_import_array (version, "content"), conversation);
    for (guint j = 0; steps && j < json_array_get_length (steps); j++) {
      JsonObject *step = _quern_import_element (steps, j);
      const char *style = _quern_import_string (_quern_import_object (step, "style"), "type");
      append_parts (g_str_equal (style, "thinking") ? reasoning : text, _quern_import_array (step, "content"),
                    conversation);
    }
    if ((text->len == 0 && reasoning->len == 0) || !(g_str_equal (role, "user") || g_str_equal (role, "assistant"))) {
      _quern_import_count_lost (conversation, "messages");
      continue;
    }
    _quern_import_set_place (_quern_import_add_message (messages, role, text->str, reasoning->str, 0,
                                                        _quern_import_string (_quern_import_object (version,
                                                                                                    "senderInfo"),
                                                                              "senderName")),
                             id, parent, i == (guint) selected);
    if (i == (guint) selected)
      next = id;
  }
  if (n == 0)
    _quern_import_count_lost (conversation, "messages");
  return next ? next : parent;
}

JsonArray *
_quern_import_lmstudio (JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonArray *list = _quern_import_array (object, "messages");
  JsonObject *conversation;
  JsonArray *messages, *conversations;
  gint64 last = 0;

  if (!list || !_quern_import_array (_quern_import_element (list, 0), "versions"))
    return NULL;
  conversation = _quern_import_new_conversation (_quern_import_string (object, "name"), &messages);
  _quern_import_set_text (conversation, "system_prompt", _quern_import_string (object, "systemPrompt"));
  _quern_import_set_time (conversation, "created", _quern_import_number (object, "createdAt") / 1000);
  _quern_import_set_time (conversation, "updated", _quern_import_number (object, "createdAt") / 1000);
  for (guint i = 0; i < json_array_get_length (list); i++)
    last = add_lmstudio_message (conversation, messages, _quern_import_element (list, i), last);
  conversations = json_array_new ();
  json_array_add_object_element (conversations, conversation);
  return conversations;
}
