/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Hashes a file while it arrives, in the order of the file.
 *
 * A worker that writes just where the hash has got to hands its buffer over, so that nothing is read back while one
 * connection brings the file in order. What others wrote, or was there before, is read from the page cache; when that
 * is caught up with, the worker hands over again. Nothing but the SHA-256 depends on which way bytes came: what is
 * written over after it was hashed makes the whole file be read again at the end. */

#include "config.h"

#include "quern-fetch-private.h"

#define PATIENCE (G_USEC_PER_SEC / 20) /* so long a worker waits for the hash before it goes on without it */
#define BATCH 4                        /* buffers that are worth waking the hashing thread for */

static guint
chunk_at (QuernFetch *fetch, guint64 offset)
{
  return offset / quern_part_chunk_end (fetch->part, 0);
}

/* ---- workers --------------------------------------------------------------------------------------------------- */

/**
 * quern_fetch_hand_over:
 * @offset: of bytes that have just been written
 * @data: these bytes; if they are at the start of the worker's buffer, the hash may take it
 */
void
quern_fetch_hand_over (QuernFetchWorker *worker, guint64 offset, const char *data, gsize size)
{
  QuernFetch *fetch = worker->fetch;
  guint64 end = offset + size;
  guint first = chunk_at (fetch, offset), last = chunk_at (fetch, end - 1);
  gint64 until = g_get_monotonic_time () + PATIENCE;
  gboolean patient = data == worker->buffer;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fetch->lock);

  fetch->rewritten |= offset < fetch->hash_end;
  for (guint i = first; i <= last; i++)
    fetch->written[i] = MIN (end, quern_part_chunk_end (fetch->part, i)) - quern_part_chunk_start (fetch->part, i);
  /* If the hash wants these bytes next, it is worth waiting until the queue has room. */
  while (patient && fetch->hash_end == offset && fetch->n_queued == QUERN_FETCH_QUEUE && fetch->error == NULL
         && !fetch->done)
    patient = g_cond_wait_until (&fetch->room, &fetch->lock, until);
  if (data == worker->buffer && fetch->hash_end == offset && fetch->n_queued < QUERN_FETCH_QUEUE) {
    /* The worker's buffer is swapped for an empty one. */
    QuernFetchBuffer *slot = &fetch->queue[(fetch->first + fetch->n_queued++) % QUERN_FETCH_QUEUE];
    char *empty = slot->data != NULL ? slot->data : g_malloc (QUERN_FETCH_BUFFER);

    *slot = (QuernFetchBuffer) { worker->buffer, size };
    worker->buffer = empty;
    fetch->hash_end += size;
  }
  if (fetch->n_queued >= BATCH || first != last || end == quern_part_chunk_end (fetch->part, last))
    g_cond_signal (&fetch->arrived);
}

/* ---- reading back ---------------------------------------------------------------------------------------------- */

static gboolean
digest_range (QuernFetch *fetch, guint64 at, guint64 end, QuernDigest *digest, GError **error)
{
  for (gsize n; at < end; at += n) {
    n = MIN (QUERN_FETCH_BUFFER, end - at);
    if (g_cancellable_set_error_if_cancelled (fetch->cancellable, error)
        || !quern_part_read (fetch->part, at, fetch->read_buffer, n, error))
      return FALSE;
    quern_digest_update (digest, fetch->read_buffer, n);
  }
  return TRUE;
}

/* Whether the disk has a chunk as it was recorded; if not, the record is dropped. */
gboolean
quern_fetch_check_chunk (QuernFetch *fetch, guint chunk, gboolean *good, GError **error)
{
  g_autoptr (QuernDigest) crc = quern_digest_new_crc32 ();
  guint64 start = quern_part_chunk_start (fetch->part, chunk), end = quern_part_chunk_end (fetch->part, chunk);
  guint32 recorded;

  if (!digest_range (fetch, start, end, crc, error))
    return FALSE;
  g_mutex_lock (&fetch->lock);
  quern_part_get_have (fetch->part, chunk, &recorded);
  *good = quern_digest_get_crc32 (crc) == recorded;
  fetch->unchecked[chunk] = 0;
  if (!*good)
    quern_part_record (fetch->part, chunk, 0, 0);
  else
    fetch->written[chunk] = end - start;
  g_cond_broadcast (&fetch->cond);
  g_mutex_unlock (&fetch->lock);
  return TRUE;
}

