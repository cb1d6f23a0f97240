/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-service.h"

G_BEGIN_DECLS

/* The switch that lets other programs use the models of this computer, with all that belongs to it. */
#define QUERN_TYPE_SERVICE_GROUP (quern_service_group_get_type ())
G_DECLARE_FINAL_TYPE (QuernServiceGroup, quern_service_group, QUERN, SERVICE_GROUP, AdwPreferencesGroup)

GtkWidget *quern_service_group_new (QuernService *service);

G_END_DECLS
