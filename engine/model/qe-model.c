/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-model.h"

#include <stdlib.h>

#include "model/qe-companion.h"
#include "qe-error.h"
#include "format/tokenizer/qe-tokenizer.h"

/* What is known of a file once its header was read. */
typedef struct {
  QeGguf *gguf, *companion;
  QeConfig *config;
  QeWeights *weights;
  QeTemplate *template;
  QeModelInfo *info;
} Description;

/* Checks a parsed header as the description of a model; the info is set on success; weights, companion and template are
 * the caller's to clear. path: where the file is, NULL when it is not on disk. */
static QeStatus
describe (Description *d, const char *path, bool map_data, QeError *err)
{
  QeStatus status = qe_config_read (d->config, d->gguf, err);
  if (status == QE_OK)
    status = qe_companion_settle (d->config, d->gguf, err);
  if (status != QE_OK)
    return status;
  *d->info = (QeModelInfo) { 0 };
  /* A companion that lies beside the file is taken where its tensors are what the model needs. Its block only saves time: without
   * it the model is the same. */
  if (!d->config->n_mtp && path)
    d->companion = qe_companion_open (path, d->gguf, d->config, map_data, &d->config->n_mtp, d->info->companion,
                                      sizeof d->info->companion);
  if (d->companion && qe_weights_find (d->weights, d->gguf, d->companion, d->config, NULL) != QE_OK) {
    qe_gguf_free (d->companion);
    d->companion = NULL;
    d->config->n_mtp = 0;
    d->info->companion[0] = '\0';
  }
  if (!d->companion)
    status = qe_weights_find (d->weights, d->gguf, NULL, d->config, err);
  if (status == QE_OK)
    status = qe_template_read (&d->template, d->gguf, err);
  if (status != QE_OK)
    return status;
  qe_model_info_fill (d->info, d->gguf, d->companion, d->config, d->weights);
  d->info->chat = d->template->info;
  d->info->has_chat_template = d->info->chat.present;
  d->info->thinking_default = d->info->chat.thinking_default;
  return QE_OK;
}

QeStatus
qe_model_open (QeModel **out, const char *path, const QeModelParams *params, QeError *err)
{
  QeStatus status = QE_ERROR_MEMORY;
  QeModel *m = calloc (1, sizeof *m);
  if (!m)
    return qe_fail (err, status, "There is not enough memory to open the model.");
  atomic_init (&m->n_references, 1);
  pthread_mutex_init (&m->lock, NULL);
  status = qe_gguf_open (&m->gguf, path, true, err);
  if (status == QE_OK) {
    Description d = { .gguf = m->gguf, .config = &m->config, .weights = &m->weights, .info = &m->info };
    status = describe (&d, path, true, err);
    m->companion = d.companion;
    m->chat_template = d.template;
  }
  if (status == QE_OK && !(params && params->no_prefetch))
    qe_gguf_prefetch (m->gguf, params ? params->control : NULL);
  if (status == QE_OK)
    status = qe_tokenizer_new (&m->tokenizer, m->gguf, err);
  if (status != QE_OK) {
    qe_model_free (m);
    return status;
  }
  *out = m;
  return QE_OK;
}

QeModel *
qe_model_ref (QeModel *model)
{
  atomic_fetch_add_explicit (&model->n_references, 1, memory_order_relaxed);
  return model;
}

void
qe_model_free (QeModel *model)
{
  if (!model || atomic_fetch_sub_explicit (&model->n_references, 1, memory_order_acq_rel) != 1)
    return;
  qe_tokenizer_free (model->tokenizer);
  qe_template_free (model->chat_template);
  qe_weights_clear (&model->weights);
  qe_gguf_free (model->gguf);
  qe_gguf_free (model->companion);
  qe_head_sketch_free (model->sketch);
  pthread_mutex_destroy (&model->lock);
  free (model);
}

QeHeadSketch *
qe_model_sketch (QeModel *model)
{
  if (!model->info.sketch_bytes)
    return NULL;
  pthread_mutex_lock (&model->lock);
  if (!model->sketch)
    model->sketch = qe_head_sketch_new (model->weights.n_vocab, model->info.n_embd);
  QeHeadSketch *sketch = model->sketch;
  pthread_mutex_unlock (&model->lock);
  return sketch;
}

const QeModelInfo *
qe_model_info (const QeModel *model)
{
  return &model->info;
}

const QeTokenizer *
qe_model_tokenizer (const QeModel *model)
{
  return model->tokenizer;
}

/* ---- from the header alone ------------------------------------------------------------------------------------- */

static QeStatus
probe (QeGguf *gguf, const char *path, QeModelInfo *out, QeError *err)
{
  QeConfig *config = malloc (sizeof *config);
  QeWeights weights = { 0 };
  QeModelInfo info;
  QeStatus status = QE_ERROR_MEMORY;
  Description d = { .gguf = gguf, .config = config, .weights = &weights, .info = &info };
  if (config)
    status = describe (&d, path, false, err);
  else
    qe_fail (err, status, "There is not enough memory to read the model's header.");
  if (status == QE_OK)
    *out = info;
  qe_template_free (d.template);
  qe_weights_clear (&weights);
  free (config);
  qe_gguf_free (d.companion);
  qe_gguf_free (gguf);
  return status;
}

QeStatus
qe_model_probe (const char *path, QeModelInfo *out, QeError *err)
{
  QeGguf *gguf;
  QeStatus status = qe_gguf_open (&gguf, path, false, err);
  return status == QE_OK ? probe (gguf, path, out, err) : status;
}

QeStatus
qe_model_probe_bytes (const void *data, size_t size, uint64_t file_size, QeModelInfo *out, QeError *err)
{
  QeGguf *gguf;
  QeStatus status = qe_gguf_parse (&gguf, data, size, file_size, err);
  return status == QE_OK ? probe (gguf, NULL, out, err) : status;
}
