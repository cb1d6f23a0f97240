/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One ranged request: from the address to bytes on disk, trusting nothing that the server says. */

#include "config.h"

#include "quern-fetch-private.h"

#include <glib/gi18n-lib.h>

#define RECORD_INTERVAL (G_USEC_PER_SEC / 10)

void
quern_fetch_worker_init (QuernFetchWorker *worker, QuernFetch *fetch)
{
  *worker = (QuernFetchWorker) { .fetch = fetch, .asked_delay = -1 };
  worker->crc = quern_digest_new_crc32 ();
  worker->buffer = g_malloc (QUERN_FETCH_BUFFER);
}

void
quern_fetch_worker_clear (QuernFetchWorker *worker)
{
  quern_digest_free (worker->crc);
  g_free (worker->buffer);
}

/* ---- where the bytes are --------------------------------------------------------------------------------------- */

/* Resolves the file unless somebody just did. */
static char *
dup_location (QuernFetchWorker *worker, char **validator, guint *generation, GError **error)
{
  QuernFetch *fetch = worker->fetch;
  g_autoptr (GMutexLocker) resolving = g_mutex_locker_new (&fetch->resolve_lock);
  g_autoptr (GMutexLocker) locker = NULL;

  g_mutex_lock (&fetch->lock);
  if (fetch->location == NULL) {
    const QuernFetchSpec *spec = fetch->spec;
    g_autoptr (QuernHubResolved) resolved = NULL;
    gboolean same_hash;

    g_mutex_unlock (&fetch->lock);
    resolved = quern_hub_resolve (spec->hub, spec->repo, spec->revision, spec->path, &worker->asked_delay,
                                  fetch->cancellable, error);
    if (resolved == NULL)
      return NULL;
    /* The same commit cannot have another content: then one of the hub's two hashes is wrong, and nobody knows which. */
    same_hash = fetch->sha256 == NULL || resolved->sha256 == NULL || g_str_equal (fetch->sha256, resolved->sha256);
    if (resolved->size != spec->size || !same_hash) {
      if (!same_hash && g_strcmp0 (resolved->commit, spec->revision) == 0)
        g_set_error (
            error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CONFLICT,
            _("The hub has two different checksums for “%s”, so it cannot be verified and was not downloaded. "
              "Try again later, or choose another mirror."),
            spec->path);
      else
        g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CHANGED,
                     _("“%s” was replaced on the hub during the download. Start the download again to get the new "
                       "file."),
                     spec->path);
      return NULL;
    }
    g_mutex_lock (&fetch->lock);
    fetch->location = g_steal_pointer (&resolved->location);
    if (fetch->sha256 == NULL)
      fetch->sha256 = g_steal_pointer (&resolved->sha256);
    fetch->generation++;
  }
  g_mutex_unlock (&fetch->lock);
  locker = g_mutex_locker_new (&fetch->lock);
  *validator = fetch->sha256 == NULL ? g_strdup (fetch->validator) : NULL;
  *generation = fetch->generation;
  return g_strdup (fetch->location);
}

/* What was resolved before is asked for again. */
void
quern_fetch_resolve_again (QuernFetch *fetch)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fetch->lock);

  g_clear_pointer (&fetch->location, g_free);
}

/* ---- what the answer claims ------------------------------------------------------------------------------------ */

static gboolean
bad_answer (SoupMessage *message, const char *what, GError **error)
{
  g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER, _("“%s” sent an unexpected response (%s)."),
               g_uri_get_host (soup_message_get_uri (message)), what);
  return FALSE;
}

/* The content must stay the same while it is fetched in pieces. Where a hash decides at the end, another validator only
 * makes the hub be asked once whether it has another file by now: there are servers with a new one in each answer. Where
 * none does, two versions must not be mixed. */
static gboolean
check_version (QuernFetch *fetch, SoupMessage *message, GError **error)
{
  /* What tells one version of the content from another: the ETag unless it is a weak one, else when it was modified. */
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *etag = soup_message_headers_get_one (headers, "ETag");
  const char *validator = etag != NULL && !g_str_has_prefix (etag, "W/")
                              ? etag
                              : soup_message_headers_get_one (headers, "Last-Modified");
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fetch->lock);

  if (fetch->validator == NULL) {
    fetch->validator = g_strdup (validator);
    if (fetch->sha256 == NULL)
      quern_part_set_validator (fetch->part, validator);
  }
  if (g_strcmp0 (fetch->validator, validator) == 0)
    return TRUE;
  if (fetch->sha256 != NULL) {
    if (!fetch->changed)
      g_clear_pointer (&fetch->location, g_free);
    fetch->changed = TRUE;
    return TRUE;
  }
  fetch->restart = TRUE;
  g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CHANGED,
               _("“%s” keeps changing on the server. Try again later."), fetch->spec->path);
  return FALSE;
}

