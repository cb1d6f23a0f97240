/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "composer/quern-composer.h"
#include "widgets/quern-model-button.h"
#include "quern-chat-page.h"
#include "quern-find-bar.h"
#include "quern-transcript.h"

G_BEGIN_DECLS

struct _QuernChatPage {
  AdwBin parent_instance;

  /* Template widgets */
  AdwBanner *banner, *trouble;
  QuernFindBar *find_bar;
  GtkStack *stack;
  AdwStatusPage *welcome;
  AdwWrapBox *suggestions;
  QuernTranscript *transcript;
  GtkWidget *editing_bar, *working_bar, *repeating_bar;
  GtkLabel *working_label;
  QuernComposer *composer;
  QuernModelButton *model_button;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernChatSession *session;
  GSignalGroup *session_signals, *message_signals, *library_signals, *conversation_signals;
  QuernMessage *editing;  /* the question that is edited in the composer, or NULL */
  GCancellable *counting; /* cancels the running token count, or NULL */
  GCancellable *working;  /* cancels the work before a question can be asked, or NULL */
  char *template_told;    /* id of the model whose template the user was told of, or NULL */
  char *unsent;           /* a question that was asked and is not in the conversation yet, or NULL */

  guint draft_timer, count_timer;
};

typedef enum {
  QUERN_ASK_SEND,
  QUERN_ASK_EDIT,
  QUERN_ASK_AGAIN,
  QUERN_ASK_CONTINUE,
} QuernAskKind;

typedef struct _QuernAsked QuernAsked;

/* quern-chat-page-ask.c */
void _quern_chat_page_ask (QuernChatPage *self, const char *text);
void _quern_chat_page_ask_again (QuernChatPage *self, QuernAskKind kind, QuernMessage *message, QuernModel *model);
gboolean _quern_chat_page_is_ready (QuernChatPage *self);
char *_quern_chat_page_join_texts (const char *first, const char *second);

/* quern-chat-page-actions.c */
void _quern_chat_page_install_actions (GtkWidgetClass *widget_class);

/* quern-chat-page.c */
void _quern_chat_page_update (QuernChatPage *self);
void _quern_chat_page_update_count (QuernChatPage *self);
void _quern_chat_page_set_editing (QuernChatPage *self, QuernMessage *question);
void _quern_chat_page_end_editing (QuernChatPage *self);
void _quern_chat_page_set_working (QuernChatPage *self, const char *what, GCancellable *cancellable);
QuernMessage *_quern_chat_page_get_message (QuernChatPage *self, gint64 id);

G_END_DECLS
