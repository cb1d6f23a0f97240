/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-read.h"

#include <string.h>

#include "quern-json-util.h"

/* The body of POST /v1/chat/completions. */

#define MOST_MESSAGES 10000
#define MOST_PICTURES 64
#define MOST_TOOLS 256

/* ---- messages -------------------------------------------------------------------------------------------------- */

static gboolean
read_part (const QuernFields *part, QuernServiceMessage *message, GString *text)
{
  const char *type = quern_fields_string (part, "type", "text");

  if (*part->refusal)
    return FALSE;
  if (g_str_equal (type, "text") || g_str_equal (type, "input_text") || g_str_equal (type, "output_text")) {
    g_string_append (text, quern_fields_string (part, "text", ""));
  } else if (g_str_equal (type, "refusal")) {
    g_string_append (text, quern_fields_string (part, "refusal", ""));
  } else if (g_str_equal (type, "image_url")) {
    JsonNode *node = quern_fields_node (part, "image_url");
    const char *url = node && JSON_NODE_HOLDS_OBJECT (node)
                          ? quern_json_string (json_node_get_object (node), "url", NULL)
                          : quern_fields_string (part, "image_url", NULL);
    if (!url)
      return quern_fields_refuse (part, "image_url", "must be an object with a \"url\"");
    if (message->pictures->len >= MOST_PICTURES)
      return quern_fields_refuse (part, "image_url", "is one of more than %d pictures", MOST_PICTURES);
    return quern_read_picture (part, url, message);
  } else {
    return quern_fields_refuse (part, "type", "must be \"text\" or \"image_url\"");
  }
  return *part->refusal == NULL;
}

static gboolean
read_content (const QuernFields *fields, QuernServiceMessage *message)
{
  JsonNode *node = quern_fields_node (fields, "content");
  JsonArray *parts = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (!parts) {
    g_set_str (&message->text, quern_fields_string (fields, "content", ""));
    return *fields->refusal == NULL;
  }
  for (guint i = 0; i < json_array_get_length (parts); i++) {
    g_autofree char *where = g_strdup_printf ("%scontent[%u].", fields->where, i);
    const QuernFields part = { quern_json_object_at (parts, i), where, fields->refusal };
    if (!part.object)
      return quern_fields_refuse (fields, "content", "must be a text, or an array of objects");
    if (!read_part (&part, message, text))
      return FALSE;
  }
  g_free (message->text);
  message->text = g_string_free (g_steal_pointer (&text), FALSE);
  return TRUE;
}

/* Arguments come as text; an object is taken, too. */
static gboolean
read_tool_call (const QuernFields *fields, QuernServiceMessage *message)
{
  const QuernFields function = { quern_fields_object (fields, "function"), fields->where, fields->refusal };
  const char *name = function.object ? quern_fields_string (&function, "name", NULL) : NULL;
  JsonNode *node = function.object ? quern_fields_node (&function, "arguments") : NULL;
  g_autofree char *arguments = NULL;

  if (*fields->refusal)
    return FALSE;
  if (!name || !*name)
    return quern_fields_refuse (fields, "function", "must be an object with a \"name\"");
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    arguments = json_to_string (node, FALSE);
  else
    arguments = g_strdup (quern_fields_string (&function, "arguments", "{}"));
  quern_service_message_add_call (message, quern_fields_string (fields, "id", NULL), name,
                                  *arguments ? arguments : "{}");
  return *fields->refusal == NULL;
}

static gboolean
read_tool_calls (const QuernFields *fields, QuernServiceMessage *message)
{
  JsonArray *calls = quern_fields_array (fields, "tool_calls");

  for (guint i = 0; i < quern_json_length (calls); i++) {
    g_autofree char *where = g_strdup_printf ("%stool_calls[%u].", fields->where, i);
    const QuernFields call = { quern_json_object_at (calls, i), where, fields->refusal };
    if (!call.object)
      return quern_fields_refuse (fields, "tool_calls", "must be an array of objects");
    if (!read_tool_call (&call, message))
      return FALSE;
  }
  return *fields->refusal == NULL;
}

