/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-fetch.h"
#include "quern-sha256.h"

/* Chunks [first, last] of a file, to be fetched with one request. */
typedef struct {
  guint first, last;
} QuernSpan;

/* Bytes that a worker received and wrote, on their way to the hash. */
typedef struct {
  char *data; /* QUERN_FETCH_BUFFER bytes, `size` of them filled */
  gsize size;
} QuernFetchBuffer;

#define QUERN_FETCH_BUFFER (256 * 1024)
#define QUERN_FETCH_QUEUE 16                  /* buffers: between two cores they stay in their common cache */
#define QUERN_FETCH_RAMP (G_USEC_PER_SEC / 5) /* how often the number of connections is thought over */

typedef struct {
  const QuernFetchSpec *spec;
  QuernFetchProgress *progress;
  QuernPart *part;
  GCancellable *cancellable; /* also cancelled when one worker meets an error that ends the download */

  char *read_buffer; /* QUERN_FETCH_BUFFER bytes, of the hashing thread */

  GMutex resolve_lock; /* one resolves, the others wait for the result */

  GMutex lock;        /* everything below */
  GCond cond;         /* of workers: chunks are free, or it is over */
  GPtrArray *threads; /* of workers */
  guint8 *taken;      /* for each chunk: a worker is at it */
  guint8 *unchecked;  /* for each chunk: facts of an earlier run claim that it is complete */
  guint32 *written;   /* for each chunk: bytes from its start that this run wrote or checked */
  gboolean ranges;    /* the server has shown that it serves ranges */
  gboolean whole;     /* it has shown that it does not: one connection, from the start */
  gboolean done;
  gint64 started;   /* monotonic time of the first body, 0 before */
  gint64 latency;   /* microseconds from a request to its answer, at most so far */
  char *location;   /* NULL: to be resolved */
  guint generation; /* of location */
  char *sha256;     /* what the content must have; NULL: nobody says */
  char *validator;  /* of what was received: its ETag, or when it was modified */
  gboolean changed; /* the validator did; with a hash that decides this is no more than a hint */
  gboolean restart; /* without one everything must be fetched anew */
  GError *error;

  /* Also under the lock: from the worker that writes where the hash is to the hashing thread. */
  GCond arrived, room;
  QuernFetchBuffer queue[QUERN_FETCH_QUEUE]; /* a ring; slots that are not used may have a buffer */
  guint first, n_queued;
  guint64 hash_end;   /* file offset up to which bytes are hashed or queued */
  gboolean rewritten; /* something before hash_end was written again */
} QuernFetch;

/* One worker's own things. */
typedef struct {
  QuernFetch *fetch;
  QuernDigest *crc;    /* of the chunk that is being written */
  char *buffer;        /* QUERN_FETCH_BUFFER bytes; another one after each hand-over */
  gint64 recorded;     /* monotonic time of the last record */
  guint64 gained;      /* bytes written by the last request */
  gint64 asked_delay;  /* microseconds that the server asked to wait; -1: none */
  QuernHubRetry retry; /* what failed since something was gained; failures: of this span */
} QuernFetchWorker;

/* quern-fetch.c */
void quern_fetch_set_phase (QuernFetch *fetch, QuernFetchPhase phase);
void quern_fetch_start_workers (QuernFetch *fetch);

/* quern-fetch-hash.c */
char *quern_fetch_hash (QuernFetch *fetch, GError **error);
char *quern_fetch_hash_file (QuernFetch *fetch, GError **error);
gboolean quern_fetch_check_chunk (QuernFetch *fetch, guint chunk, gboolean *good, GError **error);
void quern_fetch_hand_over (QuernFetchWorker *worker, guint64 offset, const char *data, gsize size);

/* quern-fetch-span.c */
void quern_fetch_worker_init (QuernFetchWorker *worker, QuernFetch *fetch);
void quern_fetch_worker_clear (QuernFetchWorker *worker);
void quern_fetch_resolve_again (QuernFetch *fetch);
gboolean quern_fetch_span (QuernFetchWorker *worker, QuernSpan *span, GError **error);
