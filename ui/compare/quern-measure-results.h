/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-measure.h"

G_BEGIN_DECLS

/* What a measurement found: verdicts, chart, tables, and the text with what happened in it. Signal "problem" (string): a
 * sentence about a file that could not be written. */
#define QUERN_TYPE_MEASURE_RESULTS (quern_measure_results_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasureResults, quern_measure_results, QUERN, MEASURE_RESULTS, GtkBox)

void quern_measure_results_show (QuernMeasureResults *self, QuernMeasure *measure, gboolean with_text);
void quern_measure_results_update (QuernMeasureResults *self, gboolean running);

G_END_DECLS
