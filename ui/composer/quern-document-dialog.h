/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

#define QUERN_TYPE_DOCUMENT_DIALOG (quern_document_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernDocumentDialog, quern_document_dialog, QUERN, DOCUMENT_DIALOG, AdwDialog)

/* Gets what is to be sent instead (a list of QuernAttachment), or NULL when nothing was changed. */
typedef void (*QuernDocumentFunc) (GListModel *instead, gpointer user_data);

void quern_document_dialog_present (GtkWidget *parent, QuernAttachment *attachment, QuernStore *store,
                                    gboolean editable, QuernChatSession *session, QuernDocumentFunc func,
                                    gpointer user_data);

G_END_DECLS
