/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-picture.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* A small copy of an attached picture, ready to be drawn. Immutable. */
#define QUERN_TYPE_THUMBNAIL (quern_thumbnail_get_type ())
G_DECLARE_FINAL_TYPE (QuernThumbnail, quern_thumbnail, QUERN, THUMBNAIL, GObject)

QuernThumbnail *quern_thumbnail_new (QuernPicture *picture);
GdkTexture *quern_thumbnail_make_texture (QuernPicture *picture);
GdkPaintable *quern_thumbnail_get_paintable (QuernThumbnail *self);
guint quern_thumbnail_get_width (QuernThumbnail *self);
guint quern_thumbnail_get_height (QuernThumbnail *self);

void quern_thumbnail_keep (QuernThumbnail *self, QuernAttachment *attachment);
QuernThumbnail *quern_thumbnail_find (QuernAttachment *attachment);
void quern_thumbnail_load_async (QuernAttachment *attachment, QuernStore *store, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
QuernThumbnail *quern_thumbnail_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS
