/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

GtkWidget *quern_hub_preferences_new (QuernModelsService *service);

G_END_DECLS
