/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

#define QUERN_HUB_MAX_WAIT (600 * (gint64) G_USEC_PER_SEC) /* a server may ask for more, but has it not */

/* What failed so far of calls that are made until one succeeds. Zero it before the first. */
typedef struct {
  guint failures; /* in a row, after which no server asked for a wait that is shown */
  gint64 waited;  /* microseconds that servers asked to wait, in waits that are shown */
} QuernHubRetry;

gboolean quern_hub_error_is_temporary (const GError *error);
gint64 quern_hub_asked_delay (SoupMessage *message);
gint64 quern_hub_retry_next (QuernHubRetry *self, const GError *error, gint64 asked, gboolean visible);
gint64 quern_hub_retry_pause (guint runs);
gboolean quern_hub_wait (gint64 microseconds, GCancellable *cancellable, GError **error);

G_END_DECLS
