/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Calls of the hub: redirects and the token's way, errors as sentences, retries, the cache behind them. All of it blocks
 * and belongs into worker threads. */

#include "config.h"

#include "quern-hub-private.h"

#include "quern-host.h"
#include "quern-sha256.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_REDIRECTS 8
#define MAX_BODY (8 * 1024 * 1024)
#define MAX_CACHED (1024 * 1024) /* of one answer; there may be thousands */
#define LEAST_RATE 1024          /* bytes per second: a connection with less is as good as dead */

/* ---- refused waits --------------------------------------------------------------------------------------------- */

/* Returns: (transfer full): a time for people, "3 minutes" */
static char *
format_wait (gint64 microseconds)
{
  int seconds = (int) ((microseconds + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);

  if (seconds < 120)
    return g_strdup_printf (ngettext ("%d second", "%d seconds", seconds), seconds);
  if (seconds < 2 * 3600)
    return g_strdup_printf (ngettext ("%d minute", "%d minutes", seconds / 60), seconds / 60);
  return g_strdup_printf (ngettext ("%d hour", "%d hours", seconds / 3600), seconds / 3600);
}

/**
 * quern_hub_get_asked_wait:
 *
 * Returns: microseconds that the last quern_hub_fetch() was asked to wait and did not, because nobody would have seen why;
 * 0: none
 */
gint64
quern_hub_get_asked_wait (QuernHub *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (QUERN_IS_HUB (self), 0);
  locker = g_mutex_locker_new (&self->lock);
  return self->asked_wait;
}

static void
set_asked_wait (QuernHub *self, gint64 microseconds)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->asked_wait = microseconds;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/**
 * quern_hub_read:
 * @pace: zero before the first read of a body; the time that the caller takes between reads does not count
 *
 * Reads as g_input_stream_read() does, but does not put up with a server that sends a byte now and then: too little in
 * the time that the connection may stay silent is %G_IO_ERROR_TIMED_OUT.
 */
gssize
quern_hub_read (QuernHub *self, GInputStream *in, gpointer buffer, gsize size, QuernHubPace *pace,
                GCancellable *cancellable, GError **error)
{
  gint64 begun = g_get_monotonic_time ();
  gint64 window = MAX (1, soup_session_get_timeout (self->session));
  gssize n = g_input_stream_read (in, buffer, size, cancellable, error);
  gboolean slow;

  pace->waited += g_get_monotonic_time () - begun;
  pace->bytes += MAX (0, n);
  if (n <= 0 || pace->waited < window * G_USEC_PER_SEC)
    return n;
  slow = pace->bytes < (guint64) window * LEAST_RATE;
  *pace = (QuernHubPace) { 0 };
  if (!slow)
    return n;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("the server sends almost no data"));
  return -1;
}

/* ---- the token's way ------------------------------------------------------------------------------------------- */

/* The hub's own host and port, over TLS; a hub on this very computer may do without. */
gboolean
quern_hub_may_send_token (const char *endpoint, GUri *uri)
{
  g_autoptr (GUri) hub = g_uri_parse (endpoint, SOUP_HTTP_URI_FLAGS, NULL);
  const char *host = g_uri_get_host (uri);

  return hub != NULL && g_uri_get_host (hub) != NULL && host != NULL
         && g_ascii_strcasecmp (g_uri_get_host (hub), host) == 0 && g_uri_get_port (hub) == g_uri_get_port (uri)
         && g_str_equal (g_uri_get_scheme (hub), g_uri_get_scheme (uri))
         && (g_str_equal (g_uri_get_scheme (uri), "https") || quern_host_is_loopback (host));
}

/* Whether an answer is the hub's own, and not that of a host which keeps the files for it. */
gboolean
quern_hub_is_own_answer (QuernHub *self, SoupMessage *message)
{
  g_autofree char *endpoint = quern_hub_dup_endpoint (self);
  g_autoptr (GUri) hub = g_uri_parse (endpoint, SOUP_HTTP_URI_FLAGS, NULL);
  const char *host = g_uri_get_host (soup_message_get_uri (message));

  return hub != NULL && g_uri_get_host (hub) != NULL && g_ascii_strcasecmp (g_uri_get_host (hub), host) == 0;
}

/* ---- one call -------------------------------------------------------------------------------------------------- */

