/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cache/qe-cache.h"
#include "cache/qe-checkpoints.h"
#include "cache/qe-draft.h"
#include "cache/qe-prompt.h"
#include "model/qe-graph.h"

struct QeContext {
  QeModel *model;
  QeCache cache;
  QeGraph *graph;
  QeCheckpoints checkpoints;

  uint64_t *keys;         /* [n_ctx] of the rows in the cache: QeRow.key */
  uint32_t length;        /* rows in the cache */
  uint32_t next_position; /* of the row that would come next */
  int32_t ready;          /* which logits of the graph are the last row's; -1: none */
  bool rough;             /* those are a sketch's: the sampler knows what to make of them */
  uint32_t whole_steps;   /* so many to come without rough logits */
  bool speculative;
  double plain_cost; /* seconds of a step without a draft, averaged; 0: not known */
  QeDrafter lookup, prediction;
  QeDecodeStats stats;
};

/* Evaluates rows behind those in the cache, in batches, and keeps their keys. with_logits: leaves those of the last row
 * ready. On failure the context is back at a checkpoint at or before where it was. marks: ascending numbers of rows of
 * the cache at which a checkpoint is kept. */
typedef struct {
  const QeRow *rows;
  size_t n;
  uint32_t next_position; /* after the last row */
  bool with_logits;
  const size_t *marks;
  size_t n_marks;
  bool checkpoints; /* take them: periodic ones and at marks */
  bool sketch; /* logits may be rough; qe_graph_can_sketch() */
  bool keep_hidden; /* the hidden vectors of the last batch stay in the graph: the MTP block learns nothing from it */
} QeEvaluation;
QeStatus qe_context_evaluate (QeContext *context, const QeEvaluation *e, const QeControl *control, QeError *err);

/* Evaluates valid tokens, leaving logits ready; sketch: rough ones. */
QeStatus qe_context_evaluate_tokens (QeContext *context, const int32_t *tokens, size_t n, bool sketch,
                                     const QeControl *control, QeError *err);
/* Whole logits in the place of rough ones. */
QeStatus qe_context_complete (QeContext *context, QeError *err);


/* Forgets all rows. */
void qe_context_empty (QeContext *context);
/* Back to the newest checkpoint of at most `length` rows, or to nothing. */
void qe_context_rewind (QeContext *context, uint32_t length, bool need_logits);
