/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-candidates.h"
#include "quern-generation.h"
#include "quern-model.h"

G_BEGIN_DECLS

/* Called with the logits [size of the vocabulary] of one row of a text that is scored, on a thread of the backend's. FALSE
 * ends the scoring. */
typedef gboolean (*QuernScoreFunc) (gpointer data, guint row, const float *logits);
/* The same of a model that only has its likeliest tokens told. */
typedef gboolean (*QuernToldFunc) (gpointer data, guint row, const QuernToldRow *told);

/* A given text, and what is to be done with what the model thinks of it. It must stay as it is until the scoring ends. */
typedef struct {
  const gint32 *tokens; /* evaluated in an empty context */
  guint n;
  guint first; /* the first row whose logits are wanted; they predict the token after it */
  QuernScoreFunc row;
  /* For models of which only the likeliest tokens are told (QUERN_CAN_SCORE_TOP): how many are wanted, the token after the
   * last, and the text of all but that one, by a vocabulary that the model's has to agree with. */
  QuernToldFunc told;
  guint top;
  gint32 next;
  const char *text;
  GCancellable *cancellable;           /* ends the waiting for a server; or NULL */
  gboolean (*stopped) (gpointer data); /* asked between slices of the text, on a thread of the backend's; may block */
  gpointer data;
} QuernScoring;

/* A model that a backend has loaded and that can be asked. Requests are carried out one after another. Everything that the
 * caller gets comes on the main context that was the thread's default when it asked. */
#define QUERN_TYPE_LOADED_MODEL (quern_loaded_model_get_type ())
G_DECLARE_DERIVABLE_TYPE (QuernLoadedModel, quern_loaded_model, QUERN, LOADED_MODEL, GObject)

struct _QuernLoadedModelClass {
  GObjectClass parent_class;

  QuernGeneration *(*generate) (QuernLoadedModel *self, QuernRequest *request);
  void (*score) (QuernLoadedModel *self, const QuernScoring *scoring, GTask *task); /* takes the task */
};

QuernGeneration *quern_loaded_model_generate (QuernLoadedModel *self, QuernRequest *request);
void quern_loaded_model_score_async (QuernLoadedModel *self, const QuernScoring *scoring, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean quern_loaded_model_score_finish (QuernLoadedModel *self, GAsyncResult *result, GError **error);
gboolean quern_loaded_model_score_sync (QuernLoadedModel *self, const QuernScoring *scoring, GError **error);
QuernModel *quern_loaded_model_get_model (QuernLoadedModel *self);
guint quern_loaded_model_get_context_size (QuernLoadedModel *self);
guint quern_loaded_model_get_threads (QuernLoadedModel *self);

/* A GAsyncReadyCallback that keeps the result where its data points. */
void quern_keep_result_cb (GObject *source, GAsyncResult *result, gpointer where);

/* For the class that derives from it, before anybody else has the object. */
void _quern_loaded_model_set_facts (QuernLoadedModel *self, QuernModel *model, guint context_size, guint n_threads);

G_END_DECLS
