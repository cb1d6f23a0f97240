/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <libsoup/soup.h>

#include "quern-service-core.h"

G_BEGIN_DECLS

typedef struct _QuernServiceQueue QuernServiceQueue;

/* The way to the owner, which may be gone when something arrives. Only the owner's thread looks into it. */
typedef struct {
  QuernServiceOwner owner;
  gboolean alive;
} QuernServiceLink;

/* Only the service's thread uses what has no comment, once it runs. */
struct _QuernServiceCore {
  gatomicrefcount references;
  QuernBackend *backend;
  QuernGuard guard;
  guint context_size, most_contexts, most_waiting;
  guint head_seconds, body_seconds, silent_seconds, stall_seconds;
  QuernServiceQueue *queue;
  GThread *thread;
  GMainContext *context;
  GPtrArray *sockets; /* of GSocket, that listen */
  GSocketService *listener;
  SoupServer *soup;
  GHashTable *connections; /* set of GSocketConnection, not owned: those that are open */
  GHashTable *clients;     /* of QuernServiceClientFacts, by their ids */
  guint n_busy;            /* tasks and jobs that will still use this */
  gboolean stopping;
  GSource *tell; /* will tell the owner of clients; or NULL */

  GMainContext *owner_context;
  QuernServiceLink *link; /* a reference of an atomic rc box */

  GMutex lock; /* guards the fields below */
  GCond closed_cond;
  gboolean closed;   /* nothing listens any more */
  GPtrArray *models; /* of QuernModel */
  QuernModel *usual; /* which those get that name none; may be NULL */
  GHashTable *sizes; /* of contexts, by paths of models */
};

QuernServiceClientFacts *quern_service_core_get_client (QuernServiceCore *self, const QuernExchange *exchange);
void quern_service_core_set_state (QuernServiceCore *self, const QuernExchange *exchange, const char *state);
void quern_service_core_tell (QuernServiceCore *self);
gboolean quern_service_core_shrink_context (QuernServiceCore *self, QuernModel *model);

QuernServiceQueue *quern_service_queue_new (QuernServiceCore *core);
void quern_service_queue_free (QuernServiceQueue *self);
void quern_service_queue_stop (QuernServiceQueue *self);
void quern_service_queue_take (QuernServiceQueue *self, QuernExchange *exchange);
guint quern_service_queue_get_n_waiting (QuernServiceQueue *self);
void quern_service_queue_describe (QuernServiceQueue *self, JsonBuilder *json);

G_END_DECLS
