/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A context: its contents, and how rows get into it. qe-step.c takes tokens out of it. */
#include "context/qe-context-private.h"

#include <stdlib.h>

#include "cpu/qe-clock.h"
#include "qe-error.h"

#define DEFAULT_CONTEXT 4096
#define MAX_THREADS 256

/* ---- the object ------------------------------------------------------------------------------------------------ */

static QeStatus
check_params (const QeModel *model, QeContextParams *p, QeError *err)
{
  const uint32_t trained = model->info.n_ctx_train;
  if (!p->n_ctx)
    p->n_ctx = trained < DEFAULT_CONTEXT ? trained : DEFAULT_CONTEXT;
  if (p->n_ctx > trained)
    return qe_fail (err, QE_ERROR_ARGUMENT, "A context of %u tokens is longer than the %u that this model can use.",
                    p->n_ctx, trained);
  if (!p->n_threads)
    p->n_threads = qe_cpu_default_threads ();
  if (p->n_threads > MAX_THREADS)
    return qe_fail (err, QE_ERROR_ARGUMENT, "At most %d threads can be used.", MAX_THREADS);
  return QE_OK;
}

QeStatus
qe_context_new (QeContext **out, QeModel *model, const QeContextParams *params, QeError *err)
{
  QeContextParams p = params ? *params : (QeContextParams) { 0 };
  QeStatus status = check_params (model, &p, err);
  const QeGraphParams graph = { p.n_threads, p.speculative ? QE_DEFER_MAX : 1, p.sketch && model->info.sketch_bytes,
                                p.speculative };
  QeContext *c;
  if (status != QE_OK)
    return status;
  c = calloc (1, sizeof *c);
  if (!c)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a context.");
  c->model = qe_model_ref (model);
  c->ready = -1;
  c->speculative = p.speculative;
  qe_drafter_reset (&c->lookup);
  qe_drafter_reset (&c->prediction);
  c->keys = calloc (p.n_ctx, sizeof *c->keys);
  status = c->keys ? QE_OK : qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a context.");
  if (status == QE_OK)
    status = qe_cache_init (&c->cache, &model->config, p.n_ctx, p.kv_type, p.speculative && model->weights.mtp, err);
  if (status == QE_OK)
    status = qe_checkpoints_init (&c->checkpoints, &c->cache, model->weights.n_vocab, p.checkpoint_bytes, err);
  if (status == QE_OK)
    status = qe_graph_new (&c->graph, model, &c->cache, &graph, err);
  if (status != QE_OK) {
    qe_context_free (c);
    return status;
  }
  *out = c;
  return QE_OK;
}

void
qe_context_free (QeContext *context)
{
  if (!context)
    return;
  qe_graph_free (context->graph);
  qe_checkpoints_clear (&context->checkpoints);
  qe_cache_clear (&context->cache);
  free (context->keys);
  qe_model_free (context->model);
  free (context);
}

uint32_t
qe_context_size (const QeContext *context)
{
  return context->cache.n_ctx;
}

unsigned
qe_context_threads (const QeContext *context)
{
  return qe_graph_threads (context->graph);
}

size_t
qe_context_length (const QeContext *context)
{
  return context->length;
}

QeStatus
qe_context_complete (QeContext *context, QeError *err)
{
  const bool missing = context->rough && context->ready >= 0;
  context->rough = false;
  return missing ? qe_graph_complete (context->graph, (uint32_t) context->ready, err) : QE_OK;
}

const float *
qe_context_logits (QeContext *context)
{
  if (qe_context_complete (context, NULL) != QE_OK)
    context->ready = -1;
  return context->ready < 0 ? NULL : qe_graph_logits (context->graph, (uint32_t) context->ready);
}

/* ---- going back ------------------------------------------------------------------------------------------------ */

void
qe_context_empty (QeContext *context)
{
  qe_cache_forget (&context->cache);
  qe_graph_mtp_forget (context->graph);
  qe_checkpoints_drop_after (&context->checkpoints, 0);
  context->length = context->next_position = 0;
  context->ready = -1;
}

void
qe_context_rewind (QeContext *context, uint32_t length, bool need_logits)
{
  const QeCheckpoint *item = qe_checkpoints_find (&context->checkpoints, length, need_logits);
  if (!item) {
    qe_context_empty (context);
    return;
  }
  qe_graph_mtp_forget (context->graph);
  qe_checkpoints_restore (&context->checkpoints, item, &context->cache, qe_graph_logits (context->graph, 0));
  context->length = item->length;
  context->next_position = item->next_position;
  context->ready = item->has_logits ? 0 : -1;
  context->rough = false;
}

/* ---- rows in --------------------------------------------------------------------------------------------------- */

/* Returns the end of the next batch: the end of the rows, the next checkpoint, or the largest batch. */
static size_t
batch_end (const QeContext *c, const QeEvaluation *e, size_t at)
{
  const size_t most = at + qe_graph_batch_size (c->graph);
  size_t end = most < e->n ? most : e->n;
  if (!e->checkpoints)
    return end;
  for (size_t i = 0; i < e->n_marks; i++)
    if (e->marks[i] > c->length && e->marks[i] - c->length < end - at) {
      end = at + (e->marks[i] - c->length);
      break;
    }
  return end;
}

