/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub-repo.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_HUB_SEARCH_IDLE,
  QUERN_HUB_SEARCH_LOADING,
  QUERN_HUB_SEARCH_READY,  /* what the hub says now */
  QUERN_HUB_SEARCH_STALE,  /* the hub does not answer: what it said last */
  QUERN_HUB_SEARCH_FAILED, /* see get_message() */
} QuernHubSearchState;

/* A GListModel of #QuernHubRepo that match a text, most downloaded first, page by page. Main thread. */
#define QUERN_TYPE_HUB_SEARCH (quern_hub_search_get_type ())
G_DECLARE_FINAL_TYPE (QuernHubSearch, quern_hub_search, QUERN, HUB_SEARCH, GObject)

QuernHubSearch *quern_hub_search_new (QuernHub *hub);
void quern_hub_search_set_text (QuernHubSearch *self, const char *text);
void quern_hub_search_load_more (QuernHubSearch *self);
gboolean quern_hub_search_get_has_more (QuernHubSearch *self);
QuernHubSearchState quern_hub_search_get_state (QuernHubSearch *self);
const char *quern_hub_search_get_message (QuernHubSearch *self);
gint64 quern_hub_search_get_fetched (QuernHubSearch *self);

G_END_DECLS
