/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

char *quern_measure_dup_llama_block (QuernMeasure *measure, guint i);
char *quern_measure_dup_llama_note (QuernMeasure *measure, guint i);

G_END_DECLS
