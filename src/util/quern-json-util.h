/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The names that files use for QuernKvType. */
extern const char *const quern_kv_names[3];

/* These functions read values of any type; a value of the wrong type gives the fallback. */
gint64 quern_json_int (JsonObject *object, const char *name, gint64 fallback);
double quern_json_double (JsonObject *object, const char *name, double fallback);
const char *quern_json_string (JsonObject *object, const char *name, const char *fallback);
JsonObject *quern_json_object (JsonObject *object, const char *name);
JsonArray *quern_json_array (JsonObject *object, const char *name);
guint quern_json_length (JsonArray *array);
JsonObject *quern_json_object_at (JsonArray *array, guint i);
JsonArray *quern_json_array_at (JsonArray *array, guint i);
gint64 quern_json_int_at (JsonArray *array, guint i);
double quern_json_double_at (JsonArray *array, guint i);
guint quern_json_count (JsonObject *object, const char *name);
guint quern_json_index (const char *const *names, guint n, const char *name, guint fallback);
const char *quern_json_string_at (JsonArray *array, guint i);

/* These functions write values. */
void quern_json_add_int (JsonBuilder *out, const char *name, gint64 value);
void quern_json_add_double (JsonBuilder *out, const char *name, double value);
void quern_json_add_bool (JsonBuilder *out, const char *name, gboolean value);
void quern_json_add_string (JsonBuilder *out, const char *name, const char *value);

/* What must be so of JSON from others before a tree is made of it, which takes some hundred bytes for each value. */
typedef enum {
  QUERN_JSON_SOUND,
  QUERN_JSON_DAMAGED,  /* no JSON, cut off, not UTF-8, or brackets within brackets without end */
  QUERN_JSON_TOO_MANY, /* values */
} QuernJsonSoundness;

QuernJsonSoundness quern_json_check (const char *text, gsize size, gsize most_values);

G_END_DECLS
