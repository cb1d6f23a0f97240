/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is tried again when it failed, how often, and after what wait: for calls of the hub, for downloads, and for the
 * queue of downloads. */

#include "config.h"

#include "quern-hub-retry.h"

#include "quern-hub.h"

#include <string.h>

#define UNSEEN_RETRIES 3
#define SEEN_RETRIES 4
#define MAX_UNSEEN (5 * (gint64) G_USEC_PER_SEC) /* a longer wait is told, not sat out unseen */
#define FIRST_DELAY (G_USEC_PER_SEC / 2)         /* doubles up to MAX_DELAY */
#define MAX_DELAY (30 * (gint64) G_USEC_PER_SEC)
#define FIRST_PAUSE (15 * (gint64) G_USEC_PER_SEC) /* doubles up to MAX_PAUSE */
#define MAX_PAUSE (300 * (gint64) G_USEC_PER_SEC)
#define LONGEST_ASKED 86400 /* seconds */

/**
 * quern_hub_error_is_temporary:
 *
 * Returns: whether the same call may succeed later without anybody doing anything
 */
gboolean
quern_hub_error_is_temporary (const GError *error)
{
  return g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_RATE_LIMITED)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_SERVER)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
}

/**
 * quern_hub_asked_delay:
 * @message: one that was answered
 *
 * Returns: microseconds that the server asked to wait before the next call; -1: it did not
 */
gint64
quern_hub_asked_delay (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *after = soup_message_headers_get_one (headers, "Retry-After");
  const char *limit = soup_message_headers_get_one (headers, "RateLimit"); /* "api";r=0;t=55 */
  const char *t = limit != NULL ? strstr (limit, ";t=") : NULL;
  g_autoptr (GDateTime) date = NULL, now = NULL;

  if (after != NULL && g_ascii_isdigit (*after))
    return (gint64) MIN (g_ascii_strtoull (after, NULL, 10), LONGEST_ASKED) * G_USEC_PER_SEC;
  if (after != NULL && (date = soup_date_time_new_from_http_string (after)) != NULL) {
    now = g_date_time_new_now_utc ();
    return CLAMP (g_date_time_difference (date, now), 0, LONGEST_ASKED * (gint64) G_USEC_PER_SEC);
  }
  if (t != NULL && soup_message_get_status (message) == QUERN_HTTP_TOO_MANY_REQUESTS)
    return (gint64) MIN (g_ascii_strtoull (t + 3, NULL, 10), LONGEST_ASKED) * G_USEC_PER_SEC;
  return -1;
}

/**
 * quern_hub_retry_next:
 * @error: why the last call failed
 * @asked: microseconds that the server asked to wait, or -1
 * @visible: the caller shows waits of a second and more, so that they may be long; they do not count as failures
 *
 * Without being asked to wait the delay is half a second, doubling up to 30 seconds, with some jitter.
 *
 * Returns: microseconds to wait before the call is made again; -1: it is not worth it
 */
gint64
quern_hub_retry_next (QuernHubRetry *self, const GError *error, gint64 asked, gboolean visible)
{
  gint64 delay;

  if (!quern_hub_error_is_temporary (error) || (!visible && asked > MAX_UNSEEN))
    return -1;
  if (visible && asked >= G_USEC_PER_SEC) {
    gint64 allowed = MIN (asked, QUERN_HUB_MAX_WAIT - self->waited);

    self->waited += allowed;
    return allowed > 0 ? allowed : -1;
  }
  if (self->failures++ == (visible ? SEEN_RETRIES : UNSEEN_RETRIES))
    return -1;
  delay = MIN ((gint64) FIRST_DELAY << MIN (self->failures - 1, 8), MAX_DELAY);
  return MAX (asked, delay * 3 / 4 + g_random_int_range (0, (gint32) (delay / 2)));
}

/**
 * quern_hub_retry_pause:
 * @runs: how many runs of a download failed before, each with retries of its own
 *
 * Returns: microseconds until the next run
 */
gint64
quern_hub_retry_pause (guint runs)
{
  return MIN (FIRST_PAUSE << MIN (runs, 8), MAX_PAUSE);
}

/**
 * quern_hub_wait:
 *
 * Returns: %FALSE, with @error set, when cancelled meanwhile
 */
gboolean
quern_hub_wait (gint64 microseconds, GCancellable *cancellable, GError **error)
{
  gint64 end = g_get_monotonic_time () + microseconds;
  GPollFD fd;
  gboolean pollable = cancellable != NULL && g_cancellable_make_pollfd (cancellable, &fd);

  for (gint64 left; (left = end - g_get_monotonic_time ()) > 0 && !g_cancellable_is_cancelled (cancellable);) {
    if (pollable)
      g_poll (&fd, 1, CLAMP (left / 1000, 1, 60000));
    else
      g_usleep (MIN (left, 50000));
  }
  if (pollable)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}
