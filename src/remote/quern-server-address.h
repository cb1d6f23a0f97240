/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-server-error.h"

G_BEGIN_DECLS

char **quern_server_address_candidates (const char *text, GError **error);
char **quern_server_address_local_candidates (void);
char *quern_server_address_dup_origin (const char *address);
char *quern_server_address_dup_host (const char *address);
gboolean quern_server_address_is_loopback (const char *address);
gboolean quern_server_address_is_plain (const char *address);

G_END_DECLS
