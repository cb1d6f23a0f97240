/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "quern-generation.h"

G_BEGIN_DECLS

#define QUERN_TYPE_PICTURE (quern_picture_get_type ())
G_DECLARE_FINAL_TYPE (QuernPicture, quern_picture, QUERN, PICTURE, GObject)

#define QUERN_PICTURE_ERROR (quern_picture_error_quark ())

typedef enum {
  QUERN_PICTURE_ERROR_NOT_A_PICTURE, /* no format that is read here */
  QUERN_PICTURE_ERROR_NO_LOADER,     /* a known format that this system has no loader for */
  QUERN_PICTURE_ERROR_TOO_LARGE,     /* in pixels or bytes; found before anything of that size is made */
  QUERN_PICTURE_ERROR_DAMAGED,
} QuernPictureError;

/* What a picture has at most once it is loaded: larger ones are made smaller while they are. */
#define QUERN_PICTURE_MAX_SIDE 16384
#define QUERN_PICTURE_MAX_PIXELS (100 * 1000 * 1000)
/* What a file may have: of the formats that are made smaller piece by piece, and of those whose loaders need all of it. */
#define QUERN_PICTURE_MAX_LOADED_SIDE 65535
#define QUERN_PICTURE_MAX_LOADED_PIXELS (1000 * 1000 * 1000)
#define QUERN_PICTURE_MAX_WHOLE_PIXELS (256 * 1000 * 1000)
#define QUERN_PICTURE_MAX_BYTES (256 * 1024 * 1024)

GQuark quern_picture_error_quark (void);

QuernPicture *quern_picture_new_from_bytes (GBytes *bytes, GCancellable *cancellable, GError **error);
QuernPicture *quern_picture_new_from_file (GFile *file, GCancellable *cancellable, GError **error);
void quern_picture_load_bytes_async (GBytes *bytes, GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
void quern_picture_load_file_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
QuernPicture *quern_picture_load_finish (GAsyncResult *result, GError **error);

guint quern_picture_get_width (QuernPicture *self);
guint quern_picture_get_height (QuernPicture *self);
GBytes *quern_picture_get_pixels (QuernPicture *self);
QuernPixels *quern_picture_dup_pixels (QuernPicture *self);
GBytes *quern_picture_get_source (QuernPicture *self);
const char *quern_picture_get_mime_type (QuernPicture *self);
QuernPicture *quern_picture_dup_thumbnail (QuernPicture *self, guint max_side);

G_END_DECLS
