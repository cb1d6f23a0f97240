/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The thread with its two servers, the log and the faults. What they answer is in -api.c and -content.c. */

#include "quern-test-hub-private.h"

static const char *const fault_names[] = {
  [QUERN_FAULT_STATUS] = "status",
  [QUERN_FAULT_CUT] = "cut",
  [QUERN_FAULT_STALL] = "stall",
  [QUERN_FAULT_CORRUPT] = "corrupt",
  [QUERN_FAULT_CHANGED_ETAG] = "changed-etag",
  [QUERN_FAULT_LYING_LENGTH] = "lying-length",
  [QUERN_FAULT_NO_RANGES] = "no-ranges",
  [QUERN_FAULT_SLOW_START] = "slow-start",
  [QUERN_FAULT_REDIRECT_LOOP] = "redirect-loop",
  [QUERN_FAULT_REDIRECT_AWAY] = "redirect-away",
  [QUERN_FAULT_GZIP] = "gzip",
  [QUERN_FAULT_BAD_JSON] = "bad-json",
  [QUERN_FAULT_WRONG_RANGE] = "wrong-range",
  [QUERN_FAULT_LISTED_HASH] = "listed-hash",
  [QUERN_FAULT_LINKED_HASH] = "linked-hash",
  [QUERN_FAULT_NO_LOCATION] = "no-location",
  [QUERN_FAULT_EMPTY] = "empty",
};

gboolean
quern_fault_kind_parse (const char *text, QuernFaultKind *out)
{
  for (guint i = 0; i < G_N_ELEMENTS (fault_names); i++)
    if (g_strcmp0 (text, fault_names[i]) == 0) {
      *out = i;
      return TRUE;
    }
  return FALSE;
}

static void
hub_fault_clear (gpointer data)
{
  g_free (((HubFault *) data)->path);
}

static void
hub_request_free (gpointer data)
{
  QuernHubRequest *request = data;

  g_free (request->method);
  g_free (request->host);
  g_free (request->path);
  g_free (request->range);
  g_free (request);
}

/* Uses up one occurrence of a fault that applies to this path. Wants the lock. */
gboolean
quern_hub_take_fault (QuernTestHub *hub, QuernFaultKind kind, const char *path, QuernFault *out)
{
  for (guint i = 0; i < hub->faults->len; i++) {
    HubFault *fault = &g_array_index (hub->faults, HubFault, i);

    if (fault->fault.kind != kind || (fault->path != NULL && strstr (path, fault->path) == NULL))
      continue;
    *out = fault->fault;
    if (fault->left > 0 && --fault->left == 0)
      g_array_remove_index (hub->faults, i);
    return TRUE;
  }
  return FALSE;
}

/* Wants the lock; what it returns belongs to the log and only grows under the lock. */
QuernHubRequest *
quern_hub_log (QuernTestHub *hub, SoupServerMessage *msg)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  QuernHubRequest *request = g_new0 (QuernHubRequest, 1);

  request->method = g_strdup (soup_server_message_get_method (msg));
  request->host = g_strdup (soup_message_headers_get_one (headers, "Host"));
  request->path = g_strdup (g_uri_get_path (soup_server_message_get_uri (msg)));
  request->range = g_strdup (soup_message_headers_get_one (headers, "Range"));
  request->authorized = soup_message_headers_get_one (headers, "Authorization") != NULL;
  g_ptr_array_add (hub->log, request);
  return request;
}

void
quern_hub_error (SoupServerMessage *msg, guint status, const char *code, const char *text)
{
  g_autofree char *body = g_strdup_printf ("{\"error\":\"%s\"}", text);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);

  soup_server_message_set_status (msg, status, NULL);
  if (code != NULL)
    soup_message_headers_replace (headers, "X-Error-Code", code);
  soup_message_headers_replace (headers, "X-Error-Message", text);
  soup_server_message_set_response (msg, "application/json; charset=utf-8", SOUP_MEMORY_COPY, body, strlen (body));
}

/* Answers with a status that was asked for. Wants the lock. */
gboolean
quern_hub_status_fault (QuernTestHub *hub, SoupServerMessage *msg, const char *path)
{
  QuernFault fault;

  if (!quern_hub_take_fault (hub, QUERN_FAULT_STATUS, path, &fault))
    return FALSE;
  if (fault.after > 0) {
    g_autofree char *seconds = g_strdup_printf ("%" G_GUINT64_FORMAT, fault.after);
    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Retry-After", seconds);
  }
  quern_hub_error (msg, fault.value, NULL, "as the test asked");
  return TRUE;
}

