/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Takes tokens out of a context, one step after another. */
#include "context/qe-context-private.h"

#include "cpu/qe-clock.h"
#include "qe-error.h"
#include "sampler/qe-sampler.h"
#include "format/tokenizer/qe-tokenizer.h"

/* If the sketch could not separate the logits, this many steps do without it, so that a text where every token is
 * possible costs hardly more than without a sketch. */
#define WHOLE_STEPS 32

static bool
may_sketch (QeContext *c, const QeSampler *sampler)
{
  if (c->whole_steps) {
    c->whole_steps--;
    return false;
  }
  return qe_sampler_wants_few (sampler) && qe_rough_rows (&c->rough);
}

/* Lets the sampler choose from the i-th logits. */
static QeStatus
pick (QeContext *c, QeSampler *sampler, uint32_t i, int32_t *token, QeError *err)
{
  const uint32_t n_vocab = c->model->weights.n_vocab;
  const uint8_t *allowed = qe_tokenizer_allowed (c->model->tokenizer);
  QeStatus status = QE_OK;
  bool picked = false;
  if (c->is_rough) {
    QeRoughLogits rough;
    qe_rough_logits (&c->rough, i, &rough);
    picked = qe_sampler_pick_rough (sampler, &rough, n_vocab, allowed, token);
  }
  if (c->is_rough && !picked) { /* rough logits are not enough */
    c->whole_steps = WHOLE_STEPS;
    status = qe_rough_complete (&c->rough, i, err);
  }
  if (!picked)
    *token = qe_sampler_pick (sampler, qe_graph_logits (c->graph, i), n_vocab, allowed);
  if (status == QE_OK)
    status = qe_sampler_problem (sampler, err);
  if (status == QE_OK && (*token < 0 || (uint32_t) *token >= n_vocab))
    status = qe_fail (err, QE_ERROR_NUMERIC, "No token could be chosen from the model's result.");
  return status;
}

/* ---- steps with a draft ---------------------------------------------------------------------------------------- */

/* Writes what may follow tokens[0] to tokens[1 …] and its length to *n. None of it ends generation. *drafter is who guessed. */
static QeStatus
draft (QeContext *c, const QeSampler *sampler, int32_t *tokens, QeDrafter **drafter, size_t *n, QeError *err)
{
  const size_t room = c->cache.n_ctx - c->length - 1, max = room < QE_DEFER_MAX - 1 ? room : QE_DEFER_MAX - 1;
  size_t found;
  QeStatus status = QE_OK;
  *n = 0;
  if (!c->speculative || c->one_by_one || c->plain_cost <= 0)
    return QE_OK;
  *drafter = &c->lookup_drafter;
  found = qe_draft_lookup (c->row_ids, c->length, tokens[0], c->model->weights.n_vocab, tokens + 1, max);
  if (found)
    found = qe_drafter_length (*drafter, found);
  if (!found && c->prediction.rows) {
    *drafter = &c->prediction_drafter;
    found = qe_drafter_length (*drafter, max);
    status = qe_prediction_draft (&c->prediction, tokens[0], c->length, tokens + 1, (uint32_t) found, err);
    c->ready = found ? -1 : c->ready; /* its logits took the place of the last row's */
  }
  while (status == QE_OK && *n < found && !qe_token_ends_generation (c->model, tokens[*n + 1]))
    (*n)++;
  if (*n)
    found = qe_sampler_admits (sampler, tokens, *n + 1); /* a grammar may rule out what comes next */
  *n = *n && found ? found - 1 : 0;
  return status;
}

/* Evaluates tokens[0] and the draft behind it, and keeps the rows that are right. The next step chooses the next token,
 * from the logits of the last row that is kept. */
static QeStatus
verify (QeContext *c, QeSampler *sampler, const int32_t *tokens, size_t drafted, size_t *n, QeError *err)
{
  QeRow rows[QE_DEFER_MAX];
  const uint32_t n_rows = (uint32_t) drafted + 1;
  const QeBatch batch = { .rows = rows,
                          .n = n_rows,
                          .start = c->length,
                          .n_logits = n_rows,
                          .defer = true,
                          .rough = may_sketch (c, sampler) ? qe_rough_rows (&c->rough) : NULL };
  size_t accepted = 0;
  QeStatus status;
  for (uint32_t i = 0; i < n_rows; i++)
    rows[i] = qe_row_of_token (tokens[i], c->next_position + i);
  status = qe_graph_run (c->graph, &batch, err);
  if (status != QE_OK) {
    c->ready = -1; /* the earlier logits are gone, but the state is as before */
    return status;
  }
  c->is_rough = batch.rough != NULL;
  qe_sampler_accept (sampler, tokens[0]);
  for (; accepted < drafted; accepted++) { /* as long as the sampler chooses the drafted token, too */
    int32_t token;
    status = pick (c, sampler, (uint32_t) accepted, &token, err);
    if (status != QE_OK || token != tokens[accepted + 1])
      break;
    qe_sampler_accept (sampler, token);
  }
  qe_graph_commit (c->graph, (uint32_t) accepted + 1);
  qe_prediction_learn (&c->prediction, rows, (uint32_t) accepted + 1, c->length);
  for (size_t i = 0; i <= accepted; i++)
    c->row_ids[c->length++] = rows[i].id;
  c->next_position += (uint32_t) accepted + 1;
  c->ready = (int32_t) accepted;
  *n = accepted + 1;
  return status;
}

QeStatus
qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                 QeError *err)
{
  QeDrafter *drafter = NULL;
  size_t drafted;
  QeStatus status;
  *n = 0;
  if (context->ready < 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The context has no prompt to continue.");
  if (context->length >= context->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The context of %u tokens is full.", context->cache.n_ctx);
  if (control && control->cancelled && control->cancelled (control->data))
    return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
  status = pick (context, sampler, (uint32_t) context->ready, tokens, err);
  if (status != QE_OK)
    return status;
  if (qe_token_ends_generation (context->model, tokens[0])) {
    qe_sampler_accept (sampler, tokens[0]);
    *n = 1;
    return QE_END;
  }
  const double start = qe_clock_seconds ();
  status = draft (context, sampler, tokens, &drafter, &drafted, err);
  if (status == QE_OK && drafted) {
    status = verify (context, sampler, tokens, drafted, n, err);
    if (status == QE_OK) {
      qe_drafter_report (drafter, context->plain_cost, qe_clock_seconds () - start, *n - 1);
      context->stats.drafted += drafted;
      context->stats.accepted += *n - 1;
    }
  } else if (status == QE_OK) {
    const double plain_start = qe_clock_seconds ();
    status = qe_context_evaluate_tokens (context, tokens, 1, may_sketch (context, sampler), NULL, err);
    const double cost = qe_clock_seconds () - plain_start;
    if (status == QE_OK) {
      qe_sampler_accept (sampler, tokens[0]);
      context->plain_cost = context->plain_cost > 0 ? 0.8 * context->plain_cost + 0.2 * cost : cost;
      *n = 1;
    }
  }
  context->stats.steps += status == QE_OK;
  context->stats.sketched += status == QE_OK && context->is_rough;
  if (status == QE_OK && qe_sampler_wants_few (sampler))
    qe_rough_advance (&context->rough);
  return status;
}

void
qe_context_set_one_by_one (QeContext *context, bool one_by_one)
{
  context->one_by_one = one_by_one;
}

void
qe_context_decode_stats (const QeContext *context, QeDecodeStats *out)
{
  *out = context->stats;
}
