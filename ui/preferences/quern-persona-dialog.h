/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-persona.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_PERSONA_DIALOG (quern_persona_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernPersonaDialog, quern_persona_dialog, QUERN, PERSONA_DIALOG, AdwAlertDialog)

AdwDialog *quern_persona_dialog_new (QuernStore *store, QuernPersona *persona);

G_END_DECLS
