/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Fetches one file into its .part and verifies it.
 *
 * The thread that calls quern_fetch_run() hashes (quern-fetch-hash.c); workers fetch. A worker takes the first chunks
 * that nobody has or fetches, a span of them with one ranged request (quern-fetch-span.c), writes them where they
 * belong, and hands to the hash what is next in the order of the file. Chunks of an earlier run are compared with their
 * recorded checksums on the way, so that facts which no longer hold cost one chunk. When everything is there, so is the
 * hash.
 *
 * A hub gives one hash for the whole file. If that is wrong, chunks that are not on disk as they arrived are fetched
 * again. If there are none, the network delivered wrong bytes: then the file is fetched once more, an eighth after the
 * other, until something differs and the hash is right. The hash alone decides: what a server says about versions of the
 * file only matters where there is none. Then a new version is fetched from the start, and never mixed with the old. */

#include "config.h"

#include "quern-fetch-private.h"

#include <glib/gi18n-lib.h>

#define MAX_SPAN ((guint64) 256 * 1024 * 1024)
#define LEAST_SPAN (4 * 1024 * 1024)      /* what one request brings, where there is so much */
#define ONE_SPAN (2 * LEAST_SPAN)         /* so much is fetched with a single request */
#define CONNECTION_SIZE (4 * 1024 * 1024) /* a further connection should have this much to do */
#define FAST_RATE 150.0                   /* bytes per microsecond */
#define WORTHWHILE 10    /* a request should bring bytes for so many times as long as its answer took */
#define GAIN (64 * 1024) /* bytes: less may come for ever without an end in sight */
#define REPAIR_STEPS 8
#define MAX_RESTARTS 3

/* Returns: a snapshot */
QuernFetchProgress
quern_fetch_progress_get (const QuernFetchProgress *progress)
{
  return (QuernFetchProgress) {
    .bytes = __atomic_load_n (&progress->bytes, __ATOMIC_RELAXED),
    .received = __atomic_load_n (&progress->received, __ATOMIC_RELAXED),
    .wait_until = __atomic_load_n (&progress->wait_until, __ATOMIC_RELAXED),
    .phase = __atomic_load_n (&progress->phase, __ATOMIC_RELAXED),
  };
}

void
quern_fetch_set_phase (QuernFetch *fetch, QuernFetchPhase phase)
{
  __atomic_store_n (&fetch->progress->phase, phase, __ATOMIC_RELAXED);
  __atomic_store_n (&fetch->progress->bytes, quern_part_get_bytes (fetch->part), __ATOMIC_RELAXED);
}

/* Wants the lock. */
static void
wake_all (QuernFetch *fetch)
{
  g_cond_broadcast (&fetch->cond);
  g_cond_broadcast (&fetch->arrived);
  g_cond_broadcast (&fetch->room);
}

/* ---- workers --------------------------------------------------------------------------------------------------- */

/* Bytes per microsecond, since the first ones came; 0 while that is too short ago to tell. Wants the lock. */
static double
known_rate (QuernFetch *fetch)
{
  gint64 elapsed = fetch->started > 0 ? g_get_monotonic_time () - fetch->started : 0;

  if (elapsed < QUERN_FETCH_RAMP)
    return 0;
  return (double) __atomic_load_n (&fetch->progress->received, __ATOMIC_RELAXED) / elapsed;
}

static guint64
bytes_left (QuernFetch *fetch)
{
  return fetch->spec->size - MIN (quern_part_get_bytes (fetch->part), fetch->spec->size);
}

static guint
max_connections (QuernFetch *fetch)
{
  return fetch->spec->connections > 0 ? fetch->spec->connections : 4;
}

/* How many bytes one request should ask for. A few requests that bring much: each costs the time until its answer comes,
 * which only the server knows before the first one. Less towards the end, so that all connections end together. Wants the
 * lock. */
static guint64
span_bytes (QuernFetch *fetch)
{
  guint64 left = bytes_left (fetch), worthwhile;
  double rate = known_rate (fetch);

  if (rate > FAST_RATE)
    return MIN (left, MAX_SPAN);
  if (fetch->started == 0 && left <= ONE_SPAN)
    return left;
  worthwhile = (guint64) (rate / MAX (1, fetch->threads->len) * (double) fetch->latency * WORTHWHILE);
  worthwhile = MIN (worthwhile, left / max_connections (fetch));
  return MAX (CLAMP (left / (2 * max_connections (fetch)), LEAST_SPAN, MAX_SPAN), worthwhile);
}

