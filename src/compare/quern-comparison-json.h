/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-comparison.h"
#include "quern-json-util.h"
#include "quern-measure-json.h"

G_BEGIN_DECLS

/* A comparison as JSON, for the database and for files. "format" holds QUERN_COMPARISON_FORMAT. */
#define QUERN_COMPARISON_FORMAT "quern-comparison"
#define QUERN_COMPARISON_VERSION 1
/* Longer files are refused. */
#define QUERN_COMPARISON_MAX_BYTES (512 * 1024 * 1024)

JsonNode *quern_comparison_to_node (QuernComparison *self);
char *quern_comparison_to_json (QuernComparison *self);
QuernComparison *quern_comparison_new_from_json (const char *json, gssize length, GListModel *models, GError **error);

/* These functions handle an answer and a question set. */
void _quern_compare_answer_write (QuernCompareAnswer *answer, gboolean tokens, JsonBuilder *out);
QuernCompareAnswer *_quern_compare_answer_read (JsonObject *object);
void _quern_questions_write (QuernQuestions *self, JsonBuilder *out);
QuernQuestions *_quern_questions_read (JsonObject *object);

G_END_DECLS
