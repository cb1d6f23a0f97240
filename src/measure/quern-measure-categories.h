/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-measure.h"

G_BEGIN_DECLS

/* The figures of a measurement by what its text is about: code, chat, other scripts … A text that was added after
 * quern_measure_begin_category() belongs to that category. */

GStrv quern_measure_dup_categories (QuernMeasure *self);
void quern_measure_get_category_summary (QuernMeasure *self, QuernMeasured *measured, const char *category,
                                         QuernDivergenceSummary *out);
void quern_measure_categories_write (QuernMeasure *self, QuernMeasured *measured, JsonBuilder *out);

G_END_DECLS
