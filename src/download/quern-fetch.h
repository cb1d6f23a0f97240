/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub.h"
#include "quern-part.h"
#include "quern-rate-limiter.h"

G_BEGIN_DECLS

typedef struct {
  QuernHub *hub;
  const char *repo, *revision, *path;
  guint64 size;
  const char *sha256; /* NULL: what the hub says of the file itself; if nothing, the size is all that is checked */
  const char *target; /* where the finished file will be */
  QuernRateLimiter *limiter; /* NULL: none */
  guint connections;         /* at most; 0: 4 */
} QuernFetchSpec;

typedef enum {
  QUERN_FETCH_CONNECTING,
  QUERN_FETCH_DOWNLOADING,
  QUERN_FETCH_VERIFYING, /* everything is here, the rest is being read and hashed */
  QUERN_FETCH_REPAIRING, /* the hash is wrong: looking for the damaged part */
} QuernFetchPhase;

/* Read with quern_fetch_progress_get() while quern_fetch_run() runs in another thread. */
typedef struct {
  guint64 bytes;     /* of the file that are on disk */
  guint64 received;  /* body bytes from the network in this run, wasted ones included */
  gint64 wait_until; /* monotonic time; the server asked to wait, and this is when it ends; 0: it did not */
  guint phase;       /* QuernFetchPhase */
} QuernFetchProgress;

gboolean quern_fetch_run (const QuernFetchSpec *spec, QuernFetchProgress *progress, GCancellable *cancellable,
                          GError **error);
QuernFetchProgress quern_fetch_progress_get (const QuernFetchProgress *progress);

G_END_DECLS
