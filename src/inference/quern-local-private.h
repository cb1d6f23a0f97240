/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-open-file.h"
#include "quern-request.h"

G_BEGIN_DECLS

/* The one place where the engine's failures become GErrors; returns FALSE, always. */
gboolean _quern_inference_set_error (GError **error, const QeError *engine_error);

/* A QuernLoadedModel of this process: one thread that owns one QeContext. */
#define QUERN_TYPE_LOCAL_MODEL (quern_local_model_get_type ())
G_DECLARE_FINAL_TYPE (QuernLocalModel, quern_local_model, QUERN, LOCAL_MODEL, QuernLoadedModel)

QuernLocalModel *_quern_local_model_new (QuernModel *model, QuernOpenFile *file, const QuernLoadParams *params,
                                         gboolean keep_state, gboolean sketch, GError **error);
void _quern_local_model_forget_state (QuernLocalModel *self);
gboolean _quern_local_model_matches (QuernLocalModel *self, QuernModel *model, const QuernLoadParams *params);
gboolean _quern_local_model_is_idle (QuernLocalModel *self, gint64 *idle_since);
guint _quern_local_model_default_size (QuernModel *model, const QuernLoadParams *params);
void _quern_local_models_wait (void);

/* The state that a context's thread needs to carry out a request. */
typedef struct {
  QuernModel *model;
  QuernOpenFile *file;
  QeModel *opened; /* the file's */
  QeContext *context;
  QuernStepper *stepper; /* the file's */
  QeVision *vision;      /* opened when the first picture comes */
  GQueue images;         /* encoded pictures, the latest first */
  float *logits;         /* copy of those that the next token is drawn from; made when a request looks at them */
  unsigned n_threads;
} QuernRunner;

void _quern_runner_generate (QuernRunner *runner, QuernGeneration *generation, QuernRequest *request, gint64 asked_at);
gboolean _quern_runner_score (QuernRunner *runner, const QuernScoring *scoring, GError **error);
void _quern_runner_clear (QuernRunner *runner);

G_END_DECLS
