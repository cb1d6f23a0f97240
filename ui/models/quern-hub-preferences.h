/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_HUB_PREFERENCES (quern_hub_preferences_get_type ())
G_DECLARE_FINAL_TYPE (QuernHubPreferences, quern_hub_preferences, QUERN, HUB_PREFERENCES, AdwPreferencesGroup)

GtkWidget *quern_hub_preferences_new (QuernModelsService *service);

G_END_DECLS
