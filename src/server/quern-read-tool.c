/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-json-util.h"
#include "quern-read.h"

/* Tools that a dialect writes flat: without the object "function" that OpenAI's chat has around name and schema. */

/**
 * quern_read_flat_tool:
 * @tool: its description
 * @schema: the member that has the schema of its arguments
 *
 * Returns: (transfer full) (nullable): the tool as models are told of it; %NULL if it has no name
 */
char *
quern_read_flat_tool (JsonObject *tool, const char *schema)
{
  const char *name = quern_json_string (tool, "name", ""), *description = quern_json_string (tool, "description", NULL);
  JsonNode *parameters = tool && json_object_has_member (tool, schema) ? json_object_get_member (tool, schema) : NULL;
  g_autoptr (JsonBuilder) json = NULL;
  g_autoptr (JsonNode) root = NULL;

  if (!*name)
    return NULL;
  json = json_builder_new ();
  json_builder_begin_object (json);
  quern_json_add_string (json, "type", "function");
  json_builder_set_member_name (json, "function");
  json_builder_begin_object (json);
  quern_json_add_string (json, "name", name);
  if (description)
    quern_json_add_string (json, "description", description);
  if (json_object_get_boolean_member_with_default (tool, "strict", FALSE))
    quern_json_add_bool (json, "strict", TRUE);
  if (parameters && JSON_NODE_HOLDS_OBJECT (parameters)) {
    json_builder_set_member_name (json, "parameters");
    json_builder_add_value (json, json_node_copy (parameters));
  }
  json_builder_end_object (json);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  return json_to_string (root, FALSE);
}
