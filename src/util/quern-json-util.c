/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-json-util.h"

#include <string.h>

const char *const quern_kv_names[] = { "F16", "Q8_0", "F32" };

/* json-glib prints a warning if a value has another type than expected, and files may hold anything. So the type is
 * checked before each read. */

static gint64
node_int (JsonNode *node, gint64 fallback)
{
  if (!node || !JSON_NODE_HOLDS_VALUE (node))
    return fallback;
  GType type = json_node_get_value_type (node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE || type == G_TYPE_BOOLEAN ? json_node_get_int (node) : fallback;
}

static double
node_double (JsonNode *node, double fallback)
{
  if (!node || !JSON_NODE_HOLDS_VALUE (node))
    return fallback;
  GType type = json_node_get_value_type (node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : fallback;
}

static const char *
node_string (JsonNode *node, const char *fallback)
{
  if (!node || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return fallback;
  return json_node_get_string (node);
}

static JsonNode *
member (JsonObject *object, const char *name)
{
  return object ? json_object_get_member (object, name) : NULL;
}

static JsonNode *
element (JsonArray *array, guint i)
{
  return i < quern_json_length (array) ? json_array_get_element (array, i) : NULL;
}

gint64
quern_json_int (JsonObject *object, const char *name, gint64 fallback)
{
  return node_int (member (object, name), fallback);
}

double
quern_json_double (JsonObject *object, const char *name, double fallback)
{
  return node_double (member (object, name), fallback);
}

const char *
quern_json_string (JsonObject *object, const char *name, const char *fallback)
{
  return node_string (member (object, name), fallback);
}

JsonObject *
quern_json_object (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
quern_json_array (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

guint
quern_json_length (JsonArray *array)
{
  return array ? json_array_get_length (array) : 0;
}

JsonObject *
quern_json_object_at (JsonArray *array, guint i)
{
  JsonNode *node = element (array, i);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
quern_json_array_at (JsonArray *array, guint i)
{
  JsonNode *node = element (array, i);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

gint64
quern_json_int_at (JsonArray *array, guint i)
{
  return node_int (element (array, i), 0);
}

double
quern_json_double_at (JsonArray *array, guint i)
{
  return node_double (element (array, i), 0);
}

const char *
quern_json_string_at (JsonArray *array, guint i)
{
  return node_string (element (array, i), "");
}

/* Returns the count, limited to the range of an int. */
guint
quern_json_count (JsonObject *object, const char *name)
{
  return (guint) CLAMP (quern_json_int (object, name, 0), 0, G_MAXINT);
}

/* Returns the index of the name in `names`, or the fallback. */
guint
quern_json_index (const char *const *names, guint n, const char *name, guint fallback)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (names[i], name) == 0)
      return i;
  return fallback;
}

void
quern_json_add_int (JsonBuilder *out, const char *name, gint64 value)
{
  json_builder_set_member_name (out, name);
  json_builder_add_int_value (out, value);
}

void
quern_json_add_double (JsonBuilder *out, const char *name, double value)
{
  json_builder_set_member_name (out, name);
  json_builder_add_double_value (out, value);
}

void
quern_json_add_bool (JsonBuilder *out, const char *name, gboolean value)
{
  json_builder_set_member_name (out, name);
  json_builder_add_boolean_value (out, value);
}

/* Writes NULL as null. */
void
quern_json_add_string (JsonBuilder *out, const char *name, const char *value)
{
  json_builder_set_member_name (out, name);
  if (value)
    json_builder_add_string_value (out, value);
  else
    json_builder_add_null_value (out);
}

/* ---- before parsing -------------------------------------------------------------------------------------------- */

#define MAX_DEPTH 32

/* Counts what becomes a value or a member; stops at what is no JSON. A text that was cut ends with open brackets. Beside
 * the object or array there is nothing but white space: of two values the parser would take the second. */
static gboolean
count_values (const char *data, gsize size, gsize *values)
{
  const char *end = data + size;
  guint depth = 0;

  *values = 0;
  for (const char *p = data; p < end;) {
    if (depth == 0 && !g_ascii_isspace (*p) && (*values > 0 || (*p != '{' && *p != '[')))
      return FALSE;
    if (*p == '"') {
      for (p++; p < end && *p != '"';)
        p += *p == '\\' ? 2 : 1;
      if (p >= end)
        return FALSE;
      p++;
      continue;
    }
    if (*p == '{' || *p == '[') {
      *values += 1;
      if (++depth > MAX_DEPTH)
        return FALSE;
    } else if (*p == '}' || *p == ']') {
      if (depth-- == 0)
        return FALSE;
    } else if (*p == ',' || *p == ':') {
      *values += 1;
    } else if (!g_ascii_isalnum (*p) && strchr (" \t\r\n+-.", *p) == NULL) {
      return FALSE;
    } /* such as a comment, which the parser would read and this would not */
    p++;
  }
  return depth == 0 && *values > 0;
}

/**
 * quern_json_check:
 * @text: from the network or a file; need not end with a zero
 * @most_values: values and members that are worth the memory of a tree
 *
 * Returns: whether @text may be given to a parser: whole, UTF-8, not too deep and not too much
 */
QuernJsonSoundness
quern_json_check (const char *text, gsize size, gsize most_values)
{
  gsize values = 0;
  gboolean whole = size > 0 && g_utf8_validate_len (text, size, NULL) && count_values (text, size, &values);

  return values > most_values ? QUERN_JSON_TOO_MANY : whole ? QUERN_JSON_SOUND : QUERN_JSON_DAMAGED;
}
