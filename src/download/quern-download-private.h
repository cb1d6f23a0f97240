/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-repo.h"
#include "quern-download.h"
#include "quern-fetch.h"
#include "quern-database.h"

typedef struct {
  char *path; /* in the repository */
  char *name; /* on this computer */
  guint64 size;
  char *sha256; /* NULL: nobody says; such a file cannot be verified */
  gboolean vision;
} QuernDownloadFile;

QuernDownloadFile *_quern_download_file_new (const char *path, const char *name, guint64 size, const char *sha256,
                                             gboolean vision);
void _quern_download_file_free (gpointer file);
GPtrArray *_quern_download_files_copy (GPtrArray *files);
GPtrArray *_quern_download_files_of (QuernHubItem *item, gboolean with_vision);

struct _QuernDownload {
  GObject parent_instance;

  gint64 id; /* row of the database, 0 before the first save */
  char *repo, *revision, *label, *folder;
  char *path;       /* of the first file when complete */
  GPtrArray *files; /* of QuernDownloadFile; first parts first */
  QuernDownloadState state;
  QuernDownloadPhase phase;
  GError *error;
  gboolean refresh; /* the hub's list of files is to be read again first */
  guint64 bytes, total, missing;
  double speed;
  guint retries;
  guint retry_source;
  gint64 wait_until; /* monotonic time: of the next attempt, or when the server wants to be asked again; 0: no wait */
  gint64 sampled;    /* monotonic time and received bytes of the last speed sample */
  guint64 received;
  struct _QuernDownloadJob *job; /* while RUNNING */
};

QuernDownload *_quern_download_new (const char *repo, const char *revision, const char *label, GPtrArray *files);
void _quern_download_set_files (QuernDownload *self, const char *revision, GPtrArray *files);
void _quern_download_set_state (QuernDownload *self, QuernDownloadState state, GError *error);
void _quern_download_set_progress (QuernDownload *self, guint64 bytes, guint64 received, QuernDownloadPhase phase);
void _quern_download_set_wait (QuernDownload *self, gint64 until);
char *_quern_download_dup_target (QuernDownload *self, guint index);
guint64 _quern_download_peek_bytes (QuernDownload *self);

/* The work of one download, in a thread. */
typedef struct _QuernDownloadJob {
  gatomicrefcount refs;
  QuernHub *hub;
  QuernRateLimiter *limiter;
  QuernDatabase *database; /* for the receipts; NULL: the queue is not kept */
  char *repo, *revision, *label, *folder;
  GPtrArray *files;
  gboolean refresh, refreshed; /* refreshed: revision, files or what is known of them are new */
  gboolean vision;
  GCancellable *cancellable;
  gboolean discard; /* cancelled for good: delete what is there */
  guint64 missing;
  guint64 finished, received; /* of the files before the current one; atomic */
  QuernFetchProgress progress;
} QuernDownloadJob;

QuernDownloadJob *_quern_download_job_new (QuernDownload *download, QuernHub *hub, QuernRateLimiter *limiter,
                                           QuernDatabase *database);
QuernDownloadJob *_quern_download_job_ref (QuernDownloadJob *job);
void _quern_download_job_unref (QuernDownloadJob *job);
gboolean _quern_download_job_run (QuernDownloadJob *job, GError **error);
void _quern_download_discard (const char *folder, GPtrArray *files);
