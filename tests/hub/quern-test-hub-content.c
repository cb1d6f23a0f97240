/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The content host. Each answer is written by a thread of its own straight to the connection, so that it can be cut,
 * held back or falsified anywhere, which SoupServer rightly does not let one do. */

#include "quern-test-hub-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SLICE (256 * 1024)

typedef struct {
  QuernTestHub *hub;
  QuernHubRequest *request;
  GIOStream *stream;
  GSocket *socket; /* that of stream */
  char *full, *path;
  int fd;
  guint64 size;       /* of the file */
  guint64 start, end; /* [start, end) to send */
  gboolean ranged, head, lying, gzip;
  char *etag;
  guint64 longer, cut_after, stall_after, corrupt_at, shift, delay_ms; /* G_MAXUINT64: never */
} Transfer;

static void
transfer_free (Transfer *transfer)
{
  QuernTestHub *hub = transfer->hub;

  g_io_stream_close (transfer->stream, NULL, NULL);
  g_object_unref (transfer->stream);
  g_object_unref (transfer->socket);
  if (transfer->fd >= 0)
    close (transfer->fd);
  g_free (transfer->full);
  g_free (transfer->path);
  g_free (transfer->etag);
  g_free (transfer);
  g_mutex_lock (&hub->lock);
  hub->n_transfers--;
  g_cond_signal (&hub->idle);
  g_mutex_unlock (&hub->lock);
}

static void
count_sent (Transfer *transfer, gsize n)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&transfer->hub->lock);

  transfer->request->sent += n;
  transfer->hub->content_bytes += n;
}

/* Waits. FALSE: the hub or the connection ended meanwhile. */
static gboolean
wait_ms (Transfer *transfer, guint64 ms)
{
  GInputStream *in = g_io_stream_get_input_stream (transfer->stream);
  gint64 end = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < end && !g_cancellable_is_cancelled (transfer->hub->cancellable)) {
    char byte;
    gssize n = G_IS_POLLABLE_INPUT_STREAM (in)
                   ? g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (in), &byte, 1, NULL, NULL)
                   : -1;

    if (n == 0)
      return FALSE;
    g_usleep (MIN (10000, MAX (1, end - g_get_monotonic_time ())));
  }
  return !g_cancellable_is_cancelled (transfer->hub->cancellable);
}

/* Waits until something may be sent; returns how much of `wanted`, 0 when nothing will. */
static gsize
take_allowance (Transfer *transfer, gsize wanted)
{
  QuernTestHub *hub = transfer->hub;
  gsize n = 0;

  while (wanted > 0 && n == 0) {
    g_mutex_lock (&hub->lock);
    n = MIN (wanted, hub->allowance);
    if (hub->allowance != G_MAXUINT64)
      hub->allowance -= n;
    g_mutex_unlock (&hub->lock);
    if (n == 0 && !wait_ms (transfer, 10))
      return 0;
  }
  return n;
}

static char *
transfer_headers (const Transfer *transfer)
{
  guint64 length = transfer->end - transfer->start;
  g_autoptr (GString)
      text = g_string_new (transfer->ranged ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n");

  if (!transfer->gzip)
    g_string_append_printf (text, "Content-Length: %" G_GUINT64_FORMAT "\r\n",
                            transfer->ranged ? length : length + transfer->longer);
  else
    g_string_append (text, "Content-Encoding: gzip\r\n");
  if (transfer->ranged)
    g_string_append_printf (text,
                            "Content-Range: bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT
                            "\r\n",
                            transfer->start + transfer->shift, transfer->end - 1 + transfer->shift,
                            transfer->size + transfer->longer);
  g_string_append_printf (text,
                          "ETag: %s\r\nAccept-Ranges: bytes\r\nContent-Type: binary/octet-stream\r\n"
                          "Connection: close\r\n\r\n",
                          transfer->etag);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* From the page cache to the socket, as a real server does it: the programs measured share the processor with this one.
 * Returns how much was sent. */
static gsize
send_unchanged (Transfer *transfer, guint64 at, gsize n)
{
  off_t offset = at;

  while ((guint64) offset < at + n) {
    gssize sent = sendfile (g_socket_get_fd (transfer->socket), transfer->fd, &offset, at + n - (guint64) offset);

    if (sent <= 0
        && (sent == 0 || (errno != EAGAIN && errno != EINTR)
            || !g_socket_condition_wait (transfer->socket, G_IO_OUT, transfer->hub->cancellable, NULL)))
      break;
  }
  return (guint64) offset - at;
}

static gsize
send_corrupt (Transfer *transfer, guint64 at, gsize n)
{
  GOutputStream *out = g_io_stream_get_output_stream (transfer->stream);
  g_autofree char *copy = g_malloc (n);
  gsize written = 0;

  if (pread (transfer->fd, copy, n, at) != (gssize) n)
    return 0;
  copy[transfer->corrupt_at - at] ^= 0xff;
  g_output_stream_write_all (out, copy, n, &written, transfer->hub->cancellable, NULL);
  return written;
}

/* A corrupt byte is only used up where it is sent. */
static void
take_corruption (Transfer *transfer, guint64 from, guint64 to)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&transfer->hub->lock);

  for (guint i = 0; i < transfer->hub->faults->len; i++) {
    HubFault *fault = &g_array_index (transfer->hub->faults, HubFault, i);
    QuernFault taken;

    if (fault->fault.kind == QUERN_FAULT_CORRUPT
        && (fault->path == NULL || strstr (transfer->path, fault->path) != NULL) && fault->fault.after >= from
        && fault->fault.after < to) {
      quern_hub_take_fault (transfer->hub, QUERN_FAULT_CORRUPT, transfer->path, &taken);
      transfer->corrupt_at = taken.after;
      return;
    }
  }
}

