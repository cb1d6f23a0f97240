/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens out of a context, one step after the other. */
#include "cache/qe-context-private.h"

#include "qe-error.h"
#include "tokenizer/qe-tokenizer.h"

static QeStatus
check_ready (const QeContext *c, QeError *err)
{
  if (c->ready < 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The context has no prompt to continue.");
  if (c->length >= c->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The context of %u tokens is full.", c->cache.n_ctx);
  return QE_OK;
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
  status = qe_context_evaluate_tokens (context, &token, 1, NULL, err);
  if (status != QE_OK)
    return status;
  qe_sampler_accept (sampler, token);
  context->stats.steps++;
  *n = 1;
  return QE_OK;
}

void
qe_context_decode_stats (const QeContext *context, QeDecodeStats *out)
{
  *out = context->stats;
}
