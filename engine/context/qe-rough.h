/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-graph.h"
#include "sampler/qe-sampler.h"

/* Rough logits of a context: those that the sketch of the head makes, and how the right ones are worked out (refined). */

typedef struct {
  QeGraph *graph;
  uint32_t n_embd, n_vocab;
  QeHeadSketch *sketch; /* that of the model, which all its contexts share; NULL: none, and nothing below is used */
  QeRoughRows rows;
  float *margins;   /* [qe_head_groups (n_vocab)] */
  float *unrefined; /* what logits were before they were refined */
  uint32_t refined; /* index of the logits in work */
} QeRough;

/* sketch may be NULL. On success *out is freed with qe_rough_clear(). */
QeStatus qe_rough_init (QeRough *out, QeGraph *graph, QeHeadSketch *sketch, uint32_t n_embd, uint32_t n_vocab,
                        QeError *err);
void qe_rough_clear (QeRough *rough);
size_t qe_rough_bytes (uint32_t n_embd, uint32_t n_vocab); /* that qe_rough_init() takes, for the memory plan */

/* Returns what a batch is to be given as QeBatch.rough, or NULL as long as the sketch is not ready. */
QeRoughRows *qe_rough_rows (QeRough *rough);
/* Makes a part of the sketch, if there is to be one. */
void qe_rough_advance (QeRough *rough);
/* Describes the i-th logits of the last batch, and how to refine them; *out is borrowed until the next call. */
void qe_rough_logits (QeRough *rough, uint32_t i, QeRoughLogits *out);
/* Replaces the i-th logits by whole ones. QE_ERROR_NUMERIC if these are not finite. */
QeStatus qe_rough_complete (QeRough *rough, uint32_t i, QeError *err);
