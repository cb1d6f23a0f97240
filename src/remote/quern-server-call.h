/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-conversation.h"
#include "quern-server-kind.h"
#include "quern-server-model.h"

#include <math.h>

G_BEGIN_DECLS

typedef enum {
  QUERN_SPEAKER_SYSTEM,
  QUERN_SPEAKER_USER,
  QUERN_SPEAKER_ASSISTANT,
} QuernSpeaker;

/* Values of the sampler; a NaN is one that nobody changed, so that the server's own holds. */
typedef struct {
  double temperature, top_p, top_k, min_p;
  double presence_penalty, frequency_penalty, repeat_penalty;
} QuernServerSampling;

#define QUERN_SERVER_SAMPLING_DEFAULT { NAN, NAN, NAN, NAN, NAN, NAN, NAN }

/* What a model on a server is asked to do, in no server's form. */
typedef struct _QuernServerCall QuernServerCall;

QuernServerCall *quern_server_call_new (QuernServerModel *model);
void quern_server_call_free (QuernServerCall *self);
void quern_server_call_add_message (QuernServerCall *self, QuernSpeaker speaker, const char *text,
                                    const char *reasoning);
void quern_server_call_add_picture (QuernServerCall *self, const char *mime_type, GBytes *bytes);
void quern_server_call_set_thinking (QuernServerCall *self, QuernThinking thinking);
void quern_server_call_set_effort (QuernServerCall *self, const char *effort);
void quern_server_call_set_thinking_budget (QuernServerCall *self, guint n_tokens);
void quern_server_call_set_beginning (QuernServerCall *self, const char *reasoning, const char *answer);
void quern_server_call_set_max_tokens (QuernServerCall *self, guint n_tokens);
void quern_server_call_set_context_length (QuernServerCall *self, guint n_tokens);
void quern_server_call_set_schema (QuernServerCall *self, const char *schema);
void quern_server_call_set_sampling (QuernServerCall *self, const QuernServerSampling *sampling);
void quern_server_call_set_seed (QuernServerCall *self, gint64 seed);
void quern_server_call_set_stop (QuernServerCall *self, const char *const *stop);
QuernThinking quern_server_call_get_thinking (const QuernServerCall *self);
QuernServerModel *quern_server_call_get_model (const QuernServerCall *self);

char *quern_server_call_to_json (const QuernServerCall *self, QuernServerKind kind);
char *quern_server_call_to_count_json (const QuernServerCall *self, QuernServerKind kind);
guint quern_server_call_estimate (const QuernServerCall *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServerCall, quern_server_call_free)

G_END_DECLS
