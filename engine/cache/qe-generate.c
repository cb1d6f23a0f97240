/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens out of a context. */
#include "cache/qe-context-private.h"

#include <stdlib.h>

#include "qe-error.h"
#include "tokenizer/qe-tokenizer.h"

#define SCORE_ROWS 32 /* whose logits are worked out together */

static QeStatus
check_ready (const QeContext *c, QeError *err)
{
  if (c->ready < 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The context has no prompt to continue.");
  if (c->length >= c->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The context of %u tokens is full.", c->cache.n_ctx);
  return QE_OK;
}

/* Evaluates tokens behind the cache, leaving logits ready. */
static QeStatus
evaluate_tokens (QeContext *c, const int32_t *tokens, size_t n, const QeControl *control, QeError *err)
{
  QeRow fixed[QE_STEP_MAX], *rows = n <= QE_STEP_MAX ? fixed : malloc (n * sizeof *rows);
  QeStatus status;
  if (!rows)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tokens to append.");
  for (size_t i = 0; i < n; i++)
    rows[i] = qe_row_of_token (tokens[i], c->next_position + (uint32_t) i);
  status = qe_context_evaluate (c,
                                &(QeEvaluation) { .rows = rows, .n = n, .with_logits = true,
                                                  .next_position = c->next_position + (uint32_t) n },
                                control, err);
  if (rows != fixed)
    free (rows);
  return status;
}

QeStatus
qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                 QeError *err)
{
  QeStatus status = check_ready (context, err);
  int32_t token;
  *n = 0;
  if (status != QE_OK)
    return status;
  if (control && control->cancelled && control->cancelled (control->data))
    return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
  token = qe_sampler_pick (sampler, qe_context_logits (context), context->model->weights.n_vocab,
                           qe_tokenizer_allowed (context->model->tokenizer));
  if (token < 0 || (uint32_t) token >= context->model->weights.n_vocab)
    return qe_fail (err, QE_ERROR_NUMERIC, "No token could be chosen from the model's result.");
  tokens[0] = token;
  if (qe_token_ends_generation (context->model, token)) {
    qe_sampler_accept (sampler, token);
    *n = 1;
    return QE_END;
  }
  status = evaluate_tokens (context, &token, 1, NULL, err);
  if (status != QE_OK)
    return status;
  qe_sampler_accept (sampler, token);
  context->stats.steps++;
  *n = 1;
  return QE_OK;
}

QeStatus
qe_context_append (QeContext *context, const int32_t *tokens, size_t n, const QeControl *control, QeError *err)
{
  for (size_t i = 0; i < n; i++)
    if ((uint32_t) tokens[i] >= context->model->weights.n_vocab)
      return qe_fail (err, QE_ERROR_ARGUMENT, "The token %d does not exist in this model.", tokens[i]);
  if (n > context->cache.n_ctx - context->length)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The context has room for %u more tokens, not for %zu.",
                    context->cache.n_ctx - context->length, n);
  return n ? evaluate_tokens (context, tokens, n, control, err) : QE_OK;
}

void
qe_context_decode_stats (const QeContext *context, QeDecodeStats *out)
{
  *out = context->stats;
}

/* ---- scoring --------------------------------------------------------------------------------------------------- */

/* Hands over the logits of rows [first, end) of the last batch, whose row 0 is row `base` of the text. */
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
    const QeEvaluation e = { .rows = rows + base, .n = count, .next_position = (uint32_t) (base + count) };
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
  context->ready = -1; /* the graph's logits are of some row or other */
  return status;
}
