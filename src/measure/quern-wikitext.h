/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub.h"

G_BEGIN_DECLS

/* wiki.test.raw of WikiText-2, with which publishers measure. It is fetched once from the hub, compared with the checksum of
 * the text that they use, and kept in the cache folder. */

#define QUERN_WIKITEXT_ATTRIBUTION "WikiText-2 (Merity et al., 2016), from Wikipedia, CC BY-SA 3.0"

void quern_wikitext_load_async (QuernHub *hub, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
char *quern_wikitext_load (QuernHub *hub, GCancellable *cancellable, GError **error);
char *quern_wikitext_load_finish (QuernHub *hub, GAsyncResult *result, GError **error);

/* Block. For tests of what goes wrong, the repository and the checksum are told. */
char *_quern_wikitext_load (QuernHub *hub, const char *repo, const char *sha256, GCancellable *cancellable,
                            GError **error);
char *_quern_wikitext_unpack (GBytes *archive, gsize *length, GError **error);

G_END_DECLS
