/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import.h"

/* What other programs export, as the JSON of our own exports: the branch that was shown there. */

#define MAX_DEPTH 100000 /* of a chain of messages: a circle ends here */

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (*text)
    json_object_set_string_member (object, name, text);
}

static void
set_time (JsonObject *object, const char *name, double seconds)
{
  g_autoptr (GDateTime) time = seconds > 0 && seconds < 1e11 ? g_date_time_new_from_unix_utc ((gint64) seconds) : NULL;
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;

  if (text)
    json_object_set_string_member (object, name, text);
}

static void
add_message (JsonArray *messages, const char *role, const char *text, const char *reasoning, double time,
             const char *model)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "role", role);
  json_object_set_string_member (object, "content", text);
  set_text (object, "reasoning", reasoning);
  set_text (object, "model_title", model);
  set_time (object, "created", time);
  json_array_add_object_element (messages, object);
}

static JsonObject *
new_conversation (const char *title, JsonArray **messages)
{
  JsonObject *object = json_object_new ();

  *messages = json_array_new ();
  json_object_set_string_member (object, "title", title);
  json_object_set_array_member (object, "messages", *messages);
  return object;
}

/* Appends text parts: strings, or objects with a "text"; anything else (pictures) is named by its type. */
static void
append_parts (GString *text, JsonArray *parts)
{
  for (guint i = 0; parts && i < json_array_get_length (parts); i++) {
    JsonNode *node = json_array_get_element (parts, i);
    const char *part = "";
    if (JSON_NODE_HOLDS_OBJECT (node))
      part = _quern_import_string (json_node_get_object (node), "text");
    else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
      part = json_node_get_string (node);
    if (*part && text->len)
      g_string_append_c (text, '\n');
    g_string_append (text, part);
  }
}

/* ---- OpenAI ---------------------------------------------------------------------------------------------------- */

/* [{"title", "create_time", "current_node", "mapping": {id: {"parent", "message": {"author": {"role"},
 * "content": {"content_type": "text", "parts": [text, …]}, "create_time", "metadata": {"model_slug"}}}}}, …] */

static void
add_openai_message (JsonObject *conversation, JsonArray *messages, JsonObject *node)
{
  JsonObject *message = _quern_import_object (node, "message");
  const char *role = _quern_import_string (_quern_import_object (message, "author"), "role");
  g_autoptr (GString) text = g_string_new (NULL);

  append_parts (text, _quern_import_array (_quern_import_object (message, "content"), "parts"));
  if (text->len == 0)
    return;
  if (g_str_equal (role, "system"))
    json_object_set_string_member (conversation, "system_prompt", text->str);
  else if (g_str_equal (role, "user") || g_str_equal (role, "assistant"))
    add_message (messages, role, text->str, "", _quern_import_number (message, "create_time"),
                 _quern_import_string (_quern_import_object (message, "metadata"), "model_slug"));
}

static JsonObject *
openai_conversation (JsonObject *object, JsonObject *mapping)
{
  JsonArray *messages;
  JsonObject *conversation = new_conversation (_quern_import_string (object, "title"), &messages);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new (); /* last to first */
  const char *id = _quern_import_string (object, "current_node");

  for (JsonObject *node; nodes->len < MAX_DEPTH && (node = _quern_import_object (mapping, id));) {
    g_ptr_array_add (nodes, node);
    id = _quern_import_string (node, "parent");
  }
  for (guint i = nodes->len; i > 0; i--)
    add_openai_message (conversation, messages, nodes->pdata[i - 1]);
  return conversation;
}

JsonArray *
_quern_import_openai (JsonNode *root)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  g_autoptr (JsonArray) conversations = json_array_new ();

  if (JSON_NODE_HOLDS_OBJECT (root) && _quern_import_object (json_node_get_object (root), "mapping"))
    json_array_add_object_element (
        conversations, openai_conversation (json_node_get_object (root),
                                            _quern_import_object (json_node_get_object (root), "mapping")));
  for (guint i = 0; list && i < json_array_get_length (list); i++) {
    JsonObject *object = _quern_import_element (list, i);
    JsonObject *mapping = _quern_import_object (object, "mapping");
    if (mapping)
      json_array_add_object_element (conversations, openai_conversation (object, mapping));
  }
  return json_array_get_length (conversations) ? g_steal_pointer (&conversations) : NULL;
}

/* ---- LM Studio ------------------------------------------------------------------------------------------------- */

/* {"name", "createdAt" (ms), "systemPrompt", "messages": [{"currentlySelected", "versions": [version, …]}, …]}
 * version: {"type": "singleStep", "role", "content": [{"type": "text", "text"}, …]} or {"type": "multiStep", "role",
 * "steps": [{"type": "contentBlock", "style": {"type": "thinking"}?, "content": […]}, …]}. */

static void
append_steps (GString *text, GString *reasoning, JsonArray *steps)
{
  for (guint i = 0; steps && i < json_array_get_length (steps); i++) {
    JsonObject *step = _quern_import_element (steps, i);
    const char *style = _quern_import_string (_quern_import_object (step, "style"), "type");
    append_parts (g_str_equal (style, "thinking") ? reasoning : text, _quern_import_array (step, "content"));
  }
}

static void
add_lmstudio_message (JsonArray *messages, JsonObject *message)
{
  JsonArray *versions = _quern_import_array (message, "versions");
  double selected = CLAMP (_quern_import_number (message, "currentlySelected"), 0, 1e6);
  JsonObject *version = _quern_import_element (versions, (guint) selected);
  const char *role = _quern_import_string (version, "role");
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) reasoning = g_string_new (NULL);

  append_parts (text, _quern_import_array (version, "content"));
  append_steps (text, reasoning, _quern_import_array (version, "steps"));
  if ((text->len || reasoning->len) && (g_str_equal (role, "user") || g_str_equal (role, "assistant")))
    add_message (messages, role, text->str, reasoning->str, 0,
                 _quern_import_string (_quern_import_object (version, "senderInfo"), "senderName"));
}

JsonArray *
_quern_import_lmstudio (JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonArray *list = _quern_import_array (object, "messages");
  JsonObject *conversation;
  JsonArray *messages, *conversations;

  if (!list || !_quern_import_array (_quern_import_element (list, 0), "versions"))
    return NULL;
  conversation = new_conversation (_quern_import_string (object, "name"), &messages);
  set_text (conversation, "system_prompt", _quern_import_string (object, "systemPrompt"));
  for (guint i = 0; i < json_array_get_length (list); i++)
    add_lmstudio_message (messages, _quern_import_element (list, i));
  conversations = json_array_new ();
  json_array_add_object_element (conversations, conversation);
  return conversations;
}
