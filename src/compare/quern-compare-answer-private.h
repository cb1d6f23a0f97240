/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "quern-candidates.h"
#include "quern-compare-answer.h"

G_BEGIN_DECLS

/* The worker's thread calls these functions. */
QuernCompareAnswer *_quern_compare_answer_new (void);
void _quern_compare_answer_set_state (QuernCompareAnswer *self, QuernCompareState state);
void _quern_compare_answer_set_progress (QuernCompareAnswer *self, double progress);
void _quern_compare_answer_add_text (QuernCompareAnswer *self, gboolean reasoning, const char *text, gsize length);
void _quern_compare_answer_add_token (QuernCompareAnswer *self, QeModel *model, gint32 id, double p,
                                      const QuernCandidate *top, guint n_top, gboolean reasoning);
void _quern_compare_answer_set_memory (QuernCompareAnswer *self, guint64 planned, guint64 peak, gboolean together);
void _quern_compare_answer_finish (QuernCompareAnswer *self, QuernCompareState state, const QuernStatistics *statistics,
                                   const char *failure);

/* The main thread calls these functions. */
void _quern_compare_answer_set_settings (QuernCompareAnswer *self, const QuernAnswerSettings *settings);
void _quern_compare_answer_flush (QuernCompareAnswer *self);
/* Restores a stored answer. The strings are copied. */
void _quern_compare_answer_restore (QuernCompareAnswer *self, QuernCompareState state, const char *answer,
                                    const char *reasoning, const char *failure, const QuernStatistics *statistics);
void _quern_compare_answer_restore_token (QuernCompareAnswer *self, const QuernGeneratedToken *token);

G_END_DECLS
