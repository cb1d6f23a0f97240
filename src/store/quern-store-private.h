/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-folder.h"
#include "quern-persona.h"
#include "quern-sql.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* Queues a write whose failure is told by the "problem" signal; takes data over. */
void _quern_store_write (QuernStore *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy);

/* A read or write with a result: func fills data, which quern_store_…_finish() borrows with _quern_store_get_data() where
 * _quern_store_finish() says that it succeeded. */
void _quern_store_call (QuernStore *self, gboolean write, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean _quern_store_finish (QuernStore *self, GAsyncResult *result, GError **error);
gpointer _quern_store_get_data (GAsyncResult *result);

/* Emits "notice"; takes the sentence over. */
void _quern_store_tell (QuernStore *self, char *sentence);

/* Writes the settings of conversations that changed, so that they are on disk before whatever is written next. */
void _quern_store_save_settings (QuernStore *self);

/* The lists of folders and personas, and what fills one that nobody watches yet, on any thread. */
GListStore *_quern_store_get_folder_list (QuernStore *self);
GListStore *_quern_store_get_persona_list (QuernStore *self);
gboolean _quern_folder_load (sqlite3 *db, gpointer list, GError **error);
gboolean _quern_persona_load (sqlite3 *db, gpointer list, GError **error);
/* These put one that is on disk already into its list, unless the list has one of that id: undo may have been faster. */
void _quern_folder_show (QuernStore *store, QuernFolder *folder);
void _quern_persona_show (QuernStore *store, QuernPersona *persona);

/* All that are not deleted, into an array that owns them; and one of them into the list, with its changes kept. */
gboolean _quern_store_load_conversations (sqlite3 *db, gpointer data, GError **error);
void _quern_store_show_conversation (QuernStore *self, QuernConversation *conversation);
void _quern_store_hide_conversation (QuernStore *self, QuernConversation *conversation);

/* Begins to erase what was deleted before this start, or before a time. */
void _quern_store_erase_old (QuernStore *self);
void _quern_store_erase_before (QuernStore *self, gint64 time);

/* For quern-store-import.c, on the database's thread. */
gboolean _quern_store_save_conversation (sqlite3 *db, QuernConversation *conversation, GError **error);
gboolean _quern_store_insert_message (sqlite3 *db, QuernStore *store, QuernConversation *conversation,
                                      QuernMessage *message, GError **error);
gboolean _quern_store_choose_message (sqlite3 *db, QuernConversation *conversation, QuernMessage *message,
                                      GError **error);

/* `deleted` of a conversation that an instance is importing is G_MAXINT64 less the instance's number. */
#define QUERN_STORE_FIRST_IMPORTING (G_MAXINT64 - (gint64) G_MAXUINT32)

/* Removes the files whose names begin with that of @path and @suffix; with @living, not those whose names go on with the
 * number of an instance that is alive. */
gboolean _quern_store_remove_beside (const char *path, const char *suffix, QuernDatabase *living, GError **error);
#define QUERN_STORE_RESTORING ".restoring-" /* the copy of a backup while it is read, with its instance's number */

/* Moves a conversation to the top, for it has a new message. */
void _quern_store_touch (QuernStore *self, QuernConversation *conversation);

G_END_DECLS
