/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "model/qe-config.h"
#include "model/qe-head-sketch.h"
#include "model/qe-weights.h"
#include "qe.h"
#include "format/template/qe-template.h"

/* A loaded model, seen from inside the engine. Read-only once open, hence shared by every context that uses it. */

typedef struct QeTokenizer QeTokenizer;

struct QeModel {
  atomic_uint n_references;
  QeModelInfo info;
  QeConfig config;
  QeWeights weights;
  QeGguf *gguf;
  QeGguf *companion; /* with the prediction block; NULL when the file has it itself, or nothing has */
  QeTokenizer *tokenizer;
  QeTemplate *chat_template;
  pthread_mutex_t lock; /* of what follows */
  QeHeadSketch *sketch; /* once a context wanted it */
};

const QeTokenizer *qe_model_tokenizer (const QeModel *model);

/* That of the head, which lives as long as the model; NULL where it would not pay, or when there is no memory. Any thread. */
QeHeadSketch *qe_model_sketch (QeModel *model);

/* Fills everything that qe.h promises about a model, but the companion's name and what the chat
 * template does. weights may have been found without data. */
void qe_model_info_fill (QeModelInfo *out, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config,
                         const QeWeights *weights);
