/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-item.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_DOWNLOAD_QUEUED,
  QUERN_DOWNLOAD_RUNNING,
  QUERN_DOWNLOAD_PAUSED,
  QUERN_DOWNLOAD_WAITING,  /* for the network or the hub; goes on by itself */
  QUERN_DOWNLOAD_NO_SPACE, /* get_missing() bytes too few on the disk */
  QUERN_DOWNLOAD_FAILED,   /* get_message() says why and what to do; resuming tries again */
  QUERN_DOWNLOAD_COMPLETE, /* verified and installed */
} QuernDownloadState;

typedef enum {
  QUERN_DOWNLOAD_CONNECTING,
  QUERN_DOWNLOAD_RECEIVING,
  QUERN_DOWNLOAD_VERIFYING,
  QUERN_DOWNLOAD_REPAIRING,
} QuernDownloadPhase;

/* One entry of the queue: a quantisation with all its parts and its vision file. Owned by #QuernDownloads, which is
 * also what one acts on it with. Main thread; every property notifies. */
#define QUERN_TYPE_DOWNLOAD (quern_download_get_type ())
G_DECLARE_FINAL_TYPE (QuernDownload, quern_download, QUERN, DOWNLOAD, GObject)

char *quern_download_dup_path_of (const char *repo, QuernHubItem *item);
const char *quern_download_get_repo (QuernDownload *self);
const char *quern_download_get_label (QuernDownload *self);
const char *quern_download_get_path (QuernDownload *self);
char **quern_download_dup_paths (QuernDownload *self);
gboolean quern_download_get_has_vision (QuernDownload *self);
QuernDownloadState quern_download_get_state (QuernDownload *self);
QuernDownloadPhase quern_download_get_phase (QuernDownload *self);
const char *quern_download_get_message (QuernDownload *self);
const GError *quern_download_get_error (QuernDownload *self);
guint64 quern_download_get_bytes (QuernDownload *self);
guint64 quern_download_get_total (QuernDownload *self);
guint64 quern_download_get_missing (QuernDownload *self);
double quern_download_get_speed (QuernDownload *self);
gint64 quern_download_get_seconds_left (QuernDownload *self);
gint64 quern_download_get_wait (QuernDownload *self);
gboolean quern_download_get_verifiable (QuernDownload *self);
double quern_download_get_fraction (QuernDownload *self);

G_END_DECLS
