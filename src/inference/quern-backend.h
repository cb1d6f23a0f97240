/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"
#include "quern-model.h"

G_BEGIN_DECLS

#define QUERN_ENGINE_ERROR (quern_engine_error_quark ())
GQuark quern_engine_error_quark (void);

typedef enum {
  QUERN_ENGINE_ERROR_FAILED,
  QUERN_ENGINE_ERROR_DAMAGED, /* the model's file is damaged */
  QUERN_ENGINE_ERROR_UNSUPPORTED,
  QUERN_ENGINE_ERROR_MEMORY,       /* memory is short: see quern_engine_largest_context() and force */
  QUERN_ENGINE_ERROR_CONTEXT_FULL, /* the prompt is longer than the context */
  QUERN_ENGINE_ERROR_NO_VISION,    /* the request has pictures, but the model has no vision file */
} QuernEngineError;

typedef struct {
  guint context_size; /* in tokens; 0: the smaller of the trained length and 4096 */
  guint n_threads;    /* 0: the engine's default */
  QeKvType kv_type;
  gboolean force;           /* load even if memory is short */
  gboolean private_context; /* not shared, as comparisons need it */
} QuernLoadParams;

typedef void (*QuernProgressFunc) (double fraction, gpointer user_data);

/* A loaded model: one thread that owns one QeContext. Requests are carried out one after another. */
#define QUERN_TYPE_CONTEXT (quern_context_get_type ())
G_DECLARE_FINAL_TYPE (QuernContext, quern_context, QUERN, CONTEXT, GObject)

QuernGeneration *quern_context_generate (QuernContext *self, QuernRequest *request);
QuernModel *quern_context_get_model (QuernContext *self);
guint quern_context_get_size (QuernContext *self);
guint quern_context_get_threads (QuernContext *self);

/* Loads models and keeps them loaded. A context stays for "keep-alive" seconds after its last use (-1: until its memory
 * is needed), and it is dropped earlier if another model needs the memory. */
#define QUERN_TYPE_ENGINE (quern_engine_get_type ())
G_DECLARE_FINAL_TYPE (QuernEngine, quern_engine, QUERN, ENGINE, GObject)

QuernEngine *quern_engine_new (void);
void quern_engine_load_async (QuernEngine *self, QuernModel *model, const QuernLoadParams *params,
                              QuernProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
QuernContext *quern_engine_load_finish (QuernEngine *self, GAsyncResult *result, GError **error);
QuernContext *quern_engine_peek (QuernEngine *self, QuernModel *model, const QuernLoadParams *params);
void quern_engine_unload_all (QuernEngine *self);
guint quern_engine_largest_context (QuernEngine *self, QuernModel *model, QeKvType kv_type);
void quern_engine_set_keep_alive (QuernEngine *self, int seconds);
void quern_engine_set_keep_state (QuernEngine *self, gboolean keep_state);
void quern_engine_forget_states (QuernEngine *self);
void quern_engine_count_async (QuernEngine *self, QuernModel *model, QuernRequest *request, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gssize quern_engine_count_finish (QuernEngine *self, GAsyncResult *result, GError **error);

gboolean quern_engine_set_error (GError **error, const QeError *engine_error);

G_END_DECLS