/* Wants the lock. */
static gboolean
find_span (QuernFetch *fetch, QuernSpan *span)
{
  guint n = quern_part_get_n_chunks (fetch->part), first = 0;
  guint64 chunk = quern_part_chunk_end (fetch->part, 0);
  guint limit = fetch->whole ? n : MAX (1, (span_bytes (fetch) + chunk - 1) / chunk);

  while (first < n && (fetch->taken[first] || quern_part_is_complete (fetch->part, first))) {
    if (fetch->whole && fetch->taken[first])
      return FALSE; /* the one connection is busy */
    first++;
  }
  if (first == n)
    return FALSE;
  *span = (QuernSpan) { first, first };
  while (span->last + 1 < n && span->last + 1 - first < limit && !fetch->taken[span->last + 1]
         && (fetch->whole || !quern_part_is_complete (fetch->part, span->last + 1)))
    span->last++;
  memset (fetch->taken + first, 1, span->last - first + 1);
  return TRUE;
}

/* Waits for something to do; FALSE when there is nothing more. */
static gboolean
take_span (QuernFetch *fetch, QuernSpan *span)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fetch->lock);

  while (!fetch->done && fetch->error == NULL) {
    if (find_span (fetch, span))
      return TRUE;
    g_cond_wait (&fetch->cond, &fetch->lock);
  }
  return FALSE;
}

/* Fetches a span with as many requests as it takes. */
static gboolean
fetch_with_retries (QuernFetchWorker *worker, QuernSpan *span, GError **error)
{
  worker->retry.failures = 0;
  for (;;) {
    g_autoptr (GError) cause = NULL;
    gint64 delay;
    gboolean waited;

    if (quern_fetch_span (worker, span, &cause))
      return TRUE;
    if (worker->gained >= GAIN)
      worker->retry = (QuernHubRetry) { 0 };
    delay = quern_hub_retry_next (&worker->retry, cause, worker->asked_delay, TRUE);
    if (delay < 0) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
    if (worker->asked_delay >= G_USEC_PER_SEC) /* long enough to be shown */
      __atomic_store_n (&worker->fetch->progress->wait_until, g_get_monotonic_time () + delay, __ATOMIC_RELAXED);
    waited = quern_hub_wait (delay, worker->fetch->cancellable, error);
    if (worker->asked_delay >= G_USEC_PER_SEC)
      __atomic_store_n (&worker->fetch->progress->wait_until, 0, __ATOMIC_RELAXED);
    if (!waited)
      return FALSE;
  }
}

static gpointer
quern_fetch_worker_thread (gpointer data)
{
  QuernFetch *fetch = data;
  QuernFetchWorker worker;
  QuernSpan span;

  quern_fetch_worker_init (&worker, fetch);
  while (take_span (fetch, &span)) {
    GError *error = NULL;
    guint first = span.first;
    gboolean ok = fetch_with_retries (&worker, &span, &error);

    g_mutex_lock (&fetch->lock);
    memset (fetch->taken + first, 0, span.last - first + 1);
    g_cond_broadcast (&fetch->cond);
    g_mutex_unlock (&fetch->lock);
    if (!ok) {
      /* The first error counts; the others are its echo. */
      g_mutex_lock (&fetch->lock);
      if (fetch->error == NULL && !fetch->done)
        fetch->error = error;
      else
        g_error_free (error);
      wake_all (fetch);
      g_mutex_unlock (&fetch->lock);
      g_cancellable_cancel (fetch->cancellable);
    }
  }
  quern_fetch_worker_clear (&worker);
  return NULL;
}

/* Starts as many connections as pay: one until the server has shown that it serves ranges and how fast it is; no more
 * where one fills the line, or would be done before another one's first byte. Wants the lock. */
void
quern_fetch_start_workers (QuernFetch *fetch)
{
  double rate = known_rate (fetch);
  guint wanted = 1;

  if (fetch->ranges && rate > 0 && rate <= FAST_RATE
      && (double) bytes_left (fetch) >= 2 * rate * (double) fetch->latency)
    wanted = MIN (max_connections (fetch), 1 + bytes_left (fetch) / CONNECTION_SIZE);
  while (fetch->threads->len < wanted)
    g_ptr_array_add (fetch->threads, g_thread_new ("download", quern_fetch_worker_thread, fetch));
}

/* ---- repair ---------------------------------------------------------------------------------------------------- */

static gboolean
is_right (QuernFetch *fetch, const char *hash)
{
  return fetch->sha256 == NULL || g_strcmp0 (hash, fetch->sha256) == 0;
}

