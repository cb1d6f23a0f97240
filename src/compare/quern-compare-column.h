/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-answer.h"
#include "quern-conversation.h"
#include "quern-measured.h"

G_BEGIN_DECLS

/* One column of a comparison: a model with its settings, and its answers, one for each prompt. Properties: "model"
 * (QuernModel, may be NULL for one that is gone), "label" (string), "thinking" (int, QuernThinking), "kv-type" (int,
 * QuernKvType), "temperature" (double, -1: as the family recommends), "sampling" (string: JSON as of a conversation). */
#define QUERN_TYPE_COMPARE_COLUMN (quern_compare_column_get_type ())
G_DECLARE_FINAL_TYPE (QuernCompareColumn, quern_compare_column, QUERN, COMPARE_COLUMN, GObject)

QuernCompareColumn *quern_compare_column_new (QuernModel *model);
QuernModel *quern_compare_column_get_model (QuernCompareColumn *self);
void quern_compare_column_set_model (QuernCompareColumn *self, QuernModel *model);
const QuernModelFacts *quern_compare_column_get_facts (QuernCompareColumn *self);
char *quern_compare_column_dup_label (QuernCompareColumn *self);
QuernThinking quern_compare_column_get_thinking (QuernCompareColumn *self);
void quern_compare_column_set_thinking (QuernCompareColumn *self, QuernThinking thinking);
gboolean quern_compare_column_thinks (QuernCompareColumn *self);
QuernKvType quern_compare_column_get_kv_type (QuernCompareColumn *self);
void quern_compare_column_set_kv_type (QuernCompareColumn *self, QuernKvType kv_type);
double quern_compare_column_get_temperature (QuernCompareColumn *self);
void quern_compare_column_set_temperature (QuernCompareColumn *self, double temperature);
const char *quern_compare_column_get_sampling (QuernCompareColumn *self);
void quern_compare_column_set_sampling (QuernCompareColumn *self, const char *json);
GListModel *quern_compare_column_get_answers (QuernCompareColumn *self);
QuernCompareAnswer *quern_compare_column_get_answer (QuernCompareColumn *self, guint turn);

/* The comparison calls these functions. */
QuernCompareColumn *_quern_compare_column_new_stored (const QuernModelFacts *facts);
void _quern_compare_column_add_answer (QuernCompareColumn *self, QuernCompareAnswer *answer);
void _quern_compare_column_replace_answer (QuernCompareColumn *self, guint turn, QuernCompareAnswer *answer);
void _quern_compare_column_set_sha256 (QuernCompareColumn *self, const char *sha256);

G_END_DECLS