static SoupMessage *
make_message (QuernHub *self, GUri *uri, const QuernHubCallOptions *options)
{
  SoupMessage *message = soup_message_new_from_uri (options->method != NULL ? options->method : "GET", uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  g_autofree char *endpoint = quern_hub_dup_endpoint (self);

  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (options->range != NULL)
    soup_message_headers_replace (headers, "Range", options->range);
  if (options->if_range != NULL)
    soup_message_headers_replace (headers, "If-Range", options->if_range);
  if (options->etag != NULL)
    soup_message_headers_replace (headers, "If-None-Match", options->etag);
  if (options->identity) {
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_DECODER);
    soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  }
  if (quern_hub_may_send_token (endpoint, uri)) {
    g_autofree char *token = quern_hub_dup_token (self), *now = quern_hub_dup_endpoint (self);
    g_autofree char *value = token != NULL ? g_strconcat ("Bearer ", token, NULL) : NULL;

    if (value != NULL && g_str_equal (endpoint, now)) /* else the token is that of another hub already */
      soup_message_headers_replace (headers, "Authorization", value);
  }
  return message;
}

static void
set_offline (GError **error, const char *host, const GError *cause)
{
  g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE,
               _("“%s” does not respond. Check the network connection and try again. (%s)"), host, cause->message);
}

/* The redirect's target, NULL when the answer is none. A step from https down to http is refused. */
static GUri *
redirect_target (SoupMessage *message, GError **error)
{
  guint status = soup_message_get_status (message);
  const char *location = soup_message_headers_get_one (soup_message_get_response_headers (message), "Location");
  GUri *from = soup_message_get_uri (message);
  g_autoptr (GUri) to = NULL;

  if (!SOUP_STATUS_IS_REDIRECTION (status) || status == SOUP_STATUS_NOT_MODIFIED || location == NULL)
    return NULL;
  to = g_uri_parse_relative (from, location, SOUP_HTTP_URI_FLAGS, NULL);
  if (to == NULL || g_uri_get_host (to) == NULL || *g_uri_get_host (to) == '\0'
      || (!g_str_equal (g_uri_get_scheme (to), "https")
          && !g_str_equal (g_uri_get_scheme (to), g_uri_get_scheme (from)))) {
    g_set_error (
        error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
        _("“%s” redirected to an address that is not safe to follow. Try again later or choose another mirror."),
        g_uri_get_host (from));
    return NULL;
  }
  return g_steal_pointer (&to);
}

/**
 * quern_hub_open:
 * @url: an absolute http or https address
 * @options: see #QuernHubCallOptions
 * @message: (out) (transfer full): the last message of the chain, to read status and headers from
 *
 * Makes one call and follows its redirects. Statuses other than redirects are left to the caller
 * (quern_hub_check_status()).
 *
 * Returns: (transfer full) (nullable): the body, or %NULL with @error set when no answer came
 */
GInputStream *
quern_hub_open (QuernHub *self, const char *url, const QuernHubCallOptions *options, SoupMessage **message,
                GCancellable *cancellable, GError **error)
{
  g_autoptr (GUri) uri = NULL;

  g_return_val_if_fail (QUERN_IS_HUB (self) && options != NULL && message != NULL, NULL);
  if (!quern_hub_check_endpoint (self, error))
    return NULL;
  uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, error);
  for (guint hop = 0; uri != NULL && hop <= MAX_REDIRECTS; hop++) {
    g_autoptr (SoupMessage) current = make_message (self, uri, options);
    g_autoptr (GError) cause = NULL;
    g_autoptr (GInputStream) in = soup_session_send (self->session, current, cancellable, &cause);
    g_autoptr (GUri) target = NULL;
    SoupMessageHeaders *headers;

    if (in == NULL) {
      if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_propagate_error (error, g_steal_pointer (&cause));
      else
        set_offline (error, g_uri_get_host (uri), cause);
      return NULL;
    }
    target = redirect_target (current, &cause);
    if (cause != NULL) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
    headers = soup_message_get_response_headers (current);
    if (target == NULL
        || (options->keep_linked
            && (soup_message_headers_get_one (headers, "X-Linked-Etag") != NULL
                || soup_message_headers_get_one (headers, "X-Linked-Size") != NULL
                || g_ascii_strcasecmp (g_uri_get_host (uri), g_uri_get_host (target)) != 0
                || g_uri_get_port (uri) != g_uri_get_port (target)))) {
      *message = g_steal_pointer (&current);
      return g_steal_pointer (&in);
    }
    g_clear_pointer (&uri, g_uri_unref);
    uri = g_steal_pointer (&target);
  }
  if (uri != NULL)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                 _("“%s” redirects in a circle. Try again later or choose another mirror."), g_uri_get_host (uri));
  return NULL;
}

/* ---- statuses -------------------------------------------------------------------------------------------------- */

/**
 * quern_hub_check_status:
 *
 * Returns: whether the answer is a good one; else @error says in a sentence what happened and what to do
 */
