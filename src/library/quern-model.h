/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "qe.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_MODEL_OK,
  QUERN_MODEL_DAMAGED,     /* see quern_model_get_problem() */
  QUERN_MODEL_UNSUPPORTED, /* a sound file of an architecture that Quern does not run */
} QuernModelState;

/* Whose a model's files are. Only Quern's own are ever deleted. */
typedef enum {
  QUERN_ORIGIN_OWN,    /* Quern installed it */
  QUERN_ORIGIN_DEMO,   /* came with the application */
  QUERN_ORIGIN_FILE,   /* a file that was added where it lies, or put or linked into Quern's folder */
  QUERN_ORIGIN_FOLDER, /* in a folder that was added */
  QUERN_ORIGIN_OLLAMA, /* these and the following are kept by other programs */
  QUERN_ORIGIN_LM_STUDIO,
  QUERN_ORIGIN_LLAMA_CPP,
  QUERN_ORIGIN_HUGGING_FACE,
  QUERN_ORIGIN_SERVER, /* it has no file here: see QuernModelElsewhere */
} QuernModelOrigin;

/* What a model's header says. The engine reads it; the fields are explained in qe.h. */
typedef QeModelInfo QuernModelInfo;
typedef QeTemplateInfo QuernTemplateInfo;
typedef QeMemoryPlan QuernMemoryPlan; /* bytes; see its total */

/* How keys and values of attention layers are kept. The numbers are in files. */
typedef enum {
  QUERN_KV_F16,
  QUERN_KV_Q8_0,
  QUERN_KV_F32, /* exact, twice the size of F16 */
} QuernKvType;

/* The largest area of a picture, in pixels. Vision files allow 16 times as much, which would take 16 times the tokens
 * and, because every patch attends to every other, far more than 16 times the time: a photograph would take the better
 * part of an hour on an ordinary processor and leave no room in the context. */
#define QUERN_VISION_MAX_PIXELS (1024 * 1024)

/* What is known of a model that runs elsewhere. */
typedef struct {
  const char *id;         /* unique among all models, as long as its server is the same */
  const char *title;      /* for people */
  const char *place;      /* the server's name, for people */
  const char *name;       /* by which the server knows the model */
  GObject *server;        /* what reaches it; of a class that only the backend knows */
  guint context_length;   /* in tokens, as the server has it; 0: not told */
  guint trained_length;   /* in tokens; 0: not told */
  gboolean takes_context; /* the server makes a context of the length that a request asks for */
  gboolean sees;          /* takes pictures, as far as is known */
  gboolean thinking_switchable, thinking_default;
  const char *const *efforts; /* levels of thinking; NULL: none */
  const char *problem;        /* a sentence that says why it cannot be used; NULL when all is well */
} QuernModelElsewhere;

/* A model: a file on this computer, which is one quantisation with all its parts and the vision file that belongs to it, or one
 * that runs elsewhere and has no file. Immutable. */
#define QUERN_TYPE_MODEL (quern_model_get_type ())
G_DECLARE_FINAL_TYPE (QuernModel, quern_model, QUERN, MODEL, GObject)

QuernModel *quern_model_new (const char *path, GCancellable *cancellable, GError **error);
QuernModel *quern_model_new_elsewhere (const QuernModelElsewhere *facts);
const char *quern_model_get_id (QuernModel *self);
const char *quern_model_get_title (QuernModel *self);
char *quern_model_dup_full_title (QuernModel *self);
char *quern_model_dup_choice (QuernModel *self);
gboolean quern_model_is_kin (QuernModel *self, QuernModel *other);
const char *quern_model_get_quantisation (QuernModel *self);
const char *quern_model_get_path (QuernModel *self);
const char *quern_model_get_key (QuernModel *self);
gboolean quern_model_is_remote (QuernModel *self);
const char *quern_model_get_place (QuernModel *self);
const char *quern_model_get_name (QuernModel *self);
GObject *quern_model_get_server (QuernModel *self);
guint64 quern_model_get_size (QuernModel *self);
const QuernModelInfo *quern_model_get_info (QuernModel *self);
const char *quern_model_get_vision_path (QuernModel *self);
const QeVisionInfo *quern_model_get_vision_info (QuernModel *self);
gboolean quern_model_needs_vision_file (QuernModel *self);
gboolean quern_model_can_see (QuernModel *self);
gboolean quern_model_is_demo (QuernModel *self);
gboolean quern_model_takes_tools (QuernModel *self);
QuernModelOrigin quern_model_get_origin (QuernModel *self);
const char *quern_model_get_keeper (QuernModel *self);
QuernModelState quern_model_get_state (QuernModel *self);
const char *quern_model_get_problem (QuernModel *self);
gboolean quern_model_get_unverified (QuernModel *self);
void quern_model_info_plan (const QuernModelInfo *info, guint n_ctx, QuernMemoryPlan *plan);
void quern_model_plan (QuernModel *self, guint n_ctx, QuernKvType kv_type, QuernMemoryPlan *plan);
void quern_model_plan_bare (QuernModel *self, guint n_ctx, QuernKvType kv_type, guint n_threads, gboolean pictures,
                            QuernMemoryPlan *plan);
guint quern_model_largest_context (QuernModel *self, QuernKvType kv_type, guint64 available);
guint quern_model_choose_context (QuernModel *self, guint wanted);

/* The largest number: what is known of nothing cannot be called too little. */
#define QUERN_MEMORY_UNKNOWN G_MAXUINT64

guint64 quern_memory_available (void);

G_END_DECLS
