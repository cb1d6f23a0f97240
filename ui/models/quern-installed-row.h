/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

GtkWidget *quern_installed_row_new (QuernModel *model);
void quern_installed_row_update (GtkWidget *row, QuernLibrary *library);

G_END_DECLS
