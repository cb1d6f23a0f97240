/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-answer.h"

G_BEGIN_DECLS

/* What runs the column fills its answers with these. */
QuernCompareAnswer *_quern_compare_answer_new (void);
void _quern_compare_answer_set_settings (QuernCompareAnswer *self, const QuernAnswerSettings *settings);
void _quern_compare_answer_set_state (QuernCompareAnswer *self, QuernCompareState state);
void _quern_compare_answer_follow (QuernCompareAnswer *self, QuernGeneration *generation);
void _quern_compare_answer_set_memory (QuernCompareAnswer *self, guint64 planned, guint64 peak, gboolean together);
void _quern_compare_answer_finish (QuernCompareAnswer *self, QuernCompareState state, const QuernStatistics *statistics,
                                   const char *failure);
/* Copies the token and its texts. */
void _quern_compare_answer_add_token (QuernCompareAnswer *self, const QuernGeneratedToken *token);

/* Restores a stored answer. The strings are copied. */
void _quern_compare_answer_restore (QuernCompareAnswer *self, QuernCompareState state, const char *answer,
                                    const char *reasoning, const char *failure, const QuernStatistics *statistics);

G_END_DECLS
