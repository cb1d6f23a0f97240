/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-rate-limiter.h"

#include "quern-hub.h"

struct _QuernRateLimiter {
  GMutex lock;
  guint64 rate; /* bytes per second */
  gint64 due;   /* when the bytes taken so far will have had their time */
};

QuernRateLimiter *
quern_rate_limiter_new (void)
{
  QuernRateLimiter *limiter = g_new0 (QuernRateLimiter, 1);

  g_mutex_init (&limiter->lock);
  return limiter;
}

void
quern_rate_limiter_free (QuernRateLimiter *limiter)
{
  if (limiter == NULL)
    return;
  g_mutex_clear (&limiter->lock);
  g_free (limiter);
}

void
quern_rate_limiter_set_rate (QuernRateLimiter *limiter, guint64 bytes_per_second)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&limiter->lock);

  limiter->rate = bytes_per_second;
  limiter->due = 0;
}

guint64
quern_rate_limiter_get_rate (QuernRateLimiter *limiter)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&limiter->lock);

  return limiter->rate;
}

/* Waits until these bytes, which have just arrived, are paid for. FALSE: cancelled. */
gboolean
quern_rate_limiter_take (QuernRateLimiter *limiter, gsize bytes, GCancellable *cancellable, GError **error)
{
  gint64 now = g_get_monotonic_time (), wait = 0;

  g_mutex_lock (&limiter->lock);
  if (limiter->rate > 0) {
    limiter->due = MAX (limiter->due, now) + (gint64) ((double) bytes * G_USEC_PER_SEC / (double) limiter->rate);
    wait = limiter->due - now;
  }
  g_mutex_unlock (&limiter->lock);
  return wait <= 0 || quern_hub_wait (wait, cancellable, error);
}
