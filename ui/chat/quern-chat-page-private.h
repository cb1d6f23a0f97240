/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "composer/quern-composer.h"
#include "models/quern-model-button.h"
#include "quern-chat-page.h"
#include "quern-transcript.h"

G_BEGIN_DECLS

struct _QuernChatPage {
  AdwBin parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  GtkStack *stack;
  AdwStatusPage *welcome;
  AdwWrapBox *suggestions;
  QuernTranscript *transcript;
  GtkWidget *editing_bar;
  QuernComposer *composer;
  QuernModelButton *model_button;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernChatSession *session;
  GSignalGroup *session_signals, *message_signals, *library_signals;
  QuernMessage *editing;      /* the question that the composer holds, or NULL */
  GCancellable *counting;     /* of the token count that runs, or NULL */

  guint draft_timer, count_timer;
};

void          _quern_chat_page_install_actions (GtkWidgetClass *widget_class);
void          _quern_chat_page_update          (QuernChatPage *self);
void          _quern_chat_page_update_count    (QuernChatPage *self);
void          _quern_chat_page_set_editing     (QuernChatPage *self, QuernMessage *question);
QuernMessage *_quern_chat_page_get_message     (QuernChatPage *self, gint64 id);

G_END_DECLS
