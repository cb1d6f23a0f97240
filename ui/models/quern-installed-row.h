/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-models-service.h"

G_BEGIN_DECLS

#define QUERN_TYPE_INSTALLED_ROW (quern_installed_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernInstalledRow, quern_installed_row, QUERN, INSTALLED_ROW, AdwActionRow)

GtkWidget *quern_installed_row_new (QuernModel *model, QuernLibrary *library);
void quern_installed_row_update (QuernInstalledRow *self, QuernLibrary *library);

G_END_DECLS
