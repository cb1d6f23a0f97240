/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"
#include "quern-effort.h"
#include "quern-prompt.h"
#include "quern-sampling.h"

G_BEGIN_DECLS

typedef struct _QuernAnswer QuernAnswer;

/* A demand describes a prompt: the messages [0, n_messages), a question after them, and perhaps the beginning of its
 * answer. */
typedef struct {
  guint n_messages;
  char *text;
  GListModel *attachments; /* or NULL */
  gint64 question_id;      /* id of the question if it is one of the messages already, else 0 */
  QuernMessage *begun;     /* an answer to continue, or NULL */
  QuernModel *model;
  gboolean thinking;
  guint needed; /* tokens of the prompt; 0 before they are counted */
} QuernDemand;

struct _QuernChatSession {
  GObject parent_instance;

  QuernStore *store;
  QuernBackend *backend;
  QuernLibrary *library;
  QuernConversation *conversation;
  QuernModel *model;    /* NULL if none is chosen or its file is gone */
  GListStore *messages; /* the messages of the branch that is shown */
  QuernSessionState state;
  double progress;
  guint context_used; /* in tokens */
  gboolean repeating;
  QuernAnswer *answer;  /* NULL when idle */
  QuernDemand *refused; /* the demand that did not fit, or NULL */
  struct _QuernCountCache *counted;
};

/* quern-chat-session.c */
void _quern_chat_session_set_state (QuernChatSession *self, QuernSessionState state, double progress);
void _quern_chat_session_set_context_used (QuernChatSession *self, guint n_tokens);
void _quern_chat_session_set_repeating (QuernChatSession *self, gboolean repeating);
guint _quern_chat_session_find (QuernChatSession *self, QuernMessage *message);
void _quern_chat_session_load_params (QuernChatSession *self, QuernModel *model, QuernLoadParams *params);
guint _quern_chat_session_context_size (QuernChatSession *self, QuernModel *model);
gboolean _quern_chat_session_thinks (QuernChatSession *self, QuernModel *model);
guint _quern_chat_session_start (QuernChatSession *self, guint n_messages);
QuernPrompt *_quern_chat_session_prompt (QuernChatSession *self, guint n_messages);
QuernPrompt *_quern_chat_session_prompt_range (QuernChatSession *self, const char *system_prompt, guint first,
                                               guint end);

/* quern-chat-overflow.c */
QuernDemand *_quern_demand_new (guint n_messages, const char *text, GListModel *attachments);
void _quern_demand_free (QuernDemand *self);
guint _quern_answer_room_least (guint context_size);

/* quern-chat-branch.c */
void _quern_chat_session_copy_settings (QuernChatSession *self, QuernConversation *to);

/* quern-chat-count.c */
void _quern_count_cache_free (struct _QuernCountCache *cache);
void _quern_chat_session_count_async (QuernChatSession *self, QuernModel *model, QuernPrompt *prompt, gboolean thinking,
                                      QuernMessage *begun, GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
gssize _quern_chat_session_count_finish (QuernChatSession *self, GAsyncResult *result, GError **error);

/* quern-chat-complete.c */
void _quern_chat_session_complete_async (QuernChatSession *self, QuernPrompt *prompt, const char *question,
                                         guint max_tokens, GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
char *_quern_chat_session_complete_finish (QuernChatSession *self, GAsyncResult *result, GError **error);

/* quern-chat-answer.c */
void _quern_answer_stop (QuernAnswer *self);
void _quern_answer_now (QuernAnswer *self);
void _quern_answer_let_go_on (QuernAnswer *self);

G_END_DECLS
