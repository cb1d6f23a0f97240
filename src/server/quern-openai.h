/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-dialect.h"

G_BEGIN_DECLS

/* What OpenAI's two dialects, chat and completions, write alike. */

double quern_openai_log_of (double p);
void quern_openai_begin (QuernAnswer *answer, JsonBuilder *json, const char *prefix, const char *object);
void quern_openai_add_usage (QuernAnswer *answer, JsonBuilder *json);
void quern_openai_add_timings (QuernAnswer *answer, JsonBuilder *json);
void quern_openai_end_stream (QuernAnswer *answer, const char *prefix, const char *object);

G_END_DECLS
