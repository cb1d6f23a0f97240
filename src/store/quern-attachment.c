/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-attachment.h"

struct _QuernAttachment {
  GObject parent_instance;

  char *hash; /* SHA-256 of the bytes, in hexadecimal */
  char *name;
  char *mime;
  guint64 size;
  GBytes *bytes;  /* NULL until loaded */
  GBytes *source; /* NULL unless it was made of a file that is still at hand */
};

G_DEFINE_FINAL_TYPE (QuernAttachment, quern_attachment, G_TYPE_OBJECT)

/**
 * quern_attachment_new:
 * @name: what to call it, usually the file's name
 * @mime: its type, such as "image/png" or "text/plain"
 * @bytes: the file's content, unchanged
 *
 * Returns: (transfer full): an attachment for a message that is about to be sent
 */
QuernAttachment *
quern_attachment_new (const char *name, const char *mime, GBytes *bytes)
{
  g_autofree char *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  QuernAttachment *self = quern_attachment_new_stored (hash, name, mime, g_bytes_get_size (bytes));

  self->bytes = g_bytes_ref (bytes);
  return self;
}

/**
 * quern_attachment_new_stored:
 *
 * Returns: (transfer full): an attachment whose bytes are in the store; see quern_store_load_attachment_async()
 */
QuernAttachment *
quern_attachment_new_stored (const char *hash, const char *name, const char *mime, guint64 size)
{
  QuernAttachment *self = g_object_new (QUERN_TYPE_ATTACHMENT, NULL);

  self->hash = g_strdup (hash);
  self->name = g_strdup (name);
  self->mime = g_strdup (mime);
  self->size = size;
  return self;
}

const char *
quern_attachment_get_hash (QuernAttachment *self)
{
  return self->hash;
}

const char *
quern_attachment_get_name (QuernAttachment *self)
{
  return self->name;
}

const char *
quern_attachment_get_mime (QuernAttachment *self)
{
  return self->mime;
}

/* Says more about what it is, before it is sent. */
void
quern_attachment_set_mime (QuernAttachment *self, const char *mime)
{
  g_set_str (&self->mime, mime);
}

guint64
quern_attachment_get_size (QuernAttachment *self)
{
  return self->size;
}

gboolean
quern_attachment_is_picture (QuernAttachment *self)
{
  return g_str_has_prefix (self->mime, "image/");
}

/**
 * quern_attachment_get_bytes:
 *
 * Returns: (transfer none) (nullable): the content, %NULL when it was not loaded yet
 */
GBytes *
quern_attachment_get_bytes (QuernAttachment *self)
{
  return self->bytes;
}

void
quern_attachment_set_bytes (QuernAttachment *self, GBytes *bytes)
{
  GBytes *old = self->bytes;

  self->bytes = bytes ? g_bytes_ref (bytes) : NULL;
  g_clear_pointer (&old, g_bytes_unref);
}

/**
 * quern_attachment_get_source:
 *
 * Returns: (transfer none) (nullable): the file that the content was made of, where it is another one and still in memory; it
 *   is not stored
 */
GBytes *
quern_attachment_get_source (QuernAttachment *self)
{
  return self->source;
}

void
quern_attachment_set_source (QuernAttachment *self, GBytes *source)
{
  GBytes *old = self->source;

  self->source = source ? g_bytes_ref (source) : NULL;
  g_clear_pointer (&old, g_bytes_unref);
}

static void
quern_attachment_finalize (GObject *object)
{
  QuernAttachment *self = QUERN_ATTACHMENT (object);

  g_free (self->hash);
  g_free (self->name);
  g_free (self->mime);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->source, g_bytes_unref);
  G_OBJECT_CLASS (quern_attachment_parent_class)->finalize (object);
}

static void
quern_attachment_class_init (QuernAttachmentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_attachment_finalize;
}

static void
quern_attachment_init (QuernAttachment *self)
{
}
