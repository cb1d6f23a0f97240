/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "quern-divergence.h"
#include "quern-message.h"

G_BEGIN_DECLS

#define QUERN_COMPARE_TOP 10

typedef enum {
  QUERN_COMPARE_WAITING,
  QUERN_COMPARE_LOADING,
  QUERN_COMPARE_READING, /* the prompt: see progress */
  QUERN_COMPARE_WRITING,
  QUERN_COMPARE_DONE,    /* ended by itself */
  QUERN_COMPARE_CUT,     /* the token limit or the context's end came first */
  QUERN_COMPARE_STOPPED, /* the user stopped it; what was written stays */
  QUERN_COMPARE_FAILED,  /* see quern_compare_answer_get_failure() */
  QUERN_COMPARE_NOT_ASKED, /* its column came later than the prompt, or has another model since */
} QuernCompareState;

/* With what an answer was made. */
typedef struct {
  gboolean thinking;
  QeKvType kv_type;
  guint n_ctx, n_threads, max_tokens; /* max_tokens 0: no limit */
  QeSamplerParams sampler;
} QuernAnswerSettings;

typedef struct {
  gint32 id;
  double p;         /* by the model alone: temperature 1, no penalties */
  const char *text; /* lives as long as the answer */
} QuernTokenChoice;

/* One generated token. The one that ends the answer is there, too, with an empty span. */
typedef struct {
  QuernTokenChoice chosen;
  QuernTokenChoice top[QUERN_COMPARE_TOP]; /* the likeliest, most likely first */
  guint n_top;
  gboolean reasoning;
  guint start, end; /* bytes of the reasoning or the answer that it added */
} QuernCompareToken;

/* What one column said to one prompt. Grows while it runs:
 *   "text" (gboolean reasoning, const char *text): more of it, in batches of at most one a frame
 *   "changed" (): tokens or figures are new; after every batch
 *   notify::state, notify::progress
 * Properties (read): "state" (int), "progress" (double, of reading the prompt), "answer", "reasoning" (string). */
#define QUERN_TYPE_COMPARE_ANSWER (quern_compare_answer_get_type ())
G_DECLARE_FINAL_TYPE (QuernCompareAnswer, quern_compare_answer, QUERN, COMPARE_ANSWER, GObject)

QuernCompareState        quern_compare_answer_get_state       (QuernCompareAnswer *self);
gboolean                 quern_compare_answer_is_running      (QuernCompareAnswer *self);
double                   quern_compare_answer_get_progress    (QuernCompareAnswer *self);
const char              *quern_compare_answer_get_answer      (QuernCompareAnswer *self);
const char              *quern_compare_answer_get_reasoning   (QuernCompareAnswer *self);
const char              *quern_compare_answer_get_failure     (QuernCompareAnswer *self);
guint                    quern_compare_answer_get_n_tokens    (QuernCompareAnswer *self);
const QuernCompareToken *quern_compare_answer_get_token       (QuernCompareAnswer *self, guint i);
const QuernStatistics   *quern_compare_answer_get_statistics  (QuernCompareAnswer *self);
guint64                  quern_compare_answer_get_peak_memory (QuernCompareAnswer *self);
guint64                  quern_compare_answer_get_planned_memory (QuernCompareAnswer *self);
const QuernAnswerSettings *quern_compare_answer_get_settings  (QuernCompareAnswer *self);
gboolean                 quern_compare_answer_get_together    (QuernCompareAnswer *self);

/* Where two answers to the same prompt part. */
typedef struct {
  gboolean same_context; /* the columns had said the same before; else the probabilities are of different prompts */
  gboolean differs;      /* FALSE: equal as far as both go */
  guint index;           /* of the first different token; equal to the shorter length when there is none */
  double shared;         /* of the longer one, 0 to 1 */
  QuernTokenChoice a, b; /* what each chose there; only with differs */
  double p_a_in_b;       /* how likely b's model found a's choice; negative: less than that amount */
  double p_b_in_a;
} QuernFork;

void quern_compare_answer_fork (QuernCompareAnswer *a, QuernCompareAnswer *b, QuernFork *out);

G_END_DECLS
