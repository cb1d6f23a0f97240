/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-server.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* The servers that the user added, in the database: any number, none found by itself. */
#define QUERN_TYPE_SERVERS (quern_servers_get_type ())
G_DECLARE_FINAL_TYPE (QuernServers, quern_servers, QUERN, SERVERS, GObject)

QuernServers *quern_servers_new (QuernStore *store);
void quern_servers_load_async (QuernServers *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean quern_servers_load_finish (QuernServers *self, GAsyncResult *result, GError **error);
GListModel *quern_servers_get_list (QuernServers *self);
QuernServer *quern_servers_find (QuernServers *self, const char *text);
void quern_servers_add_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
QuernServer *quern_servers_add_finish (QuernServers *self, GAsyncResult *result, GError **error);
void quern_servers_save (QuernServers *self, QuernServer *server);
void quern_servers_remove (QuernServers *self, QuernServer *server);
void quern_servers_restore (QuernServers *self, QuernServer *server);
void quern_servers_forget_key_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
void quern_servers_drop_key_async (QuernServers *self, QuernServer *server, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_servers_drop_key_finish (QuernServers *self, GAsyncResult *result, GError **error);
gboolean quern_servers_forget_key_finish (QuernServers *self, GAsyncResult *result, GError **error);

G_END_DECLS
