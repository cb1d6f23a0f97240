/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-answer-parser.h"
#include "quern-server-call.h"
#include "quern-server.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_SERVER_ANSWER_WAITING, /* for the server: it may load the model, which takes minutes */
  QUERN_SERVER_ANSWER_READING, /* it reads the prompt: see progress */
  QUERN_SERVER_ANSWER_WRITING,
  QUERN_SERVER_ANSWER_DONE,
} QuernServerAnswerPhase;

typedef enum {
  QUERN_SERVER_STOP_END,    /* the model ended the answer */
  QUERN_SERVER_STOP_LENGTH, /* the limit of tokens, or the end of the context */
  QUERN_SERVER_STOP_USER,   /* quern_server_answer_stop() was called */
  QUERN_SERVER_STOP_FAILED, /* see quern_server_answer_get_error(); what came is good all the same */
} QuernServerStop;

/* An answer that a server is asked for. It belongs to the thread that asked; signals are emitted from that thread's main
 * context: "text" (gboolean reasoning, const char *text), "moved" (gboolean to_reasoning): all text so far was reasoning, or all
 * reasoning so far is the answer; "done" (); notify::phase, notify::progress. */
#define QUERN_TYPE_SERVER_ANSWER (quern_server_answer_get_type ())
G_DECLARE_FINAL_TYPE (QuernServerAnswer, quern_server_answer, QUERN, SERVER_ANSWER, GObject)

QuernServerAnswer *quern_server_ask (QuernServer *server, const QuernServerCall *call);
void quern_server_answer_stop (QuernServerAnswer *self);
gboolean quern_server_answer_end_thinking (QuernServerAnswer *self);
QuernServerAnswerPhase quern_server_answer_get_phase (QuernServerAnswer *self);
double quern_server_answer_get_progress (QuernServerAnswer *self);
double quern_server_answer_get_seconds (QuernServerAnswer *self);
QuernServerStop quern_server_answer_get_stop (QuernServerAnswer *self);
const GError *quern_server_answer_get_error (QuernServerAnswer *self);
gint64 quern_server_answer_get_retry_after (QuernServerAnswer *self);
gboolean quern_server_answer_get_ignored_switch (QuernServerAnswer *self);
gboolean quern_server_answer_get_only_reasoned (QuernServerAnswer *self);
const QuernAnswerUsage *quern_server_answer_get_usage (QuernServerAnswer *self);
double quern_server_answer_get_first_seconds (QuernServerAnswer *self);

void quern_server_count_async (QuernServer *server, const QuernServerCall *call, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gssize quern_server_count_finish (QuernServer *server, GAsyncResult *result, gboolean *exact, GError **error);

G_END_DECLS
