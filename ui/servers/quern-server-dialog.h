/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-servers.h"

G_BEGIN_DECLS

/* All about a server that was added. Signal "removed" (QuernServer *): it was taken off the list. */
#define QUERN_TYPE_SERVER_DIALOG (quern_server_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernServerDialog, quern_server_dialog, QUERN, SERVER_DIALOG, AdwDialog)

AdwDialog *quern_server_dialog_new (QuernServers *servers, QuernServer *server);

G_END_DECLS
