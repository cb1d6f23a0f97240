/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-import-tree.h"

/* What Claude and Jan export, and messages in the form that programs send to OpenAI's interface. */

static void
append_text (GString *text, const char *part)
{
  if (*part && text->len > 0)
    g_string_append (text, "\n\n");
  g_string_append (text, part);
}

/* ---- Claude ---------------------------------------------------------------------------------------------------- */

/* [{"uuid", "name", "created_at", "updated_at" (ISO 8601), "current_leaf_message_uuid"?, "chat_messages": [{"uuid",
 * "parent_message_uuid"?, "sender": "human" | "assistant", "created_at", "text", "content": [{"type": "text", "text"} |
 * {"type": "thinking", "thinking"} | {"type": "tool_use" …}, …], "attachments": [{"file_name", "extracted_content"}, …],
 * "files": [{"file_name"}, …]}, …]}, …] */

static gint64
add_claude_node (QuernImportTree *tree, JsonObject *node, const char *name, gint64 parent)
{
  const char *sender = _quern_import_string (node, "sender");
  JsonArray *content = _quern_import_array (node, "content");
  JsonArray *attachments = _quern_import_array (node, "attachments"), *files = _quern_import_array (node, "files");
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) reasoning = g_string_new (NULL);
  JsonObject *message;

  for (guint i = 0; content && i < json_array_get_length (content); i++) {
    JsonObject *part = _quern_import_element (content, i);
    const char *type = _quern_import_string (part, "type");
    if (g_str_equal (type, "text"))
      append_text (text, _quern_import_string (part, "text"));
    else if (g_str_equal (type, "thinking"))
      append_text (reasoning, _quern_import_string (part, "thinking"));
    else
      _quern_import_count_lost (tree->conversation, "messages");
  }
  if (text->len == 0)
    g_string_append (text, _quern_import_string (node, "text"));
  if (!(g_str_equal (sender, "human") || g_str_equal (sender, "assistant"))
      || (text->len == 0 && reasoning->len == 0 && !attachments)) {
    _quern_import_count_lost (tree->conversation, "messages");
    return parent;
  }
  message = _quern_import_add_message (tree->messages, g_str_equal (sender, "human") ? "user" : "assistant", text->str,
                                       reasoning->str, 0, "");
  _quern_import_set_text (message, "created", _quern_import_string (node, "created_at"));
  for (guint i = 0; attachments && i < json_array_get_length (attachments); i++) {
    JsonObject *attachment = _quern_import_element (attachments, i);
    const char *extracted = _quern_import_string (attachment, "extracted_content");
    if (*extracted)
      _quern_import_add_text_file (message, _quern_import_string (attachment, "file_name"), extracted);
    else
      _quern_import_count_lost (tree->conversation, "attachments");
  }
  for (guint i = 0; files && i < json_array_get_length (files); i++)
    _quern_import_count_lost (tree->conversation, "attachments"); /* the export has their names alone */
  return _quern_import_tree_place (tree, message, name, parent);
}

/* Messages of old exports do not name the one above them: it is the one before. */
static void
link_claude_messages (JsonArray *messages)
{
  const char *last = "";

  for (guint i = 0; i < json_array_get_length (messages); i++)
    if (*_quern_import_string (_quern_import_element (messages, i), "parent_message_uuid"))
      return;
  for (guint i = 0; i < json_array_get_length (messages); i++) {
    JsonObject *message = _quern_import_element (messages, i);
    if (!message || !*_quern_import_string (message, "uuid"))
      continue;
    json_object_set_string_member (message, "parent_message_uuid", last);
    last = _quern_import_string (message, "uuid");
  }
}

static JsonObject *
claude_conversation (JsonObject *object)
{
  JsonArray *messages = _quern_import_array (object, "chat_messages");
  const char *leaf = _quern_import_string (object, "current_leaf_message_uuid"), *newest = "";
  QuernImportTree tree;

  if (!messages)
    return NULL;
  link_claude_messages (messages);
  _quern_import_tree_init (&tree, _quern_import_string (object, "name"), "parent_message_uuid", add_claude_node);
  _quern_import_set_text (tree.conversation, "created", _quern_import_string (object, "created_at"));
  _quern_import_set_text (tree.conversation, "updated", _quern_import_string (object, "updated_at"));
  for (guint i = 0; i < json_array_get_length (messages); i++) {
    JsonObject *message = _quern_import_element (messages, i);
    newest = message ? _quern_import_string (message, "uuid") : newest;
    _quern_import_tree_add (&tree, _quern_import_string (message, "uuid"), message);
  }
  return _quern_import_tree_end (&tree, *leaf ? leaf : newest);
}

JsonArray *
_quern_import_claude (JsonNode *root)
{
  return _quern_import_each (root, claude_conversation);
}

/* ---- messages, one after the other ----------------------------------------------------------------------------- */

/* The parts of a message's content; of Jan, text is {"value"}. What is neither text nor a picture that is here is lost. */
static void
read_parts (JsonArray *parts, JsonObject *conversation, JsonObject *message, GString *text, GString *reasoning)
{
  for (guint i = 0; i < json_array_get_length (parts); i++) {
    JsonObject *part = _quern_import_element (parts, i), *inner = _quern_import_object (part, "text");
    const char *type = _quern_import_string (part, "type");
    const char *words = inner ? _quern_import_string (inner, "value") : _quern_import_string (part, "text");
    if (g_str_equal (type, "text") || g_str_equal (type, "input_text") || g_str_equal (type, "output_text"))
      append_text (text, words);
    else if (g_str_equal (type, "reasoning"))
      append_text (reasoning, words);
    else if (!_quern_import_add_data_url (message, "",
                                          _quern_import_string (_quern_import_object (part, "image_url"), "url")))
      _quern_import_count_lost (conversation, "attachments");
  }
}

