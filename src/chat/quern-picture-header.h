/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is read of a picture file before or beside its decoder. Files are hostile: nothing here fails, allocates or reads
 * past `size`. */

gboolean quern_picture_header_next_box (const guint8 *data, gsize size, gsize *cursor, guint32 *width, guint32 *height);
gboolean quern_picture_header_is_sequential (const guint8 *data, gsize size);
gboolean quern_picture_header_is_whole (const guint8 *data, gsize size);
guint quern_picture_header_orientation (const guint8 *data, gsize size);

G_END_DECLS