static gboolean
read_message (const QuernFields *fields, QuernServiceCall *call)
{
  static const struct {
    const char *name;
    QuernRole role;
  } roles[] = {
    { "user", QUERN_ROLE_USER },        { "assistant", QUERN_ROLE_ASSISTANT }, { "system", QUERN_ROLE_SYSTEM },
    { "developer", QUERN_ROLE_SYSTEM }, { "tool", QUERN_ROLE_USER },           { "function", QUERN_ROLE_USER },
  };
  const char *name = quern_fields_string (fields, "role", NULL);
  QuernServiceMessage *message;

  for (guint i = 0; name && i < G_N_ELEMENTS (roles); i++) {
    if (!g_str_equal (name, roles[i].name))
      continue;
    message = quern_service_call_add_message (call, roles[i].role);
    message->is_result = g_str_equal (name, "tool") || g_str_equal (name, "function");
    message->call_id = g_strdup (quern_fields_string (fields, "tool_call_id", NULL));
    message->name = g_strdup (quern_fields_string (fields, "name", NULL));
    message->reasoning = g_strdup (quern_fields_string (fields, "reasoning_content", NULL));
    if (!message->reasoning)
      message->reasoning = g_strdup (quern_fields_string (fields, "reasoning", NULL));
    return read_content (fields, message) && read_tool_calls (fields, message);
  }
  return quern_fields_refuse (fields, "role", "must be \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"");
}

static gboolean
read_messages (const QuernFields *fields, QuernServiceCall *call)
{
  JsonArray *messages = quern_fields_array (fields, "messages");
  guint n = quern_json_length (messages);

  if (*fields->refusal)
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

/* ---- tools ----------------------------------------------------------------------------------------------------- */

static gboolean
read_tool_choice (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const names[] = { "auto", "none", "required" };
  JsonNode *node = quern_fields_node (fields, "tool_choice");
  JsonObject *choice = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *function = quern_json_object (choice, "function");
  const char *name = quern_json_string (function ? function : choice, "name", NULL);
  guint i;

  if (!node)
    return TRUE;
  if (choice && name) {
    g_set_str (&call->tool_name, name);
    call->tool_choice = QUERN_SERVICE_TOOLS_REQUIRED;
    return TRUE;
  }
  i = choice ? 3 : quern_json_index (names, 3, quern_fields_string (fields, "tool_choice", ""), 3);
  if (i == 3)
    return quern_fields_refuse (fields, "tool_choice",
                                "must be \"auto\", \"none\", \"required\", or an object that names a function");
  call->tool_choice = (QuernServiceToolChoice) i;
  return TRUE;
}

static gboolean
read_tools (const QuernFields *fields, QuernServiceCall *call)
{
  JsonArray *tools = quern_fields_array (fields, "tools");
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();
  guint n = quern_json_length (tools);

  call->parallel_tools = quern_fields_bool (fields, "parallel_tool_calls", TRUE);
  if (n > MOST_TOOLS)
    return quern_fields_refuse (fields, "tools", "may have at most %d tools", MOST_TOOLS);
  for (guint i = 0; i < n; i++) {
    JsonObject *tool = quern_json_object_at (tools, i);
    const char *name = quern_json_string (quern_json_object (tool, "function"), "name", "");
    if (!*name)
      return quern_fields_refuse (
          fields, "tools",
          "must be an array of objects with \"type\": \"function\" and a \"function\" with a \"name\"");
    g_strv_builder_take (texts, json_to_string (json_array_get_element (tools, i), FALSE));
  }
  if (n > 0)
    call->tools = g_strv_builder_end (texts);
  return *fields->refusal == NULL && read_tool_choice (fields, call);
}

/* ---- the form of the answer, thinking -------------------------------------------------------------------------- */

/* OpenAI writes {"type": "json_schema", "json_schema": {"schema": {…}}}, llama-server also {"type": …, "schema": {…}}. */
static gboolean
read_response_format (const QuernFields *fields, QuernServiceCall *call)
{
  JsonObject *format = quern_fields_object (fields, "response_format");
  const char *type = quern_json_string (format, "type", NULL);
  JsonObject *inner = quern_json_object (format, "json_schema");
  JsonNode *schema;

  if (*fields->refusal)
    return FALSE;
  if (!format || g_strcmp0 (type, "text") == 0)
    return TRUE;
  schema = inner && json_object_has_member (inner, "schema") ? json_object_get_member (inner, "schema")
           : json_object_has_member (format, "schema")       ? json_object_get_member (format, "schema")
                                                             : NULL;
  if (schema && (JSON_NODE_HOLDS_OBJECT (schema) || JSON_NODE_HOLDS_VALUE (schema)))
    call->schema = json_to_string (schema, FALSE);
  else if (g_strcmp0 (type, "json_object") == 0)
    call->schema = g_strdup ("{\"type\":\"object\"}");
  else if (g_strcmp0 (type, "json_schema") == 0)
    return quern_fields_refuse (fields, "response_format", "needs a \"json_schema\" with a \"schema\"");
  else
    return quern_fields_refuse (fields, "response_format",
                                "must have a \"type\": \"text\", \"json_object\" or \"json_schema\"");
  return TRUE;
}

/* enable_thinking becomes the call's own; what else is in chat_template_kwargs is the template's. */
static gboolean
read_template_variables (const QuernFields *fields, QuernServiceCall *call)
{
  JsonObject *object = quern_fields_object (fields, "chat_template_kwargs");
  const QuernFields variables = { object, "chat_template_kwargs.", fields->refusal };
  g_autoptr (JsonObject) others = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (!object)
    return *fields->refusal == NULL;
  if (quern_fields_has (&variables, "enable_thinking"))
    call->thinking = quern_fields_bool (&variables, "enable_thinking", FALSE) ? QUERN_THINKING_ON : QUERN_THINKING_OFF;
  if (quern_fields_has (&variables, "reasoning_effort"))
    g_set_str (&call->effort, quern_fields_string (&variables, "reasoning_effort", NULL));
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &value))
    if (!g_str_equal (name, "enable_thinking") && !g_str_equal (name, "reasoning_effort"))
      json_object_set_member (others, name, json_node_copy (value));
  json_node_set_object (node, others);
  if (json_object_get_size (others) > 0)
    call->variables = json_to_string (node, FALSE);
  return *fields->refusal == NULL;
}

