/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"
#include "quern-open-file.h"

G_BEGIN_DECLS

/* The fields of a QuernRequest, for the thread that carries it out. */

typedef struct {
  char *id; /* NULL when there is none */
  char *name;
  char *arguments;
} QuernRequestCall;

typedef struct {
  QuernRole role;
  char *text;
  char *reasoning;      /* NULL when there is none */
  GPtrArray *pictures;  /* array of QuernPixels; they come before the text */
  GPtrArray *calls;     /* array of QuernRequestCall that the message made; NULL when there is none */
  gboolean is_result;   /* of a call, whatever the role says */
  char *call_id, *name; /* of a result: the call, the tool; NULL when unknown */
} QuernRequestMessage;

struct _QuernRequest {
  gatomicrefcount references;
  GPtrArray *messages; /* of QuernRequestMessage */
  GArray *tokens;      /* of gint32: the prompt, in place of messages; or NULL */
  gboolean thinking;
  gboolean complete;     /* the last message is an answer, and none is awaited */
  char *begun_reasoning; /* beginning of an answer to continue, or NULL */
  char *begun_answer;
  char *schema;    /* JSON schema that the answer follows, or NULL */
  char *gbnf;      /* grammar that it follows, or NULL */
  char *variables; /* of the template, a JSON object; or NULL */
  GStrv tools;     /* JSON of each; NULL: none */
  QuernToolChoice tool_choice;
  char *tool_name;   /* the only tool to call, or NULL */
  gboolean one_call; /* no more than one call in an answer */
  GStrv stops;       /* texts that end the answer; NULL: none */
  GArray *biases;    /* of QuernLogitBias; NULL: none */
  gboolean raw;      /* what is written is given out as it is */
  QuernEcho echo;
  QuernSamplerValues sampler;
  gboolean has_sampler; /* if FALSE, the family's values are used */
  QuernChosenValues chosen;
  guint max_tokens;      /* 0: as many as fit */
  char *effort;          /* of thinking; NULL: the template's default */
  guint thinking_budget; /* tokens; 0: no limit */
  gint32 filler;         /* what stands where the model would end; -1: the model may end */
  gboolean unsent;       /* it must not leave this computer */
  guint n_candidates;    /* of each token, to be looked at; 0: none */
  gboolean background;   /* gives way to requests that are not */

  GMutex lock;                  /* guards the fields below */
  QuernOpenFile *prepared_file; /* the file that the prompt was made for, or NULL */
  QePrompt *prepared;
  gboolean prepared_in_reasoning;
};

/* Renders the conversation for a model, with the beginning of the answer. *in_reasoning: whether the model goes on
 * thinking. On success *text is the caller's. */
gboolean _quern_request_render (const QuernRequest *self, const QeModel *opened, QeChatText *text,
                                gboolean *in_reasoning, GError **error);
/* Makes the prompt with the pictures' embeddings, or takes the one that counting left. The caller frees it. */
QePrompt *_quern_request_make_prompt (QuernRequest *self, QuernOpenFile *file, GPtrArray *images,
                                      gboolean *in_reasoning, GError **error);
gssize _quern_request_count (QuernRequest *self, QuernModel *model, QuernOpenFile *file, GError **error);
GPtrArray *_quern_request_list_pictures (const QuernRequest *self);
void _quern_request_forget_prompt (QuernRequest *self);

/* quern-request-tools.c */
gboolean _quern_request_offers_tools (const QuernRequest *self);
gboolean _quern_request_make_grammar (const QuernRequest *self, const QeModel *opened, QeGrammar **grammar,
                                      gboolean *after_call, GError **error);

G_END_DECLS
