/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define QUERN_TYPE_MODEL_FOLDER_ROW (quern_model_folder_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernModelFolderRow, quern_model_folder_row, QUERN, MODEL_FOLDER_ROW, AdwActionRow)

GtkWidget *quern_model_folder_row_new (GFile *folder);

G_END_DECLS
