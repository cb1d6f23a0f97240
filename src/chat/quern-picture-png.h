/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

GdkPixbuf *quern_picture_png_load_small (GBytes *bytes, guint step, GCancellable *cancellable, GError **error);

G_END_DECLS
