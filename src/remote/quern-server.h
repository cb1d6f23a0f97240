/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-server-error.h"
#include "quern-server-kind.h"
#include "quern-server-model.h"

G_BEGIN_DECLS

/* A server of models that the user added: a bigger machine of theirs, or another program on this one. Properties: "name"
 * (read-write), and read-only "address", "kind", "version", "has-key". Signal "changed" (): a probe told something new. It belongs
 * to one thread; calls run on others. */
#define QUERN_TYPE_SERVER (quern_server_get_type ())
G_DECLARE_FINAL_TYPE (QuernServer, quern_server, QUERN, SERVER, GObject)

gint64 quern_server_get_id (QuernServer *self);
const char *quern_server_get_name (QuernServer *self);
void quern_server_set_name (QuernServer *self, const char *name);
const char *quern_server_get_address (QuernServer *self);
QuernServerKind quern_server_get_kind (QuernServer *self);
const QuernServerTraits *quern_server_get_traits (QuernServer *self);
const char *quern_server_get_version (QuernServer *self);
gboolean quern_server_get_has_key (QuernServer *self);
const char *quern_server_get_key_file (QuernServer *self);
gboolean quern_server_get_plain_key (QuernServer *self);
const GPtrArray *quern_server_get_models (QuernServer *self);
QuernServerModel *quern_server_find_model (QuernServer *self, const char *id);
char *quern_server_describe (QuernServer *self);

/* How a key is given to a server that is looked for. */
typedef struct {
  const char *key;      /* NULL: none */
  const char *key_file; /* where it was read from, to be read again where there is no keyring; may be NULL */
  gboolean plain;       /* it may travel unencrypted to another computer */
} QuernServerKey;

gboolean quern_server_key_check (const char *key, GError **error);
char *quern_server_key_read_file (const char *path, GError **error);

void quern_server_find_async (const char *address, const QuernServerKey *key, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
QuernServer *quern_server_find_finish (GAsyncResult *result, GError **error);
void quern_server_find_local_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *quern_server_find_local_finish (GAsyncResult *result, GError **error);
void quern_server_probe_async (QuernServer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean quern_server_probe_finish (QuernServer *self, GAsyncResult *result, GError **error);

G_END_DECLS