/* Sends as it is allowed to, with a corrupt byte where there is to be one. */
static gboolean
send_bytes (Transfer *transfer, guint64 at, gsize size)
{
  for (gsize done = 0; done < size;) {
    gsize n = take_allowance (transfer, size - done), sent = 0;
    guint64 from = at + done;

    take_corruption (transfer, from, from + n);
    if (n > 0 && transfer->corrupt_at >= from && transfer->corrupt_at < from + n)
      sent = send_corrupt (transfer, from, n);
    else if (n > 0)
      sent = send_unchanged (transfer, from, n);
    count_sent (transfer, sent);
    if (n == 0 || sent < n)
      return FALSE;
    done += n;
  }
  return TRUE;
}

/* Sends one slice with what is wrong about it; FALSE ends the transfer. */
static gboolean
send_slice (Transfer *transfer, guint64 at, gsize n, guint64 sent)
{
  guint64 stop = MIN (transfer->cut_after, transfer->stall_after);
  gsize allowed = sent >= stop ? 0 : MIN (n, stop - sent);

  if (!send_bytes (transfer, at, allowed))
    return FALSE;
  if (allowed < n && transfer->stall_after <= transfer->cut_after)
    wait_ms (transfer, 120 * 1000);
  return allowed == n;
}

static guint64
current_rate (QuernTestHub *hub)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  return hub->rate;
}

/* Keeps to the rate of the hub, also to one that is set while it sends. */
static void
send_body (Transfer *transfer)
{
  guint64 sent = 0, rate = current_rate (transfer->hub), paced = 0; /* sent at this rate */
  gint64 begun = g_get_monotonic_time ();

  for (guint64 at = transfer->start; at < transfer->end;) {
    gsize slice = rate > 0 ? CLAMP (rate / 50, 1, SLICE) : SLICE, n = MIN (slice, transfer->end - at);
    gint64 due;

    if (!send_slice (transfer, at, n, sent))
      return;
    at += n;
    sent += n;
    paced += n;
    due = rate > 0 ? begun + (gint64) (paced * G_USEC_PER_SEC / rate) - g_get_monotonic_time () : 0;
    if (due > 0)
      wait_ms (transfer, due / 1000);
    if (rate != current_rate (transfer->hub)) {
      rate = current_rate (transfer->hub);
      begun = g_get_monotonic_time ();
      paced = 0;
    }
  }
}

static void
send_packed (Transfer *transfer)
{
  GOutputStream *out = g_io_stream_get_output_stream (transfer->stream);
  gsize n = transfer->end - transfer->start;
  g_autofree char *plain = g_malloc (n);
  g_autoptr (GBytes) packed = NULL;

  if (pread (transfer->fd, plain, n, transfer->start) != (gssize) n)
    return;
  packed = quern_hub_gzip (plain, n);
  g_output_stream_write_all (out, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed), NULL,
                             transfer->hub->cancellable, NULL);
}

static gpointer
transfer_thread (gpointer data)
{
  Transfer *transfer = data;
  GOutputStream *out = g_io_stream_get_output_stream (transfer->stream);
  g_autofree char *headers = transfer_headers (transfer);

  if (transfer->delay_ms > 0)
    wait_ms (transfer, transfer->delay_ms);
  transfer->fd = g_open (transfer->full, O_RDONLY | O_CLOEXEC, 0);
  if (g_output_stream_write_all (out, headers, strlen (headers), NULL, transfer->hub->cancellable, NULL)
      && !transfer->head && transfer->fd >= 0) {
    if (transfer->gzip)
      send_packed (transfer);
    else
      send_body (transfer);
  }
  transfer_free (transfer);
  return NULL;
}

