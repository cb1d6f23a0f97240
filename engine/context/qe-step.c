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

/* ---- steps ----------------------------------------------------------------------------------------------------- */

/* Chooses the token of a step, tokens[0]. QE_END: it ends generation, and the step is done. */
static QeStatus
begin_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n, QeError *err)
{
  QeStatus status;
  *n = 0;
  if (context->ready < 0)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The context has no prompt to continue.");
  if (context->length >= context->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The context of %u tokens is full.", context->cache.n_ctx);
  if (control && control->cancelled && control->cancelled (control->data))
    return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
  status = pick (context, sampler, (uint32_t) context->ready, tokens, err);
  if (status == QE_OK && qe_token_ends_generation (context->model, tokens[0])) {
    qe_sampler_accept (sampler, tokens[0]);
    *n = 1;
    return QE_END;
  }
  return status;
}

/* Evaluates tokens[0], and with it what is drafted behind it. */
static QeStatus
finish_step (QeContext *context, QeSampler *sampler, int32_t *tokens, size_t *n, QeError *err)
{
  QeDrafter *drafter = NULL;
  size_t drafted;
  const double start = qe_clock_seconds ();
  QeStatus status = draft (context, sampler, tokens, &drafter, &drafted, err);
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

QeStatus
qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                 QeError *err)
{
  const QeStatus status = begin_step (context, sampler, control, tokens, n, err);
  return status == QE_OK ? finish_step (context, sampler, tokens, n, err) : status;
}

/* ---- steps of several contexts --------------------------------------------------------------------------------- */

_Static_assert (QE_STEPS_TOGETHER <= QE_DEFER_MAX, "rows of several contexts give the bits that they give alone");

/* A pass with the chosen tokens of at least two contexts, of which the first has the longest cache. */
static void
pass_together (QeContextStep *const *steps, uint32_t n)
{
  QeContext *leader = steps[0]->context;
  QeRow rows[QE_STEPS_TOGETHER];
  QeRowHome homes[QE_STEPS_TOGETHER];
  bool rough = true;
  for (uint32_t i = 0; i < n; i++) {
    QeContext *c = steps[i]->context;
    rows[i] = qe_row_of_token (steps[i]->tokens[0], c->next_position);
    homes[i] = (QeRowHome) { .graph = c->graph, .at = c->length, .rough = &c->rough.rows };
    rough = may_sketch (c, steps[i]->sampler) && rough;
  }
  const QeBatch batch = {
    .rows = rows, .n = n, .n_logits = n, .homes = homes, .rough = rough ? qe_rough_rows (&leader->rough) : NULL
  };
  QeError err = { 0 };
  const QeStatus status = qe_graph_run (leader->graph, &batch, &err);
  for (uint32_t i = 0; i < n; i++) {
    QeContextStep *s = steps[i];
    QeContext *c = s->context;
    s->status = status;
    s->error = err;
    if (status == QE_OK && !homes[i].finite)
      s->status = qe_graph_fail_numeric (&s->error);
    if (s->status != QE_OK) { /* the recurrent state has the row already */
      qe_context_rewind (c, c->length, false);
      continue;
    }
    qe_prediction_learn (&c->prediction, &rows[i], 1, c->length);
    c->row_ids[c->length++] = rows[i].id;
    c->next_position++;
    c->ready = 0;
    c->is_rough = rough;
    c->stats.steps++;
    c->stats.sketched += rough;
    qe_sampler_accept (s->sampler, s->tokens[0]);
    s->n = 1;
  }
  if (status == QE_OK && qe_sampler_wants_few (steps[0]->sampler))
    qe_rough_advance (&leader->rough);
}

static QeStatus
check_fits (const QeContextStep *steps, size_t i, QeError *err)
{
  for (size_t k = 0; k < i; k++)
    if (steps[k].context == steps[i].context)
      return qe_fail (err, QE_ERROR_ARGUMENT, "A context can make only one step at a time.");
  if (steps[i].context->model != steps[0].context->model)
    return qe_fail (err, QE_ERROR_ARGUMENT, "Contexts of different models cannot make a step together.");
  return QE_OK;
}

/* At most QE_STEPS_TOGETHER. */
static void
step_together (QeContextStep *steps, size_t n)
{
  QeContextStep *left[QE_STEPS_TOGETHER];
  uint32_t n_left = 0;
  for (size_t i = 0; i < n; i++) {
    QeContextStep *s = &steps[i];
    s->n = 0;
    s->status = check_fits (steps, i, &s->error);
    if (s->status == QE_OK)
      s->status = begin_step (s->context, s->sampler, s->control, s->tokens, &s->n, &s->error);
    if (s->status != QE_OK)
      continue;
    left[n_left++] = s;
    if (s->context->cache.n_ctx > left[0]->context->cache.n_ctx) {
      left[n_left - 1] = left[0];
      left[0] = s;
    }
  }
  if (n_left == 1)
    left[0]->status = finish_step (left[0]->context, left[0]->sampler, left[0]->tokens, &left[0]->n, &left[0]->error);
  else if (n_left > 1)
    pass_together (left, n_left);
}

void
qe_contexts_step (QeContextStep *steps, size_t n)
{
  for (size_t at = 0; at < n; at += QE_STEPS_TOGETHER)
    step_together (steps + at, n - at < QE_STEPS_TOGETHER ? n - at : QE_STEPS_TOGETHER);
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
