/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub.h"
#include "quern-hub-item.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_HUB_SUPPORT_UNKNOWN, /* the hub does not say which architecture it is */
  QUERN_HUB_SUPPORT_YES,
  QUERN_HUB_SUPPORT_NO,
} QuernHubSupport;

/* A repository with GGUF files. From a listing it has no items; quern_hub_load_repo_async() gives one that has. It never
 * changes afterwards. */
#define QUERN_TYPE_HUB_REPO (quern_hub_repo_get_type ())
G_DECLARE_FINAL_TYPE (QuernHubRepo, quern_hub_repo, QUERN, HUB_REPO, GObject)

const char *quern_hub_repo_get_id (QuernHubRepo *self);
const char *quern_hub_repo_get_author (QuernHubRepo *self);
const char *quern_hub_repo_get_name (QuernHubRepo *self);
const char *quern_hub_repo_get_revision (QuernHubRepo *self);
const char *quern_hub_repo_get_license (QuernHubRepo *self);
const char *quern_hub_repo_get_architecture (QuernHubRepo *self);
guint64 quern_hub_repo_get_parameters (QuernHubRepo *self);
gint64 quern_hub_repo_get_downloads (QuernHubRepo *self);
gint64 quern_hub_repo_get_likes (QuernHubRepo *self);
GDateTime *quern_hub_repo_get_modified (QuernHubRepo *self);
gboolean quern_hub_repo_get_gated (QuernHubRepo *self);
gboolean quern_hub_repo_get_stale (QuernHubRepo *self);
QuernHubSupport quern_hub_repo_get_support (QuernHubRepo *self);
GListModel *quern_hub_repo_get_items (QuernHubRepo *self);
QuernHubItem *quern_hub_repo_find_item (QuernHubRepo *self, const char *what);
char *quern_hub_repo_dup_advice (QuernHubRepo *self, QuernHubItem *item);

void quern_hub_load_repo_async (QuernHub *hub, const char *id, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
QuernHubRepo *quern_hub_load_repo_finish (QuernHub *hub, GAsyncResult *result, GError **error);
void quern_hub_load_card_async (QuernHub *hub, QuernHubRepo *repo, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
char *quern_hub_load_card_finish (QuernHub *hub, GAsyncResult *result, GError **error);
void quern_hub_probe_async (QuernHub *hub, QuernHubRepo *repo, QuernHubItem *item, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_hub_probe_finish (QuernHub *hub, GAsyncResult *result, GError **error);

/* Block: for worker threads. */
QuernHubRepo *quern_hub_load_repo (QuernHub *hub, const char *id, GCancellable *cancellable, GError **error);
GPtrArray *quern_hub_parse_listing (GBytes *body, GError **error);
QuernHubRepo *quern_hub_parse_repo (GBytes *body, const char *id, GError **error);
gboolean quern_hub_repo_id_is_valid (const char *id);

G_END_DECLS