static gboolean
hash_is_right (QuernFetch *fetch, gboolean *right, GError **error)
{
  g_autofree char *hash = quern_fetch_hash_file (fetch, error);

  *right = hash != NULL && is_right (fetch, hash);
  return hash != NULL;
}

/* Fetches some chunks again. */
static gboolean
fetch_again (QuernFetch *fetch, QuernFetchWorker *worker, QuernSpan span, gboolean *differ, GError **error)
{
  guint n = span.last - span.first + 1;
  g_autofree guint32 *before = g_new (guint32, n);
  QuernSpan rest = span;

  for (guint i = 0; i < n; i++) {
    quern_part_get_have (fetch->part, span.first + i, &before[i]);
    quern_part_record (fetch->part, span.first + i, 0, 0);
  }
  if (!fetch_with_retries (worker, &rest, error))
    return FALSE;
  *differ = FALSE;
  for (guint i = 0; i < n; i++) {
    guint32 after;

    quern_part_get_have (fetch->part, span.first + i, &after);
    *differ |= before[i] != after;
  }
  return TRUE;
}

static gboolean
quern_fetch_repair (QuernFetch *fetch, GError **error)
{
  QuernFetchWorker worker;
  guint n = quern_part_get_n_chunks (fetch->part), step = (n + REPAIR_STEPS - 1) / REPAIR_STEPS;
  gboolean right = FALSE, changed = FALSE, ok = TRUE;

  quern_fetch_set_phase (fetch, QUERN_FETCH_REPAIRING);
  quern_fetch_resolve_again (fetch); /* the hub may have another file, and another hash, by now */
  quern_fetch_worker_init (&worker, fetch);
  /* First comes what the disk does not have as it arrived. */
  for (guint i = 0; ok && i < n; i++) {
    QuernSpan span = { i, i };
    gboolean good = TRUE;

    ok = quern_fetch_check_chunk (fetch, i, &good, error) && (good || fetch_with_retries (&worker, &span, error));
    changed |= !good;
  }
  ok = ok && (!changed || hash_is_right (fetch, &right, error));
  /* Then the file comes again in a few steps; after each one that comes differently it is hashed anew. */
  for (guint i = 0; ok && !right && i < n; i += step) {
    QuernSpan span = { i, MIN (i + step, n) - 1 };
    gboolean differ = FALSE;

    ok = fetch_again (fetch, &worker, span, &differ, error) && (!differ || hash_is_right (fetch, &right, error));
  }
  quern_fetch_worker_clear (&worker);
  if (ok && !right) {
    quern_part_forget (fetch->part);
    quern_part_save (fetch->part, TRUE, NULL);
    g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED,
                 _("“%s” was damaged twice during the download and was not installed. Try again later, or choose "
                   "another mirror."),
                 fetch->spec->path);
  }
  return right;
}

/* ---- run ------------------------------------------------------------------------------------------------------- */

static void
quern_fetch_cancelled_cb (GCancellable *outer, GCancellable *inner)
{
  g_cancellable_cancel (inner);
}

/* A cancelled download must wake those who wait for chunks. */
static void
quern_fetch_wake_cb (GCancellable *cancellable, QuernFetch *fetch)
{
  g_mutex_lock (&fetch->lock);
  if (fetch->error == NULL && !fetch->done)
    fetch->error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The download was stopped."));
  wake_all (fetch);
  g_mutex_unlock (&fetch->lock);
}

static gboolean
quern_fetch_transfer (QuernFetch *fetch, GError **error)
{
  g_autofree char *hash = NULL;
  g_autoptr (GError) cause = NULL;
  gulong handler;
  gboolean ok;

  quern_fetch_set_phase (fetch, QUERN_FETCH_CONNECTING);
  if (quern_part_is_verified (fetch->part))
    return TRUE;
  if (!quern_part_reserve (fetch->part, error))
    return FALSE;
  handler = g_cancellable_connect (fetch->cancellable, G_CALLBACK (quern_fetch_wake_cb), fetch, NULL);
  hash = quern_fetch_hash (fetch, &cause);
  g_mutex_lock (&fetch->lock);
  fetch->done = TRUE;
  fetch->hash_end = G_MAXUINT64;
  wake_all (fetch);
  g_mutex_unlock (&fetch->lock);
  if (hash == NULL)
    g_cancellable_cancel (fetch->cancellable);
  for (guint i = 0; i < fetch->threads->len; i++)
    g_thread_join (fetch->threads->pdata[i]);
  g_cancellable_disconnect (fetch->cancellable, handler);
  if (hash == NULL)
    g_propagate_error (error, fetch->error != NULL ? g_steal_pointer (&fetch->error) : g_steal_pointer (&cause));
  if (hash != NULL && fetch->rewritten) {
    g_free (hash);
    hash = quern_fetch_hash_file (fetch, error);
  }
  ok = hash != NULL && (is_right (fetch, hash) || quern_fetch_repair (fetch, error));
  if (!ok)
    quern_part_save (fetch->part, TRUE, NULL); /* a failure to save costs time at the next try, no more */
  quern_fetch_set_phase (fetch, QUERN_FETCH_VERIFYING);
  return ok && quern_part_set_verified (fetch->part, error);
}

