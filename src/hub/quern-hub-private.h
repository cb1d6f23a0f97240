/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-hub.h"
#include "quern-hub-cache.h"
#include "quern-hub-repo.h"

struct _QuernHub {
  GObject parent_instance;

  SoupSession *session;
  QuernHubCache *cache;

  GMutex lock;          /* everything below */
  char *endpoint;       /* or what was given for one */
  char *endpoint_error; /* why it is none, NULL when it is one */
  char *token;
  gboolean token_known; /* looked up; it may be NULL all the same */
  gint64 asked_wait;    /* see quern_hub_get_asked_wait() */
};

char *_quern_hub_search_url (QuernHub *hub, const char *text);
gboolean _quern_hub_check_json (GBytes *body, GError **error);
gboolean _quern_hub_probe (QuernHub *hub, QuernHubRepo *repo, QuernHubItem *item, GCancellable *cancellable,
                           GError **error);
