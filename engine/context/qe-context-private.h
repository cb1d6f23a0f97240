/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "context/qe-cache-memory.h"
#include "context/qe-checkpoints.h"
#include "context/qe-draft.h"
#include "context/qe-prediction.h"
#include "context/qe-prompt.h"
#include "context/qe-rough.h"
#include "model/qe-graph.h"

struct QeContext {
  QeModel *model;
  QeCache cache;
  QeGraph *graph;
  QeRough rough;           /* rough logits, if the head has a sketch */
  QePrediction prediction; /* of the prediction block, if there is one */
  QeCheckpoints checkpoints;

  uint64_t *row_ids;      /* [n_ctx]: QeRow.id of the rows in the cache */
  uint32_t length;        /* rows in the cache */
  uint32_t next_position; /* position of the next row */
  int32_t ready;          /* index of the last row's logits in the graph; -1: none */
  bool is_rough;          /* these logits are rough; the sampler must refine them */
  uint32_t whole_steps;   /* number of steps to take with whole logits */
  bool speculative;
  bool one_by_one;   /* steps draft nothing for now */
  double plain_cost; /* average seconds of a step without a draft; 0: not known */
  QeDrafter lookup_drafter, prediction_drafter;
  QeDecodeStats stats;
};

/* Runs a batch of at most qe_graph_batch_size() rows behind those in the cache, and keeps its rows. next_position is that of the
 * row after the batch. On failure the context is at a checkpoint at or before its earlier end, or as it was if the batch is
 * cancelled before it begins. */
QeStatus qe_context_run (QeContext *context, const QeBatch *batch, uint32_t next_position, QeError *err);

/* Runs any number of rows in such batches and lets the prediction block learn from them. prompt: whose last rows these are, with
 * its marks, so that checkpoints are taken; NULL if they are tokens. */
QeStatus qe_context_evaluate (QeContext *context, const QeBatch *batch, const QePrompt *prompt, QeError *err);

/* Evaluates valid tokens and leaves logits ready; with `rough` they are rough if the sketch is ready. */
QeStatus qe_context_evaluate_tokens (QeContext *context, const int32_t *tokens, size_t n, bool rough,
                                     const QeControl *control, QeError *err);
/* Replaces rough logits by whole ones. */
QeStatus qe_context_complete (QeContext *context, QeError *err);

/* Forgets all rows. */
void qe_context_empty (QeContext *context);
/* Returns to the newest checkpoint of at most `length` rows, or to the empty context. */
void qe_context_rewind (QeContext *context, uint32_t length, bool need_logits);
