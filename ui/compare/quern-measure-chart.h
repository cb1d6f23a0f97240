/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-measure.h"

G_BEGIN_DECLS

#define QUERN_TYPE_MEASURE_CHART (quern_measure_chart_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasureChart, quern_measure_chart, QUERN, MEASURE_CHART, GtkWidget)

void quern_measure_chart_show (QuernMeasureChart *self, QuernMeasure *measure, gboolean by_speed);

G_END_DECLS
