/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"

G_BEGIN_DECLS

/* Who carries a request out calls these functions, on any thread. */
QuernGeneration *_quern_generation_new (void);
gboolean _quern_generation_wants_stop (QuernGeneration *self);
gboolean _quern_generation_take_answer_now (QuernGeneration *self);
void _quern_generation_set_phase (QuernGeneration *self, QuernGenerationPhase phase);
void _quern_generation_set_progress (QuernGeneration *self, double progress);
void _quern_generation_add_text (QuernGeneration *self, gboolean reasoning, const char *text, gsize length);
void _quern_generation_add_token (QuernGeneration *self, const QuernGeneratedToken *token);
/* All text so far was reasoning, or the other way round. */
void _quern_generation_move_text (QuernGeneration *self, gboolean to_reasoning);
/* Calls @func on the main context of the generation's owner whenever a stop or an answer is wanted, until it is finished. */
void _quern_generation_set_wake (QuernGeneration *self, GSourceFunc func, gpointer data);
/* A sentence that is to be read when it is done. */
void _quern_generation_set_note (QuernGeneration *self, const char *note);
void _quern_generation_set_in_reasoning (QuernGeneration *self, gboolean in_reasoning);
void _quern_generation_set_statistics (QuernGeneration *self, const QuernStatistics *statistics);
void _quern_generation_finish (QuernGeneration *self, QuernStop stop, const QuernStatistics *statistics, GError *error);

G_END_DECLS
