/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-prediction.h"

#include <stdlib.h>
#include <string.h>

#include "qe-error.h"

size_t
qe_prediction_bytes (uint32_t n_embd, uint32_t batch_size)
{
  return batch_size * (sizeof (QeRow) + n_embd * sizeof (float)) + n_embd * sizeof (float);
}

QeStatus
qe_prediction_init (QePrediction *out, QeGraph *graph, QeRough *rough, const QeModel *model, QeError *err)
{
  const size_t batch_size = qe_graph_batch_size (graph), n_embd = model->config.n_embd;
  QePrediction p = { .graph = graph, .rough = rough, .weights = &model->weights, .n_embd = n_embd };
  QeStatus status = QE_OK;
  p.rows = calloc (batch_size, sizeof *p.rows);
  p.hidden = calloc (batch_size * n_embd, sizeof *p.hidden);
  p.last = calloc (n_embd, sizeof *p.last);
  if (!p.rows || !p.hidden || !p.last)
    status = qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's buffers.");
  if (status == QE_OK && rough->sketch)
    status = qe_sampler_new (&p.greedy, &(QeSamplerParams) { .temperature = 0, .top_p = 1, .repetition_penalty = 1 },
                             err);
  if (status == QE_OK)
    *out = p;
  else
    qe_prediction_clear (&p);
  return status;
}

void
qe_prediction_clear (QePrediction *prediction)
{
  qe_sampler_free (prediction->greedy);
  free (prediction->rows);
  free (prediction->hidden);
  free (prediction->last);
  *prediction = (QePrediction) { 0 };
}

void
qe_prediction_forget (QePrediction *prediction)
{
  if (prediction->rows)
    memset (prediction->last, 0, prediction->n_embd * sizeof (float));
}

/* The block's pass over rows and hidden, which go to slots from `slot` on; rough is NULL for whole logits. */
static void
predict (QePrediction *p, uint32_t n, uint32_t slot, bool with_logits, QeRoughRows *rough)
{
  for (uint32_t i = 0; i < n; i++)
    for (int axis = 0; axis < 3; axis++)
      p->rows[i].position[axis] = slot + i;
  qe_graph_predict (p->graph, &(QeBatch) {
                                  .rows = p->rows,
                                  .n = n,
                                  .start = slot,
                                  .n_logits = with_logits,
                                  .rough = rough,
                                  .hidden = p->hidden,
                              });
}

void
qe_prediction_learn (QePrediction *prediction, const QeRow *rows, uint32_t n, uint32_t start)
{
  QePrediction *p = prediction;
  const size_t n_embd = p->n_embd, bytes = n_embd * sizeof (float);
  const uint32_t first = start == 0; /* nothing comes before the first row of all */
  if (!p->rows || !n)
    return;
  memcpy (p->hidden, p->last, bytes);
  memcpy (p->hidden + n_embd, qe_graph_hidden (p->graph, 0), (n - 1) * bytes);
  memcpy (p->last, qe_graph_hidden (p->graph, n - 1), bytes);
  if (first)
    memmove (p->hidden, p->hidden + n_embd, (n - 1) * bytes);
  memcpy (p->rows, rows + first, (n - first) * sizeof *rows);
  if (n > first)
    predict (p, n - first, start + first - 1, false, NULL);
}

/* Returns the most probable token, which is found from rough logits, too. */
static int32_t
most_probable (QePrediction *p, bool is_rough)
{
  const uint32_t n_vocab = p->weights->n_vocab;
  const float *logits = qe_graph_logits (p->graph, 0);
  int32_t token;
  if (is_rough) {
    QeRoughLogits rough;
    qe_rough_logits (p->rough, 0, &rough);
    if (qe_sampler_pick_rough (p->greedy, &rough, n_vocab, NULL, &token))
      return token;
    qe_rough_complete (p->rough, 0, NULL);
  }
  const float max = qe_kernels ()->max (logits, n_vocab);
  for (uint32_t i = 0; i < n_vocab; i++)
    if (logits[i] == max)
      return (int32_t) i;
  return 0;
}

QeStatus
qe_prediction_draft (QePrediction *prediction, int32_t token, uint32_t length, int32_t *out, uint32_t n, QeError *err)
{
  QePrediction *p = prediction;
  const QeKernels *kernels = qe_kernels ();
  const bool own_head = p->weights->mtp->head.data != p->weights->head.data; /* it has no sketch */
  const float *hidden = qe_graph_hidden (p->graph, 0);
  memcpy (p->hidden, p->last, p->n_embd * sizeof (float));
  for (uint32_t i = 0; i < n; i++) {
    QeRoughRows *rough = own_head ? NULL : qe_rough_rows (p->rough);
    p->rows[0] = (QeRow) { .token = token };
    predict (p, 1, length - 1 + i, true, rough);
    /* A head that is shared was looked at when the trunk's logits were; one of its own is looked at here. */
    if (!kernels->is_finite (hidden, p->n_embd)
        || (own_head && !kernels->is_finite (qe_graph_logits (p->graph, 0), p->weights->n_vocab)))
      return qe_graph_fail_numeric (err);
    memcpy (p->hidden, hidden, p->n_embd * sizeof (float));
    token = out[i] = most_probable (p, rough != NULL);
  }
  return QE_OK;
}
