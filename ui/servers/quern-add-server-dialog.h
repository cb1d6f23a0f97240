/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-servers.h"

G_BEGIN_DECLS

/* Looks for a server where people say it is, tells what answers there, and adds it. */
#define QUERN_TYPE_ADD_SERVER_DIALOG (quern_add_server_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernAddServerDialog, quern_add_server_dialog, QUERN, ADD_SERVER_DIALOG, AdwDialog)

AdwDialog *quern_add_server_dialog_present (QuernServers *servers, GtkWidget *parent);

G_END_DECLS
