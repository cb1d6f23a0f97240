/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-read.h"

#include "quern-json-util.h"

/* The body of POST /v1/messages, as Anthropic's API has it. */

#define MOST_MESSAGES 10000
#define MOST_BLOCKS 10000
#define MOST_TOOLS 256

/* A picture in base64. */
static gboolean
read_image (const QuernFields *block, QuernServiceMessage *message)
{
  JsonObject *source = quern_fields_object (block, "source");
  const char *type = quern_json_string (source, "type", ""), *data = quern_json_string (source, "data", NULL);
  gsize size;
  guchar *bytes;

  if (!g_str_equal (type, "base64") || !data || !*data)
    return quern_fields_refuse (block, "source",
                                "must have \"type\": \"base64\" and \"data\": pictures are not fetched from addresses");
  bytes = g_base64_decode (data, &size);
  g_ptr_array_add (message->pictures, g_bytes_new_take (bytes, size));
  return TRUE;
}

/* Appends the text of a content that is a text, or blocks of text and pictures. */
static gboolean
read_plain (const QuernFields *fields, const char *name, QuernServiceMessage *message)
{
  JsonNode *node = quern_fields_node (fields, name);
  JsonArray *blocks = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GString) text = g_string_new (message->text);

  if (!blocks)
    g_string_append (text, quern_fields_string (fields, name, ""));
  for (guint i = 0; i < quern_json_length (blocks); i++) {
    g_autofree char *where = g_strdup_printf ("%s%s[%u].", fields->where, name, i);
    const QuernFields block = { quern_json_object_at (blocks, i), where, fields->refusal };
    const char *type = block.object ? quern_fields_string (&block, "type", "") : "";
    if (g_str_equal (type, "text"))
      g_string_append (text, quern_fields_string (&block, "text", ""));
    else if (!g_str_equal (type, "image"))
      return quern_fields_refuse (fields, name, "must be a text, or an array of blocks of type \"text\" or \"image\"");
    else if (!read_image (&block, message))
      return FALSE;
  }
  g_set_str (&message->text, text->str);
  return *fields->refusal == NULL;
}

static gboolean
read_use (const QuernFields *block, QuernServiceMessage *message)
{
  const char *name = quern_fields_string (block, "name", "");
  JsonObject *input = quern_fields_object (block, "input");
  g_autofree char *text = input ? json_to_string (json_object_get_member (block->object, "input"), FALSE)
                                : g_strdup ("{}");

  if (!*name)
    return quern_fields_refuse (block, "name", "must be the name of a tool");
  quern_service_message_add_call (message, quern_fields_string (block, "id", NULL), name, text);
  return *block->refusal == NULL;
}

/* A block of a message. Results of tools become messages of their own, and so does the text behind them. */
static gboolean
read_block (const QuernFields *block, QuernServiceCall *call, QuernRole role, QuernServiceMessage **message)
{
  const char *type = quern_fields_string (block, "type", "");

  if (g_str_equal (type, "tool_result")) {
    QuernServiceMessage *result = quern_service_call_add_message (call, QUERN_ROLE_USER);
    result->is_result = TRUE;
    g_set_str (&result->call_id, quern_fields_string (block, "tool_use_id", NULL));
    *message = NULL;
    return read_plain (block, "content", result);
  }
  if (g_str_equal (type, "redacted_thinking"))
    return TRUE;
  if (!*message)
    *message = quern_service_call_add_message (call, role);
  if (g_str_equal (type, "text")) {
    g_autofree char *text = g_strconcat ((*message)->text, quern_fields_string (block, "text", ""), NULL);
    g_set_str (&(*message)->text, text);
  } else if (g_str_equal (type, "thinking")) {
    g_set_str (&(*message)->reasoning, quern_fields_string (block, "thinking", NULL));
  } else if (g_str_equal (type, "image")) {
    return read_image (block, *message);
  } else if (g_str_equal (type, "tool_use")) {
    return read_use (block, *message);
  } else {
    return quern_fields_refuse (block, "type",
                                "must be \"text\", \"image\", \"thinking\", \"tool_use\" or \"tool_result\"");
  }
  return *block->refusal == NULL;
}