/* The hash of what is in the file now. */
char *
quern_fetch_hash_file (QuernFetch *fetch, GError **error)
{
  g_autoptr (QuernDigest) sha256 = quern_digest_new_sha256 ();

  return digest_range (fetch, 0, fetch->spec->size, sha256, error) ? quern_digest_dup_hex (sha256) : NULL;
}

/* ---- following ------------------------------------------------------------------------------------------------- */

/* Waits until there is something to hash at `at`: a buffer, or so many bytes in the file. An unchecked chunk counts as
 * nothing. Workers are started as they are needed. */
static gboolean
wait_for_bytes (QuernFetch *fetch, guint64 at, QuernFetchBuffer *buffer, guint64 *end, gboolean *unchecked)
{
  guint chunk = chunk_at (fetch, at);
  guint64 start = quern_part_chunk_start (fetch->part, chunk);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fetch->lock);

  *buffer = (QuernFetchBuffer) { NULL, 0 };
  while (fetch->error == NULL) {
    *end = start + fetch->written[chunk];
    *unchecked = fetch->unchecked[chunk];
    if (fetch->n_queued > 0)
      *buffer = fetch->queue[fetch->first];
    else
      fetch->hash_end = MAX (at, *end); /* whoever writes there hands over */
    if (fetch->n_queued > 0 || *end > at || *unchecked)
      return TRUE;
    quern_fetch_start_workers (fetch);
    g_cond_wait_until (&fetch->arrived, &fetch->lock, g_get_monotonic_time () + QUERN_FETCH_RAMP);
  }
  return FALSE;
}

/**
 * quern_fetch_hash:
 *
 * Hashes the file as it grows, and has workers make it grow.
 *
 * Returns: (nullable): the hash; %NULL when it was stopped, with @error set if that came from here and not from a worker
 */
char *
quern_fetch_hash (QuernFetch *fetch, GError **error)
{
  g_autoptr (QuernDigest) sha256 = quern_digest_new_sha256 ();
  guint64 chunk_size = quern_part_chunk_end (fetch->part, 0);

  for (guint64 at = 0, flushed = 0; at < fetch->spec->size;) {
    QuernFetchBuffer buffer;
    guint64 end;
    gboolean unchecked, good;

    if (!wait_for_bytes (fetch, at, &buffer, &end, &unchecked))
      return NULL;
    if (buffer.data != NULL) {
      quern_digest_update (sha256, buffer.data, buffer.size);
      g_mutex_lock (&fetch->lock);
      fetch->first = (fetch->first + 1) % QUERN_FETCH_QUEUE;
      fetch->n_queued--;
      g_cond_signal (&fetch->room);
      g_mutex_unlock (&fetch->lock);
      at += buffer.size;
    } else if (unchecked) {
      if (!quern_fetch_check_chunk (fetch, chunk_at (fetch, at), &good, error))
        return NULL;
    } else {
      if (!digest_range (fetch, at, end, sha256, error))
        return NULL;
      at = end;
    }
    if (at - flushed >= chunk_size || at == fetch->spec->size) {
      quern_part_flush_range (fetch->part, flushed, at - flushed);
      flushed = at;
    }
    if (at < fetch->spec->size && quern_part_get_bytes (fetch->part) == fetch->spec->size)
      quern_fetch_set_phase (fetch, QUERN_FETCH_VERIFYING);
  }
  return quern_digest_dup_hex (sha256);
}
