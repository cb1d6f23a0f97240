/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-folder.h"

G_BEGIN_DECLS

#define QUERN_TYPE_FOLDER_ROW (quern_folder_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernFolderRow, quern_folder_row, QUERN, FOLDER_ROW, AdwBin)

GtkWidget *quern_folder_row_new (void);
void quern_folder_row_set_folder (QuernFolderRow *self, QuernFolder *folder);
QuernFolder *quern_folder_row_get_folder (QuernFolderRow *self);
void quern_folder_row_set_expanded (QuernFolderRow *self, gboolean expanded);
void quern_folder_row_popup (QuernFolderRow *self);

G_END_DECLS
