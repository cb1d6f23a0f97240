/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-dialect.h"
#include "quern-fields.h"
#include "quern-guard.h"
#include "quern-service.h"

G_BEGIN_DECLS

/* What serves: a thread with a SoupServer, exchanges, the queue and the generations that run for it. QuernService starts and
 * ends it, and hears of it on its own thread. */

/* A program that asks, as it is now. */
typedef struct {
  char *id;          /* tells it from others */
  char *name;        /* what it calls itself, or its address */
  char *model;       /* that it asked last */
  const char *state; /* "waiting", "loading", "reading", "writing" or "idle" */
  guint n_requests;
  guint64 n_tokens; /* that were written for it */
} QuernServiceClientFacts;

void quern_service_client_facts_free (gpointer facts);

/* The owner's functions are called on its main context. */
typedef struct {
  void (*log) (gpointer data, const char *line);
  void (*changed) (gpointer data, GPtrArray *clients, guint n_waiting); /* clients: of QuernServiceClientFacts */
  gpointer data;
} QuernServiceOwner;

QuernServiceCore *quern_service_core_start (QuernBackend *backend, const QuernServiceSetup *setup,
                                            const QuernServiceOwner *owner, guint16 *port, GError **error);
void quern_service_core_stop (QuernServiceCore *self, gboolean wait);
void quern_service_core_set_models (QuernServiceCore *self, GPtrArray *models, QuernModel *usual);

/* Of exchanges, on the service's thread. */
void quern_service_core_log (QuernServiceCore *self, const QuernExchange *exchange);
void quern_service_core_take (QuernServiceCore *self, QuernExchange *exchange);

G_END_DECLS
