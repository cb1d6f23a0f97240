/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

#define QUERN_TYPE_MODEL_BUTTON (quern_model_button_get_type ())
G_DECLARE_FINAL_TYPE (QuernModelButton, quern_model_button, QUERN, MODEL_BUTTON, AdwBin)

void quern_model_button_set_library (QuernModelButton *self, QuernLibrary *library);
void quern_model_button_set_session (QuernModelButton *self, QuernChatSession *session);
void quern_model_button_popup (QuernModelButton *self);

G_END_DECLS