gboolean
quern_hub_check_status (SoupMessage *message, GError **error)
{
  guint status = soup_message_get_status (message);
  const char *code = soup_message_headers_get_one (soup_message_get_response_headers (message), "X-Error-Code");
  const char *host = g_uri_get_host (soup_message_get_uri (message));
  gboolean token = soup_message_headers_get_one (soup_message_get_request_headers (message), "Authorization") != NULL;
  gint64 asked = quern_hub_asked_delay (message);
  g_autofree char *wait = asked > 0 ? format_wait (asked) : NULL;

  if (SOUP_STATUS_IS_SUCCESSFUL (status) || status == SOUP_STATUS_NOT_MODIFIED)
    return TRUE;
  if (SOUP_STATUS_IS_REDIRECTION (status)
      && soup_message_headers_get_one (soup_message_get_response_headers (message), "Location") != NULL)
    return TRUE;
  if (SOUP_STATUS_IS_REDIRECTION (status))
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                 _("“%s” redirects without an address. Try again later or choose another mirror."), host);
  else if (g_strcmp0 (code, "GatedRepo") == 0)
    g_set_error (
        error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_GATED,
        token ? _("This model’s licence has not been accepted yet. Accept it on its page at %s and try again.")
              : _("This model’s licence must be accepted first. Do that on its page at %s, then enter your token "
                  "in Preferences."),
        host);
  else if (status == SOUP_STATUS_UNAUTHORIZED && token)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_UNAUTHORIZED,
                 _("%s does not accept the token. Enter a valid token in Preferences, or remove it."), host);
  else if (status == SOUP_STATUS_UNAUTHORIZED || status == SOUP_STATUS_FORBIDDEN)
    g_set_error (
        error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_UNAUTHORIZED,
        _("This repository does not exist at %s or is private. Check its name, or enter a token in Preferences."),
        host);
  else if (status == SOUP_STATUS_NOT_FOUND || status == SOUP_STATUS_GONE)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                 g_strcmp0 (code, "EntryNotFound") == 0
                     ? _("The file is no longer in this repository at %s. Choose another one.")
                     : _("%s has nothing with that name. Check the name and try again."),
                 host);
  else if (status == QUERN_HTTP_TOO_MANY_REQUESTS && wait != NULL)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_RATE_LIMITED,
                 _("%s limits the number of requests. Try again in %s; a token raises the limit."), host, wait);
  else if (status == QUERN_HTTP_TOO_MANY_REQUESTS)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_RATE_LIMITED,
                 _("%s limits the number of requests. Try again in a few minutes; a token raises the limit."), host);
  else if (SOUP_STATUS_IS_SERVER_ERROR (status) || status == SOUP_STATUS_REQUEST_TIMEOUT)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_SERVER, _("%s has a problem (status %u). Try again later."),
                 host, status);
  else
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_FAILED, _("%s refused the request (status %u)."), host,
                 status);
  return FALSE;
}

/* ---- whole answers --------------------------------------------------------------------------------------------- */

/* The URL of rel="next" in a Link header; followed verbatim because it holds a cursor, but never to another host. */
static char *
next_link (SoupMessage *message)
{
  const char *link = soup_message_headers_get_list (soup_message_get_response_headers (message), "Link");
  GUri *from = soup_message_get_uri (message);

  for (const char *open = link; open != NULL && (open = strchr (open, '<')) != NULL; open++) {
    const char *close = strchr (open, '>');
    const char *end = close != NULL ? strchr (close, ',') : NULL;
    g_autofree char *rest = close != NULL ? g_strndup (close, end != NULL ? (gsize) (end - close) : strlen (close))
                                          : NULL;
    g_autofree char *text = close != NULL ? g_strndup (open + 1, close - open - 1) : NULL;
    g_autoptr (GUri) uri = NULL;

    if (rest == NULL || (strstr (rest, "rel=\"next\"") == NULL && strstr (rest, "rel=next") == NULL))
      continue;
    uri = g_uri_parse_relative (from, text, SOUP_HTTP_URI_FLAGS | G_URI_FLAGS_ENCODED, NULL);
    if (uri != NULL && g_strcmp0 (g_uri_get_host (uri), g_uri_get_host (from)) == 0)
      return g_uri_to_string (uri);
  }
  return NULL;
}

static GBytes *
read_body (QuernHub *self, GInputStream *in, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  QuernHubPace pace = { 0 };
  guint8 buffer[16384];
  gssize n;

  while ((n = quern_hub_read (self, in, buffer, sizeof buffer, &pace, cancellable, error)) > 0) {
    if (all->len + n > MAX_BODY) {
      g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE,
                           _("The hub’s response is too long. Choose another repository or mirror."));
      return NULL;
    }
    g_byte_array_append (all, buffer, n);
  }
  return n < 0 ? NULL : g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

