/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"
#include "quern-comparisons.h"

G_BEGIN_DECLS

/* What all windows work on: the store, the models, and the conversations and comparisons that are in use. Each of those is
 * there once, whichever window shows it. */
#define QUERN_TYPE_DESK (quern_desk_get_type ())
G_DECLARE_FINAL_TYPE (QuernDesk, quern_desk, QUERN, DESK, GObject)

QuernDesk *quern_desk_new (QuernStore *store, QuernLibrary *library, QuernBackend *backend);
QuernStore *quern_desk_get_store (QuernDesk *self);
QuernLibrary *quern_desk_get_library (QuernDesk *self);
QuernBackend *quern_desk_get_backend (QuernDesk *self);
QuernComparisons *quern_desk_get_comparisons (QuernDesk *self);

QuernChatSession *quern_desk_find_session (QuernDesk *self, QuernConversation *conversation);
QuernChatSession *quern_desk_add_session (QuernDesk *self, QuernConversation *conversation);
void quern_desk_return_session (QuernDesk *self, QuernChatSession *session);
void quern_desk_sweep (QuernDesk *self, gboolean (*is_shown) (QuernChatSession *session));
void quern_desk_stop_sessions (QuernDesk *self);
void quern_desk_withdraw_notification (QuernConversation *conversation);

QuernComparison *quern_desk_find_comparison (QuernDesk *self, gint64 id);
void quern_desk_add_comparison (QuernDesk *self, QuernComparison *comparison);
void quern_desk_stop_comparison (QuernComparison *comparison);

gboolean quern_desk_is_busy (QuernDesk *self);
gboolean quern_desk_interrupt (QuernDesk *self);

G_END_DECLS
