/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-column.h"
#include "quern-compare-machine.h"
#include "quern-measure.h"
#include "quern-picture.h"
#include "quern-statistics.h"

G_BEGIN_DECLS

#define QUERN_COMPARE_MAX_COLUMNS 4
#define QUERN_COMPARE_MIN_VOTES 10 /* fewest votes for ratings */

typedef enum {
  QUERN_COMPARE_ONE_AFTER_ANOTHER, /* timings are valid */
  QUERN_COMPARE_TOGETHER,          /* the timings cannot be compared */
} QuernCompareMode;

typedef enum { QUERN_VOTE_A, QUERN_VOTE_B, QUERN_VOTE_TIE, QUERN_VOTE_BOTH_BAD } QuernVoteKind;

typedef struct {
  guint turn, a, b; /* index of the prompt and of the two columns */
  QuernVoteKind kind;
} QuernVote;

typedef struct {
  guint a, b, ties, both_bad;
  double share, low, high; /* share of a among the decided votes (a tie is half for each), with its 95 % interval */
} QuernVoteCount;

/* A comparison by reading: columns that answer the same prompts with the same random numbers; with its votes and its
 * measurement. Everything here belongs to the main thread.
 *
 *   g_autoptr (QuernComparison) comparison = quern_comparison_new ();
 *   quern_comparison_add_column (comparison, a);
 *   quern_comparison_add_column (comparison, b);
 *   quern_comparison_ask_async (comparison, backend, "Why is the sky blue?", NULL, cancellable, done_cb, NULL);
 *   // each column has a new QuernCompareAnswer at once, which fills
 *
 * Properties (notified): "title" (string, writable), "running" (boolean), "mode" (int, writable), "seed" (uint64,
 * writable), "max-tokens" (uint, writable, 0: no limit), "context-size" (uint, writable, 0: at most 4096), "n-turns"
 * (uint), "n-votes" (uint), "blind" (boolean, writable), "measure" (QuernMeasure or NULL, writable), "questions"
 * (QuernQuestions or NULL, writable), "note" (string or NULL: what to know about the last run), "memory-limit" (uint64,
 * writable, 0: what is free). The signal "changed" () tells that there is something to save. */
#define QUERN_TYPE_COMPARISON (quern_comparison_get_type ())
typedef struct _QuernQuestions QuernQuestions;
G_DECLARE_FINAL_TYPE (QuernComparison, quern_comparison, QUERN, COMPARISON, GObject)

QuernComparison *quern_comparison_new (void);
gint64 quern_comparison_get_id (QuernComparison *self);
void quern_comparison_set_id (QuernComparison *self, gint64 id);
gint64 quern_comparison_get_created (QuernComparison *self);
const char *quern_comparison_get_title (QuernComparison *self);
void quern_comparison_set_title (QuernComparison *self, const char *title);

/* columns: of QuernCompareColumn */
GListModel *quern_comparison_get_columns (QuernComparison *self);
QuernCompareColumn *quern_comparison_get_column (QuernComparison *self, guint i);
guint quern_comparison_get_n_columns (QuernComparison *self);
GPtrArray *quern_comparison_dup_models (QuernComparison *self);
gboolean quern_comparison_add_column (QuernComparison *self, QuernCompareColumn *column);
gboolean quern_comparison_replace_column (QuernComparison *self, QuernCompareColumn *column, QuernCompareColumn *other);
void quern_comparison_attach_models (QuernComparison *self, GListModel *models);
void quern_comparison_remove_column (QuernComparison *self, QuernCompareColumn *column);

/* prompts */
guint quern_comparison_get_n_turns (QuernComparison *self);
const char *quern_comparison_get_prompt (QuernComparison *self, guint turn);
GListModel *quern_comparison_get_pictures (QuernComparison *self, guint turn); /* of QuernPicture */
void quern_comparison_ask_async (QuernComparison *self, QuernBackend *backend, const char *prompt, GListModel *pictures,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_comparison_ask_finish (QuernComparison *self, GAsyncResult *result, GError **error);
guint quern_comparison_get_missing (QuernComparison *self, QuernCompareColumn *column);
void quern_comparison_catch_up_async (QuernComparison *self, QuernBackend *backend, QuernCompareColumn *column,
                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_comparison_catch_up_finish (QuernComparison *self, GAsyncResult *result, GError **error);
void quern_comparison_stop (QuernComparison *self);
gboolean quern_comparison_get_running (QuernComparison *self);
void quern_comparison_get_fork (QuernComparison *self, guint turn, guint a, guint b, QuernFork *out);
QuernRequest *quern_comparison_build_request (QuernComparison *self, QuernCompareColumn *column, guint turn);

QuernCompareMode quern_comparison_get_mode (QuernComparison *self);
guint64 quern_comparison_get_seed (QuernComparison *self);
const char *quern_comparison_get_note (QuernComparison *self);
gboolean quern_comparison_plan_memory (QuernComparison *self, gboolean pictures, QuernCompareMode *mode,
                                       guint64 *needed, guint64 *available, GError **error);

/* votes */
void quern_comparison_get_order (QuernComparison *self, guint turn, guint *order);
gboolean quern_comparison_next_pair (QuernComparison *self, guint turn, guint *a, guint *b);
void quern_comparison_vote (QuernComparison *self, guint turn, guint a, guint b, QuernVoteKind kind);
guint quern_comparison_get_n_votes (QuernComparison *self);
const QuernVote *quern_comparison_get_vote (QuernComparison *self, guint i);
void quern_comparison_count_votes (QuernComparison *self, guint a, guint b, QuernVoteCount *out);
gboolean quern_comparison_rate (QuernComparison *self, QuernRating *ratings);

/* numbers */
QuernMeasure *quern_comparison_get_measure (QuernComparison *self);
void quern_comparison_set_measure (QuernComparison *self, QuernMeasure *measure);
QuernQuestions *quern_comparison_get_questions (QuernComparison *self);
void quern_comparison_set_questions (QuernComparison *self, QuernQuestions *questions);
void quern_comparison_add_answers (QuernComparison *self, guint column, QuernMeasure *measure);

/* Returns whether nothing was asked or measured, so that there is nothing to keep. */
gboolean quern_comparison_is_empty (QuernComparison *self);
/* Returns the machine that made the figures: this computer, or the one of an imported comparison until it runs here. */
const QuernCompareMachine *quern_comparison_get_machine (QuernComparison *self);

/* These functions restore a stored comparison. */
void _quern_comparison_restore_turn (QuernComparison *self, const char *prompt, GListModel *pictures);

G_END_DECLS
