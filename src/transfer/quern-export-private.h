/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-store.h"

G_BEGIN_DECLS

/* Where an export goes, piece by piece: no more of it is in memory than one message. The first failure stays, and nothing
 * is written after it. */
typedef struct {
  QuernStore *store; /* of the attachments */
  GOutputStream *stream;
  GCancellable *cancellable;
  GError *error;
} QuernExportWriter;

void _quern_export_write (QuernExportWriter *self, const char *text, gsize length);
void _quern_export_put (QuernExportWriter *self, const char *text);
void _quern_export_format (QuernExportWriter *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void _quern_export_base64 (QuernExportWriter *self, QuernAttachment *attachment);

/* What is written of a conversation before its messages. */
typedef struct {
  gint64 id;
  const char *title, *system_prompt; /* borrowed from `json` */
  JsonObject *json;
  gboolean is_first;
} QuernExportConversation;

/* How a format is written: any may be NULL. */
typedef struct {
  void (*begin) (QuernExportWriter *writer, const QuernExportConversation *first); /* NULL: there is none */
  void (*begin_conversation) (QuernExportWriter *writer, const QuernExportConversation *conversation);
  void (*message) (QuernExportWriter *writer, QuernMessage *message, gboolean shown, gboolean is_first);
  void (*end_conversation) (QuernExportWriter *writer);
  void (*end) (QuernExportWriter *writer);
} QuernExportWay;

extern const QuernExportWay _quern_export_json, _quern_export_markdown, _quern_export_html;

G_END_DECLS
