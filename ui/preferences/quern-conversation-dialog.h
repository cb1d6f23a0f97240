/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

AdwDialog *quern_conversation_dialog_new (QuernStore *store, QuernBackend *backend, QuernChatSession *session);

G_END_DECLS
