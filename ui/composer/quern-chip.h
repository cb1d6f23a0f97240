/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

/* An attachment. "removed", "changed" (what it costs is known, or it cannot be sent) and "replaced" (a list of what is to be
 * sent instead). */
#define QUERN_TYPE_CHIP (quern_chip_get_type ())
G_DECLARE_FINAL_TYPE (QuernChip, quern_chip, QUERN, CHIP, AdwBin)

GtkWidget *quern_chip_new (QuernAttachment *attachment, QuernStore *store);
QuernAttachment *quern_chip_get_attachment (QuernChip *self);
void quern_chip_set_removable (QuernChip *self);
void quern_chip_set_session (QuernChip *self, QuernChatSession *session);
gboolean quern_chip_is_ready (QuernChip *self);
void quern_chip_open (QuernChip *self);

G_END_DECLS
