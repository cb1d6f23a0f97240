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
  GtkLabel *title;
  GtkWidget *waiting_bar, *get_model;

  /* Owned references */
  GSettings *settings;
  QuernStore *store;
  QuernLibrary *library;
  QuernChatSession *session;
  GSignalGroup *session_signals, *question_signals, *message_signals, *library_signals, *conversation_signals;
  GCancellable *counting;                 /* cancels the running token count, or NULL */
  GCancellable *working;                  /* cancels the work before a question can be asked, or NULL */
  char *template_told;                    /* id of the model whose template the user was told of, or NULL */
  gboolean model_missing, server_missing; /* the banner says that the conversation's model is gone, or its server */

  guint count_timer;
  guint waiting_timer; /* shows how long a server has been waited for */
  gboolean waiting;    /* what is written is to be asked when the answer is complete */
  guint send_source;   /* does so, or 0 */
};

/* quern-chat-page-ask.c */
void _quern_chat_page_ask (QuernChatPage *self, QuernQuestion *question);
void _quern_chat_page_send (QuernChatPage *self);
void _quern_chat_page_set_waiting (QuernChatPage *self, gboolean waiting);
void _quern_chat_page_send_waiting (QuernChatPage *self);
gboolean _quern_chat_page_is_ready (QuernChatPage *self);

/* quern-chat-page-actions.c */
void _quern_chat_page_install_actions (GtkWidgetClass *widget_class);
void _quern_chat_page_copy (QuernChatPage *self, QuernMessage *message);

/* quern-chat-page.c */
void _quern_chat_page_update (QuernChatPage *self);
void _quern_chat_page_update_count (QuernChatPage *self);
void _quern_chat_page_set_working (QuernChatPage *self, const char *what, GCancellable *cancellable);
QuernMessage *_quern_chat_page_get_message (QuernChatPage *self, gint64 id);

G_END_DECLS