/* A refusal by the content host means that the signed address has expired; the hub's own refusals are meant. */
static gboolean
check_status (QuernFetch *fetch, SoupMessage *message, guint generation, GError **error)
{
  guint status = soup_message_get_status (message);
  gboolean foreign = !quern_hub_is_own_answer (fetch->spec->hub, message);

  if (status == SOUP_STATUS_OK || status == SOUP_STATUS_PARTIAL_CONTENT)
    return TRUE;
  if (status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE || (foreign && SOUP_STATUS_IS_CLIENT_ERROR (status))) {
    /* An address that no longer works is resolved again by whoever needs it next. */
    g_mutex_lock (&fetch->lock);
    if (fetch->generation == generation)
      g_clear_pointer (&fetch->location, g_free);
    g_mutex_unlock (&fetch->lock);
  }
  if (status != QUERN_HTTP_TOO_MANY_REQUESTS && status != SOUP_STATUS_REQUEST_TIMEOUT
      && (status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE || (foreign && SOUP_STATUS_IS_CLIENT_ERROR (status))))
    return bad_answer (message, soup_status_get_phrase (status), error);
  return !quern_hub_check_status (message, error) ? FALSE
                                                  : bad_answer (message, soup_status_get_phrase (status), error);
}

/* Which offset of the file the body starts at. */
static gboolean
read_start (QuernFetch *fetch, SoupMessage *message, guint64 asked, guint64 *start, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *coding = soup_message_headers_get_one (headers, "Content-Encoding");
  goffset from, to, total;

  if (coding != NULL && g_ascii_strcasecmp (coding, "identity") != 0)
    return bad_answer (message, coding, error);
  if (soup_message_get_status (message) == SOUP_STATUS_PARTIAL_CONTENT) {
    if (!soup_message_headers_get_content_range (headers, &from, &to, &total) || from < 0 || (guint64) from != asked
        || (total >= 0 && (guint64) total != fetch->spec->size))
      return bad_answer (message, "Content-Range", error);
    *start = from;
    return TRUE;
  }
  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH
      && (guint64) soup_message_headers_get_content_length (headers) != fetch->spec->size)
    return bad_answer (message, "Content-Length", error);
  *start = 0;
  return TRUE;
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

/* Brings the worker's checksum to the end of what is there of a chunk. What the disk does not have as recorded is
 * fetched again. Returns the offset to go on from. */
static gboolean
continue_chunk (QuernFetchWorker *worker, guint chunk, guint64 *offset, GError **error)
{
  QuernPart *part = worker->fetch->part;
  guint32 crc, have = quern_part_get_have (part, chunk, &crc);
  guint64 start = quern_part_chunk_start (part, chunk);

  quern_digest_reset (worker->crc);
  for (guint32 done = 0; done < have;) {
    gsize n = MIN (have - done, QUERN_FETCH_BUFFER);

    if (!quern_part_read (part, start + done, worker->buffer, n, error))
      return FALSE;
    quern_digest_update (worker->crc, worker->buffer, n);
    done += n;
  }
  if (have > 0 && quern_digest_get_crc32 (worker->crc) != crc) {
    quern_part_record (part, chunk, 0, 0);
    quern_digest_reset (worker->crc);
    have = 0;
  }
  *offset = start + have;
  return TRUE;
}

static void
quern_fetch_record (QuernFetchWorker *worker, guint chunk, guint64 offset)
{
  QuernFetch *fetch = worker->fetch;
  guint64 start = quern_part_chunk_start (fetch->part, chunk);
  gboolean complete = offset == quern_part_chunk_end (fetch->part, chunk);

  quern_part_record (fetch->part, chunk, offset - start, quern_digest_get_crc32 (worker->crc));
  __atomic_store_n (&fetch->progress->bytes, quern_part_get_bytes (fetch->part), __ATOMIC_RELAXED);
  worker->recorded = g_get_monotonic_time ();
  if (complete)
    quern_digest_reset (worker->crc);
}

/* Reads the body, which starts at file offset `at`, and stores what lies between *offset and the span's end, chunk by
 * chunk. */