GBytes *
quern_hub_gzip (const void *data, gsize size)
{
  g_autoptr (GZlibCompressor) gzip = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) out = g_converter_output_stream_new (memory, G_CONVERTER (gzip));

  g_output_stream_write_all (out, data, size, NULL, NULL, NULL);
  g_output_stream_close (out, NULL, NULL);
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

/* PUT /.test/fault?kind=cut&path=Q4&after=1000&value=0&times=1, DELETE /.test/fault, PUT /.test/rate?bytes=N:
 * the same controls for those who drive the program by hand. */
static void
control_handler (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  QuernTestHub *hub = data;
  const char *method = soup_server_message_get_method (msg);
  QuernFault fault = { 0 };

#define NUMBER(name)                                                                                                   \
  (query && g_hash_table_lookup (query, name) ? g_ascii_strtoull (g_hash_table_lookup (query, name), NULL, 10) : 0)
  soup_server_message_set_status (msg, SOUP_STATUS_NO_CONTENT, NULL);
  if (g_str_equal (path, "/.test/rate"))
    quern_test_hub_set_rate (hub, NUMBER ("bytes"));
  else if (g_str_equal (path, "/.test/fault") && g_str_equal (method, "DELETE"))
    quern_test_hub_clear (hub);
  else if (g_str_equal (path, "/.test/fault") && query != NULL
           && quern_fault_kind_parse (g_hash_table_lookup (query, "kind"), &fault.kind)) {
    fault.path = g_hash_table_lookup (query, "path");
    fault.after = NUMBER ("after");
    fault.value = NUMBER ("value");
    fault.times = NUMBER ("times");
    quern_test_hub_add_fault (hub, &fault);
  } else
    quern_hub_error (msg, SOUP_STATUS_BAD_REQUEST, NULL, "unknown control");
#undef NUMBER
}

static gpointer
hub_thread (gpointer data)
{
  QuernTestHub *hub = data;

  g_main_context_push_thread_default (hub->context);
  g_main_loop_run (hub->loop);
  g_main_context_pop_thread_default (hub->context);
  return NULL;
}

static char *
server_endpoint (SoupServer *server, const char *host)
{
  GSList *uris = soup_server_get_uris (server);
  char *endpoint = g_strdup_printf ("http://%s:%d", host, g_uri_get_port (uris->data));

  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return endpoint;
}

static gboolean
start_servers (QuernTestHub *hub, guint port, GError **error)
{
  hub->hub = soup_server_new ("server-header", "quern-test-hub", NULL);
  hub->content = soup_server_new ("server-header", "quern-test-content", NULL);
  soup_server_add_handler (hub->hub, "/.test", control_handler, hub, NULL);
  soup_server_add_handler (hub->hub, NULL, quern_hub_api_handler, hub, NULL);
  soup_server_add_handler (hub->content, NULL, quern_hub_content_handler, hub, NULL);
  if (!soup_server_listen_local (hub->hub, port, SOUP_SERVER_LISTEN_IPV4_ONLY, error)
      || !soup_server_listen_local (hub->content, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, error))
    return FALSE;
  hub->endpoint = server_endpoint (hub->hub, "127.0.0.1");
  hub->content_endpoint = server_endpoint (hub->content, "localhost");
  return TRUE;
}

/* port 0: any that is free. Returns when requests are answered. */
QuernTestHub *
quern_test_hub_new (const char *folder, guint port, GError **error)
{
  QuernTestHub *hub = g_new0 (QuernTestHub, 1);
  gboolean started;

  g_mutex_init (&hub->lock);
  g_cond_init (&hub->idle);
  hub->folder = g_strdup (folder);
  hub->repos = quern_hub_repos_scan (folder);
  hub->faults = g_array_new (FALSE, TRUE, sizeof (HubFault));
  g_array_set_clear_func (hub->faults, hub_fault_clear);
  hub->log = g_ptr_array_new_with_free_func (hub_request_free);
  hub->allowance = G_MAXUINT64;
  hub->cancellable = g_cancellable_new ();
  hub->context = g_main_context_new ();
  hub->loop = g_main_loop_new (hub->context, FALSE);
  g_main_context_push_thread_default (hub->context);
  started = start_servers (hub, port, error);
  g_main_context_pop_thread_default (hub->context);
  if (!started) {
    quern_test_hub_free (hub);
    return NULL;
  }
  hub->thread = g_thread_new ("test-hub", hub_thread, hub);
  return hub;
}

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

