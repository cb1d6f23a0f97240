/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

typedef void (*QuernPlainKeyFunc) (GtkWidget *widget, gboolean allowed);

void quern_plain_key_ask (GtkWidget *widget, const char *host, QuernPlainKeyFunc func);

G_END_DECLS
