/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

/* A folder of conversations, which name it by its id (quern_conversation_set_folder_id()). */
#define QUERN_TYPE_FOLDER (quern_folder_get_type ())
G_DECLARE_FINAL_TYPE (QuernFolder, quern_folder, QUERN, FOLDER, GObject)

gint64 quern_folder_get_id (QuernFolder *self);
const char *quern_folder_get_name (QuernFolder *self);

GListModel *quern_store_get_folders (QuernStore *self);
QuernFolder *quern_store_find_folder (QuernStore *self, gint64 id);
QuernFolder *quern_store_add_folder (QuernStore *self, const char *name);
void quern_store_rename_folder (QuernStore *self, QuernFolder *folder, const char *name);
void quern_store_delete_folder (QuernStore *self, QuernFolder *folder);
void quern_store_restore_folder (QuernStore *self, QuernFolder *folder);

G_END_DECLS
