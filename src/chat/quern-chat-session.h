/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-engine.h"
#include "quern-library.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_CHAT_ERROR (quern_chat_error_quark ())
GQuark quern_chat_error_quark (void);

typedef enum {
  QUERN_CHAT_ERROR_NO_MODEL, /* none chosen, or the chosen one is no longer on this computer */
  QUERN_CHAT_ERROR_TOO_LONG, /* does not fit the context; nothing was sent */
  QUERN_CHAT_ERROR_BUSY,     /* an answer is being made */
  QUERN_CHAT_ERROR_NO_VISION, /* pictures for a model without its vision file; nothing was sent */
  QUERN_CHAT_ERROR_ATTACHMENT, /* an attachment cannot be read; nothing was sent */
} QuernChatError;

typedef enum {
  QUERN_SESSION_IDLE,
  QUERN_SESSION_LOADING, /* the model: see progress */
  QUERN_SESSION_PREFILL, /* reading the prompt: see progress */
  QUERN_SESSION_THINKING,
  QUERN_SESSION_ANSWERING,
} QuernSessionState;

#define QUERN_TYPE_SESSION_STATE (quern_session_state_get_type ())
GType quern_session_state_get_type (void);

/* Tokens of the next prompt as the model will see it. */
typedef struct {
  guint total;        /* the sum of the parts below */
  guint instructions; /* the system prompt */
  guint history;      /* earlier messages that are still sent */
  guint attachments;  /* of the draft */
  guint draft;        /* its text, and the template's own around it */
  guint context_size;
  gboolean fits;      /* with room for an answer: it can be sent */
} QuernTokenCount;

/* What can be done when the next prompt does not fit the context; see quern-chat-overflow.c. */
typedef struct {
  guint needed, context_size; /* tokens */
  guint raised;          /* a context size that holds the prompt and an answer; 0: model or memory allow none */
  guint64 raised_bytes;  /* memory that it takes more than the one of now */
  guint64 raised_total;  /* memory that it takes in all, with the model */
  gint64 start;          /* the message from which on it would fit, with room for an answer; 0: none */
  guint n_left_out;      /* messages before it that are sent now */
  gboolean can_summarise; /* there are earlier messages, and the question is not one that is half answered */
} QuernOverflowPlan;

/* A conversation in use. Properties: "conversation", "messages" (GListModel of QuernMessage, the branch that is shown),
 * "state", "progress" (0 … 1, while loading and in prefill), "model" (read-write, may be NULL), "thinking" (read-write),
 * "context-used", "context-size" (tokens), "repeating" (the answer goes round in circles). Every answer is saved at least once a second while it is made. */
#define QUERN_TYPE_CHAT_SESSION (quern_chat_session_get_type ())
G_DECLARE_FINAL_TYPE (QuernChatSession, quern_chat_session, QUERN, CHAT_SESSION, GObject)

QuernChatSession  *quern_chat_session_new                 (QuernStore *store, QuernEngine *engine,
                                                           QuernLibrary *library, QuernConversation *conversation);
QuernConversation *quern_chat_session_get_conversation    (QuernChatSession *self);
GListModel        *quern_chat_session_get_messages        (QuernChatSession *self);
QuernSessionState  quern_chat_session_get_state           (QuernChatSession *self);
double             quern_chat_session_get_progress        (QuernChatSession *self);
QuernModel        *quern_chat_session_get_model           (QuernChatSession *self);
void               quern_chat_session_set_model           (QuernChatSession *self, QuernModel *model);
gboolean           quern_chat_session_get_repeating       (QuernChatSession *self);
gboolean           quern_chat_session_get_thinking        (QuernChatSession *self);
void               quern_chat_session_set_thinking        (QuernChatSession *self, gboolean thinking);

/* Reads the messages from the store; call it once, before anything else. */
void               quern_chat_session_load_async          (QuernChatSession *self, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean           quern_chat_session_load_finish         (QuernChatSession *self, GAsyncResult *result,
                                                           GError **error);

/* All of these end when the answer has ended, however that was: see its state. They fail, with nothing added to the
 * conversation, when there is no model or the prompt does not fit the context. A model that cannot be loaded makes a
 * failed answer, which can be regenerated. Cancelling stops the answer. */
void               quern_chat_session_send_async          (QuernChatSession *self, const char *text,
                                                           GListModel *attachments, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
void               quern_chat_session_edit_async          (QuernChatSession *self, QuernMessage *question,
                                                           const char *text, GListModel *attachments,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
void               quern_chat_session_regenerate_async    (QuernChatSession *self, QuernMessage *message,
                                                           QuernModel *model, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
void               quern_chat_session_continue_async      (QuernChatSession *self, QuernMessage *answer,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean           quern_chat_session_answer_finish       (QuernChatSession *self, GAsyncResult *result,
                                                           GError **error);

void               quern_chat_session_stop                (QuernChatSession *self);
void               quern_chat_session_answer_now          (QuernChatSession *self);
void               quern_chat_session_let_go_on           (QuernChatSession *self);

/* The messages change when the store has answered. */
void               quern_chat_session_choose_sibling      (QuernChatSession *self, QuernMessage *message, int step);
void               quern_chat_session_delete_message      (QuernChatSession *self, QuernMessage *message);
void               quern_chat_session_restore_message     (QuernChatSession *self, QuernMessage *message);

void               quern_chat_session_count_tokens_async  (QuernChatSession *self, const char *draft,
                                                           GListModel *attachments, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean           quern_chat_session_count_tokens_finish (QuernChatSession *self, GAsyncResult *result,
                                                           QuernTokenCount *count, GError **error);

/* When the next prompt does not fit; see quern-chat-overflow.c. */
void               quern_chat_session_plan_overflow_async (QuernChatSession *self, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean           quern_chat_session_plan_overflow_finish (QuernChatSession *self, GAsyncResult *result,
                                                           QuernOverflowPlan *plan, GError **error);
void               quern_chat_session_summarise_async     (QuernChatSession *self, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
QuernConversation *quern_chat_session_summarise_finish    (QuernChatSession *self, GAsyncResult *result,
                                                           GError **error);
const char        *quern_chat_session_get_refused_text    (QuernChatSession *self, GListModel **attachments);

QuernConversation *quern_chat_session_branch              (QuernChatSession *self, QuernMessage *message);

void               quern_chat_session_make_title_async    (QuernChatSession *self, GCancellable *cancellable,
                                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean           quern_chat_session_make_title_finish   (QuernChatSession *self, GAsyncResult *result,
                                                           GError **error);

G_END_DECLS
