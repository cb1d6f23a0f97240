/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

/* A picture of a message: press it to see it in full. */
#define QUERN_TYPE_PICTURE_TILE (quern_picture_tile_get_type ())
G_DECLARE_FINAL_TYPE (QuernPictureTile, quern_picture_tile, QUERN, PICTURE_TILE, AdwBin)

GtkWidget *quern_picture_tile_new (GListModel *pictures, guint position, QuernStore *store);

G_END_DECLS
