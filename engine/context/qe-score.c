/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Computes the logits of every row of a given text, for perplexity and for comparing models, and compares two rows. */
#include "context/qe-context-private.h"

#include <math.h>
#include <stdlib.h>

#include "qe-error.h"

#define ROUNDING 1e-13 /* nats; the sums of a quarter of a million terms are no more exact */
#define SCORE_ROWS 32  /* number of rows whose logits are computed together */

QeStatus
qe_context_score (QeContext *context, const int32_t *tokens, size_t n, size_t first, QeScoreFunc func, void *data,
                  const QeControl *control, QeError *err)
{
  const uint32_t size = qe_graph_batch_size (context->graph);
  QeStatus status;
  QeRow *rows;
  if (n > context->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The text has %zu tokens, %zu more than the context of %u holds.", n,
                    n - context->cache.n_ctx, context->cache.n_ctx);
  for (size_t i = 0; i < n; i++)
    if ((uint32_t) tokens[i] >= context->model->weights.n_vocab)
      return qe_fail (err, QE_ERROR_ARGUMENT, "The token %d does not exist in this model.", tokens[i]);
  qe_context_empty (context);
  status = qe_graph_reserve_logits (context->graph, SCORE_ROWS, err);
  if (status != QE_OK)
    return status;
  rows = malloc ((n ? n : 1) * sizeof *rows);
  if (!rows)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the text.");
  for (size_t i = 0; i < n; i++)
    rows[i] = qe_row_of_token (tokens[i], (uint32_t) i);
  /* The hidden vectors of a batch have to stay until its logits are worked out, so the prediction block learns nothing from it. */
  bool stopped = false;
  for (size_t base = 0; status == QE_OK && !stopped && base < n; base += size) {
    const QeBatch batch = { .rows = rows + base,
                            .n = n - base < size ? (uint32_t) (n - base) : size,
                            .start = context->length,
                            .exact = true,
                            .control = control };
    status = qe_context_run (context, &batch, (uint32_t) base + batch.n, err);
    uint32_t at = first > base ? (uint32_t) (first - base) : 0;
    while (status == QE_OK && !stopped && at < batch.n) {
      const uint32_t count = batch.n - at < SCORE_ROWS ? batch.n - at : SCORE_ROWS;
      status = qe_graph_head (context->graph, qe_graph_hidden (context->graph, at), count,
                              qe_graph_logits (context->graph, 0), err);
      for (uint32_t i = 0; status == QE_OK && !stopped && i < count; i++)
        stopped = !func (data, base + at + i, qe_graph_logits (context->graph, i));
      at += count;
    }
  }
  free (rows);
  context->ready = -1; /* the graph's logits belong to some other row */
  return status;
}

bool
qe_logits_compare (const float *p, const float *q, size_t n, QeLogitsCompared *out)
{
  const QeKernels *k = qe_kernels ();
  double sums[3];
  if (n == 0 || !k->is_finite (p, n) || !k->is_finite (q, n))
    return false;
  const float max_p = k->max (p, n), max_q = k->max (q, n);
  k->compare_rows (p, q, n, max_p, max_q, sums);
  /* With Z the sums and a, b the logits less the largest: sum of e^a / Z_p (a - ln Z_p - b + ln Z_q). */
  out->log_sum_p = max_p + log (sums[0]);
  out->log_sum_q = max_q + log (sums[1]);
  out->divergence = sums[2] / sums[0] - (log (sums[0]) - log (sums[1]));
  out->divergence = out->divergence < ROUNDING ? 0 : out->divergence;
  return true;
}
