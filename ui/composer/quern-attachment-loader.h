/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-attachment.h"

G_BEGIN_DECLS

void quern_attachment_load_file_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);
void quern_attachment_load_texture_async (const char *name, GdkTexture *texture, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
QuernAttachment *quern_attachment_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS
