/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-read.h"

#include "quern-json-util.h"

/* The body of POST /v1/responses. Nothing is kept between requests, so the input must be the whole conversation. */

#define MOST_ITEMS 10000
#define MOST_TOOLS 256

/* Appends the text of parts, and takes their pictures. */
static gboolean
read_parts (const QuernFields *fields, const char *name, QuernServiceMessage *message)
{
  JsonNode *node = quern_fields_node (fields, name);
  JsonArray *parts = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (!parts) {
    g_set_str (&message->text, quern_fields_string (fields, name, ""));
    return *fields->refusal == NULL;
  }
  for (guint i = 0; i < json_array_get_length (parts); i++) {
    g_autofree char *where = g_strdup_printf ("%s%s[%u].", fields->where, name, i);
    const QuernFields part = { quern_json_object_at (parts, i), where, fields->refusal };
    const char *type = part.object ? quern_fields_string (&part, "type", "") : "";
    const char *url = g_str_equal (type, "input_image") ? quern_fields_string (&part, "image_url", "") : NULL;
    if (g_str_equal (type, "input_text") || g_str_equal (type, "output_text") || g_str_equal (type, "text"))
      g_string_append (text, quern_fields_string (&part, "text", ""));
    else if (g_str_equal (type, "refusal"))
      g_string_append (text, quern_fields_string (&part, "refusal", ""));
    else if (!url)
      return quern_fields_refuse (fields, name,
                                  "must have parts of type \"input_text\", \"output_text\" or \"input_image\"");
    else if (!quern_read_picture (&part, url, message))
      return FALSE;
  }
  g_set_str (&message->text, text->str);
  return *fields->refusal == NULL;
}

/* The answer that calls and reasoning belong to: the last message if it is one, else a new one. */
static QuernServiceMessage *
open_answer (QuernServiceCall *call)
{
  QuernServiceMessage *last = call->messages->len > 0 ? call->messages->pdata[call->messages->len - 1] : NULL;

  return last && last->role == QUERN_ROLE_ASSISTANT ? last
                                                    : quern_service_call_add_message (call, QUERN_ROLE_ASSISTANT);
}

static gboolean
read_message (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const roles[] = { "user", "assistant", "system", "developer" };
  static const QuernRole known[] = { QUERN_ROLE_USER, QUERN_ROLE_ASSISTANT, QUERN_ROLE_SYSTEM, QUERN_ROLE_SYSTEM };
  guint role = quern_json_index (roles, G_N_ELEMENTS (roles), quern_fields_string (fields, "role", ""), 4);
  QuernServiceMessage *last = call->messages->len > 0 ? call->messages->pdata[call->messages->len - 1] : NULL;
  gboolean goes_on = last && role == 1 && last->role == QUERN_ROLE_ASSISTANT && !*last->text && last->calls->len == 0;

  if (role == 4)
    return quern_fields_refuse (fields, "role", "must be \"user\", \"assistant\", \"system\" or \"developer\"");
  /* Reasoning is an item of its own in front of the message. */
  return read_parts (fields, "content", goes_on ? last : quern_service_call_add_message (call, known[role]));
}

static gboolean
read_reasoning (const QuernFields *fields, QuernServiceCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonArray *lists[] = { quern_fields_array (fields, "content"), quern_fields_array (fields, "summary") };

  for (guint k = 0; k < 2 && text->len == 0; k++)
    for (guint i = 0; i < quern_json_length (lists[k]); i++)
      g_string_append (text, quern_json_string (quern_json_object_at (lists[k], i), "text", ""));
  if (text->len > 0)
    g_set_str (&quern_service_call_add_message (call, QUERN_ROLE_ASSISTANT)->reasoning, text->str);
  return *fields->refusal == NULL;
}

static gboolean
read_item (const QuernFields *fields, QuernServiceCall *call)
{
  const char *type = quern_fields_string (fields, "type", "message");
  QuernServiceMessage *message;

  if (g_str_equal (type, "message"))
    return read_message (fields, call);
  if (g_str_equal (type, "reasoning"))
    return read_reasoning (fields, call);
  if (g_str_equal (type, "function_call")) {
    const char *name = quern_fields_string (fields, "name", "");
    if (!*name)
      return quern_fields_refuse (fields, "name", "must be the name of a function");
    quern_service_message_add_call (open_answer (call), quern_fields_string (fields, "call_id", NULL), name,
                                    quern_fields_string (fields, "arguments", "{}"));
    return *fields->refusal == NULL;
  }
  if (g_str_equal (type, "function_call_output")) {
    message = quern_service_call_add_message (call, QUERN_ROLE_USER);
    message->is_result = TRUE;
    g_set_str (&message->call_id, quern_fields_string (fields, "call_id", NULL));
    return read_parts (fields, "output", message);
  }
  return quern_fields_refuse (fields, "type",
                              "must be \"message\", \"reasoning\", \"function_call\" or \"function_call_output\"");
}

