/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A conversation and what belongs to it except its messages. Set its properties; once it is in a store
 * (quern_store_add_conversation()), the store saves every change by itself. */
#define QUERN_TYPE_CONVERSATION (quern_conversation_get_type ())
G_DECLARE_FINAL_TYPE (QuernConversation, quern_conversation, QUERN, CONVERSATION, GObject)

typedef enum {
  QUERN_THINKING_DEFAULT = -1, /* as the model's family does */
  QUERN_THINKING_OFF,
  QUERN_THINKING_ON,
} QuernThinking;

QuernConversation *quern_conversation_new (void);
gint64 quern_conversation_get_id (QuernConversation *self);
gint64 quern_conversation_get_created (QuernConversation *self);
gint64 quern_conversation_get_updated (QuernConversation *self);
const char *quern_conversation_get_title (QuernConversation *self);
void quern_conversation_set_title (QuernConversation *self, const char *title, gboolean given);
gboolean quern_conversation_get_title_given (QuernConversation *self);
gboolean quern_conversation_get_pinned (QuernConversation *self);
void quern_conversation_set_pinned (QuernConversation *self, gboolean pinned);
const char *quern_conversation_get_model_id (QuernConversation *self);
void quern_conversation_set_model_id (QuernConversation *self, const char *model_id);
QuernThinking quern_conversation_get_thinking (QuernConversation *self);
const char *quern_conversation_get_effort (QuernConversation *self);
void quern_conversation_set_effort (QuernConversation *self, const char *effort);
void quern_conversation_set_thinking (QuernConversation *self, QuernThinking thinking);
const char *quern_conversation_get_system_prompt (QuernConversation *self);
void quern_conversation_set_system_prompt (QuernConversation *self, const char *system_prompt);
const char *quern_conversation_get_unsent (QuernConversation *self);
void quern_conversation_set_unsent (QuernConversation *self, const char *unsent);
const char *quern_conversation_get_sampling (QuernConversation *self);
void quern_conversation_set_sampling (QuernConversation *self, const char *json);
guint quern_conversation_get_context_size (QuernConversation *self);
void quern_conversation_set_context_size (QuernConversation *self, guint n_tokens);
gint64 quern_conversation_get_context_start (QuernConversation *self);
void quern_conversation_set_context_start (QuernConversation *self, gint64 message_id);
gint64 quern_conversation_get_folder_id (QuernConversation *self);
void quern_conversation_set_folder_id (QuernConversation *self, gint64 folder_id);

/* For the store and the chat session. */
void quern_conversation_set_ids (QuernConversation *self, gint64 id, gint64 created);
void quern_conversation_touch (QuernConversation *self, gint64 updated);
void quern_conversation_set_busy (QuernConversation *self, gboolean busy);

G_END_DECLS
