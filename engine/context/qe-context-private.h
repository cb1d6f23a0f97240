/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "context/qe-cache-memory.h"
#include "context/qe-checkpoints.h"
#include "context/qe-draft.h"
#include "context/qe-prompt.h"
#include "model/qe-graph.h"

struct QeContext {
  QeModel *model;
  QeCache cache;
  QeGraph *graph;
  QeCheckpoints checkpoints;

  uint64_t *keys;         /* [n_ctx]: QeRow.key of the rows in the cache */
  uint32_t length;        /* rows in the cache */
  uint32_t next_position; /* position of the next row */
  int32_t ready;          /* index of the last row's logits in the graph; -1: none */
  bool rough;             /* these logits come from the sketch; the sampler must refine them */
  uint32_t whole_steps;   /* number of steps to take with whole logits */
  bool speculative;
  double plain_cost; /* average seconds of a step without a draft; 0: not known */
  QeDrafter lookup, prediction;
  QeDecodeStats stats;
};

/* Evaluates rows behind those in the cache, in batches, and keeps their keys. with_logits leaves the logits of the last
 * row ready. On failure the context is at a checkpoint at or before its earlier end. marks: ascending row numbers of
 * the cache where a checkpoint is kept. */
typedef struct {
  const QeRow *rows;
  size_t n;
  uint32_t next_position; /* position after the last row */
  bool with_logits;
  const size_t *marks;
  size_t n_marks;
  bool checkpoints; /* take periodic checkpoints and those at marks */
  bool sketch;      /* the logits may be rough if qe_graph_can_sketch() */
  bool keep_hidden; /* the hidden vectors of the last batch stay in the graph: the MTP block learns nothing from it */
} QeEvaluation;
QeStatus qe_context_evaluate (QeContext *context, const QeEvaluation *e, const QeControl *control, QeError *err);

/* Evaluates valid tokens and leaves logits ready; with sketch they may be rough. */
QeStatus qe_context_evaluate_tokens (QeContext *context, const int32_t *tokens, size_t n, bool sketch,
                                     const QeControl *control, QeError *err);
/* Replaces rough logits by whole ones. */
QeStatus qe_context_complete (QeContext *context, QeError *err);

/* Forgets all rows. */
void qe_context_empty (QeContext *context);
/* Returns to the newest checkpoint of at most `length` rows, or to the empty context. */
void qe_context_rewind (QeContext *context, uint32_t length, bool need_logits);