static gboolean
read_input (const QuernFields *fields, QuernServiceCall *call)
{
  JsonNode *node = quern_fields_node (fields, "input");
  JsonArray *items = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  const char *instructions = quern_fields_string (fields, "instructions", NULL);

  if (instructions)
    g_set_str (&quern_service_call_add_message (call, QUERN_ROLE_SYSTEM)->text, instructions);
  if (!node)
    return quern_fields_refuse (fields, "input", "is missing: it is a text, or an array of items");
  if (!items) {
    g_set_str (&quern_service_call_add_message (call, QUERN_ROLE_USER)->text,
               quern_fields_string (fields, "input", ""));
    return *fields->refusal == NULL;
  }
  if (json_array_get_length (items) == 0 || json_array_get_length (items) > MOST_ITEMS)
    return quern_fields_refuse (fields, "input", "must have 1 to %d items", MOST_ITEMS);
  for (guint i = 0; i < json_array_get_length (items); i++) {
    g_autofree char *where = g_strdup_printf ("input[%u].", i);
    const QuernFields item = { quern_json_object_at (items, i), where, fields->refusal };
    if (!item.object)
      return quern_fields_refuse (fields, "input", "must be a text, or an array of objects");
    if (!read_item (&item, call))
      return FALSE;
  }
  return TRUE;
}

/* Tools that servers of others bring along, such as a search in the web, are left out: there are none here. */
static gboolean
read_tools (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const names[] = { "auto", "none", "required" };
  JsonArray *tools = quern_fields_array (fields, "tools");
  JsonNode *node = quern_fields_node (fields, "tool_choice");
  JsonObject *choice = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();
  guint n = 0;

  call->parallel_tools = quern_fields_bool (fields, "parallel_tool_calls", TRUE);
  if (quern_json_length (tools) > MOST_TOOLS)
    return quern_fields_refuse (fields, "tools", "may have at most %d tools", MOST_TOOLS);
  for (guint i = 0; i < quern_json_length (tools); i++) {
    JsonObject *tool = quern_json_object_at (tools, i);
    char *text = g_strcmp0 (quern_json_string (tool, "type", NULL), "function") == 0
                     ? quern_read_flat_tool (tool, "parameters")
                     : NULL;
    if (text)
      g_strv_builder_take (texts, text);
    n += text != NULL;
  }
  if (n > 0)
    call->tools = g_strv_builder_end (texts);
  if (choice && quern_json_string (choice, "name", NULL)) {
    g_set_str (&call->tool_name, quern_json_string (choice, "name", NULL));
    call->tool_choice = QUERN_SERVICE_TOOLS_REQUIRED;
  } else if (node && !choice) {
    guint i = quern_json_index (names, 3, quern_fields_string (fields, "tool_choice", ""), 3);
    if (i == 3)
      return quern_fields_refuse (fields, "tool_choice",
                                  "must be \"auto\", \"none\", \"required\", or an object that names a function");
    call->tool_choice = (QuernServiceToolChoice) i;
  }
  return *fields->refusal == NULL;
}

static gboolean
read_format (const QuernFields *fields, QuernServiceCall *call)
{
  JsonObject *format = quern_json_object (quern_fields_object (fields, "text"), "format");
  const char *type = quern_json_string (format, "type", "text");
  JsonNode *schema = format && json_object_has_member (format, "schema") ? json_object_get_member (format, "schema")
                                                                         : NULL;

  if (g_str_equal (type, "json_object"))
    call->schema = g_strdup ("{\"type\":\"object\"}");
  else if (g_str_equal (type, "json_schema") && schema)
    call->schema = json_to_string (schema, FALSE);
  else if (!g_str_equal (type, "text"))
    return quern_fields_refuse (fields, "text",
                                "must have a \"format\" of type \"text\", \"json_object\" or \"json_schema\"");
  return *fields->refusal == NULL;
}

/**
 * quern_read_responses:
 * @refusal: (inout): what is wrong with @body
 *
 * Reads the body of a response.
 */
gboolean
quern_read_responses (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };
  const QuernFields reasoning = { quern_fields_object (&fields, "reasoning"), "reasoning.", refusal };
  const char *effort = reasoning.object ? quern_fields_string (&reasoning, "effort", NULL) : NULL;

  if (quern_fields_has (&fields, "previous_response_id") || quern_fields_has (&fields, "conversation"))
    return quern_fields_refuse (&fields,
                                quern_fields_has (&fields, "conversation") ? "conversation" : "previous_response_id",
                                "is not supported: nothing is kept here. Send the whole conversation as \"input\"");
  if (!quern_read_model (&fields, call) || !read_input (&fields, call) || !quern_read_sampling (&fields, call)
      || !read_tools (&fields, call) || !read_format (&fields, call))
    return FALSE;
  call->max_tokens = quern_fields_int (&fields, "max_output_tokens", 1, G_MAXINT32, call->max_tokens);
  if (effort)
    quern_read_effort (call, effort);
  return *refusal == NULL;
}