static void
take_faults (Transfer *transfer, const char *path)
{
  QuernTestHub *hub = transfer->hub;
  QuernFault fault;

  transfer->cut_after = transfer->stall_after = transfer->corrupt_at = G_MAXUINT64;
  if (quern_hub_take_fault (hub, QUERN_FAULT_CUT, path, &fault))
    transfer->cut_after = fault.after;
  if (quern_hub_take_fault (hub, QUERN_FAULT_STALL, path, &fault))
    transfer->stall_after = fault.after;
  if (quern_hub_take_fault (hub, QUERN_FAULT_LYING_LENGTH, path, &fault))
    transfer->longer = fault.value;
  if (quern_hub_take_fault (hub, QUERN_FAULT_SLOW_START, path, &fault))
    transfer->delay_ms = fault.value;
  if (transfer->ranged && quern_hub_take_fault (hub, QUERN_FAULT_WRONG_RANGE, path, &fault))
    transfer->shift = fault.value;
  transfer->gzip = quern_hub_take_fault (hub, QUERN_FAULT_GZIP, path, &fault);
}

static gboolean
read_range (Transfer *transfer, SoupServerMessage *msg, const char *path)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  const char *if_range = soup_message_headers_get_one (headers, "If-Range");
  SoupRange *ranges;
  int n = 0;
  QuernFault fault;

  transfer->end = transfer->size;
  if (soup_message_headers_get_one (headers, "Range") == NULL
      || (if_range != NULL && !g_str_equal (if_range, transfer->etag))
      || quern_hub_take_fault (transfer->hub, QUERN_FAULT_NO_RANGES, path, &fault))
    return TRUE;
  if (!soup_message_headers_get_ranges (headers, transfer->size, &ranges, &n))
    return FALSE;
  transfer->ranged = n == 1 && ranges[0].start < (gint64) transfer->size && ranges[0].start <= ranges[0].end;
  if (transfer->ranged) {
    transfer->start = ranges[0].start;
    transfer->end = MIN ((guint64) ranges[0].end + 1, transfer->size);
  }
  soup_message_headers_free_ranges (headers, ranges);
  return transfer->ranged;
}

static void
send_file (QuernTestHub *hub, SoupServerMessage *msg, const char *path, const HubFile *file, QuernHubRequest *request)
{
  Transfer *transfer = g_new0 (Transfer, 1);
  QuernFault fault;

  transfer->hub = hub;
  transfer->fd = -1;
  transfer->request = request;
  transfer->full = g_strdup (file->full);
  transfer->path = g_strdup (path);
  transfer->size = file->size;
  transfer->head = g_str_equal (soup_server_message_get_method (msg), "HEAD");
  transfer->etag = quern_hub_take_fault (hub, QUERN_FAULT_CHANGED_ETAG, path, &fault)
                       ? g_strdup_printf ("\"cdn-%.16s-%u\"", file->sha256, ++hub->n_etags)
                       : g_strdup_printf ("\"cdn-%.16s\"", file->sha256);
  if (!read_range (transfer, msg, path)) {
    g_autofree char *range = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, file->size);

    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Content-Range", range);
    quern_hub_error (msg, SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE, NULL, "range");
    request->status = SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE;
    g_free (transfer->full);
    g_free (transfer->path);
    g_free (transfer->etag);
    g_free (transfer);
    return;
  }
  take_faults (transfer, path);
  request->status = transfer->ranged ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK;
  hub->n_transfers++;
  transfer->socket = g_object_ref (soup_server_message_get_socket (msg));
  transfer->stream = soup_server_message_steal_connection (msg);
  g_thread_unref (g_thread_new ("transfer", transfer_thread, transfer));
}

/* /cdn/OWNER/REPO/PATH, and anything else as the hub would answer it (for QUERN_FAULT_REDIRECT_AWAY). A signed URL with
 * an Authorization header is refused, as S3 does. */
void
quern_hub_content_handler (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query,
                           gpointer data)
{
  QuernTestHub *hub = data;
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", 4);
  g_autofree char *id = NULL;
  g_autoptr (GMutexLocker) locker = NULL;
  QuernHubRequest *request;
  HubRepo *repo;
  HubFile *file;

  if (!g_str_has_prefix (path, "/cdn/") || g_strv_length (parts) < 4)
    return quern_hub_api_handler (server, msg, path, query, data);
  locker = g_mutex_locker_new (&hub->lock);
  request = quern_hub_log (hub, msg);
  id = g_strconcat (parts[1], "/", parts[2], NULL);
  repo = quern_hub_repo_find (hub->repos, id);
  file = repo != NULL ? quern_hub_repo_find_file (repo, parts[3]) : NULL;
  if (quern_hub_status_fault (hub, msg, path))
    request->status = soup_server_message_get_status (msg);
  else if (request->authorized)
    quern_hub_error (msg, request->status = SOUP_STATUS_BAD_REQUEST, "InvalidArgument",
                     "Only one auth mechanism allowed");
  else if (file == NULL || g_strcmp0 (query != NULL ? g_hash_table_lookup (query, "sha256") : NULL, file->sha256) != 0)
    quern_hub_error (msg, request->status = SOUP_STATUS_FORBIDDEN, NULL, "Request has expired");
  else
    send_file (hub, msg, path, file, request);
}
