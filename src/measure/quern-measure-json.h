/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-measure.h"

G_BEGIN_DECLS

/* A measurement, and the facts of a model that it was made with, as they stand in a comparison's JSON. */
void _quern_measure_write (QuernMeasure *self, JsonBuilder *out);
QuernMeasure *_quern_measure_read (JsonObject *object, GListModel *models);
void _quern_model_facts_write (const QuernModelFacts *facts, JsonBuilder *out);
void _quern_model_facts_read (JsonObject *object, QuernModelFacts *out);
QuernModel *_quern_model_facts_find (const QuernModelFacts *facts, GListModel *models);

G_END_DECLS