static gboolean
read_body (QuernFetchWorker *worker, SoupMessage *message, GInputStream *in, guint64 at, guint64 *offset,
           QuernSpan *span, GError **error)
{
  QuernFetch *fetch = worker->fetch;
  guint64 end = quern_part_chunk_end (fetch->part, span->last);
  QuernHubPace pace = { 0 };

  while (*offset < end) {
    g_autoptr (GError) cause = NULL;
    guint64 rate = fetch->spec->limiter != NULL ? quern_rate_limiter_get_rate (fetch->spec->limiter) : 0;
    gsize want = MIN (rate > 0 ? CLAMP (rate / 20, 1024, QUERN_FETCH_BUFFER) : QUERN_FETCH_BUFFER, end - at);
    gssize n = quern_hub_read (fetch->spec->hub, in, worker->buffer, want, &pace, fetch->cancellable, &cause);
    gsize skip;

    if (n <= 0) {
      if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_propagate_error (error, g_error_copy (cause));
      else
        g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE,
                     _("The connection to “%s” was lost (%s). Check the network connection and try again."),
                     g_uri_get_host (soup_message_get_uri (message)),
                     cause != NULL ? cause->message : _("the server closed it early"));
      return FALSE;
    }
    __atomic_add_fetch (&fetch->progress->received, n, __ATOMIC_RELAXED);
    if (fetch->spec->limiter != NULL && !quern_rate_limiter_take (fetch->spec->limiter, n, fetch->cancellable, error))
      return FALSE;
    skip = *offset > at ? MIN (*offset - at, (guint64) n) : 0; /* a server without ranges repeats what is here */
    at += n;
    const char *data = worker->buffer + skip;
    gsize size = n - skip;
    guint64 start = *offset;

    for (gsize done = 0, piece; done < size; done += piece) {
      guint64 chunk_end = quern_part_chunk_end (fetch->part, span->first);

      piece = MIN (size - done, chunk_end - *offset);
      if (!quern_part_write (fetch->part, *offset, data + done, piece, error))
        return FALSE;
      quern_digest_update (worker->crc, data + done, piece);
      worker->gained += piece;
      *offset += piece;
      if (*offset == chunk_end || g_get_monotonic_time () - worker->recorded > RECORD_INTERVAL)
        quern_fetch_record (worker, span->first, *offset);
      if (*offset == chunk_end)
        span->first++;
    }
    if (size > 0)
      quern_fetch_hand_over (worker, start, data, size);
    if (!quern_part_save (fetch->part, FALSE, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * quern_fetch_span:
 * @span: chunks to fetch; its first moves on as they are completed
 *
 * Makes one request. What arrived before a failure is recorded, so that the next attempt goes on from there.
 */
gboolean
quern_fetch_span (QuernFetchWorker *worker, QuernSpan *span, GError **error)
{
  QuernFetch *fetch = worker->fetch;
  QuernHubCallOptions options = { .identity = TRUE };
  g_autofree char *validator = NULL, *location = NULL, *range = NULL;
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) in = NULL;
  guint64 offset, at = 0;
  guint generation = 0;
  gint64 begun, latency;
  gboolean ok;

  worker->asked_delay = -1;
  worker->gained = 0;
  location = dup_location (worker, &validator, &generation, error);
  if (location == NULL || !continue_chunk (worker, span->first, &offset, error))
    return FALSE;
  range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, offset,
                           quern_part_chunk_end (fetch->part, span->last) - 1);
  options.range = range;
  options.if_range = validator != NULL && *validator == '"' ? validator : NULL;
  begun = g_get_monotonic_time ();
  in = quern_hub_open (fetch->spec->hub, location, &options, &message, fetch->cancellable, error);
  if (in == NULL)
    return FALSE;
  if (!check_status (fetch, message, generation, error)) {
    worker->asked_delay = quern_hub_asked_delay (message);
    return FALSE;
  }
  if (!check_version (fetch, message, error) || !read_start (fetch, message, offset, &at, error))
    return FALSE;
  /* The answer shows how long one takes, and the first one whether the server serves ranges. One that does not sends
   * everything: then this one connection takes all that is still free. */
  latency = g_get_monotonic_time () - begun;
  g_mutex_lock (&fetch->lock);
  fetch->latency = MAX (fetch->latency, latency);
  if (__atomic_load_n (&fetch->progress->phase, __ATOMIC_RELAXED) == QUERN_FETCH_CONNECTING)
    __atomic_store_n (&fetch->progress->phase, QUERN_FETCH_DOWNLOADING, __ATOMIC_RELAXED);
  if (soup_message_get_status (message) == SOUP_STATUS_PARTIAL_CONTENT) {
    fetch->ranges = TRUE;
  } else {
    fetch->whole = TRUE;
    while (span->last + 1 < quern_part_get_n_chunks (fetch->part) && !fetch->taken[span->last + 1])
      fetch->taken[++span->last] = 1;
  }
  if (fetch->started == 0)
    fetch->started = g_get_monotonic_time ();
  g_cond_broadcast (&fetch->cond);
  g_mutex_unlock (&fetch->lock);
  ok = read_body (worker, message, in, at, &offset, span, error);
  if (!ok && span->first <= span->last && offset > quern_part_chunk_start (fetch->part, span->first))
    quern_fetch_record (worker, span->first, offset);
  return ok;
}
