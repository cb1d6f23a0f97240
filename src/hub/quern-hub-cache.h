/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What the hub answered last, by URL, in $XDG_CACHE_HOME/quern/hub.db. Any thread; blocks. A cache that cannot be
 * opened or written is silently empty: nothing depends on it but offline use. */
typedef struct _QuernHubCache QuernHubCache;

QuernHubCache *quern_hub_cache_new (void);
void quern_hub_cache_free (QuernHubCache *cache);
void quern_hub_cache_store (QuernHubCache *cache, const char *url, GBytes *body, const char *etag, const char *next);
GBytes *quern_hub_cache_find (QuernHubCache *cache, const char *url, char **etag, char **next, gint64 *fetched);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernHubCache, quern_hub_cache_free)

G_END_DECLS
