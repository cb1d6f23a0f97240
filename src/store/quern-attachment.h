/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A picture, text or document that belongs to a message; stored once for all messages that have the same bytes. */
#define QUERN_TYPE_ATTACHMENT (quern_attachment_get_type ())
G_DECLARE_FINAL_TYPE (QuernAttachment, quern_attachment, QUERN, ATTACHMENT, GObject)

QuernAttachment *quern_attachment_new (const char *name, const char *mime, GBytes *bytes);
QuernAttachment *quern_attachment_new_stored (const char *hash, const char *name, const char *mime, guint64 size);
const char *quern_attachment_get_hash (QuernAttachment *self);
const char *quern_attachment_get_name (QuernAttachment *self);
const char *quern_attachment_get_mime (QuernAttachment *self);
void quern_attachment_set_mime (QuernAttachment *self, const char *mime);
guint64 quern_attachment_get_size (QuernAttachment *self);
gboolean quern_attachment_is_picture (QuernAttachment *self);
GBytes *quern_attachment_get_bytes (QuernAttachment *self);
void quern_attachment_set_bytes (QuernAttachment *self, GBytes *bytes);
GBytes *quern_attachment_get_source (QuernAttachment *self);
void quern_attachment_set_source (QuernAttachment *self, GBytes *source);

G_END_DECLS
