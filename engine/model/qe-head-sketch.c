/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-head-sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PARTS 32         /* in which it is made */
#define SAMPLE_ROWS 1024 /* of which the columns' magnitudes are taken */
#define LEAST_SHARE 12   /* it must spare a twelfth of what is read for a token */
#define ALIGN 64

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static void *
take (char *base, size_t *used, size_t size)
{
  void *p = base ? base + *used : NULL;
  *used += (size + ALIGN - 1) / ALIGN * ALIGN;
  return p;
}

/* Sets the pointers into base (NULL: only counts) and returns the bytes needed. */
static size_t
lay_out (QeHeadSketch *s, char *base)
{
  const size_t n_groups = qe_head_groups (s->n_rows);
  size_t used = 0;
  s->blocks = take (base, &used, s->n_rows * s->n_blocks * sizeof *s->blocks);
  s->scales = take (base, &used, s->n_rows * sizeof *s->scales);
  s->errors = take (base, &used, n_groups * sizeof *s->errors);
  s->magnitudes = take (base, &used, n_groups * sizeof *s->magnitudes);
  s->columns.mean = take (base, &used, s->n_columns * sizeof (float));
  s->columns.magnitude = take (base, &used, s->n_columns * sizeof (float));
  s->columns.inverse = take (base, &used, s->n_columns * sizeof (float));
  return used;
}

static void
measure (QeHeadSketch *s, size_t n_rows, size_t n_columns)
{
  *s = (QeHeadSketch) { .n_rows = n_rows, .n_columns = n_columns, .n_blocks = qe_sketch_blocks (n_columns) };
  s->bytes = lay_out (s, NULL);
}

size_t
qe_head_sketch_bytes (size_t n_rows, size_t n_columns, uint64_t head_bytes, uint64_t decode_bytes)
{
  QeHeadSketch s;
  measure (&s, n_rows, n_columns);
  const bool pays = head_bytes > s.bytes && (head_bytes - s.bytes) * LEAST_SHARE >= decode_bytes && n_columns % 32 == 0;
  return pays ? s.bytes : 0;
}

QeHeadSketch *
qe_head_sketch_new (size_t n_rows, size_t n_columns)
{
  QeHeadSketch *s = malloc (sizeof *s);
  if (!s)
    return NULL;
  measure (s, n_rows, n_columns);
  s->memory = mmap (NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->memory == MAP_FAILED) {
    free (s);
    return NULL;
  }
  madvise (s->memory, s->bytes, MADV_HUGEPAGE);
  lay_out (s, s->memory);
  pthread_mutex_init (&s->making, NULL);
  return s;
}

void
qe_head_sketch_free (QeHeadSketch *sketch)
{
  if (!sketch)
    return;
  munmap (sketch->memory, sketch->bytes);
  pthread_mutex_destroy (&sketch->making);
  free (sketch);
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

typedef struct {
  QeHeadSketch *sketch;
  const QeWeight *head;
  size_t first, end; /* rows */
  float *rows;       /* [n threads][2 * n_columns] */
} Making;

static void
read_row (const QeWeight *head, size_t row, float *out)
{
  const size_t bytes = qe_row_bytes (qe_type_traits (head->type), head->columns);
  qe_dequantise (head->type, (const char *) head->data + row * bytes, out, head->columns);
}

static void
make_worker (QeWorker *worker, void *data)
{
  const Making *m = data;
  const QeKernels *kernels = qe_kernels ();
  QeHeadSketch *s = m->sketch;
  float *scratch = m->rows + worker->index * 2 * s->n_columns;
  qe_worker_barrier (worker);
  for (size_t first; (first = m->first + qe_worker_next (worker) * QE_ROUGH_GROUP) < m->end;) {
    const size_t end = first + QE_ROUGH_GROUP < m->end ? first + QE_ROUGH_GROUP : m->end;
    float error = 0, magnitude = 0;
    for (size_t r = first; r < end; r++) {
      QeSketchRow row;
      read_row (m->head, r, scratch);
      if (!kernels->sketch_row (s->blocks + r * s->n_blocks, &row, scratch + s->n_columns, scratch, &s->columns,
                                s->n_columns))
        atomic_store (&s->failed, true);
      s->scales[r] = row.scale;
      error = row.error > error ? row.error : error;
      magnitude = row.magnitude > magnitude ? row.magnitude : magnitude;
    }
    s->errors[first / QE_ROUGH_GROUP] = error;
    s->magnitudes[first / QE_ROUGH_GROUP] = magnitude;
  }
}

static void
make_part (QeHeadSketch *s, const QeWeight *head, QePool *pool)
{
  const size_t n_groups = qe_head_groups (s->n_rows);
  const size_t end = s->n_made + (n_groups + PARTS - 1) / PARTS * QE_ROUGH_GROUP;
  Making m = { s, head, s->n_made, end < s->n_rows ? end : s->n_rows, NULL };
  m.rows = aligned_alloc (ALIGN, qe_pool_threads (pool) * 2 * s->n_columns * sizeof *m.rows);
  if (!m.rows) {
    atomic_store (&s->failed, true);
    return;
  }
  if (s->n_made == 0) {
    /* Means and deviations of some rows spread over all. A column whose weights are all alike counts as one with small weights. */
    const size_t step = s->n_rows > SAMPLE_ROWS ? s->n_rows / SAMPLE_ROWS : 1, n = (s->n_rows + step - 1) / step;
    float *mean = s->columns.mean, *magnitude = s->columns.magnitude;
    double total = 0;
    for (size_t r = 0; r < s->n_rows; r += step) { /* memory is zero at first */
      read_row (head, r, m.rows);
      for (size_t c = 0; c < s->n_columns; c++) {
        mean[c] += m.rows[c] / (float) n;
        magnitude[c] += m.rows[c] * m.rows[c] / (float) n;
      }
    }
    for (size_t c = 0; c < s->n_columns; c++) {
      magnitude[c] -= mean[c] * mean[c];
      total += magnitude[c];
    }
    const float least = (float) (total / (double) s->n_columns) * 1e-4f;
    for (size_t c = 0; c < s->n_columns; c++) {
      magnitude[c] = sqrtf (magnitude[c] > least ? magnitude[c] : least);
      s->columns.inverse[c] = magnitude[c] > 0 ? 1 / magnitude[c] : 0;
    }
  }
  qe_pool_run (pool, make_worker, &m);
  free (m.rows);
  s->n_made = m.end;
  if (s->n_made == s->n_rows && !atomic_load (&s->failed))
    atomic_store_explicit (&s->ready, true, memory_order_release);
}

void
qe_head_sketch_advance (QeHeadSketch *sketch, const QeWeight *head, QePool *pool)
{
  if (pthread_mutex_trylock (&sketch->making) != 0)
    return;
  if (sketch->n_made < sketch->n_rows && !atomic_load (&sketch->failed))
    make_part (sketch, head, pool);
  pthread_mutex_unlock (&sketch->making);
}

/* ---- use ------------------------------------------------------------------------------------------------------- */

float
qe_head_sketch_deviation (const QeHeadSketch *sketch, const QeSketchInput *input, size_t group)
{
  const float weights = sketch->errors[group] * input->norm, activations = sketch->magnitudes[group] * input->loss;
  return sqrtf (weights * weights + activations * activations);
}
