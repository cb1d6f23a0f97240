/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-preset.h"
#include "quern-sql.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* Queues a write whose failure is told by the "problem" signal; takes data over. */
void _quern_store_write (QuernStore *self, QuernDatabaseFunc func, gpointer data, GDestroyNotify destroy);

/* A read or write with a result: func fills data, which quern_store_…_finish() gets from _quern_store_finish(). */
void _quern_store_call (QuernStore *self, gboolean write, QuernDatabaseFunc func, gpointer data,
                        GDestroyNotify destroy, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data);
gpointer _quern_store_finish (QuernStore *self, GAsyncResult *result, GError **error);

/* Writes the settings of conversations that changed, so that they are on disk before whatever is written next. */
void _quern_store_save_settings (QuernStore *self);

/* The presets (quern-preset.c) of one kind, and what fills them all: an array of lists. */
GListStore *_quern_store_get_preset_list (QuernStore *self, int kind);
gboolean _quern_preset_load (sqlite3 *db, gpointer data, GError **error);
/* Into its list; it is on disk already. */
void _quern_preset_show (QuernStore *self, QuernPreset *preset);

/* All that are not deleted, into an array that owns them; and one of them into the list, with its changes kept. */
gboolean _quern_store_load_conversations (sqlite3 *db, gpointer data, GError **error);
void _quern_store_show_conversation (QuernStore *self, QuernConversation *conversation);

/* Removes the files whose names begin with that of @path and @suffix. */
void _quern_store_remove_beside (const char *path, const char *suffix);
#define QUERN_STORE_RESTORING ".restoring-" /* the copy of a backup while it is read */

/* Moves a conversation to the top, for it has a new message. */
void _quern_store_touch (QuernStore *self, QuernConversation *conversation);

G_END_DECLS