static gboolean
read_thinking (const QuernFields *fields, QuernServiceCall *call)
{
  static const char *const budgets[] = { "thinking_budget_tokens", "reasoning_budget_tokens", "thinking_token_budget" };
  const char *effort = quern_fields_string (fields, "reasoning_effort", NULL);
  gint64 budget = -1;

  if (effort)
    quern_read_effort (call, effort);
  if (quern_fields_has (fields, "enable_thinking")) /* as Alibaba's own service takes it */
    call->thinking = quern_fields_bool (fields, "enable_thinking", FALSE) ? QUERN_THINKING_ON : QUERN_THINKING_OFF;
  for (guint i = 0; i < G_N_ELEMENTS (budgets); i++)
    budget = quern_fields_int (fields, budgets[i], -1, G_MAXINT, budget);
  if (budget == 0)
    call->thinking = QUERN_THINKING_OFF;
  call->thinking_budget = (guint) MAX (budget, 0);
  return *fields->refusal == NULL && read_template_variables (fields, call);
}

/**
 * quern_read_chat:
 * @refusal: (inout): what is wrong with @body
 *
 * Reads the body of a chat completion.
 */
gboolean
quern_read_chat (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal)
{
  const QuernFields fields = { body, "", refusal };

  if (!quern_read_model (&fields, call) || !read_messages (&fields, call) || !quern_read_sampling (&fields, call)
      || !read_response_format (&fields, call) || !read_thinking (&fields, call) || !read_tools (&fields, call))
    return FALSE;
  g_set_str (&call->grammar, quern_fields_string (&fields, "grammar", NULL));
  if (call->max_tokens == 0)
    return quern_fields_refuse (&fields, "max_tokens", "must be at least 1");
  return *refusal == NULL;
}
