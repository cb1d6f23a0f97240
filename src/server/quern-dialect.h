/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-exchange.h"
#include "quern-loaded-model.h"
#include "quern-service-call.h"

G_BEGIN_DECLS

typedef struct _QuernDialect QuernDialect;

/* An answer that a model writes for an exchange, in a dialect. It belongs to the service's thread. */
typedef struct {
  const QuernDialect *dialect;
  QuernExchange *exchange;
  QuernServiceCall *call;
  QuernModel *model;
  QuernLoadedModel *loaded;    /* NULL until it is loaded */
  QuernGeneration *generation; /* NULL until it runs */
  char *id;                    /* 24 letters and digits, without a prefix */
  gint64 created;              /* seconds since 1970 */
  GString *reasoning, *text;   /* all that came */
  guint tokens_told;           /* tokens whose probabilities were told */
  gboolean begun;              /* of a stream: begin() was called */
  gpointer data;               /* the dialect's own, freed with free_data */
} QuernAnswer;

/* A form of requests and answers. Those without a comment run on the service's thread. */
struct _QuernDialect {
  /* Reads a body; returns FALSE with a refusal. Any thread; pure, so that it can be tried with any bytes. */
  gboolean (*read) (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
  QuernStreamForm form;
  void (*begin) (QuernAnswer *answer); /* of a stream: what comes first */
  /* Of a stream: a batch of text, which the answer's strings end with. */
  void (*text) (QuernAnswer *answer, gboolean reasoning, const char *text);
  /* Of a stream: a call of a tool went on; NULL where the dialect has none. */
  void (*tool) (QuernAnswer *answer, guint index, const char *arguments);
  void (*progress) (QuernAnswer *answer, double fraction); /* of a stream: the prompt is read; may be NULL */
  void (*end) (QuernAnswer *answer);             /* the generation is done: the end of a stream, or the whole answer */
  char *(*refuse) (const QuernRefusal *refusal); /* the body that says so; any thread */
  const char *refuse_event;                      /* the name of the event that says so in a stream; may be NULL */
  void (*free_data) (gpointer data);             /* may be NULL */
};

/* What a client can ask for. */
struct _QuernEndpoint {
  const char *method;
  const char *path;   /* without "/v1"; everything below it, where it ends with a slash */
  gboolean is_public; /* needs no key */
  /* One of these: */
  const QuernDialect *dialect;              /* a model answers */
  void (*handle) (QuernExchange *exchange); /* answered at once, on the service's thread */
  /* Answered by a worker thread: the body, an object that is begun and will be ended. */
  gboolean (*work) (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal);
  char *(*refuse) (const QuernRefusal *refusal); /* the body that refuses, where no dialect says; NULL: OpenAI's */
};

const QuernEndpoint *quern_endpoint_find (const char *method, const char *path, const char **tail, gboolean *known);

extern const QuernDialect quern_dialect_chat, quern_dialect_completions, quern_dialect_responses,
    quern_dialect_messages;
char *quern_messages_refuse (const QuernRefusal *refusal);

const char *quern_answer_finish_reason (const QuernAnswer *self);
void quern_answer_send (QuernAnswer *self, const char *event, JsonBuilder *json);
JsonBuilder *quern_answer_begin_event (const char *type);
void quern_answer_send_event (QuernAnswer *self, const char *type, JsonBuilder *json);

/* The models that can be asked for; any thread. */
QuernModel *quern_service_core_find_model (QuernServiceCore *core, const char *id, QuernRefusal **refusal);
GPtrArray *quern_service_core_dup_models (QuernServiceCore *core);
gssize quern_service_core_count (QuernServiceCore *core, QuernModel *model, QuernRequest *request, GError **error);
gboolean quern_service_core_is_loaded (QuernServiceCore *core, QuernModel *model);
guint quern_service_core_get_context_size (QuernServiceCore *core, QuernModel *model);
void quern_service_core_describe (QuernServiceCore *core, JsonBuilder *json);

G_END_DECLS