static void
take_checkpoint (QeContext *c, const QeEvaluation *e, const QeRow *next)
{
  const uint32_t position = next ? next->position[0] : e->next_position;
  const uint32_t since = c->length - qe_checkpoints_last_length (&c->checkpoints);
  QeCheckpointKind kind = QE_CHECKPOINT_PERIODIC;
  for (size_t i = 0; i < e->n_marks; i++)
    if (e->marks[i] == c->length)
      kind = QE_CHECKPOINT_MARK;
  if (!next && since > 32)
    kind = kind == QE_CHECKPOINT_MARK ? kind : QE_CHECKPOINT_END;
  if (kind == QE_CHECKPOINT_PERIODIC && since < QE_CHECKPOINT_INTERVAL)
    return;
  qe_graph_settle (c->graph);
  qe_checkpoints_take (&c->checkpoints, &c->cache, kind, c->length, position,
                       next || c->ready < 0 ? NULL : qe_graph_logits (c->graph, (uint32_t) c->ready));
}

static QeStatus
evaluate_batch (QeContext *c, const QeEvaluation *e, size_t first, size_t end, const QeControl *control, QeError *err)
{
  const bool logits = end == e->n && e->with_logits;
  const QeBatch batch = { .rows = e->rows + first,
                          .n = (uint32_t) (end - first),
                          .start = c->length,
                          .n_logits = logits,
                          .sketch = logits && e->sketch,
                          .control = control };
  const QeStatus status = qe_graph_run (c->graph, &batch, err);
  if (status != QE_OK)
    return status;
  if (!e->keep_hidden)
    qe_graph_mtp_learn (c->graph, e->rows + first, batch.n, c->length);
  for (size_t i = first; i < end; i++)
    c->keys[c->length++] = e->rows[i].key;
  c->ready = logits ? 0 : -1;
  c->rough = batch.sketch;
  c->next_position = end < e->n ? e->rows[end].position[0] : e->next_position;
  if (e->checkpoints)
    take_checkpoint (c, e, end < e->n ? &e->rows[end] : NULL);
  return QE_OK;
}

QeStatus
qe_context_evaluate (QeContext *context, const QeEvaluation *e, const QeControl *control, QeError *err)
{
  QeStatus status = QE_OK;
  for (size_t at = 0; status == QE_OK && at < e->n;) {
    const size_t end = batch_end (context, e, at);
    if (control && control->cancelled && control->cancelled (control->data))
      return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
    status = evaluate_batch (context, e, at, end, control, err);
    at = end;
    if (status == QE_OK && control && control->progress)
      control->progress (control->data, at, e->n);
  }
  if (status != QE_OK) /* the recurrent state is partly updated */
    qe_context_rewind (context, context->length, false);
  return status;
}

/* ---- prompts --------------------------------------------------------------------------------------------------- */

static QeStatus
check_prompt (const QeContext *c, const QePrompt *prompt, QeError *err)
{
  const QeModelInfo *info = &c->model->info;
  if (!prompt->n)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The prompt is empty.");
  if (prompt->n > c->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The prompt has %zu tokens, %zu more than the context of %u holds.",
                    prompt->n, prompt->n - c->cache.n_ctx, c->cache.n_ctx);
  if (prompt->n_images && prompt->n_embd != info->n_embd)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The pictures were prepared for another model.");
  for (size_t i = 0; i < prompt->n; i++)
    if (!prompt->rows[i].embedding && (uint32_t) prompt->rows[i].token >= info->n_vocab)
      return qe_fail (err, QE_ERROR_ARGUMENT, "The prompt holds the token %d, which this model does not have.",
                      prompt->rows[i].token);
  return QE_OK;
}

static uint32_t
common_length (const QeContext *c, const QePrompt *prompt)
{
  uint32_t n = 0;
  while (n < c->length && n < prompt->n && c->keys[n] == prompt->rows[n].key)
    n++;
  return n;
}

/* Keeps the longest beginning of the prompt that is in the cache and can be returned to. */
static void
keep_common (QeContext *c, const QePrompt *prompt)
{
  const uint32_t common = common_length (c, prompt);
  const bool whole = common == prompt->n;
  qe_checkpoints_drop_after (&c->checkpoints, common);
  if (common < c->length || (whole && c->ready < 0))
    qe_context_rewind (c, common, whole);
}

QeStatus
qe_context_prefill (QeContext *context, const QePrompt *prompt, const QeControl *control, QePrefillStats *stats,
                    QeError *err)
{
  const double start = qe_clock_seconds ();
  QeStatus status = check_prompt (context, prompt, err);
  uint32_t reused;
  if (status != QE_OK)
    return status;
  keep_common (context, prompt);
  reused = context->length;
  status = qe_context_evaluate (context,
                                &(QeEvaluation) { .rows = prompt->rows + reused,
                                                  .n = prompt->n - reused,
                                                  .next_position = prompt->next_position,
                                                  .with_logits = true,
                                                  .marks = prompt->marks,
                                                  .n_marks = prompt->n_marks,
                                                  .checkpoints = true },
                                control, err);
  if (stats)
    *stats = (QePrefillStats) { prompt->n, prompt->n - reused, reused, qe_clock_seconds () - start };
  return status;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

QeStatus
qe_context_evaluate_tokens (QeContext *c, const int32_t *tokens, size_t n, bool sketch, const QeControl *control,
                            QeError *err)
{
  QeRow fixed[QE_STEP_MAX], *rows = n <= QE_STEP_MAX ? fixed : malloc (n * sizeof *rows);
  QeStatus status;
  if (!rows)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tokens to append.");
  for (size_t i = 0; i < n; i++)
    rows[i] = qe_row_of_token (tokens[i], c->next_position + (uint32_t) i);
  status = qe_context_evaluate (c,
                                &(QeEvaluation) { .rows = rows,
                                                  .n = n,
                                                  .with_logits = true,
                                                  .sketch = sketch,
                                                  .next_position = c->next_position + (uint32_t) n },
                                control, err);
  if (rows != fixed)
    free (rows);
  return status;
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
  return n ? qe_context_evaluate_tokens (context, tokens, n, false, control, err) : QE_OK;
}
