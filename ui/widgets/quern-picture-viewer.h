/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

/* Pictures in full, one at a time: zoom, move, save. */
#define QUERN_TYPE_PICTURE_VIEWER (quern_picture_viewer_get_type ())
G_DECLARE_FINAL_TYPE (QuernPictureViewer, quern_picture_viewer, QUERN, PICTURE_VIEWER, AdwDialog)

void quern_picture_viewer_present (GtkWidget *parent, GListModel *pictures, guint position, QuernStore *store);

G_END_DECLS
