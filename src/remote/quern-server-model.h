/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Servers tell some things and are silent about others, which is no "no". */
typedef enum {
  QUERN_FACT_UNKNOWN,
  QUERN_FACT_NO,
  QUERN_FACT_YES,
} QuernFact;

typedef enum {
  QUERN_SERVER_MODEL_UNKNOWN,  /* the server does not say */
  QUERN_SERVER_MODEL_UNLOADED, /* the first question makes the server load it, which can take minutes */
  QUERN_SERVER_MODEL_LOADING,
  QUERN_SERVER_MODEL_LOADED,
  QUERN_SERVER_MODEL_FAILED, /* could not be loaded */
} QuernServerModelState;

/* A model that a server offers, as it described it. Nobody changes one that others can see. */
typedef struct {
  char *id;             /* by which it is asked for */
  char *title;          /* for people */
  guint context_length; /* in tokens, as it is loaded or as it would be; 0: not told */
  guint trained_length; /* in tokens; 0: not told */
  QuernFact vision;
  QuernFact thinking;        /* whether it can be asked to think, and not to */
  QuernFact budget;          /* whether the thinking can be limited to a number of tokens */
  QuernFact keeps_reasoning; /* whether its template takes the reasoning of earlier answers */
  char **efforts;            /* levels of thinking, NULL: not told or none */
  QuernServerModelState state;
} QuernServerModel;

QuernServerModel *quern_server_model_new (const char *id);
QuernServerModel *quern_server_model_ref (QuernServerModel *self);
void quern_server_model_unref (QuernServerModel *self);
char **quern_server_model_dup_facts (const QuernServerModel *self);
void quern_server_models_write (const GPtrArray *models, JsonBuilder *out);
GPtrArray *quern_server_models_read (JsonArray *array);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServerModel, quern_server_model_unref)

G_END_DECLS
