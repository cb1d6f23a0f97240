/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

/* Signals: "changed"; "problem" (a sentence: why something was not attached). */
#define QUERN_TYPE_ATTACHMENT_BAR (quern_attachment_bar_get_type ())
G_DECLARE_FINAL_TYPE (QuernAttachmentBar, quern_attachment_bar, QUERN, ATTACHMENT_BAR, AdwBin)

void quern_attachment_bar_set_session (QuernAttachmentBar *self, QuernChatSession *session, QuernStore *store);
void quern_attachment_bar_add_file (QuernAttachmentBar *self, GFile *file);
void quern_attachment_bar_add_texture (QuernAttachmentBar *self, const char *name, GdkTexture *texture);
void quern_attachment_bar_set_count (QuernAttachmentBar *self, const QuernTokenCount *count);
void quern_attachment_bar_report (QuernAttachmentBar *self, const char *sentence);
gboolean quern_attachment_bar_is_ready (QuernAttachmentBar *self);
GListModel *quern_attachment_bar_dup_model (QuernAttachmentBar *self);
void quern_attachment_bar_set_model (QuernAttachmentBar *self, GListStore *attachments);

G_END_DECLS
