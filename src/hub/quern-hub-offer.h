/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-repo.h"

G_BEGIN_DECLS

/* What the hub offers for a wish: the most downloaded repository that has it, and the item in it, with its header read. */
typedef struct {
  QuernHubRepo *repo;
  QuernHubItem *item;
} QuernHubOffer;

gboolean quern_hub_repo_is_of (QuernHubRepo *repo, const char *model);
void quern_hub_find_offer_async (QuernHub *hub, const char *model, const char *quantisation, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
QuernHubOffer *quern_hub_find_offer_finish (QuernHub *hub, GAsyncResult *result, GError **error);
void quern_hub_offer_free (QuernHubOffer *offer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernHubOffer, quern_hub_offer_free)

G_END_DECLS
