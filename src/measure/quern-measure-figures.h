/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-measure.h"

G_BEGIN_DECLS

/* The figures of a measured model: one table from which the window, reports, the terminal and JSON are made. A new figure
 * is a row in quern-measure-figures.c. */

typedef struct _QuernMeasureFigure QuernMeasureFigure;

typedef enum {
  QUERN_MEASURE_IN_WINDOW, /* few digits, and a tooltip that explains the heading */
  QUERN_MEASURE_IN_REPORT, /* all digits that mean anything: HTML, Markdown and the terminal */
} QuernMeasureMedium;

typedef enum {
  QUERN_MEASURE_JSON_FILE, /* the summary in a saved or exported comparison */
  QUERN_MEASURE_JSON_EVAL, /* `quern-cli eval --json` */
} QuernMeasureJson;

GPtrArray *quern_measure_figures_list (QuernMeasure *measure, QuernMeasureMedium medium, gboolean details);
char *quern_measure_figure_dup_heading (const QuernMeasureFigure *self, QuernMeasure *measure,
                                        QuernMeasureMedium medium);
const char *quern_measure_figure_get_explanation (const QuernMeasureFigure *self);
gboolean quern_measure_figure_needs_reference (const QuernMeasureFigure *self);
char *quern_measure_figure_dup_text (const QuernMeasureFigure *self, QuernMeasured *measured,
                                     QuernMeasureMedium medium);
void quern_measure_figures_write (QuernMeasured *measured, QuernMeasureJson json, gboolean compared, JsonBuilder *out);

G_END_DECLS
