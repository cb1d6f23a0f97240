/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-measure.h"

G_BEGIN_DECLS

#define QUERN_TYPE_HEAT_MAP (quern_heat_map_get_type ())
G_DECLARE_FINAL_TYPE (QuernHeatMap, quern_heat_map, QUERN, HEAT_MAP, AdwBin)

void quern_heat_map_show (QuernHeatMap *self, QuernMeasure *measure, guint result);

G_END_DECLS
