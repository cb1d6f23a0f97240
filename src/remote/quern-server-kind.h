/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The programs that serve models, as far as they differ for a client. */
typedef enum {
  QUERN_SERVER_LLAMA,
  QUERN_SERVER_VLLM,
  QUERN_SERVER_SGLANG,
  QUERN_SERVER_OLLAMA,
  QUERN_SERVER_LM_STUDIO,
  QUERN_SERVER_OTHER, /* anything with OpenAI's interface; strict ones refuse fields that they do not know */
  QUERN_N_SERVER_KINDS,
} QuernServerKind;

/* What a kind of server understands. A field is NULL where a request must not have it. */
typedef struct {
  const char *name;       /* in the database */
  const char *title;      /* for people */
  const char *owner;      /* what it calls itself in its list of models, "owned_by"; NULL: nothing to go by */
  guint16 ports[2];       /* where it listens unless told otherwise; 0: none */
  const char *max_tokens; /* fields of a chat request */
  const char *repeat_penalty;
  const char *thinking_budget;
  const char *reasoning;    /* of an earlier answer */
  gboolean template_switch; /* "chat_template_kwargs": {"enable_thinking": false} */
  gboolean effort_switch;   /* "reasoning_effort": "none" */
  gboolean top_k, min_p;
  gboolean usage;           /* "stream_options": {"include_usage": true} */
  gboolean progress;        /* "return_progress" */
  gboolean ends_thinking;   /* "reasoning_control", and a call that ends the reasoning of an answer */
  gboolean continues;       /* an answer that was begun */
  gboolean continue_fields; /* needs "continue_final_message" for that */
  gboolean counts;          /* tokens of a prompt, exactly */
  gboolean schema;          /* "response_format", or Ollama's "format": answers that follow a JSON schema */
  gboolean prompt_scores;   /* "prompt_logprobs": probabilities of a given text */
} QuernServerTraits;

const QuernServerTraits *quern_server_kind_get_traits (QuernServerKind kind);
QuernServerKind quern_server_kind_from_name (const char *name);

G_END_DECLS