/* One attempt. *message is set when an answer came at all. */
static QuernHubAnswer *
fetch_once (QuernHub *self, const char *url, QuernHubAnswer *cached, SoupMessage **message, GCancellable *cancellable,
            GError **error)
{
  const QuernHubCallOptions options = { .etag = cached != NULL ? cached->etag : NULL };
  g_autoptr (GInputStream) in = quern_hub_open (self, url, &options, message, cancellable, error);
  SoupMessageHeaders *headers;
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) cause = NULL;
  QuernHubAnswer *answer;
  const char *type;

  if (in == NULL || !quern_hub_check_status (*message, error))
    return NULL;
  if (soup_message_get_status (*message) == SOUP_STATUS_NOT_MODIFIED && cached == NULL) {
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                 _("“%s” answered “not modified” to a request that did not ask for it. Try again later."),
                 g_uri_get_host (soup_message_get_uri (*message)));
    return NULL;
  }
  answer = g_new0 (QuernHubAnswer, 1);
  answer->fetched = g_get_real_time () / G_USEC_PER_SEC;
  if (soup_message_get_status (*message) == SOUP_STATUS_NOT_MODIFIED) {
    answer->body = g_bytes_ref (cached->body);
    answer->etag = g_strdup (cached->etag);
    answer->next = g_strdup (cached->next);
    return answer;
  }
  body = read_body (self, in, cancellable, &cause);
  type = soup_message_headers_get_content_type (soup_message_get_response_headers (*message), NULL);
  /* JSON that stops half way is an answer that was cut: better asked again than shown. */
  if (body == NULL || (g_strcmp0 (type, "application/json") == 0 && !_quern_hub_check_json (body, &cause))) {
    quern_hub_answer_free (answer);
    if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED) || cause->domain == QUERN_HUB_ERROR)
      g_propagate_error (error, g_steal_pointer (&cause));
    else
      set_offline (error, g_uri_get_host (soup_message_get_uri (*message)), cause);
    return NULL;
  }
  headers = soup_message_get_response_headers (*message);
  answer->body = g_steal_pointer (&body);
  answer->etag = g_strdup (soup_message_headers_get_one (headers, "ETag"));
  answer->next = next_link (*message);
  if (g_bytes_get_size (answer->body) <= MAX_CACHED)
    quern_hub_cache_store (self->cache, url, answer->body, answer->etag, answer->next);
  return answer;
}

/**
 * quern_hub_fetch:
 * @url: address of a listing or of a small file
 *
 * Tries a few times, honouring Retry-After if that is short (else see quern_hub_get_asked_wait()). When the hub does not
 * answer, its last answer is returned instead.
 *
 * Returns: (transfer full) (nullable): the answer, or %NULL with @error set
 */
QuernHubAnswer *
quern_hub_fetch (QuernHub *self, const char *url, GCancellable *cancellable, GError **error)
{
  QuernHubAnswer found = { .from_cache = TRUE }, *cached;
  g_autoptr (GError) cause = NULL;
  QuernHubRetry retry = { 0 };
  gint64 asked, delay;

  g_return_val_if_fail (QUERN_IS_HUB (self) && url != NULL, NULL);
  found.body = quern_hub_cache_find (self->cache, url, &found.etag, &found.next, &found.fetched);
  cached = found.body != NULL ? g_memdup2 (&found, sizeof found) : NULL;
  set_asked_wait (self, 0);
  do {
    g_autoptr (SoupMessage) message = NULL;
    QuernHubAnswer *answer;

    g_clear_error (&cause);
    answer = fetch_once (self, url, cached, &message, cancellable, &cause);
    if (answer != NULL) {
      quern_hub_answer_free (cached);
      return answer;
    }
    asked = message != NULL ? quern_hub_asked_delay (message) : -1;
    /* Where there is no answer at all, the last one is shown at once. */
    delay = message != NULL ? quern_hub_retry_next (&retry, cause, asked, FALSE) : -1;
    if (delay >= 0 && !quern_hub_wait (delay, cancellable, error)) {
      quern_hub_answer_free (cached);
      return NULL;
    }
  } while (delay >= 0);
  if (quern_hub_error_is_temporary (cause) && cached != NULL)
    return cached;
  set_asked_wait (self, MAX (0, asked));
  quern_hub_answer_free (cached);
  g_propagate_error (error, g_steal_pointer (&cause));
  return NULL;
}

