/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-request.h"

G_BEGIN_DECLS

/* The weights of one file. All contexts that use the file share them, and the last one frees them. */
#define QUERN_TYPE_WEIGHTS (quern_weights_get_type ())
G_DECLARE_FINAL_TYPE (QuernWeights, quern_weights, QUERN, WEIGHTS, GObject)

QuernWeights *_quern_weights_open (const char *path, gboolean prefetch, const QeControl *control, GError **error);
QeModel *_quern_weights_get_model (QuernWeights *self);

QuernContext *_quern_context_new (QuernModel *model, QuernWeights *weights, const QuernLoadParams *params,
                                  gboolean keep_state, gboolean sketch, GError **error);
void _quern_context_forget_state (QuernContext *self);
gboolean _quern_context_matches (QuernContext *self, QuernModel *model, const QuernLoadParams *params);
gboolean _quern_context_is_idle (QuernContext *self, gint64 *idle_since);
guint _quern_context_default_size (QuernModel *model, const QuernLoadParams *params);

/* The state that a context's thread needs to carry out a request. */
typedef struct {
  QuernModel *model;
  QeModel *weights;
  QeContext *context;
  QeVision *vision; /* opened when the first picture comes */
  GQueue *images;   /* encoded pictures, the latest first */
  unsigned n_threads;
} QuernRunner;

void _quern_runner_run (QuernRunner *runner, QuernGeneration *generation, const QuernRequest *request, gint64 asked_at);
void _quern_runner_clear (QuernRunner *runner);

G_END_DECLS
