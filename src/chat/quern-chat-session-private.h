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
  QuernAnswer *answer; /* being made; NULL when idle */
};

/* quern-chat-session.c */
void  _quern_chat_session_set_state        (QuernChatSession *self, QuernSessionState state, double progress);
void  _quern_chat_session_set_context_used (QuernChatSession *self, guint n_tokens);
guint _quern_chat_session_find             (QuernChatSession *self, QuernMessage *message);
void  _quern_chat_session_load_params      (QuernChatSession *self, QuernLoadParams *params);
guint _quern_chat_session_context_size     (QuernChatSession *self);
QuernPrompt *_quern_chat_session_prompt    (QuernChatSession *self, guint n_messages);

/* quern-chat-answer.c */
void  _quern_answer_stop                   (QuernAnswer *self);
void  _quern_answer_now                    (QuernAnswer *self);

G_END_DECLS
