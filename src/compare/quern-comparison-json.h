/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-comparison.h"

G_BEGIN_DECLS

/* A comparison as JSON, for the database and for files. "format" holds QUERN_COMPARISON_FORMAT. */
#define QUERN_COMPARISON_FORMAT "quern-comparison"
#define QUERN_COMPARISON_VERSION 1
/* Longer files are refused. */
#define QUERN_COMPARISON_MAX_BYTES (512 * 1024 * 1024)

JsonNode *quern_comparison_to_node (QuernComparison *self);
char *quern_comparison_to_json (QuernComparison *self);
QuernComparison *quern_comparison_new_from_json (const char *json, gssize length, GListModel *models, GError **error);

/* These functions handle the measurement of a comparison. */
void _quern_measure_write (QuernMeasure *self, JsonBuilder *out);
QuernMeasure *_quern_measure_read (JsonObject *object, GListModel *models);
void _quern_model_facts_write (const QuernModelFacts *facts, JsonBuilder *out);
void _quern_model_facts_read (JsonObject *object, QuernModelFacts *out);
QuernModel *_quern_model_facts_find (const QuernModelFacts *facts, GListModel *models);

/* These functions handle an answer and a question set. */
void _quern_compare_answer_write (QuernCompareAnswer *answer, gboolean tokens, JsonBuilder *out);
QuernCompareAnswer *_quern_compare_answer_read (JsonObject *object);
void _quern_questions_write (QuernQuestions *self, JsonBuilder *out);
QuernQuestions *_quern_questions_read (JsonObject *object);

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
void quern_json_add_string (JsonBuilder *out, const char *name, const char *value);

G_END_DECLS
