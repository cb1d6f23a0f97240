/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

void quern_undo_offer (GtkWidget *widget, QuernStore *store, const char *title, void (*undo) (gpointer data),
                       gpointer data, GDestroyNotify destroy);

G_END_DECLS
