/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

/* Conversations as files for people and other programs. JSON holds all branches and attachments and can be imported
 * again; Markdown and HTML hold what is shown. */
typedef enum {
  QUERN_EXPORT_MARKDOWN,
  QUERN_EXPORT_JSON,
  QUERN_EXPORT_HTML,
} QuernExportFormat;

/* Of the JSON: a newer one is not read. */
#define QUERN_EXPORT_VERSION 1

char *quern_export_dup_html (const char *markdown);
const char *quern_export_extension (QuernExportFormat format);
char *quern_export_dup_name (QuernConversation *conversation, QuernExportFormat format);
void quern_export_async (QuernStore *store, GListModel *conversations, QuernExportFormat format, GFile *file,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_export_finish (GAsyncResult *result, GError **error);

G_END_DECLS