/* Transfers count what they send, and point into the log. Wants the lock. */
static void
wait_until_idle (QuernTestHub *hub)
{
  while (hub->n_transfers > 0)
    g_cond_wait (&hub->idle, &hub->lock);
}

void
quern_test_hub_free (QuernTestHub *hub)
{
  g_cancellable_cancel (hub->cancellable);
  if (hub->thread != NULL) { /* quits from within: the thread may not have come to run the loop yet */
    g_autoptr (GSource) quit = g_idle_source_new ();
    g_source_set_callback (quit, quit_cb, hub->loop, NULL);
    g_source_attach (quit, hub->context);
    g_thread_join (hub->thread);
  }
  g_mutex_lock (&hub->lock);
  wait_until_idle (hub);
  g_mutex_unlock (&hub->lock);
  g_main_context_push_thread_default (hub->context);
  g_clear_object (&hub->hub);
  g_clear_object (&hub->content);
  g_main_context_pop_thread_default (hub->context);
  g_main_loop_unref (hub->loop);
  g_main_context_unref (hub->context);
  g_clear_object (&hub->cancellable);
  g_ptr_array_unref (hub->repos);
  g_array_unref (hub->faults);
  g_ptr_array_unref (hub->log);
  g_free (hub->folder);
  g_free (hub->endpoint);
  g_free (hub->content_endpoint);
  g_mutex_clear (&hub->lock);
  g_cond_clear (&hub->idle);
  g_free (hub);
}

const char *
quern_test_hub_get_endpoint (QuernTestHub *hub)
{
  return hub->endpoint;
}

/* Reads the folder again, as after a push. */
void
quern_test_hub_rescan (QuernTestHub *hub)
{
  GPtrArray *repos = quern_hub_repos_scan (hub->folder);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  g_ptr_array_unref (hub->repos);
  hub->repos = repos;
}

void
quern_test_hub_add_fault (QuernTestHub *hub, const QuernFault *fault)
{
  HubFault copy = { .fault = *fault, .path = g_strdup (fault->path), .left = fault->times };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  copy.fault.path = NULL;
  g_array_append_val (hub->faults, copy);
}

guint
quern_test_hub_n_faults (QuernTestHub *hub)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  return hub->faults->len;
}

void
quern_test_hub_clear (QuernTestHub *hub)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wait_until_idle (hub);
  g_array_set_size (hub->faults, 0);
  g_ptr_array_set_size (hub->log, 0);
  hub->content_bytes = 0;
}

void
quern_test_hub_set_rate (QuernTestHub *hub, guint64 bytes_per_second)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  hub->rate = bytes_per_second;
}

void
quern_test_hub_set_allowance (QuernTestHub *hub, guint64 bytes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  hub->allowance = bytes;
}

/* Returns: (transfer full) (element-type QuernHubRequest): the requests so far, in order */
GPtrArray *
quern_test_hub_dup_log (QuernTestHub *hub)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);
  GPtrArray *copy = g_ptr_array_new_with_free_func (hub_request_free);

  wait_until_idle (hub);
  for (guint i = 0; i < hub->log->len; i++) {
    QuernHubRequest *request = g_memdup2 (hub->log->pdata[i], sizeof *request);

    request->method = g_strdup (request->method);
    request->host = g_strdup (request->host);
    request->path = g_strdup (request->path);
    request->range = g_strdup (request->range);
    g_ptr_array_add (copy, request);
  }
  return copy;
}

guint64
quern_test_hub_content_bytes (QuernTestHub *hub)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wait_until_idle (hub);
  return hub->content_bytes;
}

char *
quern_test_hub_dup_sha256 (QuernTestHub *hub, const char *repo_id, const char *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);
  HubRepo *repo = quern_hub_repo_find (hub->repos, repo_id);
  HubFile *file = repo != NULL ? quern_hub_repo_find_file (repo, path) : NULL;

  return file != NULL ? g_strdup (file->sha256) : NULL;
}
