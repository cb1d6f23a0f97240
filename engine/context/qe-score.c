/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Computes the logits of every row of a given text, for perplexity and for comparing models. */
#include "context/qe-context-private.h"

#include <stdlib.h>

#include "qe-error.h"

#define SCORE_ROWS 32 /* number of rows whose logits are computed together */

/* Passes on the logits of the rows [first, end) of the last batch, whose row 0 is row `base` of the text. */
static QeStatus
hand_over (QeContext *c, size_t base, uint32_t first, uint32_t end, QeScoreFunc func, void *data, bool *stopped,
           QeError *err)
{
  for (uint32_t at = first; at < end && !*stopped;) {
    const uint32_t n = end - at < SCORE_ROWS ? end - at : SCORE_ROWS;
    const QeStatus status = qe_graph_head (c->graph, at, n, err);
    if (status != QE_OK)
      return status;
    for (uint32_t i = 0; i < n && !*stopped; i++)
      *stopped = !func (data, base + at + i, qe_graph_logits (c->graph, i));
    at += n;
  }
  return QE_OK;
}

static QeStatus
score_rows (QeContext *c, const QeRow *rows, size_t n, size_t first, QeScoreFunc func, void *data,
            const QeControl *control, QeError *err)
{
  const uint32_t size = qe_graph_batch_size (c->graph);
  QeStatus status = QE_OK;
  bool stopped = false;
  for (size_t base = 0; status == QE_OK && base < n && !stopped; base += size) {
    const uint32_t count = n - base < size ? (uint32_t) (n - base) : size;
    const QeEvaluation e = {
      .rows = rows + base, .n = count, .next_position = (uint32_t) (base + count), .keep_hidden = true
    };
    status = qe_context_evaluate (c, &e, control, err);
    if (status == QE_OK && first < base + count)
      status = hand_over (c, base, first > base ? (uint32_t) (first - base) : 0, count, func, data, &stopped, err);
  }
  return status;
}

QeStatus
qe_context_score (QeContext *context, const int32_t *tokens, size_t n, size_t first, QeScoreFunc func, void *data,
                  const QeControl *control, QeError *err)
{
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
  status = score_rows (context, rows, n, first, func, data, control, err);
  free (rows);
  context->ready = -1; /* the graph's logits belong to some other row */
  return status;
}
