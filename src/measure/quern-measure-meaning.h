/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

#define QUERN_MEASURE_EXAMPLES 3

guint quern_measure_find_examples (QuernMeasure *measure, guint i, guint *positions);
char *quern_measure_dup_example (QuernMeasure *measure, guint i, guint position);
char *quern_measure_dup_meaning (QuernMeasure *measure, guint i);

G_END_DECLS