static gboolean
read_message (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const roles[] = { "user", "assistant", "system" };
  static const QuernRole known[] = { QUERN_ROLE_USER, QUERN_ROLE_ASSISTANT, QUERN_ROLE_SYSTEM };
  guint role = quern_json_index (roles, G_N_ELEMENTS (roles), quern_fields_string (fields, "role", ""), 3);
  JsonNode *node = quern_fields_node (fields, "content");
  JsonArray *blocks = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  QuernServiceMessage *message = NULL;

  if (role == 3)
    return quern_fields_refuse (fields, "role", "must be \"user\" or \"assistant\"");
  if (!blocks)
    return read_plain (fields, "content", quern_service_call_add_message (call, known[role]));
  if (json_array_get_length (blocks) > MOST_BLOCKS)
    return quern_fields_refuse (fields, "content", "may have at most %d blocks", MOST_BLOCKS);
  for (guint i = 0; i < json_array_get_length (blocks); i++) {
    g_autofree char *where = g_strdup_printf ("%scontent[%u].", fields->where, i);
    const QuernFields block = { quern_json_object_at (blocks, i), where, fields->refusal };
    if (!block.object)
      return quern_fields_refuse (fields, "content", "must be a text, or an array of objects");
    if (!read_block (&block, call, known[role], &message))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_messages (const QuernFields *fields, QuernServiceCall *call)
{
  JsonArray *messages = quern_fields_array (fields, "messages");
  guint n = quern_json_length (messages);

  if (quern_fields_has (fields, "system")
      && !read_plain (fields, "system", quern_service_call_add_message (call, QUERN_ROLE_SYSTEM)))
    return FALSE;
  if (n == 0 || n > MOST_MESSAGES)
    return quern_fields_refuse (fields, "messages", "must be an array with 1 to %d messages", MOST_MESSAGES);
  for (guint i = 0; i < n; i++) {
    g_autofree char *where = g_strdup_printf ("messages[%u].", i);
    const QuernFields message = { quern_json_object_at (messages, i), where, fields->refusal };
    if (!message.object)
      return quern_fields_refuse (fields, "messages", "must be an array of objects");
    if (!read_message (&message, call))
      return FALSE;
  }
  return TRUE;
}

/* Tools that run on Anthropic's computers have no schema, and are left out. */
static gboolean
read_tools (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const names[] = { "auto", "none", "any" };
  JsonArray *tools = quern_fields_array (fields, "tools");
  JsonObject *choice = quern_fields_object (fields, "tool_choice");
  const QuernFields choices = { choice, "tool_choice.", fields->refusal };
  const char *type = choice ? quern_fields_string (&choices, "type", "") : "auto";
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();
  guint n = 0, i;

  if (quern_json_length (tools) > MOST_TOOLS)
    return quern_fields_refuse (fields, "tools", "may have at most %d tools", MOST_TOOLS);
  for (i = 0; i < quern_json_length (tools); i++) {
    JsonObject *tool = quern_json_object_at (tools, i);
    char *text = quern_json_object (tool, "input_schema") ? quern_read_flat_tool (tool, "input_schema") : NULL;
    if (text)
      g_strv_builder_take (texts, text);
    n += text != NULL;
  }
  if (n > 0)
    call->tools = g_strv_builder_end (texts);
  if (choice)
    call->parallel_tools = !quern_fields_bool (&choices, "disable_parallel_tool_use", FALSE);
  if (choice && g_str_equal (type, "tool")) {
    g_set_str (&call->tool_name, quern_fields_string (&choices, "name", NULL));
    call->tool_choice = QUERN_SERVICE_TOOLS_REQUIRED;
    return call->tool_name || quern_fields_refuse (fields, "tool_choice", "needs the \"name\" of a tool");
  }
  i = quern_json_index (names, 3, type, 3);
  if (i == 3)
    return quern_fields_refuse (fields, "tool_choice", "must have a \"type\": \"auto\", \"any\", \"none\" or \"tool\"");
  call->tool_choice = (QuernServiceToolChoice) i;
  return *fields->refusal == NULL;
}

/* Without the member, models do not think here. */
static gboolean
read_thinking (const QuernFields *fields, QuernServiceCall *call)
{
  const QuernFields thinking = { quern_fields_object (fields, "thinking"), "thinking.", fields->refusal };
  const char *type = thinking.object ? quern_fields_string (&thinking, "type", "") : "disabled";

  call->thinking = g_str_equal (type, "disabled") ? QUERN_THINKING_OFF : QUERN_THINKING_ON;
  if (thinking.object)
    call->thinking_budget = (guint) quern_fields_int (&thinking, "budget_tokens", 0, G_MAXINT32, 0);
  return *fields->refusal == NULL;
}

/**
 * quern_read_messages:
 * @refusal: (inout): what is wrong with @body
 *
 * Reads the body of a message.
 */
gboolean
quern_read_messages (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };

  return quern_read_model (&fields, call) && read_messages (&fields, call) && quern_read_sampling (&fields, call)
         && quern_read_stops (&fields, "stop_sequences", call) && read_tools (&fields, call)
         && read_thinking (&fields, call);
}
