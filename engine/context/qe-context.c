/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A context: its contents, and how rows get into it. qe-step.c takes tokens out of it. */
#include "context/qe-context-private.h"

#include <stdlib.h>

#include "cpu/qe-clock.h"
#include "qe-error.h"

#define DEFAULT_CONTEXT 4096
#define MAX_THREADS 256

/* ---- the object ------------------------------------------------------------------------------------------------ */

QeStatus
qe_context_new (QeContext **out, QeModel *model, const QeContextParams *params, QeError *err)
{
  QeContextParams p = params ? *params : (QeContextParams) { 0 };
  const uint32_t trained = model->info.n_ctx_train;
  QeStatus status;
  QeContext *c;
  if (!p.n_ctx)
    p.n_ctx = trained < DEFAULT_CONTEXT ? trained : DEFAULT_CONTEXT;
  if (p.n_ctx > trained)
    return qe_fail (err, QE_ERROR_ARGUMENT, "A context of %u tokens is longer than the %u that this model can use.",
                    p.n_ctx, trained);
  if (!p.n_threads)
    p.n_threads = qe_cpu_default_threads ();
  if (p.n_threads > MAX_THREADS)
    return qe_fail (err, QE_ERROR_ARGUMENT, "At most %d threads can be used.", MAX_THREADS);
  const QeGraphParams graph = { p.n_threads, p.speculative };
  const bool with_mtp = p.speculative && model->weights.mtp, with_sketch = p.sketch && model->info.sketch_bytes;
  c = calloc (1, sizeof *c);
  if (!c)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a context.");
  c->model = qe_model_ref (model);
  c->ready = -1;
  c->speculative = p.speculative;
  qe_drafter_reset (&c->lookup_drafter);
  qe_drafter_reset (&c->prediction_drafter);
  c->row_ids = calloc (p.n_ctx, sizeof *c->row_ids);
  status = c->row_ids ? QE_OK : qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a context.");
  if (status == QE_OK)
    status = qe_cache_init (&c->cache, &model->config, p.n_ctx, p.kv_type, with_mtp, err);
  if (status == QE_OK)
    status = qe_checkpoints_init (&c->checkpoints, &c->cache, model->weights.n_vocab, p.checkpoint_bytes, err);
  if (status == QE_OK)
    status = qe_graph_new (&c->graph, model, &c->cache, &graph, err);
  if (status == QE_OK)
    status = qe_rough_init (&c->rough, c->graph, with_sketch ? qe_model_sketch (model) : NULL, model->config.n_embd,
                            model->weights.n_vocab, err);
  if (status == QE_OK && with_mtp)
    status = qe_prediction_init (&c->prediction, c->graph, &c->rough, model, err);
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
  qe_prediction_clear (&context->prediction);
  qe_rough_clear (&context->rough);
  qe_graph_free (context->graph);
  qe_checkpoints_clear (&context->checkpoints);
  qe_cache_clear (&context->cache);
  free (context->row_ids);
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
  const bool missing = context->is_rough && context->ready >= 0;
  context->is_rough = false;
  return missing ? qe_rough_complete (&context->rough, (uint32_t) context->ready, err) : QE_OK;
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
  qe_prediction_forget (&context->prediction);
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
  qe_prediction_forget (&context->prediction);
  qe_checkpoints_restore (&context->checkpoints, item, &context->cache, qe_graph_logits (context->graph, 0));
  context->length = item->length;
  context->next_position = item->next_position;
  context->ready = item->has_logits ? 0 : -1;
  context->is_rough = false;
}

/* ---- rows in --------------------------------------------------------------------------------------------------- */

QeStatus
qe_context_run (QeContext *context, const QeBatch *batch, uint32_t next_position, QeError *err)
{
  const QeControl *control = batch->control;
  if (control && control->cancelled && control->cancelled (control->data))
    return qe_fail (err, QE_ERROR_CANCELLED, "The calculation was stopped.");
  const QeStatus status = qe_graph_run (context->graph, batch, err);
  if (status != QE_OK) { /* the recurrent state is partly updated */
    qe_context_rewind (context, context->length, false);
    return status;
  }
  for (uint32_t i = 0; i < batch->n; i++)
    context->row_ids[context->length++] = batch->rows[i].id;
  context->ready = batch->n_logits ? 0 : -1;
  context->is_rough = batch->rough != NULL;
  context->next_position = next_position;
  return QE_OK;
}

