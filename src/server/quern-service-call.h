/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-conversation.h"
#include "quern-generation.h"
#include "quern-refusal.h"

G_BEGIN_DECLS

/* What a program asks of a model, in the form of no API: each dialect reads its own form into it. All members are the
 * call's own. */

/* A call of a tool that an assistant's message made. */
typedef struct {
  char *id; /* or NULL */
  char *name;
  char *arguments; /* a JSON object, as text */
} QuernServiceToolCall;

typedef struct {
  QuernRole role;
  gboolean is_result; /* of a tool: text is what it gave, call_id and name may be NULL */
  char *text;         /* never NULL */
  char *reasoning;    /* or NULL */
  char *call_id, *name;
  GPtrArray *pictures; /* of GBytes: picture files */
  GPtrArray *calls;    /* of QuernServiceToolCall */
} QuernServiceMessage;

typedef enum {
  QUERN_SERVICE_TOOLS_AUTO,
  QUERN_SERVICE_TOOLS_NONE,
  QUERN_SERVICE_TOOLS_REQUIRED,
} QuernServiceToolChoice;

#define QUERN_SERVICE_MAX_LOGPROBS 20
#define QUERN_SERVICE_MAX_STOPS 16
#define QUERN_SERVICE_UNSET G_MININT64

typedef struct {
  char *model; /* "" or NULL: the one that is in use */
  gboolean stream;
  gboolean include_usage; /* a chunk of its own tells what was used */
  gboolean progress;      /* how far the prompt is read is told */

  GPtrArray *messages; /* of QuernServiceMessage */
  char *prompt;        /* raw text, in place of messages; or NULL */
  char *suffix;        /* text that the answer leads to; or NULL */
  GArray *tokens;      /* of gint32: a prompt in tokens, in place of both; or NULL */
  gboolean echo;       /* the prompt is given back, too */

  double temperature, top_p, min_p, presence_penalty, frequency_penalty, repetition_penalty; /* NAN: the model's own */
  gint64 top_k;      /* QUERN_SERVICE_UNSET: the model's own */
  gint64 seed;       /* QUERN_SERVICE_UNSET or negative: any */
  gint64 max_tokens; /* -1: as many as fit */
  char **stops;      /* at most QUERN_SERVICE_MAX_STOPS, none empty; or NULL */
  GArray *biases;    /* of QuernLogitBias */
  gint n_logprobs;   /* -1: none; else of the chosen token, and of so many others */

  QuernThinking thinking;
  char *effort;          /* or NULL */
  guint thinking_budget; /* tokens; 0: no limit */
  char *variables;       /* more variables of the template, a JSON object as text; or NULL */

  char *schema;  /* a JSON schema that the answer follows, or NULL */
  char *grammar; /* GBNF that it follows, or NULL */

  char **tools; /* JSON of each, or NULL */
  QuernServiceToolChoice tool_choice;
  char *tool_name; /* the only one to be called, or NULL */
  gboolean parallel_tools;
} QuernServiceCall;

QuernServiceCall *quern_service_call_new (void);
void quern_service_call_free (QuernServiceCall *self);
QuernServiceMessage *quern_service_call_add_message (QuernServiceCall *self, QuernRole role);
void quern_service_message_add_call (QuernServiceMessage *self, const char *id, const char *name,
                                     const char *arguments);
QuernRequest *quern_service_call_make_request (const QuernServiceCall *self, QuernModel *model, QuernRefusal **refusal);
GArray *quern_service_call_fingerprint (const QuernServiceCall *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernServiceCall, quern_service_call_free)

G_END_DECLS
