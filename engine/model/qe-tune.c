/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures how far ahead weights of each format are best asked for, with one token and the matrices of an open model. */
#include <stdlib.h>

#include "cpu/qe-clock.h"
#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"
#include "cpu/qe-tuning.h"
#include "model/qe-model.h"
#include "qe-error.h"

#define LEAST_BYTES ((size_t) 48 << 20) /* less would be read from a cache */
#define MOST_BYTES ((size_t) 192 << 20)
#define ROUNDS 7
#define GAIN 1.03 /* what another distance has to be worth: less is noise */

static const size_t distances[] = { 0, 1024, 2048, 4096, 6656, 8192, 12288, 16384 };
#define N_DISTANCES (sizeof distances / sizeof *distances)

/* Matrices of one format. */
typedef struct {
  QeWeight *weights;
  size_t n, bytes, most_columns, most_rows;
} Sample;

typedef struct {
  const Sample *sample;
  QeMatmul *matmul;
  float *x, *y;
} Pass;

static size_t
weight_bytes (const QeWeight *w)
{
  return (size_t) w->rows * qe_row_bytes (qe_type_traits (w->type), w->columns);
}

static void
add_weight (Sample *s, QeType type, const QeWeight *w)
{
  if (!w->data || w->type != type || s->bytes >= MOST_BYTES)
    return;
  s->weights[s->n++] = *w;
  s->bytes += weight_bytes (w);
  s->most_columns = w->columns > s->most_columns ? w->columns : s->most_columns;
  s->most_rows = w->rows > s->most_rows ? w->rows : s->most_rows;
}

/* What decoding reads as a whole: experts are read row by row with others between them, and few of them. */
static bool
take_sample (Sample *s, const QeWeights *weights, QeType type)
{
  *s = (Sample) { .weights = malloc (((size_t) weights->n_layers * 10 + 1) * sizeof *s->weights) };
  if (!s->weights)
    return false;
  for (uint32_t i = 0; i < weights->n_layers; i++) {
    const QeLayer *l = &weights->layers[i];
    const QeWeight *parts[] = { &l->q, &l->k,       &l->v,    &l->attn_out, &l->qkv,
                                &l->z, &l->ssm_out, &l->gate, &l->up,       &l->down };
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
      add_weight (s, type, parts[n]);
  }
  add_weight (s, type, &weights->head);
  return true;
}

static void
pass_worker (QeWorker *worker, void *data)
{
  const Pass *p = data;
  for (size_t i = 0; i < p->sample->n; i++) {
    const QeWeight *w = &p->sample->weights[i];
    const QeProduct product = { w->data, w->type, w->rows, p->y, w->rows, NULL };
    qe_matmul (p->matmul, worker, &product, 1, p->x, w->columns, w->columns, 1);
  }
}

static bool
is_cancelled (const QeControl *control)
{
  return control && control->cancelled && control->cancelled (control->data);
}

/* Sets *best to a place in distances[]; false: cancelled. The fastest of several rounds counts: one that others disturbed shows less
 * than there is, and none shows more. */
static bool
measure (QePool *pool, Pass *pass, QeType type, const QeControl *control, double rates[N_DISTANCES], size_t *best)
{
  double least[N_DISTANCES];
  size_t usual = 0;
  if (is_cancelled (control))
    return false;
  qe_pool_run (pool, pass_worker, pass); /* brings the pages in */
  for (size_t round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < N_DISTANCES; i++) {
      if (is_cancelled (control))
        return false;
      qe_tuning_set_ahead (type, distances[i]);
      const double start = qe_clock_seconds ();
      qe_pool_run (pool, pass_worker, pass);
      const double seconds = qe_clock_seconds () - start;
      least[i] = round == 0 || seconds < least[i] ? seconds : least[i];
    }
  for (size_t i = 0; i < N_DISTANCES; i++) {
    rates[i] = (double) pass->sample->bytes / least[i];
    usual = distances[i] == qe_kernels ()->ahead[type] ? i : usual;
  }
  *best = usual;
  for (size_t i = 0; i < N_DISTANCES; i++)
    if (rates[i] > rates[*best] && rates[i] > GAIN * rates[usual])
      *best = i;
  return true;
}

typedef struct {
  QePool *pool;
  const QeControl *control;
  void (*tried) (void *data, const QeTuneTrial *trial);
  void *data;
} Tuning;

static QeStatus
tune_format (const Tuning *t, const Sample *sample, QeType type, size_t *ahead, QeError *err)
{
  Pass pass = { .sample = sample };
  double rates[N_DISTANCES];
  size_t best = 0;
  QeStatus status = qe_matmul_new (&pass.matmul, qe_pool_threads (t->pool), sample->most_columns, 1, err);
  pass.x = malloc (sample->most_columns * sizeof *pass.x);
  pass.y = malloc (sample->most_rows * sizeof *pass.y);
  if (status == QE_OK && (!pass.x || !pass.y))
    status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to measure the weights' speed.");
  for (size_t i = 0; status == QE_OK && i < sample->most_columns; i++)
    pass.x[i] = (float) (i % 17) - 8;
  if (status == QE_OK && !measure (t->pool, &pass, type, t->control, rates, &best))
    status = qe_fail (err, QE_ERROR_CANCELLED, "Cancelled.");
  if (status == QE_OK)
    *ahead = distances[best];
  for (size_t i = 0; status == QE_OK && t->tried && i < N_DISTANCES; i++)
    t->tried (t->data, &(QeTuneTrial) { .format = qe_type_traits (type)->name,
                                        .ahead = distances[i],
                                        .bytes_per_second = rates[i],
                                        .chosen = i == best,
                                        .by_default = distances[i] == qe_kernels ()->ahead[type] });
  qe_matmul_free (pass.matmul);
  free (pass.x);
  free (pass.y);
  return status;
}

QeStatus
qe_model_tune (QeModel *model, unsigned n_threads, const QeControl *control,
               void (*tried) (void *data, const QeTuneTrial *trial), void *data, QeError *err)
{
  Tuning t = { .control = control, .tried = tried, .data = data };
  size_t before[QE_N_TYPES], ahead[QE_N_TYPES];
  bool found[QE_N_TYPES] = { false };
  QeStatus status = qe_pool_new (&t.pool, n_threads, err);
  for (uint32_t type = 0; type < QE_N_TYPES; type++)
    before[type] = qe_tuning_is_measured (type) ? qe_tuning_ahead (type) : QE_AHEAD_UNKNOWN;
  for (uint32_t type = 0; status == QE_OK && type < QE_N_TYPES; type++) {
    Sample sample;
    if (!qe_kernels ()->ahead[type])
      continue;
    if (!take_sample (&sample, &model->weights, type))
      status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to measure the weights' speed.");
    else if (sample.bytes >= LEAST_BYTES) {
      status = tune_format (&t, &sample, type, &ahead[type], err);
      found[type] = true;
    }
    free (sample.weights);
  }
  for (uint32_t type = 0; type < QE_N_TYPES; type++)
    if (found[type])
      qe_tuning_set_ahead (type, status == QE_OK ? ahead[type] : before[type]);
  qe_pool_free (t.pool);
  return status;
}

bool
qe_model_is_tuned (QeModel *model)
{
  bool all = true;
  for (uint32_t type = 0; all && type < QE_N_TYPES; type++) {
    Sample sample = { 0 };
    if (qe_kernels ()->ahead[type] && !qe_tuning_is_measured (type) && take_sample (&sample, &model->weights, type))
      all = sample.bytes < LEAST_BYTES;
    free (sample.weights);
  }
  return all;
}
