/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-library.h"

G_BEGIN_DECLS

#define QUERN_SERVICE_PORT 11535
#define QUERN_SERVICE_OLLAMA_PORT 11434

/* How the service is set up. All zero but the port: loopback alone, any key, the usual limits. */
typedef struct {
  guint16 port;        /* 0: any that is free */
  const char *address; /* to listen on besides loopback: "0.0.0.0"; NULL: loopback alone. Wants a key */
  const char *key;     /* that requests must have; NULL: any will do */
  const char *const *hosts, *const *origins; /* that are allowed besides the usual; may be NULL */
  guint context_size;  /* tokens that each context holds; 0: what the model can use, at most 32768 */
  guint most_contexts; /* of one model, side by side, where memory allows it; 0: 4 */
  guint most_waiting;  /* requests in the queue; 0: 32 */
  /* Seconds, which only tests set: until the head of a request, and then its body, must have come; of silence in the middle of it;
   * without a byte taken by a client that an answer is written to. 0: 30, 600, 60, 60. */
  guint head_seconds, body_seconds, silent_seconds, stall_seconds;
} QuernServiceSetup;

/* Quern's own server: other programs ask the models of this computer through it, as they ask OpenAI's API. It belongs to the
 * main thread; requests are read, queued and answered on a thread of its own, one generation at a time, and what is asked at
 * the window goes before.
 *
 * Properties, all read-only: "running"; "address", what is given to other programs, such as "http://127.0.0.1:11535/v1", or
 * %NULL while it does not run; "port"; "error", a sentence that says why it does not run although it should, or %NULL; "key",
 * "n-waiting", requests in the queue. Signal "logged" (const char *line): a request was answered. */
#define QUERN_TYPE_SERVICE (quern_service_get_type ())
G_DECLARE_FINAL_TYPE (QuernService, quern_service, QUERN, SERVICE, GObject)

QuernService *quern_service_new (QuernBackend *backend, QuernLibrary *library);
void quern_service_set_usual (QuernService *self, QuernModel *model);
gboolean quern_service_start (QuernService *self, const QuernServiceSetup *setup, GError **error);
void quern_service_stop (QuernService *self);
void quern_service_stop_and_wait (QuernService *self);
void quern_service_follow_settings (QuernService *self, GSettings *settings);
gboolean quern_service_get_running (QuernService *self);
const char *quern_service_get_address (QuernService *self);
guint quern_service_get_port (QuernService *self);
const char *quern_service_get_error (QuernService *self);
const char *quern_service_get_key (QuernService *self);
guint quern_service_get_n_waiting (QuernService *self);
GListModel *quern_service_get_clients (QuernService *self);

char *quern_service_make_key (void);
void quern_service_set_key_async (QuernService *self, const char *key, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_service_set_key_finish (QuernService *self, GAsyncResult *result, GError **error);

G_END_DECLS
