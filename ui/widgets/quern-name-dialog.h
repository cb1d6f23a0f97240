/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

typedef void (*QuernNameFunc) (const char *name, gpointer data);

void quern_name_dialog_ask (GtkWidget *parent, const char *heading, const char *accept, const char *name,
                            QuernNameFunc func, gpointer data, GDestroyNotify destroy);

G_END_DECLS
