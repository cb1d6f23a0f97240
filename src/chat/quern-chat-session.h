/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-backend.h"
#include "quern-library.h"
#include "quern-question.h"

G_BEGIN_DECLS

#define QUERN_CHAT_ERROR (quern_chat_error_quark ())
GQuark quern_chat_error_quark (void);

typedef enum {
  QUERN_CHAT_ERROR_NO_MODEL,        /* none is chosen, or its file is no longer on this computer */
  QUERN_CHAT_ERROR_TOO_LONG,        /* the prompt does not fit the context; nothing was sent */
  QUERN_CHAT_ERROR_BUSY,            /* an answer is being generated */
  QUERN_CHAT_ERROR_NO_VISION,       /* there are pictures, but the model has no vision file; nothing was sent */
  QUERN_CHAT_ERROR_CANNOT_CONTINUE, /* the answer is to be continued, but the model's server cannot; nothing was sent */
  QUERN_CHAT_ERROR_ATTACHMENT,      /* an attachment cannot be read; nothing was sent */
} QuernChatError;

typedef enum {
  QUERN_SESSION_IDLE,
  QUERN_SESSION_LOADING, /* the model is being loaded: see progress */
  QUERN_SESSION_PREFILL, /* the prompt is being evaluated: see progress */
  QUERN_SESSION_THINKING,
  QUERN_SESSION_ANSWERING,
  QUERN_SESSION_WAITING, /* a server has the question and says nothing yet: it may be loading the model */
} QuernSessionState;

#define QUERN_TYPE_SESSION_STATE (quern_session_state_get_type ())
GType quern_session_state_get_type (void);

/* Tokens of the next prompt as the model gets it. */
typedef struct {
  guint total;        /* the sum of the parts below */
  guint instructions; /* the system prompt */
  guint history;      /* earlier messages that are still sent */
  guint attachments;  /* those of the question */
  guint question;     /* its text, and the template's own tokens around it */
  guint context_size; /* 0: a server does not tell */
  gboolean estimated; /* not counted, as of what would go to a server: to be shown as "about" */
  gboolean fits;      /* the prompt fits and leaves room for an answer */
} QuernTokenCount;

/* The ways out if the next prompt does not fit the context; see quern-chat-overflow.c. */
typedef struct {
  guint needed, context_size; /* tokens */
  guint raised;               /* tokens that hold the prompt and an answer; 0 if model or memory do not allow it */
  guint64 raised_bytes;       /* bytes that it takes beyond the present context */
  guint64 raised_total;       /* bytes that it takes in all, with the model */
  gint64 start;               /* id of the first message of a prompt that would fit with room for an answer; 0: none */
  guint n_left_out;           /* number of messages before `start` that are sent now */
  gboolean can_summarise;     /* there are earlier messages, and no answer has been begun */
} QuernOverflowPlan;

/* A conversation in use. Properties: "conversation", "messages" (GListModel of QuernMessage, the branch that is shown),
 * "state", "progress" (0 to 1, while loading and in prefill), "model" (read-write, may be NULL), "thinking"
 * (read-write), "effort" (read-write, may be NULL), "context-used", "context-size" (tokens), "repeating" (whether the
 * answer repeats itself), "question" (the one that is being written), "note" (a sentence about how the last answer went, may
 * be NULL). Every answer is saved at least once a second while it is generated. */
#define QUERN_TYPE_CHAT_SESSION (quern_chat_session_get_type ())
G_DECLARE_FINAL_TYPE (QuernChatSession, quern_chat_session, QUERN, CHAT_SESSION, GObject)

QuernChatSession *quern_chat_session_new (QuernStore *store, QuernBackend *backend, QuernLibrary *library,
                                          QuernConversation *conversation);
QuernConversation *quern_chat_session_get_conversation (QuernChatSession *self);
GListModel *quern_chat_session_get_messages (QuernChatSession *self);
QuernSessionState quern_chat_session_get_state (QuernChatSession *self);
double quern_chat_session_get_progress (QuernChatSession *self);
double quern_chat_session_get_waiting_seconds (QuernChatSession *self);
const char *quern_chat_session_get_note (QuernChatSession *self);
QuernModel *quern_chat_session_get_model (QuernChatSession *self);
char *quern_chat_session_dup_missing (QuernChatSession *self, gboolean *was_remote);
void quern_chat_session_set_model (QuernChatSession *self, QuernModel *model);
gboolean quern_chat_session_get_repeating (QuernChatSession *self);
gboolean quern_chat_session_get_thinking (QuernChatSession *self);
const char *quern_chat_session_get_effort (QuernChatSession *self);
void quern_chat_session_set_effort (QuernChatSession *self, const char *effort);
void quern_chat_session_set_thinking (QuernChatSession *self, gboolean thinking);
void quern_chat_session_set_usual_thinking (QuernChatSession *self, QuernThinking thinking);

/* Reads the messages from the store; call it once, before anything else. */
void quern_chat_session_load_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean quern_chat_session_load_finish (QuernChatSession *self, GAsyncResult *result, GError **error);

/* What is written; see quern-chat-unsent.c. */
QuernQuestion *quern_chat_session_get_question (QuernChatSession *self);
void quern_chat_session_edit (QuernChatSession *self, QuernMessage *message);
void quern_chat_session_cancel_edit (QuernChatSession *self);
gboolean quern_chat_session_holds_unsent (QuernChatSession *self);
void quern_chat_session_save_unsent (QuernChatSession *self);

void quern_chat_session_ask_async (QuernChatSession *self, QuernQuestion *question, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_chat_session_ask_finish (QuernChatSession *self, GAsyncResult *result, GError **error);
void quern_chat_session_stop (QuernChatSession *self);
void quern_chat_session_interrupt (QuernChatSession *self);
void quern_chat_session_answer_now (QuernChatSession *self);
void quern_chat_session_let_go_on (QuernChatSession *self);

/* These functions return at once; the messages change when the store has answered. */
void quern_chat_session_choose_sibling (QuernChatSession *self, QuernMessage *message, int step);
void quern_chat_session_delete_message (QuernChatSession *self, QuernMessage *message);
void quern_chat_session_restore_message (QuernChatSession *self, QuernMessage *message);

void quern_chat_session_count_tokens_async (QuernChatSession *self, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_chat_session_count_tokens_finish (QuernChatSession *self, GAsyncResult *result, QuernTokenCount *count,
                                                 GError **error);

/* These functions help when a question was refused because it does not fit; see quern-chat-overflow.c. */
QuernQuestion *quern_chat_session_get_refused (QuernChatSession *self);
void quern_chat_session_withdraw (QuernChatSession *self);
void quern_chat_session_move_refused (QuernChatSession *self, QuernChatSession *to);
void quern_chat_session_plan_overflow_async (QuernChatSession *self, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_chat_session_plan_overflow_finish (QuernChatSession *self, GAsyncResult *result, QuernOverflowPlan *plan,
                                                  GError **error);
void quern_chat_session_summarise_async (QuernChatSession *self, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
QuernConversation *quern_chat_session_summarise_finish (QuernChatSession *self, GAsyncResult *result, GError **error);

void quern_chat_session_revise (QuernChatSession *self, QuernMessage *answer, const char *text);
QuernConversation *quern_chat_session_branch (QuernChatSession *self, QuernMessage *message);

G_END_DECLS
