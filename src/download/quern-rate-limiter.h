/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Keeps the sum of all downloads under so many bytes per second. Any thread. */
typedef struct _QuernRateLimiter QuernRateLimiter;

QuernRateLimiter *quern_rate_limiter_new (void);
void quern_rate_limiter_free (QuernRateLimiter *limiter);
void quern_rate_limiter_set_rate (QuernRateLimiter *limiter, guint64 bytes_per_second); /* 0: no limit */
guint64 quern_rate_limiter_get_rate (QuernRateLimiter *limiter);
gboolean quern_rate_limiter_take (QuernRateLimiter *limiter, gsize bytes, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernRateLimiter, quern_rate_limiter_free)

G_END_DECLS
