/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-thumbnail.h"

/* Decoding a photograph takes a quarter of a second, and rows of the transcript are rebuilt often. So the latest
 * thumbnails are kept, by the hash of the picture's content. */

#define MAX_SIDE 512 /* pixels: what a message shows, on a screen of double density */
#define KEPT 40

struct _QuernThumbnail {
  GObject parent_instance;

  GdkTexture *texture;
  guint width, height; /* of the whole picture */
};

G_DEFINE_FINAL_TYPE (QuernThumbnail, quern_thumbnail, G_TYPE_OBJECT)

typedef struct {
  char *hash;
  QuernThumbnail *thumbnail;
} Kept;

static GQueue kept = G_QUEUE_INIT; /* queue of Kept, the latest first; only for the main thread */

static void
quern_thumbnail_finalize (GObject *object)
{
  g_clear_object (&QUERN_THUMBNAIL (object)->texture);
  G_OBJECT_CLASS (quern_thumbnail_parent_class)->finalize (object);
}

static void
quern_thumbnail_class_init (QuernThumbnailClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_thumbnail_finalize;
}

static void
quern_thumbnail_init (QuernThumbnail *self)
{
}

/**
 * quern_thumbnail_make_texture:
 *
 * Returns: (transfer full): all of @picture, ready to be drawn. Any thread.
 */
GdkTexture *
quern_thumbnail_make_texture (QuernPicture *picture)
{
  guint width = quern_picture_get_width (picture), height = quern_picture_get_height (picture);
  return gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8, quern_picture_get_pixels (picture),
                                 (gsize) width * 3);
}

/**
 * quern_thumbnail_new:
 * @picture: what to make small. Takes a while; any thread.
 *
 * Returns: (transfer full) (nullable): %NULL when there is no memory for it
 */
QuernThumbnail *
quern_thumbnail_new (QuernPicture *picture)
{
  g_autoptr (QuernPicture) small = quern_picture_dup_thumbnail (picture, MAX_SIDE);
  QuernThumbnail *self;

  if (small == NULL)
    return NULL;
  self = g_object_new (QUERN_TYPE_THUMBNAIL, NULL);
  self->texture = quern_thumbnail_make_texture (small);
  self->width = quern_picture_get_width (picture);
  self->height = quern_picture_get_height (picture);
  return self;
}

/**
 * quern_thumbnail_get_paintable:
 *
 * Returns: (transfer none): the small picture, for drawing
 */
GdkPaintable *
quern_thumbnail_get_paintable (QuernThumbnail *self)
{
  return GDK_PAINTABLE (self->texture);
}

guint
quern_thumbnail_get_width (QuernThumbnail *self)
{
  return self->width;
}

guint
quern_thumbnail_get_height (QuernThumbnail *self)
{
  return self->height;
}

static void
kept_free (Kept *entry)
{
  g_free (entry->hash);
  g_object_unref (entry->thumbnail);
  g_free (entry);
}

static int
compare_hash (gconstpointer entry, gconstpointer hash)
{
  return g_strcmp0 (((const Kept *) entry)->hash, hash);
}

/**
 * quern_thumbnail_find:
 *
 * Returns: (transfer none) (nullable): the thumbnail of @attachment, if it is still kept
 */
QuernThumbnail *
quern_thumbnail_find (QuernAttachment *attachment)
{
  GList *link = g_queue_find_custom (&kept, quern_attachment_get_hash (attachment), compare_hash);

  if (link == NULL)
    return NULL;
  g_queue_unlink (&kept, link);
  g_queue_push_head_link (&kept, link);
  return ((Kept *) link->data)->thumbnail;
}

/**
 * quern_thumbnail_keep:
 *
 * Keeps @self for the next widget that shows @attachment.
 */
void
quern_thumbnail_keep (QuernThumbnail *self, QuernAttachment *attachment)
{
  Kept *entry;

  if (quern_thumbnail_find (attachment) != NULL)
    return;
  entry = g_new (Kept, 1);
  *entry = (Kept) { g_strdup (quern_attachment_get_hash (attachment)), g_object_ref (self) };
  g_queue_push_head (&kept, entry);
  if (kept.length > KEPT)
    kept_free (g_queue_pop_tail (&kept));
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

static void
decode_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_new_from_bytes (data, cancellable, &error);
  QuernThumbnail *self = picture != NULL ? quern_thumbnail_new (picture) : NULL;

  if (self != NULL)
    g_task_return_pointer (task, self, g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "no memory for a thumbnail");
}

static void
decode (GTask *task, GBytes *bytes)
{
  g_task_set_task_data (task, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  g_task_run_in_thread (task, decode_worker);
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernAttachment *attachment = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, &error);

  if (bytes == NULL) {
    g_task_return_error (task, error);
    return;
  }
  quern_attachment_set_bytes (attachment, NULL); /* the thumbnail is enough, because the store has the bytes */
  decode (task, bytes);
}

/**
 * quern_thumbnail_load_async:
 * @attachment: a picture
 * @store: (nullable): where its bytes are, when it has none itself
 */
void
quern_thumbnail_load_async (QuernAttachment *attachment, QuernStore *store, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (attachment, cancellable, callback, user_data);
  QuernThumbnail *known = quern_thumbnail_find (attachment);

  if (known != NULL)
    g_task_return_pointer (task, g_object_ref (known), g_object_unref);
  else if (quern_attachment_get_bytes (attachment) != NULL)
    decode (task, quern_attachment_get_bytes (attachment));
  else if (store != NULL)
    quern_store_load_attachment_async (store, attachment, cancellable, stored_cb, g_steal_pointer (&task));
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the picture is not here");
}

/**
 * quern_thumbnail_load_finish:
 *
 * Returns: (transfer full) (nullable): the thumbnail, which is kept from now on
 */
QuernThumbnail *
quern_thumbnail_load_finish (GAsyncResult *result, GError **error)
{
  QuernThumbnail *self = g_task_propagate_pointer (G_TASK (result), error);

  if (self != NULL)
    quern_thumbnail_keep (self, g_task_get_source_object (G_TASK (result)));
  return self;
}
