/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-repo.h"
#include "quern-download.h"

G_BEGIN_DECLS

/* The queue: a GListModel of #QuernDownload in the order they are worked on, one at a time, kept in
 * $XDG_DATA_HOME/quern/downloads.db. Main thread; nothing here blocks.
 *
 * Properties: "active": whether one is running; "progress": see quern_downloads_get_progress().
 * Signals: "installed" (QuernDownload *): verified and in its place. */
#define QUERN_TYPE_DOWNLOADS (quern_downloads_get_type ())
G_DECLARE_FINAL_TYPE (QuernDownloads, quern_downloads, QUERN, DOWNLOADS, GObject)

QuernDownloads *quern_downloads_new (QuernHub *hub);
void quern_downloads_load_async (QuernDownloads *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean quern_downloads_load_finish (QuernDownloads *self, GAsyncResult *result, GError **error);
void quern_downloads_close (QuernDownloads *self);

QuernDownload *quern_downloads_add (QuernDownloads *self, QuernHubRepo *repo, QuernHubItem *item, gboolean with_vision);
void quern_downloads_pause (QuernDownloads *self, QuernDownload *download);
void quern_downloads_resume (QuernDownloads *self, QuernDownload *download);
void quern_downloads_cancel (QuernDownloads *self, QuernDownload *download);
void quern_downloads_move (QuernDownloads *self, QuernDownload *download, guint position);
void quern_downloads_clear_complete (QuernDownloads *self);
void quern_downloads_set_rate (QuernDownloads *self, guint64 bytes_per_second);
void quern_downloads_hold (QuernDownloads *self, QuernDownload *only);
void quern_downloads_verify_async (QuernDownloads *self, const char *path, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_downloads_verify_finish (QuernDownloads *self, GAsyncResult *result, GError **error);
gboolean quern_downloads_is_active (QuernDownloads *self);
QuernDownload *quern_downloads_get_running (QuernDownloads *self);
double quern_downloads_get_progress (QuernDownloads *self);
void quern_downloads_set_suspended (QuernDownloads *self, gboolean suspended);
void quern_downloads_make_use_of_space (QuernDownloads *self);

G_END_DECLS