void
quern_hub_answer_free (QuernHubAnswer *answer)
{
  if (answer == NULL)
    return;
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_free (answer->etag);
  g_free (answer->next);
  g_free (answer);
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Returns: (transfer full): where the hub resolves this file */
char *
quern_hub_file_url (QuernHub *self, const char *repo, const char *revision, const char *path)
{
  g_autofree char *endpoint = quern_hub_dup_endpoint (self), *coded_repo = g_uri_escape_string (repo, "/", FALSE);
  g_autofree char *coded_revision = g_uri_escape_string (revision, NULL, FALSE);
  g_autofree char *coded_path = g_uri_escape_string (path, "/", FALSE);

  return g_strdup_printf ("%s/%s/resolve/%s/%s", endpoint, coded_repo, coded_revision, coded_path);
}

/* "abc" or W/"abc" without its marks, in lower case. */
static char *
plain_etag (const char *etag)
{
  g_autofree char *text = g_ascii_strdown (etag != NULL ? etag : "", -1);
  char *start = g_str_has_prefix (text, "w/") ? text + 2 : text;
  gsize length;

  start += *start == '"';
  length = strlen (start);
  if (length > 0 && start[length - 1] == '"')
    start[length - 1] = '\0';
  return g_strdup (start);
}

/**
 * quern_hub_resolve:
 * @revision: a commit id, or a branch such as "main"
 * @path: a file's path in the repository
 * @asked_delay: (out) (optional): as from quern_hub_asked_delay(), where there was an answer
 *
 * One attempt; retrying is the caller's.
 *
 * Returns: (transfer full) (nullable): where the file's bytes are and what they must be
 */
QuernHubResolved *
quern_hub_resolve (QuernHub *self, const char *repo, const char *revision, const char *path, gint64 *asked_delay,
                   GCancellable *cancellable, GError **error)
{
  const QuernHubCallOptions options = { .method = "HEAD", .identity = TRUE, .keep_linked = TRUE };
  g_autofree char *url = quern_hub_file_url (self, repo, revision, path);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) in = quern_hub_open (self, url, &options, &message, cancellable, error);
  g_autoptr (QuernHubResolved) resolved = NULL;
  g_autofree char *linked = NULL, *plain = NULL;
  SoupMessageHeaders *headers;
  const char *size, *location;

  if (in != NULL && asked_delay != NULL)
    *asked_delay = quern_hub_asked_delay (message);
  if (in == NULL || !quern_hub_check_status (message, error))
    return NULL;
  resolved = g_new0 (QuernHubResolved, 1);
  headers = soup_message_get_response_headers (message);
  size = soup_message_headers_get_one (headers, "X-Linked-Size");
  location = soup_message_headers_get_one (headers, "Location");
  linked = plain_etag (soup_message_headers_get_one (headers, "X-Linked-Etag"));
  plain = plain_etag (soup_message_headers_get_one (headers, "ETag"));
  if (SOUP_STATUS_IS_REDIRECTION (soup_message_get_status (message)) && location != NULL) {
    g_autofree char *base = g_uri_to_string (soup_message_get_uri (message));

    resolved->location = g_uri_resolve_relative (base, location, SOUP_HTTP_URI_FLAGS | G_URI_FLAGS_ENCODED, NULL);
  } else if (SOUP_STATUS_IS_SUCCESSFUL (soup_message_get_status (message))) {
    resolved->location = g_uri_to_string (soup_message_get_uri (message));
    if (size == NULL)
      size = soup_message_headers_get_one (headers, "Content-Length");
  }
  resolved->commit = g_strdup (soup_message_headers_get_one (headers, "X-Repo-Commit"));
  resolved->sha256 = quern_sha256_from_text (linked);
  /* A plain ETag is a hash only where it is the hub's own; after a redirect to another host it is of whatever that host
   * goes by. */
  if (resolved->sha256 == NULL && quern_hub_is_own_answer (self, message))
    resolved->sha256 = quern_sha256_from_text (plain);
  if (resolved->location == NULL || size == NULL
      || !g_ascii_string_to_unsigned (size, 10, 0, G_MAXINT64, &resolved->size, NULL)) {
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                 _("“%s” does not say how large “%s” is. Try again later or choose another mirror."),
                 g_uri_get_host (soup_message_get_uri (message)), path);
    return NULL;
  }
  return g_steal_pointer (&resolved);
}

void
quern_hub_resolved_free (QuernHubResolved *resolved)
{
  if (resolved == NULL)
    return;
  g_free (resolved->location);
  g_free (resolved->sha256);
  g_free (resolved->commit);
  g_free (resolved);
}
