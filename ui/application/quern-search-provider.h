/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

/* Lets GNOME Shell's overview find conversations, when the setting "search-provider" is on. What is found is opened
 * through the application's action "open-conversation". */
#define QUERN_TYPE_SEARCH_PROVIDER (quern_search_provider_get_type ())
G_DECLARE_FINAL_TYPE (QuernSearchProvider, quern_search_provider, QUERN, SEARCH_PROVIDER, GObject)

QuernSearchProvider *quern_search_provider_new (GApplication *application);
gboolean quern_search_provider_export (QuernSearchProvider *self, GDBusConnection *connection, const char *path,
                                       GError **error);
void quern_search_provider_unexport (QuernSearchProvider *self);
void quern_search_provider_set_store (QuernSearchProvider *self, QuernStore *store);

G_END_DECLS
