/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "quern-attachment.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_ROLE_USER,
  QUERN_ROLE_ASSISTANT,
  QUERN_ROLE_SYSTEM, /* instructions; only in what a model is asked, never in the store */
} QuernRole;

typedef enum {
  QUERN_MESSAGE_STREAMING,   /* being written right now, by some running instance */
  QUERN_MESSAGE_COMPLETE,    /* ended by itself */
  QUERN_MESSAGE_STOPPED,     /* the user stopped it */
  QUERN_MESSAGE_INTERRUPTED, /* the program ended in the middle */
  QUERN_MESSAGE_LENGTH,      /* the token limit or the context's end came first */
  QUERN_MESSAGE_FAILED,      /* see the message's failure sentence */
} QuernMessageState;

#define QUERN_TYPE_ROLE (quern_role_get_type ())
#define QUERN_TYPE_MESSAGE_STATE (quern_message_state_get_type ())
GType quern_role_get_type (void);
GType quern_message_state_get_type (void);

/* What was measured while an answer was made; all zero for a question. Durations in seconds. */
typedef struct {
  guint64 seed;
  guint prompt_tokens; /* of the whole prompt = reused + evaluated */
  guint reused_tokens; /* found in the cache */
  guint evaluated_tokens;
  guint answer_tokens; /* generated, reasoning included */
  guint reasoning_tokens;
  double load_seconds;        /* of the model, 0 when it was loaded already */
  double first_token_seconds; /* from sending to the first token, without load_seconds */
  double prefill_seconds;
  double decode_seconds;
  double reasoning_seconds;
  guint n_threads; /* that computed it; 0: not known, from before this was kept */
  guint n_passes;  /* times that the weights were read to write it: fewer than tokens where drafts were accepted */
} QuernStatistics;

double quern_statistics_prefill_rate (const QuernStatistics *statistics);
double quern_statistics_decode_rate (const QuernStatistics *statistics);

#define QUERN_TYPE_MESSAGE (quern_message_get_type ())
G_DECLARE_FINAL_TYPE (QuernMessage, quern_message, QUERN, MESSAGE, GObject)

QuernMessage *quern_message_new (QuernRole role, const char *content);
gint64 quern_message_get_id (QuernMessage *self);
gint64 quern_message_get_parent_id (QuernMessage *self);
gint64 quern_message_get_created (QuernMessage *self);
QuernRole quern_message_get_role (QuernMessage *self);
const char *quern_message_get_content (QuernMessage *self);
gsize quern_message_get_content_length (QuernMessage *self);
const char *quern_message_get_reasoning (QuernMessage *self);
QuernMessageState quern_message_get_state (QuernMessage *self);
const char *quern_message_get_failure (QuernMessage *self);
gboolean quern_message_get_thinking (QuernMessage *self);
const char *quern_message_get_effort (QuernMessage *self);
gboolean quern_message_get_in_reasoning (QuernMessage *self);
const char *quern_message_get_model_id (QuernMessage *self);
const char *quern_message_get_model_title (QuernMessage *self);
const QuernStatistics *quern_message_get_statistics (QuernMessage *self);
guint quern_message_get_sibling_index (QuernMessage *self);
guint quern_message_get_sibling_count (QuernMessage *self);
GListModel *quern_message_get_attachments (QuernMessage *self);

/* For the store and the chat session; widgets only read. */
void quern_message_set_ids (QuernMessage *self, gint64 id, gint64 parent_id, gint64 created);
void quern_message_set_text (QuernMessage *self, const char *content, const char *reasoning);
void quern_message_append (QuernMessage *self, gboolean reasoning, const char *text, gssize length);
void quern_message_set_state (QuernMessage *self, QuernMessageState state, const char *failure);
void quern_message_set_model (QuernMessage *self, const char *id, const char *title);
void quern_message_set_thinking (QuernMessage *self, gboolean thinking);
void quern_message_set_effort (QuernMessage *self, const char *effort);
void quern_message_set_in_reasoning (QuernMessage *self, gboolean in_reasoning);
void quern_message_set_statistics (QuernMessage *self, const QuernStatistics *statistics);
void quern_message_set_siblings (QuernMessage *self, guint index, guint count);
void quern_message_add_attachment (QuernMessage *self, QuernAttachment *attachment);

G_END_DECLS