/* *restart: what there was is dropped, and the file is to be fetched from the start. */
static gboolean
quern_fetch_run_once (const QuernFetchSpec *spec, QuernFetchProgress *progress, GCancellable *cancellable,
                      gboolean *restart, GError **error)
{
  QuernFetch fetch = { .spec = spec, .progress = progress };
  gulong handler;
  gboolean ok;

  *restart = FALSE;
  fetch.part = quern_part_open (spec->target, spec->size, spec->sha256, error);
  if (fetch.part == NULL)
    return FALSE;
  /* What an earlier run left without a word on which version it is of is worth nothing if no hash decides. */
  g_autofree char *validator = quern_part_dup_validator (fetch.part);
  if (fetch.spec->sha256 == NULL && validator == NULL && quern_part_get_bytes (fetch.part) > 0)
    quern_part_forget (fetch.part);
  guint n = quern_part_get_n_chunks (fetch.part);
  g_mutex_init (&fetch.lock);
  g_mutex_init (&fetch.resolve_lock);
  g_cond_init (&fetch.cond);
  g_cond_init (&fetch.arrived);
  g_cond_init (&fetch.room);
  fetch.sha256 = g_strdup (fetch.spec->sha256);
  fetch.validator = quern_part_dup_validator (fetch.part);
  fetch.threads = g_ptr_array_new ();
  fetch.taken = g_new0 (guint8, MAX (1, n));
  fetch.unchecked = g_new0 (guint8, MAX (1, n));
  fetch.written = g_new0 (guint32, MAX (1, n));
  fetch.read_buffer = g_malloc (QUERN_FETCH_BUFFER);
  for (guint i = 0; i < n; i++)
    fetch.unchecked[i] = quern_part_is_complete (fetch.part, i);
  fetch.cancellable = g_cancellable_new ();
  handler = cancellable != NULL
                ? g_cancellable_connect (cancellable, G_CALLBACK (quern_fetch_cancelled_cb), fetch.cancellable, NULL)
                : 0;
  ok = quern_fetch_transfer (&fetch, error);
  g_cancellable_disconnect (cancellable, handler);
  *restart = !ok && fetch.restart;
  if (*restart) {
    quern_part_forget (fetch.part);
    quern_part_save (fetch.part, TRUE, NULL);
  }
  g_clear_pointer (&fetch.part, quern_part_free);
  g_clear_object (&fetch.cancellable);
  g_clear_error (&fetch.error);
  g_clear_pointer (&fetch.threads, g_ptr_array_unref);
  g_free (fetch.taken);
  g_free (fetch.unchecked);
  g_free (fetch.written);
  g_free (fetch.read_buffer);
  for (guint i = 0; i < QUERN_FETCH_QUEUE; i++)
    g_free (fetch.queue[i].data);
  g_free (fetch.location);
  g_free (fetch.sha256);
  g_free (fetch.validator);
  g_mutex_clear (&fetch.lock);
  g_mutex_clear (&fetch.resolve_lock);
  g_cond_clear (&fetch.cond);
  g_cond_clear (&fetch.arrived);
  g_cond_clear (&fetch.room);
  return ok;
}

/**
 * quern_fetch_run:
 * @spec: what to fetch
 * @progress: filled while it runs; zero it before
 *
 * Blocks until the file's content is complete and verified in its .part, taking up what is there from earlier runs.
 * It stays for quern_part_install() to give it its name. After a failure or a cancellation a later run goes on from
 * there.
 */
gboolean
quern_fetch_run (const QuernFetchSpec *spec, QuernFetchProgress *progress, GCancellable *cancellable, GError **error)
{
  for (guint restarts = 0;; restarts++) {
    g_autoptr (GError) cause = NULL;
    gboolean restart, ok = quern_fetch_run_once (spec, progress, cancellable, &restart, &cause);

    if (ok)
      return TRUE;
    if (!restart || restarts == MAX_RESTARTS || g_cancellable_is_cancelled (cancellable)) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  }
}