/* Adds one of {"role", "content": text or parts, "reasoning_content" or "reasoning"}. */
static void
add_plain_message (JsonObject *conversation, JsonArray *messages, JsonObject *object)
{
  const char *role = _quern_import_string (object, "role"),
             *thoughts = _quern_import_string (object, "reasoning_content");
  JsonArray *parts = _quern_import_array (object, "content");
  g_autoptr (GString) text = g_string_new (_quern_import_string (object, "content"));
  g_autoptr (GString) reasoning = g_string_new (*thoughts ? thoughts : _quern_import_string (object, "reasoning"));
  JsonObject *message = _quern_import_add_message (messages, role, "", "", _quern_import_seconds (object, "created_at"),
                                                   _quern_import_string (object, "model"));
  gboolean taken = g_str_equal (role, "user") || g_str_equal (role, "assistant");

  if (parts)
    read_parts (parts, conversation, message, text, reasoning);
  json_object_set_string_member (message, "content", text->str);
  _quern_import_set_text (message, "reasoning", reasoning->str);
  taken = taken && (text->len > 0 || reasoning->len > 0 || json_object_has_member (message, "attachments"));
  if (taken)
    return;
  if (g_str_equal (role, "system") || g_str_equal (role, "developer"))
    _quern_import_set_text (conversation, "system_prompt", text->str);
  else
    _quern_import_count_lost (conversation, "messages");
  json_array_remove_element (messages, json_array_get_length (messages) - 1);
}

static gboolean
is_plain_message (JsonObject *object)
{
  return *_quern_import_string (object, "role") && json_object_has_member (object, "content");
}

/* A conversation of all of @list that are messages, without a title, which is made of the first question. */
static JsonObject *
plain_conversation (JsonArray *list)
{
  JsonArray *messages;
  JsonObject *conversation = _quern_import_new_conversation ("", &messages);

  json_object_set_boolean_member (conversation, "title_given", FALSE);
  for (guint i = 0; i < json_array_get_length (list); i++) {
    JsonObject *object = _quern_import_element (list, i);
    if (object && is_plain_message (object))
      add_plain_message (conversation, messages, object);
    else
      _quern_import_count_lost (conversation, "messages");
  }
  for (guint i = 0; i < json_array_get_length (messages); i++) {
    JsonObject *message = _quern_import_element (messages, i);
    const char *text = _quern_import_string (message, "content");
    if (g_str_equal (_quern_import_string (message, "role"), "user") && *text) {
      g_autofree char *title = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), 60));
      json_object_set_string_member (conversation, "title", g_strdelimit (title, "\r\n\t", ' '));
      break;
    }
  }
  return conversation;
}

/* {"messages": […], …}, as requests and sets of training texts have them. */
static JsonObject *
messages_conversation (JsonObject *object)
{
  JsonArray *list = _quern_import_array (object, "messages");
  JsonObject *first = _quern_import_element (list, 0), *conversation;
  const char *title = _quern_import_string (object, "title");

  if (!first || !is_plain_message (first))
    return NULL;
  conversation = plain_conversation (list);
  if (*title)
    json_object_set_string_member (conversation, "title", title);
  return conversation;
}

/* Also a list of messages that is not in an object. */
JsonArray *
_quern_import_messages (JsonNode *root)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  JsonObject *first = _quern_import_element (list, 0);
  JsonArray *conversations;

  if (!first || !is_plain_message (first))
    return _quern_import_each (root, messages_conversation);
  conversations = json_array_new ();
  json_array_add_object_element (conversations, plain_conversation (list));
  return conversations;
}

/* ---- Jan ------------------------------------------------------------------------------------------------------- */

/* A folder for each conversation: messages.jsonl has a line {"object": "thread.message", "thread_id", "role", "content":
 * [{"type", "text": {"value"}}, …], "created_at" (s or ms)} for each message, thread.json beside it {"object": "thread",
 * "title", "created", "updated", "assistants": [{"instructions"}, …]}. @beside: the latter, or NULL. */
JsonArray *
_quern_import_jan (JsonNode *root, JsonObject *beside)
{
  g_autoptr (JsonArray) single = json_array_new ();
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : single;
  const char *title = _quern_import_string (beside, "title");
  JsonArray *conversations;
  JsonObject *first, *conversation;

  if (JSON_NODE_HOLDS_OBJECT (root)) /* a file of one line */
    json_array_add_object_element (single, json_object_ref (json_node_get_object (root)));
  first = _quern_import_element (list, 0);
  if (!first || !g_str_equal (_quern_import_string (first, "object"), "thread.message"))
    return NULL;
  conversation = plain_conversation (list);
  if (*title)
    json_object_set_string_member (conversation, "title", title);
  _quern_import_set_time (conversation, "created", _quern_import_seconds (beside, "created"));
  _quern_import_set_time (conversation, "updated", _quern_import_seconds (beside, "updated"));
  if (!json_object_has_member (conversation, "system_prompt"))
    _quern_import_set_text (conversation, "system_prompt",
                            _quern_import_string (_quern_import_element (_quern_import_array (beside, "assistants"), 0),
                                                  "instructions"));
  conversations = json_array_new ();
  json_array_add_object_element (conversations, conversation);
  return conversations;
}
