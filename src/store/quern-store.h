/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-conversation.h"
#include "quern-database.h"
#include "quern-message.h"

G_BEGIN_DECLS

/* Conversations and messages on disk. Changes show in the objects at once and are written in order by the database's
 * thread; the "problem" signal (GError) tells when a write failed, "recovered" when all that waited for it is written, and
 * "notice" (a sentence) what else could not be done for now. */
#define QUERN_TYPE_STORE (quern_store_get_type ())
G_DECLARE_FINAL_TYPE (QuernStore, quern_store, QUERN, STORE, GObject)

typedef gboolean (*QuernStoreMessageFunc) (QuernMessage *message, gboolean shown, gpointer data, GError **error);

/* A found message. */
#define QUERN_TYPE_SEARCH_HIT (quern_search_hit_get_type ())
G_DECLARE_FINAL_TYPE (QuernSearchHit, quern_search_hit, QUERN, SEARCH_HIT, GObject)

QuernStore *quern_store_open (const char *path, GError **error);
void quern_store_open_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
QuernStore *quern_store_open_finish (GAsyncResult *result, GError **error);
QuernStore *quern_store_open_in_memory (void);
const char *quern_store_get_notice (QuernStore *self);
void quern_store_close (QuernStore *self);
QuernDatabase *quern_store_get_database (QuernStore *self);
void quern_store_flush_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean quern_store_flush_finish (QuernStore *self, GAsyncResult *result, GError **error);
gint64 quern_store_new_id (void);

/* conversations */
GListModel *quern_store_get_conversations (QuernStore *self);
QuernConversation *quern_store_get_conversation (QuernStore *self, gint64 id);
void quern_store_add_conversation (QuernStore *self, QuernConversation *conversation);
void quern_store_withdraw_conversation (QuernStore *self, QuernConversation *conversation);
void quern_store_delete_conversation (QuernStore *self, QuernConversation *conversation);
void quern_store_restore_conversation (QuernStore *self, QuernConversation *conversation);
void quern_store_erase_deleted_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean quern_store_erase_deleted_finish (QuernStore *self, GAsyncResult *result, GError **error);
void quern_store_erase_all_async (QuernStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean quern_store_erase_all_finish (QuernStore *self, GAsyncResult *result, GError **error);
void quern_store_backup_async (QuernStore *self, const char *path, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_store_backup_finish (QuernStore *self, GAsyncResult *result, GError **error);
void quern_store_restore_async (QuernStore *self, GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean quern_store_restore_finish (QuernStore *self, GAsyncResult *result, guint *n_conversations, guint *n_others,
                                     GError **error);

/* messages */
void quern_store_load_path_async (QuernStore *self, QuernConversation *conversation, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *quern_store_load_path_finish (QuernStore *self, GAsyncResult *result, GError **error);
gboolean quern_store_read_tree (QuernStore *self, gint64 conversation_id, QuernStoreMessageFunc func, gpointer data,
                                GCancellable *cancellable, GError **error);
GBytes *quern_store_read_attachment (QuernStore *self, QuernAttachment *attachment, GError **error);
void quern_store_append_message (QuernStore *self, QuernConversation *conversation, QuernMessage *parent,
                                 QuernMessage *message);
void quern_store_save_message (QuernStore *self, QuernMessage *message);
void quern_store_choose_sibling (QuernStore *self, QuernConversation *conversation, QuernMessage *message, int step);
void quern_store_choose_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message);
void quern_store_choose_branch (QuernStore *self, QuernConversation *conversation, gint64 message_id);
void quern_store_delete_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message);
void quern_store_restore_message (QuernStore *self, QuernConversation *conversation, QuernMessage *message);
void quern_store_load_attachment_async (QuernStore *self, QuernAttachment *attachment, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
GBytes *quern_store_load_attachment_finish (QuernStore *self, GAsyncResult *result, GError **error);

/* importing: on a thread, but for the last */
gboolean quern_store_import_conversation (QuernStore *self, QuernConversation *conversation, GError **error);
gboolean quern_store_import_messages (QuernStore *self, QuernConversation *conversation, GPtrArray *messages,
                                      GError **error);
gboolean quern_store_import_choices (QuernStore *self, QuernConversation *conversation, GPtrArray *messages,
                                     GError **error);
gboolean quern_store_import_end (QuernStore *self, GPtrArray *conversations, gboolean keep_them, GError **error);
void quern_store_import_show (QuernStore *self, GPtrArray *conversations);

/* search */
void quern_store_search_async (QuernStore *self, const char *text, guint limit, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
GListModel *quern_store_search_finish (QuernStore *self, GAsyncResult *result, GError **error);
gint64 quern_search_hit_get_conversation_id (QuernSearchHit *self);
gint64 quern_search_hit_get_message_id (QuernSearchHit *self);
const char *quern_search_hit_get_title (QuernSearchHit *self);
const char *quern_search_hit_get_snippet (QuernSearchHit *self);

G_END_DECLS
