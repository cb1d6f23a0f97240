/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"
#include "cpu/qe-pool.h"
#include "model/qe-cache.h"
#include "model/qe-model.h"
#include "model/qe-row.h"

/* The forward pass of one context: its threads, buffers and the walk through the layers (engine/doc/qwen35.md §4). */

typedef struct QeGraph QeGraph;

/* Most rows that a batch may have that is decided upon after it was evaluated: see QeBatch.defer. So few rows take the
 * same way through every product and through attention as one does, so that they give the same results bit for bit. */
#define QE_DEFER_MAX QE_TOKENS_APART

/* What the sketch of the head makes of a batch's last rows. The memory is the context's (context/qe-rough.h). */
typedef struct {
  const QeHeadSketch *sketch;
  float *x;  /* [QE_DEFER_MAX][n_embd]: what the logits are of */
  int8_t *p; /* [QE_DEFER_MAX][n_blocks * QE_SKETCH_COLUMNS] */
  QeSketchInput input[QE_DEFER_MAX];
} QeRoughRows;

/* Where a row belongs in a batch of several contexts' rows, one of each. */
typedef struct {
  QeGraph *graph;     /* of its context, which has the cache that the row goes into */
  uint32_t at;        /* row of that cache */
  QeRoughRows *rough; /* of its context; gets what the row's rough logits are of */
  bool finite;        /* set by the pass: its logits are numbers */
} QeRowHome;

/* Rows that go through the model together. */
typedef struct {
  const QeRow *rows;
  uint32_t n;         /* at most qe_graph_batch_size() in one pass */
  uint32_t start;     /* row of the cache where the first one goes */
  uint32_t n_logits;  /* of the last rows, at most those there is room for */
  bool defer;         /* leave the recurrent state as it was, until qe_graph_commit(); at most QE_DEFER_MAX rows */
  bool exact;         /* attention rounds nothing that it need not, as scores are compared with those of other models */
  QeRoughRows *rough; /* NULL: whole logits; otherwise rough ones, of at most QE_DEFER_MAX rows */
  const float *hidden; /* [n][n_embd]: hidden vectors of the rows before; for the prediction block only */
  QeRowHome
      *homes; /* [n]: rows of contexts of one model, at most QE_DEFER_MAX, all with logits; NULL: rows of one context.
                       The first one is of the graph that runs, which has the most rows in its cache. `start` does not count. */
  const QeControl *control; /* cancellation is polled between layers; may be NULL */
} QeBatch;

typedef struct {
  unsigned n_threads;
  bool speculative; /* room for deferred batches */
} QeGraphParams;

QeStatus qe_graph_new (QeGraph **out, QeModel *model, QeCache *cache, const QeGraphParams *params, QeError *err);
void qe_graph_free (QeGraph *graph);
/* What qe_graph_new() takes from the system, for the memory plan. */
size_t qe_graph_bytes (const QeConfig *config, uint32_t n_vocab, const QeGraphParams *params, uint32_t n_ctx);

/* Most rows of a pass, for a context of n_ctx rows. */
uint32_t qe_graph_choose_batch_size (const QeConfig *config, uint32_t n_ctx);
uint32_t qe_graph_batch_size (const QeGraph *graph);
unsigned qe_graph_threads (const QeGraph *graph);

/* Evaluates a batch. QE_ERROR_CANCELLED and QE_ERROR_NUMERIC leave the recurrent state in pieces: restore it. Of rows of
 * several contexts each context's graph gets the logits and the hidden vector, as its first, and QeRowHome.finite tells of
 * each what QE_ERROR_NUMERIC would. */
QeStatus qe_graph_run (QeGraph *graph, const QeBatch *batch, QeError *err);

/* Takes the first n rows of the deferred batch into the recurrent state. */
void qe_graph_commit (QeGraph *graph, uint32_t n);
/* Brings into QeCache.state what is written down beside it. To be called before it is copied. */
void qe_graph_settle (QeGraph *graph);

/* Makes room for the logits of n rows at a time. Those there are are lost. */
QeStatus qe_graph_reserve_logits (QeGraph *graph, uint32_t n, QeError *err);
float *qe_graph_logits (const QeGraph *graph, uint32_t i);         /* [n_vocab] of the i-th row that has them */
const float *qe_graph_hidden (const QeGraph *graph, uint32_t row); /* [n_embd] after the last norm, of the last batch */

/* The head alone: whole logits [n][n_vocab] of the hidden vectors x [n][n_embd]. */
QeStatus qe_graph_head (QeGraph *graph, const float *x, uint32_t n, float *logits, QeError *err);
/* The same for some tokens of one hidden vector: logits[tokens[i]], i < n_tokens. */
void qe_graph_head_tokens (QeGraph *graph, const float *x, const int32_t *tokens, size_t n_tokens, float *logits);
/* Makes a part of the sketch of the head, unless it is ready. */
void qe_graph_advance_sketch (QeGraph *graph, QeHeadSketch *sketch);

/* A pass of the prediction block (engine/doc/qwen35.md §6.1), which reads a token together with the hidden vector of the row before
 * it. Slot i of its cache is for the token of row i + 1; `start` is a slot. Without logits only its keys and values are made. */
void qe_graph_predict (QeGraph *graph, const QeBatch *batch);

QeStatus qe_graph_fail_numeric (QeError *err); /* says that the file is at fault */
