/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-cache.h"
#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"
#include "model/qe-model.h"
#include "model/qe-row.h"
#include "cpu/qe-pool.h"
#include "sampler/qe-sampler.h"

/* The forward pass of one context: its threads, buffers and the walk through the layers (engine/doc/qwen35.md §4). */

typedef struct QeGraph QeGraph;

/* Most rows that a batch may have that is decided upon after it was evaluated: see QeBatch.defer. So few rows take the
 * same way through every product and through attention as one does, so that they give the same results bit for bit. */
#define QE_DEFER_MAX QE_TOKENS_APART

typedef struct {
  const QeRow *rows;
  uint32_t n;        /* at most qe_graph_batch_size() */
  uint32_t start;    /* row of the cache where the first one goes */
  uint32_t n_logits; /* of the last rows, at most qe_graph_max_logits() */
  bool defer;        /* leave the recurrent state as it was, until qe_graph_commit(); at most QE_DEFER_MAX rows */
  bool
      sketch; /* logits only near what they are: qe_graph_rough_logits(); needs qe_graph_can_sketch(), at most QE_DEFER_MAX rows */
  const QeControl *control; /* cancellation is polled between layers; may be NULL */
} QeBatch;

typedef struct {
  unsigned n_threads;
  uint32_t max_logits;
  bool sketch;      /* of the head, where it pays */
  bool speculative; /* room for deferred batches, and for the MTP block's where there is one */
} QeGraphParams;

QeStatus qe_graph_new (QeGraph **out, QeModel *model, QeCache *cache, const QeGraphParams *params, QeError *err);
void qe_graph_free (QeGraph *graph);
/* What qe_graph_new() takes from the system, for the memory plan. */
size_t qe_graph_bytes (const QeConfig *config, uint32_t n_vocab, const QeGraphParams *params, uint32_t n_ctx);

uint32_t qe_graph_batch_size (const QeGraph *graph);
uint32_t qe_graph_max_logits (const QeGraph *graph);
unsigned qe_graph_threads (const QeGraph *graph);

/* Evaluates a batch. QE_ERROR_CANCELLED and QE_ERROR_NUMERIC leave the recurrent state in pieces: restore it. */
QeStatus qe_graph_run (QeGraph *graph, const QeBatch *batch, QeError *err);

/* Takes the first n rows of the deferred batch into the recurrent state. */
void qe_graph_commit (QeGraph *graph, uint32_t n);
/* Brings into QeCache.state what is written down beside it. To be called before it is copied. */
void qe_graph_settle (QeGraph *graph);

/* Logits of n more rows of the last batch, from its row `first` on; they take the place of those it had. */
QeStatus qe_graph_head (QeGraph *graph, uint32_t first, uint32_t n, QeError *err);
/* Makes room for the logits of n rows at a time. Those there are are lost. */
QeStatus qe_graph_reserve_logits (QeGraph *graph, uint32_t n, QeError *err);

/* ---- the sketch of the head ---------------------------------------------------------------------------------------- */

bool qe_graph_can_sketch (QeGraph *graph);
/* Makes a part of it, if there is to be one. */
void qe_graph_advance_sketch (QeGraph *graph);
/* How to get the right logits of single tokens from the i-th ones; borrowed until the next call. */
void qe_graph_rough_logits (QeGraph *graph, uint32_t i, QeRoughLogits *out);
/* All of them. */
QeStatus qe_graph_complete (QeGraph *graph, uint32_t i, QeError *err);

/* -------------------------------------------------------------------------------------------------------------------- */

float *qe_graph_logits (const QeGraph *graph, uint32_t i);         /* [n_vocab] of the i-th row that has them */
const float *qe_graph_hidden (const QeGraph *graph, uint32_t row); /* [n_embd] after the last norm, of the last batch */

/* ---- the MTP block (engine/doc/qwen35.md §6): guesses at the tokens to come ------------------------------------------- */

bool qe_graph_has_mtp (const QeGraph *graph);
/* After a batch: its first n rows, which start at row `start` of the cache, are to stay. Brings the block's own keys and
 * values up to them. To be called before the next pass; rows are those of the batch. */
void qe_graph_mtp_learn (QeGraph *graph, const QeRow *rows, uint32_t n, uint32_t start);
/* The rows before are others than those learned last. */
void qe_graph_mtp_forget (QeGraph *graph);
/* Guesses n tokens that follow `token`, which is to be row `length` of the cache. Overwrites the first row of logits.
 * QE_ERROR_NUMERIC when what the block makes is not finite. */
QeStatus qe_graph_mtp_draft (QeGraph *graph, int32_t token, uint32_t length, int32_t *out, uint32_t n, QeError *err);
