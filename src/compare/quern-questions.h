/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison.h"

G_BEGIN_DECLS

typedef struct {
  guint only_a, only_b, both, neither; /* numbers of questions that were answered right by each */
  double flips;                        /* share of questions that one answered rightly and the other did not */
  double p_value;                      /* exact McNemar test of the flips */
} QuernFlips;

/* A set of questions with known answers, put to every column of a comparison. Each line of the file is a JSON object:
 *   {"question": "7 * 8?", "answer": "56"}      right when the answer has these words
 *   {"question": "…", "regex": "^(yes|no)\\b"}  right when the answer matches; upper and lower case are alike
 * What was answered stays with it, to be stored and exported. Properties (notified): "progress" (double), "running" (boolean). "changed" () comes as answers do. */
#define QUERN_TYPE_QUESTIONS (quern_questions_get_type ())
G_DECLARE_FINAL_TYPE (QuernQuestions, quern_questions, QUERN, QUESTIONS, GObject)

QuernQuestions *quern_questions_new (const char *jsonl, gssize length, GError **error);
QuernQuestions *quern_questions_new_sample (void);
void quern_questions_set_name (QuernQuestions *self, const char *name);
const char *quern_questions_get_name (QuernQuestions *self);
guint quern_questions_get_n (QuernQuestions *self);
const char *quern_questions_get_question (QuernQuestions *self, guint i);
const char *quern_questions_get_expected (QuernQuestions *self, guint i);
void quern_questions_run_async (QuernQuestions *self, QuernComparison *comparison, QuernBackend *backend,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_questions_run_finish (QuernQuestions *self, GAsyncResult *result, GError **error);
void quern_questions_stop (QuernQuestions *self);
gboolean quern_questions_get_running (QuernQuestions *self);
guint quern_questions_get_n_columns (QuernQuestions *self);
const char *quern_questions_get_label (QuernQuestions *self, guint column);
QuernCompareAnswer *quern_questions_get_answer (QuernQuestions *self, guint column, guint i);
gboolean quern_questions_is_right (QuernQuestions *self, guint column, guint i);
void quern_questions_count (QuernQuestions *self, guint column, guint *right, guint *n);
/* Returns the share of right answers among those that are complete, with its 95 % interval. */
double quern_questions_get_accuracy (QuernQuestions *self, guint column, double *low, double *high);
void quern_questions_get_flips (QuernQuestions *self, guint a, guint b, QuernFlips *out);

G_END_DECLS
