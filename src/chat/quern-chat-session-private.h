/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"
#include "quern-prompt.h"
#include "quern-sampling.h"

G_BEGIN_DECLS

typedef struct _QuernAnswer QuernAnswer;

struct _QuernChatSession {
  GObject parent_instance;

  QuernStore *store;
  QuernEngine *engine;
  QuernLibrary *library;
  QuernConversation *conversation;
  QuernModel *model;    /* NULL: none chosen, or gone */
  GListStore *messages; /* the branch that is shown */
  QuernSessionState state;
  double progress;
  guint context_used; /* tokens */
  gboolean repeating;
  QuernAnswer *answer; /* being made; NULL when idle */
};

/* quern-chat-session.c */
void  _quern_chat_session_set_state        (QuernChatSession *self, QuernSessionState state, double progress);
void  _quern_chat_session_set_context_used (QuernChatSession *self, guint n_tokens);
void  _quern_chat_session_set_repeating    (QuernChatSession *self, gboolean repeating);
guint _quern_chat_session_find             (QuernChatSession *self, QuernMessage *message);
void  _quern_chat_session_load_params      (QuernChatSession *self, QuernLoadParams *params);
guint _quern_chat_session_context_size     (QuernChatSession *self);
guint _quern_chat_session_start            (QuernChatSession *self, guint n_messages);
QuernPrompt *_quern_chat_session_prompt    (QuernChatSession *self, guint n_messages);
QuernPrompt *_quern_chat_session_prompt_range (QuernChatSession *self, guint first, guint end);

/* quern-chat-complete.c */
void  _quern_chat_session_complete_async   (QuernChatSession *self, const char *question, guint max_tokens,
                                            GCancellable *cancellable, GAsyncReadyCallback callback,
                                            gpointer user_data);
char *_quern_chat_session_complete_finish  (QuernChatSession *self, GAsyncResult *result, GError **error);

/* quern-chat-answer.c */
void  _quern_answer_stop                   (QuernAnswer *self);
void  _quern_answer_now                    (QuernAnswer *self);

G_END_DECLS
