/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "models/quern-models-service.h"
#include "quern-local-backend.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_PREFERENCES (quern_preferences_get_type ())
G_DECLARE_FINAL_TYPE (QuernPreferences, quern_preferences, QUERN, PREFERENCES, AdwPreferencesDialog)

QuernPreferences *quern_preferences_new (QuernStore *store, QuernModelsService *models);
void quern_preferences_apply (GSettings *settings, QuernLocalBackend *backend);

G_END_DECLS
