/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-measure.h"

G_BEGIN_DECLS

void quern_measure_table_fill (GtkGrid *grid, QuernMeasure *measure);
void quern_measure_details_fill (GtkGrid *grid, QuernMeasure *measure);
gboolean quern_measure_categories_fill (GtkGrid *grid, QuernMeasure *measure);
void quern_measure_meaning_fill (GtkBox *box, QuernMeasure *measure, guint i);
void quern_measure_verdicts_fill (GtkBox *box, QuernMeasure *measure);

G_END_DECLS
