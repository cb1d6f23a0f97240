/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "context/qe-rough.h"

/* What a context keeps for the model's prediction block (multi-token prediction, engine/doc/qwen35.md §6.1), and the tokens that it
 * guesses. The context's cache has the block's own keys and values. Its guesses are only guesses: nothing here can change a text. */

typedef struct {
  QeGraph *graph;
  QeRough *rough;
  const QeWeights *weights;
  size_t n_embd;
  QeRow *rows;       /* [batch]: of a pass of the block; NULL: no prediction */
  float *hidden;     /* [batch][n_embd]: what the trunk made of the row before each of them */
  float *last;       /* [n_embd]: of the last row in the cache */
  QeSampler *greedy; /* chooses guesses from rough logits; NULL if the context has none */
} QePrediction;

/* The model has a prediction block. On success *out is freed with qe_prediction_clear(). */
QeStatus qe_prediction_init (QePrediction *out, QeGraph *graph, QeRough *rough, const QeModel *model, QeError *err);
void qe_prediction_clear (QePrediction *prediction);
size_t qe_prediction_bytes (uint32_t n_embd,
                            uint32_t batch_size); /* that qe_prediction_init() takes, for the memory plan */

/* After a batch: its first n rows, which start at row `start` of the cache, are to stay. Brings the block's own keys and
 * values up to them. To be called before the next pass; rows are those of the batch. Does nothing without a block. */
void qe_prediction_learn (QePrediction *prediction, const QeRow *rows, uint32_t n, uint32_t start);
/* Says that the rows before are others than those learned last. */
void qe_prediction_forget (QePrediction *prediction);
/* Guesses n tokens that follow `token`, which is to be row `length` of the cache. Overwrites the first row of logits.
 * QE_ERROR_NUMERIC when what the block makes is not finite. */
QeStatus qe_prediction_draft (QePrediction *prediction, int32_t token, uint32_t length, int32_t *out, uint32_t n,
                              QeError *err);
