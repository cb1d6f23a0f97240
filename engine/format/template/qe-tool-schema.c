/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-tool-schema.h"

#include <string.h>

#define MAX_FOLLOWED 8 /* references and alternatives in one another */

static unsigned
kinds_by_name (const char *name)
{
  static const struct {
    const char *name;
    unsigned kinds;
  } types[] = {
    { "string", 1u << QE_JSON_STRING }, { "integer", 1u << QE_JSON_NUMBER },
    { "number", 1u << QE_JSON_NUMBER }, { "boolean", 1u << QE_JSON_TRUE | 1u << QE_JSON_FALSE },
    { "null", 1u << QE_JSON_NULL },     { "array", 1u << QE_JSON_ARRAY },
    { "object", 1u << QE_JSON_OBJECT },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp (types[i].name, name) == 0)
      return types[i].kinds;
  return 0;
}

/* What “#/$defs/NAME” stands for in the schema of the arguments; QE_JSON_NONE if that is nothing. */
static size_t
follow_reference (const QeToolSchema *tool, size_t reference)
{
  static const char *const places[] = { "$defs", "definitions" };
  size_t length;
  const char *text = qe_json_text (tool->json, reference, &length);
  for (size_t i = 0; i < 2; i++) {
    const size_t n = strlen (places[i]), defs = qe_json_member (tool->json, tool->parameters, places[i]);
    if (defs != QE_JSON_NONE && length > n + 3 && memcmp (text, "#/", 2) == 0 && memcmp (text + 2, places[i], n) == 0
        && text[n + 2] == '/')
      return qe_json_member (tool->json, defs, text + n + 3);
  }
  return QE_JSON_NONE;
}

static unsigned
find_kinds (const QeToolSchema *tool, size_t schema, int depth)
{
  static const char *const lists[] = { "type", "enum", "anyOf", "oneOf" };
  const QeJson *json = tool->json;
  size_t length, value;
  if (depth == MAX_FOLLOWED || schema == QE_JSON_NONE)
    return 0;
  if ((value = qe_json_member (json, schema, "$ref")) != QE_JSON_NONE)
    return find_kinds (tool, follow_reference (tool, value), depth + 1);
  if ((value = qe_json_member (json, schema, "const")) != QE_JSON_NONE)
    return 1u << json->values[value].kind;
  for (size_t k = 0; k < 4; k++) {
    unsigned kinds = 0;
    if ((value = qe_json_member (json, schema, lists[k])) == QE_JSON_NONE)
      continue;
    if (json->values[value].kind == QE_JSON_STRING)
      return kinds_by_name (qe_json_text (json, value, &length));
    for (size_t i = qe_json_first (json, value); i != QE_JSON_NONE; i = qe_json_next (json, value, i)) {
      const unsigned own = k == 0   ? kinds_by_name (qe_json_text (json, i, &length))
                           : k == 1 ? 1u << json->values[i].kind
                                    : find_kinds (tool, i, depth + 1);
      if (!own)
        return 0;
      kinds |= own;
    }
    return kinds;
  }
  return 0;
}

void
qe_tool_schema_find (QeToolSchema *out, const QeJson *json, size_t tool)
{
  size_t function = qe_json_member (json, tool, "function");
  function = function == QE_JSON_NONE ? tool : function;
  const size_t name = qe_json_member (json, function, "name");
  const size_t parameters = qe_json_member (json, function, "parameters");
  const bool is_named = name != QE_JSON_NONE && json->values[name].kind == QE_JSON_STRING;
  const bool has_schema = parameters != QE_JSON_NONE && json->values[parameters].kind == QE_JSON_OBJECT;
  const size_t strict = qe_json_member (json, function, "strict");
  *out = (QeToolSchema) { .json = json,
                          .name = is_named ? name : QE_JSON_NONE,
                          .parameters = has_schema ? parameters : QE_JSON_NONE,
                          .strict = strict != QE_JSON_NONE && json->values[strict].kind == QE_JSON_TRUE };
}

size_t
qe_tool_schema_properties (const QeToolSchema *tool)
{
  const size_t properties = tool->parameters == QE_JSON_NONE
                                ? QE_JSON_NONE
                                : qe_json_member (tool->json, tool->parameters, "properties");
  return properties != QE_JSON_NONE && tool->json->values[properties].kind == QE_JSON_OBJECT ? properties
                                                                                             : QE_JSON_NONE;
}

unsigned
qe_tool_schema_kinds (const QeToolSchema *tool, size_t schema)
{
  return find_kinds (tool, schema, 0);
}
