/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-fields.h"

#include <math.h>

#include "quern-json-util.h"

/* Values and members of a body: a conversation of a million tokens has fewer, and a tree of them takes some hundred MB. */
#define MOST_VALUES 500000

/* Refuses a member with a sentence that goes on after its name: "must be a number". Returns FALSE, always. */
gboolean
quern_fields_refuse (const QuernFields *self, const char *name, const char *format, ...)
{
  g_autofree char *param = g_strconcat (self->where, name, NULL);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return quern_refuse (self->refusal, 400, NULL, param, "\"%s\" %s", param, what);
}

/* Returns: (nullable): a member that is not null */
JsonNode *
quern_fields_node (const QuernFields *self, const char *name)
{
  JsonNode *node = json_object_get_member (self->object, name);

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

gboolean
quern_fields_has (const QuernFields *self, const char *name)
{
  return quern_fields_node (self, name) != NULL;
}

static GType
value_type (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
}

/* Whole numbers may be written as 16.0, as some languages write all numbers. */
gint64
quern_fields_int (const QuernFields *self, const char *name, gint64 low, gint64 high, gint64 fallback)
{
  JsonNode *node = quern_fields_node (self, name);
  GType type = node ? value_type (node) : G_TYPE_INVALID;
  gint64 value = fallback;

  if (!node)
    return fallback;
  if (type == G_TYPE_INT64) {
    value = json_node_get_int (node);
  } else if (type == G_TYPE_DOUBLE && fabs (json_node_get_double (node)) <= 9007199254740992.0
             && floor (json_node_get_double (node)) == json_node_get_double (node)) {
    value = (gint64) json_node_get_double (node);
  } else {
    quern_fields_refuse (self, name, "must be a whole number");
    return fallback;
  }
  if (value >= low && value <= high)
    return value;
  quern_fields_refuse (self, name, "must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, low, high);
  return fallback;
}

double
quern_fields_number (const QuernFields *self, const char *name, double low, double high, double fallback)
{
  JsonNode *node = quern_fields_node (self, name);
  GType type = node ? value_type (node) : G_TYPE_INVALID;
  double value;

  if (!node)
    return fallback;
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE) {
    quern_fields_refuse (self, name, "must be a number");
    return fallback;
  }
  value = json_node_get_double (node);
  if (value >= low && value <= high) /* which NaN is not */
    return value;
  quern_fields_refuse (self, name, "must be from %g to %g", low, high);
  return fallback;
}

gboolean
quern_fields_bool (const QuernFields *self, const char *name, gboolean fallback)
{
  JsonNode *node = quern_fields_node (self, name);

  if (node && value_type (node) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (node);
  if (node)
    quern_fields_refuse (self, name, "must be true or false");
  return fallback;
}

const char *
quern_fields_string (const QuernFields *self, const char *name, const char *fallback)
{
  JsonNode *node = quern_fields_node (self, name);

  if (node && value_type (node) == G_TYPE_STRING)
    return json_node_get_string (node);
  if (node)
    quern_fields_refuse (self, name, "must be a string");
  return fallback;
}

/* Returns: (nullable): the object, which lives as long as the one around it */
JsonObject *
quern_fields_object (const QuernFields *self, const char *name)
{
  JsonNode *node = quern_fields_node (self, name);

  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  if (node)
    quern_fields_refuse (self, name, "must be an object");
  return NULL;
}

/* Returns: (nullable): the array, which lives as long as the object around it */
JsonArray *
quern_fields_array (const QuernFields *self, const char *name)
{
  JsonNode *node = quern_fields_node (self, name);

  if (node && JSON_NODE_HOLDS_ARRAY (node))
    return json_node_get_array (node);
  if (node)
    quern_fields_refuse (self, name, "must be an array");
  return NULL;
}

/**
 * quern_fields_parse:
 * @parser: what the result belongs to
 *
 * Returns: (transfer none) (nullable): the object that a request's body is, or %NULL with a refusal
 */
JsonObject *
quern_fields_parse (GBytes *body, JsonParser *parser, QuernRefusal **refusal)
{
  gsize size;
  const char *text = g_bytes_get_data (body, &size);
  g_autoptr (GError) error = NULL;
  JsonNode *root;

  switch (quern_json_check (text ? text : "", size, MOST_VALUES)) {
  case QUERN_JSON_TOO_MANY:
    quern_refuse (refusal, 413, NULL, NULL, "The request has more than %d values.", MOST_VALUES);
    return NULL;
  case QUERN_JSON_DAMAGED:
    quern_refuse (refusal, 400, NULL, NULL,
                  size == 0
                      ? "The request has no body. Send a JSON object."
                      : "The body of the request is not valid JSON: it is cut off, nested too deeply, or not UTF-8.");
    return NULL;
  case QUERN_JSON_SOUND: break;
  }
  if (!json_parser_load_from_data (parser, text, (gssize) size, &error)) {
    quern_refuse (refusal, 400, NULL, NULL, "The body of the request is not valid JSON: %s", error->message);
    return NULL;
  }
  root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_OBJECT (root))
    return json_node_get_object (root);
  quern_refuse (refusal, 400, NULL, NULL, "The body of the request must be a JSON object.");
  return NULL;
}
