/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-servers.h"

G_BEGIN_DECLS

/* The servers that were added, a row for each, and a row to add another one. */
#define QUERN_TYPE_SERVERS_GROUP (quern_servers_group_get_type ())
G_DECLARE_FINAL_TYPE (QuernServersGroup, quern_servers_group, QUERN, SERVERS_GROUP, AdwPreferencesGroup)

GtkWidget *quern_servers_group_new (QuernServers *servers);

G_END_DECLS
