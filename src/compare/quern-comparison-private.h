/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-compare-run.h"
#include "quern-comparison.h"
#include "quern-sampling.h"

G_BEGIN_DECLS

typedef struct {
  char *prompt;
  GListStore *pictures; /* of QuernPicture */
} QuernCompareTurn;

struct _QuernComparison {
  GObject parent_instance;

  gint64 id, created;
  char *title;
  GListStore *columns;       /* of QuernCompareColumn */
  GPtrArray *turns;          /* of QuernCompareTurn */
  GArray *votes;             /* of QuernVote */
  QuernMeasure *measure;     /* or NULL */
  QuernQuestions *questions; /* or NULL */
  QuernCompareMachine machine;
  QuernCompareMode mode;
  guint64 seed, memory_limit;
  guint max_tokens, n_ctx;
  gboolean blind;

  GTask *task;             /* NULL when nothing runs */
  gboolean paused_measure; /* the run paused the measurement, which would distort its timings */
  QuernCompareRun *run;    /* the task's */
  char *note;
};

/* Adds the job that loads a column to a run. */
QuernCompareJob *_quern_comparison_add_job (QuernComparison *self, QuernCompareRun *run, QuernCompareColumn *column,
                                            QuernCompareMode mode, gboolean pictures);
void _quern_comparison_note_machine (QuernComparison *self);
QuernSampling _quern_comparison_sampling (QuernComparison *self, QuernCompareColumn *column, gboolean pictures);
void _quern_comparison_notify_running (QuernComparison *self);
void _quern_comparison_notify_votes (QuernComparison *self);
void _quern_comparison_changed (QuernComparison *self);

G_END_DECLS
