/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-chat-session.h"
#include "quern-effort.h"
#include "quern-excerpt.h"
#include "quern-sampling.h"

G_BEGIN_DECLS

typedef struct _QuernAsking QuernAsking;

struct _QuernQuestion {
  GObject parent_instance;

  QuernQuestionKind kind;
  QuernQuestionState state;
  char *text;
  GListStore *attachments;
  QuernMessage *message; /* what is edited, answered again or continued; NULL for a new question */
  QuernModel *model;     /* who answers it; before it is asked only if it is not the conversation's */

  /* Once it is asked */
  guint n_messages;      /* messages of the branch that stay before what it adds */
  QuernRequest *request; /* what the model is asked; NULL before it is built */
  guint needed;          /* tokens of the prompt; 0 before they are counted */
};

struct _QuernChatSession {
  GObject parent_instance;

  QuernStore *store;
  QuernBackend *backend;
  QuernLibrary *library;
  QuernConversation *conversation;
  QuernModel *model;    /* NULL if none is chosen or its file is gone */
  QuernThinking usual;  /* what applies to the model where the conversation has no setting of its own */
  GListStore *messages; /* the messages of the branch that is shown */
  gboolean is_blank;    /* the store was asked, and has no messages of it; nor was any added */
  QuernSessionState state;
  double progress;
  guint context_used; /* in tokens */
  gboolean repeating;
  gint64 waiting_since; /* monotonic time */
  char *note;           /* about the last answer, or NULL */
  QuernAsking *asking;  /* NULL when idle */
  struct _QuernCountCache *counted;

  /* What is written and not part of the conversation yet */
  QuernQuestion *written; /* the next new question */
  QuernQuestion *edit;    /* the edit of a question; NULL if none is edited */
  QuernQuestion *asked;   /* asked and not committed yet, or NULL; without asking it is one that did not fit */
  guint unsent_source;    /* saves what is written */

  /* A title that the model will make or is making */
  GCancellable *titling;
  guint title_source;
};

/* quern-question.c */
QuernQuestion *_quern_question_new (QuernQuestionKind kind, QuernMessage *message, QuernModel *model);
void _quern_question_set_state (QuernQuestion *self, QuernQuestionState state);
gboolean _quern_question_is_written (QuernQuestion *self);
void _quern_question_prepend_attachments (QuernQuestion *self, GListModel *attachments);

/* quern-chat-session.c */
void _quern_chat_session_set_state (QuernChatSession *self, QuernSessionState state, double progress);
void _quern_chat_session_set_context_used (QuernChatSession *self, guint n_tokens);
void _quern_chat_session_set_repeating (QuernChatSession *self, gboolean repeating);
void _quern_chat_session_set_note (QuernChatSession *self, const char *note);
void _quern_chat_session_notify_question (QuernChatSession *self);
guint _quern_chat_session_find (QuernChatSession *self, QuernMessage *message);
void _quern_chat_session_load_params (QuernChatSession *self, QuernModel *model, QuernLoadParams *params);
guint _quern_chat_session_context_size (QuernChatSession *self, QuernModel *model);
gboolean _quern_chat_session_thinks (QuernChatSession *self, QuernModel *model);
guint _quern_chat_session_start (QuernChatSession *self, guint n_messages);
QuernExcerpt *_quern_chat_session_excerpt (QuernChatSession *self, const char *system_prompt, guint first, guint end);

/* quern-chat-unsent.c */
void _quern_chat_session_open_unsent (QuernChatSession *self);
void _quern_chat_session_close_unsent (QuernChatSession *self);
void _quern_chat_session_take_question (QuernChatSession *self, QuernQuestion *question);
void _quern_chat_session_commit_question (QuernChatSession *self);

/* quern-chat-overflow.c */
guint _quern_answer_room_least (guint context_size);
gboolean _quern_chat_session_fits (guint n_tokens, guint context_size);

/* quern-chat-branch.c */
void _quern_chat_session_copy_settings (QuernChatSession *self, QuernConversation *to);

/* quern-chat-count.c */
void _quern_count_cache_free (struct _QuernCountCache *cache);

/* quern-chat-complete.c */
void _quern_chat_session_complete_async (QuernChatSession *self, QuernRequest *request, guint max_tokens,
                                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char *_quern_chat_session_complete_finish (QuernChatSession *self, GAsyncResult *result, GError **error);

/* quern-chat-title.c */
void _quern_chat_session_title_by_question (QuernChatSession *self, const char *text);
char *_quern_chat_title_of_branch (const char *original);
void _quern_chat_session_stop_title (QuernChatSession *self);

/* quern-chat-asking.c */
void _quern_asking_stop (QuernAsking *self);
void _quern_asking_interrupt (QuernAsking *self);
void _quern_asking_answer_now (QuernAsking *self);
void _quern_asking_let_go_on (QuernAsking *self);

G_END_DECLS
