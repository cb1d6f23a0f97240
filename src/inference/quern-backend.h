/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-loaded-model.h"

G_BEGIN_DECLS

/* The one place where models run. A backend loads them, counts what they would be asked, and says what they can do; what
 * it loads is a QuernLoadedModel, which generates and scores. QuernLocalBackend runs them in this process, QuernRemoteBackend
 * (src/remote) asks servers, and QuernJointBackend hands each model to the one that runs it. Nothing above knows how a model
 * is run. */

#define QUERN_INFERENCE_ERROR (quern_inference_error_quark ())
GQuark quern_inference_error_quark (void);

typedef enum {
  QUERN_INFERENCE_ERROR_FAILED,
  QUERN_INFERENCE_ERROR_DAMAGED, /* the model's file is damaged */
  QUERN_INFERENCE_ERROR_UNSUPPORTED,
  QUERN_INFERENCE_ERROR_MEMORY,       /* memory is short: see quern_backend_get_largest_context() and force */
  QUERN_INFERENCE_ERROR_CONTEXT_FULL, /* the prompt is longer than the context */
  QUERN_INFERENCE_ERROR_NO_VISION,    /* the request has pictures, but the model cannot see */
  QUERN_INFERENCE_ERROR_REQUEST,      /* the model cannot do what the request says: its messages, tools or grammar */
} QuernInferenceError;

typedef struct {
  guint context_size; /* in tokens; 0: the smaller of the trained length and 4096 */
  guint n_threads;    /* 0: the backend's default */
  QuernKvType kv_type;
  gboolean force;           /* load even if memory is short */
  gboolean private_context; /* not shared, as comparisons need it */
  guint lane;         /* of several shared contexts that are alike, each with a cache of its own; 0: the window's */
  gboolean modest;    /* fail rather than let go of an idle model to make room */
  gboolean no_drafts; /* token by token: drafts hide the probabilities of all tokens but the first */
  gboolean no_checkpoints; /* which take memory, and serve only prompts that share a beginning with one before */
  gboolean no_sketch;      /* of the head: all logits are worked out */
} QuernLoadParams;

/* What a backend can do with a model. */
typedef enum {
  QUERN_CAN_SEE = 1 << 0,   /* pictures */
  QUERN_CAN_COUNT = 1 << 1, /* tokens, exactly as the model gets them */
  QUERN_CAN_SCORE = 1 << 2, /* with the logits of the whole vocabulary */
  QUERN_CAN_REPEAT_DRAWS =
      1 << 3,                   /* equal seeds draw equal random numbers, and what each token was drawn from is told */
  QUERN_CAN_CONTINUE = 1 << 4,  /* an answer that was begun */
  QUERN_CAN_CONSTRAIN = 1 << 5, /* answers that follow a JSON schema */
  QUERN_CAN_END_THINKING = 1 << 6, /* in the middle of it: quern_generation_answer_now() */
  QUERN_CAN_SCORE_TOP = 1 << 7,    /* with the probabilities of the likeliest tokens alone */
} QuernCapabilities;

typedef void (*QuernProgressFunc) (double fraction, gpointer user_data);

gboolean quern_inference_refuse_memory (QuernModel *model, guint context_size, QuernKvType kv_type, guint64 needed,
                                        guint64 available, GError **error);

gboolean quern_inference_refuse_pictures (QuernModel *model, GError **error);
gboolean quern_inference_refuse_scores (QuernModel *model, GError **error);

/* Any thread may use a backend; what it answers comes on the main context that was the thread's default. */
#define QUERN_TYPE_BACKEND (quern_backend_get_type ())
G_DECLARE_INTERFACE (QuernBackend, quern_backend, QUERN, BACKEND, GObject)

struct _QuernBackendInterface {
  GTypeInterface parent_interface;

  /* Both take the task: it returns a QuernLoadedModel, and a number. */
  void (*load) (QuernBackend *self, QuernModel *model, const QuernLoadParams *params, QuernProgressFunc progress,
                gpointer progress_data, GTask *task);
  void (*count) (QuernBackend *self, QuernModel *model, QuernRequest *request, GTask *task);
  QuernLoadedModel *(*find_loaded) (QuernBackend *self, QuernModel *model, const QuernLoadParams *params);
  guint (*get_largest_context) (QuernBackend *self, QuernModel *model, QuernKvType kv_type);
  QuernCapabilities (*get_capabilities) (QuernBackend *self, QuernModel *model);
};

void quern_backend_load_async (QuernBackend *self, QuernModel *model, const QuernLoadParams *params,
                               QuernProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
QuernLoadedModel *quern_backend_load_finish (QuernBackend *self, GAsyncResult *result, GError **error);
QuernLoadedModel *quern_backend_load_sync (QuernBackend *self, QuernModel *model, const QuernLoadParams *params,
                                           GCancellable *cancellable, GError **error);
QuernLoadedModel *quern_backend_find_loaded (QuernBackend *self, QuernModel *model, const QuernLoadParams *params);
void quern_backend_count_async (QuernBackend *self, QuernModel *model, QuernRequest *request, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gssize quern_backend_count_finish (QuernBackend *self, GAsyncResult *result, gboolean *estimated, GError **error);
guint quern_backend_get_largest_context (QuernBackend *self, QuernModel *model, QuernKvType kv_type);
QuernCapabilities quern_backend_get_capabilities (QuernBackend *self, QuernModel *model);

/* For backends: ends a count with about so many tokens. */
void _quern_backend_return_estimate (GTask *task, gssize n_tokens);

G_END_DECLS