/* Takes a checkpoint behind the rows in the cache if one is due: at a mark, at the end of a prompt, or after a long stretch. */
static void
take_checkpoint (QeContext *c, const QePrompt *prompt, bool is_end)
{
  const uint32_t since = c->length - qe_checkpoints_last_length (&c->checkpoints);
  QeCheckpointKind kind = is_end && since > 32 ? QE_CHECKPOINT_END : QE_CHECKPOINT_PERIODIC;
  for (size_t i = 0; i < prompt->n_marks; i++)
    if (prompt->marks[i] == c->length)
      kind = QE_CHECKPOINT_MARK;
  if (kind == QE_CHECKPOINT_PERIODIC && since < QE_CHECKPOINT_INTERVAL)
    return;
  qe_graph_settle (c->graph);
  qe_checkpoints_take (&c->checkpoints, &c->cache, kind, c->length, c->next_position,
                       !is_end || c->ready < 0 ? NULL : qe_graph_logits (c->graph, (uint32_t) c->ready));
}

QeStatus
qe_context_evaluate (QeContext *context, const QeBatch *batch, const QePrompt *prompt, QeError *err)
{
  QeContext *c = context;
  const QeRow *rows = batch->rows;
  const QeControl *control = batch->control;
  const uint32_t most = qe_graph_batch_size (c->graph);
  for (uint32_t at = 0, end; at < batch->n; at = end) {
    const uint32_t start = c->length;
    QeBatch part = *batch;
    end = batch->n - at < most ? batch->n : at + most;
    for (size_t i = 0; prompt && i < prompt->n_marks; i++)
      if (prompt->marks[i] > start && prompt->marks[i] - start < end - at) {
        end = at + (uint32_t) prompt->marks[i] - start; /* a checkpoint is due there */
        break;
      }
    const bool is_end = end == batch->n;
    const uint32_t next = !is_end  ? rows[end].position[0]
                          : prompt ? prompt->next_position
                                   : rows[end - 1].position[0] + 1;
    part.rows = rows + at;
    part.n = end - at;
    part.start = start;
    if (!is_end) {
      part.n_logits = 0;
      part.rough = NULL;
    }
    const QeStatus status = qe_context_run (c, &part, next, err);
    if (status != QE_OK)
      return status;
    qe_prediction_learn (&c->prediction, part.rows, part.n, start);
    if (prompt)
      take_checkpoint (c, prompt, is_end);
    if (control && control->progress)
      control->progress (control->data, end, batch->n);
  }
  return QE_OK;
}

/* ---- prompts --------------------------------------------------------------------------------------------------- */

QeStatus
qe_context_prefill (QeContext *context, const QePrompt *prompt, const QeControl *control, QePrefillStats *stats,
                    QeError *err)
{
  const double start = qe_clock_seconds ();
  const QeModelInfo *info = &context->model->info;
  uint32_t reused = 0;
  if (!prompt->n)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The prompt is empty.");
  if (prompt->n > context->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The prompt has %zu tokens, %zu more than the context of %u holds.",
                    prompt->n, prompt->n - context->cache.n_ctx, context->cache.n_ctx);
  if (prompt->n_images && prompt->n_embd != info->n_embd)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The pictures were prepared for another model.");
  for (size_t i = 0; i < prompt->n; i++)
    if (!prompt->rows[i].embedding && (uint32_t) prompt->rows[i].token >= info->n_vocab)
      return qe_fail (err, QE_ERROR_ARGUMENT, "The prompt holds the token %d, which this model does not have.",
                      prompt->rows[i].token);
  while (reused < context->length && reused < prompt->n && context->row_ids[reused] == prompt->rows[reused].id)
    reused++;
  const bool whole = reused == prompt->n;
  qe_checkpoints_drop_after (&context->checkpoints, reused);
  if (reused < context->length || (whole && context->ready < 0)) { /* back to where the cache can be returned to */
    qe_context_rewind (context, reused, whole);
    reused = context->length;
  }
  const QeBatch rows = {
    .rows = prompt->rows + reused, .n = (uint32_t) prompt->n - reused, .n_logits = 1, .control = control
  };
  const QeStatus status = qe_context_evaluate (context, &rows, prompt, err);
  if (stats)
    *stats = (QePrefillStats) { prompt->n, prompt->n - reused, reused, qe_clock_seconds () - start };
  return status;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

QeStatus
qe_context_evaluate_tokens (QeContext *context, const int32_t *tokens, size_t n, bool rough, const QeControl *control,
                            QeError *err)
{
  QeRow fixed[QE_STEP_MAX], *rows = n <= QE_STEP_MAX ? fixed : malloc (n * sizeof *rows);
  const QeBatch batch = { .rows = rows,
                          .n = (uint32_t) n,
                          .n_logits = 1,
                          .rough = rough ? qe_rough_rows (&context->rough) : NULL,
                          .control = control };
  QeStatus status;
  if (!rows)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tokens to append.");
  for (size_t i = 0; i < n; i++)
    rows[i] = qe_row_of_token (tokens[i], context->next_position + (uint32_t) i);
  status = qe_context_evaluate (context, &batch, NULL, err);
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
