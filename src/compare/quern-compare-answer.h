/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_COMPARE_WAITING,
  QUERN_COMPARE_LOADING,
  QUERN_COMPARE_READING, /* the prompt: see progress */
  QUERN_COMPARE_WRITING,
  QUERN_COMPARE_DONE,      /* the model ended it */
  QUERN_COMPARE_CUT,       /* the token limit or the end of the context came first */
  QUERN_COMPARE_STOPPED,   /* the user stopped it; its text is kept */
  QUERN_COMPARE_FAILED,    /* see quern_compare_answer_get_failure() */
  QUERN_COMPARE_NOT_ASKED, /* the column was added, or got another model, after this prompt */
} QuernCompareState;

/* The settings that an answer was made with. */
typedef struct {
  gboolean thinking;
  QuernKvType kv_type;
  guint n_ctx, n_threads, max_tokens; /* max_tokens 0: no limit */
  QuernSamplerValues sampler;
} QuernAnswerSettings;

/* What one column said to one prompt. Grows while it runs:
 *   "text" (gboolean reasoning, const char *text): more of it, in batches of at most one a frame
 *   "changed" (): tokens or figures are new; after every batch
 *   notify::state, notify::progress
 * Properties (read): "state" (int), "progress" (double, of reading the prompt), "answer", "reasoning" (string). */
#define QUERN_TYPE_COMPARE_ANSWER (quern_compare_answer_get_type ())
G_DECLARE_FINAL_TYPE (QuernCompareAnswer, quern_compare_answer, QUERN, COMPARE_ANSWER, GObject)

QuernCompareState quern_compare_answer_get_state (QuernCompareAnswer *self);
gboolean quern_compare_answer_is_running (QuernCompareAnswer *self);
double quern_compare_answer_get_progress (QuernCompareAnswer *self);
const char *quern_compare_answer_get_answer (QuernCompareAnswer *self);
const char *quern_compare_answer_get_reasoning (QuernCompareAnswer *self);
const char *quern_compare_answer_get_failure (QuernCompareAnswer *self);
guint quern_compare_answer_get_n_tokens (QuernCompareAnswer *self);
const QuernGeneratedToken *quern_compare_answer_get_token (QuernCompareAnswer *self, guint i);
const QuernStatistics *quern_compare_answer_get_statistics (QuernCompareAnswer *self);
guint64 quern_compare_answer_get_peak_memory (QuernCompareAnswer *self);
guint64 quern_compare_answer_get_planned_memory (QuernCompareAnswer *self);
const QuernAnswerSettings *quern_compare_answer_get_settings (QuernCompareAnswer *self);
gboolean quern_compare_answer_get_together (QuernCompareAnswer *self);

/* The place where two answers to the same prompt part. */
typedef struct {
  gboolean
      known; /* FALSE: the tokens of one are not known, as a server does not tell them: nothing below says anything */
  gboolean same_context; /* the columns gave equal answers before; otherwise the probabilities have different prompts */
  gboolean differs;      /* FALSE: the shorter answer is a beginning of the other */
  guint index;           /* index of the first different token; the shorter length if there is none */
  double shared;         /* share of the longer answer that is equal, 0 to 1 */
  QuernTokenChoice a, b; /* the token each chose there; only valid if differs */
  double p_a_in_b;       /* probability of a's choice in b's model; if negative, it is below the absolute value */
  double p_b_in_a;
} QuernFork;

void quern_compare_answer_fork (QuernCompareAnswer *a, QuernCompareAnswer *b, QuernFork *out);

G_END_DECLS
