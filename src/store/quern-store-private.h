/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

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

/* Moves a conversation to the top, for it has a new message. */
void _quern_store_touch (QuernStore *self, QuernConversation *conversation);

G_END_DECLS
