/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-fetch.h"
#include "quern-sha256.h"

/* Chunks [first, last] of a file, to be fetched with one request. */
typedef struct {
  guint first, last;
} QuernSpan;

typedef struct {
  const QuernFetchSpec *spec;
  QuernFetchProgress *progress;
  QuernPart *part;
  GCancellable *cancellable; /* also cancelled when one worker meets an error that ends the download */

  guint8 *unchecked;         /* for each chunk: facts of an earlier run claim it; only the hashing thread looks */

  GMutex resolve_lock; /* one resolves, the others wait for the result */

  GMutex lock; /* everything below */
  GCond cond;
  guint8 *taken;     /* for each chunk: a worker is at it */
  gboolean ranges;   /* the server has shown that it serves ranges */
  gboolean whole;    /* it has shown that it does not: one connection, from the start */
  gboolean done;
  gint64 started;    /* monotonic time of the first body, 0 before */
  char *location;    /* NULL: to be resolved */
  guint generation;  /* of location */
  char *etag;        /* of what is at location */
  guint n_etags;     /* how often it changed */
  GError *error;
} QuernFetch;

/* One worker's own things. */
typedef struct {
  QuernFetch *fetch;
  QuernDigest *crc; /* of the chunk that is being written */
  char *buffer;     /* QUERN_FETCH_BUFFER bytes */
  gint64 recorded;  /* monotonic time of the last record */
  gboolean progress; /* something was written since the last failure */
  gint64 asked_delay; /* microseconds that the server asked to wait; -1: none */
} QuernFetchWorker;

#define QUERN_FETCH_BUFFER (256 * 1024)

/* quern-fetch-span.c */
void     quern_fetch_worker_init  (QuernFetchWorker *worker, QuernFetch *fetch);
void     quern_fetch_worker_clear (QuernFetchWorker *worker);
gboolean quern_fetch_span         (QuernFetchWorker *worker, QuernSpan *span, GError **error);
