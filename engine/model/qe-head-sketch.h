/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "cpu/qe-kernels.h"
#include "cpu/qe-pool.h"
#include "model/qe-weights.h"
#include "sampler/qe-sampler.h"

/* A sketch of a model's head (cpu/qe-sketch.h). The head is the largest matrix of all, but of its quarter of a million
 * logits only the best few are ever chosen: with the sketch, which has three bits for each weight, the others are told from
 * those that matter at less than half the bytes. Made little by little while tokens are generated; shared by the contexts
 * of a model. */

/* Errors of QE_ROUGH_GROUP rows are kept together. */
static inline size_t
qe_head_groups (size_t n_rows)
{
  return (n_rows + QE_ROUGH_GROUP - 1) / QE_ROUGH_GROUP;
}

typedef struct {
  size_t n_rows, n_columns, n_blocks;
  QeSketchBlock *blocks;      /* [n_rows][n_blocks] */
  float *scales;              /* [n_rows] */
  float *errors, *magnitudes; /* for each QE_ROUGH_GROUP rows: the largest of QeSketchRow */
  QeSketchColumns columns;
  void *memory;
  size_t bytes;

  pthread_mutex_t making;
  size_t n_made;     /* rows that are done; of whoever holds the lock */
  atomic_bool ready; /* all are */
  atomic_bool failed;
} QeHeadSketch;

/* What one takes; 0 when it would not pay: when it spares less than a twelfth of what is read for a token. */
size_t qe_head_sketch_bytes (size_t n_rows, size_t n_columns, uint64_t head_bytes, uint64_t decode_bytes);

/* Takes memory, and leaves the making for later; NULL when there is none. */
QeHeadSketch *qe_head_sketch_new (size_t n_rows, size_t n_columns);
void qe_head_sketch_free (QeHeadSketch *sketch);

/* Makes the next part unless another thread is at it. To be called until it is ready, or has failed: no memory, or weights
 * that are not finite. */
void qe_head_sketch_advance (QeHeadSketch *sketch, const QeWeight *head, QePool *pool);
static inline bool
qe_head_sketch_is_ready (QeHeadSketch *sketch)
{
  return atomic_load_explicit (&sketch->ready, memory_order_acquire);
}

/* How far off the scores of a group of rows are: standard deviation. */
float qe_head_sketch_deviation (const QeHeadSketch *sketch, const QeSketchInput *input, size_t group);
