/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "quern-md-block.h"

G_BEGIN_DECLS

void quern_md_widgets_sync (GtkWidget *box, GPtrArray *blocks, guint first);

G_END_DECLS
