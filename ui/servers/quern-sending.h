/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-model.h"

G_BEGIN_DECLS

typedef void (*QuernSendingFunc) (GtkWidget *widget, gpointer data);

gboolean quern_sending_is_told (QuernModel *model);
void quern_sending_tell (GtkWidget *widget, const GPtrArray *models, QuernSendingFunc func, gpointer data,
                         GDestroyNotify destroy);

G_END_DECLS
