/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparison.h"
#include "quern-store.h"
#include "quern-text-choice.h"

G_BEGIN_DECLS

/* Rows to choose the text of a measurement: the sample, texts by category, what is pasted, a file, a folder, a past
 * conversation, the reference's answers. Signal "problem" (string): a sentence about a file. */
#define QUERN_TYPE_MEASURE_TEXT (quern_measure_text_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasureText, quern_measure_text, QUERN, MEASURE_TEXT, AdwPreferencesGroup)

void quern_measure_text_set_context (QuernMeasureText *self, QuernComparison *comparison, QuernStore *store);
void quern_measure_text_read_file (QuernMeasureText *self, GFile *file);
QuernTextChoice *quern_measure_text_dup_choice (QuernMeasureText *self, GError **error);
void quern_measure_text_add_async (QuernMeasureText *self, QuernMeasure *measure, QuernCompareColumn *reference,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_measure_text_add_finish (QuernMeasureText *self, GAsyncResult *result, GError **error);

G_END_DECLS
